package alfred_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

const c = alfred.Credit

func directory(now time.Time) (*alfred.Catalog, *alfred.Principal) {
	catalog := &alfred.Catalog{
		Org: "org_1", Settings: alfred.DefaultSettings(), Card: alfred.DefaultRateCard(),
		Teams: map[alfred.TeamID]alfred.TeamShare{
			"team_a": {Name: "Engineering", Pool: alfred.Allowance{Base: 50_000 * c}, Active: 4, Sharing: alfred.SharingEqual},
			"team_b": {Name: "Research", Pool: alfred.Allowance{Base: 9_000 * c}, Active: 2, Sharing: alfred.SharingOpen},
		},
	}
	principal := &alfred.Principal{
		Org: "org_1", Key: "key_1", KeyStatus: alfred.KeyActive, User: "usr_1", UserStatus: alfred.Active, Department: "dep_1",
		Teams: []alfred.TeamID{"team_a", "team_b"}, Projects: []alfred.ProjectRef{{ID: "prj_1", Code: "apollo"}},
		Personal: alfred.Allowance{Base: 10_000 * c}, Overdraft: alfred.Allowance{Base: 5_000 * c},
	}
	return catalog, principal
}

func counters(plan alfred.Plan) (caps, legs []string) {
	for _, k := range plan.Caps {
		caps = append(caps, string(k.Counter.Kind)+" "+k.Counter.Subject+" "+k.Ceiling.String())
	}
	for _, l := range plan.Legs {
		for _, k := range l.Group {
			legs = append(legs, string(k.Counter.Kind)+" "+k.Counter.Subject+" "+k.Ceiling.String())
		}
	}
	return caps, legs
}

func TestPlanOfAMember(t *testing.T) {
	now := at(t, "2026-11-23T04:00:00Z")
	catalog, principal := directory(now)
	catalog.Limits = []alfred.Limit{
		{Scope: alfred.ScopeOrganization, Subject: "org_1", Metric: alfred.MetricCredits, Credits: 1_000_000 * c, Mode: alfred.Enforce},
		{Scope: alfred.ScopeModel, Subject: "gpt-4", Metric: alfred.MetricCredits, Credits: 7 * c, Mode: alfred.Shadow},
		{Scope: alfred.ScopeTeam, Subject: "team_a", Metric: alfred.MetricTokensPerMinute, Rate: 100, Mode: alfred.Enforce},
		{Scope: alfred.ScopeTeam, Subject: "team_a", Metric: alfred.MetricCredits, Credits: c, Mode: alfred.Off},
		{Scope: alfred.ScopeDepartment, Subject: "dep_1", Metric: alfred.MetricRequestsPerMinute, Rate: 5, Mode: alfred.Enforce},
		{Scope: alfred.ScopeProject, Subject: "prj_1", Metric: alfred.MetricRequestsPerMinute, Rate: 4, Mode: alfred.Enforce},
	}
	principal.Limits = []alfred.Limit{{Scope: alfred.ScopeKey, Subject: "key_1", Metric: alfred.MetricRequestsPerMinute, Rate: 6, Mode: alfred.Enforce}}
	plan, refusal, err := alfred.NewPlan(catalog, principal, alfred.Ask{Model: "gpt-4", Priority: alfred.PriorityNormal, Project: "apollo", Tokens: 42}, now)
	if err != nil || refusal != nil {
		t.Fatal(refusal, err)
	}
	caps, legs := counters(plan)
	if diff := cmp.Diff([]string{
		"key key_1 unlimited", "user usr_1 unlimited", "team team_a unlimited", "project prj_1 unlimited", "dept dep_1 unlimited", "model gpt-4 7", "org org_1 1000000",
	}, caps); diff != "" {
		t.Errorf("caps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"personal usr_1 10000", "pool team_a 50000", "share team_a/usr_1 12500", "pool team_b 9000", "share team_b/usr_1 9000",
	}, legs); diff != "" {
		t.Errorf("legs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]alfred.BucketCharge{
		{Bucket: alfred.Bucket{Scope: alfred.ScopeKey, Subject: "key_1", Metric: alfred.MetricRequestsPerMinute, PerMinute: 6}, Units: 1},
		{Bucket: alfred.Bucket{Scope: alfred.ScopeTeam, Subject: "team_a", Metric: alfred.MetricTokensPerMinute, PerMinute: 100}, Units: 42},
		{Bucket: alfred.Bucket{Scope: alfred.ScopeProject, Subject: "prj_1", Metric: alfred.MetricRequestsPerMinute, PerMinute: 4}, Units: 1},
		{Bucket: alfred.Bucket{Scope: alfred.ScopeDepartment, Subject: "dep_1", Metric: alfred.MetricRequestsPerMinute, PerMinute: 5}, Units: 1},
	}, plan.Buckets); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
	if plan.Overdraft != nil || plan.Project != "prj_1" || plan.Team != "team_a" {
		t.Errorf("overdraft %v, project %s, team %s", plan.Overdraft, plan.Project, plan.Team)
	}
}

