package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Ledger is the live store as far as it is built anew, compared with the
// record and corrected.
type Ledger interface {
	Epoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error)
	BeginEpoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error)
	// FinishEpoch and Correct say whether they did it: not when the ledger's
	// epoch is another than was seen.
	FinishEpoch(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, number int64, at time.Time) (bool, error)
	Correct(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, changes []alfred.CounterChange) (bool, error)
	// Survey reads at one instant. It lists the open holds when they are fewer
	// than holds.
	Survey(ctx context.Context, org alfred.OrgID, counters []alfred.Counter, moves []alfred.MoveID, holds int) (alfred.Survey, error)
	// Backlog reads the usage stream without acknowledging anything.
	PeekEvents(ctx context.Context, org alfred.OrgID, after, last string, max int) (events []alfred.UsageEvent, next string, err error)
	// EachOpen and EachCounter call each with everything that is there.
	EachOpen(ctx context.Context, org alfred.OrgID, each func([]alfred.HoldRecord) error) error
	EachCounter(ctx context.Context, org alfred.OrgID, each func([]alfred.Counter) error) error
	Forget(ctx context.Context, r alfred.HoldRecord, end alfred.HoldEnd) (bool, error)
	UndoOutflow(ctx context.Context, o alfred.Outflow) error
}

// LedgerRecords are what the record knows of the live ledger.
type LedgerRecords interface {
	// LockUsage keeps every recorder and every move of an organisation out
	// until the transaction ends.
	LockUsage(ctx context.Context, org alfred.OrgID) (today time.Time, err error)
	// TryLock takes a lock by name until the transaction ends, if it is free.
	TryLock(ctx context.Context, name string) (bool, error)
	// OpenCounters pages through the counters of windows that have not ended,
	// without those of the demo data, which no live ledger has.
	OpenCounters(ctx context.Context, org alfred.OrgID, after alfred.Counter, now time.Time, max int) ([]alfred.Counter, error)
	CounterTotals(ctx context.Context, org alfred.OrgID, counters []alfred.Counter) ([]alfred.CounterTotal, error)
	AddOutflow(ctx context.Context, org alfred.OrgID, from []alfred.Charge, taken alfred.Credits) error
	HoldEnds(ctx context.Context, holds []alfred.HoldRecord, now time.Time) (map[alfred.HoldID]alfred.HoldEnd, error)
	// UndoneMoves pages through the moves that were undone.
	UndoneMoves(ctx context.Context, org alfred.OrgID, after alfred.MoveID, max int) ([]alfred.Move, error)
	HasUsage(ctx context.Context, org alfred.OrgID) (bool, error)
	LedgerEpoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error)
	PutLedgerEpoch(ctx context.Context, org alfred.OrgID, e alfred.Epoch) error
}

// standing is one counter of the live ledger beside what it should be, at one
// instant.
type standing struct {
	counter    alfred.Counter
	settled    alfred.Credits // by what the record has
	outflow    alfred.Credits // moved away, by the record and by moves under way
	unrecorded alfred.Credits // of settled: had not reached the record yet
	held       alfred.Credits // by open holds
	uncounted  bool           // too many holds are open: held is taken from live
	live       alfred.Balance
}

// drift is what the counter is above what it should be; below, negative.
func (s standing) drift() alfred.Credits {
	return s.live.Committed - s.settled - s.outflow - s.held
}

// drifts says whether anything of the counter is not what it should be.
func (s standing) drifts() bool { return !none(s.missing(true)) }

// missing is what has to be added to make the counter right. Without lower,
// nothing is taken away.
func (s standing) missing(lower bool) alfred.CounterChange {
	c := alfred.CounterChange{
		Counter:   s.counter,
		Committed: -s.drift(),
		Settled:   s.settled + s.outflow - s.live.Settled,
		Outflow:   s.outflow - s.live.Outflow,
	}
	if !lower {
		c.Committed, c.Settled, c.Outflow = c.Committed.Floor0(), c.Settled.Floor0(), c.Outflow.Floor0()
	}
	return c
}

func none(c alfred.CounterChange) bool {
	return c.Committed == 0 && c.Settled == 0 && c.Outflow == 0
}

// errMoved means that the live ledger was emptied, replaced or corrected by
// somebody else meanwhile: what was worked out does not fit it any more.
var errMoved = errors.New("the live ledger has changed under the comparison")

const (
	ledgerPage  = 1000  // counters that are compared at one instant
	ledgerHolds = 5000  // open holds that are read with them
	backlogPage = 500   // events that are recorded in one transaction
	maxBacklogs = 20000 // pages of them
)

// comparison reads the live ledger beside the record.
type comparison struct {
	records Records
	live    Ledger
	org     alfred.OrgID
	now     func() time.Time
	holds   int // as of Ledger.Survey; 0 takes for held what is committed and not settled

	first    func(ctx context.Context) error // under the lock, before the ledger is read; may be nil
	recorded string                          // the entry up to which the stream was recorded here
	epoch    alfred.Epoch                    // as it was seen last
}

