-- name: Releases :many
SELECT * FROM releases
WHERE org_id = @org_id AND window_start = @window_start AND window_end = @window_end AND (sqlc.narg(teams)::text[] IS NULL OR team_id = ANY (sqlc.narg(teams)::text[]))
ORDER BY user_id, team_id;

-- name: PutRelease :exec
INSERT INTO releases (org_id, user_id, team_id, window_start, window_end, amount, move_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (org_id, window_start, window_end, user_id, team_id) DO UPDATE SET amount = EXCLUDED.amount, move_id = EXCLUDED.move_id, updated_at = now();

-- name: EndRelease :exec
DELETE FROM releases WHERE org_id = $1 AND user_id = $2 AND team_id = $3 AND window_start = $4 AND window_end = $5;
