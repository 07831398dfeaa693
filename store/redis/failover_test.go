package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts/shapes"
	"github.com/alfred-envoy/alfred/store/redis"
)

// When a primary is killed and another server takes its place, the same
// clients go on by themselves: they reserve, they learn that the data may be
// older, and they hear of changes.
func TestClientsSurviveAFailover(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		for name, start := range map[string]func(*testing.T) (url string, fail func() error){
			"Sentinel": func(t *testing.T) (string, func() error) {
				w := s.watched(t)
				return w.URL(), func() error {
					w.Primary.Kill()
					return w.Promoted(t.Context())
				}
			},
			"Cluster": func(t *testing.T) (string, func() error) {
				c := s.cluster(t, 3, true)
				return c.URL(), func() error {
					channel, err := c.Owner(t.Context(), "a:dir:changed") // where a client listens
					if err != nil {
						return err
					}
					return c.Fail(t.Context(), channel)
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				url, fail := start(t)
				client := openStore(t, redis.Options{URL: url, Timeout: 200 * time.Millisecond})
				heard := make(chan redis.Change, 1000)
				ctx, stop := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() { _ = client.Watch(ctx, func(c redis.Change) { heard <- c }) })
				defer wg.Wait()
				defer stop()
				<-heard // connected
				before, err := client.Lineage(t.Context(), "one")
				if err != nil {
					t.Fatal(err)
				}
				orgs := make([]alfred.OrgID, 12) // on every server of a cluster
				for i := range orgs {
					orgs[i] = fresh(t, openStore(t, redis.Options{URL: url}))
					settle(t, openStore(t, redis.Options{URL: url}), orgs[i], 1, 7)
				}
				if err := fail(); err != nil {
					t.Fatal(err)
				}
				for i, org := range orgs {
					until(t, "it is reserved again", func() error {
						reply, err := client.Reserve(t.Context(), request(org, 100+i, 1, 1_000_000))
						if err == nil && reply.Verdict != alfred.VerdictGranted {
							t.Fatalf("%+v", reply)
						}
						return err
					})
				}
				until(t, "the lineage is another", func() error {
					after, err := client.Lineage(t.Context(), "one")
					if err == nil && after == before {
						err = errors.New(after)
					}
					return err
				})
				version := int64(0)
				until(t, "a change is heard of", func() error {
					version++
					if err := client.PublishCatalog(t.Context(), &alfred.Catalog{Org: orgs[0], Version: version}); err != nil {
						return err
					}
					for {
						select {
						case c := <-heard:
							if c.Org == orgs[0] && c.Version == version {
								return nil
							}
						case <-time.After(100 * time.Millisecond):
							return errors.New("not yet")
						}
					}
				})
			})
		}
	})
}

func until(t *testing.T, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never: %s: %v", what, err)
		}
		<-tick.C
	}
}

// Ledger test 18: while callers reserve and settle, the slot of their
// organisation moves there and back, key by key. Every answer is right or says
// unavailable; what was acknowledged is there, once; and the ledger adds up.
func TestLedger18_SlotMovesUnderLoad(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		c := s.cluster(t, 3, false)
		org := fresh(t, openStore(t, redis.Options{URL: c.URL()}))
		put := movedUnderLoad(t, c, org, func(home int) {
			for _, to := range []int{(home + 1) % 3, (home + 2) % 3, home} {
				from, err := c.Owner(t.Context(), "a:{"+string(org)+"}:rx")
				if err != nil {
					t.Fatal(err)
				}
				if err := c.MoveSlot(t.Context(), "a:{"+string(org)+"}:rx", from, to, 3, func() {}); err != nil {
					t.Fatal(err)
				}
			}
		})
		redirected := 0
		for _, m := range c.Masters {
			text := m.Client.Info(t.Context(), "errorstats").Val()
			redirected += strings.Count(text, "errorstat_TRYAGAIN") + strings.Count(text, "errorstat_ASK")
		}
		if redirected == 0 {
			t.Error("nobody met a slot that was moving: the test proves nothing")
		}
		t.Logf("%d acknowledged, %d told unavailable", put.acknowledged.Load(), put.away.Load())
	})
}

