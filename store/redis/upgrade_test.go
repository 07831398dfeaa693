package redis_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/redis"
)

// previous is a process of version 0.1: its scripts, as they were, called with
// what it called them with. None of it follows the code; it is there so that
// the code cannot leave it behind.
type previous struct {
	testing.TB
	raw   *goredis.Client
	org   alfred.OrgID
	user  alfred.Counter
	quota alfred.Counter
}

func newPrevious(t testing.TB, url string, now *redis.Store) *previous {
	w := month()
	return &previous{
		TB: t, raw: open(t, url), org: fresh(t, now), user: alfred.Counter{Kind: alfred.CountUser, Subject: "ann", Window: w},
		quota: alfred.Counter{Kind: alfred.CountPersonal, Subject: "ann", Window: w},
	}
}

func (p *previous) key(name string) string { return "a:{" + string(p.org) + "}:" + name }

func (p *previous) name(kind string, c alfred.Counter) string {
	return p.key(fmt.Sprintf("%s:%s:%s:%d", kind, c.Kind, c.Subject, c.Window.Start.Unix()))
}

func (p *previous) run(script string, keys []string, args ...any) []any {
	p.Helper()
	text, err := os.ReadFile("testdata/v0.1/" + script + ".lua")
	if err != nil {
		p.Fatal(err)
	}
	reply, err := p.raw.Eval(p.Context(), string(text), keys, args...).Result()
	if err != nil {
		p.Fatal(err)
	}
	if list, ok := reply.([]any); ok {
		return list
	}
	return []any{reply}
}

func (p *previous) event(hold, kind string) string {
	return fmt.Sprintf(`{"kind":%q,"org":%q,"reservation":%q,"request":"req_1","decision":"dec_1","at":%q,"user":"ann","key":"k","model":"m","provider":"mock",`+
		`"priority":"normal","usage":{},"held":100,"cost":0,"charges":null,"legs":null,"card_version":1,"input_bound":1,"output_limit":99,"status":200,"outcome":"completed","millis":1}`,
		kind, p.org, hold, time.Now().UTC().Format(time.RFC3339))
}

// reserve holds 100 on the counter of the user and on the personal quota.
func (p *previous) reserve(hold string, ttl time.Duration) {
	p.Helper()
	w := p.user.Window
	tail := fmt.Sprintf(`{"w":[[%d,%d]],"c":[{"k":"user","s":"ann"}],"l":[{"k":"personal","c":[{"k":"personal","s":"ann"}]}],"t":{"on_expiry":"estimate","input_cost":1,"event":%s}}`,
		w.Start.UnixMicro(), w.End.UnixMicro(), p.event(hold, "settle"))
	purge := w.End.Add(24 * time.Hour).UnixMilli()
	reply := p.run("reserve", []string{p.key("rx"), p.key("r:" + hold), p.name("c", p.user), p.name("c", p.quota)},
		100, 100, w.Start.UnixMicro(), w.End.UnixMicro(), ttl.Milliseconds(), hold, "110100", fmt.Sprintf("%d,%d", purge, purge), tail, 1000, 1000)
	if reply[0] != "granted" {
		p.Fatalf("the previous version was answered %v", reply)
	}
}

// settle ends a hold as the previous version does: with the head that it reads
// in the record, and what it computes from it.
func (p *previous) settle(hold string, cost int64) string {
	p.Helper()
	record, err := p.raw.Get(p.Context(), p.key("r:"+hold)).Result()
	if err != nil {
		p.Fatal(err)
	}
	parts := strings.SplitN(record, "|", 5)
	if len(parts) != 5 || parts[0] != "R1" || parts[1] != "100" || parts[2] != "100" || !json.Valid([]byte(parts[4])) {
		p.Fatalf("the previous version cannot read %q", record)
	}
	var tail struct {
		T struct {
			OnExpiry string          `json:"on_expiry"`
			Event    json.RawMessage `json:"event"`
		} `json:"t"`
	}
	if err := json.Unmarshal([]byte(parts[4]), &tail); err != nil || tail.T.OnExpiry != "estimate" || len(tail.T.Event) == 0 {
		p.Fatalf("the previous version does not find the terms in %s (%v)", parts[4], err)
	}
	purge := p.user.Window.End.Add(24 * time.Hour).UnixMilli()
	return fmt.Sprint(p.run("move",
		[]string{p.key("rx"), p.key("r:" + hold), p.key("ev"), p.name("c", p.user), p.name("s", p.user), p.name("c", p.quota), p.name("s", p.quota)},
		hold, "R1|100|100|", fmt.Sprintf("S1|%d|", cost), 900_000, p.event(hold, "settle"), "", 2, cost-100, cost, purge, cost-100, cost, purge)[0])
}

