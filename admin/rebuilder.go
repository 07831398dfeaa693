package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Rebuilder builds live ledgers from the record: one that is empty, and one
// that was restarted or replaced and so may have come back older. It only ever
// raises counters; what it finds too high is left to a person, who reconciles.
//
// Any number may run; one of them builds an organisation's ledger at a time.
// One that dies in the middle leaves a ledger that is still to be built, and
// what it had added is not added again.
type Rebuilder struct {
	Records Records
	Live    Ledger
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *Metrics

	mu      sync.Mutex
	checked map[alfred.OrgID]time.Time // when it was compared last
}

const (
	rebuildEvery = 250 * time.Millisecond
	compareEvery = time.Minute
	rebuildTries = 5
)

// Run watches over every organisation's ledger until ctx ends.
func (b *Rebuilder) Run(ctx context.Context) {
	pause := retry{}
	var orgs []alfred.Organization
	var read time.Time
	for ctx.Err() == nil {
		var err error
		if len(orgs) == 0 || b.Now().Sub(read) > 5*time.Second {
			if found, failed := b.Records.Organizations(ctx); failed == nil {
				orgs, read = found, b.Now()
			} else {
				err = failed
			}
		}
		for _, org := range orgs {
			err = errors.Join(err, b.Step(ctx, org.ID))
		}
		if err != nil && ctx.Err() == nil {
			b.Log.Error("keep the live ledger", "err", err)
			b.Metrics.failed("ledger")
			pause.wait(ctx)
			continue
		}
		pause.reset()
		wait(ctx, rebuildEvery)
	}
}

// Step builds a ledger that is not what it should be, and compares it from
// time to time.
func (b *Rebuilder) Step(ctx context.Context, org alfred.OrgID) error {
	return errors.Join(b.Ensure(ctx, org), b.compare(ctx, org))
}

// Ensure builds a ledger that is not what it should be, and returns at once
// when it is.
func (b *Rebuilder) Ensure(ctx context.Context, org alfred.OrgID) error {
	e, err := b.Live.Epoch(ctx, org)
	if err != nil {
		return fmt.Errorf("look at the ledger of %s: %w", org, err)
	}
	if e.Current() {
		return nil
	}
	return b.Rebuild(ctx, org)
}

