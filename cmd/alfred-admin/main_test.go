package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/redis"
)

// lines is what the process said; it is written by several goroutines.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func missing(t *testing.T, what string, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("no %s: %v", what, err)
	}
	t.Skipf("no %s: %v", what, err)
}

// The whole program on real parts: it starts on empty stores, lets the first
// person in with its token, publishes, says how it is, and stops.
func TestProgram(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	pg, err := parts.StartPostgres(ctx, parts.PostgresConfig{})
	if err != nil {
		missing(t, "Postgres", err)
	}
	defer pg.Stop()
	binary, err := parts.Valkey(ctx, nil)
	if err != nil {
		missing(t, "Valkey", err)
	}
	valkey, err := parts.StartValkey(ctx, parts.RedisConfig{Binary: binary, Dir: t.TempDir()})
	if err != nil {
		missing(t, "Valkey", err)
	}
	defer valkey.Stop()
	port, err := parts.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{
		"DATABASE_URL": pg.DSN(), "REDIS_URL": valkey.URL(), "ALFRED_SECRET_KEY": strings.Repeat("k", 40),
		"ALFRED_ADMIN_LISTEN": fmt.Sprintf("127.0.0.1:%d", port), "DEFAULT_PERSONAL_QUOTA": "250",
	}
	getenv := func(name string) string { return settings[name] }
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	call := func(method, path, key, body string) (int, map[string]any) {
		r, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, nil
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]any{}
		_ = json.Unmarshal(b, &out) // pages and metrics are no JSON
		return resp.StatusCode, out
	}

	log := &lines{}
	serving := make(chan error, 1)
	serve, end := context.WithCancel(ctx)
	defer end()
	go func() { serving <- run(serve, []string{"serve"}, getenv, log) }()
	until(t, "ready", func() bool {
		select {
		case err := <-serving:
			t.Fatalf("serve: %v\n%s", err, log)
		default:
		}
		status, _ := call("GET", "/readyz", "", "")
		return status == http.StatusOK
	})
	// This Valkey keeps no file: that is told, and nobody is unready for it.
	until(t, "what is wrong with Redis is told", func() bool {
		status, body := call("GET", "/readyz", "", "")
		warnings, _ := body["warnings"].(map[string]any)
		return status == http.StatusOK && len(warnings) == 1 && strings.HasPrefix(fmt.Sprint(warnings["append_only"]), "is off: ")
	})
	if !strings.Contains(log.String(), `"setting":"append_only"`) {
		t.Errorf("nothing is logged:\n%s", log)
	}

	const first = `{"email":"first@company.com","name":"First"}`
	if status, _ := call("POST", "/v1/admin/users", "", first); status != http.StatusUnauthorized {
		t.Errorf("production let somebody in without a token: %d", status)
	}
	_, rest, found := strings.Cut(log.String(), "Authorization: Bearer ")
	if !found {
		t.Fatalf("no bootstrap token was said:\n%s", log)
	}
	token, _, _ := strings.Cut(rest, `"`)
	status, owner := call("POST", "/v1/admin/users", token, first)
	if status != http.StatusCreated {
		t.Fatalf("bootstrap: %d %v", status, owner)
	}
	key, _ := owner["api_key"].(string)
	if status, quota := call("GET", "/v1/users/me/quota", key, ""); status != http.StatusOK || quota["available_quota"] != 250.0 {
		t.Errorf("quota: %d %v", status, quota)
	}
	live, err := redis.Open(ctx, redis.Options{URL: valkey.URL(), Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = live.Close() }()
	until(t, "published", func() bool {
		orgs, err := live.Orgs(ctx)
		if err != nil || len(orgs) != 1 {
			return false
		}
		c, err := live.Catalog(ctx, orgs[0])
		return err == nil && c != nil && len(c.Card.Rates) > 0
	})
	for _, path := range []string{"/healthz", "/metrics", "/static/", "/v1/openapi.json"} {
		if status, _ := call("GET", path, "", ""); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}

	said := &lines{}
	if err := run(ctx, []string{"bootstrap-recover", "-email", "FIRST@company.com"}, getenv, said); err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(said.String())
	if status, _ := call("GET", "/v1/users/me", words[len(words)-1], ""); status != http.StatusOK {
		t.Errorf("the recovered key: %d", status)
	}
	for _, command := range []string{"migrate", "republish"} {
		if err := run(ctx, []string{command}, getenv, said); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
	if err := run(ctx, []string{"dance"}, getenv, said); err == nil {
		t.Error("an unknown command was run")
	}

	pg.Halt()
	if status, body := call("GET", "/readyz", "", ""); status != http.StatusServiceUnavailable || body["postgres"] != "unavailable" || body["redis"] != "ok" {
		t.Errorf("ready without Postgres: %d %v", status, body)
	}
	if status, _ := call("GET", "/v1/users/me", key, ""); status != http.StatusServiceUnavailable {
		t.Errorf("the API without Postgres: %d", status)
	}
	if status, _ := call("GET", "/healthz", "", ""); status != http.StatusOK {
		t.Errorf("alive without Postgres: %d", status)
	}
	if err := pg.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	until(t, "back", func() bool { status, _ := call("GET", "/v1/users/me", key, ""); return status == http.StatusOK })

	end()
	select {
	case err := <-serving:
		if err != nil {
			t.Errorf("stopped with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it does not stop")
	}
	for _, secret := range []string{key, strings.Repeat("k", 40)} {
		if strings.Contains(log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("not %s", what)
		case <-look.C:
		}
	}
}
