package faults_test

import (
	"bytes"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/alfred-envoy/alfred/envoy/faults"
)

// Ledger tests 14 and 15. Two alfred-admin record the same stream into one Postgres, and connections are cut when a COMMIT has
// happened and its reply is on the way: whoever is cut off does not know, and records again.
func TestLedger15_RacingRecordersRecordOnce(t *testing.T) {
	t.Parallel()
	var proxy *faults.Proxy
	var cuts atomic.Int64
	dice := chance(t)
	r := newRig(t, plan{admins: 2, toData: func(dsn *url.URL) {
		proxy = newProxy(t, dsn.Host)
		proxy.Reply = func(piece []byte) faults.Fault {
			if !bytes.Contains(piece, []byte("COMMIT\x00")) || !dice.hit(0.5) {
				return faults.Fault{}
			}
			cuts.Add(1)
			return faults.Fault{Cut: true}
		}
		dsn.Host = proxy.Address()
	}})
	l := r.spend(t, 4)
	proxy.Break()
	for want := int64(5); want <= int64(times(5, 100)); want += 5 {
		await(t, "enough commits were cut off", func() error {
			if n := cuts.Load(); n < want {
				return fmt.Errorf("%d of %d", n, want)
			}
			return nil
		})
	}
	proxy.Heal()
	l.progress(t, 20)
	l.stop()
	for _, a := range l.seen() {
		if !a.acknowledged {
			t.Errorf("a completion noticed: %+v", a)
		}
	}
	r.audit(t, result{fault: "7 two recorders, cut after COMMIT before the reply", times: int(cuts.Load())}, l)
}
