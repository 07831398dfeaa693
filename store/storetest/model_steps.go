package storetest

import (
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

func (p *trial) reserve(r *rapid.T) { p.send(r, p.request(r)) }

// again sends an earlier reservation once more, by the limits of its time.
func (p *trial) again(r *rapid.T) {
	if len(p.requests) > 0 {
		p.send(r, rapid.SampledFrom(p.requests).Draw(r, "request"))
	}
}

func (p *trial) send(r *rapid.T, q alfred.ReserveRequest) {
	want := p.model.reserve(q)
	expect(r, p, "reserve "+string(q.Hold), want, "", func(l Ledger) (alfred.ReserveReply, error) { return l.Reserve(p.ctx, q) })
	if want.Verdict == alfred.VerdictGranted {
		p.records = slices.DeleteFunc(p.records, func(h alfred.HoldRecord) bool { return h.Hold == q.Hold })
		p.records = append(p.records, want.Record)
	}
}

func (p *trial) settle(r *rapid.T) {
	if len(p.records) > 0 {
		p.end(r, rapid.SampledFrom(p.records).Draw(r, "hold"))
	}
}

// orphan settles a hold that another ledger has granted, which is gone.
func (p *trial) orphan(r *rapid.T) {
	q := p.request(r)
	rec := alfred.HoldRecord{Org: q.Org, Hold: q.Hold, Granted: q.Want, Terms: q.Terms, Due: p.model.now.Truncate(time.Millisecond)}
	rec.Due = rec.Due.Add(rapid.SampledFrom([]time.Duration{2 * time.Minute, -9 * time.Minute, -11 * time.Minute}).Draw(r, "due"))
	for _, c := range q.Caps {
		rec.Caps = append(rec.Caps, c.Counter)
	}
	rec.Legs = []alfred.HeldLeg{{Kind: q.Legs[0].Kind, Counters: []alfred.Counter{q.Legs[0].Group[0].Counter}, Taken: q.Want}}
	p.end(r, rec)
}

func (p *trial) end(r *rapid.T, rec alfred.HoldRecord) {
	cost := rapid.OneOf(rapid.Custom(func(r *rapid.T) alfred.Credits { return amount(r, "cost") }), rapid.Just(rec.Granted), rapid.Just(rec.Granted/2)).Draw(r, "cost")
	s := alfred.Settlement{Record: rec, Cost: cost, Event: rec.Terms.Event}
	want, code := p.model.settle(s)
	expect(r, p, "settle "+string(rec.Hold), want, code, func(l Ledger) (alfred.EndState, error) { return l.Settle(p.ctx, s) })
}

// void releases a hold, or one of which it is not known whether it was taken.
func (p *trial) void(r *rapid.T) {
	if len(p.requests) == 0 {
		return
	}
	rec := alfred.HoldRecord{Org: p.org, Hold: rapid.SampledFrom(p.requests).Draw(r, "hold").Hold}
	if i := slices.IndexFunc(p.records, func(h alfred.HoldRecord) bool { return h.Hold == rec.Hold }); i >= 0 && rapid.Bool().Draw(r, "known") {
		rec = p.records[i]
	}
	want := p.model.release(rec)
	expect(r, p, "void "+string(rec.Hold), want, "", func(l Ledger) (alfred.EndState, error) { return l.Void(p.ctx, rec, alfred.UsageEvent{}) })
}

func (p *trial) extend(r *rapid.T) {
	if len(p.records) == 0 {
		return
	}
	rec := rapid.SampledFrom(p.records).Draw(r, "hold")
	want := p.model.extend(rec.Hold, 5*time.Minute)
	expect(r, p, "extend "+string(rec.Hold), want, "", func(l Ledger) (bool, error) { return l.Extend(p.ctx, rec, 5*time.Minute) })
}

// reap waits until what was due at once has expired.
func (p *trial) reap(r *rapid.T) {
	p.pass(5 * time.Millisecond)
	want := p.model.reap()
	if p.timed {
		expect(r, p, "reap", want, "", func(l Ledger) (int, error) { return l.Reap(p.ctx, p.org, 1000) })
		return
	}
	expect(r, p, "reap", want, "", func(l Ledger) (n int, err error) {
		for deadline := time.Now().Add(20 * time.Second); n < want && time.Now().Before(deadline); {
			more, err := l.Reap(p.ctx, p.org, 1000)
			if err != nil {
				return n, err
			}
			n += more
		}
		return n, nil
	})
}

func (p *trial) move(r *rapid.T) {
	o := alfred.Outflow{Org: p.org, Move: alfred.MoveID(rapid.SampledFrom([]string{"m1", "m2", "m3", "m4", "m5"}).Draw(r, "move"))}
	if i := slices.IndexFunc(p.moves, func(k alfred.Outflow) bool { return k.Move == o.Move }); i >= 0 {
		o = p.moves[i] // a move keeps its terms
	} else {
		w := p.window(p.period)
		o.Amount, o.Partial = max(1, amount(r, "amount")), rapid.Bool().Draw(r, "partial")
		o.Source = []alfred.Charge{p.charge(r, alfred.CountPersonal, w)}
		if rapid.Bool().Draw(r, "share") {
			o.Source = []alfred.Charge{p.charge(r, alfred.CountPool, w), p.charge(r, alfred.CountShare, w)}
		}
		p.moves = append(p.moves, o)
		if rapid.IntRange(0, 3).Draw(r, "undone before it came") == 0 {
			p.undoing(r, o)
		}
	}
	want := p.model.take(o)
	expect(r, p, "move "+string(o.Move), want, "", func(l Ledger) (alfred.OutflowReply, error) { return l.TakeOutflow(p.ctx, o) })
}

func (p *trial) undo(r *rapid.T) {
	if len(p.moves) > 0 {
		p.undoing(r, rapid.SampledFrom(p.moves).Draw(r, "move"))
	}
}

func (p *trial) undoing(r *rapid.T, o alfred.Outflow) {
	p.model.undo(o)
	expect(r, p, "undo "+string(o.Move), struct{}{}, "", func(l Ledger) (struct{}, error) { return struct{}{}, l.UndoOutflow(p.ctx, o) })
}

// limit changes what an admin has set: requests from now on carry it.
func (p *trial) limit(r *rapid.T) {
	names := make([]string, 0, len(p.ceilings))
	for name := range p.ceilings {
		names = append(names, name)
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	p.ceilings[rapid.SampledFrom(names).Draw(r, "limit")] = ceilingOf(r)
}

// roll ends the window, holds or no holds.
func (p *trial) roll(*rapid.T) {
	if !p.timed {
		p.period++
		return
	}
	p.pass(p.window(p.period).End.Sub(p.model.now))
}

func (p *trial) wait(r *rapid.T) {
	if p.timed {
		p.pass(rapid.SampledFrom([]time.Duration{time.Microsecond, 30 * time.Second, 2 * time.Minute, 14 * time.Minute, 5 * time.Hour}).Draw(r, "for"))
	}
}

// pass moves every clock that can be moved, and the model's.
func (p *trial) pass(d time.Duration) {
	if p.model.now.Add(d).Sub(p.start) > longestTrial {
		return
	}
	p.model.now = p.model.now.Add(d)
	for _, l := range p.ledgers {
		if c, ok := clockOf(l); ok {
			c.Advance(d)
		}
	}
	for p.timed && !p.window(p.period).Contains(p.model.now) {
		p.period++
	}
}

func (p *trial) audit(r *rapid.T) {
	var want []alfred.Balance
	for _, c := range p.counters {
		want = append(want, p.model.balance(c))
	}
	expect(r, p, "counters", want, "", func(l Ledger) ([]alfred.Balance, error) { return l.Balances(p.ctx, p.org, p.counters) })
	expect(r, p, "open holds", int64(len(p.model.open())), "", func(l Ledger) (int64, error) { return l.OpenHolds(p.ctx, p.org) })
}

// events expects what the model has told, whatever the order.
func (p *trial) events(r *rapid.T) {
	byHold := func(a, b told) int {
		return strings.Compare(string(a.Reservation)+" "+string(a.Kind), string(b.Reservation)+" "+string(b.Kind))
	}
	want := slices.Clone(p.model.events)
	slices.SortStableFunc(want, byHold)
	expect(r, p, "events", want, "", func(l Ledger) ([]told, error) {
		entries, err := l.ReadEvents(p.ctx, p.org, "model", 100_000, 0)
		var out []told
		for _, e := range entries {
			if e.Err != nil {
				return nil, e.Err
			}
			out = append(out, told{e.Event.Kind, e.Event.Reservation, e.Event.Held, e.Event.Cost, e.Event.Late})
		}
		slices.SortStableFunc(out, byHold)
		return out, err
	})
}
