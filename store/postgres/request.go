package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Requests returns the events that ended requests, newest first, and the
// cursor of the next page, "" on the last one. What was corrected later
// carries the corrected cost.
//
// It reads one page by the index that is narrowest for the filter: a person's,
// a team's, a project's, of what went wrong, or the organisation's.
func (s *Store) Requests(ctx context.Context, org alfred.OrgID, f alfred.RequestFilter) (page []alfred.UsageEvent, next string, err error) {
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
		w.add("at >= %s", f.From)
	}
	if !f.Until.IsZero() {
		w.add("at < %s", f.Until)
	}
	w.text = append(w.text, "kind <> 'adjust'")
	first, last := bounds(f.From, f.Until)
	if last, err = behind(&w, f.After, last); err != nil {
		return nil, "", err
	}
	rows, err := s.pageOfEvents(ctx, w, first, last, f.Limit+1)
	if err != nil {
		return nil, "", failed(err, "list requests")
	}
	rows, next = cut(rows, f.Limit)
	if page, err = events(rows); err != nil {
		return nil, "", failed(err, "list requests")
	}
	return page, next, s.corrected(ctx, org, page)
}

// corrected adds what later events corrected to the costs of some events.
func (s *Store) corrected(ctx context.Context, org alfred.OrgID, events []alfred.UsageEvent) error {
	var decisions []string
	var since time.Time
	for _, e := range events {
		if e.Kind == alfred.EventExpired || e.Late {
			decisions = append(decisions, string(e.Decision))
			if since.IsZero() || e.At.Before(since) {
				since = e.At
			}
		}
	}
	if len(decisions) == 0 {
		return nil
	}
	rows, err := s.q(ctx).Corrections(ctx, org, decisions, day(since.Add(-clocksDiffer)))
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
	all, err := s.eventsOf(ctx, org, id)
	return all, failed(err, "read request %s", id)
}

// eventsOf reads the days since a decision was made, which its id tells; of an
// id that does not, or tells a time that never comes, every day.
func (s *Store) eventsOf(ctx context.Context, org alfred.OrgID, id alfred.DecisionID) ([]alfred.UsageEvent, error) {
	var since time.Time
	if born, ok := alfred.BornAt(string(id)); ok && born.Year() <= lastYear {
		since = day(born.Add(-clocksDiffer))
	}
	rows, err := s.q(ctx).UsageOfDecision(ctx, org, id, since)
	if err != nil {
		return nil, err
	}
	return events(rows)
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
