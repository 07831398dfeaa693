package faults_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts/shapes"
	"github.com/alfred-envoy/alfred/envoy/faults"
)

// behind is how far a replica is from its primary, in time.
const behind = 50 * time.Millisecond

// pair is a primary and a replica that is behind, and an address that moves from the one to the other.
type pair struct {
	binary, dir      string
	front, link      *faults.Proxy // before the primary; between the two
	primary, replica *shapes.Server
	live             *redis.Client
}

func (p *pair) start(t *testing.T, binary, dir string) place {
	t.Helper()
	p.binary, p.dir = binary, dir
	var err error
	if p.primary, err = shapes.StartServer(t.Context(), binary, dir, "first"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.primary.Close() })
	if p.front, err = faults.NewProxy(p.primary.Address()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.front.Close)
	p.follow(t)
	p.live = redis.NewClient(&redis.Options{Addr: p.front.Address()})
	return place{url: "redis://" + p.front.Address() + "/0", live: p.live}
}

// follow gives the primary a replica that has everything, and from now on gets everything late.
func (p *pair) follow(t *testing.T) {
	t.Helper()
	replica, err := shapes.Follow(t.Context(), p.binary, p.dir, p.primary, func(address string) string {
		link, err := faults.NewProxy(address)
		if err != nil {
			t.Fatal(err)
		}
		link.Reply = func([]byte) faults.Fault { return faults.Fault{Hold: behind} }
		p.link = link
		return link.Address()
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(replica.Close)
	t.Cleanup(p.link.Close)
	p.replica = replica
	p.link.Break()
}

// fail kills the primary with what is on its way to the replica, and makes the replica the primary.
func (p *pair) fail(t *testing.T) {
	t.Helper()
	p.primary.Kill()
	p.link.Close()
	if err := p.replica.Client.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	p.primary = p.replica
	p.front.Redirect(p.primary.Address())
}

// failBehind does it often while the recorder rests, so that what is lost is in Postgres neither.
func (p *pair) failBehind(t *testing.T, r *rig, l *load, rounds int) {
	t.Helper()
	for range rounds {
		l.progress(t, 20)
		signal(t, r.admins[0], syscall.SIGSTOP)
		l.progress(t, 20)
		p.fail(t)
		signal(t, r.admins[0], syscall.SIGCONT)
		l.progress(t, 20)
		p.follow(t)
	}
	l.stop()
}

func signal(t *testing.T, c *child, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(c.PID(), s); err != nil {
		t.Fatal(err)
	}
}

// Ledger test 10: the primary is killed and a replica that is 50 ms behind takes its place. What it had not heard of is sent again
// from the spool: nothing that was acknowledged is lost, and nothing is charged twice.
func TestLedger10_PromotedReplicaThatWasBehindLosesNothing(t *testing.T) {
	t.Parallel()
	var p pair
	r := newRig(t, plan{place: p.start})
	l := r.spend(t, 8)
	rounds := times(2, 10)
	p.failBehind(t, r, l, rounds)
	refusedOnly(t, l.seen(), false)
	n, row := r.tally(t, result{fault: "10 kill -9 primary, replica 50 ms behind promoted", times: rounds}, l)
	if n.lost > 0 || n.double > 0 || n.wrong > 0 || row.drift != 0 {
		t.Errorf("%+v, drift %d", n, row.drift)
	}
}

// Ledger test 10, the other way round: without the spool the same story loses what was acknowledged. If it did not, the story above
// would prove nothing.
func TestLedger10_WithoutTheSpoolAPromotedReplicaLoses(t *testing.T) {
	t.Parallel()
	var p pair
	r := newRig(t, plan{place: p.start, unspooled: true})
	l := r.spend(t, 8)
	rounds := times(2, 10)
	p.failBehind(t, r, l, rounds)
	n, _ := r.tally(t, result{fault: "10 the same without the spool: has to lose", times: rounds, note: "expected"}, l)
	if n.lost+n.wrong == 0 {
		t.Errorf("nothing was lost of %d: the replica was not behind", n.acknowledged)
	}
	if n.double > 0 {
		t.Errorf("%+v", n)
	}
}

// Ledger test 10, with WAIT in the spool's place: a settlement is answered when the replica has it, so there is nothing to lose.
func TestLedger10_WaitingForTheReplicaLosesNothingWithoutTheSpool(t *testing.T) {
	t.Parallel()
	var p pair
	r := newRig(t, plan{place: p.start, unspooled: true, env: []string{"ALFRED_REDIS_WAIT_REPLICAS=1", "ALFRED_REDIS_WAIT_TIMEOUT=1s"}})
	l := r.spend(t, 8)
	rounds := times(1, 10)
	p.failBehind(t, r, l, rounds)
	refusedOnly(t, l.seen(), false)
	short, err := r.metric(t, "alfred_redis_wait_short_total")
	if err != nil {
		t.Fatal(err)
	}
	n, row := r.tally(t, result{fault: "10 the same without the spool, with WAIT 1", times: rounds, note: fmt.Sprintf("%v settled while there was no replica", short)}, l)
	if n.lost > 0 || n.double > 0 || n.wrong > 0 || row.drift != 0 {
		t.Errorf("%+v, drift %d", n, row.drift)
	}
	if short == 0 {
		t.Error("nobody was told that there is no replica")
	}
}

// Ledger test 10, as Sentinels do it: nobody tells the programs, they find the new primary by themselves.
func TestLedger10_SentinelsPromoteAndNothingIsLost(t *testing.T) {
	t.Parallel()
	var w *shapes.Watched
	r := newRig(t, plan{place: func(t *testing.T, binary, dir string) place {
		var err error
		if w, err = shapes.StartWatched(t.Context(), binary, dir, nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Close)
		return place{url: w.URL(), live: redis.NewFailoverClient(&redis.FailoverOptions{MasterName: shapes.WatchedName, SentinelAddrs: w.Sentinels()})}
	}})
	l := r.spend(t, 8)
	rounds := times(1, 5)
	for range rounds {
		l.progress(t, 30)
		w.Primary.Kill()
		if err := w.Promoted(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.progress(t, 20)
		if err := w.Swap(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	l.stop()
	refusedOnly(t, l.seen(), false)
	n, row := r.tally(t, result{fault: "10 kill -9 primary, Sentinels promote", times: rounds}, l)
	if n.lost > 0 || n.double > 0 || n.wrong > 0 || row.drift != 0 {
		t.Errorf("%+v, drift %d", n, row.drift)
	}
}

// Ledger test 18: on a cluster of three, the slot of the organisation moves from one master to another, a few keys at a time, while
// it spends; then the master that has it is killed. Nobody gets a wrong answer, and nothing is lost or charged twice.
func TestLedger18_ClusterSlotMovesAndMasterIsKilled(t *testing.T) {
	t.Parallel()
	var c *shapes.Cluster
	r := newRig(t, plan{place: func(t *testing.T, binary, dir string) place {
		var err error
		if c, err = shapes.StartCluster(t.Context(), binary, dir, 3, true); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		var addresses []string
		for _, m := range c.Masters {
			addresses = append(addresses, m.Address())
		}
		return place{url: c.URL(), live: redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses, ClusterStateReloadInterval: time.Second})}
	}})
	var org string
	if err := r.connect(t).QueryRow(t.Context(), `SELECT id FROM organizations`).Scan(&org); err != nil {
		t.Fatal(err)
	}
	catalog := "a:{" + org + "}:dir:catalog"
	l := r.spend(t, 8)
	rounds, slow := times(1, 10), 0
	for range rounds {
		l.progress(t, 30)
		from, err := c.Owner(t.Context(), catalog)
		if err != nil {
			t.Fatal(err)
		}
		to := (from + 1) % len(c.Masters)
		asked := len(l.seen())
		err = c.MoveSlot(t.Context(), catalog, from, to, 5, func() {
			slow++
			if asked = asked + 2; slow%4 == 0 { // people go on asking meanwhile
				await(t, "somebody asks", func() error {
					if len(l.seen()) < asked {
						return fmt.Errorf("%d answers", len(l.seen()))
					}
					return nil
				})
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		l.progress(t, 30)
		if err := c.Fail(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		l.progress(t, 20)
	}
	l.stop()
	refusedOnly(t, l.seen(), false)
	n, row := r.tally(t, result{fault: "11 cluster of 3: slot moved key by key, then its master killed", times: rounds, note: fmt.Sprintf("%d steps of a move", slow)}, l)
	if n.lost > 0 || n.double > 0 || n.wrong > 0 || row.drift != 0 {
		t.Errorf("%+v, drift %d", n, row.drift)
	}
}

// The servers forget the scripts, as each does that was promoted: the call that finds it out sends the script, and nobody notices.
// The programs run as the users of the operations page, with no right but theirs.
func TestForgottenScriptsAreNotNoticed(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{place: leastRights})
	l := r.spend(t, 8)
	flushes := times(20, 500)
	for range flushes {
		l.progress(t, 3)
		if err := r.live.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	l.stop()
	for _, a := range l.seen() {
		if !a.acknowledged {
			t.Errorf("a completion noticed: %+v", a)
		}
	}
	r.audit(t, result{fault: "12 SCRIPT FLUSH", times: flushes}, l)
}

// leastRights is a server that knows the two users as the operations page makes them, and shows the default user's client.
func leastRights(t *testing.T, binary, dir string) place {
	t.Helper()
	s, err := shapes.StartServer(t.Context(), binary, dir, "rights")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	urls := map[string]string{}
	for line := range strings.Lines(string(page)) {
		words := strings.Fields(line)
		if len(words) < 5 || words[0] != "ACL" || words[3] != "on" {
			continue
		}
		var command []any
		for _, w := range words {
			command = append(command, w)
		}
		if err := s.Client.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
		urls[words[2]] = "redis://" + words[2] + ":" + strings.TrimPrefix(words[4], ">") + "@" + s.Address()
	}
	return place{url: urls["alfred-extproc"], admin: urls["alfred-admin"], live: redis.NewClient(&redis.Options{Addr: s.Address()})}
}
