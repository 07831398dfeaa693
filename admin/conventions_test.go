package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

func TestBootstrapHappensOnce(t *testing.T) {
	w := newWorld(t)
	const body = `{"email":"%d@company.com","name":"First"}`
	statuses := make([]int, 8)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() { statuses[i] = w.do("POST", "/v1/admin/users", "", fmt.Sprintf(body, i)).status })
	}
	wg.Wait()
	made := 0
	for _, s := range statuses {
		switch s {
		case http.StatusCreated:
			made++
		case http.StatusUnauthorized:
		default:
			t.Errorf("got %d", s)
		}
	}
	if made != 1 {
		t.Errorf("%d first people were made: %v", made, statuses)
	}
	w.do("GET", "/v1/admin/users", "", "").refused(http.StatusUnauthorized, alfred.CodeMissingKey)
}

func TestBootstrapToken(t *testing.T) {
	const token = "a token that was set by somebody"
	body := `{"email":"first@company.com","name":"First"}`
	for _, c := range []struct {
		rule        string
		development bool
		token, sent string
		status      int
	}{
		{"development opens without a token", true, "", "", 201},
		{"a token that is set is needed in development too", true, token, "", 401},
		{"production without a token is closed", false, "", "", 401},
		{"production with another token", false, token, "another token altogether, sorry", 401},
		{"production with the token", false, token, token, 201},
	} {
		w := newWorld(t, func(c2 *admin.Config) { c2.Development, c2.BootstrapToken = c.development, c.token })
		if got := w.do("POST", "/v1/admin/users", c.sent, body); got.status != c.status {
			t.Errorf("%s: got %d %s, want %d", c.rule, got.status, got.body, c.status)
		}
		if c.status == 201 {
			w.do("POST", "/v1/admin/users", c.sent, `{"email":"second@company.com","name":"Second"}`).is(http.StatusUnauthorized)
		}
	}
}

