package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// Demo data leaves nothing behind but its two lines in the audit log: every
// table and every sum is as if it had never been.
func TestDemoDataGoesAwayWhole(t *testing.T) {
	w := started(t)
	ana := w.user("ana@company.com", "")
	w.team("Core", "500", ana)
	w.spend(ana, 40*alfred.Credit, alfred.PriorityNormal)
	w.record()
	before := w.tables()
	w.do("POST", "/v1/admin/demo?dry_run=true", w.owner.key, "").is(http.StatusOK)
	w.tables().same(t, before)

	made := w.do("POST", "/v1/admin/demo", w.owner.key, "").is(http.StatusCreated)
	if made["present"] != true || number(made["people"]) != 48 || number(made["teams"]) < 2 || number(made["requests"]) < 1500 || made["created_at"] == nil {
		t.Fatalf("got %v", made)
	}
	w.do("POST", "/v1/admin/demo", w.owner.key, "").refused(http.StatusConflict, alfred.CodeConflict)
	people := w.do("GET", "/v1/admin/users?sort=-used&limit=5", w.owner.key, "").list()
	if first, _ := people[0].(map[string]any); first["demo"] != true || number(first["used_tokens"]) == 0 {
		t.Errorf("who uses most: %v", first)
	}
	// What is real stays as it was while it is there.
	if q := w.quota(ana); number(q["used_tokens"]) != 40 {
		t.Errorf("ana's quota: %v", q)
	}
	w.spend(ana, 2*alfred.Credit, alfred.PriorityNormal)
	w.record()
	w.do("DELETE", "/v1/admin/demo", w.owner.key, "").is(http.StatusNoContent)
	w.do("DELETE", "/v1/admin/demo", w.owner.key, "").is(http.StatusNoContent)
	if gone := w.do("GET", "/v1/admin/demo", w.owner.key, "").is(http.StatusOK); gone["present"] != false || gone["created_at"] != nil {
		t.Errorf("left behind: %v", gone)
	}
	real := started(t) // the same without any demo
	if a, b := w.tables(), real.tables(); a["users"] != b["users"]+1 || a["usage_events"] != 2 {
		t.Errorf("rows %v", a)
	}
	if got := w.tables(); got["sum of rollups"] != got["sum of events"]*6*2 {
		t.Errorf("the sums are %d, the events %d", got["sum of rollups"], got["sum of events"])
	}
	if w.do("GET", "/v1/admin/audit/verify", w.owner.key, "").is(http.StatusOK)["intact"] != true {
		t.Error("the audit log is broken")
	}
}

// tables is how many rows each table has, and what some sums are.
type tables map[string]int64

func (w *world) tables() tables {
	w.Helper()
	out := tables{}
	for _, name := range []string{"users", "teams", "team_members", "usage_events", "decisions", "usage_hourly", "usage_rollups", "counter_usage", "adjustments", "inbox"} {
		out[name] = w.count("SELECT count(*) FROM " + name)
	}
	out["sum of events"] = w.count("SELECT coalesce(sum(cost), 0)::bigint FROM usage_events")
	out["sum of rollups"] = w.count("SELECT coalesce(sum(cost), 0)::bigint FROM usage_rollups")
	return out
}

// count is a query for one number, past the store.
func (w *world) count(query string) (n int64) {
	w.Helper()
	address, _ := addresses.Load(w.records)
	conn, err := pgx.Connect(w.ctx, fmt.Sprint(address))
	w.must(err)
	defer func() { _ = conn.Close(w.ctx) }()
	w.must(conn.QueryRow(w.ctx, query).Scan(&n))
	return n
}

func (a tables) same(t *testing.T, b tables) {
	t.Helper()
	for name, n := range a {
		if n != b[name] {
			t.Errorf("%s: %d, want %d", name, n, b[name])
		}
	}
}

