package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// Every bad input has its documented answer, and costs nobody anything.
func TestBadInput(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	p := s.colleague(t, owner, "clumsy", 1000)
	revoked := s.revokedKey(t, p)
	good := `{"model":"gpt-4","messages":[{"role":"user","content":"Hello!"}]}`
	with := func(field string) string {
		return `{"model":"gpt-4",` + field + `,"messages":[{"role":"user","content":"Hello!"}]}`
	}
	for _, tc := range []struct {
		name    string
		key     string
		body    string
		headers []string
		status  int
		code    string
		param   string
		says    string
	}{
		{name: "no key", body: good, status: 401, code: "missing_api_key"},
		{name: "malformed key", key: "sk-abc", body: good, status: 401, code: "invalid_api_key"},
		{name: "unknown key", key: "tp-" + strings.Repeat("a", 42), body: good, status: 401, code: "invalid_api_key"},
		{name: "revoked key", key: revoked, body: good, status: 401, code: "invalid_api_key"},
		{name: "two different keys", key: p.Key, headers: []string{"X-API-Key", owner.Key}, body: good, status: 400, code: "conflicting_api_keys"},
		{name: "empty body", key: p.Key, status: 400, code: "invalid_request"},
		{name: "truncated body", key: p.Key, body: good[:40], status: 400, code: "invalid_request"},
		{name: "not JSON", key: p.Key, body: "model=gpt-4", status: 400, code: "invalid_request"},
		{name: "duplicate key", key: p.Key, body: with(`"model":"gpt-5"`), status: 400, code: "invalid_request", says: `"model"`},
		{name: "no model", key: p.Key, body: `{"messages":[{"role":"user","content":"Hello!"}]}`, status: 400, code: "invalid_request", param: "model"},
		{name: "negative max_tokens", key: p.Key, body: with(`"max_tokens":-1`), status: 400, code: "invalid_request", param: "max_tokens"},
		{name: "no max_tokens at all", key: p.Key, body: with(`"max_tokens":0`), status: 400, code: "invalid_request", param: "max_tokens"},
		{name: "fractional max_tokens", key: p.Key, body: with(`"max_tokens":1.5`), status: 400, code: "invalid_request", param: "max_tokens"},
		{name: "absurd max_tokens", key: p.Key, body: with(`"max_tokens":99999999999999999999`), status: 400, code: "invalid_request", param: "max_tokens"},
		{name: "unknown priority", key: p.Key, headers: []string{"X-Priority", "urgent"}, body: good, status: 400, code: "invalid_request"},
		{name: "unknown project", key: p.Key, headers: []string{"X-Project-ID", "nobody-knows"}, body: good, status: 403, code: "project_not_allowed"},
		{name: "33 MiB", key: p.Key, body: with(`"pad":"` + strings.Repeat("x", 33<<20) + `"`), status: 413, code: "payload_too_large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var body any
			if tc.body != "" {
				body = tc.body
			}
			got := s.call(t, tc.key, http.MethodPost, "/v1/chat/completions", body, tc.headers...).refused(t, tc.status, tc.code)
			if tc.param != "" && (got.Error.Param == nil || *got.Error.Param != tc.param) {
				t.Errorf("the field at fault is not named: %+v", got)
			}
			if !strings.Contains(got.Error.Message, tc.says) {
				t.Errorf("%s is not named: %+v", tc.says, got)
			}
			page := s.call(t, "", http.MethodGet, strings.TrimPrefix(got.Type, s.publicURL()), nil)
			if !strings.HasPrefix(got.Type, s.publicURL()+"/errors/") || page.StatusCode != http.StatusOK {
				t.Errorf("type %s is not a page: %s", got.Type, page.Status)
			}
		})
	}
	t.Run("another path", func(t *testing.T) {
		s.call(t, p.Key, http.MethodPost, "/v1/embeddings", `{}`).refused(t, http.StatusForbidden, "endpoint_not_metered")
	})
	t.Run("another method", func(t *testing.T) {
		s.call(t, p.Key, http.MethodGet, "/v1/chat/completions", nil).refused(t, http.StatusMethodNotAllowed, "method_not_allowed")
	})
	if n := s.providerHolds(t); n != 0 {
		t.Errorf("%d of these reached the provider", n)
	}
	if q := s.settled(t, p); q.Used != 0 {
		t.Errorf("these cost something: %+v", q)
	}

	t.Run("an unknown model is admitted", func(t *testing.T) {
		s.complete(t, p, chat("model-of-tomorrow", "Hello!", "max_tokens", 20)).into(t, http.StatusOK, nil)
	})
	t.Run("without a limit the answer shrinks to the quota", func(t *testing.T) {
		answer := s.complete(t, p, chat("gpt-4", "Hello!"))
		answer.into(t, http.StatusOK, nil)
		if answer.Header.Get("X-Alfred-Output-Limit") == "" {
			t.Errorf("a quota of 1,000 carries no whole answer, yet nothing says so: %v", answer.Header)
		}
	})
	t.Run("an unknown field", func(t *testing.T) {
		s.call(t, owner.Key, http.MethodPost, "/v1/admin/users", map[string]any{"email": "x@company.com", "name": "X", "colour": "red"}).
			refused(t, http.StatusUnprocessableEntity, "validation_failed")
	})
	t.Run("a stale version", func(t *testing.T) {
		s.call(t, owner.Key, http.MethodPatch, "/v1/admin/users/"+p.ID, map[string]any{"name": "Clumsier"}, "If-Match", `"0"`).
			refused(t, http.StatusPreconditionFailed, "stale_version")
	})
}

// Someone who is deleted while a call runs: the key dies, the call ends well and is settled.
func TestDeletingSomebodyWithACallInFlight(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	p := s.colleague(t, owner, "leaver", 10_000)
	waiting := s.background(p, hanging())
	await(t, "the call is held", func() bool { return s.quota(t, p).Held > 0 })
	s.call(t, owner.Key, http.MethodDelete, "/v1/admin/users/"+p.ID, nil).into(t, http.StatusNoContent, nil)
	await(t, "the key is dead", func() bool {
		return s.complete(t, p, chat("gpt-4", "Hello!")).StatusCode == http.StatusUnauthorized
	})
	s.release(t)
	if a := <-waiting; a.status != http.StatusOK || total(t, a.body) == 0 {
		t.Errorf("the call ended with %d, %v: %s", a.status, a.failure, a.body)
	}
}

// revokedKey is a second key of a person, that was made and revoked.
func (e *edge) revokedKey(t *testing.T, p person) string {
	t.Helper()
	var key struct {
		ID  string `json:"id"`
		Key string `json:"api_key"`
	}
	e.call(t, p.Key, http.MethodPost, "/v1/users/me/keys", map[string]any{"name": "lost"}).into(t, http.StatusCreated, &key)
	e.awaitKey(t, person{Key: key.Key, Email: p.Email})
	e.call(t, p.Key, http.MethodDelete, "/v1/users/me/keys/"+key.ID, nil).into(t, http.StatusNoContent, nil)
	await(t, "the key is revoked", func() bool {
		return e.call(t, key.Key, http.MethodGet, "/v1/models", nil).StatusCode == http.StatusUnauthorized
	})
	return key.Key
}
