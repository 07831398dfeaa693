package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// story is what ledgers tell of one reservation, and what it cost in truth.
type story struct {
	events []alfred.UsageEvent
	charge map[alfred.CounterKind]alfred.Credits
	cost   alfred.Credits
	output int64 // tokens
}

// storyOf draws a reservation and everything that is said of it: by the
// ledger that ended it, by one that had lost its record when the truth came,
// by one that came back older and let it expire again, and by a spool that
// sends on another day what it did not see confirmed.
func storyOf(r *rapid.T, w *world, n int) story {
	window := november
	counter := func(k alfred.CounterKind) alfred.Counter {
		return alfred.Counter{Kind: k, Subject: fmt.Sprint("s", n), Window: window}
	}
	granted := alfred.Credits(rapid.IntRange(2, 100).Draw(r, "granted"))
	first := alfred.Credits(rapid.Int64Range(0, int64(granted)).Draw(r, "first leg"))
	at := noon.AddDate(0, 0, -10).Add(time.Duration(n) * time.Minute)
	hold := alfred.HoldRecord{
		Org: w.org, Hold: alfred.HoldID(fmt.Sprint("hold_", n)), Granted: granted,
		Caps: []alfred.Counter{counter(alfred.CountUser), counter(alfred.CountOrg)},
		Legs: []alfred.HeldLeg{
			{Kind: alfred.LegPersonal, Counters: []alfred.Counter{counter(alfred.CountPersonal)}, Taken: first},
			{Kind: alfred.LegOverdraft, Counters: []alfred.Counter{counter(alfred.CountOverdraft)}, Taken: granted - first},
		},
		Terms: alfred.Terms{
			OnExpiry:  rapid.SampledFrom([]alfred.ReapPolicy{alfred.ReapEstimate, alfred.ReapInputOnly, alfred.ReapZero}).Draw(r, "policy"),
			InputCost: 1, Want: 200, Event: alfred.UsageEvent{Org: w.org, At: at, User: "usr_ana", Model: "m", InputBound: 1, OutputLimit: 199},
		},
	}
	cost := alfred.Credits(rapid.Int64Range(0, 120).Draw(r, "cost"))
	end := hold.Terms.Event
	end.Usage, end.At = alfred.Usage{Output: int64(cost)}, at.Add(time.Minute)
	settle := func(from store.Standing, later time.Duration) alfred.UsageEvent {
		e := end
		e.At = e.At.Add(later)
		out, err := store.Settle(from, alfred.Settlement{Record: hold, Cost: cost, Event: e})
		if err != nil {
			r.Fatal(err)
		}
		return *out.Event
	}
	void := func(from store.Standing) alfred.UsageEvent {
		e := end
		e.Usage = alfred.Usage{}
		return *store.Release(from, hold, e).Event
	}
	held, expired := store.Standing{State: store.Held}, store.Expire(hold)
	again := *expired.Event
	again.At = again.At.Add(24 * time.Hour)
	charged := expired.To
	settled := func() []alfred.UsageEvent { return []alfred.UsageEvent{settle(held, 0)} }
	s := story{}
	switch k := rapid.IntRange(0, 9).Draw(r, "story"); k {
	case 0:
		s.events = settled()
	case 1:
		s.events = append(settled(), again)
	case 2:
		s.events = append(settled(), again, settle(charged, 25*time.Hour))
	case 3:
		s.events = append(settled(), settle(store.Standing{}, 30*time.Hour))
	case 4:
		s.events = []alfred.UsageEvent{*expired.Event, settle(charged, 0)}
	case 5:
		s.events = []alfred.UsageEvent{*expired.Event, settle(store.Standing{}, 20*time.Minute)}
	case 6:
		s.events = []alfred.UsageEvent{*expired.Event, settle(charged, 0), settle(store.Standing{}, 40*time.Hour), again}
	case 7:
		s.events = []alfred.UsageEvent{void(held), settle(store.Standing{State: store.Void}, 0)}
	case 8, 9: // nobody spent anything
		cost = 0
		s.events = [][]alfred.UsageEvent{
			{void(held), again}, {*expired.Event, void(charged)}, {void(held), again, void(charged)},
		}[rapid.IntRange(0, 2).Draw(r, "void")]
	}
	s.cost, s.output = cost, int64(cost)
	spread := alfred.SpreadOverLegs(hold.Legs, cost)
	s.charge = map[alfred.CounterKind]alfred.Credits{
		alfred.CountUser: cost, alfred.CountOrg: cost, alfred.CountPersonal: spread[0], alfred.CountOverdraft: spread[1],
	}
	return s
}