// A server that moves a slot at once lets nobody notice.
func TestLedger18_SlotMovesAtOnce(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		if s.name != "Valkey" {
			t.Skip("only Valkey 9 moves a slot at once")
		}
		c := s.cluster(t, 3, false)
		org := fresh(t, openStore(t, redis.Options{URL: c.URL()}))
		put := movedUnderLoad(t, c, org, func(home int) {
			to := (home + 1) % 3
			id, err := c.Masters[to].ID(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			slot := c.Masters[home].Client.ClusterKeySlot(t.Context(), "a:{"+string(org)+"}:rx").Val()
			if err := c.Masters[home].Client.Do(t.Context(), "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", id).Err(); err != nil {
				t.Fatal(err)
			}
			until(t, "the slot is there", func() error {
				owner, err := c.Owner(t.Context(), "a:{"+string(org)+"}:rx")
				if err == nil && owner != to {
					err = errors.New("not yet")
				}
				return err
			})
		})
		if put.away.Load() > 0 {
			t.Errorf("%d of %d calls noticed", put.away.Load(), put.away.Load()+put.acknowledged.Load())
		}
	})
}

// put is what a load has seen.
type put struct{ acknowledged, away atomic.Int64 }

// movedUnderLoad spends while move moves what is at home, and audits.
func movedUnderLoad(t *testing.T, c *shapes.Cluster, org alfred.OrgID, move func(home int)) *put {
	t.Helper()
	clients := []*redis.Store{openStore(t, redis.Options{URL: c.URL(), Timeout: time.Second}), openStore(t, redis.Options{URL: c.URL(), Timeout: time.Second})}
	settle(t, clients[0], org, 0, 7)
	home, err := c.Owner(t.Context(), "a:{"+string(org)+"}:rx")
	if err == nil {
		home, err = c.Owner(t.Context(), "a:{"+string(org)+"}:ev")
	}
	if err != nil {
		t.Fatal(err)
	}
	var p put
	var next, cost atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			client := clients[i%2]
			for ctx.Err() == nil {
				n := int(next.Add(1))
				reply, err := client.Reserve(t.Context(), request(org, n, 10, 1_000_000_000))
				if err != nil {
					if alfred.ErrorCode(err) != alfred.CodeUnavailable || goredis.HasErrorPrefix(err, "CROSSSLOT") {
						t.Errorf("reserve: %v", err)
					}
					p.away.Add(1)
					untilGone(t, client, alfred.HoldRecord{Org: org, Hold: request(org, n, 1, 1).Hold})
					continue
				}
				if reply.Verdict != alfred.VerdictGranted {
					t.Errorf("verdict %s", reply.Verdict)
					continue
				}
				until(t, "it is settled", func() error {
					_, err := client.Settle(t.Context(), alfred.Settlement{Record: reply.Record, Cost: 7})
					if err != nil && (alfred.ErrorCode(err) != alfred.CodeUnavailable || goredis.HasErrorPrefix(err, "CROSSSLOT")) {
						t.Errorf("settle: %v", err)
					}
					return err
				})
				p.acknowledged.Add(1)
				cost.Add(7)
			}
		})
	}
	reach := func(n int64) {
		want := p.acknowledged.Load() + n
		until(t, "the load goes on", func() error {
			if p.acknowledged.Load() < want {
				return errors.New("too few")
			}
			return nil
		})
	}
	reach(50)
	move(home)
	reach(50)
	stop()
	wg.Wait()
	b, err := clients[0].Balances(t.Context(), org, []alfred.Counter{request(org, 1, 1, 1).Caps[1].Counter})
	if err != nil {
		t.Fatal(err)
	}
	if want := alfred.Credits(cost.Load() + 7); b[0].Settled != want || b[0].Committed != want {
		t.Errorf("%+v, expected %d settled and nothing held", b[0], want)
	}
	if n, err := clients[0].OpenHolds(t.Context(), org); n != 0 || err != nil {
		t.Errorf("%d holds are open, %v", n, err)
	}
	events := 0
	for {
		entries, err := clients[0].ReadEvents(t.Context(), org, "a", 500, 0)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range entries {
			ids = append(ids, e.ID)
			if e.Event.Kind == alfred.EventSettle {
				events++
			}
		}
		if err := clients[0].AckEvents(t.Context(), org, ids); err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
	}
	if want := int(p.acknowledged.Load()) + 1; events != want {
		t.Errorf("%d settlements in the stream, expected %d", events, want)
	}
	return &p
}

// untilGone voids a hold whose fate is not known.
func untilGone(t *testing.T, c *redis.Store, r alfred.HoldRecord) {
	until(t, "it is void", func() error {
		_, err := c.Void(t.Context(), r, alfred.UsageEvent{})
		return err
	})
}
