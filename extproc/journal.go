package extproc

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
)

// journal records refusals, so that the person who got one can look it up.
// They are written in batches, at most half a second later. When more wait
// than journalSize, they are dropped and counted: a flood of refused requests
// must not become a flood of writes.
type journal struct {
	ledger  Ledger
	metrics *Metrics
	log     *slog.Logger
	in      chan *alfred.UsageEvent
	batch   []alfred.UsageEvent // read, and not written yet
}

const (
	journalSize  = 8192
	journalBatch = 512
	journalEvery = 500 * time.Millisecond
)

func newJournal(l Ledger, m *Metrics, log *slog.Logger) *journal {
	return &journal{ledger: l, metrics: m, log: log, in: make(chan *alfred.UsageEvent, journalSize)}
}

// add records a refusal, unless too many wait.
func (j *journal) add(e alfred.UsageEvent) {
	select {
	case j.in <- &e:
	default:
		j.metrics.recordsLost.Inc()
	}
}

// run writes until ctx ends, then writes what is left.
func (j *journal) run(ctx context.Context) {
	tick := time.NewTicker(journalEvery)
	defer tick.Stop()
	for {
		in := j.in
		if len(j.batch) >= journalBatch {
			in = nil // the last attempt did not succeed: wait for the next
		}
		select {
		case e := <-in:
			if j.batch = append(j.batch, *e); len(j.batch) >= journalBatch {
				j.batch = j.write(j.batch)
			}
		case <-tick.C:
			j.step()
		case <-ctx.Done():
			for len(j.in) > 0 {
				j.batch = append(j.batch, *<-j.in)
			}
			if left := j.write(j.batch); len(left) > 0 {
				j.metrics.recordsLost.Add(float64(len(left)))
			}
			return
		}
	}
}

// step writes what waits, at most a batch.
func (j *journal) step() {
	for len(j.in) > 0 && len(j.batch) < journalBatch {
		j.batch = append(j.batch, *<-j.in)
	}
	j.batch = j.write(j.batch)
}

// write appends a batch and returns what could not be written and is worth
// another attempt.
func (j *journal) write(batch []alfred.UsageEvent) []alfred.UsageEvent {
	byOrg := make(map[alfred.OrgID][]alfred.UsageEvent)
	for _, e := range batch {
		byOrg[e.Org] = append(byOrg[e.Org], e)
	}
	left := batch[:0]
	for _, org := range slices.Sorted(maps.Keys(byOrg)) {
		events, began := byOrg[org], time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), retryTimeout)
		err := j.ledger.AppendEvents(ctx, org, events)
		cancel()
		j.metrics.called("append", began, err)
		if err == nil {
			continue
		}
		j.log.Warn("refusals are not recorded yet", "count", len(events), "error", err)
		if keep := journalBatch - len(left); len(events) > keep {
			j.metrics.recordsLost.Add(float64(len(events) - keep))
			events = events[:keep]
		}
		left = append(left, events...)
	}
	return left
}
