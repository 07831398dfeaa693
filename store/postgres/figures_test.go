package postgres_test

import (
	"os"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/sample"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// TestPeers12_PagesOverMillionsOfEvents runs what each page asks and prints
// how long it took, the first time and the best of five. It makes a small
// history; ALFRED_FIGURES_DATABASE_URL names a database that seed has filled.
// That no query reads an event is a test of its own.
func TestPeers12_PagesOverMillionsOfEvents(t *testing.T) {
	var s *postgres.Store
	address := os.Getenv("ALFRED_FIGURES_DATABASE_URL")
	if address == "" {
		w := newWorld(t)
		made := sample.New(sample.Shape{Org: w.org, People: 300, Events: 5000, Days: 40, Until: noon, Seed: 1, Domain: "example.com"})
		crowd := postgres.Crowd{Departments: made.Departments, Teams: made.Teams, Projects: made.Projects, Members: made.Members()}
		for _, p := range made.People {
			crowd.Users, crowd.Keys = append(crowd.Users, p.User), append(crowd.Keys, p.Key)
		}
		w.must(w.LoadPeople(w.ctx, w.org, crowd))
		w.must(w.LoadHistory(w.ctx, w.org, made.Days(), func(int) {}))
		s = w.Store
	} else {
		var err error
		if s, err = postgres.Open(t.Context(), address); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
	}
	orgs, err := s.Organizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	org := orgs[0].ID
	top, _, err := s.Directory(t.Context(), org, alfred.DirectoryQuery{UserFilter: alfred.UserFilter{Limit: 1}, Sort: alfred.SortUsed, Descending: true, Window: november, Now: noon})
	if err != nil || len(top) == 0 {
		t.Fatal(top, err)
	}
	month := alfred.UsageQuery{From: november.Start, Until: november.End}
	ask := func(edit func(*alfred.UsageQuery)) func() (int, error) {
		return func() (int, error) {
			q := month
			edit(&q)
			rows, err := s.UsageQuery(t.Context(), org, q)
			return len(rows), err
		}
	}
	list := func(order alfred.DirectorySort, find string) func() (int, error) {
		return func() (int, error) {
			rows, _, err := s.Directory(t.Context(), org, alfred.DirectoryQuery{
				UserFilter: alfred.UserFilter{Limit: 51, Query: find}, Sort: order, Descending: true, Window: november, DefaultQuota: sample.DefaultQuota, Now: noon,
			})
			return len(rows), err
		}
	}
	for _, page := range []struct {
		name string
		ask  func() (int, error)
	}{
		{"overview: by day", ask(func(q *alfred.UsageQuery) { q.Interval = alfred.IntervalDay })},
		{"overview: models by day", ask(func(q *alfred.UsageQuery) {
			q.Interval, q.Top, q.GroupBy = alfred.IntervalDay, 6, []alfred.UsageDimension{alfred.ByModel}
		})},
		{"overview: top teams", ask(func(q *alfred.UsageQuery) { q.Top, q.GroupBy = 10, []alfred.UsageDimension{alfred.ByTeam} })},
		{"usage: top people of a month", ask(func(q *alfred.UsageQuery) { q.Top, q.GroupBy = 10, []alfred.UsageDimension{alfred.ByUser} })},
		{"usage: top people, last 30 days, by day", ask(func(q *alfred.UsageQuery) {
			q.From, q.Until = noon.AddDate(0, 0, -30), noon
			q.Interval, q.Top, q.GroupBy = alfred.IntervalDay, 10, []alfred.UsageDimension{alfred.ByUser}
		})},
		{"usage: top keys of a month", ask(func(q *alfred.UsageQuery) { q.Top, q.GroupBy = 10, []alfred.UsageDimension{alfred.ByKey} })},
		{"usage: departments by day", ask(func(q *alfred.UsageQuery) {
			q.Interval, q.Top, q.GroupBy = alfred.IntervalDay, 10, []alfred.UsageDimension{alfred.ByDepartment}
		})},
		{"efficiency: teams by model", ask(func(q *alfred.UsageQuery) { q.GroupBy = []alfred.UsageDimension{alfred.ByTeam, alfred.ByModel} })},
		{"person: models by day", ask(func(q *alfred.UsageQuery) {
			q.Interval, q.GroupBy = alfred.IntervalDay, []alfred.UsageDimension{alfred.ByModel}
			q.Filter = map[alfred.UsageDimension][]string{alfred.ByUser: {string(top[0].User)}}
		})},
		{"people by name", list(alfred.SortName, "")},
		{"people by use", list(alfred.SortUsed, "")},
		{"people by percent", list(alfred.SortUsedPercent, "")},
		{"people by last seen", list(alfred.SortLastSeen, "")},
		{"people found", list(alfred.SortName, "ingrid")},
		{"requests, first page", func() (int, error) {
			events, _, err := s.Usage(t.Context(), org, alfred.UsageFilter{Limit: 50})
			return len(events), err
		}},
		{"requests of a person", func() (int, error) {
			events, _, err := s.Usage(t.Context(), org, alfred.UsageFilter{Limit: 50, User: top[0].User})
			return len(events), err
		}},
	} {
		var first, best time.Duration
		for i := range 6 {
			start := time.Now()
			n, err := page.ask()
			took := time.Since(start)
			if err != nil || n == 0 {
				t.Fatalf("%s: %d rows, %v", page.name, n, err)
			}
			switch {
			case i == 0:
				first = took
			case best == 0 || took < best:
				best = took
			}
		}
		t.Logf("%-42s first %7.1f ms, best %7.1f ms", page.name, 1000*first.Seconds(), 1000*best.Seconds())
	}
}
