-- name: EnsureUsagePartitions :exec
SELECT ensure_usage_partition(day) FROM unnest(@days::date[]) AS day ORDER BY day;

-- name: AddUsageEvents :batchone
INSERT INTO usage_events (occurred_on, at, org_id, reservation_id, kind, request_id, decision_id, user_id, key_id, team_id, department_id, project_id,
    model, provider, priority, private, stream, input, cached_input, cache_write, output, reasoning, estimated, overrun, late, degraded, held, cost,
    charges, legs, card_version, input_bound, output_limit, shrunk, status, outcome, shadow, millis, decided_millis, first_byte_millis)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,
    $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40)
ON CONFLICT (occurred_on, reservation_id, kind) DO NOTHING
RETURNING true AS added;

-- name: LockUsage :one
SELECT (now() AT TIME ZONE 'UTC')::date AS today FROM pg_advisory_xact_lock(hashtextextended(@name::text, 0));

-- name: BookedOf :many
SELECT u.reservation_id, u.occurred_on, u.kind, u.late, u.cost, u.charges, u.legs, u.input, u.cached_input, u.cache_write, u.output, u.reasoning,
    u.org_id, u.user_id, u.key_id, u.team_id, u.department_id, u.project_id, u.model
FROM (SELECT unnest(@days::date[]) AS day, unnest(@reservation_ids::text[]) AS id) AS k
JOIN usage_events u ON u.occurred_on = k.day AND u.reservation_id = k.id;

-- name: AddCounterUsage :exec
INSERT INTO counter_usage (org_id, kind, subject, window_start, window_end, settled)
SELECT unnest(@org_ids::text[]), unnest(@kinds::text[]), unnest(@subjects::text[]), unnest(@window_starts::timestamptz[]),
    unnest(@window_ends::timestamptz[]), unnest(@amounts::bigint[])
ON CONFLICT (org_id, kind, subject, window_start) DO UPDATE SET settled = counter_usage.settled + EXCLUDED.settled, updated_at = now();

-- name: AddUsageHourly :exec
INSERT INTO usage_hourly (org_id, hour, user_id, team_id, department_id, project_id, model, provider, key_id, outcome, requests, denials, estimated, overruns,
    input, cached_input, cache_write, output, reasoning, cost, millis)
SELECT unnest(@org_ids::text[]), unnest(@hours::timestamptz[]), unnest(@user_ids::text[]), unnest(@team_ids::text[]), unnest(@department_ids::text[]),
    unnest(@project_ids::text[]), unnest(@models::text[]), unnest(@providers::text[]), unnest(@key_ids::text[]), unnest(@outcomes::text[]),
    unnest(@requests::bigint[]), unnest(@denials::bigint[]), unnest(@estimated::bigint[]), unnest(@overruns::bigint[]),
    unnest(@input::bigint[]), unnest(@cached_input::bigint[]), unnest(@cache_write::bigint[]), unnest(@output::bigint[]), unnest(@reasoning::bigint[]),
    unnest(@cost::bigint[]), unnest(@millis::bigint[])
ON CONFLICT (org_id, hour, user_id, team_id, department_id, project_id, model, provider, key_id, outcome) DO UPDATE SET
    requests = usage_hourly.requests + EXCLUDED.requests, denials = usage_hourly.denials + EXCLUDED.denials,
    estimated = usage_hourly.estimated + EXCLUDED.estimated, overruns = usage_hourly.overruns + EXCLUDED.overruns,
    input = usage_hourly.input + EXCLUDED.input, cached_input = usage_hourly.cached_input + EXCLUDED.cached_input,
    cache_write = usage_hourly.cache_write + EXCLUDED.cache_write, output = usage_hourly.output + EXCLUDED.output,
    reasoning = usage_hourly.reasoning + EXCLUDED.reasoning, cost = usage_hourly.cost + EXCLUDED.cost, millis = usage_hourly.millis + EXCLUDED.millis;

-- name: AddUsageRollups :exec
INSERT INTO usage_rollups (org_id, grain, dimension, at, subject, model, provider, outcome, requests, denials, estimated, overruns,
    input, cached_input, cache_write, output, reasoning, cost, millis)
SELECT unnest(@org_ids::text[]), unnest(@grains::text[]), unnest(@dimensions::text[]), unnest(@ats::timestamptz[]), unnest(@subjects::text[]),
    unnest(@models::text[]), unnest(@providers::text[]), unnest(@outcomes::text[]),
    unnest(@requests::bigint[]), unnest(@denials::bigint[]), unnest(@estimated::bigint[]), unnest(@overruns::bigint[]),
    unnest(@input::bigint[]), unnest(@cached_input::bigint[]), unnest(@cache_write::bigint[]), unnest(@output::bigint[]), unnest(@reasoning::bigint[]),
    unnest(@cost::bigint[]), unnest(@millis::bigint[])
