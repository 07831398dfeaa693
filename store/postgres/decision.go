package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

// Decision returns the answer to one request: as it was recorded for a
// refusal, or made from the events of an admitted one. A request that still
// runs is CodeNotFound.
func (s *Store) Decision(ctx context.Context, org alfred.OrgID, id alfred.DecisionID) (alfred.Decision, error) {
	d, err := s.q(ctx).Decision(ctx, org, id)
	if !errors.Is(err, pgx.ErrNoRows) {
		return d, failed(err, "read decision %s", id)
	}
	events, err := s.eventsOf(ctx, org, id)
	if err != nil {
		return alfred.Decision{}, failed(err, "read decision %s", id)
	}
	if len(events) == 0 {
		return alfred.Decision{}, missing("decision", id)
	}
	return admitted(events), nil
}

// admitted explains a request from its events, oldest first.
func admitted(events []alfred.UsageEvent) alfred.Decision {
	first, cost := events[0], alfred.Credits(0)
	for _, e := range events {
		cost += e.Cost
	}
	detail := fmt.Sprintf("Admitted: up to %s credits were held and %s were charged.", alfred.Figure(first.Held), alfred.Figure(cost))
	switch {
	case first.Degraded != "":
		detail = fmt.Sprintf("Admitted without a hold, while the live counters could not be reached; %s credits were charged.", alfred.Figure(cost))
	case first.Shrunk:
		detail += fmt.Sprintf(" The answer was limited to %s tokens, so that it fits what was left.", alfred.Figure(first.OutputLimit))
	}
	return alfred.Decision{
		ID: first.Decision, Request: first.Request, Org: first.Org, User: first.User, Key: first.Key, At: first.At, Allowed: true,
		Detail: detail, Model: first.Model, Priority: first.Priority, Want: first.Held, Degraded: first.Degraded,
	}
}

// Decisions returns refusals, newest first, and the cursor of the next page,
// "" on the last one.
func (s *Store) Decisions(ctx context.Context, org alfred.OrgID, f alfred.DecisionFilter) (decisions []alfred.Decision, next string, err error) {
	w := where{}
	w.add("org_id = %s", org)
	if f.User != "" {
		w.add("user_id = %s", f.User)
	}
	if f.Teams != nil {
		w.add("user_id IN (SELECT m.user_id FROM team_members m WHERE m.org_id = $1 AND m.team_id = ANY (%s::text[]))", texts(f.Teams))
	}
	if len(f.Codes) > 0 {
		w.add("code = ANY (%s::text[])", texts(f.Codes))
	}
	if !f.From.IsZero() {
		w.add("at >= %s", f.From)
	}
	if !f.Until.IsZero() {
		w.add("at < %s", f.Until)
	}
	if f.After != "" {
		after, err := parsePlace(f.After)
		if err != nil {
			return nil, "", err
		}
		w.text = append(w.text, fmt.Sprintf("(at, id) < (%s, %s)", w.arg(after.at), w.arg(after.reservation)))
	}
	found, err := s.conn(ctx).Query(ctx, "SELECT at, decision FROM decisions WHERE "+w.String()+" ORDER BY at DESC, id DESC LIMIT "+w.arg(f.Limit+1), w.args...)
	if err != nil {
		return nil, "", failed(err, "list decisions")
	}
	var at []time.Time
	decisions, err = pgx.CollectRows(found, func(r pgx.CollectableRow) (d alfred.Decision, err error) {
		var t time.Time
		err = r.Scan(&t, &d)
		at = append(at, t)
		return d, err
	})
	if err != nil {
		return nil, "", failed(err, "list decisions")
	}
	if len(decisions) > f.Limit {
		decisions = decisions[:f.Limit]
		next = place{at[f.Limit-1], string(decisions[f.Limit-1].ID), "d"}.String()
	}
	return decisions, next, nil
}
