-- name: CreateTeam :exec
INSERT INTO teams (org_id, id, department_id, name, description, common_pool, sharing, default_quota, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9);

-- name: Team :one
SELECT * FROM teams WHERE org_id = $1 AND id = $2;

-- name: Teams :many
SELECT * FROM teams
WHERE org_id = @org_id AND id > @after::text AND (@query::text = '' OR strpos(lower(name), lower(@query)) > 0)
ORDER BY id LIMIT sqlc.narg(max)::bigint;

-- name: UpdateTeam :execrows
UPDATE teams SET department_id = @department_id, name = @name, description = @description, common_pool = @common_pool, sharing = @sharing,
    default_quota = @default_quota, updated_at = @updated_at, version = version + 1
WHERE org_id = @org_id AND id = @id AND version = @version;

-- name: DeleteTeam :execrows
DELETE FROM teams WHERE org_id = $1 AND id = $2;

-- name: Members :many
SELECT * FROM team_members WHERE org_id = @org_id AND team_id = ANY (@team_ids::text[]) ORDER BY joined_at, user_id;

-- name: Memberships :many
SELECT * FROM team_members WHERE org_id = @org_id AND user_id = ANY (@user_ids::text[]) ORDER BY joined_at, team_id;

-- name: PutMember :batchone
-- The person is locked: who is being deleted joins nothing.
INSERT INTO team_members (org_id, team_id, user_id, is_admin, joined_at)
SELECT u.org_id, $2, u.id, $4, $5 FROM users u WHERE u.org_id = $1 AND u.id = $3 AND u.deleted_at IS NULL FOR SHARE
ON CONFLICT (org_id, team_id, user_id) DO UPDATE SET is_admin = EXCLUDED.is_admin, updated_at = now()
RETURNING (xmax = 0)::boolean AS created;

-- name: RemoveMember :execrows
DELETE FROM team_members WHERE org_id = @org_id AND team_id = @team_id AND user_id = ANY (@user_ids::text[]);

-- name: LeaveTeams :exec
DELETE FROM team_members WHERE org_id = $1 AND user_id = $2;

-- name: TeamShares :many
-- Whom to ask is the team admin who joined first.
SELECT t.*, coalesce(a.members, 0)::bigint AS members, coalesce(a.active, 0)::bigint AS active, coalesce(k.email, '')::text AS ask
FROM teams t
LEFT JOIN (SELECT m.team_id, count(*) AS members, count(*) FILTER (WHERE u.status = 'active') AS active FROM team_members m JOIN users u ON u.org_id = m.org_id AND u.id = m.user_id
    WHERE m.org_id = @org_id AND m.team_id = ANY (@ids::text[]) AND u.deleted_at IS NULL
    GROUP BY m.team_id) a ON a.team_id = t.id
LEFT JOIN LATERAL (SELECT u.email FROM team_members m JOIN users u ON u.org_id = m.org_id AND u.id = m.user_id
    WHERE m.org_id = t.org_id AND m.team_id = t.id AND m.is_admin AND u.status <> 'suspended' AND u.deleted_at IS NULL
    ORDER BY m.joined_at, m.user_id LIMIT 1) k ON true
WHERE t.org_id = @org_id AND t.id = ANY (@ids::text[]) ORDER BY t.id;

-- name: AllTeamShares :many
-- Of all teams: a statement of its own, since none that may or may not be
-- narrowed has a plan that fits both.
SELECT t.*, coalesce(a.members, 0)::bigint AS members, coalesce(a.active, 0)::bigint AS active, coalesce(k.email, '')::text AS ask
FROM teams t
LEFT JOIN (SELECT m.team_id, count(*) AS members, count(*) FILTER (WHERE u.status = 'active') AS active FROM team_members m JOIN users u ON u.org_id = m.org_id AND u.id = m.user_id
    WHERE m.org_id = @org_id AND u.deleted_at IS NULL
    GROUP BY m.team_id) a ON a.team_id = t.id
LEFT JOIN LATERAL (SELECT u.email FROM team_members m JOIN users u ON u.org_id = m.org_id AND u.id = m.user_id
    WHERE m.org_id = t.org_id AND m.team_id = t.id AND m.is_admin AND u.status <> 'suspended' AND u.deleted_at IS NULL
    ORDER BY m.joined_at, m.user_id LIMIT 1) k ON true
WHERE t.org_id = @org_id ORDER BY t.id;
