package memory

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// epoch is which building of an organisation's ledger stands.
type epoch struct {
	begun   bool
	live    bool
	number  int64
	serial  int64 // of corrections
	built   time.Time
	lineage string
}

// knows says whether a charge of that time, whose hold has no record, is
// certain not to be known already.
func (e epoch) knows(at time.Time) bool {
	return e.live && (e.built.IsZero() || !at.Before(e.built.Add(alfred.BuildMargin)))
}

func (s *Store) lineage() string { return "run" + strconv.Itoa(s.restored) }

func (s *Store) epochOf(e epoch, now time.Time) alfred.Epoch {
	out := alfred.Epoch{Built: e.live, Number: e.number, BuiltAt: e.built, Lineage: e.lineage, Server: s.lineage(), Now: now, Serial: e.serial}
	if e.begun {
		out.Mark = fmt.Sprintf("%t|%d|%d|%s", e.live, e.number, e.serial, e.lineage)
	}
	return out
}

// Epoch reads which building of the ledger stands, and on which run.
func (s *Store) Epoch(_ context.Context, id alfred.OrgID) (alfred.Epoch, error) {
	o, now, leave := s.enter(id)
	defer leave()
	return s.epochOf(o.epoch, now), nil
}

// BeginEpoch makes a ledger that is empty one that is being built, and changes
// nothing where an epoch stands.
func (s *Store) BeginEpoch(_ context.Context, id alfred.OrgID) (alfred.Epoch, error) {
	o, now, leave := s.enter(id)
	defer leave()
	if !o.epoch.begun {
		o.epoch = epoch{begun: true, lineage: "built on " + s.lineage()}
	}
	return s.epochOf(o.epoch, now), nil
}

// Survey reads counters, the records of moves and, when there are fewer than
// holds, the open holds at one instant.
func (s *Store) Survey(_ context.Context, id alfred.OrgID, counters []alfred.Counter, moves []alfred.MoveID, holds int) (alfred.Survey, error) {
	o, now, leave := s.enter(id)
	defer leave()
	out := alfred.Survey{Epoch: s.epochOf(o.epoch, now), Taken: map[alfred.MoveID]alfred.Credits{}}
	if n := len(o.stream.entries); n > 0 {
		out.Last = o.stream.entries[n-1].ID
	}
	for _, c := range counters {
		out.Balances = append(out.Balances, o.balance(c, now))
	}
	for _, m := range moves {
		if have, ok := o.move(m, now); ok && !have.undone && !have.reply.Refused {
			out.Taken[m] = have.reply.Taken
		}
	}
	for _, h := range o.holds {
		if h.standing.State == store.Held {
			out.Open++
			out.Holds = append(out.Holds, clone(h.record))
		}
	}
	if out.Open >= int64(holds) {
		out.Holds = nil
	}
	return out, nil
}

// Correct adds to counters what a survey has found missing, and says whether
// it did: not when the epoch is another than the survey's by now.
func (s *Store) Correct(_ context.Context, id alfred.OrgID, seen alfred.Epoch, changes []alfred.CounterChange) (bool, error) {
	o, now, leave := s.enter(id)
	defer leave()
	if !o.epoch.begun || s.epochOf(o.epoch, now).Mark != seen.Mark {
		return false, nil
	}
	for _, c := range changes {
		o.add(c.Counter, now, c.Committed, c.Settled, c.Outflow)
	}
	o.epoch.serial++
	return true, nil
}

// FinishEpoch makes what was built the live ledger, under the next number, and
// says whether it did, as Correct does. The zero time says that there was
// nothing before it.
func (s *Store) FinishEpoch(_ context.Context, id alfred.OrgID, seen alfred.Epoch, number int64, at time.Time) (bool, error) {
	o, now, leave := s.enter(id)
	defer leave()
	if !o.epoch.begun || s.epochOf(o.epoch, now).Mark != seen.Mark {
		return false, nil
	}
	o.epoch = epoch{begun: true, live: true, number: number, serial: o.epoch.serial + 1, built: at, lineage: seen.Server}
	return true, nil
}

// Forget closes an open hold of which the record knows the end, and says
// whether it was open.
func (s *Store) Forget(_ context.Context, r alfred.HoldRecord, end alfred.HoldEnd) (bool, error) {
	o, now, leave := s.enter(r.Org)
	defer leave()
	h, ok := o.standing(r.Hold, now)
	if !ok || h.standing.State != store.Held {
		return false, nil
	}
	o.write(h.record, store.Forget(h.record, end), now)
	return true, nil
}

// PeekEvents returns events of the usage stream after one entry, up to and
// including another, at most max; "" is from the first. next is where to go on
// from, and "" at the end.
func (s *Store) PeekEvents(_ context.Context, id alfred.OrgID, after, last string, max int) (events []alfred.UsageEvent, next string, err error) {
	o, _, leave := s.enter(id)
	defer leave()
	for _, e := range o.stream.entries {
		if !later(e.ID, after) || later(e.ID, last) || len(events) == max {
			continue
		}
		next = e.ID
		if e.Err == nil {
			events = append(events, e.Event)
		}
	}
	return events, next, nil
}

// later says whether an entry comes after another; "" is before all.
func later(a, b string) bool {
	parse := func(id string) (ms, seq int64) {
		_, _ = fmt.Sscanf(id, "%d-%d", &ms, &seq) // of our own making
		return ms, seq
	}
	am, as := parse(a)
	bm, bs := parse(b)
	return b == "" || am > bm || am == bm && as > bs
}

// EachOpen calls each with every hold that is open.
func (s *Store) EachOpen(_ context.Context, id alfred.OrgID, each func([]alfred.HoldRecord) error) error {
	o, _, leave := s.enter(id)
	var out []alfred.HoldRecord
	for _, h := range o.holds {
		if h.standing.State == store.Held {
			out = append(out, clone(h.record))
		}
	}
	leave()
	return each(out)
}

// EachCounter lists every counter that is there. The end of a window is not
// stored with it.
func (s *Store) EachCounter(_ context.Context, id alfred.OrgID, each func([]alfred.Counter) error) error {
	o, now, leave := s.enter(id)
	var out []alfred.Counter
	for name, c := range o.counters {
		if now.Before(c.purge) {
			if counter, ok := store.ParseName(name); ok {
				out = append(out, counter)
			}
		}
	}
	leave()
	return each(out)
}
