package faults_test

import (
	"errors"
	"net/http"
	"os"
	"sync"
	"testing"
)

// Ledger test 11, peers test 7: FLUSHALL under load. The directory is published and the counters are built from the record by
// themselves, before anything is granted; nothing is lost, nothing is charged twice, and every counter is what the record says.
func TestLedger11_FlushedLiveLedgerIsBuiltAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	l := r.spend(t, 8)
	flushes := times(1, 10)
	for range flushes {
		l.progress(t, 50)
		if err := r.live.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		for _, k := range r.keys {
			r.awaitKey(t, k)
		}
		r.ledger(t).whole(t)
	}
	l.progress(t, 50)
	l.stop()
	live := r.settle(t)
	live.whole(t)
	row := result{fault: "8 FLUSHALL", times: flushes, holds: len(live.open)}
	n := compare(t, l.seen(), r.record(t))
	row.acknowledged, row.lost, row.double, row.drift = n.acknowledged, n.lost, n.double, r.drift(t, live)
	shared.results.add(t, row)
	if n.lost > 0 || n.double > 0 || n.wrong > 0 || row.drift != 0 || l.hung > 0 || n.acknowledged == 0 {
		t.Errorf("%+v, %d hung", n, l.hung)
	}
}

// Peers test 7: the live ledger comes back as it was some time ago, as after a failover to a replica that was behind, a lost disk,
// or a kill while the disk was slow to sync. Holds that came back although the record has their end are closed without a charge,
// and every counter is what the record says.
func TestPeers07_OlderLiveLedgerIsBuiltAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	l := r.spend(t, 4)
	l.progress(t, 20)
	l.stop()
	r.settle(t)

	const hanging = 5
	var under sync.WaitGroup
	for i := range hanging {
		under.Go(func() {
			a := l.call(r.keys[i%people], hang)
			l.mu.Lock()
			defer l.mu.Unlock()
			l.answers = append(l.answers, a)
		})
	}
	await(t, "all that hangs is held", func() error {
		if n := len(r.ledger(t).open); n < hanging {
			return errors.New("not yet")
		}
		return nil
	})
	// What was answered has been written: the copy has the holds.
	older := r.dir + "/older"
	if err := os.CopyFS(older, os.DirFS(r.config.Dir)); err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(r.provider.URL+"/_release", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	under.Wait()
	r.settle(t)

	r.redis.Kill()
	if err := os.RemoveAll(r.config.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(older, r.config.Dir); err != nil {
		t.Fatal(err)
	}
	r.startRedis(t)
	r.ledger(t).whole(t)
	await(t, "calls are served", func() error {
		if a := l.call(r.keys[0], plain); !a.acknowledged {
			return errors.New(a.body)
		}
		return nil
	})
	live := r.settle(t)
	live.whole(t)
	row := result{fault: "9 an older copy of the live ledger", times: 1, holds: len(live.open)}
	n := compare(t, l.seen(), r.record(t))
	row.acknowledged, row.lost, row.double, row.drift = n.acknowledged, n.lost, n.double, r.drift(t, live)
	shared.results.add(t, row)
	if n.lost > 0 || n.double > 0 || row.drift != 0 || l.hung > 0 || n.acknowledged < hanging {
		t.Errorf("%+v, %d hung", n, l.hung)
	}
}
