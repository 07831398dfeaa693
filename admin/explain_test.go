package admin_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func details(list any, field string) string {
	var out []string
	for _, v := range list.([]any) {
		out = append(out, text(v.(map[string]any)[field]))
	}
	return strings.Join(out, "; ")
}

func TestExplain(t *testing.T) {
	w := newCompany(t)
	left, held := 3*alfred.Credit, 2*alfred.Credit
	id := "01ARZ3NDEKTSV4RRFFQ69G5FBB"
	d := alfred.Decision{
		ID: alfred.DecisionID("dec_" + id), Request: alfred.RequestID("req_" + id), Org: w.org, User: alfred.UserID(w.anna.id), At: w.clock.Now(),
		Code: alfred.CodeUserQuota, Detail: "Personal quota exhausted.", Model: "gpt-4", Priority: alfred.PriorityNormal, Need: 10 * alfred.Credit,
		Want: 100 * alfred.Credit, Blocking: "personal:" + w.anna.id, Limit: 1000 * alfred.Credit, Remaining: left, Ask: "lead@company.com", Team: alfred.TeamID(w.red),
		ResetsAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), InputCost: alfred.Credit, PerToken: alfred.Credit,
		Checks: []alfred.Check{
			{Kind: "cap", Scope: "org", Subject: string(w.org), Outcome: alfred.CheckPassed, Limit: 5000 * alfred.Credit},
			{Kind: "leg", Scope: "personal", Subject: w.anna.id, Outcome: alfred.CheckFailed, Code: alfred.CodeUserQuota, Limit: 1000 * alfred.Credit, Left: &left, Held: &held},
			{Kind: "rate", Scope: "key", Subject: "key_1", Outcome: alfred.CheckSkipped, Rate: 60},
		},
	}
	_, err := w.records.RecordEvents(w.ctx, []alfred.UsageEvent{{
		Kind: alfred.EventDecision, Org: w.org, Reservation: alfred.HoldID("hold_" + id), Request: d.Request, Decision: d.ID, At: d.At, User: d.User, Team: d.Team, Refused: &d,
	}})
	w.must(err)
	for who, key := range map[string]string{"the person": w.anna.key, "the team admin": w.lead.key, "the owner": w.owner.key} {
		got := w.do("GET", "/v1/decisions/"+string(d.ID), key, "").is(http.StatusOK)
		if have, want := details(got["checks"], "outcome"), "pass; pass; pass; pass; fail; skipped"; have != want {
			t.Errorf("%s: checks %s, want %s", who, have, want)
		}
		if have, want := details(got["checks"], "title"), "Key; Account; Model; Organisation cap; Personal quota; Key rate limit"; have != want {
			t.Errorf("%s: checks %s, want %s", who, have, want)
		}
		if have := text(got["checks"].([]any)[4].(map[string]any)["detail"]); have != "3 of 1,000 left, 2 held by requests in flight." {
			t.Errorf("%s: %s", who, have)
		}
		want := "with max_tokens ≤ 2; after 1 Dec 00:00; with 7 more credits; with X-Priority: critical, as long as the overdraft of 5,000 lasts"
		if have := details(got["passes"], "detail"); have != want {
			t.Errorf("%s: passes %s, want %s", who, have, want)
		}
		if have := details(got["next_steps"], "action"); have != "shorten; ask; see_usage; wait" {
			t.Errorf("%s: next %s", who, have)
		}
		if have := details(got["ask_whom"], "why"); have != "administers Red" {
			t.Errorf("%s: ask %s", who, have)
		}
	}
	w.do("GET", "/v1/decisions/"+string(d.ID), w.bob.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)

	// What needs more than a whole window has is helped by no waiting, and what
	// needs more than the overdraft by no priority.
	id = "01ARZ3NDEKTSV4RRFFQ69G5FBC"
	d.ID, d.Request, d.Need, d.Want = alfred.DecisionID("dec_"+id), alfred.RequestID("req_"+id), 6000*alfred.Credit, 6000*alfred.Credit
	_, err = w.records.RecordEvents(w.ctx, []alfred.UsageEvent{{
		Kind: alfred.EventDecision, Org: w.org, Reservation: alfred.HoldID("hold_" + id), Request: d.Request, Decision: d.ID, At: d.At, User: d.User, Team: d.Team, Refused: &d,
	}})
	w.must(err)
	large := w.do("GET", "/v1/decisions/"+string(d.ID), w.anna.key, "").is(http.StatusOK)
	if have, want := details(large["passes"], "detail"), "with max_tokens ≤ 2; with 5,997 more credits"; have != want {
		t.Errorf("what is too large for a window: passes %s, want %s", have, want)
	}
	if have := details(large["next_steps"], "action"); have != "shorten; ask; see_usage" {
		t.Errorf("what is too large for a window: next %s", have)
	}

	// One that is older than checks are recorded shows the one that refused,
	// and an admitted one who paid.
	old := w.do("GET", "/v1/decisions/"+string(w.refusals[0].ID), w.anna.key, "").is(http.StatusOK)
	if old["checks_known"] != false || details(old["checks"], "outcome") != "fail" || details(old["checks"], "name") != "anna@company.com" {
		t.Errorf("an old refusal: %v", old["checks"])
	}
	paid := w.do("GET", "/v1/decisions/"+string(w.events[0].Decision), w.anna.key, "").is(http.StatusOK)
	if paid["allowed"] != true || number(paid["cost"]) != 100 || !strings.HasSuffix(details(paid["checks"], "detail"), "It paid 100.") {
		t.Errorf("an admitted request: %v", paid)
	}
}

