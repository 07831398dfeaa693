-- Status 0 is a request in flight, 1 one that has written and has no answer yet.

-- name: ClaimIdempotent :execrows
INSERT INTO idempotency_keys AS k (org_id, actor, key, body_hash, status, header, body, expires_at)
VALUES (@org_id, @actor, @key, @body_hash, 0, '{}', '', @expires_at)
ON CONFLICT (org_id, actor, key) DO UPDATE SET body_hash = EXCLUDED.body_hash, status = 0, header = '{}', body = '', expires_at = EXCLUDED.expires_at
WHERE k.expires_at <= @now::timestamptz;

-- name: IdempotentReply :one
SELECT body_hash, status, header, body FROM idempotency_keys WHERE org_id = $1 AND actor = $2 AND key = $3;

-- name: CommitIdempotent :execrows
UPDATE idempotency_keys SET status = 1, expires_at = @expires_at
WHERE org_id = @org_id AND actor = @actor AND key = @key AND status = 0;

-- name: FinishIdempotent :execrows
UPDATE idempotency_keys SET status = @status, header = @header, body = @body, expires_at = @expires_at
WHERE org_id = @org_id AND actor = @actor AND key = @key AND status IN (0, 1);

-- name: AbandonIdempotent :exec
DELETE FROM idempotency_keys WHERE org_id = @org_id AND actor = @actor AND key = @key AND (status = 0 OR (status = 1 AND @written::boolean));

-- name: ForgetIdempotent :exec
-- A few at a time, in passing, without waiting for anybody.
DELETE FROM idempotency_keys k WHERE (k.org_id, k.actor, k.key) IN (
    SELECT e.org_id, e.actor, e.key FROM idempotency_keys e WHERE e.expires_at <= @now::timestamptz LIMIT 20 FOR UPDATE SKIP LOCKED);
