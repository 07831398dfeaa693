package alfred_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := alfred.Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestWindows(t *testing.T) {
	sunday := time.Sunday
	for name, c := range map[string]struct {
		rule             alfred.WindowRule
		zone, now        string
		wantStart, wantE string
	}{
		"month in UTC":                    {alfred.WindowRule{Kind: alfred.Monthly}, "UTC", "2026-11-23T04:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"},
		"month in Oslo, last second":      {alfred.WindowRule{Kind: alfred.Monthly}, "Europe/Oslo", "2026-11-30T22:59:59Z", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"},
		"month in Oslo, first second":     {alfred.WindowRule{Kind: alfred.Monthly}, "Europe/Oslo", "2026-11-30T23:00:00Z", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z"},
		"month from the 15th, before it":  {alfred.WindowRule{Kind: alfred.Monthly, AnchorDay: 15}, "UTC", "2026-01-14T12:00:00Z", "2025-12-15T00:00:00Z", "2026-01-15T00:00:00Z"},
		"month from the 15th, on it":      {alfred.WindowRule{Kind: alfred.Monthly, AnchorDay: 15}, "UTC", "2026-01-15T00:00:00Z", "2026-01-15T00:00:00Z", "2026-02-15T00:00:00Z"},
		"a day of 23 hours":               {alfred.WindowRule{Kind: alfred.Daily}, "Europe/Berlin", "2026-03-29T10:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		"a day of 25 hours":               {alfred.WindowRule{Kind: alfred.Daily}, "Europe/Berlin", "2026-10-25T10:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		"a day whose midnight is skipped": {alfred.WindowRule{Kind: alfred.Daily}, "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		"the day before that":             {alfred.WindowRule{Kind: alfred.Daily}, "America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"},
		"week from Monday":                {alfred.WindowRule{Kind: alfred.Weekly}, "UTC", "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"},
		"week from Sunday":                {alfred.WindowRule{Kind: alfred.Weekly, WeekStart: &sunday}, "UTC", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"},
		"quarter":                         {alfred.WindowRule{Kind: alfred.Quarterly}, "UTC", "2026-11-23T00:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		"fiscal quarter from February":    {alfred.WindowRule{Kind: alfred.Quarterly, FiscalMonth: time.February}, "UTC", "2026-01-10T00:00:00Z", "2025-11-01T00:00:00Z", "2026-02-01T00:00:00Z"},
		"fiscal year from April":          {alfred.WindowRule{Kind: alfred.Yearly, FiscalMonth: time.April}, "UTC", "2026-03-31T23:00:00Z", "2025-04-01T00:00:00Z", "2026-04-01T00:00:00Z"},
		"fiscal year before its anchor":   {alfred.WindowRule{Kind: alfred.Yearly, FiscalMonth: time.April, AnchorDay: 6}, "UTC", "2026-04-05T00:00:00Z", "2025-04-06T00:00:00Z", "2026-04-06T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := c.rule.At(at(t, c.now), zone(t, c.zone))
			if err != nil {
				t.Fatal(err)
			}
			if !w.Start.Equal(at(t, c.wantStart)) || !w.End.Equal(at(t, c.wantE)) {
				t.Errorf("got %s – %s, want %s – %s", w.Start, w.End, c.wantStart, c.wantE)
			}
		})
	}
}

// Windows tile time: each holds its now, and the next begins where it ends.
func TestWindowsTile(t *testing.T) {
	zones := []string{"UTC", "Europe/Oslo", "America/Sao_Paulo", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "Asia/Beirut"}
	kinds := []alfred.WindowKind{alfred.Daily, alfred.Weekly, alfred.Monthly, alfred.Quarterly, alfred.Yearly}
	rapid.Check(t, func(rt *rapid.T) {
		z := zone(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		rule := alfred.WindowRule{
			Kind: rapid.SampledFrom(kinds).Draw(rt, "kind"), AnchorDay: rapid.IntRange(0, 28).Draw(rt, "anchor"),
			FiscalMonth: time.Month(rapid.IntRange(0, 12).Draw(rt, "fiscal")),
		}
		if rapid.Bool().Draw(rt, "week start given") {
			d := time.Weekday(rapid.IntRange(0, 6).Draw(rt, "week start"))
			rule.WeekStart = &d
		}
		now := time.Unix(rapid.Int64Range(1e9, 4e9).Draw(rt, "now"), rapid.Int64Range(0, 999_999_999).Draw(rt, "ns"))
		w, err := rule.At(now, z)
		if err != nil {
			rt.Fatal(err)
		}
		if !w.Contains(now) {
			rt.Fatalf("%v at %s: window %s – %s does not hold it", rule, now, w.Start, w.End)
		}
		next, err := rule.Next(w, z)
		if err != nil || !next.Start.Equal(w.End) {
			rt.Fatalf("%v: window ends %s, the next starts %s (%v)", rule, w.End, next.Start, err)
		}
		last, err := rule.At(w.End.Add(-time.Nanosecond), z)
		if err != nil || last != w {
			rt.Fatalf("%v: the last instant of %v lies in %v (%v)", rule, w, last, err)
		}
	})
}

func TestWindowRuleRefuses(t *testing.T) {
	bad := time.Weekday(9)
	for name, r := range map[string]alfred.WindowRule{
		"no kind": {}, "unknown kind": {Kind: "hourly"}, "day 29": {Kind: alfred.Monthly, AnchorDay: 29},
		"month 13": {Kind: alfred.Yearly, FiscalMonth: 13}, "empty range": {Kind: alfred.Range}, "weekday 9": {Kind: alfred.Weekly, WeekStart: &bad},
	} {
		if r.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, name := range []string{"", "Local", "Europe/Nowhere", "../etc/passwd"} {
		if _, err := alfred.Zone(name); alfred.ErrorCode(err) != alfred.CodeValidation {
			t.Errorf("zone %q: %v, want a validation error", name, err)
		}
	}
}
