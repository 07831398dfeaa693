package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/alfred-envoy/alfred"
)

func endCases() []ledgerCase {
	return []ledgerCase{
		{name: "what is unused returns to the last leg first", run: func(b *bench) {
			r := b.request(100, 100, b.personal(60), b.team(1000, 30), b.overdraft(50))
			rec := b.grant(r, 100, 60, 30, 10)
			b.settle(rec, 75, alfred.EndSettled)
			b.stands(r.Legs[0].Group[0], 60, 60)
			b.stands(r.Legs[1].Group[0], 15, 15)
			b.stands(r.Legs[1].Group[1], 15, 15)
			b.stands(r.Legs[2].Group[0], 0, 0)
		}},
		{name: "an overrun goes to the last leg that paid, and is never refused", run: func(b *bench) {
			r := b.request(70, 70, b.personal(60), b.team(1000, 10), b.overdraft(50))
			r.Caps = []alfred.Cap{b.cap(alfred.CountOrg, 70, 0)}
			rec := b.grant(r, 70, 60, 10, 0)
			b.settle(rec, 100, alfred.EndSettled)
			b.stands(r.Legs[1].Group[1], 40, 40)
			b.stands(r.Legs[2].Group[0], 0, 0)
			b.stands(r.Caps[0].Charge, 100, 100)
			if events := b.events(); len(events) != 1 || !events[0].Overrun {
				b.Errorf("events %+v", events)
			}
		}},
		{name: "a settlement's event lists every counter and who paid", run: func(b *bench) {
			r := b.request(100, 100, b.personal(60), b.team(1000, 100))
			r.Caps = []alfred.Cap{b.cap(alfred.CountUser, alfred.Unlimited, 0)}
			r.Terms.Event.CardVersion = 7
			rec := b.grant(r, 100)
			before := b.now().Truncate(time.Millisecond)
			b.settle(rec, 70, alfred.EndSettled)
			events := b.events()
			want := []alfred.UsageEvent{{
				Kind: alfred.EventSettle, Org: b.org, Reservation: r.Hold, User: "ann", Model: "m", CardVersion: 7, Held: 100, Cost: 70,
				Charges: []alfred.CounterAmount{
					{Counter: r.Caps[0].Counter, Amount: 70},
					{Counter: r.Legs[0].Group[0].Counter, Amount: 60},
					{Counter: r.Legs[1].Group[0].Counter, Amount: 10},
					{Counter: r.Legs[1].Group[1].Counter, Amount: 10},
				},
				Legs: []alfred.LegAmount{{Kind: alfred.LegPersonal, Subject: "ann", Amount: 60}, {Kind: alfred.LegTeam, Subject: "core", Amount: 10}},
			}}
			if diff := cmp.Diff(want, events, cmpopts.IgnoreFields(alfred.UsageEvent{}, "At")); diff != "" {
				b.Fatalf("events (-expected +got):\n%s", diff)
			}
			if at := events[0].At; at.Before(before) || at.After(b.now()) {
				b.Errorf("the event is of %s, expected the server's time %s or a little later", at, before)
			}
		}},
		{name: "an event keeps the time that it was given", run: func(b *bench) {
			rec := b.grant(b.request(1, 1, b.personal(9)), 1)
			rec.Terms.Event.At = time.Date(2026, 11, 1, 23, 59, 59, 0, time.UTC)
			b.settle(rec, 1, alfred.EndSettled)
			if events := b.events(); len(events) != 1 || !events[0].At.Equal(rec.Terms.Event.At) {
				b.Errorf("events %+v", events)
			}
		}},
		{name: "settling or voiding again changes nothing and writes no event", run: func(b *bench) {
			r := b.request(10, 10, b.personal(100))
			rec := b.grant(r, 10)
			b.settle(rec, 7, alfred.EndSettled)
			b.settle(rec, 9, alfred.EndDuplicate)
			b.void(rec, alfred.EndDuplicate)
			b.void(alfred.HoldRecord{Org: b.org, Hold: r.Hold}, alfred.EndDuplicate)
			b.stands(r.Legs[0].Group[0], 7, 7)
			other := b.grant(b.request(10, 10, b.personal(100)), 10)
			b.void(other, alfred.EndVoided)
			b.void(other, alfred.EndDuplicate)
			b.stands(r.Legs[0].Group[0], 7, 7)
			b.kinds(alfred.EventSettle, alfred.EventVoid)
		}},
		{name: "a void gives everything back", run: func(b *bench) {
			r := b.request(100, 100, b.personal(60), b.team(1000, 100))
			r.Caps = []alfred.Cap{b.cap(alfred.CountUser, 1000, 0)}
			b.void(b.grant(r, 100, 60, 40), alfred.EndVoided)
			for name, got := range b.balances(r) {
				if got != (alfred.Balance{}) {
					b.Errorf("%s: %+v", name, got)
				}
			}
			b.open(0)
		}},
		{name: "a void of unknown fate releases what was held", run: func(b *bench) {
			r := b.request(100, 100, b.personal(60), b.team(1000, 100))
			b.grant(r, 100, 60, 40)
			b.void(alfred.HoldRecord{Org: b.org, Hold: r.Hold}, alfred.EndVoided)
			b.stands(r.Legs[0].Group[0], 0, 0)
			b.stands(r.Legs[1].Group[0], 0, 0)
			b.open(0)
			if events := b.events(); len(events) != 1 || events[0].User != "ann" || events[0].Held != 100 {
				b.Errorf("events %+v", events)
			}
		}},
		{name: "a void that comes first refuses the hold that comes later", run: func(b *bench) {
			r := b.request(10, 10, b.personal(100))
			b.void(alfred.HoldRecord{Org: b.org, Hold: r.Hold}, alfred.EndUnknown)
			b.refuse(r, alfred.VerdictReplay, "")
			b.open(0)
			b.kinds()
		}},
		{name: "the truth that comes after a void is charged once", run: func(b *bench) {
			r := b.request(10, 10, b.personal(100))
			rec := b.grant(r, 10)
			b.void(rec, alfred.EndVoided)
			b.settle(rec, 8, alfred.EndAdjusted)
			b.settle(rec, 8, alfred.EndDuplicate)
			b.stands(r.Legs[0].Group[0], 8, 8)
			b.kinds(alfred.EventVoid, alfred.EventAdjust)
		}},
		{name: "a hold that nobody settles is charged by its policy", run: func(b *bench) {
			for policy, want := range map[alfred.ReapPolicy]alfred.Credits{alfred.ReapEstimate: 10, alfred.ReapInputOnly: 4, alfred.ReapZero: 0} {
				r := b.request(10, 10, b.personal(100))
				r.Legs[0].Group[0].Counter.Subject = string(policy)
				r.Terms.OnExpiry, r.Terms.InputCost = policy, 4
				b.expire(r)
				b.stands(r.Legs[0].Group[0], want, want)
				events := b.events()
				if len(events) != 1 || events[0].Kind != alfred.EventExpired || events[0].Cost != want || events[0].Held != 10 ||
					!events[0].Estimated || events[0].Outcome != alfred.OutcomeExpired || events[0].User != "ann" {
					b.Errorf("%s: events %+v", policy, events)
				}
			}
			b.open(0)
		}},
		{name: "the truth returns after an expiry, by the difference and over the same legs", run: func(b *bench) {
			r := b.request(100, 100, b.personal(60), b.team(1000, 100))
			r.Caps = []alfred.Cap{b.cap(alfred.CountUser, 1000, 0)}
			rec := b.expire(r)
			b.settle(rec, 45, alfred.EndAdjusted)
			b.settle(rec, 45, alfred.EndDuplicate)
			b.stands(r.Caps[0].Charge, 45, 45)
			b.stands(r.Legs[0].Group[0], 45, 45)
			b.stands(r.Legs[1].Group[1], 0, 0)
			events := b.events()
			if len(events) != 2 || events[1].Kind != alfred.EventAdjust || events[1].Cost != -55 {
				b.Fatalf("events %+v", events)
			}
			want := []alfred.LegAmount{{Kind: alfred.LegPersonal, Subject: "ann", Amount: -15}, {Kind: alfred.LegTeam, Subject: "core", Amount: -40}}
			if diff := cmp.Diff(want, events[1].Legs); diff != "" {
				b.Errorf("legs of the adjustment:\n%s", diff)
			}
		}},
		{name: "the truth returns to who paid the expiry, whoever brings it", run: func(b *bench) {
			r := b.request(100, 100, b.personal(60), b.team(1000, 100))
			rec := b.expire(r)
			for i := range rec.Legs {
				rec.Legs[i].Taken = 0 // as one who was admitted without an answer believes
			}
			rec.Granted = 0
			b.settle(rec, 70, alfred.EndAdjusted)
			b.stands(r.Legs[0].Group[0], 60, 60)
			b.stands(r.Legs[1].Group[1], 10, 10)
		}},
		{name: "a void returns what an expiry has charged, even when only the id is known", run: func(b *bench) {
			r := b.request(10, 10, b.personal(100))
			b.void(b.expire(r), alfred.EndAdjusted)
			r2 := b.request(10, 10, b.personal(100))
			b.expire(r2)
			b.void(alfred.HoldRecord{Org: b.org, Hold: r2.Hold}, alfred.EndAdjusted)
			b.void(alfred.HoldRecord{Org: b.org, Hold: r2.Hold}, alfred.EndDuplicate)
			b.stands(r.Legs[0].Group[0], 0, 0)
			b.kinds(alfred.EventExpired, alfred.EventAdjust, alfred.EventExpired, alfred.EventAdjust)
		}},
		{name: "reaping leaves what is not due, takes at most the limit, and does it once", run: func(b *bench) {
			for range 3 {
				r := b.request(10, 10, b.personal(100))
				r.TTL = time.Millisecond
				b.grant(r, 10)
			}
			b.grant(b.request(10, 10, b.personal(100)), 10)
			if c, ok := clockOf(b.ledger); ok {
				c.Advance(10 * time.Millisecond)
			}
			if n, err := b.ledger.Reap(b.ctx, b.org, 0); n != 0 || err != nil {
				b.Fatalf("reaped %d of none, %v", n, err)
			}
			till(b, "two of three are reaped", func() bool {
				n, err := b.ledger.Reap(b.ctx, b.org, 2)
				if err != nil || n > 2 {
					b.Fatalf("reaped %d, %v", n, err)
				}
				open, err := b.ledger.OpenHolds(b.ctx, b.org)
				return err == nil && open <= 2
			})
			till(b, "the third is reaped", func() bool {
				if _, err := b.ledger.Reap(b.ctx, b.org, 2); err != nil {
					b.Fatal(err)
				}
				open, err := b.ledger.OpenHolds(b.ctx, b.org)
				return err == nil && open == 1
			})
			b.kinds(alfred.EventExpired, alfred.EventExpired, alfred.EventExpired)
		}},
		{name: "a hold that is extended is not reaped, and is never due sooner than it was", run: func(b *bench) {
			r := b.request(10, 10, b.personal(100))
			r.TTL = time.Millisecond
			rec := b.grant(r, 10)
			b.extend(rec, 2*time.Minute, true)
			b.extend(rec, time.Millisecond, true)
			b.expire(b.request(10, 10, b.personal(100))) // the clock has passed what the hold was due
			b.open(1)
			b.settle(rec, 3, alfred.EndSettled)
			b.extend(rec, time.Minute, false)
			b.open(0)
			b.extend(alfred.HoldRecord{Org: b.org, Hold: "hold_unknown"}, time.Minute, false)
			b.open(0)
		}},
		{name: "a hold without a record is charged in full, once", run: func(b *bench) {
			r := b.request(100, 100, b.personal(60), b.team(1000, 100))
			rec := b.grant(r, 100, 60, 40)
			b.void(rec, alfred.EndVoided)
			rec.Hold = "hold_lost" // as if the server had lost it
			b.settle(rec, 70, alfred.EndLate)
			b.settle(rec, 70, alfred.EndDuplicate)
			b.stands(r.Legs[0].Group[0], 60, 60)
			b.stands(r.Legs[1].Group[0], 10, 10)
			events := b.events()
			if len(events) != 2 || !events[1].Late || events[1].Cost != 70 {
				b.Errorf("events %+v", events)
			}
			rec.Hold, rec.Due = "hold_long_ago", b.now().Add(-15*time.Minute)
			end, err := b.ledger.Settle(b.ctx, alfred.Settlement{Record: rec, Cost: 1})
			if alfred.ErrorCode(err) != alfred.CodeNotFound {
				b.Errorf("long ago: %s, %v", end, err)
			}
			delayed := b.request(10, 10, b.personal(100))
			delayed.Hold = rec.Hold
			b.refuse(delayed, alfred.VerdictReplay, "")
			b.stands(r.Legs[0].Group[0], 60, 60)
		}},
		{name: "a record stays for a quarter of an hour after its end, an open one until then", run: func(b *bench) {
			clock := b.clock()
			r := b.request(10, 10, b.personal(100))
			rec := b.grant(r, 10)
			clock.Advance(20 * time.Hour)
			b.settle(rec, 4, alfred.EndSettled)
			clock.Advance(15*time.Minute - time.Millisecond)
			b.refuse(r, alfred.VerdictReplay, "")
			clock.Advance(time.Millisecond)
			b.grant(r, 10)
		}, clock: true},
		{name: "counters outlive their window by eight days, each its own", run: func(b *bench) {
			clock := b.clock()
			day := b.charge(alfred.CountUser, "d", 100, 0)
			day.Counter.Window.End = b.window.End.Add(-12 * time.Hour)
			r := b.request(10, 10, b.personal(100))
			r.Caps = []alfred.Cap{{Charge: day, Mode: alfred.Enforce}}
			b.grant(r, 10)
			r2 := r
			r2.Hold = "hold_again"
			b.settle(b.grant(r2, 10), 5, alfred.EndSettled)
			clock.Advance(day.Counter.Window.End.Add(alfred.PurgeAfter).Sub(b.now()) - time.Millisecond)
			b.stands(day, 15, 5)
			clock.Advance(time.Millisecond)
			b.stands(day, 0, 0)
			b.stands(r.Legs[0].Group[0], 15, 5)
			clock.Advance(12 * time.Hour)
			b.stands(r.Legs[0].Group[0], 0, 0)
		}, clock: true},
		{name: "nonsense is an error", run: func(b *bench) {
			rec := b.grant(b.request(1, 1, b.personal(9)), 1)
			for name, s := range map[string]alfred.Settlement{
				"negative cost": {Record: rec, Cost: -1},
				"absurd cost":   {Record: rec, Cost: alfred.MaxCredits + 1},
				"no legs":       {Record: alfred.HoldRecord{Org: b.org, Hold: "hold_x"}, Cost: 1},
				"no hold":       {Record: alfred.HoldRecord{Org: b.org}, Cost: 1},
			} {
				if end, err := b.ledger.Settle(b.ctx, s); err == nil {
					b.Errorf("%s: %s", name, end)
				}
			}
			b.open(1)
		}},
	}
}

// kinds expects events of these kinds, in order.
func (b *bench) kinds(want ...alfred.EventKind) {
	b.Helper()
	var got []alfred.EventKind
	for _, e := range b.events() {
		got = append(got, e.Kind)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Fatalf("kinds of events (-expected +got):\n%s", diff)
	}
}

func (b *bench) extend(rec alfred.HoldRecord, ttl time.Duration, want bool) {
	b.Helper()
	alive, err := b.ledger.Extend(b.ctx, rec, ttl)
	if err != nil || alive != want {
		b.Fatalf("extend: %v, %v", alive, err)
	}
}