// catchUp records what waits in the stream, so that little is left for the
// transaction that compares. What the record refuses for what it is, the
// recorder will set aside.
func (c *comparison) catchUp(ctx context.Context) error {
	s, err := c.live.Survey(ctx, c.org, nil, nil, 0)
	if err != nil {
		return err
	}
	for range maxBacklogs {
		events, next, err := c.live.PeekEvents(ctx, c.org, c.recorded, s.Last, backlogPage)
		if err != nil || next == "" {
			return err
		}
		if len(events) > 0 {
			_, err = c.records.RecordEvents(ctx, events)
		}
		if refusedForContent(err) {
			for _, e := range events {
				if _, err = c.records.RecordEvents(ctx, []alfred.UsageEvent{e}); err != nil && !refusedForContent(err) {
					return fmt.Errorf("record event %s: %w", e.Reservation, err)
				}
			}
		} else if err != nil {
			return fmt.Errorf("record %d events: %w", len(events), err)
		}
		c.recorded = next
	}
	return nil
}

// at compares counters. While the record is locked, the live ledger is read at
// one instant; what its stream holds up to that instant is recorded; and then
// the record says what the counters should have been at that instant.
//
// Whatever changes the counters afterwards adds to them, so what is found
// missing is as right later as it was then. fn runs under the lock.
func (c *comparison) at(ctx context.Context, counters []alfred.Counter, fn func(ctx context.Context, seen alfred.Epoch, all []standing) error) error {
	recorded := c.recorded
	err := c.records.InTx(ctx, func(ctx context.Context) error {
		if _, err := c.records.LockUsage(ctx, c.org); err != nil {
			return err
		}
		if c.first != nil {
			if err := c.first(ctx); err != nil {
				return err
			}
		}
		pending, err := c.pending(ctx)
		if err != nil {
			return err
		}
		ids := make([]alfred.MoveID, len(pending))
		for i, m := range pending {
			ids[i] = m.Move
		}
		s, err := c.live.Survey(ctx, c.org, counters, ids, c.holds)
		if err != nil {
			return err
		}
		before, err := c.records.CounterTotals(ctx, c.org, counters)
		if err != nil {
			return err
		}
		recorded = c.recorded
		for {
			events, next, err := c.live.PeekEvents(ctx, c.org, recorded, s.Last, backlogPage)
			if err != nil {
				return err
			}
			if next == "" {
				break
			}
			if recorded = next; len(events) == 0 {
				continue
			}
			if _, err := c.records.RecordEvents(ctx, events); err != nil {
				return fmt.Errorf("record %d events: %w", len(events), err)
			}
		}
		totals, err := c.records.CounterTotals(ctx, c.org, counters)
		if err != nil {
			return err
		}
		c.epoch = s.Epoch
		return fn(ctx, s.Epoch, stand(counters, s, before, totals, pending))
	})
	if err == nil {
		c.recorded = recorded
	}
	return err
}

// pending are moves whose fate is not known: those that were taken stand on
// their counters, and nobody has booked them.
func (c *comparison) pending(ctx context.Context) ([]alfred.Outflow, error) {
	all, err := c.records.PendingMoves(ctx, c.now().Add(time.Hour))
	if err != nil {
		return nil, err
	}
	var out []alfred.Outflow
	for _, m := range all {
		if m.Org != c.org {
			continue
		}
		o, err := outflowOf(m)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func stand(counters []alfred.Counter, s alfred.Survey, before, totals []alfred.CounterTotal, pending []alfred.Outflow) []standing {
	type key struct {
		kind    alfred.CounterKind
		subject string
		start   int64
	}
	of := func(c alfred.Counter) key { return key{c.Kind, c.Subject, c.Window.Start.Unix()} }
	held, moving := map[key]alfred.Credits{}, map[key]alfred.Credits{}
	for _, h := range s.Holds {
		for _, c := range h.Caps {
			held[of(c)] += h.Granted
		}
		for _, l := range h.Legs {
			for _, c := range l.Counters {
				held[of(c)] += l.Taken
			}
		}
	}
	for _, m := range pending {
		for _, c := range m.Source {
			moving[of(c.Counter)] += s.Taken[m.Move]
		}
	}
	out := make([]standing, len(counters))
	for i, c := range counters {
		out[i] = standing{
			counter: c, settled: totals[i].Settled, unrecorded: totals[i].Settled - before[i].Settled,
			outflow: totals[i].Outflow + moving[of(c)], held: held[of(c)], live: s.Balances[i],
		}
		if int64(len(s.Holds)) != s.Open {
			out[i].held, out[i].uncounted = s.Balances[i].Held(), true
		}
	}
	return out
}
