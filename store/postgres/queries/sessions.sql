-- name: CreateSession :exec
INSERT INTO sessions (hash, org_id, user_id, key_id, ip, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: Session :one
SELECT * FROM sessions WHERE hash = $1;

-- name: SeeSession :exec
UPDATE sessions SET seen_at = @at WHERE hash = @hash AND seen_at < @at;

-- name: EndSession :exec
DELETE FROM sessions WHERE hash = $1;

-- name: EndSessions :exec
DELETE FROM sessions WHERE org_id = $1 AND user_id = $2;

-- name: ForgetSessions :exec
-- A few at a time, in passing, without waiting for anybody.
DELETE FROM sessions s WHERE s.hash IN (SELECT e.hash FROM sessions e WHERE e.expires_at <= @now::timestamptz LIMIT 20 FOR UPDATE SKIP LOCKED);
