package extproc

import (
	"errors"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// An event tells how long the decision took and how long the provider took to
// begin, and leaves out what did not happen.
func TestAnEventTellsWhenItWasDecidedAndAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		play           func(w *world, x *exchange)
		decided, first int64 // -1: not known
	}{
		"an answer begins with its body, not its headers": {func(w *world, x *exchange) {
			w.clock.advance(20 * time.Millisecond)
			x.send(responseHeaders("200", "content-type", eventStream))
			w.clock.advance(30 * time.Millisecond)
			x.send(responseBody(chunkHello, false))
			w.clock.advance(time.Second)
			x.send(responseBody(chunkUsage+chunkDone, true))
		}, 7, 50},
		"a failure begins with its headers": {func(w *world, x *exchange) {
			w.clock.advance(40 * time.Millisecond)
			x.send(responseHeaders("500"))
		}, 7, 40},
		"an answer without a body": {func(w *world, x *exchange) {
			w.clock.advance(10 * time.Millisecond)
			m := responseHeaders("204")
			m.GetResponseHeaders().EndOfStream = true
			x.send(m)
		}, 7, 10},
		"no answer": {func(w *world, x *exchange) {
			w.clock.advance(time.Second)
			_ = x.end()
		}, 7, -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			x := w.begin(t)
			x.send(w.post())
			w.clock.advance(7 * time.Millisecond)
			x.send(requestBody(streamUsage))
			c.play(w, x)
			eventually(t, func() error {
				if s, v := w.ledger.ended(); s+v == 0 {
					return errors.New("the hold is open")
				}
				return nil
			})
			w.close()
			var e alfred.UsageEvent
			if len(w.ledger.settles) > 0 {
				e = w.ledger.settles[0].Event
			} else {
				e = w.ledger.voided[0]
			}
			for what, pair := range map[string]struct {
				have *int64
				want int64
			}{"decided": {e.DecidedMillis, c.decided}, "first byte": {e.FirstByteMillis, c.first}} {
				have := int64(-1)
				if pair.have != nil {
					have = *pair.have
				}
				if have != pair.want {
					t.Errorf("%s after %d ms, want %d", what, have, pair.want)
				}
			}
		})
	}
}
