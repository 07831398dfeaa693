package storetest

import (
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// RunMidnight lets a window end between a reservation and its end. What was
// taken in it stays in it, once, and the next window is neither charged nor
// credited. The clock of a real server is waited for: its window ends soon.
func RunMidnight(t *testing.T, open func(testing.TB) Ledger) {
	for _, c := range []struct {
		name               string
		end                func(b *bench, r alfred.HoldRecord)
		committed, settled alfred.Credits
		reserveAgain       alfred.Verdict
	}{
		{name: "settled, twice", committed: 60, settled: 60, reserveAgain: alfred.VerdictReplay, end: func(b *bench, r alfred.HoldRecord) {
			b.settle(r, 60, alfred.EndSettled)
			b.settle(r, 60, alfred.EndDuplicate)
		}},
		{name: "settled above the hold", committed: 130, settled: 130, reserveAgain: alfred.VerdictReplay, end: func(b *bench, r alfred.HoldRecord) {
			b.settle(r, 130, alfred.EndSettled)
		}},
		{name: "voided", reserveAgain: alfred.VerdictReplay, end: func(b *bench, r alfred.HoldRecord) {
			b.void(r, alfred.EndVoided)
		}},
		{name: "open, and asked for again", committed: 100, reserveAgain: alfred.VerdictGranted, end: func(*bench, alfred.HoldRecord) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, open(t))
			r, record, next := b.acrossMidnight()
			old := r.Legs[0].Group[0]
			c.end(b, record)
			b.stands(old, c.committed, c.settled)
			if again := b.reserve(r); again.Verdict != c.reserveAgain {
				b.Errorf("the same hold again: %s, expected %s", again.Verdict, c.reserveAgain)
			}
			late := r
			late.Hold += "_late"
			b.refuse(late, alfred.VerdictStale, "")

			// The next window begins with nothing, and what happens in it stays there.
			b.window = next
			fresh := b.request(1000, 1000, b.personal(1000))
			b.grant(fresh, 1000, 1000)
			b.stands(fresh.Legs[0].Group[0], 1000, 0)
			b.stands(old, c.committed, c.settled)
		})
	}
}

// acrossMidnight takes a hold of 100 in a window, and returns when that is
// over by the ledger's clock.
func (b *bench) acrossMidnight() (alfred.ReserveRequest, alfred.HoldRecord, alfred.Window) {
	b.Helper()
	clock, movable := clockOf(b.ledger)
	var r alfred.ReserveRequest
	var reply alfred.ReserveReply
	till(b, "a hold is taken before its window ends", func() bool {
		edge := b.now().Add(200 * time.Millisecond)
		b.window = alfred.Window{Start: edge.Add(-time.Hour), End: edge}
		r = b.request(100, 100, b.personal(1000))
		reply = b.reserve(r)
		return reply.Verdict == alfred.VerdictGranted
	})
	if movable {
		clock.Advance(200*time.Millisecond - time.Microsecond)
		b.grant(r, 100) // the last instant of the window: a replay
		clock.Advance(time.Microsecond)
	}
	till(b, "the window ends", func() bool { return !b.now().Before(r.Window.End) })
	return r, reply.Record, alfred.Window{Start: r.Window.End, End: r.Window.End.Add(time.Hour)}
}
