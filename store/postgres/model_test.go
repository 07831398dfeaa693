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
		var told []alfred.UsageEvent
		rows := 0
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			batch := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) alfred.UsageEvent { return drawEvent(rt, org) }), 0, 12).Draw(rt, "batch")
			if len(told) > 0 {
				batch = append(batch, rapid.SliceOfN(rapid.SampledFrom(told), 0, 4).Draw(rt, "again")...)
			}
			got, err := w.RecordEvents(w.ctx, batch)
			if err != nil {
				rt.Fatal(err)
			}
			if again, err := w.RecordEvents(w.ctx, batch); err != nil || again != 0 {
				rt.Fatalf("recorded %d of the same batch again (%v)", again, err)
			}
			told, rows = append(told, batch...), rows+got
		}
		stored, _, err := w.Usage(w.ctx, org, alfred.UsageFilter{})
		if err != nil || len(stored) != rows {
			rt.Fatalf("%d rows (%v), %d were new", len(stored), err, rows)
		}
		truths(rt, told, stored)
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

// truths checks that a reservation that was settled costs what a settlement
// said, whatever else was said of it.
func truths(rt *rapid.T, told, stored []alfred.UsageEvent) {
	cost, settled := map[alfred.HoldID]alfred.Credits{}, map[alfred.HoldID][]alfred.Credits{}
	for _, e := range stored {
		cost[e.Reservation] += e.Cost
	}
	for _, e := range told {
		if e.Kind == alfred.EventSettle {
			settled[e.Reservation] = append(settled[e.Reservation], e.Cost)
		}
	}
	for id, said := range settled {
		if !slices.Contains(said, cost[id]) {
			rt.Fatalf("%s costs %d, its settlements said %d", id, cost[id], said)
		}
	}
}

// drawEvent draws from few reservations, so that they meet.
func drawEvent(rt *rapid.T, org alfred.OrgID) alfred.UsageEvent {
	e := alfred.UsageEvent{
		Kind:        rapid.SampledFrom([]alfred.EventKind{alfred.EventSettle, alfred.EventVoid, alfred.EventExpired, alfred.EventAdjust}).Draw(rt, "kind"),
		Org:         org,
		Reservation: alfred.HoldID(fmt.Sprintf("hold_%s_%d", org, rapid.IntRange(0, 8).Draw(rt, "hold"))),
		At:          noon.AddDate(0, 0, -10).Add(time.Duration(rapid.IntRange(-60*36, 60*36).Draw(rt, "minute")) * time.Minute),
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
