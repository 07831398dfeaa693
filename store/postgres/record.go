package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// RecordEvents stores a batch and its aggregates in one transaction and
// returns how many rows were new. An event that is there already, of this
// batch, an earlier one or one in flight elsewhere, changes nothing: the
// aggregates are made of the rows that were inserted alone. What is known of
// a reservation is netted, so that its rows sum to what it cost in whatever
// order, and from however many ledgers, its events come. A void has no
// charges, an adjustment signed ones, and a refusal becomes a decision.
//
// An event that cannot be one (no organisation, reservation, time or known
// kind) fails the whole batch with CodeValidation; the caller sets it aside.
func (s *Store) RecordEvents(ctx context.Context, events []alfred.UsageEvent) (inserted int, err error) {
	var spent, refused []alfred.UsageEvent
	for _, e := range events {
		if err := checkEvent(e); err != nil {
			return 0, err
		}
		if e.Kind == alfred.EventDecision {
			refused = append(refused, printable(e))
		} else {
			spent = append(spent, printable(e))
		}
	}
	if err := s.EnsurePartitions(ctx, days(spent)...); err != nil {
		return 0, err
	}
	// Two recorders with the same events insert them in the same order, so
	// that one waits for the other instead of both for each other.
	slices.SortStableFunc(spent, func(a, b alfred.UsageEvent) int {
		return cmp.Or(day(a.At).Compare(day(b.At)), cmp.Compare(a.Reservation, b.Reservation), cmp.Compare(a.Kind, b.Kind))
	})
	slices.SortStableFunc(refused, func(a, b alfred.UsageEvent) int { return cmp.Compare(a.Refused.ID, b.Refused.ID) })
	err = s.InTx(ctx, func(ctx context.Context) error {
		fresh, err := s.addUsage(ctx, spent)
		if err != nil {
			return err
		}
		decided, err := s.addDecisions(ctx, refused)
		if err != nil {
			return err
		}
		inserted = len(fresh) + len(decided)
		return s.addUp(ctx, fresh, decided)
	})
	if err != nil {
		return 0, err
	}
	return inserted, nil
}

// addUsage nets events against what is recorded and returns the rows that
// were added. The recorders of one organisation do it one after the other.
func (s *Store) addUsage(ctx context.Context, events []alfred.UsageEvent) ([]alfred.UsageEvent, error) {
	var today time.Time
	for _, org := range orgs(events) {
		var err error
		if today, err = s.LockUsage(ctx, org); err != nil {
			return nil, err
		}
	}
	if today.IsZero() {
		return nil, nil
	}
	due, err := s.net(ctx, events, today)
	if err != nil {
		return nil, err
	}
	if err := s.EnsurePartitions(ctx, missingDays(events, due)...); err != nil {
		return nil, err
	}
	return s.addEvents(ctx, due)
}

