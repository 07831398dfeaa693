package redis_test

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// What each kind of thing takes of the server's memory, for a request with eight counters, two teams and two rates. The figures
// are those of docs/operations.md; the bound, twice of each, tells when that table is to be made anew:
//
//	go test -v -run TestSizes ./store/redis
func TestSizes(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		run := s.own(t, parts.RedisConfig{Dir: t.TempDir()})
		options, err := goredis.ParseURL(run.URL())
		if err != nil {
			t.Fatal(err)
		}
		raw := goredis.NewClient(options)
		t.Cleanup(func() { _ = raw.Close() })
		live, err := redis.Open(t.Context(), redis.Options{URL: run.URL(), Timeout: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = live.Close() })
		const org, many = alfred.OrgID("org_01KATCQ0000000000000000000"), 500
		const stream = "a:{" + string(org) + "}:ev"
		storetest.Open(t, live, org)

		used := func() (sum int64) {
			for keys := raw.Scan(t.Context(), 0, "*", 1000).Iterator(); keys.Next(t.Context()); {
				n, err := raw.MemoryUsage(t.Context(), keys.Val(), 0).Result()
				if err != nil {
					t.Fatal(err)
				}
				sum += n
			}
			return sum
		}
		measure := func(what string, documented int64, act func(i int)) {
			t.Helper()
			before := used()
			for i := range many {
				act(i)
			}
			each := (used() - before) / many
			t.Logf("%-28s %5d bytes", what, each)
			if each <= 0 || each > 2*documented {
				t.Errorf("%s takes %d bytes, documented are %d", what, each, documented)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		reserve := func(hold string, user string) alfred.HoldRecord {
			t.Helper()
			r := typical(org, hold, alfred.MaxCredits)
			if user != "" {
				r.Legs[0].Group[0].Counter.Subject = user
			}
			reply, err := live.Reserve(t.Context(), r)
			must(err)
			return reply.Record
		}
		id := func(i int) string { return fmt.Sprintf("hold_%026d", i) }
		reserve(id(many), "") // the counters are there
		holds := make([]alfred.HoldRecord, many)
		measure("open hold", 1800, func(i int) { holds[i] = reserve(id(i), "") })
		before := raw.XLen(t.Context(), stream).Val()
		size := cmp.Or(raw.MemoryUsage(t.Context(), stream, 0).Val(), 0)
		for _, h := range holds {
			e := h.Terms.Event
			e.Kind, e.Cost, e.At, e.Outcome = alfred.EventSettle, 1000, time.Now(), alfred.OutcomeCompleted
			_, err := live.Settle(t.Context(), alfred.Settlement{Record: h, Cost: 1000, Event: e})
			must(err)
		}
		entries := raw.XLen(t.Context(), stream).Val() - before
		each := (raw.MemoryUsage(t.Context(), stream, 0).Val() - size) / max(1, entries)
		t.Logf("%-28s %5d bytes", "entry of the usage stream", each)
		if entries != many || each <= 0 || each > 2*1500 {
			t.Errorf("%d entries of %d bytes", entries, each)
		}
		measure("open hold, and a new counter", 2300, func(i int) { reserve(id(2*many+i), fmt.Sprintf("usr_%026d", i)) })
		measure("record of a credential", 900, func(i int) {
			must(live.PublishPrincipals(t.Context(), map[string]*alfred.Principal{fmt.Sprintf("v1.%064d", i): {
				Version: 1, Org: org, Key: "key_01KATCQ0000000000000000000", KeyStatus: alfred.KeyActive, User: "usr_01KATCQ0000000000000000000", UserStatus: alfred.Active,
				Department: "dept_01KATCQ0000000000000000000", Teams: []alfred.TeamID{"team_01KATCQ0000000000000000000", "team_01KATCQ0000000000000000001"},
				Personal: alfred.Allowance{Base: 1000 * alfred.Credit}, MaxPriority: alfred.PriorityHigh, Ask: "somebody@company.example",
			}}))
		})
	})
}