// A rate never refuses a request for ever: what is more than a minute's worth
// waits for a full bucket, and is owed.
func TestBucketOfOneLargeRequest(t *testing.T) {
	now := at(t, "2026-11-23T04:00:00Z")
	catalog, principal := directory(now)
	principal.Limits = []alfred.Limit{{Scope: alfred.ScopeUser, Subject: "usr_1", Metric: alfred.MetricTokensPerMinute, Rate: 1000, Mode: alfred.Enforce}}
	for tokens, want := range map[int64]int64{999: 999, 1000: 1000, 5000: 1000} {
		plan, _, err := alfred.NewPlan(catalog, principal, alfred.Ask{Priority: alfred.PriorityNormal, Tokens: tokens}, now)
		if err != nil || len(plan.Buckets) != 1 || plan.Buckets[0].Units != want {
			t.Errorf("%d tokens: %+v (%v), want %d units", tokens, plan.Buckets, err, want)
		}
	}
}

func TestPlanRefusesAndLowers(t *testing.T) {
	now := at(t, "2026-11-23T04:00:00Z")
	for name, test := range map[string]struct {
		change func(*alfred.Catalog, *alfred.Principal, *alfred.Ask)
		check  func(alfred.Plan, *alfred.Refusal) bool
	}{
		"a project of others": {
			func(_ *alfred.Catalog, _ *alfred.Principal, a *alfred.Ask) { a.Project = "gemini" },
			func(_ alfred.Plan, r *alfred.Refusal) bool { return r != nil && r.Code == alfred.CodeProject },
		},
		"a team of others": {
			func(_ *alfred.Catalog, _ *alfred.Principal, a *alfred.Ask) { a.Team = "team_z" },
			func(_ alfred.Plan, r *alfred.Refusal) bool { return r != nil && r.Code == alfred.CodeTeamNotAllowed },
		},
		"one team of several": {
			func(_ *alfred.Catalog, _ *alfred.Principal, a *alfred.Ask) { a.Team = "team_b" },
			func(p alfred.Plan, r *alfred.Refusal) bool { return r == nil && p.Team == "team_b" && len(p.Legs) == 2 },
		},
		"critical overdraws": {
			func(_ *alfred.Catalog, _ *alfred.Principal, a *alfred.Ask) { a.Priority = alfred.PriorityCritical },
			func(p alfred.Plan, r *alfred.Refusal) bool { return p.Overdraft != nil && !p.Lowered },
		},
		"critical above the ceiling": {func(_ *alfred.Catalog, p *alfred.Principal, a *alfred.Ask) {
			a.Priority, p.MaxPriority = alfred.PriorityCritical, alfred.PriorityHigh
		}, func(p alfred.Plan, r *alfred.Refusal) bool {
			return p.Overdraft == nil && p.Lowered && p.Priority == alfred.PriorityHigh
		}},
		"away from the pool": {
			func(_ *alfred.Catalog, p *alfred.Principal, _ *alfred.Ask) { p.UserStatus = alfred.OnVacation },
			func(p alfred.Plan, r *alfred.Refusal) bool {
				return len(p.Legs) == 1 && p.Legs[0].Kind == alfred.LegPersonal
			},
		},
		"at most four pools": {func(c *alfred.Catalog, p *alfred.Principal, _ *alfred.Ask) {
			for _, id := range []alfred.TeamID{"team_c", "team_d", "team_e"} {
				p.Teams, c.Teams[id] = append(p.Teams, id), alfred.TeamShare{Active: 1}
			}
		}, func(p alfred.Plan, r *alfred.Refusal) bool { return len(p.Legs) == 1+alfred.MaxTeamLegs }},
	} {
		t.Run(name, func(t *testing.T) {
			catalog, principal := directory(now)
			ask := alfred.Ask{Model: "gpt-4", Priority: alfred.PriorityNormal}
			test.change(catalog, principal, &ask)
			plan, refusal, err := alfred.NewPlan(catalog, principal, ask, now)
			if err != nil || !test.check(plan, refusal) {
				t.Errorf("plan %+v, refusal %+v, error %v", plan, refusal, err)
			}
		})
	}
}

