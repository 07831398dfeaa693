package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// reconcilePage is how many counters one audit event speaks of.
const reconcilePage = 100

// ReconcileLedger makes the live ledger what the record says. Nothing else
// ever lowers a counter, so each is in the audit log before it is touched.
func (s *server) ReconcileLedger(ctx context.Context, r api.ReconcileLedgerRequestObject) (api.ReconcileLedgerResponseObject, error) {
	if s.Ledger == nil {
		return nil, errNoLedger
	}
	c := callOf(ctx)
	org, err := s.Records.Organization(ctx, c.actor.Org)
	if err != nil {
		return nil, err
	}
	n := notices{
		announce: func(ctx context.Context, pages ...[]standing) error {
			return s.write(ctx, org.ID, func(_ context.Context, w *change) error {
				for _, page := range pages {
					before, after := audited(page)
					w.auditWhy("ledger.reconcile", string(org.ID), r.Body.Reason, before, after)
				}
				return nil
			})
		},
		withdraw: func(ctx context.Context, why string) error {
			return s.write(ctx, org.ID, func(_ context.Context, w *change) error {
				w.auditWhy("ledger.reconcile.withdrawn", string(org.ID), why, nil, nil)
				return nil
			})
		},
	}
	done, err := s.Ledger.reconcile(ctx, org.ID, n, c.dryRun)
	if err != nil {
		return nil, err
	}
	return api.ReconcileLedger200JSONResponse{
		AsOf: done.at, Unit: org.Settings.UnitName, Counters: done.counters, Corrected: done.corrected,
		Raised: done.raised, Lowered: done.lowered, Left: done.left,
	}, nil
}

// notices are told what a reconcile is about to do, page by page, and that a
// page was not done after all.
type notices struct {
	announce func(ctx context.Context, pages ...[]standing) error
	withdraw func(ctx context.Context, why string) error
}

// reconciled is what a reconcile has done.
type reconciled struct {
	at              time.Time
	counters        int // compared
	corrected       int
	left            int // drifting, and not corrected
	raised, lowered alfred.Credits
}

// reconcile corrects every counter that drifts, downwards too. A page is
// announced before it is corrected; if the process ends in between, the log
// names what was meant and the drift still stands. With dry everything is
// announced at once and nothing is corrected.
func (b *Rebuilder) reconcile(ctx context.Context, org alfred.OrgID, n notices, dry bool) (done reconciled, err error) {
	// The lock keeps rebuilders and others who reconcile out. It is of a
	// transaction of its own, so that what is announced is not undone with it.
	err = b.Records.InTx(ctx, func(locked context.Context) error {
		elected, err := b.Records.TryLock(locked, "rebuild "+string(org))
		if err != nil {
			return err
		}
		e, err := b.Live.Epoch(ctx, org)
		if err != nil {
			return fmt.Errorf("look at the ledger of %s: %w", org, err)
		}
		if !elected || !e.Current() {
			return alfred.Errorf(alfred.CodeConflict, "The live ledger is being built from the record, or somebody reconciles it at this moment. Wait some seconds, look at GET /v1/admin/ledger/drift, and try again.")
		}
		done, err = b.reconcileAll(ctx, b.comparison(org, ledgerHolds), e, n, dry)
		return err
	})
	if !dry && err == nil {
		b.mu.Lock()
		delete(b.checked, org) // the drift is measured again soon
		b.mu.Unlock()
	}
	return done, err
}

func (b *Rebuilder) reconcileAll(ctx context.Context, c *comparison, begun alfred.Epoch, n notices, dry bool) (done reconciled, err error) {
	var found []standing
	d, err := b.drift(ctx, c.org, func(s standing) {
		if s.drifts() {
			found = append(found, s)
		}
	})
	if err != nil {
		return done, fmt.Errorf("compare the ledger of %s with the record: %w", c.org, err)
	}
	done.at, done.counters = d.at, d.counters
	if dry {
		var pages [][]standing
		for ; len(found) > 0; found = found[min(len(found), reconcilePage):] {
			pages = append(pages, found[:min(len(found), reconcilePage)])
		}
		return done, n.announce(ctx, pages...)
	}
	if err := c.catchUp(ctx); err != nil {
		return done, err
	}
	for ; len(found) > 0; found = found[min(len(found), reconcilePage):] {
		page := make([]alfred.Counter, 0, reconcilePage)
		for _, s := range found[:min(len(found), reconcilePage)] {
			page = append(page, s.counter)
		}
		err := errMoved
		for try := 0; try < rebuildTries && errors.Is(err, errMoved); try++ {
			err = b.reconcilePage(ctx, c, page, begun, n, &done)
		}
		switch {
		case errors.Is(err, errMoved):
			done.left += len(page)
		case err != nil:
			return done, fmt.Errorf("reconcile %d counters of %s: %w", len(page), c.org, err)
		}
	}
	return done, nil
}

// reconcilePage corrects some counters in one step, as they stand now.
func (b *Rebuilder) reconcilePage(ctx context.Context, c *comparison, counters []alfred.Counter, begun alfred.Epoch, n notices, done *reconciled) error {
	return c.at(ctx, counters, func(_ context.Context, seen alfred.Epoch, all []standing) error {
		if !seen.Continues(begun) {
			return errMoved
		}
		var drifting []standing
		var changes []alfred.CounterChange
		for _, s := range all {
			if s.drifts() {
				drifting, changes = append(drifting, s), append(changes, s.missing(true))
			}
		}
		if len(drifting) == 0 {
			return nil
		}
		if err := n.announce(ctx, drifting); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		ok, err := b.Live.Correct(ctx, c.org, seen, changes)
		// What is said now must be said whoever has gone meanwhile.
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestLimit)
		defer cancel()
		switch {
		case err != nil:
			return errors.Join(err, n.withdraw(after, "The live ledger did not confirm the last ledger.reconcile: look at the drift for whether it was done."))
		case !ok:
			return errors.Join(errMoved, n.withdraw(after, "The live ledger changed under the last ledger.reconcile, which was not done."))
		}
		done.corrected += len(drifting)
		for _, m := range changes {
			done.raised += m.Committed.Floor0()
			done.lowered += (-m.Committed).Floor0()
		}
		return nil
	})
}

// auditedCounter is a counter as the audit log has it.
type auditedCounter struct {
	Kind        alfred.CounterKind `json:"kind"`
	Subject     string             `json:"subject"`
	WindowStart time.Time          `json:"window_start"`
	Committed   alfred.Credits     `json:"committed"`
	Settled     alfred.Credits     `json:"settled"`
	Outflow     alfred.Credits     `json:"moves"`
}

func audited(page []standing) (before, after map[string][]auditedCounter) {
	was, is := make([]auditedCounter, len(page)), make([]auditedCounter, len(page))
	for i, s := range page {
		m := s.missing(true)
		was[i] = auditedCounter{s.counter.Kind, s.counter.Subject, s.counter.Window.Start, s.live.Committed, s.live.Settled, s.live.Outflow}
		is[i] = was[i]
		is[i].Committed, is[i].Settled, is[i].Outflow = was[i].Committed+m.Committed, was[i].Settled+m.Settled, was[i].Outflow+m.Outflow
	}
	return map[string][]auditedCounter{"counters": was}, map[string][]auditedCounter{"counters": is}
}
