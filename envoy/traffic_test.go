package envoy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/envoy"
)

func TestAnAdmittedCallArrivesAsAlfredWroteIt(t *testing.T) {
	w := newWorld(t, nil)
	w.provider.answers(func(rw http.ResponseWriter, _ *http.Request) {
		h := rw.Header()
		h.Set("Set-Cookie", "tracking=1")
		h.Set("X-Alfred-Request-Id", "req_forged_by_provider")
		h.Set("X-Alfred-Degraded", "forged")
		h.Set("Openai-Organization", "org-secret")
		h.Set("Alt-Svc", `h3=":443"`)
		h.Set("X-Ratelimit-Remaining-Requests", "7")
		_, _ = rw.Write([]byte(`{"id":"ok"}`))
	})
	got := w.complete(t,
		"Authorization", "Bearer tp-caller", "X-API-Key", "tp-caller", "Cookie", "__Host-session=1",
		"X-Privacy-Mode", "strict", "X-Priority", "high", "X-Project-ID", "p", "X-Team-ID", "t", "X-Approval-Token", "secret",
		"X-Forwarded-For", "6.6.6.6", "X-Forwarded-Host", "evil.example", "X-Request-Id", "client-chosen",
		"X-Alfred-Backend", "elsewhere", "X-Alfred-Anything", "forged", "X-Envoy-Upstream-Rq-Timeout-Ms", "1",
		"Openai-Project", "proj_other", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Accept-Encoding", "gzip",
		"X-Stainless-Lang", "python",
	)
	if got.StatusCode != 200 || got.body != `{"id":"ok"}` {
		t.Fatalf("got %s %s", got.Status, got.body)
	}

	sent := w.provider.last()
	if sent == nil {
		t.Fatal("nothing arrived")
	}
	for what, is := range map[string][2]string{
		"path":             {sent.URL.Path, "/base/v1/chat/completions"},
		"host":             {sent.Host, w.provider.address()},
		"credential":       {sent.Header.Get("Authorization"), "Bearer provider-key"},
		"encoding":         {sent.Header.Get("Accept-Encoding"), "identity"},
		"body":             {string(sent.body), `{"model":"m","messages":[{"role":"user","content":"hello, edited"}]}`},
		"an SDK's header":  {sent.Header.Get("X-Stainless-Lang"), "python"},
		"Alfred's header":  {got.Header.Get("X-Alfred-Request-Id"), "req_ours"},
		"another of them":  {got.Header.Get("X-Alfred-Remaining"), "42"},
		"provider's limit": {got.Header.Get("X-Ratelimit-Remaining-Requests"), "7"},
	} {
		if is[0] != is[1] {
			t.Errorf("%s is %q, want %q", what, is[0], is[1])
		}
	}
	for name := range sent.Header {
		switch low := strings.ToLower(name); {
		case strings.HasPrefix(low, "x-alfred"), strings.HasPrefix(low, "x-envoy"), strings.HasPrefix(low, "x-forwarded"),
			low == "cookie", low == "x-api-key", low == "x-privacy-mode", low == "x-priority", low == "x-project-id", low == "x-team-id",
			low == "x-approval-token", low == "x-request-id", low == "openai-project", low == "traceparent":
			t.Errorf("%s: %s reached the provider", name, sent.Header.Get(name))
		}
	}
	for _, name := range []string{"Set-Cookie", "X-Alfred-Degraded", "Openai-Organization", "Alt-Svc", "X-Envoy-Upstream-Service-Time"} {
		if v := got.Header.Get(name); v != "" {
			t.Errorf("%s: %s reached the client", name, v)
		}
	}
}

