-- name: Organizations :many
SELECT * FROM organizations ORDER BY id;

-- name: Organization :one
SELECT * FROM organizations WHERE id = $1;

-- name: CreateOrganization :exec
INSERT INTO organizations (id, name, settings, created_at, updated_at) VALUES ($1, $2, $3, $4, $4);

-- name: UpdateOrganization :execrows
UPDATE organizations SET name = @name, settings = @settings, updated_at = @updated_at, version = version + 1
WHERE id = @id AND version = @version;

-- name: Bootstrapped :one
SELECT EXISTS (SELECT FROM deployment);

-- name: MarkBootstrapped :exec
INSERT INTO deployment (bootstrapped_at) VALUES ($1);

-- name: Departments :many
SELECT * FROM departments WHERE org_id = $1 ORDER BY id;

-- name: Department :one
SELECT * FROM departments WHERE org_id = $1 AND id = $2;

-- name: CreateDepartment :exec
INSERT INTO departments (org_id, id, name, cost_center, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5);

-- name: UpdateDepartment :execrows
UPDATE departments SET name = @name, cost_center = @cost_center, updated_at = @updated_at, version = version + 1
WHERE org_id = @org_id AND id = @id AND version = @version;
