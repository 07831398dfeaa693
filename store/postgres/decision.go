package postgres

import (
	"context"
	"errors"
	"fmt"

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
	rows, err := s.q(ctx).UsageOfDecision(ctx, org, id)
	if err != nil {
		return alfred.Decision{}, failed(err, "read decision %s", id)
	}
	if len(rows) == 0 {
		return alfred.Decision{}, missing("decision", id)
	}
	return admitted(each(rows, event)), nil
}

// admitted explains a request from its events, oldest first.
func admitted(events []alfred.UsageEvent) alfred.Decision {
	first, cost := events[0], alfred.Credits(0)
	for _, e := range events {
		cost += e.Cost
	}
	detail := fmt.Sprintf("Admitted: up to %s credits were held and %s were charged.", first.Held, cost)
	switch {
	case first.Degraded != "":
		detail = fmt.Sprintf("Admitted without a hold, while the live counters could not be reached; %s credits were charged.", cost)
	case first.Shrunk:
		detail += fmt.Sprintf(" The answer was limited to %d tokens, so that it fits what was left.", first.OutputLimit)
	}
	return alfred.Decision{
		ID: first.Decision, Request: first.Request, Org: first.Org, User: first.User, Key: first.Key, At: first.At, Allowed: true,
		Detail: detail, Model: first.Model, Priority: first.Priority, Want: first.Held, Degraded: first.Degraded,
	}
}
