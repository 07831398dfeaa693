package redis_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
)

// yardstick is the least that a script over eight counters can cost, so that
// the ledger's cost is told as a ratio that holds on any machine.
const yardstick = `for i = 1, 8 do redis.call('INCRBY', KEYS[i], ARGV[1]) end return 1`

// typical has eight counters, five of them caps and three of them two legs,
// and two buckets.
func typical(org alfred.OrgID, hold string, personal alfred.Credits) alfred.ReserveRequest {
	charge := func(kind alfred.CounterKind, subject string, ceiling alfred.Credits) alfred.Charge {
		return alfred.Charge{Counter: alfred.Counter{Kind: kind, Subject: subject + "_01KATCQ0000000000000000000", Window: month()}, Ceiling: ceiling, Share: alfred.TakeHalf}
	}
	r := alfred.ReserveRequest{
		Org: org, Hold: alfred.HoldID(hold), Need: 1000, Want: 2000, Window: month(), TTL: 2 * time.Minute,
		Legs: []alfred.Leg{
			{Kind: alfred.LegPersonal, Code: alfred.CodeUserQuota, Group: []alfred.Charge{charge(alfred.CountPersonal, "usr", personal)}},
			{Kind: alfred.LegTeam, Code: alfred.CodeTeamPool, Group: []alfred.Charge{
				charge(alfred.CountPool, "team", alfred.MaxCredits), charge(alfred.CountShare, "team/usr", alfred.MaxCredits),
			}},
		},
		Terms: alfred.Terms{Event: alfred.UsageEvent{
			Org: org, Reservation: alfred.HoldID(hold), Request: "req_01KATCQ0000000000000000000", Decision: "dec_01KATCQ0000000000000000000",
			User: "usr_01KATCQ0000000000000000000", Key: "key_01KATCQ0000000000000000000", Team: "team_01KATCQ0000000000000000000", Model: "gpt-4o-mini", Provider: "openai",
		}},
	}
	for _, kind := range []alfred.CounterKind{alfred.CountKey, alfred.CountUser, alfred.CountTeam, alfred.CountDept, alfred.CountOrg} {
		r.Caps = append(r.Caps, alfred.Cap{Charge: charge(kind, string(kind), alfred.MaxCredits), Mode: alfred.Enforce, Code: alfred.CodeOrganization})
	}
	for _, metric := range []alfred.Metric{alfred.MetricRequestsPerMinute, alfred.MetricTokensPerMinute} {
		r.Buckets = append(r.Buckets, alfred.BucketCharge{Bucket: alfred.Bucket{Scope: alfred.ScopeUser, Subject: "usr_1", Metric: metric, PerMinute: alfred.MaxRate}, Units: 1})
	}
	return r
}

// BenchmarkLedger measures the CPU that the server spends on a reservation and
// its settlement, next to that of the yardstick in the same run.
func BenchmarkLedger(b *testing.B) {
	for _, s := range servers {
		for _, run := range []struct {
			name     string
			personal alfred.Credits // what the first leg can pay
			third    alfred.Credits // ceiling of the third cap
			settle   bool
		}{
			{"pair", alfred.MaxCredits, alfred.MaxCredits, true},
			{"pair over two legs", 500, alfred.MaxCredits, true},
			{"reserve", alfred.MaxCredits, alfred.MaxCredits, false},
			{"refused", alfred.MaxCredits, 0, false},
		} {
			b.Run(s.name+"/"+run.name, func(b *testing.B) {
				client, raw := connect(b, s.url(b)), open(b, s.url(b))
				org := fresh(b, client)
				script := goredis.NewScript(yardstick)
				keys := make([]string, 8)
				for i := range keys {
					keys[i] = fmt.Sprintf("a:{%s}:y:counter%d:usr_01KATCQ0000000000000000000:1795323600", org, i)
				}
				ledger := func(n int) {
					r := typical(org, fmt.Sprintf("hold_%026d", n), run.personal)
					r.Caps[2].Ceiling = run.third
					reply, err := client.Reserve(b.Context(), r)
					if err != nil {
						b.Fatal(err)
					}
					if run.settle {
						if _, err := client.Settle(b.Context(), alfred.Settlement{Record: reply.Record, Cost: 900, Tokens: 1, Event: reply.Record.Terms.Event}); err != nil {
							b.Fatal(err)
						}
					}
				}
				// In turns, so that both meet the same noise.
				const turn = 100
				var ours, theirs time.Duration
				n := 0
				for b.Loop() {
					before := cpu(b, raw)
					for range turn {
						n++
						ledger(n)
					}
					between := cpu(b, raw)
					for range turn {
						if err := script.Run(b.Context(), raw, keys, 7).Err(); err != nil {
							b.Fatal(err)
						}
					}
					ours += between - before
					theirs += cpu(b, raw) - between
				}
				b.ReportMetric(float64(ours.Nanoseconds())/1000/float64(n), "µs-server/op")
				b.ReportMetric(float64(theirs.Nanoseconds())/1000/float64(n), "µs-server/yardstick")
				b.ReportMetric(float64(ours)/float64(theirs), "x-yardstick")
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "µs-wall/op+yardstick")
			})
		}
	}
}

// cpu is what the server has used so far.
func cpu(b testing.TB, raw *goredis.Client) time.Duration {
	b.Helper()
	var sum time.Duration
	for line := range strings.Lines(raw.Info(b.Context(), "cpu").Val()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			sum += time.Duration(seconds * float64(time.Second))
		}
	}
	return sum
}