// However many share a pool, the shares never promise more than it holds, and
// leave less than a credit for each member.
func TestEqualShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := alfred.Credits(rapid.Int64Range(-1, int64(alfred.MaxCredits)).Draw(t, "pool"))
		n := rapid.IntRange(0, 1000).Draw(t, "active")
		share := alfred.EqualShare(pool, n)
		total := share * alfred.Credits(n)
		if share < 0 || total > pool.Floor0() || share%c != 0 {
			t.Fatalf("share %s of %s for %d", share, pool, n)
		}
		if n > 0 && pool > 0 && pool-total >= c*alfred.Credits(n) {
			t.Fatalf("%s of %s left undivided among %d", pool-total, pool, n)
		}
	})
}

func TestSpreadOverLegs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		legs := make([]alfred.HeldLeg, rapid.IntRange(1, 6).Draw(t, "legs"))
		var taken alfred.Credits
		last := 0
		for i := range legs {
			legs[i].Taken = alfred.Credits(rapid.Int64Range(0, 1000).Draw(t, "taken"))
			taken += legs[i].Taken
			if legs[i].Taken > 0 {
				last = i
			}
		}
		cost := alfred.Credits(rapid.Int64Range(0, 8000).Draw(t, "cost"))
		var sum alfred.Credits
		for i, amount := range alfred.SpreadOverLegs(legs, cost) {
			sum += amount
			if amount < 0 || (amount > legs[i].Taken && i != last) {
				t.Fatalf("leg %d of %+v pays %s", i, legs, amount)
			}
			// A later leg pays only when the earlier ones pay all they took.
			if amount < legs[i].Taken && sum != cost {
				t.Fatalf("leg %d keeps some of its hold while later legs pay: %+v at %s", i, legs, cost)
			}
		}
		if sum != cost {
			t.Fatalf("spread %s of %s", sum, cost)
		}
	})
}

func TestStatusChanges(t *testing.T) {
	for _, from := range []alfred.UserStatus{alfred.Active, alfred.OnVacation, alfred.Suspended} {
		for _, to := range []alfred.UserStatus{alfred.Active, alfred.OnVacation, alfred.Suspended} {
			if !from.MayChange(to, true) {
				t.Errorf("an admin may not change %s to %s", from, to)
			}
			want := from == to || (from != alfred.Suspended && to != alfred.Suspended)
			if got := from.MayChange(to, false); got != want {
				t.Errorf("a member changing %s to %s: %v, want %v", from, to, got, want)
			}
		}
	}
	if alfred.Active.MayChange("gone", true) {
		t.Error("an unknown status was accepted")
	}
}

func TestPrincipalRefusal(t *testing.T) {
	now := at(t, "2026-11-23T04:00:00Z")
	for name, test := range map[string]struct {
		change func(*alfred.Principal)
		want   alfred.Code
	}{
		"in order":  {func(*alfred.Principal) {}, ""},
		"on leave":  {func(p *alfred.Principal) { p.UserStatus = alfred.OnVacation }, ""},
		"suspended": {func(p *alfred.Principal) { p.UserStatus = alfred.Suspended }, alfred.CodeUserSuspended},
		"revoked":   {func(p *alfred.Principal) { p.KeyStatus = alfred.KeyRevoked }, alfred.CodeInvalidKey},
		"expires":   {func(p *alfred.Principal) { p.KeyExpires = now.Add(1) }, ""},
		"expired":   {func(p *alfred.Principal) { p.KeyExpires = now }, alfred.CodeInvalidKey},
		"no status": {func(p *alfred.Principal) { p.KeyStatus = "" }, alfred.CodeInvalidKey},
	} {
		_, p := directory(now)
		test.change(p)
		var got alfred.Code
		if r := p.Refusal(now); r != nil {
			got = r.Code
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
