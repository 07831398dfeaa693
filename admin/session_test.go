package admin_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// signIn signs somebody in and returns the header that carries the session.
func (w *world) signIn(p person) string {
	w.Helper()
	r := w.do("POST", "/v1/auth/session", "", `{"api_key":"`+p.key+`"}`)
	r.is(http.StatusCreated)
	cookie, _, _ := strings.Cut(r.header.Get("Set-Cookie"), ";")
	return "Cookie: " + cookie
}

func TestSignInAndOut(t *testing.T) {
	w := started(t)
	r := w.do("POST", "/v1/auth/session", "", `{"api_key":"`+w.owner.key+`"}`)
	got := r.is(http.StatusCreated)
	cookie := r.header.Get("Set-Cookie")
	for _, want := range []string{"alfred_session=", "Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=43200"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie lacks %s: %s", want, cookie)
		}
	}
	if strings.Contains(cookie, "Secure") || strings.HasPrefix(cookie, "__Host-") {
		t.Errorf("over http the cookie would not be kept: %s", cookie)
	}
	if strings.Contains(string(r.body), w.owner.key) || strings.Contains(cookie, w.owner.key) {
		t.Error("the key is told back")
	}
	if got["method"] != "session" || got["base_url"] != "http://localhost:8000/v1" || got["expires_at"] != "2026-11-24T00:00:00Z" {
		t.Errorf("session: %s", r.body)
	}
	organization := got["organization"].(map[string]any)
	if name := organization["window"].(map[string]any)["name"]; name != "2026-11" {
		t.Errorf("window %v", name)
	}
	may := fmt.Sprint(got["permissions"])
	if !strings.Contains(may, "createUser ") || !strings.Contains(may, "getOverview ") {
		t.Errorf("an owner may %s", may)
	}

	session := w.signIn(w.owner)
	w.do("GET", "/v1/auth/session", "", "", session).is(http.StatusOK)
	w.do("POST", "/v1/admin/teams", "", `{"name":"Made with a session"}`, session).is(http.StatusCreated)
	gone := w.do("DELETE", "/v1/auth/session", "", "", session)
	gone.is(http.StatusNoContent)
	if !strings.Contains(gone.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the cookie stays: %s", gone.header.Get("Set-Cookie"))
	}
	w.do("GET", "/v1/auth/session", "", "", session).refused(http.StatusUnauthorized, alfred.CodeSessionEnded)

	// The other session, and the key, go on.
	first, _, _ := strings.Cut(cookie, ";")
	w.do("GET", "/v1/users/me", "", "", "Cookie: "+first).is(http.StatusOK)
	if method := w.do("GET", "/v1/auth/session", w.owner.key, "").is(http.StatusOK)["method"]; method != "key" {
		t.Errorf("with a key the method is %v", method)
	}
	actions := fmt.Sprint(w.do("GET", "/v1/admin/audit?action=session.", w.owner.key, "").is(http.StatusOK)["data"])
	if strings.Count(actions, "session.create") != 2 {
		t.Errorf("audited: %s", actions)
	}
}

func TestSessionOverHTTPS(t *testing.T) {
	w := started(t, func(c *admin.Config) { c.PublicURL = "https://alfred.company.com" })
	cookie := w.do("POST", "/v1/auth/session", "", `{"api_key":"`+w.owner.key+`"}`).header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "__Host-alfred_session=") || !strings.Contains(cookie, "Secure") || strings.Contains(cookie, "Domain") {
		t.Errorf("cookie: %s", cookie)
	}
}

