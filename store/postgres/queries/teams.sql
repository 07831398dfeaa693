-- name: CreateTeam :exec
INSERT INTO teams (org_id, id, department_id, name, description, common_pool, sharing, default_quota, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9);

-- name: Team :one
SELECT * FROM teams WHERE org_id = $1 AND id = $2;

-- name: Teams :many
SELECT * FROM teams WHERE org_id = @org_id AND id > @after::text ORDER BY id LIMIT sqlc.narg(max)::bigint;

-- name: UpdateTeam :execrows
UPDATE teams SET department_id = @department_id, name = @name, description = @description, common_pool = @common_pool, sharing = @sharing,
    default_quota = @default_quota, updated_at = @updated_at, version = version + 1
WHERE org_id = @org_id AND id = @id AND version = @version;

-- name: DeleteTeam :execrows
DELETE FROM teams WHERE org_id = $1 AND id = $2;

-- name: Members :many
SELECT * FROM team_members WHERE org_id = $1 AND team_id = $2 ORDER BY joined_at, user_id;

-- name: Memberships :many
SELECT * FROM team_members WHERE org_id = @org_id AND user_id = ANY (@user_ids::text[]) ORDER BY joined_at, team_id;

-- name: PutMember :one
INSERT INTO team_members (org_id, team_id, user_id, is_admin, joined_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (org_id, team_id, user_id) DO UPDATE SET is_admin = EXCLUDED.is_admin, updated_at = now()
RETURNING (xmax = 0)::boolean AS created;

-- name: RemoveMember :execrows
DELETE FROM team_members WHERE org_id = $1 AND team_id = $2 AND user_id = $3;

-- name: LeaveTeams :exec
DELETE FROM team_members WHERE org_id = $1 AND user_id = $2;

-- name: TeamShares :many
SELECT t.*, count(u.id) FILTER (WHERE u.status = 'active') AS active,
    coalesce((array_agg(u.email ORDER BY m.joined_at, m.user_id) FILTER (WHERE m.is_admin AND u.status <> 'suspended'))[1], '')::text AS ask
FROM teams t
LEFT JOIN team_members m ON m.org_id = t.org_id AND m.team_id = t.id
LEFT JOIN users u ON u.org_id = m.org_id AND u.id = m.user_id AND u.deleted_at IS NULL
WHERE t.org_id = @org_id AND (sqlc.narg(ids)::text[] IS NULL OR t.id = ANY (sqlc.narg(ids)::text[])) GROUP BY t.org_id, t.id ORDER BY t.id;