// Whatever was done with the people of the demo data, it goes in one click.
func TestDemoDataGoesWithWhatWasDoneWithIt(t *testing.T) {
	w := started(t)
	ana := w.user("ana@company.com", "")
	w.spend(ana, 40*alfred.Credit, alfred.PriorityNormal)
	w.record()
	w.clock.Set(w.clock.Now().Add(time.Minute))
	seen := func() bool {
		t.Helper()
		for _, s := range w.do("GET", "/v1/admin/onboarding", w.owner.key, "").is(http.StatusOK)["steps"].([]any) {
			if step := s.(map[string]any); step["id"] == "first_request" {
				return step["done"] == true
			}
		}
		return false
	}
	if !seen() {
		t.Error("the first request was not seen")
	}
	w.do("POST", "/v1/admin/demo", w.owner.key, "").is(http.StatusCreated)
	if !seen() {
		t.Error("the first request is not seen behind the demo data")
	}
	var people []person
	for _, p := range w.do("GET", "/v1/admin/users?q=demo.example&status=active&limit=2", w.owner.key, "").list() {
		row := p.(map[string]any)
		people = append(people, person{id: text(row["id"]), email: text(row["email"])})
	}
	team := ""
	for _, x := range w.do("GET", "/v1/admin/teams?limit=200", w.owner.key, "").list() {
		team = text(x.(map[string]any)["id"])
	}
	key := text(w.do("POST", "/v1/admin/users/"+people[0].id+"/keys", w.owner.key, "").is(http.StatusCreated)["api_key"])
	w.do("POST", "/v1/auth/session", "", `{"api_key":"`+key+`"}`).is(http.StatusCreated)
	w.publish()
	w.do("POST", "/v1/users/me/transfer", w.owner.key, `{"recipient_email":"`+people[0].email+`","amount":5}`).is(http.StatusCreated)
	w.do("POST", "/v1/users/me/transfer", key, `{"recipient_email":"`+ana.email+`","amount":2}`).is(http.StatusCreated)
	w.do("POST", "/v1/admin/reallocations", w.owner.key, fmt.Sprintf(`{"reason":"r","entries":[{"user_id":%q,"amount":-3},{"user_id":%q,"amount":1},{"team_id":%q,"amount":2}]}`,
		people[0].id, people[1].id, team)).is(http.StatusCreated)
	w.do("POST", "/v1/admin/teams/"+team+"/members/"+ana.id, w.owner.key, "").is(http.StatusCreated)
	w.do("POST", "/v1/users/me/vacation", key, `{"on_vacation":true}`).is(http.StatusOK)

	bot := w.service("Nightly", team, "")
	w.do("DELETE", "/v1/admin/demo", w.owner.key, "").refused(http.StatusConflict, alfred.CodeConflict)
	w.do("DELETE", "/v1/admin/service-accounts/"+bot.id, w.owner.key, "").is(http.StatusNoContent)
	w.do("DELETE", "/v1/admin/demo", w.owner.key, "").is(http.StatusNoContent)
	if left := w.count("SELECT count(*) FROM users WHERE is_demo(id)"); left != 0 {
		t.Errorf("%d people are left", left)
	}
	w.do("GET", "/v1/users/me", key, "").is(http.StatusUnauthorized)
	if who, err := w.live.Principal(w.ctx, alfred.HashSecret(key, w.config.Pepper)); err != nil || who == nil || who.KeyStatus != alfred.KeyRevoked {
		t.Errorf("the key still works: %+v, %v", who, err)
	}
	// What a real person gave or got stands, and adds up.
	if q := w.quota(ana); number(q["personal_quota"]) != 1002 || number(q["used_tokens"]) != 40 {
		t.Errorf("ana: %v", q)
	}
	w.jobs.Step(w.ctx)
	w.publish()
}

