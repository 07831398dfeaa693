-- name: Limits :many
SELECT * FROM limits WHERE org_id = $1 ORDER BY scope, subject, metric;

-- name: LimitsOf :many
SELECT * FROM limits WHERE org_id = @org_id AND scope = @scope AND subject = ANY (@subjects::text[]) ORDER BY subject, metric;

-- name: PutLimit :exec
INSERT INTO limits (org_id, scope, subject, metric, credits, rate, mode, fail_mode) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (org_id, scope, subject, metric) DO UPDATE SET credits = EXCLUDED.credits, rate = EXCLUDED.rate, mode = EXCLUDED.mode, fail_mode = EXCLUDED.fail_mode,
    version = limits.version + 1, updated_at = now();

-- name: DeleteLimit :execrows
DELETE FROM limits WHERE org_id = $1 AND scope = $2 AND subject = $3 AND metric = $4;

-- name: DeleteLimitsOf :exec
DELETE FROM limits WHERE org_id = @org_id AND scope = @scope AND subject = ANY (@subjects::text[]);
