package faults_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/envoy/faults"
)

// newProxy is closed when its test ends.
func newProxy(t *testing.T, server string) *faults.Proxy {
	t.Helper()
	p, err := faults.NewProxy(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Ledger tests 3 and 13. Between the data plane and the live ledger three replies of ten are swallowed after the script ran, cut in
// their middle, or held back for longer than anybody waits; and requests arrive once more, late and out of order.
func TestLedger13_SwallowedRepliesChargeOnce(t *testing.T) {
	t.Parallel()
	var proxy *faults.Proxy
	var done atomic.Int64
	dice := chance(t)
	r := newRig(t, plan{
		toRedis: func(address string) string {
			proxy = newProxy(t, address)
			proxy.Reply = func(piece []byte) (f faults.Fault) {
				if !dice.hit(0.3) {
					return f
				}
				done.Add(1)
				switch dice.n(4) {
				case 0: // swallowed whole
					f.Cut = true
				case 1: // all but its first byte
					f.Cut, f.Keep = true, 1
				case 2: // in its middle
					f.Cut, f.Keep = true, len(piece)/2
				case 3: // later than the deadline, at times
					f.Hold = time.Duration(dice.n(500)) * time.Millisecond
				}
				return f
			}
			proxy.Again = func(piece []byte) (time.Duration, bool) {
				if !bytes.Contains(bytes.ToLower(piece), []byte("evalsha")) || !dice.hit(0.3) {
					return 0, false
				}
				done.Add(1)
				return time.Duration(dice.n(1500)) * time.Millisecond, true
			}
			return proxy.Address()
		},
		env: []string{"ALFRED_REDIS_TIMEOUT=300ms"},
	})
	l := r.spend(t, 8)
	proxy.Break()
	for want := int64(300); want <= int64(times(300, 9000)); want += 300 {
		await(t, "enough went wrong", func() error {
			if n := done.Load(); n < want {
				return fmt.Errorf("%d of %d", n, want)
			}
			return nil
		})
	}
	proxy.Heal()
	l.progress(t, 20)
	l.stop()
	refusedOnly(t, l.seen(), false)
	r.audit(t, result{fault: "4 replies swallowed, cut, late, requests repeated (p = 0.3)", times: int(done.Load())}, l)
}

// Ledger test 12, peers test 7. The live ledger stops answering for three seconds without closing a connection. Requests are
// refused within the deadline, none is served without being metered, and what was under way is booked afterwards.
func TestStoppedLiveLedgerRefusesInTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{env: []string{"ALFRED_REDIS_TIMEOUT=50ms", "ALFRED_FAIL_MODE=deny"}})
	l := r.spend(t, 8)
	l.progress(t, 50)
	idle, err := r.metric(t, "go_goroutines")
	if err != nil {
		t.Fatal(err)
	}
	stops, most := times(1, 20), 0.0
	var waits []time.Duration
	for range stops {
		l.progress(t, 20)
		before := len(l.seen())
		if err := syscall.Kill(r.redis.PID(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		stopped := time.Now()
		timer := time.NewTimer(3 * time.Second) // the fault's length
		<-timer.C
		if n, err := r.metric(t, "go_goroutines"); err != nil {
			t.Error(err)
		} else {
			most = max(most, n)
		}
		continued := time.Now()
		if err := syscall.Kill(r.redis.PID(), syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		l.progress(t, 20)
		refused := 0
		for _, a := range l.seen()[before:] {
			if a.began.Before(stopped) || a.ended.After(continued) {
				continue
			}
			waits = append(waits, a.ended.Sub(a.began))
			if a.status != http.StatusServiceUnavailable {
				t.Errorf("status %d while nothing can be metered: %s", a.status, a.body)
			}
			refused++
		}
		if refused == 0 {
			t.Error("nobody was refused: the story proves nothing")
		}
	}
	l.stop()
	refusedOnly(t, l.seen(), false)
	slices.Sort(waits)
	for _, a := range l.seen() {
		if d := a.ended.Sub(a.began); d > hangs/2 {
			t.Errorf("a call took %s", d)
		}
	}
	note := fmt.Sprintf("decisions %s; goroutines %.0f before, %.0f at the end of a stop", against(50*time.Millisecond, waits), idle, most)
	r.audit(t, result{fault: "5 SIGSTOP Valkey 3 s, deny", times: stops, note: note}, l)
	await(t, "as many goroutines as before", func() error {
		if n, err := r.metric(t, "go_goroutines"); err != nil {
			return err
		} else if n > idle+20 {
			return fmt.Errorf("%v; %v before", n, idle)
		}
		return nil
	})
	if most > idle+200 {
		t.Errorf("%v goroutines while the live ledger stood still, %v before", most, idle)
	}
}

// against says how long decisions took that had a deadline, as their clients saw it through Envoy. On cores that are busy with the
// whole story it is what the machine makes of it: the figure of the product alone is BenchmarkStopped of extproc.
func against(deadline time.Duration, sorted []time.Duration) string {
	limit := deadline + 10*time.Millisecond
	in, _ := slices.BinarySearch(sorted, limit+1)
	return fmt.Sprintf("p50 %s, p99 %s, longest %s against %s (deadline + 10 ms), %.1f %% within it",
		at(sorted, 50), at(sorted, 99), at(sorted, 100), limit, 100*float64(in)/float64(max(1, len(sorted))))
}

func at(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)].Round(100 * time.Microsecond)
}
