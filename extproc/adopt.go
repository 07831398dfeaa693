package extproc

import (
	"context"
	"sync"
	"time"

	"github.com/alfred-envoy/alfred/extproc/spool"
)

// adoptEvery is how often a folder is searched for what a process that died
// left in it and no other took over.
const adoptEvery = 15 * time.Second

// adopt looks after the slots of dead processes until ctx ends.
func (k *keeper) adopt(ctx context.Context, orphans func() (*spool.Spool, error)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for ; ctx.Err() == nil; pause(ctx, adoptEvery) {
		left, err := orphans()
		if err != nil {
			k.log.Error("take over what a dead process left", "error", err)
		}
		if left == nil {
			continue
		}
		k.endings.metrics.adopted.Inc()
		k.log.Warn("what a dead process left in the spool is sent by this one", "spool", left.Dir(), "entries", left.Pending())
		wg.Go(func() { k.endow(left).finish(ctx) })
	}
}

// endow is a keeper for somebody else's spool.
func (k *keeper) endow(s *spool.Spool) *keeper {
	return &keeper{spool: s, marks: k.marks, endings: k.endings, log: k.log}
}

// finish sends what an adopted spool holds until all of it is confirmed, or
// ctx ends, and gives it back.
func (k *keeper) finish(ctx context.Context) {
	k.behind.Store(true)
	for ; ctx.Err() == nil && k.spool.Pending() > 0; pause(ctx, keepEvery) {
		k.watchStore(ctx)
		if k.lineage != "" && k.behind.Swap(false) && !k.resend(ctx) {
			k.behind.Store(true)
		}
		k.confirm(ctx)
	}
	if err := k.spool.Close(); err != nil {
		k.log.Error("give back an adopted spool", "spool", k.spool.Dir(), "error", err)
	}
}
