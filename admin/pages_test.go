package admin_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestViewsAreEachPersonsOwn(t *testing.T) {
	w := started(t)
	ana := w.user("ana@company.com", "")
	put := func(p person, id, name string) reply {
		return w.do("PUT", "/v1/users/me/views/"+id, p.key, `{"page":"users","name":"`+name+`","query":"status=active"}`)
	}
	put(ana, "b", "Second").is(http.StatusOK)
	put(ana, "a", "First").is(http.StatusOK)
	put(ana, "a", "Third").is(http.StatusOK) // in place of it
	put(w.owner, "a", "Mine").is(http.StatusOK)
	views := w.do("GET", "/v1/users/me/views?page=users", ana.key, "").list()
	if len(views) != 2 || views[0].(map[string]any)["name"] != "Second" {
		t.Errorf("got %v", views)
	}
	w.do("DELETE", "/v1/users/me/views/a", ana.key, "").is(http.StatusNoContent)
	w.do("DELETE", "/v1/users/me/views/a", ana.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	if n := len(w.do("GET", "/v1/users/me/views", w.owner.key, "").list()); n != 1 {
		t.Errorf("%d views of somebody else", n)
	}
}

func TestAKeyIsReplacedWithAnOverlap(t *testing.T) {
	w := started(t)
	ana := w.user("ana@company.com", "")
	key, _ := w.do("GET", "/v1/users/me/keys", ana.key, "").list()[0].(map[string]any)
	out := w.do("POST", "/v1/users/me/keys/"+text(key["id"])+"/rotate", ana.key, `{"overlap_seconds":3600}`).is(http.StatusCreated)
	made, _ := out["key"].(map[string]any)
	second := text(made["api_key"])
	for _, k := range []string{ana.key, second} {
		w.do("GET", "/v1/users/me", k, "").is(http.StatusOK)
	}
	w.clock.Set(w.clock.Now().Add(time.Hour))
	w.do("GET", "/v1/users/me", ana.key, "").is(http.StatusUnauthorized)
	w.do("GET", "/v1/users/me", second, "").is(http.StatusOK)
	w.do("POST", "/v1/admin/users/"+ana.id+"/keys/"+text(key["id"])+"/rotate", w.owner.key, "").refused(http.StatusConflict, alfred.CodeConflict)
	w.do("POST", "/v1/admin/users/"+ana.id+"/keys/"+text(made["id"])+"/rotate", w.owner.key, `{"overlap_seconds":0}`).is(http.StatusCreated)
	w.do("GET", "/v1/users/me", second, "").is(http.StatusUnauthorized)
	w.do("POST", "/v1/users/me/keys/key_none/rotate", w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
}

// waterfall checks that the parts add up, and returns their kinds.
func (w *world) waterfall(p person) (kinds []string) {
	w.Helper()
	out := w.do("GET", "/v1/users/me/quota-explanation", p.key, "").is(http.StatusOK)
	sum := 0.0
	for _, part := range out["parts"].([]any) {
		m, _ := part.(map[string]any)
		sum += number(m["amount"])
		kinds = append(kinds, text(m["kind"]))
	}
	if q := w.quota(p); sum != number(out["effective_quota"]) || sum != number(q["personal_quota"]) || number(out["available"]) != number(q["available_quota"]) {
		w.Fatalf("parts add up to %v of %v; the quota is %v", sum, out, q)
	}
	return kinds
}

func TestTheWaterfallAddsUp(t *testing.T) {
	w := started(t)
	ana, bo := w.user("ana@company.com", ""), w.user("bo@company.com", "")
	team := w.team("Core", "4000", ana, bo)
	w.publish()
	w.do("POST", "/v1/users/me/transfer", ana.key, `{"recipient_email":"bo@company.com","amount":100,"reason":"demo"}`).is(http.StatusCreated)
	w.spend(bo, 30*alfred.Credit, alfred.PriorityNormal)
	w.record()
	w.clock.Set(w.clock.Now().Add(time.Minute))
	w.do("POST", "/v1/admin/reallocations", w.owner.key, `{"reason":"balance","entries":[{"user_id":"`+bo.id+`","amount":-250},{"user_id":"`+ana.id+`","amount":50},{"team_id":"`+team+`","amount":200}]}`).is(http.StatusCreated)
	if got := w.waterfall(ana); len(got) != 3 || got[1] != "transfer_out" || got[2] != "reallocation" {
		t.Errorf("parts of ana: %v", got)
	}
	if got := w.waterfall(bo); len(got) != 3 || got[1] != "transfer_in" {
		t.Errorf("parts of bo: %v", got)
	}
	w.do("PATCH", "/v1/admin/users/"+ana.id, w.owner.key, `{"personal_quota":0}`).is(http.StatusOK)
	if got := w.waterfall(ana); got[len(got)-1] != "floor" {
		t.Errorf("parts of ana without a quota: %v", got)
	}
	if pool := w.do("GET", "/v1/admin/teams/"+team, w.owner.key, "").is(http.StatusOK); number(pool["effective_pool"]) != 4200 {
		t.Errorf("the pool is %v", pool)
	}
	burn := w.do("GET", "/v1/admin/users/"+bo.id+"/burn", w.owner.key, "").is(http.StatusOK)
	points, _ := burn["points"].([]any)
	last, _ := points[len(points)-1].(map[string]any)
	if number(last["used"]) != 30 || number(last["limit"]) != 1000+100-250 {
		t.Errorf("the last point is %v", last)
	}
	first, _ := points[0].(map[string]any)
	if number(first["used"]) != 0 || number(first["limit"]) != 1000 {
		t.Errorf("the first point is %v", first)
	}
	w.do("GET", "/v1/users/me/burn?window=previous", bo.key, "").is(http.StatusOK)
}

func TestAReallocationIsAllOrNothing(t *testing.T) {
	w := started(t)
	ana, bo := w.user("ana@company.com", ""), w.user("bo@company.com", "")
	lead := w.user("lead@company.com", "")
	team := w.team("Core", "100", ana, lead)
	w.do("POST", "/v1/admin/teams/"+team+"/members/"+lead.id+"?is_admin=true", w.owner.key, "").is(http.StatusOK)
	w.publish()
	ask := func(p person, query, entries string) reply {
		return w.do("POST", "/v1/admin/reallocations"+query, p.key, `{"reason":"because","entries":[`+entries+`]}`)
	}
	entry := func(kind, id, amount string) string { return `{"` + kind + `":"` + id + `","amount":` + amount + `}` }
	take, give := entry("user_id", ana.id, "-400"), entry("user_id", bo.id, "400")
	ask(w.owner, "", take+","+entry("user_id", bo.id, "399")).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	ask(w.owner, "", take+","+entry("user_id", ana.id, "400")).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	ask(w.owner, "", entry("user_id", ana.id, "-400")+","+entry("user_id", w.owner.id, "400")).refused(http.StatusForbidden, alfred.CodeForbidden)
	ask(w.owner, "", take+","+entry("user_id", "usr_none", "400")).refused(http.StatusNotFound, alfred.CodeNotFound)
	ask(lead, "", take+","+give).refused(http.StatusNotFound, alfred.CodeNotFound) // bo is not of the team
	ask(bo, "", take+","+give).is(http.StatusForbidden)
	// One source has it, the other does not: nothing is taken of either.
	ask(w.owner, "", take+","+entry("team_id", team, "-101")+","+entry("user_id", bo.id, "501")).refused(http.StatusConflict, alfred.CodeInsufficient)
	dry := ask(w.owner, "?dry_run=true", take+","+give).is(http.StatusOK)
	if n := len(dry["changes"].([]any)); n != 2 {
		t.Errorf("a preview of %d changes", n)
	}
	for _, p := range []person{ana, bo} {
		if q := w.quota(p); number(q["available_quota"]) != 1000 {
			t.Fatalf("something was moved: %v", q)
		}
	}
	out := ask(w.owner, "", take+","+give).is(http.StatusCreated)
	ends, _ := out["entries"].([]any)
	if e := ends[0].(map[string]any); number(e["available_before"]) != 1000 || number(e["available_after"]) != 600 {
		t.Errorf("got %v", e)
	}
	w.publish()
	if a, b := number(w.quota(ana)["available_quota"]), number(w.quota(bo)["available_quota"]); a != 600 || b != 1400 {
		t.Errorf("ana has %v and bo %v", a, b)
	}
	ask(lead, "", entry("user_id", ana.id, "-50")+","+entry("team_id", team, "50")).is(http.StatusCreated)
}

func TestSharesAndWhatTheyWouldBe(t *testing.T) {
	w := started(t)
	ana, bo, cy := w.user("ana@company.com", `,"personal_quota":0`), w.user("bo@company.com", ""), w.user("cy@company.com", "")
	team := w.team("Core", "900", ana, bo, cy)
	w.spend(ana, 200*alfred.Credit, alfred.PriorityNormal)
	out := w.do("GET", "/v1/admin/teams/"+team+"/shares?joining=3&away=1&pool=500", ana.key, "").is(http.StatusOK)
	if number(out["share"]) != 300 || number(out["used"]) != 200 || number(out["free"]) != 700 || number(out["active_count"]) != 3 {
		t.Errorf("got %v", out)
	}
	mine, _ := out["members"].([]any)[0].(map[string]any)
	if mine["user_id"] != ana.id || number(mine["drawn"]) != 200 || number(mine["free"]) != 100 || number(mine["share"]) != 300 {
		t.Errorf("ana's share is %v", mine)
	}
	would, _ := out["simulated"].(map[string]any)
	if number(would["share"]) != 100 || number(would["active_count"]) != 5 || number(would["below_drawn"]) != 1 || number(would["free"]) != 300 {
		t.Errorf("it would be %v", would)
	}
	stranger := w.user("dee@company.com", "")
	w.do("GET", "/v1/admin/teams/"+team+"/shares", stranger.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
}

func TestTheFirstStepsAreCheckedLive(t *testing.T) {
	slack := newSlack(t)
	w := started(t, slack.reachable)
	done := func() map[string]bool {
		out := w.do("GET", "/v1/admin/onboarding", w.owner.key, "").is(http.StatusOK)
		steps := map[string]bool{"": out["done"] == true, "dismissed": out["dismissed"] == true}
		for _, s := range out["steps"].([]any) {
			m, _ := s.(map[string]any)
			steps[text(m["id"])] = m["done"] == true
		}
		return steps
	}
	if s := done(); s["organization"] || s["people"] || s["team"] || s["first_request"] || s[""] {
		t.Errorf("done at the start: %v", s)
	}
	w.do("POST", "/v1/admin/demo", w.owner.key, "").is(http.StatusCreated)
	if s := done(); s["people"] || s["team"] || s["first_request"] {
		t.Errorf("demo data counts: %v", s)
	}
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"name":"Acme"}`).is(http.StatusOK)
	ana := w.user("ana@company.com", "")
	w.team("Core", "10", ana)
	w.spend(ana, 5*alfred.Credit, alfred.PriorityNormal)
	w.record()
	if s := done(); s["policy"] || s[""] {
		t.Errorf("done without a limit: %v", s)
	}
	w.do("PUT", "/v1/admin/limits", w.owner.key, `{"data":[{"scope":"model","subject":"gpt-4","metric":"credits","credits":5000,"mode":"shadow"}]}`).is(http.StatusOK)
	channel := w.channel("#llm-costs", slack.URL)
	slack.answer = http.StatusGone
	w.do("POST", "/v1/admin/channels/"+channel+"/test", w.owner.key, "").is(http.StatusOK)
	if s := done(); s["alerts"] || s[""] {
		t.Errorf("done although no test has arrived: %v", s)
	}
	slack.answer = http.StatusOK
	w.clock.Set(w.clock.Now().Add(time.Second))
	w.do("POST", "/v1/admin/channels/"+channel+"/test", w.owner.key, "").is(http.StatusOK)
	if s := done(); !s[""] {
		t.Errorf("not done in the end: %v", s)
	}
	// What was found is told in words, and its time as one.
	for _, s := range w.do("GET", "/v1/admin/onboarding", w.owner.key, "").is(http.StatusOK)["steps"].([]any) {
		step := s.(map[string]any)
		want := map[string]string{
			"organization": "Acme, in UTC, with monthly windows.", "first_request": "The last request went to gpt-4 of mock",
			"people": "2 people, and you are one of them.", "team": "Core has a pool of 10 credits.", "policy": "Limits set: 1, in shadow mode 1.",
			"alerts": "#llm-costs has taken a message",
		}[text(step["id"])]
		if step["detail"] != want || (step["id"] == "alerts") != (step["at"] == w.clock.Now().Format(time.RFC3339)) || (step["id"] == "first_request" || step["id"] == "alerts") == (step["at"] == nil) {
			t.Errorf("%v: %v at %v", step["id"], step["detail"], step["at"])
		}
	}
	w.do("PUT", "/v1/admin/onboarding", w.owner.key, `{"dismissed":true}`).is(http.StatusOK)
	if !done()["dismissed"] {
		t.Error("not put away")
	}
}
