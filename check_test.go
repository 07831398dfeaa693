package alfred_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
)

func TestChecksOf(t *testing.T) {
	charge := func(kind alfred.CounterKind, ceiling alfred.Credits) alfred.Charge {
		return alfred.Charge{Counter: alfred.Counter{Kind: kind, Subject: "s"}, Ceiling: ceiling}
	}
	bucket := alfred.Bucket{Scope: alfred.ScopeKey, Subject: "key_1", Metric: alfred.MetricRequestsPerMinute, PerMinute: 3}
	plan := alfred.Plan{
		Caps: []alfred.Cap{
			{Charge: charge(alfred.CountKey, alfred.Unlimited), Mode: alfred.Enforce},
			{Charge: charge(alfred.CountDept, 50), Mode: alfred.Shadow},
			{Charge: charge(alfred.CountTeam, 100), Mode: alfred.Enforce, Code: alfred.CodeTeamBudget},
			{Charge: charge(alfred.CountOrg, 900), Mode: alfred.Enforce, Code: alfred.CodeOrganization},
		},
		Buckets: []alfred.BucketCharge{{Bucket: bucket, Units: 1}},
	}
	legs := []alfred.Leg{{Kind: alfred.LegPersonal, Group: []alfred.Charge{charge(alfred.CountPersonal, 10)}, Code: alfred.CodeUserQuota}}
	legs = append(legs, alfred.Leg{Kind: alfred.LegTeam, Group: []alfred.Charge{charge(alfred.CountPool, 1000), charge(alfred.CountShare, 20)}, Code: alfred.CodeTeamPool})
	balances := []alfred.Balance{{}, {}, {Committed: 93}, {Committed: 300, Settled: 200}, {Committed: 8, Settled: 5}, {Committed: 100}, {Committed: 19}}
	for _, c := range []struct {
		rule  string
		reply alfred.ReserveReply
		want  string
	}{
		{"a cap", alfred.ReserveReply{
			Verdict: alfred.VerdictSpent, Blocker: alfred.Blocker{Counter: plan.Caps[2].Counter, Remaining: 7}, Balances: balances,
		}, "team:fail:7 org:skipped:600 personal:skipped:2 team:skipped:1 key:skipped"},
		{"the legs", alfred.ReserveReply{
			Verdict: alfred.VerdictHeld, Blocker: alfred.Blocker{Counter: legs[0].Group[0].Counter}, Balances: balances,
		}, "team:pass:7 org:pass:600 personal:fail:2 team:fail:1 key:skipped"},
		{"a rate", alfred.ReserveReply{Verdict: alfred.VerdictRate, Blocker: alfred.Blocker{Bucket: bucket}, Balances: balances}, "team:pass:7 org:pass:600 personal:pass:2 team:pass:1 key:fail"},
	} {
		var have []string
		for _, k := range alfred.ChecksOf(plan, legs, c.reply) {
			text := fmt.Sprintf("%s:%s", k.Scope, k.Outcome)
			if k.Left != nil {
				text += fmt.Sprintf(":%d", int64(*k.Left))
			}
			have = append(have, text)
		}
		if got := strings.Join(have, " "); got != c.want {
			t.Errorf("%s refuses: %s, want %s", c.rule, got, c.want)
		}
	}
}