func TestRequests(t *testing.T) {
	w := newCompany(t)
	list := func(path, key string) string {
		var out []string
		for _, r := range w.do("GET", path, key, "").list() {
			row := r.(map[string]any)
			out = append(out, fmt.Sprintf("%v:%v", row["model"], row["cost"]))
		}
		return strings.Join(out, " ")
	}
	all := "/v1/admin/requests"
	key := text(w.do("GET", "/v1/users/me/keys", w.bob.key, "").list()[0].(map[string]any)["id"])
	for _, c := range []struct{ path, key, want string }{
		{all, w.owner.key, "mini:10 mini:30 gpt-4:400 gpt-4:60 gpt-4:100"},
		{all + "?model=mini", w.owner.key, "mini:10 mini:30"},
		{all + "?user=" + w.bob.id, w.owner.key, "mini:10 gpt-4:400"},
		{all + "?team=" + w.red, w.owner.key, "mini:30 gpt-4:60 gpt-4:100"},
		{all + "?key=" + key, w.owner.key, "mini:10 gpt-4:400"},
		{all + "?outcome=broken,expired", w.owner.key, "gpt-4:60"},
		{all + "?min_cost=100", w.owner.key, "gpt-4:400 gpt-4:100"},
		{all + "?from=2026-11-22T00:00:00Z&until=2026-11-23T00:00:00Z", w.owner.key, "mini:30 gpt-4:400"},
		{all, w.lead.key, "mini:30 gpt-4:60 gpt-4:100"},
		{"/v1/users/me/requests", w.bob.key, "mini:10 gpt-4:400"},
		{"/v1/users/me/requests?outcome=broken", w.anna.key, "gpt-4:60"},
	} {
		have := list(c.path, c.key)
		if strings.Contains(c.want, "mini:30 gpt-4:400") { // of the same instant
			have = strings.Replace(have, "gpt-4:400 mini:30", "mini:30 gpt-4:400", 1)
		}
		if have != c.want {
			t.Errorf("%s: %s, want %s", c.path, have, c.want)
		}
	}
	first := w.do("GET", all+"?limit=2", w.owner.key, "").is(http.StatusOK)
	second := list(all+"?limit=3&cursor="+text(first["next_cursor"]), w.owner.key)
	if len(strings.Fields(second)) != 3 || first["has_more"] != true {
		t.Errorf("the second page: %s", second)
	}
	w.do("GET", all+"?team="+w.blue, w.lead.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)

	id := string(w.events[0].Request)
	got := w.do("GET", all+"/"+id, w.owner.key, "").is(http.StatusOK)
	price := got["price"].(map[string]any)
	if number(price["card_version"]) != 1 || price["exact"] != true || price["pattern"] != "*" || details(got["lines"], "kind") != "input; output" {
		t.Errorf("price %v, lines %v", price, got["lines"])
	}
	if details(got["legs"], "name") != "anna@company.com" || got["request"].(map[string]any)["team"].(map[string]any)["name"] != "Red" {
		t.Errorf("legs %v of %v", got["legs"], got["request"])
	}
	timing := got["timing"].(map[string]any)
	if timing["decided_millis"] != nil || timing["first_byte_millis"] != nil {
		t.Errorf("nobody measured, and the timing is %v", timing)
	}
	timed, decided, began := w.events[0], int64(4), int64(250)
	timed.Reservation, timed.Request, timed.Decision = "hold_01ARZ3NDEKTSV4RRFGTEST0001", "req_01ARZ3NDEKTSV4RRFGTEST0001", "dec_01ARZ3NDEKTSV4RRFGTEST0001"
	timed.DecidedMillis, timed.FirstByteMillis = &decided, &began
	_, err := w.records.RecordEvents(w.ctx, []alfred.UsageEvent{timed})
	w.must(err)
	timing = w.do("GET", all+"/"+string(timed.Request), w.owner.key, "").is(http.StatusOK)["timing"].(map[string]any)
	if number(timing["decided_millis"]) != 4 || number(timing["first_byte_millis"]) != 250 {
		t.Errorf("timing %v", timing)
	}
	w.do("GET", "/v1/users/me/requests/"+id, w.anna.key, "").is(http.StatusOK)
	w.do("GET", "/v1/users/me/requests/"+id, w.bob.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	w.do("GET", all+"/nonsense", w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)

	file := w.do("GET", "/v1/users/me/requests.csv", w.bob.key, "")
	if lines := strings.Split(strings.TrimSpace(string(file.body)), "\n"); len(lines) != 3 || !strings.Contains(lines[1], "bob@company.com") || !strings.Contains(lines[2], ",400,") {
		t.Errorf("file: %s", file.body)
	}
}

func TestDecisionsSearchAndAudit(t *testing.T) {
	w := newCompany(t)
	count := func(path, key string) int { return len(w.do("GET", path, key, "").list()) }
	for _, c := range []struct {
		path, key string
		want      int
	}{
		{"/v1/admin/decisions", w.owner.key, 3},
		{"/v1/admin/decisions?code=rate_limited", w.owner.key, 1},
		{"/v1/admin/decisions?user=" + w.anna.id, w.owner.key, 2},
		{"/v1/admin/decisions?team=" + w.blue, w.owner.key, 1},
		{"/v1/admin/decisions", w.lead.key, 2},
		{"/v1/users/me/decisions", w.bob.key, 1},
		{"/v1/admin/search?q=anna", w.owner.key, 1},
		{"/v1/admin/search?q=COMPANY.com", w.owner.key, 4},
		{"/v1/admin/search?q=company.com&limit=2", w.owner.key, 2},
		{"/v1/admin/search?q=red", w.owner.key, 1},
		{"/v1/admin/search?q=bob", w.lead.key, 0},
		{"/v1/admin/search?q=" + w.anna.key[:7], w.lead.key, 1},
		{"/v1/admin/search?q=" + string(w.refusals[0].ID), w.lead.key, 1},
		{"/v1/admin/search?q=" + string(w.refusals[2].ID), w.lead.key, 0},
		{"/v1/admin/search?q=" + string(w.events[0].Request), w.owner.key, 1},
		{"/v1/admin/search?q=%25", w.owner.key, 0},
		{"/v1/admin/audit?about=" + w.anna.id, w.owner.key, 1},
	} {
		if have := count(c.path, c.key); have != c.want {
			t.Errorf("%s: %d, want %d", c.path, have, c.want)
		}
	}
	page := w.do("GET", "/v1/admin/decisions?limit=2", w.owner.key, "").is(http.StatusOK)
	if n := count("/v1/admin/decisions?limit=2&cursor="+text(page["next_cursor"]), w.owner.key); n != 1 {
		t.Errorf("the second page has %d", n)
	}

	w.do("PATCH", "/v1/admin/users/"+w.anna.id, w.owner.key, `{"name":"=Anna"}`).is(http.StatusOK)
	change := w.do("GET", "/v1/admin/audit?action=user.update", w.owner.key, "").list()[0].(map[string]any)
	if have := fmt.Sprint(details(change["changes"], "field")); !strings.Contains(have, "name") || strings.Contains(have, "email") {
		t.Errorf("changes: %v", change["changes"])
	}
	file := string(w.do("GET", "/v1/admin/audit.csv?action=user.update", w.owner.key, "").body)
	if !strings.HasPrefix(file, "seq,at,actor_id") || strings.Count(file, "\n") != 2 {
		t.Errorf("file: %s", file)
	}
	refusals := string(w.do("GET", "/v1/admin/decisions.csv", w.owner.key, "").body)
	if !strings.Contains(refusals, "'=") && strings.Count(refusals, "anna@company.com") != 2 {
		t.Errorf("file: %s", refusals)
	}
}

// The audit log names what its ids stand for, now, and leaves the log itself as
// it is: the file, the events and the chain have not one byte more.
func TestAuditNamesWhatItSpeaksOf(t *testing.T) {
	w := started(t)
	ana := w.user("ana@company.com", "")
	team := w.team("Core", "500", ana)
	page := func(key, query string) (rows []any, names map[string]any) {
		t.Helper()
		got := w.do("GET", "/v1/admin/audit?limit=200"+query, key, "").is(http.StatusOK)
		return got["data"].([]any), got["names"].(map[string]any)
	}
	w.do("PATCH", "/v1/admin/users/"+ana.id, w.owner.key, `{"name":"Ana Berg"}`).is(http.StatusOK)
	rows, names := page(w.owner.key, "")
	key := ""
	for _, row := range rows {
		e := row.(map[string]any)
		for field := range e {
			if !slices.Contains([]string{"seq", "at", "actor_id", "actor", "action", "subject", "before", "after", "changes", "reason", "ip", "request_id", "prev_hash", "hash"}, field) {
				t.Errorf("an event has %s", field)
			}
		}
		if e["action"] == "key.create" && strings.Contains(fmt.Sprint(e["after"]), ana.id) {
			key = text(e["subject"])
		}
	}
	for id, want := range map[string]string{w.owner.id: "Owner", ana.id: "Ana Berg", team: "Core"} {
		if names[id] != want {
			t.Errorf("%s is called %v, want %s", id, names[id], want)
		}
	}
	if !strings.Contains(text(names[key]), ana.key[:7]) || text(names[string(w.org)]) == "" {
		t.Errorf("the key %s is called %v, the organisation %v", key, names[key], names[string(w.org)])
	}
	// A member sees what they did themselves, and names of nothing else.
	if _, names := page(ana.key, ""); names[w.owner.id] != nil || names[team] != nil {
		t.Errorf("a member is told %v", names)
	}
	before := w.do("GET", "/v1/admin/audit.csv?action=team.create", w.owner.key, "").body
	w.do("DELETE", "/v1/admin/teams/"+team, w.owner.key, "").is(http.StatusNoContent)
	w.do("DELETE", "/v1/admin/users/"+ana.id, w.owner.key, "").is(http.StatusNoContent)
	if _, names := page(w.owner.key, "&about="+ana.id); names[ana.id] != nil || names[team] != nil || names[w.owner.id] != "Owner" {
		t.Errorf("what is gone is called %v", names)
	}
	if after := w.do("GET", "/v1/admin/audit.csv?action=team.create", w.owner.key, "").body; !bytes.Equal(before, after) {
		t.Errorf("the file has changed: %s", after)
	}
	if w.do("GET", "/v1/admin/audit/verify", w.owner.key, "").is(http.StatusOK)["intact"] != true {
		t.Error("the chain is broken")
	}
}

func TestSettingsBesideTheEnvironment(t *testing.T) {
	w := started(t, withEnvironment(map[string]string{"DEFAULT_PERSONAL_QUOTA": "700", "SLACK_WEBHOOK_URL": "https://hooks.example/very-secret"}))
	r := w.do("GET", "/v1/admin/settings", w.owner.key, "")
	have := map[string]string{}
	for _, v := range r.is(http.StatusOK)["variables"].([]any) {
		row := v.(map[string]any)
		have[text(row["name"])] = fmt.Sprintf("%v %v %v", row["environment"], row["in_force"], row["source"])
	}
	for name, want := range map[string]string{
		"DEFAULT_PERSONAL_QUOTA": "700 1000 record", "DEFAULT_TEAM_POOL": "<nil> 10000 record", "SLACK_WEBHOOK_URL": "set set environment",
		"OPENAI_API_KEY": "<nil> <nil> default", "DEBUG": "<nil> false default",
	} {
		if have[name] != want {
			t.Errorf("%s: %s, want %s", name, have[name], want)
		}
	}
	if strings.Contains(string(r.body), "very-secret") {
		t.Error("a secret is told")
	}
}
