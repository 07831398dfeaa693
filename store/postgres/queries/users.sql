-- name: CreateUser :batchexec
INSERT INTO users (org_id, id, email, email_key, name, status, vacation_start, vacation_until, access_role, department_id, quota, max_priority, kind, cost_center,
    created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15);

-- name: User :one
SELECT * FROM users WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL;

-- name: UserByEmail :batchone
-- One by one: many in one question are looked for in the index of parts of addresses, which takes a thousand times as long.
SELECT * FROM users WHERE org_id = $1 AND email_key = $2 AND kind = 'person' AND deleted_at IS NULL;

-- name: Users :many
SELECT * FROM users u
WHERE u.org_id = @org_id AND u.deleted_at IS NULL AND u.id > @after::text
  AND (@query::text = '' OR strpos(lower(u.email), lower(@query)) > 0 OR strpos(lower(u.name), lower(@query)) > 0)
  AND (@access::text = '' OR u.access_role = @access)
  AND (@kind::text = '' OR u.kind = @kind)
  AND (@team::text = '' OR EXISTS (SELECT FROM team_members m WHERE m.org_id = u.org_id AND m.team_id = @team AND m.user_id = u.id))
  AND (sqlc.narg(statuses)::text[] IS NULL OR u.status = ANY (sqlc.narg(statuses)::text[]))
  AND (sqlc.narg(ids)::text[] IS NULL OR u.id = ANY (sqlc.narg(ids)::text[]))
ORDER BY u.id LIMIT sqlc.narg(max)::bigint;

-- name: UsersEvenDeleted :many
SELECT * FROM users WHERE org_id = @org_id AND id = ANY (@ids::text[]) ORDER BY id;

-- name: UpdateUser :batchone
UPDATE users SET email = @email, email_key = @email_key, name = @name, status = @status, vacation_start = @vacation_start, vacation_until = @vacation_until,
    access_role = @access_role, department_id = @department_id, quota = @quota, max_priority = @max_priority, cost_center = @cost_center, updated_at = @updated_at, version = version + 1
WHERE org_id = @org_id AND id = @id AND version = @version AND deleted_at IS NULL RETURNING version;

-- name: DeleteUser :execrows
UPDATE users SET deleted_at = @at::timestamptz, updated_at = @at, version = version + 1
WHERE org_id = @org_id AND id = @id AND deleted_at IS NULL AND (@version::bigint = 0 OR version = @version);

-- name: CountOwners :one
SELECT count(*) FROM users WHERE org_id = $1 AND access_role = 'owner' AND status <> 'suspended' AND deleted_at IS NULL;

-- name: CountPeople :one
WITH people AS MATERIALIZED (
    SELECT u.id, u.status, coalesce(u.quota, p.default_quota, @otherwise::bigint) AS quota
    FROM users u
    LEFT JOIN (SELECT m.user_id, t.default_quota FROM teams t JOIN team_members m ON m.org_id = t.org_id AND m.team_id = t.id
        WHERE t.org_id = @org_id AND t.default_quota IS NOT NULL AND NOT EXISTS (SELECT FROM team_members e WHERE e.org_id = @org_id AND e.user_id = m.user_id
            AND (e.joined_at, e.team_id) < (m.joined_at, m.team_id))) p ON p.user_id = u.id
    WHERE u.org_id = @org_id AND u.deleted_at IS NULL AND u.kind = 'person'
      AND (@everyone::boolean
        OR (@department::text <> '' AND u.department_id = @department)
        OR u.id IN (SELECT m.user_id FROM team_members m WHERE m.org_id = @org_id AND m.team_id = ANY (@teams::text[])))
)
SELECT count(*) FILTER (WHERE status = 'active') AS active, count(*) FILTER (WHERE status = 'on_vacation') AS on_vacation,
    count(*) FILTER (WHERE status = 'suspended') AS suspended, coalesce(sum(quota), 0)::bigint AS quotas,
    (SELECT count(*) FROM counter_usage c WHERE c.org_id = @org_id AND c.kind = 'user' AND c.window_start = @start::timestamptz AND c.settled > 0
        AND c.subject NOT IN (SELECT s.id FROM users s WHERE s.org_id = @org_id AND s.kind = 'service')
        AND (@everyone::boolean OR c.subject IN (SELECT id FROM people))) AS used
FROM people;
