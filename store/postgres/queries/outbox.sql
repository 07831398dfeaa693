-- name: Touch :exec
INSERT INTO outbox (org_id, kind, subject) SELECT @org_id, @kind, unnest(@subjects::text[]);

-- name: Touched :many
SELECT * FROM outbox ORDER BY seq LIMIT sqlc.narg(max)::bigint;

-- name: AnythingTouched :one
SELECT EXISTS (SELECT FROM outbox);

-- name: Published :exec
DELETE FROM outbox WHERE seq = ANY (@seqs::bigint[]);

-- name: RaiseTopics :execrows
SELECT setval(pg_get_serial_sequence('outbox', 'seq'), @above::bigint)
WHERE coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'seq')::regclass), 0) < @above::bigint;

-- name: Lock :exec
SELECT pg_advisory_xact_lock(hashtextextended(@name::text, 0));