func TestBadInput(t *testing.T) {
	w := started(t)
	for _, c := range []struct {
		rule, method, path, body string
		status                   int
		code                     alfred.Code
		param                    string
	}{
		{"an unknown field", "POST", "/v1/admin/users", `{"email":"a@company.com","name":"A","quota":5}`, 422, alfred.CodeValidation, "quota"},
		{"a missing field", "POST", "/v1/admin/users", `{"name":"A"}`, 422, alfred.CodeValidation, "email"},
		{"a wrong type", "POST", "/v1/admin/users", `{"email":"a@company.com","name":7}`, 422, alfred.CodeValidation, "name"},
		{"a negative quota", "POST", "/v1/admin/users", `{"email":"a@company.com","name":"A","personal_quota":-1}`, 422, alfred.CodeValidation, "personal_quota"},
		{"an absurd quota", "POST", "/v1/admin/users", `{"email":"a@company.com","name":"A","personal_quota":1e300}`, 422, alfred.CodeValidation, "personal_quota"},
		{"seven decimals", "POST", "/v1/admin/users", `{"email":"a@company.com","name":"A","personal_quota":0.0000001}`, 422, alfred.CodeValidation, "personal_quota"},
		{"no address", "POST", "/v1/admin/users", `{"email":"nobody","name":"A"}`, 422, alfred.CodeValidation, "email"},
		{"not JSON", "POST", "/v1/admin/users", `{"email":`, 422, alfred.CodeValidation, ""},
		{"no body", "POST", "/v1/admin/users", ``, 422, alfred.CodeValidation, ""},
		{"a duplicate address", "POST", "/v1/admin/users", `{"email":"OWNER@company.com","name":"A"}`, 409, alfred.CodeConflict, "email"},
		{"an unknown status", "PATCH", "/v1/admin/users/" + w.owner.id, `{"status":"asleep"}`, 422, alfred.CodeValidation, "status"},
		{"an unknown user", "GET", "/v1/admin/users/usr_nobody", ``, 404, alfred.CodeNotFound, ""},
		{"an unknown team", "GET", "/v1/admin/teams/team_none", ``, 404, alfred.CodeNotFound, ""},
		{"an unknown department", "POST", "/v1/admin/teams", `{"name":"A","department_id":"dep_none"}`, 422, alfred.CodeValidation, "department_id"},
		{"an empty change", "PATCH", "/v1/admin/users/" + w.owner.id, `{}`, 422, alfred.CodeValidation, ""},
		{"a page that is too long", "GET", "/v1/admin/users?limit=201", ``, 422, alfred.CodeValidation, "limit"},
		{"a time that is none", "GET", "/v1/users/me/usage?from=yesterday", ``, 422, alfred.CodeValidation, "from"},
		{"an amount that is text", "POST", "/v1/users/me/transfer", `{"recipient_email":"x@y.z","amount":"5"}`, 422, alfred.CodeValidation, "amount"},
		{"a zone that is none", "PATCH", "/v1/admin/organization", `{"settings":{"zone":"Mars/Olympus"}}`, 422, alfred.CodeValidation, ""},
		{"a limit without a subject", "PUT", "/v1/admin/limits", `{"data":[{"scope":"team","metric":"credits","credits":1}]}`, 422, alfred.CodeValidation, "data.0.subject"},
		{"a cap with a rate", "PUT", "/v1/admin/limits", `{"data":[{"scope":"organization","metric":"credits","rate":1}]}`, 422, alfred.CodeValidation, "data.0.credits"},
		{"a fail mode that is none", "PUT", "/v1/admin/limits", `{"data":[{"scope":"organization","metric":"credits","credits":1,"fail_mode":"open"}]}`, 422, alfred.CodeValidation, "data.0.fail_mode"},
	} {
		got := w.do(c.method, c.path, w.owner.key, c.body).refused(c.status, c.code)
		if strings.Contains(text(got["detail"]), "jsonschema") || strings.Contains(text(got["detail"]), "\n") {
			t.Errorf("%s: it speaks of the validator: %v", c.rule, got["detail"])
		}
		if param := text(got["error"].(map[string]any)["param"]); param != c.param {
			t.Errorf("%s: param %q, want %q: %v", c.rule, param, c.param, got["detail"])
		}
	}
	w.do("GET", "/v1/users/me", "tp-nonsense", "").refused(http.StatusUnauthorized, alfred.CodeInvalidKey)
	w.do("GET", "/v1/users/me", w.owner.key, "", "X-API-Key: "+w.owner.key).is(http.StatusOK)
	w.do("GET", "/v1/users/me", w.owner.key, "", "X-API-Key: tp-another").refused(http.StatusBadRequest, alfred.CodeConflictingKeys)
	w.do("POST", "/v1/admin/users", w.owner.key, `{"name":"`+strings.Repeat("x", 2<<20)+`"}`).refused(http.StatusRequestEntityTooLarge, alfred.CodeTooLarge)
	if got := w.do("GET", "/v1/users/me", w.owner.key, "", "X-Request-ID: mine-42").header.Get("X-Request-ID"); got != "mine-42" {
		t.Errorf("request id %q", got)
	}
}

