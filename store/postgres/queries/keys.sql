-- name: CreateKey :exec
INSERT INTO api_keys (org_id, id, user_id, name, hash, prefix, last4, status, expires_at, last_used_at, created_at, revoked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: KeyByHash :one
SELECT * FROM api_keys WHERE hash = $1;

-- name: Keys :many
SELECT * FROM api_keys WHERE org_id = @org_id AND user_id = ANY (@user_ids::text[]) ORDER BY id;

-- name: KeysByID :many
SELECT * FROM api_keys WHERE org_id = @org_id AND id = ANY (@ids::text[]) ORDER BY id;

-- name: RevokeKey :execrows
UPDATE api_keys SET status = 'revoked', revoked_at = coalesce(revoked_at, @at::timestamptz) WHERE org_id = @org_id AND id = @id;

-- name: RevokeKeysOf :exec
UPDATE api_keys SET status = 'revoked', revoked_at = @at::timestamptz WHERE org_id = @org_id AND user_id = @user_id AND status <> 'revoked';

-- name: UseKeys :exec
WITH used AS (
    SELECT unnest(@org_ids::text[]) AS org_id, unnest(@ids::text[]) AS id, unnest(@at::timestamptz[]) AS at
), locked AS (
    SELECT k.org_id, k.id, used.at FROM api_keys k JOIN used ON used.org_id = k.org_id AND used.id = k.id
    WHERE k.last_used_at IS NULL OR k.last_used_at < used.at
    ORDER BY k.org_id, k.id FOR UPDATE OF k
)
UPDATE api_keys k SET last_used_at = locked.at FROM locked WHERE k.org_id = locked.org_id AND k.id = locked.id;
