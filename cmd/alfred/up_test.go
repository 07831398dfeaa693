package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// TestMain lets this test binary stand in for the programs that `alfred up` runs.
func TestMain(m *testing.M) {
	switch os.Getenv("ALFRED_STAND_IN") {
	case "alfred":
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	case "plane":
		standIn()
	default:
		os.Exit(m.Run())
	}
}

// standIn is a plane as `alfred up` sees one: it wants its settings and says that it is ready. A request to /crash ends it.
func standIn() {
	address := os.Getenv("ALFRED_ADMIN_LISTEN")
	needed := []string{"DATABASE_URL", "REDIS_URL", "ALFRED_SECRET_KEY_FILE"}
	if address == "" {
		address = os.Getenv("ALFRED_EXTPROC_HTTP")
		needed = []string{"REDIS_URL", "ALFRED_SECRET_KEY_FILE", "ALFRED_EXTPROC_LISTEN", "ALFRED_MOCK_URL", "ALFRED_SPOOL_DIR"}
	}
	for _, name := range needed {
		if os.Getenv(name) == "" {
			_, _ = fmt.Fprintln(os.Stdout, "stand-in:", name, "is not set")
			os.Exit(1)
		}
	}
	http.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) {
		_, _ = fmt.Fprintln(os.Stdout, "stand-in: the last words")
		os.Exit(3)
	})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, os.Getenv("ENVIRONMENT"), os.Getenv("ANTHROPIC_API_KEY"), os.Getenv("ALFRED_MOCK_URL") != "")
	})
	_, _ = fmt.Fprintln(os.Stdout, http.ListenAndServe(address, nil))
	os.Exit(1)
}

// output collects what is printed, for reading while it grows.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// world is a launch with stand-ins for the planes, real servers, free ports and a state folder of its own.
func world(t *testing.T) (l launch, out *output, values map[string]string) {
	t.Helper()
	for _, find := range []func(context.Context, io.Writer) (string, error){parts.Envoy, parts.RedisServer, parts.Postgres} {
		if _, err := find(t.Context(), os.Stderr); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for name, role := range map[string]string{"alfred": "alfred", "alfred-extproc": "plane", "alfred-admin": "plane"} {
		script := fmt.Sprintf("#!/bin/sh\nALFRED_STAND_IN=%s exec %s \"$@\"\n", role, test)
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	values = map[string]string{}
	for _, name := range []string{"ALFRED_PORT", "ALFRED_ADMIN_PORT", "ALFRED_EXTPROC_PORT", "ALFRED_ENVOY_PORT", "ALFRED_MOCK_PORT", "ALFRED_POSTGRES_PORT", "ALFRED_VALKEY_PORT"} {
		port, err := parts.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		values[name] = strconv.Itoa(port)
	}
	s := state{t.TempDir()}
	for _, dir := range []string{"data", "run", "logs"} {
		if err := os.Mkdir(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := s.forget(); err != nil {
			t.Error(err)
		}
	})
	out = &output{}
	return launch{state: s, self: filepath.Join(bin, "alfred"), bin: bin, getenv: func(name string) string { return values[name] }, out: out}, out, values
}

// start runs up in the background and waits until it is ready. The channel gives its result.
func start(t *testing.T, ctx context.Context, l launch, out *output) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- up(ctx, l) }()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(out.String(), "Alfred is ready.") {
		select {
		case err := <-ended:
			t.Fatalf("up ended: %v\n%s", err, out)
		case <-deadline:
			t.Fatalf("not ready:\n%s", out)
		case <-tick.C:
		}
	}
	return ended
}

// await is the result of up, which must come.
func await(t *testing.T, ended <-chan error, out *output) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(2 * time.Minute):
		t.Fatalf("up has not ended:\n%s", out)
		return nil
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// nothingLeft fails when a port of the launch still answers.
func nothingLeft(t *testing.T, values map[string]string) {
	t.Helper()
	for name, port := range values {
		if !strings.HasSuffix(name, "_PORT") {
			continue
		}
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			_ = c.Close()
			t.Errorf("%s: something still listens", name)
		}
	}
}