func TestIdempotency(t *testing.T) {
	w := started(t)
	body := `{"email":"a@company.com","name":"A"}`
	first := w.do("POST", "/v1/admin/users", w.owner.key, body, "Idempotency-Key: one")
	again := w.do("POST", "/v1/admin/users", w.owner.key, body, "Idempotency-Key: one")
	a, b := first.is(http.StatusCreated), again.is(http.StatusCreated)
	if again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" {
		t.Error("the second reply does not say that it is a repetition, or the first does")
	}
	if a["id"] != b["id"] || b["api_key"] != nil || a["api_key"] == nil || b["api_key_prefix"] != a["api_key_prefix"] {
		t.Errorf("replayed: %s", again.body)
	}
	w.do("POST", "/v1/admin/users", w.owner.key, `{"email":"b@company.com","name":"B"}`, "Idempotency-Key: one").refused(http.StatusUnprocessableEntity, alfred.CodeIdempotency)
	if n := len(w.do("GET", "/v1/admin/users", w.owner.key, "").list()); n != 2 {
		t.Errorf("%d people", n)
	}

	// A refusal is not kept: the same key works once its cause is gone.
	transfer := `{"recipient_email":"late@company.com","amount":5}`
	w.do("POST", "/v1/users/me/transfer", w.owner.key, transfer, "Idempotency-Key: two").refused(http.StatusNotFound, alfred.CodeNotFound)
	w.user("late@company.com", "")
	w.do("POST", "/v1/users/me/transfer", w.owner.key, transfer, "Idempotency-Key: two").is(http.StatusCreated)
	for range 3 {
		w.do("POST", "/v1/users/me/transfer", w.owner.key, transfer, "Idempotency-Key: two").is(http.StatusCreated)
	}
	if q := w.quota(w.owner); number(q["personal_quota"]) != 9995 {
		t.Errorf("after five identical transfers: %v", q["personal_quota"])
	}

	// One of several at once does it; the others see it in flight or done.
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			r := w.do("POST", "/v1/users/me/transfer", w.owner.key, `{"recipient_email":"late@company.com","amount":7}`, "Idempotency-Key: three")
			if r.status != http.StatusCreated && r.status != http.StatusConflict {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
	wg.Wait()
	if q := w.quota(w.owner); number(q["personal_quota"]) != 9988 {
		t.Errorf("after six transfers at once: %v", q["personal_quota"])
	}
	w.clock.Set(w.clock.Now().Add(25 * time.Hour))
	w.do("POST", "/v1/users/me/transfer", w.owner.key, transfer, "Idempotency-Key: two").is(http.StatusCreated)
	if q := w.quota(w.owner); number(q["personal_quota"]) != 9983 {
		t.Errorf("a day later: %v", q["personal_quota"])
	}
}

func TestVersions(t *testing.T) {
	w := started(t)
	p := w.user("a@company.com", "")
	path := "/v1/admin/users/" + p.id
	tag := w.do("GET", path, w.owner.key, "").header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	changed := w.do("PATCH", path, w.owner.key, `{"name":"B"}`, "If-Match: "+tag)
	changed.is(http.StatusOK)
	w.do("PATCH", path, w.owner.key, `{"name":"C"}`, "If-Match: "+tag).refused(http.StatusPreconditionFailed, alfred.CodeStaleVersion)
	w.do("DELETE", path, w.owner.key, "", "If-Match: "+tag).refused(http.StatusPreconditionFailed, alfred.CodeStaleVersion)
	if now := w.do("GET", path, w.owner.key, "").header.Get("ETag"); now != changed.header.Get("ETag") {
		t.Errorf("the change answered %s and the person is %s", changed.header.Get("ETag"), now)
	}
	w.do("PATCH", path, w.owner.key, `{"name":"C"}`).is(http.StatusOK) // without If-Match the last one wins

	team := w.team("A", "10")
	org := "/v1/admin/organization"
	for _, c := range []struct{ path, body string }{{"/v1/admin/teams/" + team, `{"description":"x"}`}, {org, `{"name":"Acme"}`}} {
		tag := w.do("GET", c.path, w.owner.key, "").header.Get("ETag")
		after := w.do("PATCH", c.path, w.owner.key, c.body, "If-Match: "+tag)
		after.is(http.StatusOK)
		w.do("PATCH", c.path, w.owner.key, c.body, "If-Match: "+tag).refused(http.StatusPreconditionFailed, alfred.CodeStaleVersion)
		w.do("PATCH", c.path, w.owner.key, c.body, "If-Match: "+after.header.Get("ETag")).is(http.StatusOK)
	}
}

