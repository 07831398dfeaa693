package alfred_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

// drawCalendar draws a rule that repeats, in a zone with or without daylight
// saving, half hours and midnights that do not exist.
func drawCalendar(t *rapid.T) (string, alfred.WindowRule) {
	zone := rapid.SampledFrom([]string{
		"UTC", "Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago", "Pacific/Kiritimati", "Pacific/Pago_Pago",
	}).Draw(t, "zone")
	day := time.Weekday(rapid.IntRange(0, 6).Draw(t, "weekday"))
	return zone, alfred.WindowRule{
		Kind:      rapid.SampledFrom([]alfred.WindowKind{alfred.Daily, alfred.Weekly, alfred.Monthly, alfred.Quarterly, alfred.Yearly}).Draw(t, "kind"),
		AnchorDay: rapid.IntRange(0, 28).Draw(t, "anchor"), WeekStart: &day, FiscalMonth: time.Month(rapid.IntRange(0, 12).Draw(t, "month")),
	}
}

// Windows tile time, whatever changes and however often: each begins where
// the one before it ends, none is empty, every instant of it is its own, and
// what a change takes the place of runs to its end.
func TestWindowsTileTimeAcrossChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := alfred.DefaultSettings()
		s.Zone, s.Window = drawCalendar(t)
		now := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "m")), rapid.IntRange(1, 28).Draw(t, "d"), rapid.IntRange(0, 23).Draw(t, "h"), 30, 0, 0, time.UTC)
		current, err := s.WindowAt(now)
		if err != nil {
			t.Fatal(err)
		}
		first := current
		for range rapid.IntRange(1, 12).Draw(t, "windows") {
			if rapid.Bool().Draw(t, "change") {
				zone, rule := drawCalendar(t)
				at := current.Start.Add(time.Duration(rapid.Int64Range(0, int64(current.End.Sub(current.Start))-1).Draw(t, "at")))
				if s, err = s.At(at).PlanCalendar(zone, rule, at); err != nil {
					t.Fatal(err)
				}
				if again, err := s.WindowAt(at); err != nil || again != current {
					t.Fatalf("a change at %s made %v of %v, %v", at, again, current, err)
				}
			}
			next, err := s.WindowAfter(current)
			if err != nil || !next.Start.Equal(current.End) || !next.Start.Before(next.End) {
				t.Fatalf("after %v comes %v, %v", current, next, err)
			}
			for _, inside := range []time.Time{next.Start, next.Start.Add(next.End.Sub(next.Start) / 2), next.End.Add(-time.Nanosecond)} {
				for name, settings := range map[string]alfred.Settings{"as planned": s, "as it stands then": s.At(inside)} {
					if w, err := settings.WindowAt(inside); err != nil || w != next {
						t.Fatalf("%s: at %s is %v, want %v, %v", name, inside, w, next, err)
					}
				}
			}
			s = s.At(next.Start)
			before, err := s.WindowBefore(next)
			if err != nil || before != current {
				t.Fatalf("before %v was %v, and is told as %v, %v", next, current, before, err)
			}
			z, err := alfred.Zone(s.Zone)
			if err != nil {
				t.Fatal(err)
			}
			if natural, _ := s.Window.At(next.Start, z); next.End.Sub(next.Start) < 23*time.Hour && natural.End.Sub(natural.Start) >= 23*time.Hour {
				t.Fatalf("%v renews quotas within hours", next)
			}
			current = next
		}
		if !first.Start.Before(current.Start) {
			t.Fatal("time stood still")
		}
	})
}

