package extproc

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/alfred-envoy/alfred"
)

const (
	reapEvery = 10 * time.Second // on average, in every process
	reapBatch = 100
)

// extend prolongs the holds of running requests until ctx ends, so that only
// those of a process that died expire.
func (g *Gate) extend(ctx context.Context) {
	for tick := min(time.Second, g.settings.HoldExtend); ctx.Err() == nil; pause(ctx, tick) {
		g.extendDue(ctx)
	}
}

func (g *Gate) extendDue(ctx context.Context) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 32)
	for _, h := range g.holds.due(g.now(), g.settings.HoldExtend) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			began := time.Now()
			ctx, cancel := context.WithTimeout(ctx, retryTimeout)
			defer cancel()
			found, err := g.ledger.Extend(ctx, h.record, h.ttl)
			g.metrics.called("extend", began, err)
			if err == nil && !found && !h.ended.Load() {
				// It has expired and was charged by policy. The truth is booked when the request ends.
				g.metrics.holdsLost.Inc()
				g.holds.remove(h)
			}
		})
	}
	wg.Wait()
}

// reap ends the holds of processes that died, until ctx ends. Every process
// does it for every organisation, at times of its own.
func (g *Gate) reap(ctx context.Context, orgs func(context.Context) ([]alfred.OrgID, error)) {
	for {
		pause(ctx, reapEvery/2+rand.N(reapEvery)) //nolint:gosec // it spreads work, it protects nothing
		if ctx.Err() != nil {
			return
		}
		all, err := orgs(ctx)
		if err != nil {
			continue // counted where it happened
		}
		for _, org := range all {
			g.reapOrg(ctx, org)
		}
	}
}

func (g *Gate) reapOrg(ctx context.Context, org alfred.OrgID) {
	for ctx.Err() == nil {
		began := time.Now()
		attempt, cancel := context.WithTimeout(ctx, retryTimeout)
		n, err := g.ledger.Reap(attempt, org, reapBatch)
		cancel()
		g.metrics.called("reap", began, err)
		g.metrics.reaped.Add(float64(n))
		if err != nil || n < reapBatch {
			return
		}
	}
}
