package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/sample"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// What is loaded at once is what the recorder would have made of the same
// events: the rows, every sum and every counter.
func TestWhatIsLoadedIsWhatWouldHaveBeenRecorded(t *testing.T) {
	tables := []string{
		"SELECT (to_jsonb(e) - 'recorded_at')::text FROM usage_events e", "SELECT (to_jsonb(d) - 'recorded_at')::text FROM decisions d",
		"SELECT (to_jsonb(c) - 'updated_at')::text FROM counter_usage c", "SELECT to_jsonb(h)::text FROM usage_hourly h", "SELECT to_jsonb(r)::text FROM usage_rollups r",
		"SELECT id || ' ' || last_used_at FROM api_keys",
	}
	shape := sample.Shape{People: 60, Events: 4000, Days: 37, Until: time.Date(2026, 11, 6, 13, 20, 0, 0, time.UTC), Seed: 4, Domain: "example.com"}
	var err error
	shape.Zone, err = time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string][]string{}
	for _, way := range []string{"recorded", "loaded"} {
		w := newWorld(t)
		// The same organisation in both.
		shape.Org = "org_0123"
		settings := alfred.DefaultSettings()
		settings.Zone = shape.Zone.String()
		w.must(w.CreateOrganization(w.ctx, alfred.Organization{ID: shape.Org, Name: "Sample", Settings: settings, CreatedAt: noon}))
		made := sample.New(shape)
		crowd := postgres.Crowd{Departments: made.Departments, Teams: made.Teams, Projects: made.Projects, Members: made.Members(), Transfers: made.Transfers, Adjustments: made.Adjustments()}
		for _, p := range made.People {
			crowd.Users, crowd.Keys = append(crowd.Users, p.User), append(crowd.Keys, p.Key)
		}
		w.must(w.LoadPeople(w.ctx, shape.Org, crowd))
		if way == "loaded" {
			// A job of an installation that runs may have been at a counter before.
			window, err := settings.WindowAt(shape.Until)
			w.must(err)
			w.must(w.sql("INSERT INTO counter_usage (org_id, kind, subject, window_start, window_end, settled) VALUES ($1, 'org', $1, $2, $3, 0)", shape.Org, window.Start, window.End))
			w.must(w.LoadHistory(w.ctx, shape.Org, made.Days(), func(int) {}))
		} else {
			for day := range made.Days() {
				for chunk := range slices.Chunk(day, 500) {
					_, err := w.RecordEvents(w.ctx, chunk)
					w.must(err)
				}
			}
		}
		for _, q := range tables {
			sums[way] = append(sums[way], w.text("SELECT count(*) || ' ' || coalesce(md5(string_agg(t, '|' ORDER BY t)), '') FROM ("+q+") AS x (t)"))
		}
		if n := w.count("SELECT count(*) FROM usage_events WHERE cost > 0"); n < 2000 {
			t.Errorf("only %d events cost anything", n)
		}
		if w.count("SELECT count(*) FROM decisions") == 0 {
			t.Error("nobody was refused")
		}
	}
	for i, q := range tables {
		if sums["loaded"][i] != sums["recorded"][i] {
			t.Errorf("%s: loaded %s, recorded %s", q, sums["loaded"][i], sums["recorded"][i])
		}
	}
}
