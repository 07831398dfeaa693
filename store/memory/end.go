package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Settle replaces a hold by the measured cost. Settling twice changes nothing.
// A cost above the hold overdraws; it is never refused.
func (s *Store) Settle(_ context.Context, in alfred.Settlement) (alfred.EndState, error) {
	end, err := s.end(in.Record, func(from store.Standing, r alfred.HoldRecord) (store.Ending, error) {
		in.Record = r
		return store.Settle(from, in)
	})
	if err != nil {
		return "", fmt.Errorf("settle %s: %w", in.Record.Hold, err)
	}
	return end, nil
}

// Void releases a hold of which nothing was spent. A record with only
// organisation and hold means that the fate of its reservation is unknown.
func (s *Store) Void(_ context.Context, r alfred.HoldRecord, event alfred.UsageEvent) (alfred.EndState, error) {
	end, err := s.end(r, func(from store.Standing, r alfred.HoldRecord) (store.Ending, error) {
		return store.Release(from, r, event), nil
	})
	if err != nil {
		return "", fmt.Errorf("void %s: %w", r.Hold, err)
	}
	return end, nil
}

func (s *Store) end(r alfred.HoldRecord, step func(store.Standing, alfred.HoldRecord) (store.Ending, error)) (alfred.EndState, error) {
	if r.Org == "" || r.Hold == "" {
		return "", alfred.Errorf(alfred.CodeInternal, "a hold needs an organisation and an id")
	}
	o, now, leave := s.enter(r.Org)
	defer leave()
	var from store.Standing
	if h, ok := o.standing(r.Hold, now); ok {
		from = h.standing
		if from.State == store.Held || from.State == store.Expired || len(r.Legs) == 0 {
			r = clone(h.record) // it knows who has paid, which this caller may not
		}
	}
	e, err := step(from, r)
	if err != nil {
		return "", err
	}
	if e.End == alfred.EndLate && !now.Before(r.Due.Add(store.LateFor)) || store.Raises(e) && !o.epoch.knows(e.Event.At) {
		if mutant != "forwards_without_tombstone" {
			o.holds[r.Hold] = &hold{standing: store.Standing{State: store.Forwarded, Charged: e.To.Charged}, record: clone(r), lapses: now.Add(store.TombstoneTTL)}
		}
		return "", store.Unknown(r)
	}
	o.write(r, e, now)
	return e.End, nil
}

// write does what a step says.
func (o *org) write(r alfred.HoldRecord, e store.Ending, now time.Time) {
	if e.To.State == store.Absent {
		return
	}
	if e.Event != nil {
		o.stream.append(*e.Event, now)
	}
	for _, d := range e.Deltas {
		o.add(d.Counter, now, d.Committed, d.Settled, 0)
	}
	for _, b := range e.Buckets {
		o.correct(b, now)
	}
	if mutant == "void_without_tombstone" && e.From.State == store.Absent && e.To.State == store.Void {
		return
	}
	o.holds[r.Hold] = &hold{standing: e.To, record: clone(r), lapses: now.Add(store.TombstoneTTL)}
}

// correct moves a bucket that is still there; what is given back never moves
// its arrival time into the past.
func (o *org) correct(c store.Correction, now time.Time) {
	arrival := o.arrival(c.Bucket, now)
	if arrival == 0 {
		return
	}
	moved := arrival + c.Micros
	if c.Micros < 0 {
		moved = max(moved, min(arrival, now.UnixMicro()))
	}
	o.setArrival(c.Bucket, moved, now)
}

// Extend makes an open hold due ttl from now, never sooner than it was, and
// says whether it is still open.
func (s *Store) Extend(_ context.Context, r alfred.HoldRecord, ttl time.Duration) (alive bool, err error) {
	if ttl <= 0 || ttl > store.MaxHoldTTL {
		return false, fmt.Errorf("extend %s: %w", r.Hold, alfred.Errorf(alfred.CodeInternal, "by %s: expected up to %s", ttl, store.MaxHoldTTL))
	}
	o, now, leave := s.enter(r.Org)
	defer leave()
	h, ok := o.standing(r.Hold, now)
	if mutant == "extend_revives" && ok {
		h.standing = store.Standing{State: store.Held}
	}
	if !ok || h.standing.State != store.Held {
		return false, nil
	}
	if due := now.Truncate(time.Millisecond).Add(ttl.Truncate(time.Millisecond)); due.After(h.due) {
		h.due = due
	}
	return true, nil
}

// Reap ends at most limit holds that are due, each charged by its policy.
func (s *Store) Reap(_ context.Context, id alfred.OrgID, limit int) (reaped int, err error) {
	if limit < 1 {
		return 0, nil
	}
	o, now, leave := s.enter(id)
	defer leave()
	var due []*hold
	for _, h := range o.holds {
		if h.standing.State == store.Held && (!h.due.After(now) || mutant == "reap_not_due") {
			due = append(due, h)
		}
	}
	slices.SortFunc(due, func(a, b *hold) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.record.Hold, b.record.Hold))
	})
	for _, h := range due[:min(limit, len(due))] {
		o.write(h.record, store.Expire(h.record), now)
	}
	return min(limit, len(due)), nil
}
