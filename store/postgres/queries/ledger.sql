-- name: OpenCounters :many
SELECT kind, subject, window_start, window_end FROM counter_usage
WHERE org_id = @org_id AND window_end > @now AND NOT is_demo(subject) AND (kind, subject, window_start) > (@after_kind::text, @after_subject::text, @after_start::timestamptz)
ORDER BY kind, subject, window_start LIMIT @max;

-- name: CounterTotals :many
SELECT c.kind, c.subject, c.window_start, c.window_end, c.settled, c.outflow
FROM (SELECT unnest(@kinds::text[]) AS kind, unnest(@subjects::text[]) AS subject, unnest(@window_starts::timestamptz[]) AS window_start) AS k
JOIN counter_usage c ON c.org_id = @org_id AND c.kind = k.kind AND c.subject = k.subject AND c.window_start = k.window_start;

-- name: AddCounterOutflow :exec
INSERT INTO counter_usage (org_id, kind, subject, window_start, window_end, settled, outflow)
SELECT unnest(@org_ids::text[]), unnest(@kinds::text[]), unnest(@subjects::text[]), unnest(@window_starts::timestamptz[]), unnest(@window_ends::timestamptz[]), 0, unnest(@amounts::bigint[])
ON CONFLICT (org_id, kind, subject, window_start) DO UPDATE SET outflow = counter_usage.outflow + EXCLUDED.outflow, updated_at = now();

-- name: HasUsage :one
SELECT EXISTS (SELECT FROM counter_usage c WHERE c.org_id = $1) OR EXISTS (SELECT FROM usage_events e WHERE e.org_id = $1) AS has;

-- name: TryLock :one
SELECT pg_try_advisory_xact_lock(hashtextextended(@name::text, 0)) AS got;

-- name: LedgerEpoch :one
SELECT number, lineage, built_at FROM ledger_epochs WHERE org_id = $1;

-- name: PutLedgerEpoch :exec
INSERT INTO ledger_epochs (org_id, number, lineage, built_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (org_id) DO UPDATE SET number = EXCLUDED.number, lineage = EXCLUDED.lineage, built_at = EXCLUDED.built_at
WHERE ledger_epochs.number < EXCLUDED.number;
