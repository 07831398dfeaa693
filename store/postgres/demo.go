package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Demo tells what there is of the demo data.
func (s *Store) Demo(ctx context.Context, org alfred.OrgID) (out alfred.DemoData, err error) {
	var at *time.Time
	err = s.conn(ctx).QueryRow(ctx, `SELECT count(*), min(u.recorded) FROM (SELECT (SELECT min(at) FROM audit_events a WHERE a.org_id = $1 AND a.action = 'demo.create'
		AND a.seq = (SELECT max(seq) FROM audit_events b WHERE b.org_id = $1 AND b.action = 'demo.create')) AS recorded
		FROM users WHERE org_id = $1 AND id >= 'usr_7ZDEM0' AND id < 'usr_7ZDEM1') u`, org).Scan(&out.People, &at)
	if err != nil {
		return out, failed(err, "look for demo data")
	}
	out.CreatedAt = moment(at)
	err = s.conn(ctx).QueryRow(ctx, `SELECT (SELECT count(*) FROM teams WHERE org_id = $1 AND id >= 'team_7ZDEM0' AND id < 'team_7ZDEM1'),
		(SELECT coalesce(sum(requests), 0)::bigint FROM usage_rollups WHERE org_id = $1 AND grain = 'month' AND dimension = 'user'
			AND subject >= 'usr_7ZDEM0' AND subject < 'usr_7ZDEM1')`, org).Scan(&out.Teams, &out.Requests)
	return out, failed(err, "look for demo data")
}

// DemoUsed is what the demo data used in a window, all of it or that of some
// teams, and whether there is any demo data.
func (s *Store) DemoUsed(ctx context.Context, org alfred.OrgID, teams []alfred.TeamID, w alfred.Window) (used alfred.Credits, present bool, err error) {
	dimension, mark := "user", "usr_7ZDEM"
	if teams != nil {
		dimension, mark = "team", "team_7ZDEM"
	}
	// Without demo data nothing is summed.
	err = s.conn(ctx).QueryRow(ctx, `SELECT present, CASE WHEN present THEN (SELECT coalesce(sum(cost), 0)::bigint FROM usage_rollups
			WHERE org_id = $1 AND grain = 'day' AND dimension = $2 AND at >= $3 AND at < $4 AND subject >= $5 AND subject < $6
			AND ($2 = 'user' OR subject = ANY ($7::text[]))) ELSE 0 END
		FROM (SELECT EXISTS (SELECT FROM users WHERE org_id = $1 AND id >= 'usr_7ZDEM0' AND id < 'usr_7ZDEM1') AS present) demo`,
		org, dimension, w.Start, w.End, mark+"0", mark+"1", texts(teams)).Scan(&present, &used)
	return used, present, failed(err, "sum what the demo data used")
}

