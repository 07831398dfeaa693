package sim

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// building is the live store as the rebuilder has it. What it does to one
// ledger it does without giving way, as under the locks of the record.
type building struct{ live }

func (b building) BeginEpoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	return at(b.world, b.host, b.world.redis, func() (alfred.Epoch, error) { return b.world.store.BeginEpoch(ctx, org) })
}

func (b building) FinishEpoch(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, number int64, when time.Time) (bool, error) {
	return at(b.world, b.host, b.world.redis, func() (bool, error) {
		done, err := b.world.store.FinishEpoch(ctx, org, seen, number, when)
		b.world.say("the ledger is built on %s: %t, %v", seen.Server, done, err)
		return done, err
	})
}

func (b building) Correct(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, changes []alfred.CounterChange) (bool, error) {
	return at(b.world, b.host, b.world.redis, func() (done bool, err error) {
		for _, c := range changes {
			if c.Committed < 0 || c.Settled < 0 {
				b.world.broken("I9 nobody but a person lowers a counter", "%s by %s", store.Name(c.Counter), c.Committed)
			}
			// What was spent is told late, and may stand above a ceiling by then.
			b.world.excess[store.Name(c.Counter)] += c.Committed
		}
		b.world.raising = true
		b.world.checked(ending, func() { done, err = b.world.store.Correct(ctx, org, seen, changes) })
		b.world.raising = false
		return done, err
	})
}

func (b building) Survey(ctx context.Context, org alfred.OrgID, counters []alfred.Counter, moves []alfred.MoveID, holds int) (alfred.Survey, error) {
	return at(b.world, b.host, b.world.redis, func() (alfred.Survey, error) { return b.world.store.Survey(ctx, org, counters, moves, holds) })
}

func (b building) PeekEvents(ctx context.Context, org alfred.OrgID, after, last string, max int) (events []alfred.UsageEvent, next string, err error) {
	return b.world.store.PeekEvents(ctx, org, after, last, max)
}

func (b building) EachOpen(_ context.Context, org alfred.OrgID, each func([]alfred.HoldRecord) error) error {
	return each(b.world.store.Open(org))
}

func (b building) EachCounter(_ context.Context, org alfred.OrgID, each func([]alfred.Counter) error) error {
	var out []alfred.Counter
	for _, name := range slices.Sorted(maps.Keys(b.world.store.Counters(org))) {
		if c, ok := store.ParseName(name); ok {
			out = append(out, c)
		}
	}
	return each(out)
}

func (b building) Forget(ctx context.Context, r alfred.HoldRecord, end alfred.HoldEnd) (bool, error) {
	return at(b.world, b.host, b.world.redis, func() (done bool, err error) {
		b.world.checked(ending, func() { done, err = b.world.store.Forget(ctx, r, end) })
		b.world.shadow.ended[r.Hold] = true
		return done, err
	})
}

func (b building) UndoOutflow(ctx context.Context, o alfred.Outflow) error {
	_, err := at(b.world, b.host, b.world.redis, func() (_ struct{}, err error) {
		b.world.say("%s is undone again", o.Move)
		b.world.checkedMove(o, -1, func() { err = b.world.store.UndoOutflow(ctx, o) })
		return struct{}{}, err
	})
	return err
}

// What the rebuilder asks of the record.

func (r *record) TryLock(context.Context, string) (bool, error) { return true, nil }

func (r *record) HasUsage(context.Context, alfred.OrgID) (bool, error) { return len(r.events) > 0, nil }

func (r *record) LedgerEpoch(context.Context, alfred.OrgID) (alfred.Epoch, error) {
	return r.built, nil
}

func (r *record) PutLedgerEpoch(_ context.Context, _ alfred.OrgID, e alfred.Epoch) error {
	if e.Number > r.built.Number {
		e.Built = true
		r.built = e
	}
	return nil
}

// OpenCounters returns all of them in one page.
func (r *record) OpenCounters(_ context.Context, _ alfred.OrgID, after alfred.Counter, now time.Time, _ int) ([]alfred.Counter, error) {
	if after.Kind != "" {
		return nil, nil
	}
	var out []alfred.Counter
	for _, name := range slices.Sorted(maps.Keys(r.named)) {
		if c := r.named[name]; now.Before(c.Window.End) {
			out = append(out, c)
		}
	}
	return out, nil
}

func (r *record) CounterTotals(_ context.Context, _ alfred.OrgID, counters []alfred.Counter) ([]alfred.CounterTotal, error) {
	out := make([]alfred.CounterTotal, len(counters))
	for i, c := range counters {
		out[i] = alfred.CounterTotal{Settled: r.counters[store.Name(c)], Outflow: r.outflows[store.Name(c)]}
	}
	return out, nil
}

func (r *record) HoldEnds(_ context.Context, holds []alfred.HoldRecord, _ time.Time) (map[alfred.HoldID]alfred.HoldEnd, error) {
	out := map[alfred.HoldID]alfred.HoldEnd{}
	for _, h := range holds {
		if b := r.booked[h.Hold]; b != nil {
			out[h.Hold] = b.End()
		}
	}
	return out, nil
}
