package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
)

// drift is the live ledger beside the record, every counter of it.
type drift struct {
	at       time.Time
	epoch    alfred.Epoch
	counters int
	drifting int
	max, sum alfred.Credits // of the drifts, without their signs
	above    alfred.Credits // of sum: what counters are above the record
	below    alfred.Credits // of sum: what they are below it
	low      bool           // some counter is below what it should be
}

// drift compares every counter with the record. Counters are compared page
// by page, each page at one instant of its own; each, if not nil, is called
// with every one of them.
func (b *Rebuilder) drift(ctx context.Context, org alfred.OrgID, each func(standing)) (drift, error) {
	c := b.comparison(org, ledgerHolds)
	if err := c.catchUp(ctx); err != nil {
		return drift{}, err
	}
	out := drift{at: b.Now()}
	err := b.everyCounter(ctx, org, func(page []alfred.Counter) error {
		var seen []standing
		err := c.at(ctx, page, func(_ context.Context, _ alfred.Epoch, all []standing) error {
			seen = all
			return nil
		})
		if err != nil {
			return err
		}
		out.add(seen)
		for _, s := range seen {
			if each != nil {
				each(s)
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	out.epoch, err = b.Live.Epoch(ctx, org)
	return out, err
}

func (d *drift) add(all []standing) {
	d.counters += len(all)
	for _, s := range all {
		if !s.drifts() {
			continue
		}
		d.low = d.low || !none(s.missing(false))
		n := s.drift()
		d.drifting++
		if n > 0 {
			d.above += n
		} else {
			d.below -= n
		}
		d.max, d.sum = max(d.max, n, -n), d.above+d.below
	}
}

// everyCounter visits the counters of open windows: those that the record
// knows, then those that only the live ledger has. What was used of the demo
// data is in the record alone, so its counters are never compared.
func (b *Rebuilder) everyCounter(ctx context.Context, org alfred.OrgID, visit func([]alfred.Counter) error) error {
	type key struct {
		kind    alfred.CounterKind
		subject string
		start   int64
	}
	of := func(c alfred.Counter) key { return key{c.Kind, c.Subject, c.Window.Start.Unix()} }
	seen, starts := map[key]bool{}, map[int64]time.Time{}
	now := b.Now()
	for after := (alfred.Counter{}); ; {
		page, err := b.Records.OpenCounters(ctx, org, after, now, ledgerPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			seen[of(c)], starts[c.Window.Start.Unix()] = true, c.Window.End
		}
		if err := visit(page); err != nil {
			return err
		}
		after = page[len(page)-1]
	}
	// The live ledger does not tell when a window ends; one that the record
	// does not know either, or of which it knows that it is over, is left.
	var rest []alfred.Counter
	err := b.Live.EachCounter(ctx, org, func(found []alfred.Counter) error {
		for _, c := range found {
			end, open := starts[c.Window.Start.Unix()]
			if !open || seen[of(c)] || isDemo(c.Subject) {
				continue
			}
			seen[of(c)] = true
			c.Window.End = end
			if rest = append(rest, c); len(rest) == ledgerPage {
				if err := visit(rest); err != nil {
					return err
				}
				rest = nil
			}
		}
		return nil
	})
	if err != nil || len(rest) == 0 {
		return err
	}
	return visit(rest)
}

// compare measures the drift from time to time, and raises what is too low.
func (b *Rebuilder) compare(ctx context.Context, org alfred.OrgID) error {
	b.mu.Lock()
	due := b.Now().Sub(b.checked[org]) >= compareEvery
	b.mu.Unlock()
	if !due {
		return nil
	}
	e, err := b.Live.Epoch(ctx, org)
	if err != nil || !e.Current() {
		return err // Ensure tells
	}
	d, err := b.drift(ctx, org, nil)
	if err == nil && d.low {
		c := b.comparison(org, ledgerHolds)
		if _, _, err = b.raiseAll(ctx, c, d.epoch); errors.Is(err, errMoved) {
			return nil // the next time
		}
		if err == nil {
			d, err = b.drift(ctx, org, nil)
		}
	}
	if err != nil {
		return fmt.Errorf("compare the ledger of %s with the record: %w", org, err)
	}
	b.mu.Lock()
	if b.checked == nil {
		b.checked = map[alfred.OrgID]time.Time{}
	}
	b.checked[org] = b.Now()
	b.mu.Unlock()
	b.Metrics.drifted(org, d)
	if d.drifting > 0 {
		b.Log.Warn("live counters drift from the record: see GET /v1/admin/ledger/drift", "org", org, "counters", d.drifting, "largest", d.max.String(), "sum", d.sum.String())
	}
	return nil
}
