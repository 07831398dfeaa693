package postgres_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/alfred-envoy/alfred"
)

// history is some weeks of a small organisation in Oslo, over the end of
// summer time and of a month: settlements, what expired and was corrected,
// voids and refusals. It returns what was recorded.
func (w *world) history(seed uint64, n int) []alfred.UsageEvent {
	w.Helper()
	org, err := w.Organization(w.ctx, w.org)
	w.must(err)
	org.Settings.Zone = "Europe/Oslo"
	w.must(w.UpdateOrganization(w.ctx, org))
	r := rand.New(rand.NewPCG(seed, 1))
	start := time.Date(2026, 9, 25, 0, 0, 0, 0, time.UTC)
	var events []alfred.UsageEvent
	for i := range n {
		who := r.IntN(6)
		e := w.settled(fmt.Sprintf("hold_%d", i), start.Add(time.Duration(r.IntN(50*24*3600))*time.Second), alfred.Credits(r.IntN(900)+100))
		e.User, e.Key = alfred.UserID(fmt.Sprint("usr_", who)), alfred.KeyID(fmt.Sprint("key_", who, r.IntN(2)))
		e.Team, e.Department = alfred.TeamID(fmt.Sprint("team_", who%3)), alfred.DepartmentID([]string{"", "dep_a", "dep_b"}[who%3])
		e.Project = alfred.ProjectID([]string{"", "prj_x"}[r.IntN(2)])
		e.Model, e.Provider = []string{"gpt-4o", "claude-4", "mini"}[r.IntN(3)], []string{"openai", "mock"}[r.IntN(2)]
		e.Estimated, e.Overrun, e.Millis = r.IntN(4) == 0, r.IntN(5) == 0, int64(r.IntN(5000))
		e.Outcome = []alfred.Outcome{alfred.OutcomeCompleted, alfred.OutcomeBroken}[r.IntN(2)]
		switch r.IntN(8) {
		case 0:
			e.Kind, e.Cost, e.Charges, e.Usage = alfred.EventVoid, 0, nil, alfred.Usage{}
		case 1:
			e.Kind, e.Usage, e.Outcome = alfred.EventExpired, alfred.Usage{}, alfred.OutcomeExpired
			truth := e
			truth.Kind, truth.At, truth.Cost, truth.Usage, truth.Outcome = alfred.EventAdjust, e.At.Add(time.Hour), -50, alfred.Usage{Output: 7}, alfred.OutcomeCompleted
			events = append(events, truth)
		case 2:
			e.Kind = alfred.EventDecision
			e.Refused = &alfred.Decision{
				ID: alfred.DecisionID(fmt.Sprint("dec_", i)), Org: w.org, User: e.User, Key: e.Key, Model: e.Model, At: e.At, Code: alfred.CodeUserQuota,
			}
			e.Team, e.Department, e.Project, e.Provider = "", "", "", "" // a refusal does not say
		}
		events = append(events, e)
	}
	for chunk := range slices.Chunk(events, 97) {
		_, err := w.RecordEvents(w.ctx, chunk)
		w.must(err)
	}
	// What was recorded is netted: the sums are those of the rows.
	recorded, _, err := w.Usage(w.ctx, w.org, alfred.UsageFilter{})
	w.must(err)
	for _, e := range events {
		if e.Kind == alfred.EventDecision {
			recorded = append(recorded, e)
		}
	}
	return recorded
}