// A request reaches a provider only if Alfred named one. Every other way to end is Envoy's own 503.
func TestWithoutADecisionNothingReachesAProvider(t *testing.T) {
	w := newWorld(t, nil)
	for _, script := range []string{"return nil at headers", "return nil at body", "return error at headers", "undecided"} {
		t.Run(script, func(t *testing.T) {
			got := w.complete(t, "X-Script", script, "X-Alfred-Backend", "mock", "Authorization", "Bearer tp-caller")
			got.wantError(t, 503, "unavailable")
		})
	}
	t.Run("a provider that does not exist", func(t *testing.T) {
		w.complete(t, "X-Backend", "nobody").wantError(t, 503, "unavailable")
	})
	t.Run("no answer in time", func(t *testing.T) {
		w.complete(t, "X-Script", "silent").wantError(t, 504, "unavailable")
	})
	t.Run("a header that Alfred must not set", func(t *testing.T) {
		w.complete(t, "X-Script", "set host").wantError(t, 503, "unavailable")
	})
	t.Run("a server that is gone", func(t *testing.T) {
		w.alfred.server.Stop()
		w.complete(t).wantError(t, 503, "unavailable")
	})
	if n := w.provider.count(); n != 0 {
		t.Errorf("%d requests reached the provider; the last: %v", n, w.provider.last())
	}
}

// local_reply_config is for what Envoy says itself. What Alfred, a provider or the admin app says is theirs.
func TestAnswersOfOthersAreNotRewritten(t *testing.T) {
	w := newWorld(t, nil)
	for _, status := range []string{"400", "401", "402", "403", "404", "413", "429", "500", "503", "504"} {
		for _, details := range []string{"", "quota_exceeded"} {
			for _, script := range []string{"deny", "deny at body"} {
				got := w.complete(t, "X-Script", script, "X-Status", status, "X-Details", details)
				if !strings.HasPrefix(got.Status, status) || got.body != `{"from":"alfred"}` ||
					got.Header.Get("Content-Type") != "application/json" || got.Header.Get("X-Should-Retry") != "false" {
					t.Errorf("%s with %s, details %q: got %s, %v: %s", script, status, details, got.Status, got.Header, got.body)
				}
			}
		}
	}
	for _, code := range []int{400, 404, 413, 429, 500, 503, 504} {
		answer := func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/x-theirs")
			rw.WriteHeader(code)
			_, _ = rw.Write([]byte("theirs"))
		}
		w.provider.answers(answer)
		w.admin.answers(answer)
		for name, got := range map[string]reply{"provider": w.complete(t), "admin app": w.call(t, http.MethodGet, "/v1/users/me", "")} {
			if got.StatusCode != code || got.body != "theirs" || got.Header.Get("Content-Type") != "application/x-theirs" {
				t.Errorf("%s's %d: got %s, %v: %s", name, code, got.Status, got.Header, got.body)
			}
		}
	}
}