// With demo data every figure of the pages tells the same story, the real part
// of it is known, and the live ledger has none of it, however often it is
// compared.
func TestDemoDataTellsOneStory(t *testing.T) {
	for name, real := range map[string]float64{"nothing is real": 0, "beside real use under a cap": 440} {
		t.Run(name, func(t *testing.T) {
			w := started(t)
			if real > 0 {
				ana := w.user("ana@company.com", "")
				w.team("Core", "500", ana)
				w.do("PUT", "/v1/admin/limits", w.owner.key, `{"data":[{"scope":"organization","metric":"credits","credits":5000}]}`).is(http.StatusOK)
				w.spend(ana, alfred.Credits(real)*alfred.Credit, alfred.PriorityNormal)
				w.record()
			}
			w.clock.Set(w.clock.Now().Add(2 * time.Minute))
			overview := func(query string) map[string]any {
				t.Helper()
				return w.do("GET", "/v1/admin/overview"+query, w.owner.key, "").is(http.StatusOK)
			}
			before := overview("")
			if before["demo_used"] != nil || number(before["used"]) != real {
				t.Fatalf("before: %v, %v", before["used"], before["demo_used"])
			}
			w.do("POST", "/v1/admin/demo", w.owner.key, "").is(http.StatusCreated)
			o := overview("")
			used := number(o["used"])
			burn := o["burn"].([]any)
			last := number(burn[len(burn)-1].(map[string]any)["used"])
			if used < 100_000 || number(o["demo_used"])+real != used || last != used || number(o["held"]) != 0 || number(o["left"]) != number(o["limit"])-used {
				t.Errorf("used %v, of the demo %v, burnt %v, left %v of %v", used, o["demo_used"], last, o["left"], o["limit"])
			}
			if before := number(burn[len(burn)-2].(map[string]any)["used"]); before > last {
				t.Errorf("the burn-up falls from %v to %v", before, last)
			}
			if o["limit_source"] != "allocated" {
				t.Errorf("the limit is %v", o["limit_source"])
			}
			sum, people := 0.0, o["people"].(map[string]any)
			for _, g := range o["by_model"].([]any) {
				sum += number(g.(map[string]any)["sums"].(map[string]any)["credits"])
			}
			if tokens := o["tokens"].(map[string]any); sum != used || real == 0 && number(tokens["input"])+number(tokens["cached_input"])+number(tokens["output"])+number(tokens["reasoning"]) != used {
				t.Errorf("by model %v, tokens %v, used %v", sum, tokens, used)
			}
			if number(people["used"]) < 30 {
				t.Errorf("people: %v", people)
			}

			// Who used most, on every page that knows them.
			first := w.do("GET", "/v1/admin/users?sort=-used&limit=1", w.owner.key, "").list()[0].(map[string]any)
			path := "/v1/admin/users/" + text(first["id"])
			why := w.do("GET", path+"/quota-explanation", w.owner.key, "").is(http.StatusOK)
			points := w.do("GET", path+"/burn", w.owner.key, "").is(http.StatusOK)["points"].([]any)
			if n := number(first["used_tokens"]); n == 0 || number(why["used"]) != n || number(why["available"]) != number(why["effective_quota"])-n || number(points[len(points)-1].(map[string]any)["used"]) != n {
				t.Errorf("used %v: %v, %v", n, why, points[len(points)-1])
			}
			drawn := 0.0
			for _, row := range o["by_team"].([]any) {
				team := row.(map[string]any)
				id := text(team["id"])
				if !strings.HasPrefix(id, "team_7ZDEM0") {
					continue
				}
				drawn += number(team["pool_used"])
				of := overview("?team=" + id)
				shares := w.do("GET", "/v1/admin/teams/"+id+"/shares", w.owner.key, "").is(http.StatusOK)
				shown := w.do("GET", "/v1/admin/teams/"+id, w.owner.key, "").is(http.StatusOK)
				if n := number(team["used"]); number(of["used"]) != n || number(of["demo_used"]) != n {
					t.Errorf("%s used %v: %v, %v", id, n, of["used"], of["demo_used"])
				}
				if n := number(team["pool_used"]); number(shares["used"]) != n || number(shown["pool_used"]) != n || number(shown["pool_available"]) != number(shown["effective_pool"])-n {
					t.Errorf("%s drew %v: %v, %v", id, n, shares["used"], shown)
				}
			}
			if drawn == 0 {
				t.Error("no pool paid for anything")
			}

			// The ledger that is enforced has nothing of it, also when it is built anew.
			ledger := &admin.Rebuilder{Records: w.records, Live: w.live, Now: w.clock.Now, Log: w.config.Log}
			w.must(ledger.Step(w.ctx, w.org))
			w.must(w.live.EachCounter(w.ctx, w.org, func(all []alfred.Counter) error {
				for _, c := range all {
					if strings.Contains(c.Subject, "7ZDEM0") {
						t.Errorf("the live ledger has %s of %s", c.Kind, c.Subject)
					}
				}
				return nil
			}))
			if totals := w.do("GET", "/v1/admin/ledger/drift", w.owner.key, "").is(http.StatusOK)["totals"].(map[string]any); number(totals["drifting"]) != 0 {
				t.Errorf("drift: %v", totals)
			}

			w.do("DELETE", "/v1/admin/demo", w.owner.key, "").is(http.StatusNoContent)
			w.must(ledger.Step(w.ctx, w.org))
			after := overview("")
			for _, field := range []string{"used", "demo_used", "limit", "limit_source", "left", "held", "requests", "by_model", "by_team", "burn", "people", "teams"} {
				if fmt.Sprint(after[field]) != fmt.Sprint(before[field]) {
					t.Errorf("%s: %v, before there was any demo data %v", field, after[field], before[field])
				}
			}
		})
	}
}

// A refusal of the demo data explains itself as a real one does.
func TestDemoRefusalsHaveTheirChecks(t *testing.T) {
	w := started(t)
	w.do("POST", "/v1/admin/demo", w.owner.key, "").is(http.StatusCreated)
	rows := w.do("GET", "/v1/admin/decisions?limit=5", w.owner.key, "").list()
	if len(rows) == 0 {
		t.Fatal("nobody of the demo data was refused")
	}
	for _, row := range rows {
		d := w.do("GET", "/v1/decisions/"+text(row.(map[string]any)["id"]), w.owner.key, "").is(http.StatusOK)
		checks := d["checks"].([]any)
		if d["checks_known"] != true || len(checks) < 4 || number(d["limit"]) == 0 || number(d["need"]) <= number(d["remaining"]) || len(d["passes"].([]any)) == 0 {
			t.Errorf("%v", d)
		}
		leg := checks[3].(map[string]any)
		if leg["kind"] != "leg" || leg["outcome"] != "fail" || number(leg["limit"]) == 0 || leg["left"] == nil {
			t.Errorf("the quota: %v", leg)
		}
	}
}
