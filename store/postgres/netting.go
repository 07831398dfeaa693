package postgres

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// LockUsage keeps every recorder of an organisation out until the transaction
// ends, and returns the UTC day by the database's clock. Recording takes it;
// so must whoever reads what is recorded and has to be sure that it does not
// grow meanwhile. Outside of a transaction it would be gone at once, so that
// is an error.
func (s *Store) LockUsage(ctx context.Context, org alfred.OrgID) (today time.Time, err error) {
	if !s.inTx(ctx) {
		return time.Time{}, alfred.Errorf(alfred.CodeInternal, "lock the usage of %s: not in a transaction", org)
	}
	today, err = s.q(ctx).LockUsage(ctx, "usage "+string(org))
	return today, failed(err, "lock the usage of %s", org)
}

// net returns what is to be recorded of events, so that all rows of a
// reservation sum to what it cost. Events of one reservation come from one
// live ledger in one order; but a ledger that forgot, or came back older than
// it was, and a spool that sends again tell other parts of the story, and
// recorders that race tell it in any order. See [store.Booked].
//
// It needs the locks of all organisations.
func (s *Store) net(ctx context.Context, events []alfred.UsageEvent, today time.Time) ([]alfred.UsageEvent, error) {
	of, err := s.booked(ctx, events, today)
	if err != nil {
		return nil, err
	}
	var out []alfred.UsageEvent
	for _, e := range events {
		b := of[e.Reservation]
		if b == nil {
			b = &store.Booked{}
			of[e.Reservation] = b
		}
		if row, ok := b.Book(e); ok {
			b.Add(row)
			out = append(out, row)
		}
	}
	return out, nil
}

// booked reads how reservations stand.
func (s *Store) booked(ctx context.Context, events []alfred.UsageEvent, today time.Time) (map[alfred.HoldID]*store.Booked, error) {
	of := make(map[alfred.HoldID]*store.Booked, len(events))
	var days []time.Time
	var ids []string
	seen := make(map[alfred.HoldID]bool, len(events))
	for _, e := range events {
		if seen[e.Reservation] {
			continue
		}
		seen[e.Reservation] = true
		for _, d := range mayLieOn(e, today) {
			days, ids = append(days, d), append(ids, string(e.Reservation))
		}
	}
	rows, err := s.q(ctx).BookedOf(ctx, days, ids)
	if err != nil {
		return nil, failed(err, "look what is booked of %d reservations", len(seen))
	}
	for _, r := range rows {
		b := of[r.ReservationID]
		if b == nil {
			b = &store.Booked{}
			of[r.ReservationID] = b
		}
		e := alfred.UsageEvent{
			Kind: r.Kind, At: r.OccurredOn, Late: r.Late, Cost: r.Cost, Reservation: r.ReservationID,
			Org: r.OrgID, User: r.UserID, Key: r.KeyID, Team: r.TeamID, Department: r.DepartmentID, Project: r.ProjectID, Model: r.Model,
			Usage: alfred.Usage{Input: r.Input, CachedInput: r.CachedInput, CacheWrite: r.CacheWrite, Output: r.Output, Reasoning: r.Reasoning},
		}
		if err := readPaid(&e, r.Charges, r.Legs); err != nil {
			return nil, err
		}
		b.Add(e)
	}
	return of, nil
}

const (
	clocksDiffer = time.Hour          // by which a reservation's own time and that of its events may
	longestStory = 400                // days between a reservation and its last event
	unknownBirth = 3 * 24 * time.Hour // how far back to look for one that does not tell when it was made
)

// mayLieOn lists the days on which rows of a reservation may lie: from its
// birth, which its id tells, until today. They are nearly always one.
func mayLieOn(e alfred.UsageEvent, today time.Time) (days []time.Time) {
	born, ok := alfred.BornAt(string(e.Reservation))
	if !ok {
		born = e.At.Add(-unknownBirth)
	}
	if e.At.Before(born) {
		born = e.At
	}
	last := day(e.At.Add(clocksDiffer))
	if last.Before(today) {
		last = today
	}
	for d := day(born.Add(-clocksDiffer)); !d.After(last) && len(days) < longestStory; d = d.AddDate(0, 0, 1) {
		days = append(days, d)
	}
	return days
}