// Rebuild builds a ledger anew. It does nothing while another process is at
// it, and nothing that another has done meanwhile.
func (b *Rebuilder) Rebuild(ctx context.Context, org alfred.OrgID) error {
	return b.Records.InTx(ctx, func(locked context.Context) error {
		// The lock ends with this process, whatever becomes of it. The work is
		// done in transactions of its own.
		elected, err := b.Records.TryLock(locked, "rebuild "+string(org))
		if err != nil || !elected {
			return err
		}
		for range rebuildTries {
			if err = b.rebuild(ctx, org); !errors.Is(err, errMoved) {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("build the ledger of %s: %w", org, err)
		}
		return nil
	})
}

func (b *Rebuilder) rebuild(ctx context.Context, org alfred.OrgID) error {
	began := b.Now()
	e, err := b.Live.BeginEpoch(ctx, org)
	if err != nil {
		return err
	}
	if e.Current() {
		return nil
	}
	known, err := b.Records.LedgerEpoch(ctx, org)
	if err != nil {
		return err
	}
	forgotten, err := b.forget(ctx, org)
	if err != nil {
		return err
	}
	undone, err := b.undoAgain(ctx, org)
	if err != nil {
		return err
	}
	c := b.comparison(org, 0)
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	begun, err := b.doubt(ctx, org, e)
	if err != nil {
		return err
	}
	counters, raised, err := b.raiseAll(ctx, c, begun)
	if err != nil {
		return err
	}
	// After the raising: what waited in the stream may be all that was used.
	past, err := b.Records.HasUsage(ctx, org)
	if err != nil {
		return err
	}
	last, err := b.Live.Epoch(ctx, org)
	if err != nil {
		return err
	}
	if !last.Continues(begun) || last.Server != e.Server {
		return errMoved
	}
	built := last.Now
	if !past && known.Number == 0 && !e.Built {
		built = time.Time{} // a new organisation has nothing before it
	}
	last.Number = max(known.Number, e.Number) + 1
	if done, err := b.Live.FinishEpoch(ctx, org, last, last.Number, built); err != nil || !done {
		return errors.Join(err, errMoved)
	}
	if err := b.Records.PutLedgerEpoch(ctx, org, alfred.Epoch{Number: last.Number, Lineage: last.Server, BuiltAt: last.Now}); err != nil {
		return err
	}
	if built.IsZero() {
		return nil
	}
	b.mu.Lock()
	delete(b.checked, org) // what the building has made of it is told soon
	b.mu.Unlock()
	b.Metrics.rebuilt()
	b.Log.Warn("the live ledger was built from the record", "org", org, "epoch", last.Number, "was_empty", !e.Built, "counters", counters,
		"raised", raised.String(), "holds_forgotten", forgotten, "moves_undone", undone, "millis", b.Now().Sub(began).Milliseconds())
	return nil
}

// doubt comes before the first counter is raised. A ledger that came back older
// believes by its own epoch that a charge without a hold is new to it; from the
// first raising on it may be one that was raised. So its epoch becomes one of
// this moment, still on the server that is gone, and such a charge goes to the
// record, as it does after the building.
func (b *Rebuilder) doubt(ctx context.Context, org alfred.OrgID, e alfred.Epoch) (alfred.Epoch, error) {
	if !e.Built {
		return e, nil // it believes nothing
	}
	gone := e
	gone.Server = e.Lineage
	if done, err := b.Live.FinishEpoch(ctx, org, gone, e.Number, e.Now); err != nil || !done {
		return e, errors.Join(err, errMoved)
	}
	begun, err := b.Live.Epoch(ctx, org)
	if err == nil && (begun.Current() || begun.Number != e.Number || begun.Lineage != e.Lineage || begun.Server != e.Server) {
		err = errMoved
	}
	return begun, err
}

func (b *Rebuilder) comparison(org alfred.OrgID, holds int) *comparison {
	return &comparison{records: b.Records, live: b.Live, org: org, now: b.Now, holds: holds}
}

// forget closes holds that are open again although the record has their end.
func (b *Rebuilder) forget(ctx context.Context, org alfred.OrgID) (n int, err error) {
	err = b.Live.EachOpen(ctx, org, func(holds []alfred.HoldRecord) error {
		ends, err := b.Records.HoldEnds(ctx, holds, b.Now())
		if err != nil {
			return err
		}
		for _, h := range holds {
			if end, ok := ends[h.Hold]; ok {
				done, err := b.Live.Forget(ctx, h, end)
				if err != nil {
					return err
				}
				if done {
					n++
				}
			}
		}
		return nil
	})
	return n, err
}

// raiseAll raises every counter that the record knows, page by page. A ledger
// that is emptied or comes back older in the middle is begun again.
func (b *Rebuilder) raiseAll(ctx context.Context, c *comparison, begun alfred.Epoch) (counters int, raised alfred.Credits, err error) {
	now := b.Now()
	for after := (alfred.Counter{}); ; {
		page, err := b.Records.OpenCounters(ctx, c.org, after, now, ledgerPage)
		if err != nil {
			return counters, raised, err
		}
		if len(page) == 0 {
			return counters, raised, nil
		}
		sum, err := b.raise(ctx, c, page, &begun)
		if err != nil {
			return counters, raised, err
		}
		counters, raised, after = counters+len(page), raised+sum, page[len(page)-1]
	}
}

// raise raises counters and returns by how much together. seen is the epoch
// that it must continue, and becomes the one that it found; nil is any.
func (b *Rebuilder) raise(ctx context.Context, c *comparison, counters []alfred.Counter, seen *alfred.Epoch) (raised alfred.Credits, err error) {
	// A recorder may have read before the ledger was replaced what it records
	// only now: the hold stands, and what it cost would be raised beside it.
	c.first = func(ctx context.Context) error {
		_, err := b.forget(ctx, c.org)
		return err
	}
	err = c.at(ctx, counters, func(ctx context.Context, e alfred.Epoch, all []standing) error {
		if seen != nil {
			if !e.Continues(*seen) {
				return errMoved
			}
			server := seen.Server
			*seen = e
			seen.Server = server
		}
		raised = 0
		var changes []alfred.CounterChange
		for _, s := range all {
			if m := s.missing(false); !none(m) {
				changes = append(changes, m)
				raised += m.Committed
			}
		}
		if len(changes) == 0 {
			return nil
		}
		done, err := b.Live.Correct(ctx, c.org, e, changes)
		if err == nil && !done {
			return errMoved
		}
		return err
	})
	return raised, err
}

// Raise brings onto some counters what only the record has: settlements that
// came when the ledger could not tell whether it had charged them before.
func (b *Rebuilder) Raise(ctx context.Context, org alfred.OrgID, counters []alfred.Counter) error {
	now := b.Now()
	open := make([]alfred.Counter, 0, len(counters))
	for _, c := range counters {
		if now.Before(c.Window.End) && !isDemo(c.Subject) {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return nil
	}
	e, err := b.Live.Epoch(ctx, org)
	if err != nil || !e.Current() {
		return err // it is built anew, with all of them
	}
	c := b.comparison(org, 0)
	err = c.catchUp(ctx)
	for try := 0; err == nil && try < rebuildTries; try++ {
		if _, err = b.raise(ctx, c, open, nil); !errors.Is(err, errMoved) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("raise %d counters of %s: %w", len(open), org, err)
	}
	return nil
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Stands says, under LockUsage and before they are booked, that what moves
// have taken stands on the live ledger, and that the ledger is believed. One
// that was lost meanwhile is built without them, and one that came back older
// may have let them take what was spent: neither move is booked. A nil
// Rebuilder, where nobody compares the two, believes all of it.
func (b *Rebuilder) Stands(ctx context.Context, org alfred.OrgID, taken map[alfred.MoveID]alfred.Credits) error {
	if b == nil {
		return nil
	}
	ids := slices.Collect(maps.Keys(taken))
	s, err := b.Live.Survey(ctx, org, nil, ids, 0)
	if err != nil {
		return err
	}
	e, err := b.Live.Epoch(ctx, org)
	if err != nil {
		return err
	}
	if !e.Current() || !e.Continues(s.Epoch) || !maps.Equal(s.Taken, taken) {
		return errLedgerLost
	}
	return nil
}

var errLedgerLost = alfred.Errorf(alfred.CodeUnavailable, "The live counters are being built anew. Nothing was moved. Try again in some seconds.")
