-- name: RateCard :one
SELECT * FROM rate_card_versions WHERE org_id = @org_id AND effective_from <= @at
ORDER BY effective_from DESC, version DESC LIMIT 1;

-- name: AddRateCard :exec
INSERT INTO rate_card_versions (org_id, version, effective_from, rates) VALUES ($1, $2, $3, $4);

-- name: Models :many
SELECT * FROM models WHERE org_id = $1 ORDER BY name;

-- name: PutModel :exec
INSERT INTO models (org_id, name, provider, max_output, output_limit_field, part_bound) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (org_id, name) DO UPDATE SET provider = EXCLUDED.provider, max_output = EXCLUDED.max_output,
    output_limit_field = EXCLUDED.output_limit_field, part_bound = EXCLUDED.part_bound, updated_at = now();
