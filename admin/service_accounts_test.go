package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// service makes a service account; more is more of the body.
func (w *world) service(name, team, more string) person {
	w.Helper()
	return w.created(w.do("POST", "/v1/admin/service-accounts", w.owner.key, `{"name":"`+name+`","team_id":"`+team+`"`+more+`}`))
}

// A service account is paid from its own budget, then from its team's share
// as one member of it, and then by nobody.
func TestWhatAServiceAccountSpends(t *testing.T) {
	w := started(t)
	ana := w.user("ana@company.com", "")
	team := w.team("Core", "600", ana)
	bot := w.service("Nightly", team, "")
	is := func(p person, quota, pool float64) {
		t.Helper()
		if q := w.quota(p); number(q["personal_quota"]) != quota || number(q["team_pool_available"]) != pool {
			t.Errorf("quota %v, want %v and %v of the pool", q, quota, pool)
		}
	}
	is(bot, 0, 300) // two members; no default of anybody's
	is(ana, 1000, 300)
	if out := w.spend(bot, 301*alfred.Credit, alfred.PriorityCritical); out.Verdict == alfred.VerdictGranted {
		t.Error("above the share, with an overdraft")
	}
	if out := w.spend(bot, 250*alfred.Credit, alfred.PriorityNormal); out.Verdict != alfred.VerdictGranted {
		t.Errorf("within the share: %v", out.Verdict)
	}
	is(bot, 0, 50)
	w.do("PATCH", "/v1/admin/service-accounts/"+bot.id, w.owner.key, `{"budget":100}`).is(http.StatusOK)
	is(bot, 100, 50)
	if out := w.spend(bot, 140*alfred.Credit, alfred.PriorityNormal); out.Verdict != alfred.VerdictGranted {
		t.Errorf("budget and share together: %v", out.Verdict)
	}
	if out := w.spend(bot, 11*alfred.Credit, alfred.PriorityNormal); out.Verdict == alfred.VerdictGranted {
		t.Error("with nothing left")
	}
	// Suspended, it is nobody's member, and its share is the others'.
	w.do("PATCH", "/v1/admin/service-accounts/"+bot.id, w.owner.key, `{"status":"suspended"}`).is(http.StatusOK)
	is(ana, 1000, 310)
	w.publish()
	who, err := w.live.Principal(w.ctx, alfred.HashSecret(bot.key, w.config.Pepper))
	w.must(err)
	if r := who.Refusal(w.clock.Now()); r == nil || r.Code != alfred.CodeUserSuspended {
		t.Errorf("suspended: %+v", r)
	}
}

// Its key calls models. Of the API it gets its own quota, usage and refusals,
// and it cannot sign in.
func TestAServiceAccountIsNobodyHere(t *testing.T) {
	w := started(t)
	team := w.team("Core", "600")
	bot := w.service("Nightly", team, "")
	doc, err := api.Document()
	w.must(err)
	open := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == "createSession" || op.OperationID == "getOpenAPI" {
				continue
			}
			target := strings.NewReplacer("{user_id}", bot.id, "{account_id}", bot.id, "{team_id}", team, "{decision_id}", "dec_none").Replace(path)
			got := w.do(method, target, bot.key, "")
			switch op.OperationID {
			case "getMyQuota", "getMyUsage", "getDecision":
				open++
				if got.status == http.StatusForbidden {
					t.Errorf("%s: %s", op.OperationID, got.body)
				}
			default:
				got.refused(http.StatusForbidden, alfred.CodeForbidden)
			}
		}
	}
	if open != 3 {
		t.Errorf("%d operations are open", open)
	}
	w.do("POST", "/v1/auth/session", "", `{"api_key":"`+bot.key+`"}`).refused(http.StatusForbidden, alfred.CodeForbidden)

	// Nobody takes it for a person.
	for _, c := range []struct{ method, path, body string }{
		{"PATCH", "/v1/admin/users/" + bot.id, `{"access_role":"admin"}`},
		{"DELETE", "/v1/admin/users/" + bot.id, ""},
		{"POST", "/v1/admin/users/" + bot.id + "/keys", ""},
		{"POST", "/v1/admin/teams/" + team + "/members/" + bot.id + "?is_admin=true", ""},
		{"DELETE", "/v1/admin/teams/" + team + "/members/" + bot.id, ""},
		{"DELETE", "/v1/admin/teams/" + team, ""},
	} {
		w.do(c.method, c.path, w.owner.key, c.body).refused(http.StatusConflict, alfred.CodeConflict)
	}
	w.do("POST", "/v1/users/me/transfer", w.owner.key, `{"recipient_email":"`+bot.id+`","amount":1}`).refused(http.StatusNotFound, alfred.CodeNotFound)
}

