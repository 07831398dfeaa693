package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// anew gives the bench an organisation whose ledger nobody has built.
func (b *bench) anew() { b.org = alfred.OrgID(unique(b, "org")) }

func (b *bench) epoch() alfred.Epoch {
	b.Helper()
	e, err := b.ledger.Epoch(b.ctx, b.org)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func (b *bench) begin() alfred.Epoch {
	b.Helper()
	e, err := b.ledger.BeginEpoch(b.ctx, b.org)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func (b *bench) finish(e alfred.Epoch, number int64, at time.Time, want bool) {
	b.Helper()
	if done, err := b.ledger.FinishEpoch(b.ctx, b.org, e, number, at); err != nil || done != want {
		b.Fatalf("finish: %t, %v; expected %t", done, err, want)
	}
}

func (b *bench) correct(e alfred.Epoch, want bool, changes ...alfred.CounterChange) {
	b.Helper()
	if done, err := b.ledger.Correct(b.ctx, b.org, e, changes); err != nil || done != want {
		b.Fatalf("correct: %t, %v; expected %t", done, err, want)
	}
}

func (b *bench) survey(counters []alfred.Counter, moves ...alfred.MoveID) alfred.Survey {
	b.Helper()
	s, err := b.ledger.Survey(b.ctx, b.org, counters, moves, 100)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func epochCases() []ledgerCase {
	return []ledgerCase{
		{name: "a ledger that is not built grants nothing, and goes on ending holds", run: func(b *bench) {
			b.anew()
			r := b.request(10, 10, b.personal(100))
			b.refuse(r, alfred.VerdictLearning, "")
			if _, err := b.ledger.TakeOutflow(b.ctx, b.flow("m", 1, b.personal(100).Group[0])); alfred.ErrorCode(err) != alfred.CodeUnavailable {
				b.Errorf("an outflow: %v", err)
			}
			e := b.begin()
			if e.Built || e.Mark == "" {
				b.Errorf("begun: %+v", e)
			}
			b.refuse(r, alfred.VerdictLearning, "")
			b.finish(e, 4, e.Now, true)
			if got := b.epoch(); !got.Built || got.Number != 4 || !got.BuiltAt.Equal(e.Now.Truncate(time.Microsecond)) || !got.Current() {
				b.Errorf("built: %+v", got)
			}
			rec := b.grant(r, 10)
			b.settle(rec, 7, alfred.EndSettled)
			if again := b.begin(); !again.Built || again.Number != 4 {
				b.Errorf("a second beginning: %+v", again)
			}
		}},
		{name: "an epoch is finished once", run: func(b *bench) {
			b.anew()
			e := b.begin()
			b.finish(e, 1, time.Time{}, true)
			b.finish(e, 2, time.Time{}, false)
			b.finish(b.epoch(), 2, time.Time{}, true)
			if got := b.epoch(); got.Number != 2 || !got.BuiltAt.IsZero() {
				b.Errorf("%+v", got)
			}
		}},
		{name: "a correction is applied once, whatever was charged in between", run: func(b *bench) {
			leg := b.personal(1000)
			mine := leg.Group[0].Counter
			rec := b.grant(b.request(10, 10, leg), 10)
			seen := b.survey([]alfred.Counter{mine})
			change := alfred.CounterChange{Counter: mine, Committed: 5, Settled: 4, Outflow: 1}
			b.settle(rec, 7, alfred.EndSettled)
			b.correct(seen.Epoch, true, change)
			b.correct(seen.Epoch, false, change)
			b.moved(leg.Group[0], 12, 11, 1)
			b.correct(b.epoch(), true, alfred.CounterChange{Counter: mine, Committed: -5, Settled: -4, Outflow: -1})
			b.moved(leg.Group[0], 7, 7, 0)
		}},
		{name: "a correction of a ledger that is gone is refused", run: func(b *bench) {
			b.anew()
			b.correct(alfred.Epoch{Mark: "B0|0|0|none"}, false, alfred.CounterChange{Counter: b.counter(alfred.CountUser, "ann"), Committed: 1})
			b.moved(alfred.Charge{Counter: b.counter(alfred.CountUser, "ann")}, 0, 0, 0)
		}},
		{name: "a survey tells counters, moves, holds and the last entry at one instant", run: func(b *bench) {
			leg, team := b.personal(100), b.team(50, 50)
			b.settle(b.grant(b.request(8, 8, leg), 8), 8, alfred.EndSettled)
			rec := b.grant(b.request(20, 20, leg), 20)
			b.take(b.flow("m1", 30, team.Group...), 30, 50)
			b.undo(b.flow("m2", 30, team.Group...))
			b.take(b.flow("m3", 90, team.Group...), 0, 20)
			got := b.survey([]alfred.Counter{leg.Group[0].Counter, team.Group[0].Counter, b.counter(alfred.CountUser, "nobody")}, "m1", "m2", "m3", "m4")
			want := alfred.Survey{
				Balances: []alfred.Balance{{Committed: 28, Settled: 8}, {Committed: 30, Settled: 30, Outflow: 30}, {}},
				Taken:    map[alfred.MoveID]alfred.Credits{"m1": 30}, Open: 1, Holds: []alfred.HoldRecord{rec},
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(alfred.Survey{}, "Epoch", "Last"), cmpopts.EquateEmpty()); diff != "" {
				b.Errorf("-expected +got:\n%s", diff)
			}
			events, next, err := b.ledger.PeekEvents(b.ctx, b.org, "", got.Last, 10)
			if err != nil || len(events) != 1 || next != got.Last || events[0].Cost != 8 {
				b.Fatalf("the backlog: %+v, %s, %v", events, next, err)
			}
			err = b.ledger.EachOpen(b.ctx, b.org, func(holds []alfred.HoldRecord) error {
				if diff := cmp.Diff([]alfred.HoldRecord{rec}, holds); diff != "" {
					b.Errorf("open holds: -expected +got:\n%s", diff)
				}
				return nil
			})
			if err != nil {
				b.Error(err)
			}
			b.settle(rec, 1, alfred.EndSettled)
			later := b.survey(nil)
			if few, err := b.ledger.Survey(b.ctx, b.org, nil, nil, 0); err != nil || few.Holds != nil {
				b.Errorf("a survey without holds: %+v, %v", few, err)
			}
			events, next, err = b.ledger.PeekEvents(b.ctx, b.org, got.Last, later.Last, 10)
			if err != nil || len(events) != 1 || next != later.Last || events[0].Cost != 1 {
				b.Fatalf("what came later: %+v, %s, %v", events, next, err)
			}
			if events, next, err = b.ledger.PeekEvents(b.ctx, b.org, later.Last, later.Last, 10); err != nil || len(events) != 0 || next != "" {
				b.Errorf("after the last: %+v, %s, %v", events, next, err)
			}
			b.kinds(alfred.EventSettle, alfred.EventSettle)
		}},
		{name: "a hold of which the record knows the end is forgotten without a charge", run: func(b *bench) {
			leg := b.personal(100)
			mine := leg.Group[0]
			for kind, cost := range map[alfred.EventKind]alfred.Credits{alfred.EventSettle: 7, alfred.EventVoid: 0, alfred.EventExpired: 20} {
				before := b.read(mine.Counter)[store.Name(mine.Counter)]
				rec := b.grant(b.request(20, 20, leg), 20)
				for i, want := range []bool{true, false} {
					if done, err := b.ledger.Forget(b.ctx, rec, alfred.HoldEnd{Kind: kind, Cost: cost}); err != nil || done != want {
						b.Fatalf("%s, forgotten the %d. time: %t, %v", kind, i+1, done, err)
					}
				}
				b.moved(mine, before.Committed, before.Settled, 0)
				b.open(0)
				switch kind {
				case alfred.EventSettle:
					b.settle(rec, 7, alfred.EndDuplicate)
				case alfred.EventExpired: // 20 come onto the counters from the record
					b.settle(rec, 22, alfred.EndAdjusted)
					b.moved(mine, before.Committed+2, before.Settled+2, 0)
				default:
				}
			}
		}},
		{name: "without a record, what may be known already is not charged", run: func(b *bench) {
			rec := b.unheld(b.personal(100))
			b.anew()
			rec.Org, rec.Terms.Event.Org = b.org, b.org
			e := b.begin()
			late := func(at time.Time) (alfred.EndState, error) {
				rec.Hold += "." // another each time: a settlement has one time
				event := rec.Terms.Event
				event.At = at
				return b.ledger.Settle(b.ctx, alfred.Settlement{Record: rec, Cost: 5, Event: event})
			}
			if end, err := late(e.Now.Add(time.Hour)); alfred.ErrorCode(err) != alfred.CodeNotFound {
				b.Errorf("while it is being built: %s, %v", end, err)
			}
			b.finish(e, 1, e.Now, true)
			if end, err := late(e.Now.Add(alfred.BuildMargin - time.Second)); alfred.ErrorCode(err) != alfred.CodeNotFound {
				b.Errorf("soon after it was built: %s, %v", end, err)
			}
			b.moved(b.personal(100).Group[0], 0, 0, 0)
			if end, err := late(e.Now.Add(alfred.BuildMargin + time.Second)); end != alfred.EndLate || err != nil {
				b.Errorf("later: %s, %v", end, err)
			}
			b.moved(b.personal(100).Group[0], 5, 5, 0)
		}},
		{name: "a ledger that stands on another server doubts from the moment at which it is told to", run: func(b *bench) {
			rec := b.unheld(b.personal(100))
			b.anew()
			rec.Org, rec.Terms.Event.Org = b.org, b.org
			b.finish(b.begin(), 3, time.Time{}, true)
			e := b.epoch()
			gone := e
			gone.Server = "gone"
			b.finish(gone, e.Number, e.Now, true)
			got := b.epoch()
			if !got.Built || got.Number != e.Number || got.Lineage != "gone" || !got.BuiltAt.Equal(e.Now.Truncate(time.Microsecond)) || got.Serial <= e.Serial || got.Server != "" && got.Current() {
				b.Errorf("%+v, before: %+v", got, e)
			}
			event := rec.Terms.Event
			event.At = e.Now
			if end, err := b.ledger.Settle(b.ctx, alfred.Settlement{Record: rec, Cost: 5, Event: event}); alfred.ErrorCode(err) != alfred.CodeNotFound {
				b.Errorf("what may have been known: %s, %v", end, err)
			}
			b.moved(b.personal(100).Group[0], 0, 0, 0)
			b.grant(b.request(10, 10, b.personal(100)), 10) // whoever waited long enough believes it
			b.correct(got, true, alfred.CounterChange{Counter: b.counter(alfred.CountUser, "ann"), Committed: 1, Settled: 1})
			if after := b.epoch(); !after.Continues(got) {
				b.Errorf("%+v does not continue %+v", after, got)
			}
		}},
		{name: "what came after an expiry or a void is raised once, and lowered at once", run: func(b *bench) {
			b.anew()
			b.finish(b.begin(), 3, time.Time{}, true)
			leg := b.personal(1000)
			request := b.request(10, 10, leg)
			request.Org = b.org
			below := b.expire(request)
			request = b.request(10, 10, leg)
			request.Org = b.org
			above := b.expire(request)
			voided := b.grant(b.request(10, 10, leg), 10)
			b.void(voided, alfred.EndVoided)
			b.moved(leg.Group[0], 20, 20, 0)
			e := b.epoch()
			b.finish(e, 4, e.Now, true)
			tell := func(rec alfred.HoldRecord, cost alfred.Credits, want alfred.EndState) {
				b.Helper()
				event := rec.Terms.Event
				event.At = e.Now
				for range 2 {
					end, err := b.ledger.Settle(b.ctx, alfred.Settlement{Record: rec, Cost: cost, Event: event})
					if want == "" && alfred.ErrorCode(err) != alfred.CodeNotFound || want != "" && (err != nil || end != want) {
						b.Errorf("%d: %s, %v; expected %q", cost, end, err, want)
					}
					if want != "" {
						want = alfred.EndDuplicate
					}
				}
			}
			tell(voided, 8, "")
			tell(above, 12, "")
			b.moved(leg.Group[0], 20, 20, 0)
			tell(below, 7, alfred.EndAdjusted)
			b.moved(leg.Group[0], 17, 17, 0)
			b.void(above, alfred.EndDuplicate)
		}},
		{name: "what went to the record alone refuses a hold that comes later, and stays so", run: func(b *bench) {
			b.anew()
			e := b.begin()
			b.finish(e, 1, e.Now, true)
			r := b.request(5, 5, b.personal(100))
			rec := store.Record(r)
			rec.Due = e.Now.Add(time.Minute)
			s := alfred.Settlement{Record: rec, Cost: 5, Event: r.Terms.Event}
			s.Event.At = e.Now
			for range 2 { // the second because the record may not have been told after the first
				if end, err := b.ledger.Settle(b.ctx, s); alfred.ErrorCode(err) != alfred.CodeNotFound {
					b.Fatalf("%s, %v", end, err)
				}
			}
			b.refuse(r, alfred.VerdictReplay, "")
			b.extend(rec, time.Minute, false)
			b.void(rec, alfred.EndDuplicate)
			b.void(alfred.HoldRecord{Org: b.org, Hold: r.Hold}, alfred.EndDuplicate)
			b.open(0)
			b.moved(r.Legs[0].Group[0], 0, 0, 0)
			b.kinds()
		}},
		{name: "every counter is listed", run: func(b *bench) {
			b.settle(b.grant(b.request(8, 8, b.team(100, 100)), 8), 8, alfred.EndSettled)
			odd := b.charge(alfred.CountModel, "a b%:ü*", alfred.Unlimited, 0)
			b.grant(b.request(1, 1, alfred.Leg{Group: []alfred.Charge{odd}}), 1)
			got := map[string]bool{}
			err := b.ledger.EachCounter(b.ctx, b.org, func(found []alfred.Counter) error {
				for _, c := range found {
					got[store.Name(c)] = true
				}
				return nil
			})
			want := map[string]bool{}
			for _, c := range append(b.team(1, 1).Group, odd) {
				want[store.Name(c.Counter)] = true
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				b.Errorf("%v -expected +got:\n%s", err, diff)
			}
		}},
	}
}

// unheld is the record of a hold that the ledger does not know, and that was
// due a moment from now.
func (b *bench) unheld(leg alfred.Leg) alfred.HoldRecord {
	r := store.Record(b.request(5, 5, leg))
	r.Due = b.now().Add(time.Minute)
	return r
}
