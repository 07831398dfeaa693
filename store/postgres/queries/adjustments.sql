-- name: AddAdjustments :batchexec
INSERT INTO adjustments (org_id, id, budget, subject, amount, effective_at, expires_at, kind, group_id, on_counter, reason, actor, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: Adjustments :many
SELECT * FROM adjustments
WHERE org_id = @org_id
  AND (@budget::text = '' OR budget = @budget)
  AND (sqlc.narg(subjects)::text[] IS NULL OR subject = ANY (sqlc.narg(subjects)::text[]))
  AND (@kind::text = '' OR kind = @kind)
  AND (@group_id::text = '' OR group_id = @group_id)
  AND (sqlc.narg(end_after)::timestamptz IS NULL OR expires_at IS NULL OR expires_at > sqlc.narg(end_after))
ORDER BY created_at, id;

-- name: Overdrawn :many
SELECT u.id FROM users u JOIN (
    SELECT c.subject FROM counter_usage c WHERE c.org_id = @org_id AND c.kind = 'overdraft' AND c.window_start = @window_start AND c.settled > 0
    UNION
    SELECT a.subject FROM adjustments a WHERE a.org_id = @org_id AND a.budget = 'overdraft' AND a.kind = 'debt' AND a.effective_at = @window_start
) o ON o.subject = u.id
WHERE u.org_id = @org_id AND u.deleted_at IS NULL AND NOT EXISTS (
    SELECT FROM adjustments a WHERE a.org_id = @org_id AND a.budget IN ('personal', 'overdraft') AND a.subject = u.id AND a.kind = 'debt' AND a.effective_at = @next_start
) ORDER BY u.id;