// RemoveDemo takes the demo data away as if it had never been: its rows are
// deleted, and what they added to sums of everyone is taken off again. In a
// transaction.
func (s *Store) RemoveDemo(ctx context.Context, org alfred.OrgID) error {
	if !s.inTx(ctx) {
		return alfred.Errorf(alfred.CodeInternal, "remove demo data: not in a transaction")
	}
	if _, err := s.LockUsage(ctx, org); err != nil {
		return err
	}
	sums := ""
	for i, m := range []string{"requests", "denials", "estimated", "overruns", "input", "cached_input", "cache_write", "output", "reasoning", "cost", "millis"} {
		if i > 0 {
			sums += ", "
		}
		sums += fmt.Sprintf("%[1]s = r.%[1]s - d.%[1]s", m)
	}
	const mine = "org_id = $1 AND user_id >= 'usr_7ZDEM0' AND user_id < 'usr_7ZDEM1'"
	for _, statement := range []string{
		// Sums of what belongs to nobody of the demo, less what it added.
		`UPDATE usage_rollups r SET ` + sums + ` FROM (
			SELECT d.grain, d.dimension, CASE d.grain WHEN 'hour' THEN h.hour ELSE date_trunc(d.grain, h.hour AT TIME ZONE (o.settings->>'zone')) AT TIME ZONE (o.settings->>'zone') END AS at,
				d.subject, CASE WHEN d.total THEN '' ELSE h.model END AS model, CASE WHEN d.total THEN '' ELSE h.provider END AS provider,
				CASE WHEN d.total THEN '' ELSE h.outcome END AS outcome, sum(requests) AS requests, sum(denials) AS denials, sum(estimated) AS estimated,
				sum(overruns) AS overruns, sum(input) AS input, sum(cached_input) AS cached_input, sum(cache_write) AS cache_write, sum(output) AS output,
				sum(reasoning) AS reasoning, sum(cost) AS cost, sum(millis) AS millis
			FROM usage_hourly h JOIN organizations o ON o.id = h.org_id, LATERAL (VALUES
				('hour', 'organization', '', false), ('day', 'organization', '', false), ('hour', 'department', h.department_id, false),
				('day', 'department', h.department_id, false), ('day', 'team', h.team_id, false), ('month', 'team', h.team_id, false),
				('day', 'project', h.project_id, false), ('month', 'project', h.project_id, false), ('day', 'user', h.user_id, true),
				('month', 'user', h.user_id, true), ('day', 'key', h.key_id, true), ('month', 'key', h.key_id, true)
			) AS d (grain, dimension, subject, total)
			WHERE h.` + mine + ` GROUP BY 1, 2, 3, 4, 5, 6, 7) d
		WHERE r.org_id = $1 AND r.grain = d.grain AND r.dimension = d.dimension AND r.at = d.at AND r.subject = d.subject AND r.model = d.model
			AND r.provider = d.provider AND r.outcome = d.outcome`,
		`DELETE FROM usage_rollups WHERE org_id = $1 AND requests = 0 AND denials = 0 AND cost = 0
			AND estimated = 0 AND overruns = 0 AND input = 0 AND cached_input = 0 AND cache_write = 0 AND output = 0 AND reasoning = 0 AND millis = 0`,
		`DELETE FROM usage_hourly WHERE ` + mine,
		`DELETE FROM usage_events WHERE ` + mine,
		`DELETE FROM decisions WHERE ` + mine,
		`DELETE FROM counter_usage WHERE org_id = $1 AND subject ~ '^[a-z]+_7ZDEM0'`,
		`DELETE FROM user_seen WHERE ` + mine,
		`DELETE FROM inbox WHERE ` + mine,
		`DELETE FROM saved_views WHERE ` + mine,
		`DELETE FROM releases WHERE ` + mine,
		`DELETE FROM project_members WHERE ` + mine,
		`DELETE FROM limits l WHERE org_id = $1 AND (is_demo(subject) OR scope = 'key' AND EXISTS (SELECT FROM api_keys k WHERE k.org_id = $1 AND k.id = l.subject
			AND k.user_id >= 'usr_7ZDEM0' AND k.user_id < 'usr_7ZDEM1'))`,
		`DELETE FROM sessions WHERE ` + mine,
		`DELETE FROM api_keys WHERE ` + mine,
		`DELETE FROM transfers WHERE org_id = $1 AND (is_demo(sender_id) OR is_demo(recipient_id))`,
		`DELETE FROM adjustments WHERE org_id = $1 AND is_demo(subject)`,
		`DELETE FROM team_members WHERE org_id = $1 AND (is_demo(team_id) OR is_demo(user_id))`,
		`DELETE FROM teams WHERE org_id = $1 AND is_demo(id)`,
		`DELETE FROM users WHERE org_id = $1 AND is_demo(id)`,
	} {
		if _, err := s.conn(ctx).Exec(ctx, "SET LOCAL alfred.removes_demo = 'on'"); err != nil {
			return failed(err, "remove demo data")
		}
		if _, err := s.conn(ctx).Exec(ctx, statement, org); err != nil {
			return failed(err, "remove demo data")
		}
	}
	_, err := s.conn(ctx).Exec(ctx, "SET LOCAL alfred.removes_demo = 'off'")
	return failed(err, "remove demo data")
}
