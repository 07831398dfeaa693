package extproc

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// What a request pays in good times for being able to live through bad ones.
func BenchmarkTouchAllowance(b *testing.B) {
	w := newTown(b, 1, nil)
	g := w.gates[0].Gate
	var all []Admission
	for i := range maxAllowances {
		p := *w.people[0]
		p.Key = alfred.KeyID(fmt.Sprintf("key_%d", i))
		all = append(all, Admission{Principal: &p, Catalog: w.catalog, Model: "m", Input: 10, Limit: 100})
	}
	t, _, err := g.terms(all[0], w.now())
	if err != nil {
		b.Fatal(err)
	}
	now, i := w.now(), 0
	for b.Loop() {
		g.allowances.touch(all[i%len(all)], t, 1000*alfred.Credit, now)
		i++
	}
}

// mute is a store that accepts calls and never answers.
type mute struct{ Ledger }

func (mute) Reserve(ctx context.Context, _ alfred.ReserveRequest) (alfred.ReserveReply, error) {
	<-ctx.Done()
	return alfred.ReserveReply{}, ctx.Err()
}

func (mute) Void(ctx context.Context, _ alfred.HoldRecord, _ alfred.UsageEvent) (alfred.EndState, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// How long a decision takes while the store has stopped, against a deadline of
// 50 ms: most are the breaker's, and nobody waits for longer than that.
func BenchmarkDecisionWhileTheStoreIsStopped(b *testing.B) {
	w := newTown(b, 1, func(w *town) {
		w.change = func(s *GateSettings) { s.Timeout = 50 * time.Millisecond }
		w.catalog.Settings.FailMode = alfred.FailDeny
	})
	w.clock = nil
	p := w.gates[0]
	p.way.Ledger = mute{w.store}
	var mu sync.Mutex
	var took []time.Duration
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			began := time.Now()
			_, d := w.ask(p, 0, 90)
			spent := time.Since(began)
			if d.Allowed || d.Degraded != "deny" {
				b.Errorf("%+v", d)
			}
			mu.Lock()
			took = append(took, spent)
			mu.Unlock()
			time.Sleep(time.Millisecond) //nolint:forbidigo // what a caller does between two requests
		}
	})
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "longest-ms")
}
