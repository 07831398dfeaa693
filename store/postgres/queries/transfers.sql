-- name: CreateTransfer :exec
INSERT INTO transfers (org_id, id, move_id, kind, sender_id, sender_team, recipient_id, recipient_team, made_by, amount, reason, window_start, window_end, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: Transfers :many
SELECT * FROM transfers
WHERE org_id = @org_id
  AND (@after::text = '' OR id < @after)
  AND (@sender::text = '' OR sender_id = @sender)
  AND (@recipient::text = '' OR recipient_id = @recipient)
  AND (@either::text = '' OR sender_id = @either OR recipient_id = @either)
  AND (sqlc.narg(since)::timestamptz IS NULL OR created_at >= sqlc.narg(since))
  AND (sqlc.narg(until)::timestamptz IS NULL OR created_at < sqlc.narg(until))
  AND (@min_amount::bigint = 0 OR amount >= @min_amount)
  AND (@max_amount::bigint = 0 OR amount <= @max_amount)
ORDER BY id DESC LIMIT sqlc.narg(max)::bigint;

-- name: TransferTotal :one
SELECT coalesce(sum(amount), 0)::bigint FROM transfers
WHERE org_id = @org_id
  AND (@sender::text = '' OR sender_id = @sender)
  AND (@recipient::text = '' OR recipient_id = @recipient)
  AND (@either::text = '' OR sender_id = @either OR recipient_id = @either)
  AND (sqlc.narg(since)::timestamptz IS NULL OR created_at >= sqlc.narg(since))
  AND (sqlc.narg(until)::timestamptz IS NULL OR created_at < sqlc.narg(until))
  AND (@min_amount::bigint = 0 OR amount >= @min_amount)
  AND (@max_amount::bigint = 0 OR amount <= @max_amount);

-- name: CreateMove :exec
INSERT INTO moves (org_id, id, outflow, state, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: FinishMove :execrows
UPDATE moves SET state = @state, updated_at = now() WHERE org_id = @org_id AND id = @id AND state IN ('pending', @state);

-- name: MoveState :one
SELECT state FROM moves WHERE org_id = $1 AND id = $2;

-- name: PendingMoves :many
SELECT * FROM moves WHERE state = 'pending' AND created_at < @created_before ORDER BY created_at, id;

-- name: UndoneMoves :many
SELECT * FROM moves WHERE org_id = @org_id AND state = 'undone' AND id > @after_id ORDER BY id LIMIT @max::int;