func TestTheFrontDoorSendsEachPathWhereItBelongs(t *testing.T) {
	w := newWorld(t, nil)
	admin := func(t *testing.T, method, sent, arrives string) {
		t.Helper()
		streams := w.alfred.streams.Load()
		got := w.call(t, method, sent, "", "Authorization", "Bearer tp-caller", "X-Alfred-Admin", "forged", "X-Forwarded-Host", "evil.example", "X-Forwarded-For", "6.6.6.6")
		if got.StatusCode != 200 {
			t.Fatalf("%s: got %s %s", sent, got.Status, got.body)
		}
		last := w.admin.last()
		if last.URL.RequestURI() != arrives || last.Method != method || last.Header.Get("Authorization") != "Bearer tp-caller" {
			t.Errorf("%s %s arrived as %s %s, %v", method, sent, last.Method, last.URL, last.Header)
		}
		if last.Header.Get("X-Alfred-Admin") != "" || last.Header.Get("X-Forwarded-Host") != "" {
			t.Errorf("a forged header arrived: %v", last.Header)
		}
		// Envoy writes its host's own address where a client comes over loopback.
		if hops := strings.Split(last.Header.Get("X-Forwarded-For"), ","); len(hops) != 2 || net.ParseIP(strings.TrimSpace(hops[1])) == nil {
			t.Errorf("Envoy did not append the client to X-Forwarded-For: %v", hops)
		}
		if last.Host != strings.TrimPrefix(w.URL, "http://") {
			t.Errorf("the admin app was called %s, which breaks its comparison with Origin", last.Host)
		}
		if w.alfred.streams.Load() != streams {
			t.Errorf("%s went through ext_proc", sent)
		}
	}
	for _, path := range []string{
		"/v1/admin/users", "/v1/admin/users?limit=1&cursor=a%2Fb", "/v1/users/me/quota", "/v1/auth/session", "/v1/approvals", "/v1/approvals/a_1",
		"/v1/decisions/dec_1", "/v1/openapi.json", "/errors/quota_held", "/static/", "/static/app.js", "/auth/callback?code=x", "/scim/v2/Users",
	} {
		t.Run(path, func(t *testing.T) { admin(t, http.MethodGet, path, path) })
	}
	t.Run("methods pass", func(t *testing.T) {
		for _, m := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			admin(t, m, "/v1/admin/teams/t_1", "/v1/admin/teams/t_1")
		}
	})
	t.Run("paths are made plain first", func(t *testing.T) {
		admin(t, http.MethodGet, "//v1///admin/users", "/v1/admin/users")
		admin(t, http.MethodGet, "/v1/chat/../admin/users", "/v1/admin/users")
		w.call(t, http.MethodPost, "/v1/admin/../chat/completions", "{}", "X-Script", "deny", "X-Status", "418")
		if got := w.call(t, http.MethodPost, "/v1/admin/../chat/completions", "{}", "X-Script", "deny", "X-Status", "429"); got.body != `{"from":"alfred"}` {
			t.Errorf("a dotted path went past ext_proc: %s %s", got.Status, got.body)
		}
	})
	t.Run("escaped slashes are refused", func(t *testing.T) {
		for _, path := range []string{"/v1%2Fadmin/users", "/v1/admin/..%2f..%2fv1/chat/completions", "/v1%5cadmin"} {
			w.call(t, http.MethodGet, path, "").wantError(t, 400, "invalid_request")
		}
	})
	t.Run("a longer word is not an admin path", func(t *testing.T) {
		for _, path := range []string{"/v1/administrators", "/v1/usersx", "/v1/chat/completions", "/v1", "/v1/", "/v1/models", "/v1/openapi.jsonx"} {
			if got := w.call(t, http.MethodGet, path, "", "X-Script", "deny", "X-Status", "403"); got.body != `{"from":"alfred"}` {
				t.Errorf("%s was not shown to Alfred: %s %s", path, got.Status, got.body)
			}
		}
	})
	t.Run("redirects to the web app", func(t *testing.T) {
		for _, path := range []string{"/", "/static"} {
			got := w.call(t, http.MethodGet, path, "")
			if got.StatusCode != http.StatusFound || !strings.HasSuffix(got.Header.Get("Location"), "/static/") {
				t.Errorf("%s: got %s to %q", path, got.Status, got.Header.Get("Location"))
			}
		}
	})
	t.Run("what is nowhere", func(t *testing.T) {
		streams := w.alfred.streams.Load()
		for _, path := range []string{"/nothing", "/v2/chat/completions", "/v1x", "/errorsx", "/metrics", "/healthz"} {
			w.call(t, http.MethodGet, path, "").wantProblem(t, 404, "not_found")
		}
		if w.alfred.streams.Load() != streams {
			t.Error("ext_proc was asked")
		}
	})
	if n := w.provider.count(); n != 0 {
		t.Errorf("%d requests reached the provider", n)
	}
}

func TestUpgradesAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	got := w.complete(t, "Connection", "Upgrade", "Upgrade", "websocket")
	got.wantError(t, 403, "invalid_request")
	if n := w.provider.count(); n != 0 {
		t.Errorf("%d requests reached the provider", n)
	}
}

func TestARequestWithoutABodyIsShownToAlfred(t *testing.T) {
	w := newWorld(t, nil)
	// There is no body message for it, so it can only end undecided: no provider sees it.
	w.call(t, http.MethodGet, "/v1/chat/completions", "").wantError(t, 503, "unavailable")
	w.call(t, http.MethodPost, "/v1/chat/completions", "").wantError(t, 503, "unavailable")
	if got := w.call(t, http.MethodHead, "/v1/models", ""); got.StatusCode != 503 {
		t.Errorf("HEAD: got %s", got.Status)
	}
	if n := w.provider.count(); n != 0 {
		t.Errorf("%d requests reached the provider", n)
	}
}

