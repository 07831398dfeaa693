package faults_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
)

// Ledger test 11, peers test 7: FLUSHALL under load. The directory is published and the counters are built from the record by
// themselves, before anything is granted; nothing is lost, nothing is charged twice, and every counter is what the record says.
//
// What requests held and what was set aside at that moment is on no counter until they end: each time one more person has a quota
// that is half held when it happens, spends the other half and all that is offered once more, and then the held half. By how much
// that is above the quota is no more than what was held.
func TestLedger11_FlushedLiveLedgerIsBuiltAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	// In an outage, and until the ledger is built, what was set aside is spent.
	r.manage(t, http.MethodPatch, "/v1/admin/organization", map[string]any{"settings": map[string]any{"fail_mode": "local"}}, nil)
	l := r.spend(t, 8)
	flushes := times(1, 10)
	var hanging sync.WaitGroup
	stuck := make([]*overspender, 0, flushes)
	for i := range flushes {
		o := r.overspender(t, i)
		stuck = append(stuck, o)
		l.progress(t, 50)
		o.hold(t, l, &hanging)
		o.allowed = r.flush(t).held["personal:"+o.id+":"+o.window]
		for _, k := range r.keys {
			r.awaitKey(t, k)
		}
		await(t, "the ledger is built", func() error {
			if n, err := r.metric(t, "alfred_learning"); err != nil || n > 0 {
				return errors.Join(err, fmt.Errorf("%v ledgers are learned", n))
			}
			return nil
		})
		r.ledger(t).whole(t)
		o.spend(t, l)
		r.release(t)
		hanging.Wait()
	}
	l.progress(t, 50)
	l.stop()
	// What is set aside is given back on the way out.
	r.extproc.Stop(10 * time.Second)
	r.extproc.start(t)
	r.settle(t)
	var most *overspender
	sums := r.sums(t, `SELECT kind, subject, extract(epoch FROM window_start)::bigint, settled FROM counter_usage WHERE kind = 'personal'`)
	for _, o := range stuck {
		o.over = max(0, sums["personal:"+o.id+":"+o.window]-overspenderQuota*int64(alfred.Credit))
		t.Logf("%s were held, and %s spent above the quota", alfred.Credits(o.allowed), alfred.Credits(o.over))
		if o.over > o.allowed {
			t.Errorf("%s were spent above the quota, and no more than %s can be", alfred.Credits(o.over), alfred.Credits(o.allowed))
		}
		if o.over == 0 {
			t.Errorf("nothing was overspent of %s that were held: the bound is not met", alfred.Credits(o.allowed))
		}
		if most == nil || o.over > most.over {
			most = o
		}
	}
	note := fmt.Sprintf("overspent at most %s credits of a quota of %d; the bound at that moment, open holds and what was set aside: %s",
		alfred.Credits(most.over), overspenderQuota, alfred.Credits(most.allowed))
	r.audit(t, result{fault: "8 FLUSHALL", times: flushes, note: note}, l)
}

// Ledger test 11 again: what builds the emptied ledger dies in the middle of it, killed or cut off from Postgres. Nothing is granted
// until another has built it, and nothing of the first's work is added twice.
func TestLedger11_KilledRebuilderIsFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	l := r.spend(t, 8)
	conn := r.connect(t)
	var org string
	if err := conn.QueryRow(t.Context(), `SELECT id FROM organizations`).Scan(&org); err != nil {
		t.Fatal(err)
	}
	kills := times(2, 10)
	for i := range kills {
		l.progress(t, 30)
		// Nobody compares while the record is locked: the rebuilder is between its first step and its last.
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended('usage ' || $1, 0))`, org); err != nil {
			t.Fatal(err)
		}
		if err := r.live.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		await(t, "somebody builds", func() error {
			var one int
			return tx.QueryRow(t.Context(), `
				SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
				AND (classid::bigint << 32 | objid::bigint) = hashtextextended('rebuild ' || $1, 0)`, org).Scan(&one)
		})
		if i%2 == 0 {
			r.admins[0].Kill()
		} else if _, err := tx.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
			t.Fatal(err)
		}
		if n := r.built(t, org); n {
			t.Error("the ledger was built while the record was locked")
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			r.admins[0].start(t)
		}
		await(t, "the ledger is built", func() error {
			if !r.built(t, org) {
				return errors.New("not yet")
			}
			return nil
		})
		r.ledger(t).whole(t)
	}
	l.progress(t, 30)
	l.stop()
	r.audit(t, result{fault: "8 FLUSHALL, and what builds the ledger is killed or cut off from Postgres in the middle", times: kills}, l)
}

// built says whether an organisation's ledger stands.
func (r *rig) built(t *testing.T, org string) bool {
	t.Helper()
	mark, err := r.live.Get(t.Context(), "a:{"+org+"}:epoch").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	return strings.HasPrefix(mark, "L")
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
	r.release(t)
	under.Wait()
	r.settle(t)

	// The control plane rests, so that nobody builds the ledger: no answer may be granted by the older one, from the first on.
	signal(t, r.admins[0], syscall.SIGSTOP)
	asked := r.spend(t, 4)
	asked.progress(t, 4)
	r.redis.Kill()
	killed := time.Now()
	if err := os.RemoveAll(r.config.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(older, r.config.Dir); err != nil {
		t.Fatal(err)
	}
	r.startRedis(t)
	back := time.Now()
	await(t, "calls are refused by the older ledger", func() error {
		refused := 0
		for _, a := range asked.seen() {
			if a.status == http.StatusServiceUnavailable && a.began.After(back) {
				refused++
			}
		}
		if refused < 50 && time.Since(back) < 3*time.Second { // it is believed after five
			return errors.New("not yet")
		}
		return nil
	})
	asked.stop()
	resumed := time.Now()
	for _, a := range asked.seen() {
		if a.acknowledged && a.began.After(killed) && a.ended.Before(resumed) {
			t.Errorf("granted by the older ledger, %s after it was back", a.began.Sub(back))
		}
	}
	signal(t, r.admins[0], syscall.SIGCONT)
	l.answers = append(l.answers, asked.seen()...)
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
