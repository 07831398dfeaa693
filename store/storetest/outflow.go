package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

func (b *bench) flow(move string, amount alfred.Credits, source ...alfred.Charge) alfred.Outflow {
	return alfred.Outflow{Org: b.org, Move: alfred.MoveID(move), Source: source, Amount: amount}
}

func (b *bench) take(o alfred.Outflow, taken, available alfred.Credits) alfred.OutflowReply {
	b.Helper()
	reply, err := b.ledger.TakeOutflow(b.ctx, o)
	if err != nil {
		b.Fatal(err)
	}
	if reply.Taken != taken || reply.Available != available || reply.Refused != (taken == 0 && (!o.Partial || available != 0)) {
		b.Fatalf("outflow %s: %+v, expected %d of %d", o.Move, reply, taken, available)
	}
	return reply
}

func (b *bench) undo(o alfred.Outflow) {
	b.Helper()
	if err := b.ledger.UndoOutflow(b.ctx, o); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) moved(c alfred.Charge, committed, settled, outflow alfred.Credits) {
	b.Helper()
	want := alfred.Balance{Committed: committed, Settled: settled, Outflow: outflow}
	if got := b.read(c.Counter)[store.Name(c.Counter)]; got != want {
		b.Fatalf("%s: %+v, expected %+v", store.Name(c.Counter), got, want)
	}
}

func outflowCases() []ledgerCase {
	return []ledgerCase{
		{name: "an outflow takes what is neither spent nor held, and no more", run: func(b *bench) {
			mine := b.personal(100).Group[0]
			b.settle(b.grant(b.request(20, 20, b.personal(100)), 20), 20, alfred.EndSettled)
			held := b.grant(b.request(30, 30, b.personal(100)), 30)
			b.take(b.flow("m1", 51, mine), 0, 50)
			b.moved(mine, 50, 20, 0)
			b.take(b.flow("m2", 50, mine), 50, 50)
			b.moved(mine, 100, 70, 50)
			b.refuse(b.request(1, 1, b.personal(100)), alfred.VerdictHeld, alfred.CodeUserQuota)
			b.settle(held, 0, alfred.EndSettled)
			b.moved(mine, 70, 70, 50)
			b.kinds(alfred.EventSettle, alfred.EventSettle)
		}},
		{name: "a move is taken once, and answered the same", run: func(b *bench) {
			mine := b.personal(100).Group[0]
			first := b.take(b.flow("m", 40, mine), 40, 100)
			second := b.take(b.flow("m", 40, mine), 40, 100)
			if diff := cmp.Diff(first, second); diff != "" {
				b.Errorf("the replay differs:\n%s", diff)
			}
			b.moved(mine, 40, 40, 40)
			b.take(b.flow("big", 90, mine), 0, 60)
			mine.Ceiling = 1000
			b.take(b.flow("big", 90, mine), 0, 60)
		}},
		{name: "undo returns what was taken, once, for good", run: func(b *bench) {
			mine := b.personal(100).Group[0]
			o := b.flow("m", 40, mine)
			b.take(o, 40, 100)
			b.undo(o)
			b.moved(mine, 0, 0, 0)
			b.undo(o)
			b.moved(mine, 0, 0, 0)
			reply, err := b.ledger.TakeOutflow(b.ctx, o)
			if err != nil || !reply.Refused || reply.Taken != 0 {
				b.Errorf("taken after undo: %+v, %v", reply, err)
			}
			b.moved(mine, 0, 0, 0)
		}},
		{name: "undo that comes first refuses the take that comes later", run: func(b *bench) {
			mine := b.personal(100).Group[0]
			b.undo(b.flow("m", 40, mine))
			reply, err := b.ledger.TakeOutflow(b.ctx, b.flow("m", 40, mine))
			if err != nil || !reply.Refused || reply.Taken != 0 {
				b.Errorf("%+v, %v", reply, err)
			}
			b.moved(mine, 0, 0, 0)
		}},
		{name: "undo of a refusal returns nothing", run: func(b *bench) {
			mine := b.personal(10).Group[0]
			b.take(b.flow("m", 40, mine), 0, 10)
			b.undo(b.flow("m", 40, mine))
			b.moved(mine, 0, 0, 0)
		}},
		{name: "counters that move together: the least room decides", run: func(b *bench) {
			pool, share := b.team(1000, 30).Group[0], b.team(1000, 30).Group[1]
			b.take(b.flow("m1", 31, pool, share), 0, 30)
			b.take(b.flow("m2", 30, pool, share), 30, 30)
			b.moved(pool, 30, 30, 30)
			b.moved(share, 30, 30, 30)
			b.undo(b.flow("m2", 30, pool, share))
			b.moved(pool, 0, 0, 0)
			b.moved(share, 0, 0, 0)
		}},
		{name: "a partial outflow takes what is there", run: func(b *bench) {
			mine := b.personal(100).Group[0]
			o := b.flow("m", 150, mine)
			o.Partial = true
			b.take(o, 100, 100)
			b.moved(mine, 100, 100, 100)
			again := b.flow("m2", 5, mine)
			again.Partial = true
			b.take(again, 0, 0)
		}},
		{name: "an outflow from a window that is over is refused, one from the next is not", run: func(b *bench) {
			now := b.now()
			past := b.personal(100).Group[0]
			past.Counter.Window = alfred.Window{Start: now.Add(-time.Hour), End: now}
			b.take(b.flow("m1", 1, past), 0, 0)
			next := b.personal(100).Group[0]
			next.Counter.Window = alfred.Window{Start: now.Add(time.Hour), End: now.Add(2 * time.Hour)}
			b.take(b.flow("m2", 1, next), 1, 100)
		}},
		{name: "the largest amounts move exactly", run: func(b *bench) {
			mine := b.personal(alfred.MaxCredits).Group[0]
			b.take(b.flow("m1", alfred.MaxCredits-1, mine), alfred.MaxCredits-1, alfred.MaxCredits)
			b.take(b.flow("m2", 2, mine), 0, 1)
			mine.Ceiling = alfred.Unlimited
			b.take(b.flow("m3", 2, mine), 2, alfred.MaxCredits)
			b.undo(b.flow("m1", 1, mine))
			b.moved(mine, 2, 2, 2)
		}},
		{name: "nonsense is an error", run: func(b *bench) {
			mine := b.personal(100).Group[0]
			for name, o := range map[string]alfred.Outflow{
				"nothing": b.flow("m", 0, mine), "negative": b.flow("m", -1, mine), "no source": b.flow("m", 1),
				"no move": b.flow("", 1, mine), "twice the same": b.flow("m", 1, mine, mine),
			} {
				if reply, err := b.ledger.TakeOutflow(b.ctx, o); err == nil {
					b.Errorf("%s: %+v", name, reply)
				}
			}
		}},
	}
}
