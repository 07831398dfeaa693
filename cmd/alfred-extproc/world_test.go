package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/mock"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

const (
	org    = alfred.OrgID("org_00000000000000000000000001")
	pepper = "a secret that is at least 32 bytes long"
)

// world is the data plane on real parts: Envoy, Valkey and this program, with
// a directory that the test publishes itself.
type world struct {
	*envoytest.Envoy
	provider *httptest.Server
	answers  atomic.Pointer[http.HandlerFunc] // in the mock's place
	redis    parts.RedisConfig
	valkey   *parts.Redis
	store    *redis.Store
	key      string
	http     string // health and metrics
	logs     *buffer

	stop context.CancelFunc
	done chan error
}

// newWorld publishes a person with a quota and starts everything.
func newWorld(t *testing.T, quota alfred.Credits, settings ...string) *world {
	t.Helper()
	envoytest.Binary(t)
	binary, err := parts.RedisServer(t.Context(), os.Stderr)
	if err != nil {
		envoytest.Missing(t, "Valkey or Redis", err)
	}
	w := &world{logs: new(buffer), done: make(chan error, 1)}
	model := mock.NewHandler()
	w.provider = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if other := w.answers.Load(); other != nil {
			(*other)(rw, r)
			return
		}
		model.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.provider.Close)
	port, err := parts.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	w.redis = parts.RedisConfig{Binary: binary, Dir: t.TempDir(), Port: port, AppendOnly: true}
	if w.valkey, err = parts.StartValkey(t.Context(), w.redis); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.valkey.Kill() })
	if w.store, err = redis.Open(t.Context(), redis.Options{URL: w.valkey.URL(), Timeout: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	w.publish(t, quota)

	dir, err := os.MkdirTemp("", "alfred-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := "unix:" + filepath.Join(dir, "x.sock")
	w.http = freeAddress(t)
	env := map[string]string{
		"REDIS_URL": w.valkey.URL(), "ALFRED_SECRET_KEY": pepper, "ALFRED_EXTPROC_LISTEN": socket, "ALFRED_EXTPROC_HTTP": w.http,
		"ALFRED_MOCK_URL": w.provider.URL + "/v1", "ALFRED_REDIS_TIMEOUT": "2s",
	}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		env[name] = value
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() { w.done <- run(ctx, nil, func(n string) string { return env[n] }, w.logs) }()
	t.Cleanup(func() {
		w.stop()
		if err := <-w.done; err != nil {
			t.Errorf("alfred-extproc: %v", err)
		}
		w.done <- nil
		if t.Failed() {
			t.Logf("alfred-extproc's log:\n%s", w.logs)
		}
	})
	eventually(t, func() error {
		r, err := http.Get("http://" + w.http + "/readyz")
		if err != nil {
			return err
		}
		defer func() { _ = r.Body.Close() }()
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", r.Status)
		}
		return nil
	})
	w.Envoy = envoytest.Start(t, envoy.Config{
		ExtProc: socket, Admin: freeAddress(t), PublicURL: "http://localhost:8000",
		Providers: []envoy.Provider{{Name: "mock", BaseURL: w.provider.URL + "/v1"}},
	})
	return w
}

// restartValkey starts it again where it was, with what it had written.
func (w *world) restartValkey(t *testing.T) {
	t.Helper()
	var err error
	if w.valkey, err = parts.StartValkey(t.Context(), w.redis); err != nil {
		t.Fatal(err)
	}
}

// publish replaces the directory by one person with one key.
func (w *world) publish(t *testing.T, quota alfred.Credits) {
	t.Helper()
	if w.key == "" {
		var err error
		if w.key, err = alfred.NewSecret(rand.Reader, []byte(pepper)); err != nil {
			t.Fatal(err)
		}
	}
	catalog := &alfred.Catalog{Org: org, Version: time.Now().UnixNano(), Settings: alfred.DefaultSettings(), Card: alfred.DefaultRateCard()}
	storetest.Open(t, w.store, org)
	if err := w.store.PublishCatalog(t.Context(), catalog); err != nil {
		t.Fatal(err)
	}
	w.publishPerson(t, &alfred.Principal{
		Version: time.Now().UnixNano(), Org: org, Key: "key_1", KeyStatus: alfred.KeyActive, User: "usr_1", UserStatus: alfred.Active,
		Personal: alfred.Allowance{Base: quota},
	})
}

func (w *world) publishPerson(t *testing.T, p *alfred.Principal) {
	t.Helper()
	if err := w.store.PublishPrincipals(t.Context(), map[string]*alfred.Principal{alfred.HashSecret(w.key, []byte(pepper)): p}); err != nil {
		t.Fatal(err)
	}
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) code(t *testing.T) string {
	t.Helper()
	var p struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%d with a body that is no JSON: %s", a.status, a.body)
	}
	return p.Error.Code
}

func (w *world) request(t *testing.T, method, path, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.key)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

func (w *world) send(t *testing.T, r *http.Request) answer {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read %s after %q: %v", res.Status, text, err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func (w *world) chat(t *testing.T, body string, headers ...string) answer {
	t.Helper()
	return w.send(t, w.request(t, http.MethodPost, "/v1/chat/completions", body, headers...))
}

// event waits for the next one of the usage stream.
func (w *world) event(t *testing.T) alfred.UsageEvent {
	t.Helper()
	var e alfred.UsageEvent
	eventually(t, func() error {
		entries, err := w.store.ReadEvents(t.Context(), org, "test", 1, 0)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return errors.New("no event")
		}
		e = entries[0].Event
		return errors.Join(entries[0].Err, w.store.AckEvents(t.Context(), org, []string{entries[0].ID}))
	})
	return e
}

// balance is what stands on the person's own counter.
func (w *world) balance(t *testing.T) alfred.Balance {
	t.Helper()
	window, err := alfred.DefaultSettings().Window.At(time.Now(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.store.Balances(t.Context(), org, []alfred.Counter{{Kind: alfred.CountPersonal, Subject: "usr_1", Window: window}})
	if err != nil {
		t.Fatal(err)
	}
	return b[0]
}

// settled waits until nothing is held.
func (w *world) settled(t *testing.T) alfred.Balance {
	t.Helper()
	eventually(t, func() error {
		if held := w.balance(t).Held(); held != 0 {
			return fmt.Errorf("%s credits are still held", held)
		}
		return nil
	})
	return w.balance(t)
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline, tick := time.After(15*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// buffer is a log that is written while it is read.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
