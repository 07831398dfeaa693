package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred/cmd/alfred/mock"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// stack is a whole installation of one test's own. Everything in it is stopped when the test ends.
type stack struct {
	*edge    // the first; a story may add more
	Provider *httptest.Server
	Redis    *parts.Redis
	Postgres *parts.PostgresServer
	Admin    *child

	dir       string
	port      int // of the first edge, which PublicURL names
	adminPort int
	redisPort int
	settings  []string
}

// edge is an Envoy with an alfred-extproc beside it.
type edge struct {
	*envoytest.Envoy
	ExtProc *child
	Health  string // where alfred-extproc tells how it is, as a URL

	socket string
}

// child is one of our own processes, that a story can stop, kill and start again.
type child struct {
	*parts.Process
	command parts.Command
	ready   string
}

// start brings an installation up. Settings are environment variables for both planes; they win over the defaults.
func start(t testing.TB, settings ...string) *stack {
	t.Helper()
	return startOn(t, nil, settings...)
}

// startOn is start with a Postgres of the test's own, for a story that stops it.
func startOn(t testing.TB, postgres *parts.PostgresServer, settings ...string) *stack {
	t.Helper()
	envoytest.Binary(t)
	if err := shared.programs(); err != nil {
		t.Fatal(err)
	}
	s := &stack{dir: t.TempDir(), Postgres: postgres, settings: settings, port: freePort(t), adminPort: freePort(t), redisPort: freePort(t)}
	var err error
	if s.Postgres == nil {
		if s.Postgres, err = shared.postgres(); err != nil {
			envoytest.Missing(t, "Postgres", err)
		}
	}
	s.startRedis(t)
	s.Provider = httptest.NewServer(mock.NewHandler())
	t.Cleanup(func() {
		s.release(t)
		s.Provider.Close()
	})
	s.Admin = s.spawn(t, "alfred-admin", fmt.Sprintf("http://127.0.0.1:%d/readyz", s.adminPort),
		"DATABASE_URL="+s.database(t),
		fmt.Sprintf("ALFRED_ADMIN_LISTEN=127.0.0.1:%d", s.adminPort))
	s.edge = s.addEdge(t, fmt.Sprintf("127.0.0.1:%d", s.port))
	return s
}

// startRedis runs it, again if it ran before, on the same data and port.
func (s *stack) startRedis(t testing.TB) {
	t.Helper()
	server, err := parts.RedisServer(t.Context(), os.Stderr)
	if err != nil {
		envoytest.Missing(t, "Valkey or Redis", err)
	}
	s.Redis, err = parts.StartValkey(t.Context(), parts.RedisConfig{
		Binary: server, Dir: filepath.Join(s.dir, "redis"), Port: s.redisPort, AppendOnly: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Redis.Kill)
}

// addEdge starts one more alfred-extproc with an Envoy of its own, on the same Redis.
func (s *stack) addEdge(t testing.TB, listen string) *edge {
	t.Helper()
	dir, err := os.MkdirTemp("", "alfred-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	health := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	e := &edge{socket: filepath.Join(dir, "x.sock"), Health: "http://" + health}
	e.ExtProc = s.spawn(t, "alfred-extproc", e.Health+"/readyz",
		"ALFRED_EXTPROC_LISTEN=unix:"+e.socket, "ALFRED_EXTPROC_HTTP="+health, "ALFRED_MOCK_URL="+s.Provider.URL+"/v1")
	e.Envoy = envoytest.Start(t, envoy.Config{
		Listen:    listen,
		ExtProc:   "unix:" + e.socket,
		Admin:     fmt.Sprintf("127.0.0.1:%d", s.adminPort),
		Providers: []envoy.Provider{{Name: "mock", BaseURL: s.Provider.URL + "/v1"}},
		PublicURL: s.publicURL(),
	})
	return e
}

func (s *stack) publicURL() string { return fmt.Sprintf("http://127.0.0.1:%d", s.port) }

// database makes an empty one on the shared server.
func (s *stack) database(t testing.TB) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.Postgres.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	name := fmt.Sprintf("e2e_%d", s.port)
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(s.Postgres.DSN())
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// spawn runs one of our programs with nothing in its environment but what is given here, and waits until it is ready.
func (s *stack) spawn(t testing.TB, name, ready string, env ...string) *child {
	t.Helper()
	all := append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + os.TempDir(),
		"ENVIRONMENT=development", "DEBUG=true",
		"REDIS_URL=" + s.Redis.URL(),
		"ALFRED_PUBLIC_URL=" + s.publicURL(),
		"ALFRED_SECRET_KEY=" + strings.Repeat("0123456789abcdef", 4),
		"ALFRED_REDIS_TIMEOUT=2s", // this machine is slower than production, and only some stories are about it
	}, env...)
	dir := filepath.Join(s.dir, fmt.Sprintf("%s-%d", name, freePort(t)))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &child{ready: ready, command: parts.Command{
		Name: name, Path: program(name), Dir: dir, Log: filepath.Join(dir, "log"), Env: append(all, s.settings...),
	}}
	t.Cleanup(func() {
		c.Stop(10 * time.Second)
		if t.Failed() {
			text, _ := os.ReadFile(c.command.Log)
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			t.Logf("%s, last lines:\n%s", name, strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
	c.start(t)
	return c
}

// start runs it, again if it ran before.
func (c *child) start(t testing.TB) {
	t.Helper()
	var err error
	if c.Process, err = parts.Start(c.command); err != nil {
		t.Fatal(err)
	}
	err = c.Await(t.Context(), time.Minute, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.ready, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", res.Status, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// release lets the mock provider's held and hanging answers go on.
func (s *stack) release(t testing.TB) {
	t.Helper()
	res, err := http.Post(s.Provider.URL+"/_release", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

func freePort(t testing.TB) int {
	t.Helper()
	port, err := parts.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// answer is what came back from the front door.
type answer struct {
	*http.Response
	body []byte
}

// call asks the front door with a key, or with none if key is empty. body is sent as JSON, a string as it stands.
func (e *edge) call(t testing.TB, key, method, path string, body any, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, e.URL+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{res, text}
}

// into checks the status and reads the body as JSON.
func (a answer) into(t testing.TB, status int, v any) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: got %s, want %d: %s", a.Request.Method, a.Request.URL.Path, a.Status, status, a.body)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s %s: %v in %s", a.Request.Method, a.Request.URL.Path, err, a.body)
	}
}

// await polls until ok, for what has no signal of its own to wait for.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
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
