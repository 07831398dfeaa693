package redis_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store"
	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// A server that is down, or that accepts and never answers, is unavailable
// within the caller's timeout, and opening does not need it.
func TestUnavailable(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for name, address := range map[string]string{
		"silent": "redis://" + silent.Addr().String(), "gone": "redis://" + gone.Addr().String(), "no socket": "unix://" + t.TempDir() + "/none.sock",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := redis.Open(t.Context(), redis.Options{URL: address})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			r := request("org_down", 1, 1, 100)
			_, reserve := s.Reserve(t.Context(), r)
			_, settle := s.Settle(t.Context(), alfred.Settlement{Record: alfred.HoldRecord{Org: "o", Hold: "h", Legs: []alfred.HeldLeg{{Counters: []alfred.Counter{r.Caps[0].Counter}}}}})
			_, principal := s.Principal(t.Context(), "hash")
			for act, err := range map[string]error{"reserve": reserve, "settle": settle, "principal": principal, "ping": s.Ping(t.Context())} {
				var e *alfred.Error
				if !errors.As(err, &e) || e.Code != alfred.CodeUnavailable {
					t.Errorf("%s: %v", act, err)
				}
			}
		})
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	for _, url := range []string{"", "http://x", "redis://host:port"} {
		if s, err := redis.Open(t.Context(), redis.Options{URL: url}); err == nil {
			_ = s.Close()
			t.Errorf("%q was accepted", url)
		} else if !strings.Contains(err.Error(), "REDIS_URL") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// A server that has forgotten the scripts, as every one has after a restart,
// is sent them again.
func TestScriptsAreSentAgain(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		client, raw := connect(t, s.url(t)), open(t, s.url(t))
		org := fresh(t, client)
		for n := range 3 {
			if err := raw.ScriptFlush(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			if reply, err := client.Reserve(t.Context(), request(org, n, 1, 1000)); err != nil || reply.Verdict != alfred.VerdictGranted {
				t.Fatalf("%s, %v", reply.Verdict, err)
			}
		}
	})
}

// Without memory the server refuses a step whole: nothing is half done, and
// when there is memory again the same step goes through.
func TestOutOfMemoryLeavesNothingHalfDone(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		run := s.own(t, parts.RedisConfig{Dir: t.TempDir()})
		client, raw := connect(t, run.URL()), open(t, run.URL())
		const org = "org_oom"
		storetest.Open(t, client, org)
		memory := func(limit string) {
			if err := raw.ConfigSet(t.Context(), "maxmemory", limit).Err(); err != nil {
				t.Fatal(err)
			}
		}
		var held []alfred.HoldRecord
		for n := range 40 {
			reply, err := client.Reserve(t.Context(), request(org, n, 10, 1_000_000))
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, reply.Record)
		}
		memory("1")
		refused := 0
		for n := range 40 {
			if _, err := client.Reserve(t.Context(), request(org, 100+n, 10, 1_000_000)); alfred.ErrorCode(err) == alfred.CodeUnavailable {
				refused++
			}
			if _, err := client.Settle(t.Context(), alfred.Settlement{Record: held[n], Cost: 7}); alfred.ErrorCode(err) == alfred.CodeUnavailable {
				refused++
			}
		}
		if refused != 80 {
			t.Errorf("%d of 80 steps were refused", refused)
		}
		audit(t, run.URL(), org)
		memory("0")
		for _, rec := range held {
			if end, err := client.Settle(t.Context(), alfred.Settlement{Record: rec, Cost: 7}); err != nil || end != alfred.EndSettled {
				t.Fatalf("%s, %v", end, err)
			}
		}
		if settled := audit(t, run.URL(), org); settled != 40 {
			t.Errorf("%d settlements, expected 40", settled)
		}
	})
}

// A counter is purged eight days after its window, told when it is made and
// not again; the record of an open hold never, that of one that ended after a
// quarter of an hour.
func TestTimesToLive(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		client, raw := connect(t, s.url(t)), open(t, s.url(t))
		org := fresh(t, client)
		r := request(org, 1, 10, 1_000_000)
		r.Caps[0].Counter.Window.End = r.Caps[0].Counter.Window.End.Add(time.Hour)
		r.Buckets = []alfred.BucketCharge{{Bucket: alfred.Bucket{Scope: alfred.ScopeUser, Subject: "a", Metric: alfred.MetricRequestsPerMinute, PerMinute: 60}, Units: 1}}
		prefix := "a:{" + string(org) + "}:"
		reply, err := client.Reserve(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if ttl := raw.PTTL(t.Context(), prefix+"r:hold_1").Val(); ttl != -1 {
			t.Errorf("an open record lives for %s", ttl)
		}
		if _, err := client.Settle(t.Context(), alfred.Settlement{Record: reply.Record, Cost: 4}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []alfred.Counter{r.Caps[0].Counter, r.Caps[1].Counter, r.Legs[0].Group[0].Counter} {
			for _, kind := range []string{"c:", "s:"} {
				want := c.Window.End.Add(alfred.PurgeAfter)
				if got := raw.PExpireTime(t.Context(), prefix+kind+store.Name(c)).Val(); time.UnixMilli(got.Milliseconds()).Compare(want) != 0 {
					t.Errorf("%s is purged at %d, expected %s", kind+store.Name(c), got.Milliseconds(), want)
				}
			}
		}
		if ttl := raw.PTTL(t.Context(), prefix+"r:hold_1").Val(); ttl <= store.TombstoneTTL-time.Minute || ttl > store.TombstoneTTL {
			t.Errorf("the record of a settled hold lives for %s", ttl)
		}
		if ttl := raw.PTTL(t.Context(), prefix+"t:user:a:requests_per_minute").Val(); ttl < time.Hour || ttl > 2*time.Hour+time.Minute {
			t.Errorf("a bucket lives for %s", ttl)
		}
		keys := raw.Keys(t.Context(), prefix+"*").Val()
		for _, k := range keys {
			if ttl := raw.PTTL(t.Context(), k).Val(); ttl == -1 && !strings.HasSuffix(k, ":ev") && !strings.HasSuffix(k, ":epoch") {
				t.Errorf("%s is never purged", k)
			}
		}
	})
}