func TestDryRun(t *testing.T) {
	w := started(t)
	p := w.user("a@company.com", "")
	count := func() int { return len(w.do("GET", "/v1/admin/audit?limit=200", w.owner.key, "").list()) }
	before, quota := count(), w.quota(w.owner)
	for _, c := range []struct{ method, path, body, action string }{
		{"POST", "/v1/admin/users", `{"email":"b@company.com","name":"B"}`, "user.create"},
		{"PATCH", "/v1/admin/users/" + p.id, `{"name":"Z"}`, "user.update"},
		{"DELETE", "/v1/admin/users/" + p.id, ``, "user.delete"},
		{"POST", "/v1/users/me/transfer", `{"recipient_email":"a@company.com","amount":5}`, "transfer.create"},
		{"POST", "/v1/admin/teams", `{"name":"T"}`, "team.create"},
		{"PUT", "/v1/admin/limits", `{"data":[{"scope":"organization","metric":"credits","credits":1}]}`, "limit.put"},
	} {
		got := w.do(c.method, c.path+"?dry_run=true", w.owner.key, c.body).is(http.StatusOK)
		changes, _ := got["changes"].([]any)
		if got["dry_run"] != true || len(changes) == 0 || changes[0].(map[string]any)["action"] != c.action {
			t.Errorf("%s %s: %v", c.method, c.path, got)
		}
	}
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/v1/admin/users", `{"email":"b@company.com","name":"B"}`},
		{"PATCH", "/v1/admin/users/" + p.id, `{"status":"on_vacation"}`},
		{"POST", "/v1/users/me/keys", `{}`},
		{"POST", "/v1/admin/teams", `{"name":"T"}`},
		{"POST", "/v1/admin/departments", `{"name":"D"}`},
		{"POST", "/v1/admin/projects", `{"code":"p","name":"P"}`},
		{"POST", "/v1/users/me/transfer", `{"recipient_email":"a@company.com","amount":5}`},
		{"PATCH", "/v1/admin/organization", `{"name":"O"}`},
	} {
		got := w.do(c.method, c.path+"?dry_run=true", w.owner.key, c.body)
		got.is(http.StatusOK)
		for _, nothing := range []string{`0001-01-01`, `"department_id":""`, `"max_priority":""`} {
			if strings.Contains(string(got.body), nothing) {
				t.Errorf("%s %s shows %s: %s", c.method, c.path, nothing, got.body)
			}
		}
	}
	if n := count(); n != before {
		t.Errorf("dry runs were audited: %d, then %d", before, n)
	}
	if n := len(w.do("GET", "/v1/admin/users", w.owner.key, "").list()); n != 2 {
		t.Errorf("%d people", n)
	}
	if now := w.quota(w.owner); fmt.Sprint(now) != fmt.Sprint(quota) {
		t.Errorf("a dry transfer moved credits: %v, then %v", quota, now)
	}
	w.do("POST", "/v1/users/me/transfer?dry_run=true", w.owner.key, `{"recipient_email":"a@company.com","amount":4999999}`).is(http.StatusForbidden)
	poor := `{"recipient_email":"owner@company.com","amount":1001}`
	w.do("POST", "/v1/users/me/transfer?dry_run=true", p.key, poor).refused(http.StatusConflict, alfred.CodeInsufficient)
}