// It is not among the people, unless asked for, and it is in what was used.
func TestServiceAccountsAreListedApart(t *testing.T) {
	w := started(t)
	lead, other := w.user("lead@company.com", ""), w.user("other@company.com", "")
	team, elsewhere := w.team("Core", "600"), w.team("Sales", "600", other)
	w.do("POST", "/v1/admin/teams/"+team+"/members/"+lead.id+"?is_admin=true", w.owner.key, "").is(http.StatusCreated)
	bot, far := w.service("Nightly", team, `,"cost_center":"CC 7","budget":50`), w.service("Far", elsewhere, "")
	count := func(path string, key string, want int) {
		t.Helper()
		got := w.do("GET", path, key, "").is(http.StatusOK)
		if n := len(got["data"].([]any)); n != want || int(number(got["total"])) != want {
			t.Errorf("%s: %d of %v, want %d", path, n, got["total"], want)
		}
	}
	count("/v1/admin/users", w.owner.key, 3)
	count("/v1/admin/users?kind=service", w.owner.key, 2)
	count("/v1/admin/users?kind=any", w.owner.key, 5)
	count("/v1/admin/service-accounts", w.owner.key, 2)
	count("/v1/admin/service-accounts?team="+team, w.owner.key, 1)
	count("/v1/admin/service-accounts?q=night", w.owner.key, 1)
	count("/v1/admin/service-accounts", lead.key, 1)
	count("/v1/admin/users", lead.key, 1)
	w.do("GET", "/v1/admin/service-accounts/"+far.id, lead.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	w.do("GET", "/v1/admin/service-accounts/"+lead.id, w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)

	w.publish()
	hold := "hold_01ARZ3NDEKTSV4RRFFQ69G5FAV"
	e := w.event(bot, 7*alfred.Credit, hold)
	e.Charges = []alfred.CounterAmount{{Counter: alfred.Counter{Kind: alfred.CountUser, Subject: bot.id, Window: alfred.Window{
		Start: instant(t, "2026-11-01T00:00:00Z"), End: instant(t, "2026-12-01T00:00:00Z"),
	}}, Amount: 7 * alfred.Credit}}
	_, err := w.records.RecordEvents(w.ctx, []alfred.UsageEvent{e})
	w.must(err)
	people, _ := w.do("GET", "/v1/admin/overview", w.owner.key, "").is(http.StatusOK)["people"].(map[string]any)
	if number(people["active"]) != 3 || number(people["used"]) != 0 {
		t.Errorf("headcount: %v", people)
	}
	rows := string(w.do("GET", "/v1/admin/usage/query?group_by=user&measures=credits", w.owner.key, "").body)
	if !strings.Contains(rows, `"Nightly"`) {
		t.Errorf("usage does not name it: %s", rows)
	}
}

// An account and its keys, from the first to the last.
func TestTheLifeOfAServiceAccount(t *testing.T) {
	w := started(t)
	team, next := w.team("Core", "600"), w.team("Sales", "100")
	const all = "/v1/admin/service-accounts"
	w.do("POST", all, w.owner.key, `{"name":"x","team_id":"team_none"}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	w.do("POST", all, w.owner.key, `{"name":"x"}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	made := w.do("POST", all, w.owner.key, `{"name":"Nightly","team_id":"`+team+`"}`, "Idempotency-Key: once").is(http.StatusCreated)
	again := w.do("POST", all, w.owner.key, `{"name":"Nightly","team_id":"`+team+`"}`, "Idempotency-Key: once").is(http.StatusCreated)
	if again["id"] != made["id"] || again["api_key"] != nil || made["api_key"] == nil {
		t.Errorf("replayed: %v", again)
	}
	path := all + "/" + text(made["id"])
	read := w.do("GET", path, w.owner.key, "")
	if out := read.is(http.StatusOK); out["team_name"] != "Core" || number(out["active_keys"]) != 1 || out["budget"] != nil {
		t.Errorf("made: %v", out)
	}
	tag := "If-Match: " + read.header.Get("ETag")
	changed := w.do("PATCH", path, w.owner.key, `{"team_id":"`+next+`","cost_center":"CC 7","budget":0}`, tag).is(http.StatusOK)
	if changed["team_name"] != "Sales" || changed["cost_center"] != "CC 7" || number(changed["budget"]) != 0 {
		t.Errorf("changed: %v", changed)
	}
	w.do("PATCH", path, w.owner.key, `{"name":"Other"}`, tag).refused(http.StatusPreconditionFailed, alfred.CodeStaleVersion)
	w.do("DELETE", path, w.owner.key, "", tag).refused(http.StatusPreconditionFailed, alfred.CodeStaleVersion)
	w.do("DELETE", "/v1/admin/teams/"+team, w.owner.key, "").is(http.StatusNoContent)

	key := w.do("POST", path+"/keys", w.owner.key, `{"name":"laptop"}`).is(http.StatusCreated)
	rotated := w.do("POST", path+"/keys/"+text(key["id"])+"/rotate", w.owner.key, `{"overlap_seconds":3600}`).is(http.StatusCreated)
	fresh, _ := rotated["key"].(map[string]any)
	if text(fresh["api_key"]) == "" || rotated["replaced"].(map[string]any)["expires_at"] != "2026-11-23T13:00:00Z" {
		t.Errorf("rotated: %v", rotated)
	}
	for _, secret := range []string{text(made["api_key"]), text(key["api_key"]), text(fresh["api_key"])} {
		w.do("GET", "/v1/users/me/quota", secret, "").is(http.StatusOK)
	}
	w.do("DELETE", path+"/keys/"+text(fresh["id"]), w.owner.key, "").is(http.StatusNoContent)
	w.do("GET", "/v1/users/me/quota", text(fresh["api_key"]), "").refused(http.StatusUnauthorized, alfred.CodeKeyRevoked)
	w.do("DELETE", path, w.owner.key, "").is(http.StatusNoContent)
	w.do("GET", path, w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	w.do("GET", "/v1/users/me/quota", text(key["api_key"]), "").is(http.StatusUnauthorized)
	w.publish()
	who, err := w.live.Principal(w.ctx, alfred.HashSecret(text(key["api_key"]), w.config.Pepper))
	w.must(err)
	if who == nil || who.KeyStatus != alfred.KeyRevoked {
		t.Errorf("published: %+v", who)
	}
	log := string(w.do("GET", "/v1/admin/audit?action=service_account.", w.owner.key, "").body)
	for _, act := range []string{"service_account.create", "service_account.update", "service_account.delete"} {
		if !strings.Contains(log, act) {
			t.Errorf("%s is not in the log", act)
		}
	}
}

// Its program reads why it was refused, and is not told of an overdraft that
// it does not have.
func TestARefusedServiceAccountIsPromisedNoOverdraft(t *testing.T) {
	w := started(t)
	team := w.team("Core", "600")
	bot := w.service("Nightly", team, `,"budget":1000`)
	id, left := "01ARZ3NDEKTSV4RRFFQ69G5FBC", 3*alfred.Credit
	refuse := func(suffix string, who person) string {
		d := alfred.Decision{
			ID: alfred.DecisionID("dec_" + id + suffix), Request: alfred.RequestID("req_" + id + suffix), Org: w.org, User: alfred.UserID(who.id), At: w.clock.Now(),
			Code: alfred.CodeUserQuota, Detail: "Personal quota exhausted.", Model: "gpt-4", Priority: alfred.PriorityNormal, Need: 10 * alfred.Credit,
			Want: 100 * alfred.Credit, Blocking: "personal:" + who.id, Limit: 1000 * alfred.Credit, Remaining: left, ResetsAt: instant(t, "2026-12-01T00:00:00Z"),
			InputCost: alfred.Credit, PerToken: alfred.Credit,
			Checks: []alfred.Check{{Kind: "leg", Scope: "personal", Subject: who.id, Outcome: alfred.CheckFailed, Code: alfred.CodeUserQuota, Limit: 1000 * alfred.Credit, Left: &left}},
		}
		_, err := w.records.RecordEvents(w.ctx, []alfred.UsageEvent{{
			Kind: alfred.EventDecision, Org: w.org, Reservation: alfred.HoldID("hold_" + id + suffix), Request: d.Request, Decision: d.ID, At: d.At, User: d.User, Refused: &d,
		}})
		w.must(err)
		return details(w.do("GET", "/v1/decisions/"+string(d.ID), who.key, "").is(http.StatusOK)["passes"], "detail")
	}
	if got := refuse("0", bot); got == "" || strings.Contains(got, "critical") {
		t.Errorf("the service account passes %q", got)
	}
	if got := refuse("1", w.user("ana@company.com", "")); !strings.Contains(got, "critical") {
		t.Errorf("a person passes %q", got)
	}
}
