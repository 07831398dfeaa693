-- name: AddInbox :batchexec
INSERT INTO inbox (org_id, id, user_id, kind, title, body, ref, created_at, read_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: Inbox :many
SELECT * FROM inbox WHERE org_id = @org_id AND user_id = @user_id AND (NOT @unread_only::boolean OR read_at IS NULL)
ORDER BY created_at DESC, id DESC LIMIT sqlc.narg(max)::bigint;

-- name: MarkInboxRead :exec
UPDATE inbox SET read_at = @at::timestamptz WHERE org_id = @org_id AND user_id = @user_id AND read_at IS NULL;
