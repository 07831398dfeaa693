package extproc

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/alfred-envoy/alfred"
)

const (
	reapEvery = 10 * time.Second // on average, in every process
	reapBatch = 100

	extendSlots = 32
)

// extend prolongs the holds of running requests until ctx ends, so that only
// those of a process that died expire.
func (g *Gate) extend(ctx context.Context) {
	for tick := min(time.Second, g.settings.HoldExtend); ctx.Err() == nil; pause(ctx, tick) {
		g.extendDue(ctx)
	}
}

func (g *Gate) extendDue(ctx context.Context) {
	callers := g.endings.tempo.crew(extendSlots)
	for _, h := range g.holds.due(g.now(), g.settings.HoldExtend) {
		callers.work(func() {
			began := time.Now()
			ctx, cancel := context.WithTimeout(ctx, retryTimeout)
			defer cancel()
			found, err := g.ledger.Extend(ctx, h.record, h.ttl)
			g.metrics.called("extend", began, err)
			g.away.note(g.now(), err)
			if err == nil && !found && !h.ended.Load() {
				// It has expired and was charged by policy. The truth is booked when the request ends.
				g.metrics.holdsLost.Inc()
				g.holds.remove(h)
			}
		})
	}
	callers.wait()
}

// away is when the live store was last known not to answer.
type away struct{ at atomic.Int64 }

// note remembers a call that failed.
func (a *away) note(now time.Time, err error) {
	if err != nil && !isMistake(err) {
		a.at.Store(now.UnixNano())
	}
}

// since is how long ago that was.
func (a *away) since(now time.Time) time.Duration { return now.Sub(time.Unix(0, a.at.Load())) }

// reap ends the holds of processes that died, until ctx ends. Every process
// does it for every organisation, at times of its own.
func (g *Gate) reap(ctx context.Context, orgs func(context.Context) ([]alfred.OrgID, error)) {
	for {
		pause(ctx, reapEvery/2+rand.N(reapEvery)) //nolint:gosec // it spreads work, it protects nothing
		if ctx.Err() != nil {
			return
		}
		g.reapAll(ctx, orgs)
	}
}

// reapAll is one turn. In an outage every hold falls due, also those of
// processes that live. So after one, and after a start, when nobody knows
// whether there was one, everybody has the life of a hold to extend what runs
// and to book what has ended.
func (g *Gate) reapAll(ctx context.Context, orgs func(context.Context) ([]alfred.OrgID, error)) {
	all, err := orgs(ctx)
	if err != nil {
		g.away.note(g.now(), err) // counted where it happened
		return
	}
	if g.away.since(g.now()) < g.settings.HoldTTL {
		return
	}
	for _, org := range all {
		g.reapOrg(ctx, org)
	}
}

// reapOrg reaps nothing while the ledger may have come back older: then holds
// stand in it that have ended, and only the record knows which. Requests wait
// for the comparison with the record a few seconds; holds as long as it takes,
// since an expiry of what has ended is charged on the counters alone.
func (g *Gate) reapOrg(ctx context.Context, org alfred.OrgID) {
	for {
		if _, err := g.learner.look(ctx, org); err != nil || g.learner.doubts(org) || ctx.Err() != nil {
			return
		}
		began := time.Now()
		attempt, cancel := context.WithTimeout(ctx, retryTimeout)
		n, err := g.ledger.Reap(attempt, org, reapBatch)
		cancel()
		g.metrics.called("reap", began, err)
		g.metrics.reaped.Add(float64(n))
		g.away.note(g.now(), err)
		if err != nil || n < reapBatch {
			return
		}
	}
}
