-- name: CreateUser :exec
INSERT INTO users (org_id, id, email, email_key, name, status, vacation_start, vacation_until, access_role, department_id, quota, max_priority, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13);

-- name: User :one
SELECT * FROM users WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL;

-- name: UserByEmail :one
SELECT * FROM users WHERE org_id = $1 AND email_key = $2 AND deleted_at IS NULL;

-- name: Users :many
SELECT * FROM users u
WHERE u.org_id = @org_id AND u.deleted_at IS NULL AND u.id > @after::text
  AND (@query::text = '' OR strpos(lower(u.email), lower(@query)) > 0 OR strpos(lower(u.name), lower(@query)) > 0)
  AND (@access::text = '' OR u.access_role = @access)
  AND (@team::text = '' OR EXISTS (SELECT FROM team_members m WHERE m.org_id = u.org_id AND m.team_id = @team AND m.user_id = u.id))
  AND (sqlc.narg(statuses)::text[] IS NULL OR u.status = ANY (sqlc.narg(statuses)::text[]))
  AND (sqlc.narg(ids)::text[] IS NULL OR u.id = ANY (sqlc.narg(ids)::text[]))
ORDER BY u.id LIMIT sqlc.narg(max)::bigint;

-- name: UsersEvenDeleted :many
SELECT * FROM users WHERE org_id = @org_id AND id = ANY (@ids::text[]) ORDER BY id;

-- name: UpdateUser :execrows
UPDATE users SET email = @email, email_key = @email_key, name = @name, status = @status, vacation_start = @vacation_start, vacation_until = @vacation_until,
    access_role = @access_role, department_id = @department_id, quota = @quota, max_priority = @max_priority, updated_at = @updated_at, version = version + 1
WHERE org_id = @org_id AND id = @id AND version = @version AND deleted_at IS NULL;

-- name: DeleteUser :execrows
UPDATE users SET deleted_at = @at::timestamptz, updated_at = @at, version = version + 1
WHERE org_id = @org_id AND id = @id AND deleted_at IS NULL;

-- name: CountOwners :one
SELECT count(*) FROM users WHERE org_id = $1 AND access_role = 'owner' AND status <> 'suspended' AND deleted_at IS NULL;
