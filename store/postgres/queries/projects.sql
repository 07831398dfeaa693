-- name: Projects :many
SELECT * FROM projects WHERE org_id = $1 ORDER BY id;

-- name: Project :one
SELECT * FROM projects WHERE org_id = $1 AND id = $2;

-- name: CreateProject :exec
INSERT INTO projects (org_id, id, code, name, active, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6);

-- name: UpdateProject :execrows
UPDATE projects SET code = @code, name = @name, active = @active, updated_at = @updated_at, version = version + 1
WHERE org_id = @org_id AND id = @id AND version = @version;

-- name: ProjectMembers :many
SELECT user_id FROM project_members WHERE org_id = $1 AND project_id = $2 ORDER BY user_id;

-- name: AddProjectMember :exec
INSERT INTO project_members (org_id, project_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: RemoveProjectMember :execrows
DELETE FROM project_members WHERE org_id = $1 AND project_id = $2 AND user_id = $3;

-- name: LeaveProjects :exec
DELETE FROM project_members WHERE org_id = $1 AND user_id = $2;

-- name: ProjectsOf :many
SELECT m.user_id, p.id, p.code FROM project_members m JOIN projects p ON p.org_id = m.org_id AND p.id = m.project_id
WHERE m.org_id = @org_id AND m.user_id = ANY (@user_ids::text[]) AND p.active
ORDER BY m.user_id, p.code;