// The rows of a reservation sum to what it cost, whatever was said of it, how
// often, in which order, and by however many recorders at the same instant.
func TestLedger15_WhatIsRecordedOfAReservationSumsToItsTruth(t *testing.T) {
	w := newWorld(t)
	other, err := postgres.Open(t.Context(), w.address)
	w.must(err)
	defer other.Close()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		var all []alfred.UsageEvent
		stories := map[int]story{}
		for range rapid.IntRange(1, 8).Draw(r, "reservations") {
			n++
			s := storyOf(r, w, n)
			stories[n] = s
			all = append(all, s.events...)
		}
		all = append(all, all...) // every entry is delivered twice
		var wg sync.WaitGroup
		for i, recorder := range []*postgres.Store{w.Store, other} {
			var mine []alfred.UsageEvent
			for _, at := range rapid.Permutation(upTo(len(all))).Draw(r, fmt.Sprint("order ", i)) {
				mine = append(mine, all[at])
			}
			size := rapid.IntRange(1, len(mine)).Draw(r, fmt.Sprint("batch ", i))
			wg.Go(func() {
				for at := 0; at < len(mine); at += size {
					if _, err := recorder.RecordEvents(w.ctx, mine[at:min(at+size, len(mine))]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for n, s := range stories {
			id := fmt.Sprint("hold_", n)
			if got := w.count("SELECT coalesce(sum(cost), 0)::bigint FROM usage_events WHERE reservation_id = $1", id); got != int64(s.cost) {
				r.Fatalf("%s: charged %d, truth %d, of\n%s", id, got, s.cost, told(s.events))
			}
			if got := w.count("SELECT coalesce(sum(output + input), 0)::bigint FROM usage_events WHERE reservation_id = $1", id); got != s.output {
				r.Fatalf("%s: %d tokens, truth %d, of\n%s", id, got, s.output, told(s.events))
			}
			for kind, want := range s.charge {
				if got := w.used(alfred.Counter{Kind: kind, Subject: fmt.Sprint("s", n), Window: november}); got != want {
					r.Fatalf("%s: counter %s has %d, truth %d, of\n%s", id, kind, got, want, told(s.events))
				}
			}
		}
	})
	w.addsUp()
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

func told(events []alfred.UsageEvent) (text string) {
	for _, e := range events {
		text += fmt.Sprintf("%s %s cost %d, %d charges, %+v\n", e.Kind, e.At.Format(time.DateTime), e.Cost, len(e.Charges), e.Usage)
	}
	return text
}

// addsUp checks every aggregate against the rows.
func (w *world) addsUp() {
	w.Helper()
	w.same(w.count(`
		SELECT count(*) FROM (
			SELECT c.kind, c.subject, sum(c.amount)::bigint AS n FROM usage_events u, usage_charges(u) c GROUP BY 1, 2) e
		FULL JOIN counter_usage u ON u.kind = e.kind AND u.subject = e.subject
		WHERE coalesce(u.settled, 0) <> coalesce(e.n, 0)`), int64(0))
	for _, column := range []string{"cost", "input", "output"} {
		w.same(w.count("SELECT sum("+column+")::bigint FROM usage_hourly"), w.count("SELECT sum("+column+")::bigint FROM usage_events"))
	}
	w.same(w.count("SELECT count(*) FROM usage_events WHERE kind = 'settle' AND reservation_id IN (SELECT reservation_id FROM usage_events WHERE kind = 'expired')"), int64(0))
}

// What a spool sends on another day, because the ledger forgot it, is one
// settlement.
func TestASettlementOfAnotherDayIsTheSame(t *testing.T) {
	w := newWorld(t)
	id := string(id[alfred.HoldID](t, "hold"))
	w.record(1, w.settled(id, noon, 10))
	w.record(0, w.settled(id, noon.AddDate(0, 0, 9), 10))
	w.record(0, w.settled(id, noon.AddDate(0, 0, -1), 10))
	w.same(w.used(personal), alfred.Credits(10))
	w.refused(func() error { _, err := w.LockUsage(w.ctx, w.org); return err }(), alfred.CodeInternal)
}
