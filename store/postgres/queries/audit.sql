-- name: LastAudit :one
SELECT seq, hash FROM audit_events WHERE org_id = $1 ORDER BY seq DESC LIMIT 1;

-- name: AppendAudit :batchexec
INSERT INTO audit_events (org_id, seq, at, actor_id, actor_name, action, subject, before, after, reason, ip, request_id, prev_hash, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: Audit :many
SELECT * FROM audit_events
WHERE org_id = @org_id
  AND (@before_seq::bigint = 0 OR seq < @before_seq)
  AND (@actor::text = '' OR actor_id = @actor)
  AND (@action::text = '' OR action = @action OR (right(@action, 1) = '.' AND starts_with(action, @action)))
  AND (@subject::text = '' OR subject = @subject)
  AND (@about::text = '' OR subject = @about OR actor_id = @about)
  AND (sqlc.narg(since)::timestamptz IS NULL OR at >= sqlc.narg(since))
  AND (sqlc.narg(until)::timestamptz IS NULL OR at < sqlc.narg(until))
ORDER BY seq DESC LIMIT sqlc.narg(max)::bigint;
