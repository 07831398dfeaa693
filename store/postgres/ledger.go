package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// TryLock takes a lock by name until the transaction ends, unless somebody has
// it, and says whether it did.
func (s *Store) TryLock(ctx context.Context, name string) (bool, error) {
	if !s.inTx(ctx) {
		return false, alfred.Errorf(alfred.CodeInternal, "lock %s: not in a transaction", name)
	}
	got, err := s.q(ctx).TryLock(ctx, name)
	return got, failed(err, "lock %s", name)
}

// OpenCounters lists counters that the record knows, in windows that have not
// ended by now, after one and at most max: pages by the last row of the page
// before.
func (s *Store) OpenCounters(ctx context.Context, org alfred.OrgID, after alfred.Counter, now time.Time, max int) ([]alfred.Counter, error) {
	rows, err := s.q(ctx).OpenCounters(ctx, db.OpenCountersParams{
		OrgID: org, Now: now, AfterKind: string(after.Kind), AfterSubject: after.Subject, AfterStart: after.Window.Start, Max: int32(min(max, 1<<20)),
	})
	return each(rows, func(r db.OpenCountersRow) alfred.Counter {
		return alfred.Counter{Kind: r.Kind, Subject: r.Subject, Window: alfred.Window{Start: r.WindowStart, End: r.WindowEnd}}
	}), failed(err, "list counters")
}

// CounterTotals returns what the record has of some counters, in order: what
// was settled, and what has moved away. It does not grow while
// [Store.LockUsage] is held.
func (s *Store) CounterTotals(ctx context.Context, org alfred.OrgID, counters []alfred.Counter) ([]alfred.CounterTotal, error) {
	kinds, subjects, starts := make([]string, len(counters)), make([]string, len(counters)), make([]time.Time, len(counters))
	for i, c := range counters {
		kinds[i], subjects[i], starts[i] = string(c.Kind), short(c.Subject), c.Window.Start
	}
	rows, err := s.q(ctx).CounterTotals(ctx, kinds, subjects, starts, org)
	if err != nil {
		return nil, failed(err, "read what counters have settled")
	}
	found := make(map[counterKey]alfred.CounterTotal, len(rows))
	for _, r := range rows {
		found[counterKey{org, r.Kind, r.Subject, r.WindowStart.UTC()}] = alfred.CounterTotal{Settled: r.Settled, Outflow: alfred.Credits(r.Outflow)}
	}
	out := make([]alfred.CounterTotal, len(counters))
	for i, c := range counters {
		out[i] = found[counterKey{org, c.Kind, subjects[i], c.Window.Start.UTC()}]
	}
	return out, nil
}

// AddOutflow notes what a move has taken off counters, in the transaction that
// books the move.
func (s *Store) AddOutflow(ctx context.Context, org alfred.OrgID, from []alfred.Charge, taken alfred.Credits) error {
	if taken == 0 {
		return nil
	}
	var rows db.AddCounterOutflowParams
	for _, c := range from {
		rows.OrgIds = append(rows.OrgIds, string(org))
		rows.Kinds = append(rows.Kinds, string(c.Counter.Kind))
		rows.Subjects = append(rows.Subjects, short(c.Counter.Subject))
		rows.WindowStarts = append(rows.WindowStarts, c.Counter.Window.Start)
		rows.WindowEnds = append(rows.WindowEnds, c.Counter.Window.End)
		rows.Amounts = append(rows.Amounts, int64(taken))
	}
	return failed(s.q(ctx).AddCounterOutflow(ctx, rows), "note what has moved")
}

// HasUsage says whether anything was ever recorded of an organisation.
func (s *Store) HasUsage(ctx context.Context, org alfred.OrgID) (bool, error) {
	has, err := s.q(ctx).HasUsage(ctx, org)
	return has != nil && *has, failed(err, "look for usage")
}

// LedgerEpoch returns the last building of a live ledger, zero when there was
// none.
func (s *Store) LedgerEpoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	r, err := s.q(ctx).LedgerEpoch(ctx, org)
	if errors.Is(err, pgx.ErrNoRows) {
		return alfred.Epoch{}, nil
	}
	return alfred.Epoch{Built: true, Number: r.Number, BuiltAt: r.BuiltAt, Lineage: r.Lineage}, failed(err, "read the epoch")
}

// PutLedgerEpoch notes a building. An older one than is noted changes nothing.
func (s *Store) PutLedgerEpoch(ctx context.Context, org alfred.OrgID, e alfred.Epoch) error {
	return failed(s.q(ctx).PutLedgerEpoch(ctx, org, e.Number, e.Lineage, e.BuiltAt), "note the epoch")
}

// HoldEnds says of which holds the record knows that they have ended, and how.
func (s *Store) HoldEnds(ctx context.Context, holds []alfred.HoldRecord, now time.Time) (map[alfred.HoldID]alfred.HoldEnd, error) {
	events := make([]alfred.UsageEvent, len(holds))
	for i, h := range holds {
		events[i] = alfred.UsageEvent{Reservation: h.Hold, At: h.Terms.Event.At}
		if events[i].At.IsZero() {
			events[i].At = h.Due
		}
	}
	of, err := s.booked(ctx, events, day(now))
	if err != nil {
		return nil, err
	}
	out := make(map[alfred.HoldID]alfred.HoldEnd, len(of))
	for id, b := range of {
		out[id] = b.End()
	}
	return out, nil
}