// orgs lists organisations in the order in which they are locked.
func orgs(events []alfred.UsageEvent) (out []alfred.OrgID) {
	for _, e := range events {
		out = append(out, e.Org)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// missingDays are those of rows that none of the events had.
func missingDays(events, rows []alfred.UsageEvent) []time.Time {
	have := days(events)
	return slices.DeleteFunc(days(rows), func(d time.Time) bool { return slices.ContainsFunc(have, d.Equal) })
}

// EnsurePartitions makes the partitions of some days before they are needed.
// Several may do so at once.
func (s *Store) EnsurePartitions(ctx context.Context, days ...time.Time) error {
	if len(days) == 0 {
		return nil
	}
	return failed(s.q(ctx).EnsureUsagePartitions(ctx, days), "make the partitions of usage events")
}

// lastYear is the last one in which anything happens.
const lastYear = 2200

func checkEvent(e alfred.UsageEvent) error {
	bad := func(why string) error {
		return alfred.Errorf(alfred.CodeValidation, "event %s of %s: %s", e.Kind, e.Reservation, why)
	}
	switch e.Kind {
	case alfred.EventSettle, alfred.EventVoid, alfred.EventExpired, alfred.EventAdjust:
		if e.Reservation == "" {
			return bad("no reservation")
		}
		if e.Cost < 0 && e.Kind != alfred.EventAdjust {
			return bad("a negative cost")
		}
	case alfred.EventDecision:
		if e.Refused == nil || e.Refused.ID == "" {
			return bad("no decision")
		}
	default:
		return bad("unknown kind")
	}
	if e.Org == "" {
		return bad("no organisation")
	}
	if y := e.At.UTC().Year(); y < 2000 || y > lastYear {
		return bad("no sensible time")
	}
	return nil
}

// addEvents returns the events that were not there yet.
func (s *Store) addEvents(ctx context.Context, events []alfred.UsageEvent) (fresh []alfred.UsageEvent, err error) {
	rows := make([]db.AddUsageEventsParams, len(events))
	for i, e := range events {
		if rows[i], err = eventRow(e); err != nil {
			return nil, err
		}
	}
	s.q(ctx).AddUsageEvents(ctx, rows).QueryRow(func(i int, _ bool, rowErr error) {
		switch {
		case rowErr == nil:
			fresh = append(fresh, events[i])
		case !errors.Is(rowErr, pgx.ErrNoRows) && err == nil:
			err = failed(rowErr, "record event %s of %s", events[i].Kind, events[i].Reservation)
		}
	})
	return fresh, err
}

// addDecisions returns the refusals that were not there yet.
func (s *Store) addDecisions(ctx context.Context, events []alfred.UsageEvent) (fresh []alfred.UsageEvent, err error) {
	rows := each(events, func(e alfred.UsageEvent) db.AddDecisionsParams {
		return db.AddDecisionsParams{ID: e.Refused.ID, OrgID: e.Org, UserID: e.User, At: e.At, Code: e.Refused.Code, Decision: *e.Refused}
	})
	s.q(ctx).AddDecisions(ctx, rows).QueryRow(func(i int, _ bool, rowErr error) {
		switch {
		case rowErr == nil:
			fresh = append(fresh, events[i])
		case !errors.Is(rowErr, pgx.ErrNoRows) && err == nil:
			err = failed(rowErr, "record decision %s", rows[i].ID)
		}
	})
	return fresh, err
}

func eventRow(e alfred.UsageEvent) (db.AddUsageEventsParams, error) {
	charges, err := writeCharges(nil, e)
	if err != nil {
		return db.AddUsageEventsParams{}, fmt.Errorf("write the charges of %s: %w", e.Reservation, err)
	}
	legs, err := writeLegs(nil, e)
	if err != nil {
		return db.AddUsageEventsParams{}, fmt.Errorf("write the legs of %s: %w", e.Reservation, err)
	}
	return db.AddUsageEventsParams{
		OccurredOn: day(e.At), At: e.At, OrgID: e.Org, ReservationID: e.Reservation, Kind: e.Kind, RequestID: e.Request, DecisionID: e.Decision,
		UserID: e.User, KeyID: e.Key, TeamID: e.Team, DepartmentID: e.Department, ProjectID: e.Project, Model: e.Model, Provider: e.Provider,
		Priority: e.Priority, Private: e.Private, Stream: e.Stream,
		Input: e.Usage.Input, CachedInput: e.Usage.CachedInput, CacheWrite: e.Usage.CacheWrite, Output: e.Usage.Output, Reasoning: e.Usage.Reasoning,
		Estimated: e.Estimated, Overrun: e.Overrun, Late: e.Late, Degraded: e.Degraded, Held: e.Held, Cost: e.Cost,
		Charges: charges, Legs: legs,
		CardVersion: e.CardVersion, InputBound: e.InputBound, OutputLimit: e.OutputLimit, Shrunk: e.Shrunk,
		Status: int64(e.Status), Outcome: e.Outcome, Shadow: append([]alfred.Code{}, e.Shadow...), Millis: e.Millis,
		DecidedMillis: e.DecidedMillis, FirstByteMillis: e.FirstByteMillis,
	}, nil
}

// day is the UTC day that an event belongs to.
func day(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

func days(events []alfred.UsageEvent) []time.Time {
	var out []time.Time
	for _, e := range events {
		if d := day(e.At); !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}
