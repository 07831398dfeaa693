package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// anyParam stands for a field that only the message has to name.
const anyParam = "*"

// TestBadInputIsAnsweredAndNothingIsHeld sends what must not reach the
// provider.
func TestBadInputIsAnsweredAndNothingIsHeld(t *testing.T) {
	w := newWorld(t, 1_000_000*alfred.Credit)
	other, err := alfred.NewSecret(rand.Reader, []byte(pepper))
	if err != nil {
		t.Fatal(err)
	}
	chat := func(body string, headers ...string) func() *http.Request {
		return func() *http.Request { return w.request(t, http.MethodPost, "/v1/chat/completions", body, headers...) }
	}
	without := func(r *http.Request) *http.Request { r.Header.Del("Authorization"); return r }
	for _, c := range []struct {
		name   string
		send   func() *http.Request
		status int
		code   string
		param  string
	}{
		{"no key", func() *http.Request { return without(chat(hello)()) }, 401, "missing_api_key", "Authorization"},
		{"a key that Alfred never made", chat(hello, "Authorization: Bearer tp-nonsense"), 401, "invalid_api_key", "Authorization"},
		{"a key that was never issued", chat(hello, "Authorization: Bearer "+other), 401, "invalid_api_key", "Authorization"},
		{"another scheme", chat(hello, "Authorization: Basic YTpi"), 401, "invalid_api_key", "Authorization"},
		{"two different keys", chat(hello, "X-API-Key: "+other), 400, "conflicting_api_keys", "X-API-Key"},
		{"a bad priority", chat(hello, "X-Priority: urgent"), 400, "invalid_request", "X-Priority"},
		{"an unknown project", chat(hello, "X-Project-ID: apollo"), 403, "project_not_allowed", "X-Project-ID"},
		{"another's team", chat(hello, "X-Team-ID: team_x"), 403, "team_not_allowed", "X-Team-ID"},
		{"no body", chat(""), 400, "invalid_request", ""},
		{"a body that is no JSON", chat("hello"), 400, "invalid_request", ""},
		{"a truncated body", chat(hello[:len(hello)-3]), 400, "invalid_request", "messages[0]"},
		{"a duplicate key", chat(`{"model":"a","model":"b","messages":[{"role":"user","content":"Hi"}]}`), 400, "invalid_request", anyParam},
		{"no model", chat(`{"messages":[{"role":"user","content":"Hi"}]}`), 400, "invalid_request", "model"},
		{"a negative limit", chat(`{"model":"a","max_tokens":-1,"messages":[{"role":"user","content":"Hi"}]}`), 400, "invalid_request", "max_tokens"},
		{"a fractional limit", chat(`{"model":"a","max_tokens":1.5,"messages":[{"role":"user","content":"Hi"}]}`), 400, "invalid_request", "max_tokens"},
		{"an absurd limit", chat(`{"model":"a","max_tokens":99999999999,"messages":[{"role":"user","content":"Hi"}]}`), 400, "invalid_request", "max_tokens"},
		{"33 MiB", chat(`{"model":"a","messages":[{"role":"user","content":"` + strings.Repeat("a", 33<<20) + `"}]}`), 413, "payload_too_large", ""},
		{"another method", func() *http.Request { return w.request(t, http.MethodPut, "/v1/chat/completions", hello) }, 405, "method_not_allowed", ""},
		{"GET with a body", func() *http.Request { return w.request(t, http.MethodGet, "/v1/chat/completions", hello) }, 405, "method_not_allowed", ""},
		{"POST of the models", func() *http.Request { return w.request(t, http.MethodPost, "/v1/models", "{}") }, 405, "method_not_allowed", ""},
		{"another path", func() *http.Request { return w.request(t, http.MethodPost, "/v1/embeddings", hello) }, 403, "endpoint_not_metered", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.send(t, c.send())
			var p struct {
				Type   string
				Status int
				Detail string
				Error  struct {
					Message, Type, Code string
					Param               *string
				}
			}
			if err := json.Unmarshal([]byte(a.body), &p); err != nil {
				t.Fatalf("%d: %s: %v", a.status, a.body, err)
			}
			param := ""
			if p.Error.Param != nil {
				param = *p.Error.Param
			}
			if a.status != c.status || p.Error.Code != c.code || (c.param != anyParam && param != c.param) {
				t.Errorf("%d %s param %q, want %d %s param %q: %s", a.status, p.Error.Code, param, c.status, c.code, c.param, a.body)
			}
			if p.Type != "http://localhost:8000/errors/"+c.code || p.Status != c.status || p.Detail == "" || p.Detail != p.Error.Message {
				t.Errorf("problem %+v", p)
			}
			if got := a.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
			if a.status != 413 && a.header.Get("X-Should-Retry") != "false" {
				t.Errorf("x-should-retry %q", a.header.Get("X-Should-Retry"))
			}
			if strings.Contains(a.body, w.key) || strings.Contains(a.body, other) {
				t.Error("the answer repeats the key")
			}
		})
	}
	if got := w.balance(t); got != (alfred.Balance{}) {
		t.Errorf("the counter stands at %+v", got)
	}
	if got := w.received(t); got != "[]\n" {
		t.Errorf("the provider received %s", got)
	}
	if strings.Contains(w.logs.String(), w.key) || strings.Contains(w.logs.String(), other) {
		t.Error("a key is in the log")
	}
}