ON CONFLICT (org_id, grain, dimension, at, subject, model, provider, outcome) DO UPDATE SET
    requests = usage_rollups.requests + EXCLUDED.requests, denials = usage_rollups.denials + EXCLUDED.denials,
    estimated = usage_rollups.estimated + EXCLUDED.estimated, overruns = usage_rollups.overruns + EXCLUDED.overruns,
    input = usage_rollups.input + EXCLUDED.input, cached_input = usage_rollups.cached_input + EXCLUDED.cached_input,
    cache_write = usage_rollups.cache_write + EXCLUDED.cache_write, output = usage_rollups.output + EXCLUDED.output,
    reasoning = usage_rollups.reasoning + EXCLUDED.reasoning, cost = usage_rollups.cost + EXCLUDED.cost, millis = usage_rollups.millis + EXCLUDED.millis;

-- name: Zones :many
SELECT id, (settings->>'zone')::text AS zone FROM organizations WHERE id = ANY (@ids::text[]);

-- name: AddDecisions :batchone
INSERT INTO decisions (id, org_id, user_id, at, code, decision) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO NOTHING
RETURNING true AS added;

-- name: SetAside :exec
INSERT INTO stream_set_aside (org_id, entry, raw, reason) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: EntriesSetAside :many
SELECT * FROM stream_set_aside
WHERE org_id = @org_id AND (@after::text = '' OR entry < @after::text) AND (NOT @waiting::boolean OR recorded_at IS NULL)
ORDER BY entry DESC LIMIT sqlc.narg(max)::bigint;

-- name: EntrySetAside :one
SELECT * FROM stream_set_aside WHERE org_id = $1 AND entry = $2;

-- name: TriedSetAside :one
UPDATE stream_set_aside SET attempts = attempts + 1, tried_at = @tried_at, reason = @reason, recorded_at = coalesce(recorded_at, sqlc.narg(recorded_at)::timestamptz)
WHERE org_id = @org_id AND entry = @entry
RETURNING *;

-- name: UsageTotals :many
-- Whole hours come from the roll-up, and the parts of hours at either end
-- from the events of those days, so that a window that begins at half past is
-- exact. Since and until are null where there is no such part.
WITH used AS (
    SELECT model, requests, input, cached_input, cache_write, output, reasoning, cost FROM usage_hourly h
    WHERE h.denials = 0 AND h.org_id = @org_id AND (@user_id::text = '' OR h.user_id = @user_id)
      AND (sqlc.narg(first_hour)::timestamptz IS NULL OR hour >= sqlc.narg(first_hour))
      AND (sqlc.narg(end_hour)::timestamptz IS NULL OR hour < sqlc.narg(end_hour))
  UNION ALL
    SELECT model, CASE WHEN kind IN ('settle', 'expired') THEN 1 ELSE 0 END, input, cached_input, cache_write, output, reasoning, cost FROM usage_events e
    WHERE e.org_id = @org_id AND (@user_id = '' OR e.user_id = @user_id) AND kind <> 'void' AND outcome <> 'allowance'
      AND ((occurred_on = (sqlc.narg(since)::timestamptz AT TIME ZONE 'UTC')::date AND at >= sqlc.narg(since)::timestamptz AND at < sqlc.narg(first_hour)
            AND (sqlc.narg(until)::timestamptz IS NULL OR at < sqlc.narg(until)))
        OR (occurred_on = (sqlc.narg(until)::timestamptz AT TIME ZONE 'UTC')::date AND at >= sqlc.narg(end_hour) AND at < sqlc.narg(until)
            AND (sqlc.narg(first_hour)::timestamptz IS NULL OR at >= sqlc.narg(first_hour))))
)
SELECT model, sum(requests)::bigint AS requests, sum(input)::bigint AS input, sum(cached_input)::bigint AS cached_input, sum(cache_write)::bigint AS cache_write,
    sum(output)::bigint AS output, sum(reasoning)::bigint AS reasoning, sum(cost)::bigint AS cost
FROM used GROUP BY model ORDER BY model;

-- name: CounterUsage :one
SELECT coalesce(sum(settled), 0)::bigint FROM counter_usage WHERE org_id = $1 AND kind = $2 AND subject = $3 AND window_start = $4;

-- name: Decision :one
SELECT decision FROM decisions WHERE org_id = $1 AND id = $2;

-- name: UsageOfDecision :many
SELECT * FROM usage_events WHERE org_id = @org_id AND decision_id = @decision_id AND occurred_on >= @since::date ORDER BY at, kind;

-- name: Corrections :many
SELECT reservation_id, sum(cost)::bigint AS cost FROM usage_events
WHERE org_id = @org_id AND decision_id = ANY (@decisions::text[]) AND kind = 'adjust' AND occurred_on >= @since::date GROUP BY reservation_id;