func TestTheSameRuleHoweverItIsWritten(t *testing.T) {
	monday, sunday := time.Monday, time.Sunday
	for _, same := range [][2]alfred.WindowRule{
		{{Kind: alfred.Monthly}, {Kind: alfred.Monthly, AnchorDay: 1, FiscalMonth: 4}},
		{{Kind: alfred.Weekly}, {Kind: alfred.Weekly, WeekStart: &monday, AnchorDay: 3}},
		{{Kind: alfred.Yearly}, {Kind: alfred.Yearly, AnchorDay: 1, FiscalMonth: time.January}},
	} {
		if !same[0].Same(same[1]) {
			t.Errorf("%+v and %+v differ", same[0], same[1])
		}
	}
	for _, other := range [][2]alfred.WindowRule{
		{{Kind: alfred.Monthly}, {Kind: alfred.Monthly, AnchorDay: 2}},
		{{Kind: alfred.Weekly}, {Kind: alfred.Weekly, WeekStart: &sunday}},
		{{Kind: alfred.Quarterly}, {Kind: alfred.Quarterly, FiscalMonth: 2}},
		{{Kind: alfred.Quarterly}, {Kind: alfred.Yearly}},
	} {
		if other[0].Same(other[1]) {
			t.Errorf("%+v and %+v are the same", other[0], other[1])
		}
	}
}

func TestAChangeOfTheCalendar(t *testing.T) {
	day := func(s string) time.Time { return at(t, s) }
	s := alfred.DefaultSettings()
	now := day("2026-11-23T12:00:00Z")
	change := func(zone string, rule alfred.WindowRule) (alfred.Settings, error) {
		return s.PlanCalendar(zone, rule, now)
	}
	is := func(s alfred.Settings, t0, start, end string) {
		t.Helper()
		if w, err := s.WindowAt(day(t0)); err != nil || !w.Start.Equal(day(start)) || !w.End.Equal(day(end)) {
			t.Errorf("at %s: %v, %v", t0, w, err)
		}
	}
	// To the east the month has begun already: its first window begins later.
	east, err := change("Europe/Oslo", s.Window)
	if err != nil {
		t.Fatal(err)
	}
	is(east, "2026-11-30T23:30:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
	is(east, "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-31T23:00:00Z")
	is(east.At(day("2026-12-05T00:00:00Z")), "2026-12-31T23:00:00Z", "2026-12-31T23:00:00Z", "2027-01-31T23:00:00Z")
	// To the west five hours of November are left: they belong to December.
	west, err := change("America/New_York", s.Window)
	if err != nil {
		t.Fatal(err)
	}
	is(west, "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T05:00:00Z")
	is(west, "2026-12-01T05:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T05:00:00Z")
	// Another anchor: half a month is a window of its own.
	anchor, err := change("UTC", alfred.WindowRule{Kind: alfred.Monthly, AnchorDay: 15})
	if err != nil {
		t.Fatal(err)
	}
	is(anchor, "2026-12-14T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-15T00:00:00Z")
	is(anchor, "2026-12-15T00:00:00Z", "2026-12-15T00:00:00Z", "2027-01-15T00:00:00Z")

	if _, err := change("UTC", alfred.WindowRule{Kind: alfred.Range, Start: now, End: day("2026-12-01T00:00:00Z")}); alfred.ErrorCode(err) != alfred.CodeValidation {
		t.Errorf("a range that is over before it begins: %v", err)
	}
	s.Window = alfred.WindowRule{Kind: alfred.Lifetime}
	if _, err := change("UTC", alfred.WindowRule{Kind: alfred.Daily}); alfred.ErrorCode(err) != alfred.CodeConflict {
		t.Errorf("after a lifetime: %v", err)
	}
	// A range that is over is followed at once, from its end on.
	s.Window = alfred.WindowRule{Kind: alfred.Range, Start: day("2026-10-01T00:00:00Z"), End: day("2026-11-20T00:00:00Z")}
	over, err := change("UTC", alfred.WindowRule{Kind: alfred.Monthly})
	if err != nil {
		t.Fatal(err)
	}
	is(over, "2026-11-23T12:00:00Z", "2026-11-20T00:00:00Z", "2026-12-01T00:00:00Z")
}