// sumsOf is the answer to a query, by hand.
func sumsOf(events []alfred.UsageEvent, q alfred.UsageQuery) []alfred.UsageRow {
	rows := map[string]*alfred.UsageRow{}
	for _, e := range events {
		hour := e.At.Truncate(time.Hour)
		if e.Kind == alfred.EventVoid || hour.Before(q.From.Truncate(time.Hour)) || !hour.Before(q.Until) {
			continue
		}
		outcome, one := string(e.Outcome), alfred.UsageSums{Usage: e.Usage, Cost: e.Cost}
		switch e.Kind {
		case alfred.EventDecision:
			outcome, one = "denied:"+string(e.Refused.Code), alfred.UsageSums{Denials: 1}
		case alfred.EventSettle, alfred.EventExpired:
			one.Requests, one.Millis = 1, e.Millis
			if e.Estimated {
				one.Estimated = 1
			}
			if e.Overrun {
				one.Overruns = 1
			}
		default:
		}
		is := map[alfred.UsageDimension]string{
			alfred.ByUser: string(e.User), alfred.ByTeam: string(e.Team), alfred.ByDepartment: string(e.Department), alfred.ByProject: string(e.Project),
			alfred.ByModel: e.Model, alfred.ByProvider: e.Provider, alfred.ByKey: string(e.Key), alfred.ByOutcome: outcome,
		}
		if slices.ContainsFunc(alfred.UsageDimensions(), func(d alfred.UsageDimension) bool {
			values, narrows := q.Filter[d]
			return narrows && !slices.Contains(values, is[d])
		}) {
			continue
		}
		row := alfred.UsageRow{}
		switch q.Interval {
		case alfred.IntervalHour:
			row.At = hour
		case alfred.IntervalDay:
			y, m, d := e.At.In(q.Zone).Date()
			row.At = time.Date(y, m, d, 0, 0, 0, 0, q.Zone).UTC()
		case alfred.IntervalNone:
		}
		for _, d := range q.GroupBy {
			row.Group = append(row.Group, is[d])
		}
		key := fmt.Sprint(row.At, row.Group)
		if rows[key] == nil {
			rows[key] = &row
		}
		rows[key].Add(one)
	}
	var out []alfred.UsageRow
	for _, r := range rows {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b alfred.UsageRow) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(b.Of(q.OrderBy), a.Of(q.OrderBy)), slices.Compare(a.Group, b.Group))
	})
	return out
}

func TestSumsAreThoseOfTheEventsHoweverTheyAreAskedFor(t *testing.T) {
	w := newWorld(t)
	events := w.history(7, 1500)
	oslo, err := time.LoadLocation("Europe/Oslo")
	w.must(err)
	dims := alfred.UsageDimensions()
	latest := slices.MaxFunc(events, func(a, b alfred.UsageEvent) int { return a.At.Compare(b.At) }).At.Add(time.Second)
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 400 {
		q := alfred.UsageQuery{
			Zone: oslo, Interval: []alfred.Interval{alfred.IntervalNone, alfred.IntervalDay, alfred.IntervalHour}[r.IntN(3)], Filter: map[alfred.UsageDimension][]string{},
			From: time.Date(2026, 9, 25, r.IntN(24), 0, 0, 0, oslo).AddDate(0, 0, r.IntN(40)), OrderBy: alfred.MeasureTokens,
		}
		q.Until = q.From.Add(time.Duration(r.IntN(50*24)) * time.Hour)
		if r.IntN(3) == 0 { // as pages ask: whole months of the zone
			q.From = time.Date(2026, time.Month(9+r.IntN(3)), 1, 0, 0, 0, 0, oslo)
			q.Until = q.From.AddDate(0, 1+r.IntN(2), 0)
		}
		if r.IntN(4) == 0 { // up to now: whole days and months may be read for what is left of them
			q.ToNow, q.Until = true, latest
		}
		for range r.IntN(4) {
			if d := dims[r.IntN(len(dims))]; !slices.Contains(q.GroupBy, d) {
				q.GroupBy = append(q.GroupBy, d)
			}
		}
		for range r.IntN(3) {
			q.Filter[dims[r.IntN(len(dims))]] = [][]string{
				{"usr_1", "usr_2"}, {"team_1"}, {"dep_a", ""}, {"gpt-4o"}, {"prj_x"}, {"completed"}, {"denied:user_quota_exceeded"},
			}[r.IntN(7)]
		}
		if _, ok := q.Filter[alfred.ByKey]; ok {
			continue // the key's person is looked up: see the test of keys
		}
		got, err := w.UsageQuery(w.ctx, w.org, q)
		if alfred.ErrorCode(err) == alfred.CodeValidation && q.Until.Sub(q.From) > 35*24*time.Hour {
			continue
		}
		w.must(err)
		if d := diff.Diff(sumsOf(events, q), got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("query %d: %+v (-want +got)\n%s", i, q, d)
		}
	}
}