// What ends a session ends it at the next request.
func TestWhatEndsASession(t *testing.T) {
	w := started(t)
	for _, c := range []struct {
		rule string
		end  func(p person, session string)
		code alfred.Code
	}{
		{"the key is revoked", func(p person, _ string) {
			key := text(w.do("GET", "/v1/users/me/keys", p.key, "").list()[0].(map[string]any)["id"])
			w.do("DELETE", "/v1/users/me/keys/"+key, p.key, "").is(http.StatusNoContent)
		}, alfred.CodeKeyRevoked},
		{"the person is suspended", func(p person, _ string) {
			w.do("PATCH", "/v1/admin/users/"+p.id, w.owner.key, `{"status":"suspended"}`).is(http.StatusOK)
		}, alfred.CodeUserSuspended},
		{"the person is deleted", func(p person, _ string) {
			w.do("DELETE", "/v1/admin/users/"+p.id, w.owner.key, "").is(http.StatusNoContent)
		}, alfred.CodeKeyRevoked},
		{"signed out everywhere", func(p person, _ string) {
			other := w.signIn(p)
			w.do("DELETE", "/v1/auth/sessions", "", "", other).is(http.StatusNoContent)
		}, alfred.CodeSessionEnded},
		{"an hour without a request", func(person, string) { w.clock.Set(w.clock.Now().Add(time.Hour)) }, alfred.CodeSessionEnded},
		{"twelve hours, however busy", func(_ person, session string) {
			for range 24 {
				w.clock.Set(w.clock.Now().Add(30 * time.Minute))
				w.do("GET", "/v1/auth/session", "", "", session)
			}
		}, alfred.CodeSessionEnded},
	} {
		p := w.user(strings.ReplaceAll(c.rule, " ", "-")+"@company.com", "")
		session := w.signIn(p)
		w.do("GET", "/v1/users/me", "", "", session).is(http.StatusOK)
		c.end(p, session)
		if got := w.do("GET", "/v1/users/me", "", "", session); got.is(got.status)["code"] != string(c.code) {
			t.Errorf("%s: %d %s, want %s", c.rule, got.status, got.body, c.code)
		}
	}

	// Requests keep a session alive, looking does not.
	busy, idle := w.signIn(w.owner), w.signIn(w.owner)
	for range 3 {
		w.clock.Set(w.clock.Now().Add(30 * time.Minute))
		w.do("GET", "/v1/auth/session", "", "", busy).is(http.StatusOK)
		w.do("GET", "/v1/auth/session?passive=true", "", "", idle)
	}
	w.do("GET", "/v1/auth/session?passive=true", "", "", idle).refused(http.StatusUnauthorized, alfred.CodeSessionEnded)
}

