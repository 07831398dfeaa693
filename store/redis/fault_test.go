package redis_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// month is a window around now.
func month() alfred.Window {
	now := time.Now().UTC().Truncate(time.Hour)
	return alfred.Window{Start: now.Add(-24 * time.Hour), End: now.Add(24 * time.Hour)}
}

func request(org alfred.OrgID, hold int, amount, ceiling alfred.Credits) alfred.ReserveRequest {
	charge := func(kind alfred.CounterKind, subject string, ceiling alfred.Credits) alfred.Charge {
		return alfred.Charge{Counter: alfred.Counter{Kind: kind, Subject: subject, Window: month()}, Ceiling: ceiling}
	}
	return alfred.ReserveRequest{
		Org: org, Hold: alfred.HoldID(fmt.Sprintf("hold_%d", hold)), Need: amount, Want: amount, Window: month(), TTL: 2 * time.Minute,
		Caps: []alfred.Cap{
			{Charge: charge(alfred.CountUser, fmt.Sprint(hold%7), alfred.Unlimited), Mode: alfred.Enforce},
			{Charge: charge(alfred.CountOrg, string(org), ceiling), Mode: alfred.Enforce, Code: alfred.CodeOrganization},
		},
		Legs: []alfred.Leg{
			{Kind: alfred.LegPersonal, Code: alfred.CodeUserQuota, Group: []alfred.Charge{charge(alfred.CountPersonal, fmt.Sprint(hold%7), ceiling/20)}},
			{Kind: alfred.LegTeam, Code: alfred.CodeTeamPool, Group: []alfred.Charge{charge(alfred.CountPool, "core", alfred.Unlimited)}},
		},
	}
}

// Exactly what fits is admitted, however many ask at once, and once that has
// been given back it fits again.
func TestLedger04_ConcurrencyAdmitsExactlyWhatFits(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		const callers, calls, fits, amount = 64, 640, 100, 10
		clients := []*redis.Store{connect(t, s.url(t)), connect(t, s.url(t))} // two gates on one ledger
		org := fresh(t, clients[0])
		var wg sync.WaitGroup
		var granted, refused atomic.Int64
		records := make(chan alfred.HoldRecord, calls)
		var next atomic.Int64
		for c := range callers {
			wg.Go(func() {
				for {
					n := int(next.Add(1))
					if n > calls {
						return
					}
					reply, err := clients[c%2].Reserve(t.Context(), request(org, n, amount, fits*amount+amount-1))
					switch {
					case err != nil:
						t.Error(err)
					case reply.Verdict == alfred.VerdictGranted:
						granted.Add(1)
						records <- reply.Record
					case reply.Verdict == alfred.VerdictHeld && reply.Blocker.Code == alfred.CodeOrganization:
						refused.Add(1)
					default:
						t.Errorf("verdict %s by %s", reply.Verdict, reply.Blocker.Code)
					}
				}
			})
		}
		wg.Wait()
		close(records)
		if granted.Load() != fits || refused.Load() != calls-fits {
			t.Fatalf("%d granted and %d refused, expected %d and %d", granted.Load(), refused.Load(), fits, calls-fits)
		}
		for rec := range records {
			if _, err := clients[0].Settle(t.Context(), alfred.Settlement{Record: rec, Cost: 4}); err != nil {
				t.Fatal(err)
			}
		}
		reply, err := clients[1].Reserve(t.Context(), request(org, calls+1, 600, fits*amount))
		if err != nil || reply.Verdict != alfred.VerdictGranted {
			t.Errorf("after settling %s, %v", reply.Verdict, err)
		}
	})
}

// Killing the server loses nothing half done: every counter is what the events
// and the open holds say, the set of open holds and the records agree, and
// with an append-only file no settlement that was acknowledged is gone. A tail
// that was torn off in the middle of a write changes nothing of that.
func TestKilledServerComesBackWhole(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		for _, torn := range []bool{false, true} {
			t.Run(map[bool]string{false: "killed", true: "torn tail"}[torn], func(t *testing.T) {
				dir, org := t.TempDir(), alfred.OrgID("org_kill")
				run := s.own(t, parts.RedisConfig{Dir: dir, AppendOnly: true})
				client := connect(t, run.URL())
				storetest.Open(t, client, org)
				acked := load(t, client, org, func(n int) {
					if n == 300 {
						run.Kill()
					}
				})
				if torn {
					tear(t, appendOnlyFile(t, dir))
				}
				again := s.own(t, parts.RedisConfig{Dir: dir, AppendOnly: true})
				back := connect(t, again.URL())
				settled := audit(t, again.URL(), org)
				if missing := acked - settled; missing > 0 && !torn {
					t.Errorf("%d of %d acknowledged settlements are gone", missing, acked)
				}
				// What was in flight expires or is released, and nothing stays held.
				raw := open(t, again.URL())
				for _, id := range raw.ZRange(t.Context(), "a:{org_kill}:rx", 0, -1).Val() {
					if _, err := back.Void(t.Context(), alfred.HoldRecord{Org: org, Hold: alfred.HoldID(id)}, alfred.UsageEvent{}); err != nil {
						t.Error(err)
					}
				}
				audit(t, again.URL(), org)
				if n, err := back.OpenHolds(t.Context(), org); n != 0 || err != nil {
					t.Errorf("%d holds are still open, %v", n, err)
				}
			})
		}
	})
}

// load reserves and settles from many callers until calls fail, and returns
// how many settlements were acknowledged.
func load(t *testing.T, client *redis.Store, org alfred.OrgID, settled func(int)) int {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var wg sync.WaitGroup
	var next, acked atomic.Int64
	for range 16 {
		wg.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1))
				reply, err := client.Reserve(ctx, request(org, n, 100, 1_000_000_000))
				if err != nil {
					stop() // the server is gone
					return
				}
				if n%5 == 0 {
					continue // stays open
				}
				if _, err := client.Settle(ctx, alfred.Settlement{Record: reply.Record, Cost: alfred.Credits(n % 150)}); err != nil {
					stop()
					return
				}
				settled(int(acked.Add(1)))
			}
		})
	}
	wg.Wait()
	return int(acked.Load())
}

// tear cuts the file off in the middle of its last script's writes.
func tear(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(b, []byte("INCRBY"))
	if at < 0 {
		t.Fatal("nothing was written")
	}
	if err := os.WriteFile(file, b[:at+8], 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, url string) *goredis.Client {
	t.Helper()
	options, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