// TestLargeAndChunkedBodiesAreEditedWhole sends bodies that Alfred changes:
// usage is asked for, so that the provider gets another length than was sent.
// The largest still fits Envoy's buffer when it is edited.
func TestLargeAndChunkedBodiesAreEditedWhole(t *testing.T) {
	w := newWorld(t, 1_000_000_000*alfred.Credit)
	const added = `"stream_options":{"include_usage":true},`
	const frame = `{"model":"m","stream":true,"max_tokens":5,"messages":[{"role":"user","content":""}]}`
	for _, size := range []int{1 << 10, 1 << 20, 32<<20 - 1 - len(frame) - len(added)} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d chunked %v", size, chunked), func(t *testing.T) {
				body := strings.Replace(frame, `""`, `"`+strings.Repeat("a", size)+`"`, 1)
				r := w.request(t, http.MethodPost, "/v1/chat/completions", body)
				if chunked {
					r.ContentLength = -1
				}
				a := w.send(t, r)
				if a.status != 200 || !strings.HasSuffix(a.body, "data: [DONE]\n\n") {
					t.Fatalf("%d: %.300s", a.status, a.body)
				}
				if e := w.event(t); e.Estimated || e.Outcome != alfred.OutcomeCompleted || e.Cost == 0 {
					t.Errorf("event %+v", e)
				}
				var received []struct {
					Size    int
					Headers http.Header
				}
				if err := json.Unmarshal([]byte(w.last(t)), &received); err != nil || len(received) != 1 {
					t.Fatal(err)
				}
				if want := len(body) + len(added); received[0].Size != want {
					t.Errorf("the provider received %d bytes, want %d", received[0].Size, want)
				}
			})
		}
	}
}

func (w *world) received(t *testing.T) string { return w.read(t, "/_received") }
func (w *world) last(t *testing.T) string     { return w.read(t, "/_received?last=1") }

func (w *world) read(t *testing.T, path string) string {
	t.Helper()
	r, err := http.Get(w.provider.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestModelsAreListedByAlfred(t *testing.T) {
	w := newWorld(t, alfred.Credit)
	a := w.send(t, w.request(t, http.MethodGet, "/v1/models", ""))
	if a.status != 200 || !strings.HasPrefix(a.body, `{"object":"list","data":[`) || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v: %s", a.status, a.header, a.body)
	}
	for _, m := range alfred.KnownModels() {
		if !strings.Contains(a.body, fmt.Sprintf("%q", m.Name)) {
			t.Errorf("%s is not listed: %s", m.Name, a.body)
		}
	}
	catalog := &alfred.Catalog{Org: org, Version: time.Now().UnixNano(), Settings: alfred.DefaultSettings(), Models: []alfred.Model{{Name: "gpt-4o"}}}
	storetest.Open(t, w.store, org)
	if err := w.store.PublishCatalog(t.Context(), catalog); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		a := w.send(t, w.request(t, http.MethodGet, "/v1/models", ""))
		if !strings.Contains(a.body, `{"id":"gpt-4o","object":"model","created":0,"owned_by":"mock"}`) {
			return fmt.Errorf("models: %s", a.body)
		}
		return nil
	})
}

func TestADenialSaysWhenTheCreditsComeBack(t *testing.T) {
	w := newWorld(t, 5*alfred.Credit)
	for range 3 { // the third is answered from memory
		a := w.chat(t, hello)
		if a.status != 429 || a.code(t) != "user_quota_exceeded" {
			t.Fatalf("%d: %s", a.status, a.body)
		}
		if a.header.Get("X-Should-Retry") != "false" || a.header.Get("Retry-After") == "" || a.header.Get("X-Alfred-Reset") == "" || a.header.Get("X-Alfred-Remaining") != "5" {
			t.Errorf("headers %v", a.header)
		}
		e := w.event(t)
		if e.Kind != alfred.EventDecision || e.Refused == nil || string(e.Refused.ID) != a.header.Get("X-Alfred-Decision-Id") {
			t.Errorf("the refusal was recorded as %+v", e)
		}
	}
}

