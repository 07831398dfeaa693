package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
)

func TestSettings(t *testing.T) {
	w := started(t)
	a := w.user("a@company.com", "")
	const path = "/v1/admin/organization"
	set := func(settings string) reply { return w.do("PATCH", path, w.owner.key, `{"settings":`+settings+`}`) }

	// A window may move while nothing is spent in it; afterwards the next one does.
	set(`{"zone":"Europe/Oslo"}`).is(http.StatusOK)
	if q := w.quota(a); q["tz"] != "Europe/Oslo" || q["window_start"] != "2026-10-31T23:00:00Z" || q["resets_at"] != "2026-11-30T23:00:00Z" {
		t.Errorf("quota in Oslo: %v", q)
	}
	w.spend(a, 5*alfred.Credit, alfred.PriorityNormal)
	set(`{"zone":"UTC"}`).is(http.StatusOK)
	if q := w.quota(a); q["tz"] != "Europe/Oslo" || number(q["used_tokens"]) != 5 || q["window_start"] != "2026-10-31T23:00:00Z" {
		t.Errorf("quota in Oslo, with a change planned: %v", q)
	}
	set(`{"next_window":null}`).is(http.StatusOK)
	set(`{"window":{"kind":"monthly","anchor_day":1}}`).is(http.StatusOK)

	// The rest counts at once, and what is not given stays.
	org := set(`{"default_personal_quota":70,"vacation_share_percentage":25}`).is(http.StatusOK)
	settings, _ := org["settings"].(map[string]any)
	if number(settings["default_personal_quota"]) != 70 || number(settings["default_team_pool"]) != 10000 || settings["zone"] != "Europe/Oslo" {
		t.Errorf("settings: %v", settings)
	}
	if q := w.quota(a); number(q["personal_quota"]) != 70 || q["source"].(map[string]any)["level"] != "organization" {
		t.Errorf("quota: %v", q)
	}
	set(`{"fail_mode":"open"}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	org = set(`{"fail_mode":"local"}`).is(http.StatusOK)
	if settings, _ := org["settings"].(map[string]any); settings["fail_mode"] != "local" {
		t.Errorf("settings: %v", settings)
	}
	w.publish()
	if catalog, err := w.live.Catalog(w.ctx, w.org); err != nil || catalog.Settings.FailMode != alfred.FailLocal {
		t.Errorf("published %v, %v", catalog, err)
	}
	admin := w.user("admin@company.com", `,"access_role":"admin"`)
	w.do("PATCH", path, admin.key, `{"settings":{"default_personal_quota":90}}`).refused(http.StatusForbidden, alfred.CodeForbidden)
}

// What was moved lies on the window's counters as much as what was spent.
func TestAWindowIsNotBegunAnewOverATransfer(t *testing.T) {
	w := started(t)
	a := w.user("a@company.com", "")
	w.do("POST", "/v1/users/me/transfer", w.owner.key, `{"recipient_email":"a@company.com","amount":400}`).is(http.StatusCreated)
	out := w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"zone":"Europe/Oslo"}}`).is(http.StatusOK)
	if s := out["settings"].(map[string]any); s["zone"] != "UTC" || s["next_window"].(map[string]any)["from"] != "2026-12-01T00:00:00Z" {
		t.Errorf("settings: %v", s)
	}
	if mine, theirs := w.quota(w.owner), w.quota(a); number(mine["personal_quota"]) != 9600 || number(theirs["personal_quota"]) != 1400 {
		t.Errorf("quotas: %v, %v", mine["personal_quota"], theirs["personal_quota"])
	}
}

// Where a quota comes from: the person, the first team, the organisation.
func TestSourceOfAQuota(t *testing.T) {
	w := started(t)
	a := w.user("a@company.com", "")
	source := func(level string, quota float64) {
		t.Helper()
		u := w.do("GET", "/v1/users/me", a.key, "").is(http.StatusOK)
		if u["source"].(map[string]any)["level"] != level || number(u["effective_quota"]) != quota {
			t.Errorf("%v from %v, want %v from %s", u["effective_quota"], u["source"], quota, level)
		}
	}
	source("organization", 1000)
	team := w.team("Engineering", "10000", a)
	w.team("Sales", "10000", a)
	w.do("PATCH", "/v1/admin/teams/"+team, w.owner.key, `{"default_quota":300}`).is(http.StatusOK)
	source("team", 300)
	w.do("PATCH", "/v1/admin/users/"+a.id, w.owner.key, `{"personal_quota":0}`).is(http.StatusOK)
	source("user", 0)
	if q := w.quota(a); q["blocked_by"] != nil && number(q["team_pool_available"]) == 0 {
		t.Errorf("quota: %v", q)
	}
	w.do("PATCH", "/v1/admin/users/"+a.id, w.owner.key, `{"personal_quota":null}`).is(http.StatusOK)
	source("team", 300)
}

// The audit log names the client that the trusted front door names, and
// believes nobody else.
func TestAuditedAddress(t *testing.T) {
	w := started(t)
	for _, c := range []struct{ remote, forwarded, want string }{
		{"127.0.0.1:9", "203.0.113.7", "203.0.113.7"},
		{"198.51.100.4:9", "203.0.113.7", "198.51.100.4"},
		{"127.0.0.1:9", "", "127.0.0.1"},
	} {
		r := httptest.NewRequestWithContext(w.ctx, http.MethodPost, "/v1/admin/departments", strings.NewReader(`{"name":"`+c.remote+c.forwarded+`"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-API-Key", w.owner.key)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		events, err := w.records.Audit(w.ctx, w.org, alfred.AuditFilter{Action: "department.create", Limit: 1})
		w.must(err)
		if rec.Code != http.StatusCreated || len(events) != 1 || events[0].IP != c.want {
			t.Errorf("%v: %d, audited %+v", c, rec.Code, events)
		}
	}
}

// Nothing that is kept or said holds a key.
func TestNoSecretIsKept(t *testing.T) {
	w := started(t)
	made := w.do("POST", "/v1/users/me/keys", w.owner.key, `{"name":"laptop"}`, "Idempotency-Key: once").is(http.StatusCreated)
	secret := text(made["api_key"])
	w.do("GET", "/v1/users/me", secret, "").is(http.StatusOK)
	for _, path := range []string{"/v1/admin/audit?limit=200", "/v1/users/me/keys", "/v1/admin/users/" + w.owner.id + "/keys"} {
		if body := string(w.do("GET", path, w.owner.key, "").body); strings.Contains(body, secret) || strings.Contains(body, w.owner.key) {
			t.Errorf("%s holds a key", path)
		}
	}
	again := w.do("POST", "/v1/users/me/keys", w.owner.key, `{"name":"laptop"}`, "Idempotency-Key: once").is(http.StatusCreated)
	if again["api_key"] != nil || again["prefix"] != made["prefix"] || again["id"] != made["id"] {
		t.Errorf("replayed: %v", again)
	}
	w.do("DELETE", "/v1/users/me/keys/"+text(made["id"]), w.owner.key, "").is(http.StatusNoContent)
	w.do("GET", "/v1/users/me", secret, "").refused(http.StatusUnauthorized, alfred.CodeKeyRevoked)
	w.do("POST", "/v1/users/me/keys", w.owner.key, `{"expires_at":"2020-01-01T00:00:00Z"}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
}
