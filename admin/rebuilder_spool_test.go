package admin_test

import (
	"errors"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/admin"
)

// A ledger came back older, and whoever builds it dies or is cut off at any of
// its calls, after the counters were raised too. The spools send again what
// they have before somebody else builds it: nothing is charged beside what was
// raised.
func TestSpoolsSendAgainWhileALedgerIsBuilt(t *testing.T) {
	records := openRecords(t)
	onBackends(t, func(t *testing.T, b *backend) {
		places := map[string]bool{}
		for _, after := range []bool{false, true} {
			for last := 1; ; last++ {
				p := newPast(t, records, b)
				eventful(t, p)()
				m := &mortal{last: last, after: after}
				dying := &admin.Rebuilder{Records: mortalRecords{m, records}, Live: mortalLedger{m, b.live}, Now: time.Now, Log: p.log()}
				err := dying.Ensure(p.ctx, p.org)
				if m.calls < last { // it was done before
					p.must(err)
					break
				}
				if !errors.Is(err, errGone) {
					t.Fatalf("killed at call %d, %s: %v", last, m.where, err)
				}
				places[m.where] = true
				for _, h := range p.holds {
					if h.ended {
						p.send(h)
					}
				}
				if err := p.rest(); err != nil {
					t.Errorf("killed at call %d, %s (after it: %t), and sent again: %v", last, m.where, after, err)
				}
			}
		}
		if !places["Correct"] || !places["FinishEpoch"] {
			t.Errorf("it was killed in few places: %v", places)
		}
	})
}
