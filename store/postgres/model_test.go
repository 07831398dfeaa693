package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

// TestRandomBatchesAgreeWithAModel records random batches, with repetitions,
// and compares every aggregate with sums in memory.
func TestRandomBatchesAgreeWithAModel(t *testing.T) {
	w := newWorld(t)
	example := 0
	rapid.Check(t, func(rt *rapid.T) {
		example++
		org := alfred.OrgID(fmt.Sprintf("org_%d", example))
		type hour struct {
			model string
			hour  time.Time
		}
		counters, totals := map[alfred.Counter]alfred.Credits{}, map[hour]alfred.UsageTotal{}
		seen := map[string]bool{}
		var stored []alfred.UsageEvent
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			batch := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) alfred.UsageEvent { return drawEvent(rt, org) }), 0, 12).Draw(rt, "batch")
			if len(stored) > 0 {
				batch = append(batch, rapid.SliceOfN(rapid.SampledFrom(stored), 0, 4).Draw(rt, "again")...)
			}
			fresh, earlier := 0, stored
			for _, e := range batch {
				if afterSettlement(e, batch, earlier) {
					continue
				}
				// As the database sees it: the same reservation may come on another day.
				name := fmt.Sprint(e.At.Format(time.DateOnly), e.Reservation, e.Kind)
				if seen[name] {
					continue
				}
				seen[name] = true
				fresh++
				stored = append(stored, e)
			}
			got, err := w.RecordEvents(w.ctx, batch)
			if err != nil || got != fresh {
				rt.Fatalf("recorded %d (%v), want %d", got, err, fresh)
			}
		}
		for _, e := range stored {
			for _, c := range e.Charges {
				counters[c.Counter] += c.Amount
			}
			if e.Kind == alfred.EventVoid {
				continue
			}
			k := hour{e.Model, e.At.Truncate(time.Hour)}
			sum := totals[k]
			sum.Model = e.Model
			if e.Kind != alfred.EventAdjust {
				sum.Requests++
			}
			sum.Usage.Output += e.Usage.Output
			sum.Cost += e.Cost
			totals[k] = sum
		}
		for c, want := range counters {
			if got, err := w.CounterUsage(w.ctx, org, c); err != nil || got != want {
				rt.Fatalf("counter %v is %v (%v), want %v", c, got, err, want)
			}
		}
		for k, want := range totals {
			sums, err := w.UsageTotals(w.ctx, org, alfred.UsageFilter{From: k.hour, Until: k.hour.Add(time.Hour)})
			if err != nil {
				rt.Fatal(err)
			}
			found := false
			for _, got := range sums {
				found = found || got == want
			}
			if !found {
				rt.Fatalf("hour %v is %v, want %v", k, sums, want)
			}
		}
	})
}

// afterSettlement says whether an event ends a reservation that was settled,
// in its batch or in the days before.
func afterSettlement(e alfred.UsageEvent, batch, earlier []alfred.UsageEvent) bool {
	if e.Kind != alfred.EventExpired && e.Kind != alfred.EventAdjust {
		return false
	}
	final := func(s alfred.UsageEvent) bool { return s.Kind == alfred.EventSettle && s.Reservation == e.Reservation }
	if slices.ContainsFunc(batch, final) {
		return true
	}
	// The days before anything in the batch that is such an end.
	for _, end := range batch {
		if end.Kind != alfred.EventExpired && end.Kind != alfred.EventAdjust {
			continue
		}
		for _, s := range earlier {
			back := end.At.Truncate(24 * time.Hour).Sub(s.At.Truncate(24 * time.Hour))
			if final(s) && back >= 0 && back <= 48*time.Hour {
				return true
			}
		}
	}
	return false
}

// drawEvent draws from few reservations, so that they meet.
func drawEvent(rt *rapid.T, org alfred.OrgID) alfred.UsageEvent {
	e := alfred.UsageEvent{
		Kind:        rapid.SampledFrom([]alfred.EventKind{alfred.EventSettle, alfred.EventVoid, alfred.EventExpired, alfred.EventAdjust}).Draw(rt, "kind"),
		Org:         org,
		Reservation: alfred.HoldID(fmt.Sprintf("hold_%s_%d", org, rapid.IntRange(0, 8).Draw(rt, "hold"))),
		At:          noon.Add(time.Duration(rapid.IntRange(-60*36, 60*36).Draw(rt, "minute")) * time.Minute),
		Model:       rapid.SampledFrom([]string{"", "gpt-4o", "claude"}).Draw(rt, "model"),
	}
	if e.Kind == alfred.EventVoid {
		return e
	}
	least := 0
	if e.Kind == alfred.EventAdjust {
		least = -1000
	}
	e.Cost = alfred.Credits(rapid.IntRange(least, 1000).Draw(rt, "cost"))
	e.Usage.Output = rapid.Int64Range(0, 50).Draw(rt, "output")
	for _, kind := range []alfred.CounterKind{alfred.CountOrg, alfred.CountUser} {
		subject := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "subject")
		e.Charges = append(e.Charges, alfred.CounterAmount{Counter: alfred.Counter{Kind: kind, Subject: subject, Window: november}, Amount: e.Cost})
	}
	return e
}