func TestPages(t *testing.T) {
	w := started(t)
	for i := range 7 {
		w.user(fmt.Sprintf("p%d@company.com", i), "")
	}
	seen, cursor, pages := map[string]bool{}, "", 0
	for {
		got := w.do("GET", "/v1/admin/users?limit=3"+cursor, w.owner.key, "").is(http.StatusOK)
		pages++
		for _, u := range got["data"].([]any) {
			id := text(u.(map[string]any)["id"])
			if seen[id] {
				t.Errorf("%s came twice", id)
			}
			seen[id] = true
		}
		if got["has_more"] != true {
			if got["next_cursor"] != nil {
				t.Errorf("the last page goes on: %v", got["next_cursor"])
			}
			break
		}
		cursor = "&cursor=" + text(got["next_cursor"])
	}
	if len(seen) != 8 || pages != 3 {
		t.Errorf("%d people on %d pages", len(seen), pages)
	}
	first := text(w.do("GET", "/v1/admin/users?limit=3", w.owner.key, "").is(http.StatusOK)["next_cursor"])
	w.do("GET", "/v1/admin/users?limit=3&q=p&cursor="+first, w.owner.key, "").refused(http.StatusBadRequest, alfred.CodeInvalidRequest)
	w.do("GET", "/v1/admin/users?cursor=nonsense", w.owner.key, "").refused(http.StatusBadRequest, alfred.CodeInvalidRequest)
	if n := len(w.do("GET", "/v1/admin/users?status=active,suspended&q=p3", w.owner.key, "").list()); n != 1 {
		t.Errorf("%d people match p3", n)
	}

	audit := w.do("GET", "/v1/admin/audit?limit=2&action=user.", w.owner.key, "").is(http.StatusOK)
	next := w.do("GET", "/v1/admin/audit?limit=2&action=user.&cursor="+text(audit["next_cursor"]), w.owner.key, "").is(http.StatusOK)
	if fmt.Sprint(audit["data"]) == fmt.Sprint(next["data"]) {
		t.Error("the second page of the audit log is the first")
	}
	verdict := w.do("GET", "/v1/admin/audit/verify", w.owner.key, "").is(http.StatusOK)
	if verdict["intact"] != true || number(verdict["events"]) < 16 {
		t.Errorf("audit: %v", verdict)
	}
}

func TestSiteLoadsNothingFromElsewhere(t *testing.T) {
	w := newWorld(t)
	pages := []string{"/static/", "/static/api", "/errors"}
	for _, e := range alfred.Explanations() {
		pages = append(pages, "/errors/"+string(e.Code))
	}
	for _, p := range pages {
		r := w.do("GET", p, "", "")
		if r.status != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s", p, r.status, r.header.Get("Content-Type"))
		}
		if csp := r.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", p, csp)
		}
		for _, outside := range []string{`src="http`, `href="http`, "<script", "<style", " style="} {
			if strings.Contains(string(r.body), outside) {
				t.Errorf("%s holds %s, which its policy forbids", p, outside)
			}
		}
	}
	if r := w.do("GET", "/errors/"+string(alfred.CodeUserQuota), "", ""); !strings.Contains(string(r.body), "Personal quota exhausted") {
		t.Errorf("%s", r.body)
	}
	if r := w.do("GET", "/errors/none", "", ""); r.status != http.StatusNotFound {
		t.Errorf("an unknown code: %d", r.status)
	}
	reference := string(w.do("GET", "/static/api", "", "").body)
	for _, has := range []string{
		`<span class="method post">POST</span> <code>/v1/users/me/transfer</code>`, `<code>recipient_email</code> <span class="must"`,
		`<strong>Keys.</strong>`, `<code>Authorization: Bearer tp-…</code>`, "active | on_vacation | suspended",
	} {
		if !strings.Contains(reference, has) {
			t.Errorf("the API page lacks %s", has)
		}
	}
	for _, mark := range []string{"**", "`"} {
		if strings.Contains(reference, mark) {
			t.Errorf("the API page shows the mark %s", mark)
		}
	}
	for _, p := range []string{"/", "/static"} {
		if r := w.do("GET", p, "", ""); r.status != http.StatusFound || r.header.Get("Location") != "/static/" {
			t.Errorf("%s: %d to %q", p, r.status, r.header.Get("Location"))
		}
	}
	if r := w.do("GET", "/v1/openapi.json", "", ""); r.status != http.StatusOK || !strings.Contains(string(r.body), `"operationId":"transferCredits"`) {
		t.Errorf("document: %d", r.status)
	}
}