func TestSignInIsRefused(t *testing.T) {
	w := started(t)
	p := w.user("p@company.com", "")
	expiring := text(w.do("POST", "/v1/users/me/keys", p.key, `{"expires_at":"2026-11-23T13:00:00Z"}`).is(http.StatusCreated)["api_key"])
	revoked := w.do("POST", "/v1/users/me/keys", p.key, `{}`).is(http.StatusCreated)
	w.do("DELETE", "/v1/users/me/keys/"+text(revoked["id"]), p.key, "").is(http.StatusNoContent)
	w.clock.Set(w.clock.Now().Add(2 * time.Hour))
	as := func(key string, headers ...string) reply {
		return w.do("POST", "/v1/auth/session", "", `{"api_key":"`+key+`"}`, headers...)
	}
	as("tp-nonsense").refused(http.StatusUnauthorized, alfred.CodeInvalidKey)
	as(expiring).refused(http.StatusUnauthorized, alfred.CodeKeyExpired)
	as(text(revoked["api_key"])).refused(http.StatusUnauthorized, alfred.CodeKeyRevoked)
	w.do("PATCH", "/v1/admin/users/"+p.id, w.owner.key, `{"status":"suspended"}`).is(http.StatusOK)
	as(p.key).refused(http.StatusForbidden, alfred.CodeUserSuspended)
	w.do("POST", "/v1/auth/session", "", `{"api_key":""}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	w.do("POST", "/v1/auth/session", "", `{"api_key":"x","more":1}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	for _, name := range []string{"alfred_session", "__Host-alfred_session"} {
		code := w.do("GET", "/v1/users/me", "", "", "Cookie: "+name+"=made-up").is(http.StatusUnauthorized)["code"]
		if want := map[string]string{"alfred_session": "session_ended", "__Host-alfred_session": "missing_api_key"}[name]; code != want {
			t.Errorf("%s: %v", name, code)
		}
	}
}

func TestAttemptsAreLimited(t *testing.T) {
	w := started(t, func(c *admin.Config) { c.TrustedProxies = []string{"192.0.2.1"} })
	try := func(key, ip string) reply {
		return w.do("POST", "/v1/auth/session", "", `{"api_key":"`+key+`"}`, "X-Forwarded-For: "+ip)
	}
	// One key from many places: five tries, then one every twelve seconds. Its
	// owner gets in meanwhile.
	guess := w.owner.key[:7] + strings.Repeat("x", len(w.owner.key)-7)
	for i := range 5 {
		try(guess, fmt.Sprintf("10.0.0.%d", i)).refused(http.StatusUnauthorized, alfred.CodeInvalidKey)
	}
	sixth := try(guess, "10.0.0.9")
	sixth.refused(http.StatusTooManyRequests, alfred.CodeAttempts)
	if wait := sixth.header.Get("Retry-After"); wait != "13" {
		t.Errorf("Retry-After %q", wait)
	}
	try(w.owner.key, "10.0.0.9").is(http.StatusCreated)
	w.clock.Set(w.clock.Now().Add(12 * time.Second))
	try(guess, "10.0.0.9").refused(http.StatusUnauthorized, alfred.CodeInvalidKey)
	try(guess, "10.0.0.9").refused(http.StatusTooManyRequests, alfred.CodeAttempts)

	// Many keys from one place, also through the addresses of one IPv6 network.
	for i := range 20 {
		try(fmt.Sprintf("tp-%04d", i), fmt.Sprintf("2001:db8::%x", i)).refused(http.StatusUnauthorized, alfred.CodeInvalidKey)
	}
	try(w.owner.key, "2001:db8::99").refused(http.StatusTooManyRequests, alfred.CodeAttempts)
	try(w.owner.key, "2001:db9::1").is(http.StatusCreated)
	for range 40 { // signing in rightly uses up nothing
		try(w.owner.key, "10.1.0.1").is(http.StatusCreated)
	}
}

// A session is not to be used by another site; a key may be used by anybody
// who has it.
func TestOtherSites(t *testing.T) {
	w := started(t)
	session := w.signIn(w.owner)
	for _, c := range []struct {
		rule    string
		headers []string
		ok      bool
	}{
		{"the app itself", []string{"Sec-Fetch-Site: same-origin", "Origin: http://localhost:8000"}, true},
		{"a script without a browser", nil, true},
		{"the public address behind a proxy that renames the host", []string{"Sec-Fetch-Site: cross-site", "Origin: http://localhost:8000"}, true},
		{"another site", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, false},
		{"a neighbour's subdomain", []string{"Sec-Fetch-Site: same-site", "Origin: http://other.localhost:8000"}, false},
		{"another site in an old browser", []string{"Origin: https://evil.example"}, false},
	} {
		write := w.do("PATCH", "/v1/users/me", "", `{"name":"Changed"}`, append(slices.Clone(c.headers), session)...)
		login := w.do("POST", "/v1/auth/session", "", `{"api_key":"`+w.owner.key+`"}`, c.headers...)
		if c.ok != (write.status == http.StatusOK) || c.ok != (login.status == http.StatusCreated) {
			t.Errorf("%s: write %d %s, sign in %d", c.rule, write.status, write.body, login.status)
		}
		if !c.ok {
			write.refused(http.StatusForbidden, alfred.CodeCrossOrigin)
		}
		w.do("GET", "/v1/users/me", "", "", append(slices.Clone(c.headers), session)...).is(http.StatusOK)
		w.do("PATCH", "/v1/users/me", w.owner.key, `{"name":"By key"}`, c.headers...).is(http.StatusOK)
	}
}

// withEnvironment sets variables of the environment.
func withEnvironment(vars map[string]string) func(*admin.Config) {
	return func(c *admin.Config) { c.Getenv = func(name string) string { return vars[name] } }
}