// Ledger test 22. Two versions share one Redis while one replaces the other:
// what one holds, the other extends, ends, expires and refuses to end twice.
func TestLedger22_HoldsPassBetweenVersions(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		now := connect(t, s.url(t))
		p := newPrevious(t, s.url(t), now)
		counted := func(what string, want alfred.Credits) {
			t.Helper()
			balances, err := now.Balances(t.Context(), p.org, []alfred.Counter{p.user, p.quota})
			if err != nil {
				t.Fatal(err)
			}
			for i, b := range balances {
				if b.Committed != want || b.Settled != want {
					t.Errorf("%s: counter %d is %+v, want %d of each", what, i, b, want)
				}
			}
		}
		record := alfred.HoldRecord{
			Org: p.org, Hold: "hold_1", Granted: 100, Caps: []alfred.Counter{p.user}, Due: time.Now().Add(time.Minute),
			Legs: []alfred.HeldLeg{{Kind: alfred.LegPersonal, Counters: []alfred.Counter{p.quota}, Taken: 100}},
		}
		settlement := alfred.Settlement{Record: record, Cost: 30, Event: alfred.UsageEvent{User: "ann", At: time.Now()}}
		expect := func(want alfred.EndState) func(alfred.EndState, error) {
			return func(got alfred.EndState, err error) {
				t.Helper()
				if err != nil || got != want {
					t.Fatalf("%s, %v; want %s", got, err, want)
				}
			}
		}

		p.reserve("hold_1", time.Minute)
		if alive, err := now.Extend(t.Context(), record, time.Minute); err != nil || !alive {
			t.Fatalf("extended: %v, %v", alive, err)
		}
		expect(alfred.EndSettled)(now.Settle(t.Context(), settlement))
		counted("the old hold, settled by the new version", 30)
		expect(alfred.EndDuplicate)(now.Settle(t.Context(), settlement))

		p.reserve("hold_2", time.Minute)
		expect(alfred.EndVoided)(now.Void(t.Context(), alfred.HoldRecord{Org: p.org, Hold: "hold_2"}, alfred.UsageEvent{}))
		counted("the old hold, voided by the new version", 30)

		p.reserve("hold_3", time.Millisecond)
		until(t, "the old hold is reaped by the new version", func() error {
			_, err := now.Reap(t.Context(), p.org, 10)
			if n, open := now.OpenHolds(t.Context(), p.org); err != nil || open != nil || n > 0 {
				return errors.Join(err, open, fmt.Errorf("%d open", n))
			}
			return nil
		})
		counted("expired by estimate", 130)

		charge := func(c alfred.Counter) alfred.Charge { return alfred.Charge{Counter: c, Ceiling: 1000} }
		reply, err := now.Reserve(t.Context(), alfred.ReserveRequest{
			Org: p.org, Hold: "hold_4", Need: 100, Want: 100, Window: p.user.Window, TTL: time.Minute,
			Caps:  []alfred.Cap{{Charge: charge(p.user), Mode: alfred.Enforce, Code: alfred.CodeUserQuota}},
			Legs:  []alfred.Leg{{Kind: alfred.LegPersonal, Code: alfred.CodeUserQuota, Group: []alfred.Charge{charge(p.quota)}}},
			Terms: alfred.Terms{OnExpiry: alfred.ReapEstimate, InputCost: 1, Want: 100, Event: alfred.UsageEvent{Org: p.org, Reservation: "hold_4", User: "ann", At: time.Now()}},
		})
		if err != nil || reply.Verdict != alfred.VerdictGranted {
			t.Fatalf("%+v, %v", reply, err)
		}
		if n := p.run("extend", []string{p.key("rx")}, "hold_4", 60_000)[0]; n != int64(1) {
			t.Errorf("the previous version extends a new hold: %v", n)
		}
		if got := p.settle("hold_4", 70); got != "done" {
			t.Errorf("the previous version settles a new hold: %s", got)
		}
		counted("the new hold, settled by the old version", 200)
		expect(alfred.EndDuplicate)(now.Settle(t.Context(), alfred.Settlement{Record: reply.Record, Cost: 70, Event: reply.Record.Terms.Event}))
		counted("and not twice", 200)

		var entries []redis.Entry
		if entries, err = now.ReadEvents(t.Context(), p.org, "test", 100, 0); err != nil || len(entries) != 4 {
			t.Fatalf("%d events of both versions (%v), want 4", len(entries), err)
		}
		for _, e := range entries {
			if e.Err != nil {
				t.Errorf("an event of one version is not read: %v", e.Err)
			}
		}
	})
}
