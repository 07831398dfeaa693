package admin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// asked records requests that ended in some way, one after another until now,
// each a little longer than the one before.
func (w *world) asked(p person, provider string, statuses ...int) {
	w.Helper()
	var events []alfred.UsageEvent
	for i, status := range statuses {
		e := w.event(p, alfred.Credit, fmt.Sprintf("hold_%s%022d", strings.ToUpper(provider[:4]), i))
		e.Provider, e.Status, e.At, e.Millis = provider, status, w.clock.Now().Add(time.Duration(i-len(statuses))*time.Second), int64(100*(i+1))
		if status != http.StatusOK {
			e.Kind, e.Outcome, e.Cost = alfred.EventVoid, alfred.OutcomeUpstreamError, 0
		}
		events = append(events, e)
	}
	_, err := w.records.RecordEvents(w.ctx, events)
	w.must(err)
}

func TestListProviders(t *testing.T) {
	w := started(t, func(c *admin.Config) {
		c.Providers = []admin.Provider{{ID: "openai", BaseURL: "https://api.openai.com/v1", Header: http.Header{"Authorization": {"Bearer sk-hunter2"}}}, {ID: "quiet", BaseURL: "http://quiet/v1"}}
	})
	p := w.user("anna@company.com", "")
	old := w.event(p, alfred.Credit, "hold_01ARZ3NDEKTSV4RRFFQ69G5OLD")
	old.Provider, old.Model, old.At = "openai", "gpt-5", w.clock.Now().Add(-10*24*time.Hour)
	older := w.event(p, alfred.Credit, "hold_01ARZ3NDEKTSV4RRFFQ69G5ELD")
	older.Provider, older.Model, older.At = "openai", "o1", w.clock.Now().Add(-40*24*time.Hour)
	_, err := w.records.RecordEvents(w.ctx, []alfred.UsageEvent{old, older})
	w.must(err)
	// What the caller wrote wrong is no fault of the provider's.
	w.asked(p, "openai", 200, 200, 400, 404, 500, 429, 401, 503, 200)
	w.asked(p, "mock", 200, 200, 200)

	answer := w.do("GET", "/v1/admin/providers", w.owner.key, "")
	if strings.Contains(string(answer.body), "hunter2") {
		t.Errorf("the answer holds the key: %s", answer.body)
	}
	var rows []string
	for _, r := range answer.is(http.StatusOK)["data"].([]any) {
		row := r.(map[string]any)
		rows = append(rows, fmt.Sprintln(row["id"], row["name"], row["configured"], row["address"], row["health"], row["requests"], row["errors"], row["median_millis"],
			row["last_success_at"], row["last_error_at"], row["models"]))
	}
	now := "2026-11-23T11:59:59Z"
	want := []string{
		fmt.Sprintln("mock", "Mock provider", false, nil, "healthy", 3, 0, 200, now, nil, "[gpt-4]"),
		fmt.Sprintln("openai", "OpenAI", true, "https://api.openai.com/v1", "degraded", 9, 4, 200, now, "2026-11-23T11:59:58Z", "[gpt-4 gpt-5]"),
		fmt.Sprintln("quiet", "quiet", true, "http://quiet/v1", "unknown", 0, 0, nil, nil, nil, "[]"),
	}
	if got := strings.Join(rows, ""); got != strings.Join(want, "") {
		t.Errorf("providers:\n%s\nwant\n%s", got, strings.Join(want, ""))
	}
	w.clock.Set(w.clock.Now().Add(2 * time.Hour))
	for _, r := range w.do("GET", "/v1/admin/providers", w.owner.key, "").is(http.StatusOK)["data"].([]any) {
		if row := r.(map[string]any); row["health"] != "unknown" || row["error_percent"] != nil {
			t.Errorf("two hours later: %v", row)
		}
	}
}

func TestTestProvider(t *testing.T) {
	const key = "sk-hunter2"
	status, asked := http.StatusOK, 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the key went elsewhere: %v", r.Header) }))
	defer elsewhere.Close()
	provider := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked++
		if r.Method != http.MethodGet || r.URL.Path != "/v1/models" || r.Header.Get("Authorization") != "Bearer "+key {
			t.Errorf("asked %s %s with %v", r.Method, r.URL, r.Header)
		}
		rw.Header().Set("Location", elsewhere.URL)
		rw.WriteHeader(status)
		_, _ = fmt.Fprintf(rw, "I do not know %s", key)
	}))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	w := started(t, func(c *admin.Config) {
		header := http.Header{"Authorization": {"Bearer " + key}}
		c.Providers = []admin.Provider{{ID: "openai", BaseURL: provider.URL + "/v1", Header: header}, {ID: "anthropic", BaseURL: gone.URL + "/v1", Header: header}}
	})
	defer provider.Close()
	test := func(id string, headers ...string) map[string]any {
		t.Helper()
		r := w.do("POST", "/v1/admin/providers/"+id+"/test", w.owner.key, "", headers...)
		if strings.Contains(string(r.body), key) {
			t.Errorf("the answer holds the key: %s", r.body)
		}
		return r.is(http.StatusOK)
	}
	for _, c := range []struct {
		status int
		ok     bool
		says   string
	}{{200, true, "listed"}, {401, false, "Check the key"}, {429, false, "too often"}, {503, false, "problem of its own"}, {302, false, "Check its address"}, {404, false, "Check its address"}} {
		status = c.status
		if got := test("openai"); got["ok"] != c.ok || number(got["status"]) != float64(c.status) || !strings.Contains(text(got["detail"]), c.says) {
			t.Errorf("a provider that answers %d: %v", c.status, got)
		}
	}
	if got := test("anthropic"); got["ok"] != false || got["status"] != nil || !strings.Contains(text(got["detail"]), "No connection") {
		t.Errorf("a provider that is away: %v", got)
	}
	asked, status = 0, http.StatusOK
	first, again := test("openai", "Idempotency-Key: one"), test("openai", "Idempotency-Key: one")
	w.do("POST", "/v1/admin/providers/openai/test?dry_run=true", w.owner.key, "").is(http.StatusOK)
	if asked != 1 || first["at"] != again["at"] {
		t.Errorf("asked %d times for one key and a dry run: %v, %v", asked, first, again)
	}
	w.do("POST", "/v1/admin/providers/mock/test", w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	w.asked(w.user("anna@company.com", ""), "mock", 200)
	if got := test("mock"); got["ok"] != false || !strings.Contains(text(got["detail"]), "It was not asked") {
		t.Errorf("a provider that is not configured here: %v", got)
	}
}