// Each connection that comes back tells that changes may have been missed.
func TestWatchSurvivesDisconnection(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		client, raw := connect(t, s.url(t)), open(t, s.url(t))
		resyncs := make(chan redis.Change, 100)
		ended := make(chan error, 1)
		ctx := t.Context()
		go func() {
			ended <- client.Watch(ctx, func(c redis.Change) {
				if c == (redis.Change{}) {
					resyncs <- c
				}
			})
		}()
		for range 3 {
			select {
			case <-resyncs:
			case <-time.After(20 * time.Second):
				t.Fatal("not told of a reconnection")
			}
			if err := raw.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What cannot be decoded is handed out as it is; a stream that lost its group
// is read from the start; what none has read is never trimmed.
func TestLedger16_StreamsThatWentWrong(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		client, raw := connect(t, s.url(t)), open(t, s.url(t))
		org := fresh(t, client)
		key := "a:{" + string(org) + "}:ev"
		read := func(want int) (ids []string, entries []redis.Entry) {
			t.Helper()
			entries, err := client.ReadEvents(t.Context(), org, "a", 10, 0)
			if err != nil || len(entries) != want {
				t.Fatalf("%d entries, %v; expected %d", len(entries), err, want)
			}
			for _, e := range entries {
				ids = append(ids, e.ID)
			}
			return ids, entries
		}
		event := alfred.UsageEvent{Kind: alfred.EventDecision, Org: org, Reservation: "hold_1"}
		if err := client.AppendEvents(t.Context(), org, []alfred.UsageEvent{event, event, event}); err != nil {
			t.Fatal(err)
		}
		ids, _ := read(3)
		if err := client.AckEvents(t.Context(), org, ids[:1]); err != nil {
			t.Fatal(err)
		}
		if err := raw.Do(t.Context(), "XADD", key, "*", "e", "{torn").Err(); err != nil {
			t.Fatal(err)
		}
		if err := raw.Do(t.Context(), "XADD", key, "*", "other", "x").Err(); err != nil {
			t.Fatal(err)
		}
		if err := client.AckEvents(t.Context(), org, ids[1:]); err != nil {
			t.Fatal(err)
		}
		if n := raw.XLen(t.Context(), key).Val(); n != 2 {
			t.Fatalf("%d entries are left, expected the 2 that none has read", n)
		}
		_, poison := read(2)
		if poison[0].Err == nil || string(poison[0].Raw) != "{torn" || poison[1].Err == nil {
			t.Errorf("%+v", poison)
		}
		if err := raw.XGroupDestroy(t.Context(), key, "recorder").Err(); err != nil {
			t.Fatal(err)
		}
		ids, _ = read(2)
		if err := client.AckEvents(t.Context(), org, ids); err != nil {
			t.Fatal(err)
		}
		if n := raw.XLen(t.Context(), key).Val(); n != 0 {
			t.Errorf("%d entries are left", n)
		}
	})
}

// Refusals stop at the bound; a settlement is always written.
func TestBacklogIsBounded(t *testing.T) {
	client := simulate(t)
	const org = "org_backlog"
	event := alfred.UsageEvent{Kind: alfred.EventDecision, Org: org}
	if err := client.AppendEvents(t.Context(), org, slices.Repeat([]alfred.UsageEvent{event}, 3)); err != nil {
		t.Fatal(err)
	}
	err := client.AppendEvents(t.Context(), org, slices.Repeat([]alfred.UsageEvent{event}, store.MaxBacklog))
	if alfred.ErrorCode(err) != alfred.CodeUnavailable {
		t.Errorf("a batch above the bound: %v", err)
	}
	if n, err := client.server.Stream("a:{" + org + "}:ev"); err != nil || len(n) != 3 {
		t.Errorf("%d entries, %v", len(n), err)
	}
}

// fresh is an organisation that no other test has.
func newOrg() alfred.OrgID {
	return alfred.OrgID(fmt.Sprintf("org_%s", strconv.FormatInt(time.Now().UnixNano(), 36)))
}

// fresh is an organisation whose ledger grants.
func fresh(t testing.TB, c *redis.Store) alfred.OrgID {
	t.Helper()
	org := newOrg()
	storetest.Open(t, c, org)
	return org
}

func TestUnixSocket(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		dir, err := os.MkdirTemp("", "al") // a socket's path must be short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		run := s.own(t, parts.RedisConfig{Dir: dir, Socket: filepath.Join(dir, "s"), Password: "p/w:d@"})
		client := connect(t, run.URL())
		if reply, err := client.Reserve(t.Context(), request(fresh(t, client), 1, 1, 1000)); err != nil || reply.Verdict != alfred.VerdictGranted {
			t.Errorf("%s, %v", reply.Verdict, err)
		}
	})
}
