package storetest

import (
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/alfred-envoy/alfred"
)

func reserveCases() []ledgerCase {
	return []ledgerCase{
		{name: "a hold is taken from every counter and settled to the truth", run: func(b *bench) {
			r := b.request(100, 100, b.personal(1000))
			r.Caps = []alfred.Cap{b.cap(alfred.CountUser, 500, 0), b.cap(alfred.CountOrg, alfred.Unlimited, 0)}
			rec := b.grant(r, 100, 100)
			all := []alfred.Charge{r.Caps[0].Charge, r.Caps[1].Charge, r.Legs[0].Group[0]}
			for _, c := range all {
				b.stands(c, 100, 0)
			}
			b.open(1)
			b.settle(rec, 60, alfred.EndSettled)
			for _, c := range all {
				b.stands(c, 60, 60)
			}
			b.open(0)
		}},
		{name: "the reply tells what the legs have left and where they stand", run: func(b *bench) {
			b.grant(b.request(30, 30, b.personal(100), b.team(1000, 50)), 30, 30, 0)
			reply := b.reserve(b.request(80, 80, b.personal(100), b.team(1000, 50)))
			if reply.Remaining != 40 {
				b.Errorf("remaining %d, expected 40 of the share", reply.Remaining)
			}
			want := []alfred.Credits{100, 10, 10}
			var got []alfred.Credits
			for _, s := range reply.Balances {
				got = append(got, s.Committed)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				b.Errorf("balances (-expected +got):\n%s", diff)
			}
		}},
		{name: "an open hold reserved again is answered as it was and changes nothing", run: func(b *bench) {
			r := b.request(10, 100, b.personal(150), b.team(1000, 1000))
			first := b.reserve(r)
			again := b.reserve(r)
			if again.Verdict != alfred.VerdictGranted || !cmp.Equal(first.Record, again.Record) {
				b.Errorf("the replay differs:\n%s", cmp.Diff(first.Record, again.Record))
			}
			b.stands(r.Legs[0].Group[0], 100, 0)
			b.open(1)
		}},
		{name: "a hold that has ended is not taken again", run: func(b *bench) {
			settled, voided := b.request(10, 10, b.personal(100)), b.request(10, 10, b.personal(100))
			b.settle(b.grant(settled, 10), 4, alfred.EndSettled)
			b.void(b.grant(voided, 10), alfred.EndVoided)
			expired := b.request(10, 10, b.personal(100))
			b.expire(expired)
			for _, r := range []alfred.ReserveRequest{settled, voided, expired} {
				b.refuse(r, alfred.VerdictReplay, "")
			}
			b.stands(settled.Legs[0].Group[0], 14, 14)
			b.open(0)
		}},
		{name: "the store's clock decides the window: its start is inside, its end outside", run: func(b *bench) {
			now := b.now()
			r := b.request(1, 1, b.personal(100))
			r.Window = alfred.Window{Start: now, End: now.Add(time.Hour)}
			b.grant(r, 1)
			r = b.request(1, 1, b.personal(100))
			r.Window = alfred.Window{Start: now.Add(-time.Hour), End: now}
			if reply := b.refuse(r, alfred.VerdictStale, ""); reply.Now.Before(now) {
				b.Errorf("the stale reply tells %s, before %s", reply.Now, now)
			}
			r.Window = alfred.Window{Start: now.Add(time.Hour), End: now.Add(2 * time.Hour)}
			b.refuse(r, alfred.VerdictStale, "")
		}},
		{name: "a ceiling lowered below what is counted leaves no room, not less than none", run: func(b *bench) {
			b.grant(b.request(80, 80, b.personal(100)), 80)
			reply := b.refuse(b.request(1, 1, b.personal(50)), alfred.VerdictHeld, alfred.CodeUserQuota)
			if reply.Blocker.Remaining != 0 || reply.Blocker.Limit != 50 {
				b.Errorf("remaining %d of %d, expected 0 of 50", reply.Blocker.Remaining, reply.Blocker.Limit)
			}
			// A negative room would be taken out of the second leg's.
			b.grant(b.request(40, 40, b.personal(50), b.team(1000, 40)), 40, 0, 40)
		}},
		{name: "the tight counter of a group may be its second", run: func(b *bench) {
			b.grant(b.request(30, 30, b.personal(0), b.team(1000, 30)), 30, 0, 30)
			b.refuse(b.request(1, 1, b.personal(0), b.team(1000, 30)), alfred.VerdictHeld, alfred.CodeTeamPool)
			b.grant(b.request(5, 5, b.personal(0), b.team(35, 100)), 5, 0, 5)
		}},
		{name: "legs pay in order, and one may take nothing", run: func(b *bench) {
			b.grant(b.request(60, 60, b.personal(100), b.team(1000, 50), b.overdraft(10)), 60, 60, 0, 0)
			b.grant(b.request(60, 60, b.personal(100), b.team(1000, 50), b.overdraft(10)), 60, 40, 20, 0)
			b.grant(b.request(35, 35, b.personal(100), b.team(1000, 50), b.overdraft(10)), 35, 0, 30, 5)
		}},
		{name: "what is wanted exactly fits, one more shrinks", run: func(b *bench) {
			b.grant(b.request(1, 150, b.personal(100), b.team(1000, 50)), 150, 100, 50)
		}},
		{name: "the legs together just below what is wanted: half of each", run: func(b *bench) {
			b.grant(b.request(1, 151, b.personal(100), b.team(1000, 50)), 75, 50, 25)
		}},
		{name: "a shrunken request takes a quarter of a shared counter", run: func(b *bench) {
			b.grant(b.request(1, 500, b.personal(0), b.team(100, 1000)), 25, 0, 25)
		}},
		{name: "the share rule of a cap bounds the grant", run: func(b *bench) {
			r := b.request(1, 500, b.personal(1000))
			r.Caps = []alfred.Cap{b.cap(alfred.CountKey, 300, alfred.TakeQuarter), b.cap(alfred.CountOrg, 400, alfred.TakeHalf)}
			b.grant(r, 75, 75)
		}},
		{name: "share rules round down", run: func(b *bench) {
			b.grant(b.request(1, 500, b.personal(7)), 3, 3)
			b.grant(b.request(1, 500, b.personal(3), b.team(11, 100)), 2, 0, 2)
			odd := b.team(7, 100)
			odd.Group[0].Counter.Subject, odd.Group[1].Counter.Subject = "odd", "odd/ann"
			b.grant(b.request(1, 500, b.overdraft(7), b.team(9, 100), odd), 5, 3, 1, 1)
		}},
		{name: "a share of exactly the need is taken", run: func(b *bench) {
			b.grant(b.request(50, 500, b.personal(100)), 50)
		}},
		{name: "where a share is not enough the need comes out of the whole room", run: func(b *bench) {
			b.grant(b.request(51, 500, b.personal(100)), 51)
			b.grant(b.request(49, 500, b.personal(100)), 49)
			b.refuse(b.request(1, 500, b.personal(100)), alfred.VerdictHeld, alfred.CodeUserQuota)
		}},
		{name: "a need of nothing is granted nothing", run: func(b *bench) {
			r := b.request(0, 100, b.personal(0))
			rec := b.grant(r, 0, 0)
			b.stands(r.Legs[0].Group[0], 0, 0)
			b.settle(rec, 0, alfred.EndSettled)
		}},
		{name: "held and spent are told apart, and spent wins", run: func(b *bench) {
			team := b.cap(alfred.CountTeam, 100, 0)
			org := b.cap(alfred.CountOrg, 100, 0)
			r := b.request(60, 60, b.personal(1000))
			r.Caps = []alfred.Cap{team}
			held := b.grant(r, 60)
			r = b.request(60, 60, b.personal(1000))
			r.Caps = []alfred.Cap{org}
			b.settle(b.grant(r, 60), 60, alfred.EndSettled)

			r = b.request(50, 50, b.personal(1000))
			r.Caps = []alfred.Cap{team, org}
			reply := b.refuse(r, alfred.VerdictSpent, org.Code)
			if reply.Blocker.Counter != org.Counter || reply.Blocker.Remaining != 40 || reply.Blocker.Limit != 100 {
				b.Errorf("blocked by %+v", reply.Blocker)
			}
			r.Caps = []alfred.Cap{team}
			reply = b.refuse(r, alfred.VerdictHeld, team.Code)
			if reply.Blocker.Counter != team.Counter || reply.Blocker.Remaining != 40 {
				b.Errorf("blocked by %+v", reply.Blocker)
			}
			b.void(held, alfred.EndVoided)
			b.grant(r, 50)
		}},
		{name: "legs that fall short are blamed together", run: func(b *bench) {
			b.settle(b.grant(b.request(90, 90, b.personal(100), b.team(1000, 20)), 90), 90, alfred.EndSettled)
			reply := b.refuse(b.request(50, 50, b.personal(100), b.team(1000, 20), b.overdraft(5)), alfred.VerdictSpent, alfred.CodeTeamPool)
			if reply.Blocker.Remaining != 35 || reply.Blocker.Limit != 125 || reply.Blocker.Counter.Kind != alfred.CountPersonal {
				b.Errorf("blocked by %+v", reply.Blocker)
			}
			if got := reply.Balances[0]; got.Committed != 90 || got.Settled != 90 {
				b.Errorf("personal balance %+v", got)
			}
			b.refuse(b.request(50, 50, b.personal(100)), alfred.VerdictSpent, alfred.CodeUserQuota)
		}},
		{name: "a shadow cap counts and reports, and is not obeyed", run: func(b *bench) {
			shadow := b.cap(alfred.CountModel, 50, alfred.TakeQuarter)
			shadow.Mode = alfred.Shadow
			r := b.request(10, 50, b.personal(1000))
			r.Caps = []alfred.Cap{shadow}
			if reply := b.reserve(r); len(reply.Shadow) != 0 {
				b.Errorf("reports %v for what fits", reply.Shadow)
			}
			for _, need := range []alfred.Credits{0, 10} { // it would have shrunk the one, refused the other
				r = b.request(need, 50, b.personal(1000))
				r.Caps = []alfred.Cap{shadow, b.cap(alfred.CountOrg, alfred.Unlimited, 0)}
				reply := b.reserve(r)
				if reply.Verdict != alfred.VerdictGranted || reply.Record.Granted != 50 || !slices.Equal(reply.Shadow, []alfred.Code{shadow.Code}) {
					b.Errorf("%s, %d, shadow %v", reply.Verdict, reply.Record.Granted, reply.Shadow)
				}
			}
			b.stands(shadow.Charge, 150, 0)
		}},
		{name: "amounts near the largest stay exact", run: func(b *bench) {
			most := alfred.MaxCredits
			r := b.request(most-3, most-3, b.personal(most))
			r.Caps = []alfred.Cap{b.cap(alfred.CountOrg, alfred.Unlimited, 0)}
			rec := b.grant(r, most-3)
			b.stands(r.Legs[0].Group[0], most-3, 0)
			b.grant(b.request(3, 3, b.personal(most)), 3)
			b.refuse(b.request(1, 1, b.personal(most)), alfred.VerdictHeld, alfred.CodeUserQuota)
			b.settle(rec, most-5, alfred.EndSettled)
			b.stands(r.Legs[0].Group[0], most-2, most-5)
			b.stands(r.Caps[0].Charge, most-5, most-5)
			b.grant(b.request(1, most, b.personal(most), b.team(most, most)), most, 2, most-2)
			b.grant(b.request(2, most, b.personal(most), b.team(most, most), b.overdraft(most)), most, 0, 2, most-2)
			b.settle(b.grant(b.request(1, most, b.team(most+1, most+1)), 1), most, alfred.EndSettled)
			b.stands(b.team(0, 0).Group[0], most+most, most)
		}},
		{name: "a malformed request is an error, and changes nothing", run: func(b *bench) {
			ok := func() alfred.ReserveRequest { return b.request(1, 2, b.personal(100)) }
			many := ok()
			for range alfred.MaxCounters {
				c := b.cap(alfred.CountProject, 1, 0)
				c.Counter.Subject = unique(b, "prj")
				many.Caps = append(many.Caps, c)
			}
			twice := ok()
			twice.Legs = append(twice.Legs, twice.Legs[0])
			for name, r := range map[string]alfred.ReserveRequest{
				"need above want": func() alfred.ReserveRequest { r := ok(); r.Need = 3; return r }(),
				"negative need":   func() alfred.ReserveRequest { r := ok(); r.Need = -1; return r }(),
				"want above all":  func() alfred.ReserveRequest { r := ok(); r.Want = alfred.MaxCredits + 1; return r }(),
				"no leg":          func() alfred.ReserveRequest { r := ok(); r.Legs = nil; return r }(),
				"empty leg":       func() alfred.ReserveRequest { r := ok(); r.Legs = []alfred.Leg{{}}; return r }(),
				"no time to live": func() alfred.ReserveRequest { r := ok(); r.TTL = 0; return r }(),
				"33 counters":     many,
				"counter twice":   twice,
			} {
				if reply, err := b.ledger.Reserve(b.ctx, r); err == nil {
					b.Errorf("%s: %s", name, reply.Verdict)
				}
			}
			b.open(0)
		}},
		{name: "subjects with punctuation are told apart", run: func(b *bench) {
			for _, subject := range []string{"a:b", "a%3Ab", "a b", "{a}", "ft:gpt-4o:org::1", "æ"} {
				r := b.request(1, 1, alfred.Leg{Group: []alfred.Charge{b.charge(alfred.CountModel, subject, 1, 0)}})
				b.grant(r, 1)
				b.stands(r.Legs[0].Group[0], 1, 0)
			}
		}},
		{name: "counters of different windows are told apart", run: func(b *bench) {
			r := b.request(1, 1, b.personal(1))
			b.grant(r, 1)
			r = b.request(1, 1, b.personal(1))
			r.Legs[0].Group[0].Counter.Window.Start = b.window.Start.Add(-time.Hour)
			b.grant(r, 1)
		}},
	}
}

// expire reserves with a life that ends at once and reaps.
func (b *bench) expire(r alfred.ReserveRequest) alfred.HoldRecord {
	b.Helper()
	r.TTL = time.Millisecond
	rec := b.reserve(r).Record
	b.reap(1)
	return rec
}

// reap reaps until so many have expired.
func (b *bench) reap(want int) {
	b.Helper()
	if c, ok := clockOf(b.ledger); ok {
		c.Advance(5 * time.Millisecond)
	}
	got := 0
	till(b, "the hold is due and reaped", func() bool {
		n, err := b.ledger.Reap(b.ctx, b.org, 100)
		if err != nil {
			b.Fatal(err)
		}
		got += n
		return got >= want
	})
	if got != want {
		b.Fatalf("reaped %d, expected %d", got, want)
	}
}