func TestTheOthersAreOneRow(t *testing.T) {
	w := newWorld(t)
	w.history(9, 600)
	all := alfred.UsageQuery{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Until: november.Start, Interval: alfred.IntervalDay}
	total := func(rows []alfred.UsageRow) (sum alfred.UsageSums, others int) {
		for _, r := range rows {
			sum.Add(r.UsageSums)
			if r.Other {
				others++
			}
		}
		return sum, others
	}
	rows, err := w.UsageQuery(w.ctx, w.org, all)
	w.must(err)
	want, _ := total(rows)
	if want.Requests == 0 || want.Denials == 0 {
		t.Fatal("an empty history proves nothing")
	}
	for _, by := range [][]alfred.UsageDimension{{alfred.ByUser}, {alfred.ByTeam}, {alfred.ByModel}, {alfred.ByUser, alfred.ByModel}} {
		for _, interval := range []alfred.Interval{alfred.IntervalNone, alfred.IntervalDay} {
			q := all
			q.GroupBy, q.Top, q.Interval = by, 2, interval
			rows, err := w.UsageQuery(w.ctx, w.org, q)
			w.must(err)
			got, others := total(rows)
			if got != want {
				t.Fatalf("%v by %s: got %+v, want %+v", by, interval, got, want)
			}
			named := map[string]bool{}
			for _, r := range rows {
				if !r.Other {
					named[strings.Join(r.Group, "/")] = true
				}
			}
			if len(named) != 2 || others == 0 {
				t.Errorf("%v by %s: %d groups and %d others", by, interval, len(named), others)
			}
		}
	}
}

func TestUsageOfAKeyIsFoundThroughItsPerson(t *testing.T) {
	w := newWorld(t)
	k := w.key(w.person("ana@example.com", nil).ID)
	e, other := w.settled("hold_1", noon, 10), w.settled("hold_2", noon, 5)
	e.User, e.Key = k.User, k.ID
	w.record(2, e, other)
	q := alfred.UsageQuery{
		From: noon.AddDate(0, -6, 0), Until: noon.Add(time.Hour), GroupBy: []alfred.UsageDimension{alfred.ByModel},
		Filter: map[alfred.UsageDimension][]string{alfred.ByKey: {string(k.ID)}},
	}
	rows, err := w.UsageQuery(w.ctx, w.org, q)
	w.must(err)
	if len(rows) != 1 || rows[0].Cost != 10 {
		t.Errorf("got %+v", rows)
	}
	q.Filter[alfred.ByKey] = []string{}
	rows, err = w.UsageQuery(w.ctx, w.org, q)
	w.must(err)
	w.same(len(rows), 0)
	q.Filter = nil
	q.GroupBy = []alfred.UsageDimension{alfred.ByUser, alfred.ByModel}
	_, err = w.UsageQuery(w.ctx, w.org, q)
	w.refused(err, alfred.CodeValidation) // would go through half a year of everybody's hours
	q.GroupBy = []alfred.UsageDimension{"word"}
	_, err = w.UsageQuery(w.ctx, w.org, q)
	w.refused(err, alfred.CodeValidation)
}

// The migration sums what there is as the recorder would have.
func TestTheMigrationSumsWhatWasRecorded(t *testing.T) {
	w := newWorld(t)
	w.history(5, 800)
	const hourly = `SELECT md5(string_agg(h::text, '|' ORDER BY h::text)) FROM (SELECT org_id, hour, user_id, team_id, department_id, project_id, model, provider, key_id, outcome,
		requests, denials, estimated, overruns, input, cached_input, cache_write, output, reasoning, cost, millis FROM usage_hourly) h`
	const rollups = `SELECT md5(string_agg(r::text, '|' ORDER BY r::text)) FROM usage_rollups r`
	wantHours, wantDays := w.text(hourly), w.text(rollups)
	for _, undo := range []string{
		"DROP TABLE usage_rollups", "DELETE FROM usage_hourly WHERE denials > 0", "ALTER TABLE usage_hourly DROP COLUMN key_id CASCADE, DROP COLUMN outcome CASCADE",
		"ALTER TABLE usage_hourly DROP COLUMN denials, DROP COLUMN overruns, DROP COLUMN millis, ADD CONSTRAINT usage_hourly_pkey CHECK (true)",
		"DROP INDEX usage_hourly_team",
	} {
		w.must(w.sql(undo))
	}
	text, err := os.ReadFile("migrations/00007_rollups.sql")
	w.must(err)
	w.must(w.script(string(text)))
	w.same(w.text(hourly), wantHours)
	w.same(w.text(rollups), wantDays)
}