func TestUpServesUntilItIsStoppedAndKeepsItsState(t *testing.T) {
	l, out, values := world(t)
	values["ANTHROPIC_API_KEY"] = "sk-ant-hunter2"
	ctx, cancel := context.WithCancel(t.Context())
	ended := start(t, ctx, l, out)
	if got := get(t, "http://127.0.0.1:"+values["ALFRED_PORT"]+"/v1/admin/users"); got != "development sk-ant-hunter2 true\n" {
		t.Errorf("the admin app behind the front door says %q, want development and the providers that it can ask whether they answer", got)
	}
	key, err := os.ReadFile(l.path("secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(l.path("secret.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("secret.key: mode %v, error %v; want 0600", info.Mode(), err)
	}
	if err := up(ctx, l); !errors.Is(err, errRunning) {
		t.Errorf("a second up on the same state: %v, want errRunning", err)
	}
	cancel()
	if err := await(t, ended, out); err != nil {
		t.Errorf("stopped by the person: %v", err)
	}
	nothingLeft(t, values)
	order := regexp.MustCompile(`(?m)^  (\S.*?) +stopped$`).FindAllStringSubmatch(out.String(), -1)
	var names []string
	for _, m := range order {
		names = append(names, m[1])
	}
	if got := strings.Join(names, ", "); got != "envoy, alfred-admin, alfred-extproc, mock provider, valkey, postgres" {
		t.Errorf("stopped in the order %s", got)
	}

	again := &output{}
	l.out = again
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	ended = start(t, ctx, l, again)
	if now, err := os.ReadFile(l.path("secret.key")); err != nil || !bytes.Equal(now, key) {
		t.Errorf("the secret key changed between runs, error %v", err)
	}
	cancel()
	if err := await(t, ended, again); err != nil {
		t.Error(err)
	}
}

func TestAPartThatDiesEndsEverythingAndIsNamed(t *testing.T) {
	l, out, values := world(t)
	ended := start(t, t.Context(), l, out)
	if r, err := http.Get("http://127.0.0.1:" + values["ALFRED_EXTPROC_PORT"] + "/crash"); err == nil {
		_ = r.Body.Close()
	}
	err := await(t, ended, out)
	if err == nil || !strings.Contains(err.Error(), "alfred-extproc: exit status 3") || !strings.Contains(err.Error(), "the last words") {
		t.Errorf("error %v, want one that names alfred-extproc and quotes its log", err)
	}
	nothingLeft(t, values)
}

func TestDownStopsTheRunningOne(t *testing.T) {
	l, out, values := world(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// The signal comes to this process, which holds the claim; the launch takes it as its own would.
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGTERM)
	t.Cleanup(func() { signal.Stop(got) })
	go func() { <-got; cancel() }()
	ended := start(t, ctx, l, out)
	was, err := l.stop(time.Minute)
	if err != nil || !was {
		t.Errorf("stop: was running %v, error %v", was, err)
	}
	if err := await(t, ended, out); err != nil {
		t.Error(err)
	}
	nothingLeft(t, values)
	if was, err := l.stop(time.Second); was || err != nil {
		t.Errorf("a second stop: was running %v, error %v", was, err)
	}
}

func TestEveryBusyPortIsNamedWithItsVariable(t *testing.T) {
	l, _, values := world(t)
	for _, name := range []string{"ALFRED_PORT", "ALFRED_VALKEY_PORT"} {
		taken, err := net.Listen("tcp", "127.0.0.1:"+values[name])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = taken.Close() }()
	}
	err := up(t.Context(), l)
	if err == nil || !strings.Contains(err.Error(), "ALFRED_PORT=") || !strings.Contains(err.Error(), "ALFRED_VALKEY_PORT=") || strings.Contains(err.Error(), "ALFRED_MOCK_PORT") {
		t.Errorf("error %v, want both busy ports and no other", err)
	}
	values["REDIS_URL"] = "redis://localhost:6379"
	if err := up(t.Context(), l); err == nil || strings.Contains(err.Error(), "ALFRED_VALKEY_PORT") {
		t.Errorf("error %v: Valkey's port is not needed with REDIS_URL", err)
	}
}

func TestAWrongSettingIsToldBeforeAnythingStarts(t *testing.T) {
	l, out, values := world(t)
	values["ENVIRONMENT"] = "prod"
	if err := up(t.Context(), l); err == nil || !strings.Contains(err.Error(), "say production or development") {
		t.Errorf("error %v", err)
	}
	if out.String() != "" {
		t.Errorf("something was started: %s", out)
	}
}

func TestResetDeletesTheDataAndKeepsDownloadsAndKey(t *testing.T) {
	s := state{t.TempDir()}
	t.Setenv("ALFRED_HOME", s.home)
	for _, file := range []string{"data/postgres/x", "data/valkey/x", "logs/x", "bin/envoy-1/envoy", "secret.key"} {
		if err := os.MkdirAll(filepath.Dir(s.path(file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path(file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "alfred-elsewhere")
	if err := os.MkdirAll(filepath.Join(elsewhere, "pgdata"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path("data", "postgres", "location"), []byte(elsewhere+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run([]string{"reset"}, &out, &out); code != 0 {
		t.Fatalf("exit code %d: %s", code, &out)
	}
	for file, stays := range map[string]bool{
		s.path("bin/envoy-1/envoy"): true, s.path("secret.key"): true, s.path("data"): false, s.path("logs"): false, elsewhere: false,
	} {
		if _, err := os.Stat(file); (err == nil) != stays {
			t.Errorf("%s: there %v, want %v", file, err == nil, stays)
		}
	}
}

func TestALongStateFolderStillHasAShortSocket(t *testing.T) {
	s := state{filepath.Join("/tmp", strings.Repeat("d", 200))}
	path, err := s.socket("extproc.sock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(filepath.Dir(path)) })
	if len(path) > 107 {
		t.Errorf("%d bytes: %s", len(path), path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 || info.Sys().(*syscall.Stat_t).Uid != uint32(os.Geteuid()) {
		t.Errorf("its folder is not ours alone: %v, %v", info, err)
	}
}
