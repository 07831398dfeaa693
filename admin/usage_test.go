package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// used is one recorded request of a test.
type used struct {
	by      person
	team    string
	at      time.Time
	model   string
	credits int64
	output  int64
	outcome alfred.Outcome
}

// useAll records requests and returns their events.
func (w *world) useAll(all ...used) []alfred.UsageEvent {
	w.Helper()
	events := make([]alfred.UsageEvent, len(all))
	for i, u := range all {
		id := fmt.Sprintf("01ARZ3NDEKTSV4RRFF%08d", w.clock.Now().Unix()%1000*1000+int64(i))
		key := text(w.do("GET", "/v1/users/me/keys", u.by.key, "").list()[0].(map[string]any)["id"])
		e := w.event(u.by, alfred.Credits(u.credits)*alfred.Credit, "hold_"+id)
		e.At, e.Model, e.Team, e.Key, e.CardVersion, e.Millis, e.Held = u.at, u.model, alfred.TeamID(u.team), alfred.KeyID(key), 1, 1200, 2*e.Cost
		e.Usage = alfred.Usage{Input: u.credits - u.output, Output: u.output}
		if u.outcome != "" {
			e.Outcome = u.outcome
		}
		window := alfred.Window{Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
		e.Charges = []alfred.CounterAmount{{Counter: alfred.Counter{Kind: alfred.CountUser, Subject: u.by.id, Window: window}, Amount: e.Cost}}
		e.Legs = []alfred.LegAmount{{Kind: alfred.LegPersonal, Subject: u.by.id, Amount: e.Cost}}
		events[i] = e
	}
	_, err := w.records.RecordEvents(w.ctx, events)
	w.must(err)
	return events
}

// refuse records refusals.
func (w *world) refuse(p person, code alfred.Code, at ...time.Time) []alfred.Decision {
	w.Helper()
	var events []alfred.UsageEvent
	var out []alfred.Decision
	for i, t := range at {
		id := fmt.Sprintf("01ARZ3NDEKTSV4RRFG%08d", t.Unix()%100000*100+int64(i))
		d := alfred.Decision{
			ID: alfred.DecisionID("dec_" + id), Request: alfred.RequestID("req_" + id), Org: w.org, User: alfred.UserID(p.id), At: t, Code: code,
			Detail: "Personal quota exhausted: 0 of 10 credits left, and this request needs 20.", Model: "gpt-4", Priority: alfred.PriorityNormal,
			Need: 20 * alfred.Credit, Want: 100 * alfred.Credit, Blocking: "personal:" + p.id, Limit: 10 * alfred.Credit,
		}
		events = append(events, alfred.UsageEvent{
			Kind: alfred.EventDecision, Org: w.org, Reservation: alfred.HoldID("hold_" + id), Request: d.Request, Decision: d.ID, At: t, User: d.User,
			Model: "gpt-4", Refused: &d,
		})
		out = append(out, d)
	}
	_, err := w.records.RecordEvents(w.ctx, events)
	w.must(err)
	return out
}

// company is a world with two teams, their usage and some refusals.
type company struct {
	*world
	lead, anna, bob person
	red, blue       string
	events          []alfred.UsageEvent
	refusals        []alfred.Decision
}

func newCompany(t *testing.T) company {
	c := company{world: started(t)}
	c.lead, c.anna, c.bob = c.user("lead@company.com", ""), c.user("anna@company.com", ""), c.user("bob@company.com", "")
	c.red, c.blue = c.team("Red", "1000", c.anna), c.team("Blue", "500", c.bob)
	c.do("POST", "/v1/admin/teams/"+c.red+"/members/"+c.lead.id+"?is_admin=true", c.owner.key, "").is(http.StatusCreated)
	day := func(d, h int) time.Time { return time.Date(2026, 11, d, h, 30, 0, 0, time.UTC) }
	c.events = c.useAll(
		used{c.anna, c.red, day(20, 9), "gpt-4", 100, 40, ""},
		used{c.anna, c.red, day(20, 10), "gpt-4", 60, 20, alfred.OutcomeBroken},
		used{c.anna, c.red, day(22, 9), "mini", 30, 10, ""},
		used{c.bob, c.blue, day(22, 9), "gpt-4", 400, 100, ""},
		used{c.bob, c.blue, day(23, 11), "mini", 10, 5, ""},
	)
	c.refusals = c.refuse(c.anna, alfred.CodeUserQuota, day(21, 8), day(22, 8))
	c.refusals = append(c.refusals, c.refuse(c.bob, alfred.CodeRateLimited, day(23, 10))...)
	return c
}

// sums lists "id=number" of a measure for each group of an answer.
func sums(got map[string]any, measure string) string {
	var out []string
	for _, g := range got["groups"].([]any) {
		group := g.(map[string]any)
		var ids []string
		for _, k := range group["keys"].([]any) {
			key := k.(map[string]any)
			if key["name"] != "" {
				ids = append(ids, text(key["name"]))
			} else {
				ids = append(ids, text(key["id"]))
			}
		}
		if group["other"] == true {
			ids = []string{"other"}
		}
		out = append(out, fmt.Sprintf("%s=%v", strings.Join(ids, "/"), group["sums"].(map[string]any)[measure]))
	}
	return strings.Join(out, " ")
}

func TestUsageQuery(t *testing.T) {
	w := newCompany(t)
	for _, c := range []struct{ who, query, measure, want string }{
		{"owner", "", "credits", "=600"},
		{"owner", "group_by=team", "credits", "Blue=410 Red=190"},
		{"owner", "group_by=user&measures=requests", "requests", "anna@company.com=3 bob@company.com=2"},
		{"owner", "group_by=model", "credits", "gpt-4=560 mini=40"},
		{"owner", "group_by=model&top=1", "credits", "gpt-4=560 other=40"},
		{"owner", "group_by=team,model", "credits", "Blue/gpt-4=400 Red/gpt-4=160 Red/mini=30 Blue/mini=10"},
		{"owner", "group_by=outcome", "credits", "completed=540 broken=60"},
		{"owner", "group_by=model&team=" + w.red, "credits", "gpt-4=160 mini=30"},
		{"owner", "group_by=model&user=" + w.bob.id + "&measures=output_tokens", "output_tokens", "gpt-4=100 mini=5"},
		{"owner", "group_by=code&measures=denials", "denials", "Personal quota exhausted=2 Rate limit reached=1"},
		{"owner", "measures=denials", "denials", "=3"},
		{"owner", "from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z", "credits", "=430"},
		{"owner", "window=previous", "credits", ""},
		{"lead", "group_by=team", "credits", "Red=190"},
		{"lead", "group_by=user", "credits", "anna@company.com=190"},
	} {
		key := map[string]string{"owner": w.owner.key, "lead": w.lead.key}[c.who]
		got := w.do("GET", "/v1/admin/usage/query?"+c.query, key, "").is(http.StatusOK)
		if have := sums(got, c.measure); have != c.want {
			t.Errorf("%s asks %s: %s, want %s", c.who, c.query, have, c.want)
		}
	}
	if got := w.do("GET", "/v1/users/me/usage/query?group_by=model", w.anna.key, "").is(http.StatusOK); sums(got, "credits") != "gpt-4=160 mini=30" {
		t.Errorf("my usage: %v", got)
	}

	// Every day has a point, those without usage too, and they add up.
	got := w.do("GET", "/v1/admin/usage/query?group_by=model&interval=day&top=1&from=2026-11-20T00:00:00Z", w.owner.key, "").is(http.StatusOK)
	for i, want := range []string{"[160 0 400 0]", "[0 0 30 10]"} {
		var points []any
		for _, p := range got["groups"].([]any)[i].(map[string]any)["points"].([]any) {
			points = append(points, p.(map[string]any)["sums"].(map[string]any)["credits"])
		}
		if fmt.Sprint(points) != want {
			t.Errorf("group %d by day: %v, want %s", i, points, want)
		}
	}
	if !strings.HasPrefix(text(got["as_of"]), "2026-11-23T12:00:0") || number(got["group_count"]) != 2 || got["unit"] != "credits" || got["tz"] != "UTC" {
		t.Errorf("answer: as_of %v, %v groups, %v %v", got["as_of"], got["group_count"], got["unit"], got["tz"])
	}

	file := w.do("GET", "/v1/admin/usage/query.csv?group_by=team&measures=credits,requests", w.owner.key, "")
	if want := "team,team_name,credits,requests\n" + w.blue + ",Blue,410,2\n" + w.red + ",Red,190,3\n"; string(file.body) != want {
		t.Errorf("file: %q, want %q", file.body, want)
	}
	for _, bad := range []string{
		"group_by=code", "group_by=weather", "group_by=team,user,model", "measures=credits,credits", "interval=hour&from=2025-01-01T00:00:00Z", "top=0",
		"from=2026-11-23T00:00:00Z&until=2026-11-22T00:00:00Z", "from=2027-01-01T00:00:00Z", "group_by=code,outcome&measures=denials",
	} {
		w.do("GET", "/v1/admin/usage/query?"+bad, w.owner.key, "").refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	}
	w.do("GET", "/v1/admin/usage/query?team="+w.blue, w.lead.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
}

func TestOverview(t *testing.T) {
	w := newCompany(t)
	got := w.do("GET", "/v1/admin/overview", w.owner.key, "").is(http.StatusOK)
	people := got["people"].(map[string]any)
	if number(people["total"]) != 4 || number(people["active"]) != 4 || number(people["used"]) != 2 || number(got["teams"]) != 2 {
		t.Errorf("people %v, teams %v", people, got["teams"])
	}
	// 10,000 of the owner, three inherited quotas, two pools.
	if number(got["limit"]) != 14500 || got["limit_source"] != "allocated" {
		t.Errorf("limit %v from %v", got["limit"], got["limit_source"])
	}
	if number(got["requests"]) != 5 || number(got["denials"]) != 3 || number(got["held"]) != 0 || number(got["held_requests"]) != 0 {
		t.Errorf("requests %v, denials %v, held %v by %v", got["requests"], got["denials"], got["held"], got["held_requests"])
	}
	if n := len(got["burn"].([]any)); n != 23 {
		t.Errorf("%d points of 23 days", n)
	}
	denials := got["recent_denials"].([]any)
	if len(denials) != 3 || denials[0].(map[string]any)["code"] != "rate_limited" || denials[0].(map[string]any)["user"].(map[string]any)["email"] != "bob@company.com" {
		t.Errorf("recent denials: %v", denials)
	}
	if used := got["by_team"].([]any)[0].(map[string]any); used["name"] != "Blue" || number(used["used"]) != 410 || number(used["pool"]) != 500 {
		t.Errorf("by team: %v", got["by_team"])
	}

	// Live: what is in flight is held, and what was used counts at once.
	w.publish()
	w.spend(w.anna, 50*alfred.Credit, alfred.PriorityNormal)
	w.do("PUT", "/v1/admin/limits", w.owner.key, `{"data":[{"scope":"organization","metric":"credits","credits":700}]}`).is(http.StatusOK)
	got = w.do("GET", "/v1/admin/overview", w.owner.key, "").is(http.StatusOK)
	if number(got["limit"]) != 700 || got["limit_source"] != "cap" || number(got["held"])+number(got["used"]) != 50 || number(got["left"]) != 650 {
		t.Errorf("live: limit %v (%v), used %v, held %v, left %v", got["limit"], got["limit_source"], got["used"], got["held"], got["left"])
	}

	lead := w.do("GET", "/v1/admin/overview", w.lead.key, "").is(http.StatusOK)
	if kind := lead["scope"].(map[string]any)["kind"]; kind != "teams" || number(lead["teams"]) != 1 || number(lead["requests"]) != 3 || len(lead["recent_denials"].([]any)) != 2 {
		t.Errorf("a team admin sees %v: %v", kind, lead)
	}
	w.do("GET", "/v1/admin/overview?team="+w.blue, w.lead.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	if blue := w.do("GET", "/v1/admin/overview?team="+w.blue, w.owner.key, "").is(http.StatusOK); number(blue["limit"]) != 1500 || number(blue["people"].(map[string]any)["total"]) != 1 {
		t.Errorf("a team: limit %v, %v", blue["limit"], blue["people"])
	}
	before := w.do("GET", "/v1/admin/overview?window=previous", w.owner.key, "").is(http.StatusOK)
	if before["held"] != nil || number(before["used"]) != 0 || before["window"].(map[string]any)["name"] != "2026-10" {
		t.Errorf("the window before: %v", before)
	}
}

func TestEfficiency(t *testing.T) {
	w := started(t)
	anna, bob, few := w.user("anna@company.com", ""), w.user("bob@company.com", ""), w.user("few@company.com", "")
	red, blue, green := w.team("Red", "1000", anna), w.team("Blue", "1000", bob), w.team("Green", "1000", few)
	at := time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)
	var all []used
	for i := range 50 {
		outcome := alfred.OutcomeCompleted
		if i < 5 {
			outcome = alfred.OutcomeBroken
		}
		all = append(all, used{anna, red, at, "gpt-4", 100, 50, outcome}, used{bob, blue, at, "gpt-4", 100, 25, ""})
	}
	w.useAll(append(all, used{few, green, at, "gpt-4", 100, 100, ""})...)
	got := w.do("GET", "/v1/admin/efficiency", w.owner.key, "").is(http.StatusOK)
	var rows []string
	for _, r := range got["data"].([]any) {
		row := r.(map[string]any)
		rows = append(rows, fmt.Sprintf("%v %v %v %v %v", row["rank"], row["name"], row["credits_per_1k_output"], row["against_median"], row["waste_percent"]))
	}
	// The median of 1,000, 2,000 and 4,000 credits is 2,000.
	want := "1 Red 2000 1 10, 2 Blue 4000 2 0, <nil> Green 1000 0.5 0"
	if have := strings.Join(rows, ", "); have != want {
		t.Errorf("teams: %s, want %s", have, want)
	}
	// The list of teams says the same of each, in its order and a page at a time.
	var teams []string
	for next := ""; ; {
		page := w.do("GET", "/v1/admin/teams?limit=2&sort=-efficiency&cursor="+next, w.owner.key, "").is(http.StatusOK)
		for _, r := range page["data"].([]any) {
			row := r.(map[string]any)
			teams = append(teams, fmt.Sprintf("%v %v", row["name"], row["against_median"]))
		}
		if total, sums := page["total"], page["totals"].(map[string]any); total != 3.0 || sums["teams"] != 3.0 || sums["pool"] != 3000.0 {
			t.Errorf("totals: %v %v", total, sums)
		}
		if next = text(page["next_cursor"]); next == "" {
			break
		}
	}
	if have := strings.Join(teams, ", "); have != "Blue 2, Red 1, Green 0.5" {
		t.Errorf("teams in order: %s", have)
	}
	if got := w.do("GET", "/v1/admin/teams?sort=name&q=RE", w.owner.key, "").list(); len(got) != 2 {
		t.Errorf("teams with re in their name: %v", got)
	}
	w.do("GET", "/v1/admin/teams?sort=pool&cursor=x", w.owner.key, "").refused(http.StatusBadRequest, alfred.CodeInvalidRequest)
	file := w.do("GET", "/v1/admin/teams.csv?sort=efficiency&q=blue", w.owner.key, "")
	if file.is(http.StatusOK); !strings.HasPrefix(string(file.body), "id,name,") || !strings.Contains(string(file.body), ",Blue,,1000,0,0,1000,equal,1000,1,1,2.0000,") || strings.Contains(string(file.body), "Red") {
		t.Errorf("CSV: %s", file.body)
	}
	// Figures may be a moment old; what somebody changed is there at once.
	grey := w.team("Grey", "500")
	w.do("PATCH", "/v1/admin/teams/"+grey, w.owner.key, `{"description":"The newest"}`).is(http.StatusOK)
	w.do("POST", "/v1/admin/teams/"+grey+"/members/"+few.id, w.owner.key, "").is(http.StatusCreated)
	found := w.do("GET", "/v1/admin/teams?sort=name&q=grey", w.owner.key, "").list()
	if len(found) != 1 || found[0].(map[string]any)["description"] != "The newest" || found[0].(map[string]any)["member_count"] != 1.0 {
		t.Errorf("after a change: %v", found)
	}
	w.do("DELETE", "/v1/admin/teams/"+grey, w.owner.key, "").is(http.StatusNoContent)
	// Who is in a team sees it, and not how it compares.
	if got := w.do("GET", "/v1/admin/teams?sort=name", anna.key, "").list(); len(got) != 1 || got[0].(map[string]any)["against_median"] != nil {
		t.Errorf("a member sees %v", got)
	}
	for _, r := range w.do("GET", "/v1/admin/efficiency?by=user", w.owner.key, "").is(http.StatusOK)["data"].([]any) {
		if row := r.(map[string]any); row["id"] != "" || !strings.HasPrefix(text(row["name"]), "Person ") {
			t.Errorf("a person is named: %v", row)
		}
	}

	// It is dear to work out, so it may be half a minute old, and says so.
	w.clock.Set(w.clock.Now().Add(time.Second))
	w.useAll(used{few, green, at, "gpt-4", 100, 100, ""})
	requests := func(key string) (sum float64, asOf string) {
		again := w.do("GET", "/v1/admin/efficiency", key, "").is(http.StatusOK)
		for _, r := range again["data"].([]any) {
			sum += number(r.(map[string]any)["requests"])
		}
		return sum, text(again["as_of"])
	}
	if n, asOf := requests(w.owner.key); n != 101 || asOf != text(got["as_of"]) {
		t.Errorf("a moment later: %v requests as of %s, want what was true at %s", n, asOf, got["as_of"])
	}
	w.do("POST", "/v1/admin/teams/"+green+"/members/"+few.id+"?is_admin=true", w.owner.key, "").is(http.StatusOK)
	// An admin of one team sees that one, against all of them.
	for _, path := range []string{"/v1/admin/efficiency", "/v1/admin/teams?sort=name"} {
		own := w.do("GET", path, few.key, "").list()
		if len(own) != 1 || own[0].(map[string]any)["name"] != "Green" || own[0].(map[string]any)["against_median"] != 0.5 {
			t.Errorf("%s: an admin of one team sees %v", path, own)
		}
	}
	w.clock.Set(w.clock.Now().Add(30 * time.Second))
	if n, _ := requests(w.owner.key); n != 102 {
		t.Errorf("half a minute later: %v requests, want all 102", n)
	}
}
