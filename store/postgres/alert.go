package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

// CountersInUse returns what the record has of the counters of a kind in a
// window, of those that anything was spent on.
func (s *Store) CountersInUse(ctx context.Context, org alfred.OrgID, kind alfred.CounterKind, w alfred.Window) (map[string]alfred.CounterTotal, error) {
	rows, err := s.conn(ctx).Query(ctx, `SELECT subject, settled, outflow FROM counter_usage WHERE org_id = $1 AND kind = $2 AND window_start = $3 AND settled > 0`, org, kind, w.Start)
	if err != nil {
		return nil, failed(err, "list counters of %s", kind)
	}
	out := map[string]alfred.CounterTotal{}
	var subject string
	var t alfred.CounterTotal
	_, err = pgx.ForEachRow(rows, []any{&subject, &t.Settled, &t.Outflow}, func() error {
		out[subject] = t
		return nil
	})
	return out, failed(err, "list counters of %s", kind)
}

// AlertLevels returns up to which threshold each budget was told of, in
// windows with one start.
func (s *Store) AlertLevels(ctx context.Context, org alfred.OrgID, start time.Time) ([]alfred.AlertLevel, error) {
	rows, err := s.conn(ctx).Query(ctx, `SELECT kind, subject, window_start, window_end, threshold FROM alert_levels WHERE org_id = $1 AND window_start = $2`, org, start)
	if err != nil {
		return nil, failed(err, "list alert levels")
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (l alfred.AlertLevel, err error) {
		err = r.Scan(&l.Counter.Kind, &l.Counter.Subject, &l.Counter.Window.Start, &l.Counter.Window.End, &l.Threshold)
		return l, err
	})
	return all, failed(err, "list alert levels")
}

// PutAlertLevels stores up to which threshold budgets were told of; 0 forgets
// that anything was.
func (s *Store) PutAlertLevels(ctx context.Context, org alfred.OrgID, levels []alfred.AlertLevel) error {
	n := len(levels)
	kinds, subjects, starts, ends, thresholds := make([]string, n), make([]string, n), make([]time.Time, n), make([]time.Time, n), make([]int, n)
	for i, l := range levels {
		c := l.Counter
		kinds[i], subjects[i], starts[i], ends[i], thresholds[i] = string(c.Kind), c.Subject, c.Window.Start, c.Window.End, l.Threshold
	}
	return s.InTx(ctx, func(ctx context.Context) error {
		_, err := s.conn(ctx).Exec(ctx, `DELETE FROM alert_levels l USING unnest($2::text[], $3::text[], $4::timestamptz[]) AS g (kind, subject, start)
			WHERE l.org_id = $1 AND l.kind = g.kind AND l.subject = g.subject AND l.window_start = g.start`, org, kinds, subjects, starts)
		if err != nil {
			return failed(err, "forget what was told of budgets")
		}
		_, err = s.conn(ctx).Exec(ctx, `INSERT INTO alert_levels (org_id, kind, subject, window_start, window_end, threshold)
			SELECT $1, * FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::int[]) AS g (kind, subject, start, "end", threshold) WHERE threshold > 0`,
			org, kinds, subjects, starts, ends, thresholds)
		return failed(err, "note what was told of budgets")
	})
}

// AddAlerts writes down what is told.
func (s *Store) AddAlerts(ctx context.Context, alerts ...alfred.Alert) error {
	return s.copyRows(ctx, "alerts", []string{"org_id", "id", "kind", "subject", "name", "window_start", "window_end", "threshold", "used", "budget", "shadow", "at"}, len(alerts), func(i int) []any {
		a := alerts[i]
		c := a.Counter
		return []any{a.Org, a.ID, string(c.Kind), c.Subject, clean(a.Name), c.Window.Start, c.Window.End, int32(a.Threshold), int64(a.Used), int64(a.Limit), a.Shadow, a.At}
	})
}

// Alerts returns what was told, newest first, from before an id.
func (s *Store) Alerts(ctx context.Context, org alfred.OrgID, before string, limit int) ([]alfred.Alert, error) {
	rows, err := s.conn(ctx).Query(ctx, `SELECT id, org_id, kind, subject, window_start, window_end, name, threshold, used, budget, shadow, at FROM alerts
		WHERE org_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, org, before, most(limit))
	if err != nil {
		return nil, failed(err, "list alerts")
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (a alfred.Alert, err error) {
		err = r.Scan(&a.ID, &a.Org, &a.Counter.Kind, &a.Counter.Subject, &a.Counter.Window.Start, &a.Counter.Window.End, &a.Name, &a.Threshold, &a.Used, &a.Limit, &a.Shadow, &a.At)
		return a, err
	})
	return all, failed(err, "list alerts")
}
