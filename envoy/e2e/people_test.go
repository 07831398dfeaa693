package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

// person is somebody with a key.
type person struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Key   string `json:"api_key"`
}

// quota is what GET /v1/users/me/quota says, as far as stories look at it.
type quota struct {
	Personal  float64 `json:"personal_quota"`
	Used      float64 `json:"used_tokens"`
	Available float64 `json:"available_quota"`
	Pool      float64 `json:"team_pool_available"`
	Held      float64 `json:"held"`
	BlockedBy *string `json:"blocked_by"`
}

// owner creates the first admin as the guide does, without a key.
func (e *edge) owner(t testing.TB) person {
	t.Helper()
	var p person
	e.call(t, "", http.MethodPost, "/v1/admin/users", map[string]any{
		"email": "admin@company.com", "name": "Admin User", "personal_quota": 1_000_000,
	}).into(t, http.StatusCreated, &p)
	if p.Key == "" {
		t.Fatal("the first admin got no key")
	}
	e.awaitKey(t, p)
	return p
}

// colleague creates one more person and waits until the person's key works.
func (e *edge) colleague(t testing.TB, owner person, name string, credits float64) person {
	t.Helper()
	var p person
	e.call(t, owner.Key, http.MethodPost, "/v1/admin/users", map[string]any{
		"email": name + "@company.com", "name": name, "personal_quota": credits,
	}).into(t, http.StatusCreated, &p)
	e.awaitKey(t, p)
	return p
}

// awaitKey returns when the data plane knows the key: a change is published within a second.
func (e *edge) awaitKey(t testing.TB, p person) {
	t.Helper()
	await(t, "the key of "+p.Email+" works", func() bool {
		return e.call(t, p.Key, http.MethodGet, "/v1/models", nil).StatusCode == http.StatusOK
	})
}

func (e *edge) quota(t testing.TB, p person) quota {
	t.Helper()
	var q quota
	e.call(t, p.Key, http.MethodGet, "/v1/users/me/quota", nil).into(t, http.StatusOK, &q)
	return q
}

// settled waits until nothing is held, and returns the quota then.
func (e *edge) settled(t testing.TB, p person) quota {
	t.Helper()
	var q quota
	await(t, "nothing is held for "+p.Email, func() bool {
		q = e.quota(t, p)
		return q.Held == 0
	})
	return q
}

// chat is the body of a completion.
func chat(model, prompt string, more ...any) map[string]any {
	body := map[string]any{"model": model, "messages": []any{map[string]any{"role": "user", "content": prompt}}}
	for i := 0; i < len(more); i += 2 {
		body[fmt.Sprint(more[i])] = more[i+1]
	}
	return body
}

func (e *edge) complete(t testing.TB, p person, body any, headers ...string) answer {
	t.Helper()
	return e.call(t, p.Key, http.MethodPost, "/v1/chat/completions", body, headers...)
}

// problem is an error as both planes tell it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Error  struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    string  `json:"code"`
	} `json:"error"`
}

// refused checks that an answer is the documented refusal, in both forms at once, and returns it.
func (a answer) refused(t testing.TB, status int, code string) problem {
	t.Helper()
	var p problem
	a.into(t, status, &p)
	if p.Error.Code != code || p.Status != status || p.Title == "" || p.Error.Message == "" {
		t.Errorf("%s %s: got %s, want the code %s", a.Request.Method, a.Request.URL.Path, a.body, code)
	}
	return p
}