func TestACriticalRequestOverdraws(t *testing.T) {
	w := newWorld(t, 5*alfred.Credit)
	w.publishPerson(t, &alfred.Principal{
		Version: time.Now().UnixNano(), Org: org, Key: "key_1", KeyStatus: alfred.KeyActive, User: "usr_1", UserStatus: alfred.Active,
		Personal: alfred.Allowance{Base: 5 * alfred.Credit}, Overdraft: alfred.Allowance{Base: 5_000 * alfred.Credit},
	})
	eventually(t, func() error {
		if a := w.chat(t, hello, "X-Priority: critical"); a.status != 200 {
			return fmt.Errorf("%d: %s", a.status, a.body)
		}
		return nil
	})
	if a := w.chat(t, hello); a.status != 429 {
		t.Errorf("%d without critical: %s", a.status, a.body)
	}
}

func TestASuspensionIsEnforcedAtOnce(t *testing.T) {
	w := newWorld(t, 1_000_000*alfred.Credit)
	if a := w.chat(t, hello); a.status != 200 {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	w.publishPerson(t, &alfred.Principal{
		Version: time.Now().UnixNano(), Org: org, Key: "key_1", KeyStatus: alfred.KeyActive, User: "usr_1", UserStatus: alfred.Suspended,
	})
	began := time.Now()
	eventually(t, func() error {
		if a := w.chat(t, hello); a.status != 403 || a.code(t) != "user_suspended" {
			return fmt.Errorf("%d: %s", a.status, a.body)
		}
		return nil
	})
	t.Logf("enforced after %s", time.Since(began))
}

func TestWithoutRedisRequestsAreRefusedOrAdmittedAsConfigured(t *testing.T) {
	t.Run("deny", func(t *testing.T) {
		w := newWorld(t, 1_000_000*alfred.Credit, "ALFRED_REDIS_TIMEOUT=50ms")
		eventually(t, func() error { return is(w.chat(t, hello), 200) })
		w.settled(t)
		w.valkey.Kill()
		a := w.chat(t, hello)
		if a.status != 503 || a.code(t) != "unavailable" || a.header.Get("X-Alfred-Degraded") != "deny" || a.header.Get("X-Should-Retry") != "true" || a.header.Get("Retry-After") != "1" {
			t.Errorf("%d %v: %s", a.status, a.header, a.body)
		}
		if got := strings.Count(w.received(t), `"/v1/chat/completions"`); got != 1 {
			t.Errorf("the provider received %d requests, want 1", got)
		}
	})
	t.Run("allow", func(t *testing.T) {
		w := newWorld(t, 1_000_000*alfred.Credit, "ALFRED_REDIS_TIMEOUT=50ms", "ALFRED_FAIL_MODE=allow")
		eventually(t, func() error { return is(w.chat(t, hello), 200) })
		w.settled(t)
		w.valkey.Kill()
		a := w.chat(t, hello)
		if a.status != 200 || a.header.Get("X-Alfred-Degraded") != "allow" {
			t.Errorf("%d %v: %s", a.status, a.header, a.body)
		}
		w.restartValkey(t)
		e := w.event(t)
		for !e.Late { // the first request's event may have survived the crash
			e = w.event(t)
		}
		if e.Degraded != "allow" || e.Cost == 0 || e.Estimated || len(e.Charges) == 0 {
			t.Errorf("what was admitted without Redis is booked as %+v", e)
		}
		if got := w.settled(t).Settled; got < e.Cost {
			t.Errorf("settled %s, want at least %s", got, e.Cost)
		}
	})
}

func is(a answer, status int) error {
	if a.status != status {
		return fmt.Errorf("%d: %s", a.status, a.body)
	}
	return nil
}

func TestStoppingSettlesWhatRuns(t *testing.T) {
	w := newWorld(t, 1_000_000*alfred.Credit)
	body := `{"model":"mock-hold","stream":true,"messages":[{"role":"user","content":"Tell me a story."}]}`
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	res, err := http.DefaultClient.Do(w.request(t, http.MethodPost, "/v1/chat/completions", body).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	w.stop()
	eventually(t, func() error {
		r, err := http.Get("http://" + w.http + "/readyz")
		if err != nil {
			return err
		}
		defer func() { _ = r.Body.Close() }()
		if r.StatusCode != http.StatusServiceUnavailable {
			return fmt.Errorf("readyz: %s", r.Status)
		}
		return nil
	})
	// What runs may end by itself while the process drains.
	read := make(chan struct{})
	go func() {
		for { // the provider may not be where it holds yet
			if r, err := http.Post(w.provider.URL+"/_release", "", nil); err == nil {
				_ = r.Body.Close()
			}
			select {
			case <-read:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	text, err := io.ReadAll(res.Body)
	close(read)
	if err != nil || !strings.HasSuffix(string(text), "data: [DONE]\n\n") {
		t.Errorf("the running stream did not end well: %v: %q", err, text)
	}
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	w.done <- nil
	if e := w.event(t); e.Kind != alfred.EventSettle || e.Outcome != alfred.OutcomeCompleted || e.Estimated {
		t.Errorf("event %+v", e)
	}
}
