package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// Requests returns the events that ended requests, newest first, and the
// cursor of the next page, "" on the last one. What was corrected later
// carries the corrected cost.
//
// It reads one page by the index that is narrowest for the filter: a person's,
// a team's, a project's, of what went wrong, or the organisation's.
func (s *Store) Requests(ctx context.Context, org alfred.OrgID, f alfred.RequestFilter) (events []alfred.UsageEvent, next string, err error) {
	w := where{}
	w.add("org_id = %s", org)
	if f.Teams != nil {
		w.add("team_id = ANY (%s::text[]) AND team_id <> ''", texts(f.Teams))
	}
	if f.User != "" {
		w.add("user_id = %s", f.User)
	}
	if f.Project != "" {
		w.add("project_id = %s AND project_id <> ''", f.Project)
	}
	if f.Model != "" {
		w.add("model = %s", clean(f.Model))
	}
	if f.Key != "" { // a key is one person's, and people are indexed
		w.add("key_id = %[1]s AND user_id = (SELECT k.user_id FROM api_keys k WHERE k.org_id = $1 AND k.id = %[1]s)", f.Key)
	}
	if f.Priority != "" {
		w.add("priority = %s", f.Priority)
	}
	if f.MinCost > 0 {
		w.add("cost >= %s", int64(f.MinCost))
	}
	if len(f.Outcomes) > 0 {
		w.add("outcome = ANY (%s::text[])", texts(f.Outcomes))
		if !slices.Contains(f.Outcomes, alfred.OutcomeCompleted) {
			w.text = append(w.text, "outcome <> 'completed'")
		}
	}
	if !f.From.IsZero() {
		w.add("at >= %[1]s AND occurred_on >= (%[1]s::timestamptz AT TIME ZONE 'UTC')::date", f.From)
	}
	if !f.Until.IsZero() {
		w.add("at < %[1]s AND occurred_on <= (%[1]s::timestamptz AT TIME ZONE 'UTC')::date", f.Until)
	}
	if f.After != "" {
		after, err := parsePlace(f.After)
		if err != nil {
			return nil, "", err
		}
		w.add("occurred_on <= (%s::timestamptz AT TIME ZONE 'UTC')::date", after.at)
		w.text = append(w.text, fmt.Sprintf("(at, reservation_id, kind) < (%s, %s, %s)", w.arg(after.at), w.arg(after.reservation), w.arg(after.kind)))
	}
	sql := "SELECT * FROM usage_events WHERE kind <> 'adjust' AND " + w.String() +
		" ORDER BY at DESC, reservation_id DESC, kind DESC LIMIT " + w.arg(f.Limit+1)
	found, err := s.conn(ctx).Query(ctx, sql, w.args...)
	if err != nil {
		return nil, "", failed(err, "list requests")
	}
	rows, err := pgx.CollectRows(found, pgx.RowToStructByPos[db.UsageEvent])
	if err != nil {
		return nil, "", failed(err, "list requests")
	}
	if len(rows) > f.Limit {
		rows = rows[:f.Limit]
		last := rows[f.Limit-1]
		next = place{last.At, string(last.ReservationID), string(last.Kind)}.String()
	}
	events = each(rows, event)
	return events, next, s.corrected(ctx, org, events)
}

// corrected adds what later events corrected to the costs of some events.
func (s *Store) corrected(ctx context.Context, org alfred.OrgID, events []alfred.UsageEvent) error {
	var decisions []string
	for _, e := range events {
		if e.Kind == alfred.EventExpired || e.Late {
			decisions = append(decisions, string(e.Decision))
		}
	}
	if len(decisions) == 0 {
		return nil
	}
	rows, err := s.q(ctx).Corrections(ctx, org, decisions)
	if err != nil {
		return failed(err, "read corrections")
	}
	for i := range events {
		for _, r := range rows {
			if r.ReservationID == events[i].Reservation && events[i].Kind != alfred.EventVoid {
				events[i].Cost += alfred.Credits(r.Cost)
			}
		}
	}
	return nil
}

// RequestEvents returns what was recorded of one request, oldest first.
func (s *Store) RequestEvents(ctx context.Context, org alfred.OrgID, id alfred.DecisionID) ([]alfred.UsageEvent, error) {
	rows, err := s.q(ctx).UsageOfDecision(ctx, org, id)
	return each(rows, event), failed(err, "read request %s", id)
}

// where builds conditions with parameters.
type where struct {
	text []string
	args []any
}

// add adds a condition about one parameter.
func (w *where) add(condition string, v any) {
	w.text = append(w.text, fmt.Sprintf(condition, w.arg(v)))
}

// arg adds a parameter and returns its name.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return fmt.Sprintf("$%d", len(w.args))
}

func (w *where) String() string { return strings.Join(w.text, " AND ") }
