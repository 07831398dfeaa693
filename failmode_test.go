package alfred_test

import (
	"testing"

	"github.com/alfred-envoy/alfred"
)

// Every limit that a request meets binds, so the strictest mode decides. What
// has no mode of its own follows the organisation, as quotas and pools do.
func TestTheStrictestFailModeDecides(t *testing.T) {
	now := at(t, "2026-11-23T04:00:00Z")
	limit := func(scope alfred.Scope, subject string, m alfred.FailMode) alfred.Limit {
		return alfred.Limit{Scope: scope, Subject: subject, Metric: alfred.MetricCredits, Credits: 9 * c, Mode: alfred.Enforce, FailMode: m}
	}
	paced := alfred.Limit{Scope: alfred.ScopeTeam, Subject: "team_a", Metric: alfred.MetricRequestsPerMinute, Rate: 9, Mode: alfred.Enforce, FailMode: alfred.FailLocal}
	shadow := limit(alfred.ScopeOrganization, "org_1", alfred.FailDeny)
	shadow.Mode = alfred.Shadow
	for _, test := range []struct {
		name   string
		org    alfred.FailMode
		limits []alfred.Limit
		want   alfred.FailMode
	}{
		{"no limit: the organisation's", alfred.FailAllow, nil, alfred.FailAllow},
		{"a limit without a mode: the organisation's", alfred.FailLocal, []alfred.Limit{limit(alfred.ScopeModel, "gpt-4", "")}, alfred.FailLocal},
		{"a limit tightens", alfred.FailAllow, []alfred.Limit{limit(alfred.ScopeModel, "gpt-4", alfred.FailLocal)}, alfred.FailLocal},
		{"a rate tightens", alfred.FailAllow, []alfred.Limit{paced}, alfred.FailLocal},
		{"a limit does not loosen", alfred.FailDeny, []alfred.Limit{limit(alfred.ScopeModel, "gpt-4", alfred.FailAllow)}, alfred.FailDeny},
		{"deny is stricter than local", alfred.FailAllow, []alfred.Limit{limit(alfred.ScopeOrganization, "org_1", alfred.FailDeny), paced}, alfred.FailDeny},
		{"a limit of another model is not met", alfred.FailAllow, []alfred.Limit{limit(alfred.ScopeModel, "other", alfred.FailDeny)}, alfred.FailAllow},
		{"a limit in shadow has no say", alfred.FailAllow, []alfred.Limit{shadow}, alfred.FailAllow},
		{"what is not known is strict", alfred.FailAllow, []alfred.Limit{limit(alfred.ScopeOrganization, "org_1", "newer")}, "newer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			catalog, principal := directory(now)
			catalog.Settings.FailMode, catalog.Limits = test.org, test.limits
			plan, refusal, err := alfred.NewPlan(catalog, principal, alfred.Ask{Model: "gpt-4"}, now)
			if err != nil || refusal != nil {
				t.Fatal(refusal, err)
			}
			if plan.FailMode != test.want {
				t.Errorf("%q, want %q", plan.FailMode, test.want)
			}
		})
	}
}

func TestFailModesAreChecked(t *testing.T) {
	for m, ok := range map[alfred.FailMode]bool{"deny": true, "local": true, "allow": true, "": true, "open": false} {
		l := alfred.Limit{Scope: alfred.ScopeModel, Subject: "m", Metric: alfred.MetricCredits, Mode: alfred.Enforce, FailMode: m}
		if err := l.Validate(); (err == nil) != ok {
			t.Errorf("a limit with %q: %v", m, err)
		}
		s := alfred.DefaultSettings()
		s.FailMode = m
		if err := s.Validate(); (err == nil) != (ok && m != "") {
			t.Errorf("an organisation with %q: %v", m, err)
		}
	}
}