// What is not HTTP that Envoy accepts is told so; nothing of it is held for a decision while the connection is closed.
func TestWhatIsNotHTTPIsAnswered(t *testing.T) {
	w := newWorld(t, nil)
	const to = " /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
	for name, test := range map[string]struct {
		request string
		status  int
	}{
		"an old protocol":        {"GET /v1/models HTTP/1.0\r\n\r\n", 426},
		"too large a header":     {"GET" + to + "X-Large: " + strings.Repeat("x", 70<<10) + "\r\n\r\n", 431},
		"two lengths":            {"POST" + to + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400},
		"a length and chunks":    {"POST" + to + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		"a name that is not one": {"GET" + to + "X Large : y\r\n\r\n", 400},
		"no host":                {"GET /v1/models HTTP/1.1\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, test.request); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal("no answer:", err)
			}
			_ = res.Body.Close()
			if res.StatusCode != test.status {
				t.Errorf("got %s, want %d", res.Status, test.status)
			}
		})
	}
	if n := w.provider.count(); n != 0 {
		t.Errorf("%d requests reached the provider", n)
	}
}

func TestExpectContinueIsAnswered(t *testing.T) {
	w := newWorld(t, nil)
	c := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 20 * time.Second}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v1/chat/completions", strings.NewReader(`{"content":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Expect", "100-continue")
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if sent := w.provider.last(); res.StatusCode != 200 || sent == nil || string(sent.body) != `{"content":"hello, edited"}` {
		t.Errorf("got %s, the provider got %v", res.Status, sent)
	}
}

func TestTheAccessLogHoldsNoSecrets(t *testing.T) {
	w := newWorld(t, nil)
	w.complete(t, "Authorization", "Bearer tp-secret-key")
	w.call(t, http.MethodGet, "/auth/callback?code=secret-code", "", "Cookie", "session=secret-cookie")
	var text string
	await(t, "two lines in the access log", func() bool {
		b, err := os.ReadFile(w.AccessLog)
		text = string(b)
		return err == nil && strings.Count(text, "\n") >= 2
	})
	for _, secret := range []string{"secret", "hello", "provider-key"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the access log:\n%s", secret, text)
		}
	}
	for _, field := range []string{`"path":"/auth/callback"`, `"status":200`, `"route":"provider_mock"`, `"request_id":"req_ours"`, `"client":"127.0.0.1"`} {
		if !strings.Contains(text, field) {
			t.Errorf("the access log lacks %s:\n%s", field, text)
		}
	}
}

// await polls until ok, for things that have no other signal.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// What holds over HTTP/1.1 holds over HTTP/2.
func TestHTTP2IsNoWayAround(t *testing.T) {
	w := newWorld(t, nil)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	h2 := &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: time.Minute}
	call := func(body io.Reader, headers ...string) reply {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v1/chat/completions", body)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		res, err := h2.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.ProtoMajor != 2 {
			t.Fatalf("answered over %s", res.Proto)
		}
		return reply{res, string(text)}
	}
	if got := call(strings.NewReader(`{"content":"hello"}`)); got.StatusCode != 200 || string(w.provider.last().body) != `{"content":"hello, edited"}` {
		t.Errorf("got %s %s, the provider %s", got.Status, got.body, w.provider.last().body)
	}
	reached := w.provider.count()
	call(strings.NewReader("{}"), "X-Script", "undecided", "X-Alfred-Backend", "mock").wantError(t, 503, "unavailable")
	if got := call(strings.NewReader("{}"), "X-Script", "deny", "X-Status", "429"); got.StatusCode != 429 || got.body != `{"from":"alfred"}` {
		t.Errorf("got %s %s", got.Status, got.body)
	}
	call(io.LimitReader(zeros{}, envoy.BodyLimit+1)).wantError(t, 413, "payload_too_large")
	if n := w.provider.count(); n != reached {
		t.Errorf("%d more requests reached the provider", n-reached)
	}
}

// An underscore may stand for a dash at the other end.
func TestHeadersWithUnderscoresAreDropped(t *testing.T) {
	w := newWorld(t, nil)
	got := w.complete(t, "X_Alfred_Backend", "elsewhere", "X_Api_Key", "tp-caller")
	if got.StatusCode != 200 {
		t.Fatalf("got %s %s", got.Status, got.body)
	}
	for name := range w.provider.last().Header {
		if strings.Contains(name, "_") {
			t.Errorf("%s reached the provider", name)
		}
	}
}
