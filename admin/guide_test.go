package admin_test

import (
	"net/http"
	"testing"

	"github.com/alfred-envoy/alfred"
)

// The guide's story, with its own bodies.
func TestGuide(t *testing.T) {
	w := newWorld(t)
	first := w.do("POST", "/v1/admin/users", "", `{"email": "admin@company.com", "name": "Admin User", "personal_quota": 10000}`)
	admin := w.created(first)
	b := first.is(http.StatusCreated)
	if b["access_role"] != "owner" || number(b["personal_quota"]) != 10000 || number(b["effective_quota"]) != 10000 || len(admin.key) < 35 || admin.key[:3] != "tp-" {
		t.Fatalf("first admin: %s", first.body)
	}
	w.owner = admin

	user := w.created(w.do("POST", "/v1/admin/users", "", `{"email": "user@company.com", "name": "New User", "personal_quota": 5000}`, "X-API-Key: "+admin.key))
	changed := w.do("PUT", "/v1/admin/users/"+user.id, "", `{"name": "Updated Name", "personal_quota": 10000, "status": "active"}`, "X-API-Key: "+admin.key).is(http.StatusOK)
	if changed["name"] != "Updated Name" || number(changed["personal_quota"]) != 10000 || changed["email"] != "user@company.com" {
		t.Errorf("changed: %v", changed)
	}

	team := w.do("POST", "/v1/admin/teams", "", `{"name": "Engineering", "description": "Software development team", "common_pool": 50000}`, "X-API-Key: "+admin.key).is(http.StatusCreated)
	if number(team["common_pool"]) != 50000 || number(team["pool_available"]) != 50000 {
		t.Errorf("team: %v", team)
	}
	members := "/v1/admin/teams/" + text(team["id"]) + "/members"
	w.do("POST", members+"/"+user.id+"?is_admin=false", "", "", "X-API-Key: "+admin.key).is(http.StatusCreated)
	w.do("POST", members+"/"+user.id+"?is_admin=false", "", "", "X-API-Key: "+admin.key).is(http.StatusOK)
	w.do("POST", members+"/"+admin.id, "", "", "X-API-Key: "+admin.key).is(http.StatusCreated)
	if n := len(w.do("GET", members, admin.key, "").list()); n != 2 {
		t.Errorf("%d members", n)
	}

	w.spend(user, 3500*alfred.Credit, alfred.PriorityNormal)
	q := w.quota(user)
	for field, want := range map[string]float64{
		"personal_quota": 10000, "used_tokens": 3500, "available_quota": 6500, "team_pool_available": 25000, "base_quota": 10000, "held": 0, "overdraft_limit": 5000,
	} {
		if got, ok := q[field].(float64); !ok || got != want {
			t.Errorf("quota: %s is %v, want %v", field, q[field], want)
		}
	}
	if q["tz"] != "UTC" || q["unit"] != "credits" || q["resets_at"] != "2026-12-01T00:00:00Z" || q["window_start"] != "2026-11-01T00:00:00Z" || q["blocked_by"] != nil {
		t.Errorf("quota: %v", q)
	}

	colleague := w.user("colleague@company.com", `,"personal_quota":1000`)
	sent := w.do("POST", "/v1/users/me/transfer", user.key, `{"recipient_email": "colleague@company.com", "amount": 500, "reason": "Project deadline support"}`).is(http.StatusCreated)
	if number(sent["amount"]) != 500 || sent["recipient_id"] != colleague.id {
		t.Errorf("transfer: %v", sent)
	}
	if q := w.quota(user); number(q["personal_quota"]) != 9500 || number(q["available_quota"]) != 6000 || number(q["used_tokens"]) != 3500 {
		t.Errorf("sender: %v", q)
	}
	if q := w.quota(colleague); number(q["personal_quota"]) != 1500 || number(q["available_quota"]) != 1500 {
		t.Errorf("recipient: %v", q)
	}
	inbox := w.do("GET", "/v1/users/me/inbox?unread=true", colleague.key, "").list()
	if len(inbox) != 1 || inbox[0].(map[string]any)["kind"] != "credits_received" {
		t.Errorf("inbox: %v", inbox)
	}
	w.do("POST", "/v1/users/me/inbox/read", colleague.key, "").is(http.StatusNoContent)
	if unread := w.do("GET", "/v1/users/me/inbox?unread=true", colleague.key, "").list(); len(unread) != 0 {
		t.Errorf("still unread: %v", unread)
	}
	w.do("DELETE", members+"/"+user.id, admin.key, "").is(http.StatusNoContent)
	w.do("DELETE", "/v1/admin/teams/"+text(team["id"]), admin.key, "").is(http.StatusNoContent)
	w.do("DELETE", "/v1/admin/users/"+user.id, admin.key, "").is(http.StatusNoContent)
	w.do("GET", "/v1/users/me/quota", user.key, "").refused(http.StatusUnauthorized, alfred.CodeKeyRevoked)
}
