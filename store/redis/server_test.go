package redis_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// server is a real Valkey or Redis that the tests of this package share.
type server struct {
	name string
	find func(context.Context) (string, error)
	once sync.Once
	run  *parts.Redis
	dir  string
	err  error
}

var servers = []*server{
	{name: "Valkey", find: func(ctx context.Context) (string, error) { return parts.Valkey(ctx, os.Stderr) }},
	{name: "Redis", find: func(ctx context.Context) (string, error) { return parts.Redis7(ctx, os.Stderr) }},
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range servers {
		if s.run != nil {
			s.run.Kill()
		}
		if s.dir != "" {
			_ = os.RemoveAll(s.dir)
		}
	}
	os.Exit(code)
}

// need ends a test that lacks a server: a failure where everything must be
// there, else skipped with the reason.
func need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

func (s *server) start() {
	ctx := context.Background()
	var binary string
	if binary, s.err = s.find(ctx); s.err != nil {
		return
	}
	if s.dir, s.err = os.MkdirTemp("", "alfred-store"); s.err != nil {
		return
	}
	s.run, s.err = parts.StartValkey(ctx, parts.RedisConfig{Binary: binary, Dir: s.dir})
}

func (s *server) url(t testing.TB) string {
	t.Helper()
	s.once.Do(s.start)
	need(t, s.err)
	return s.run.URL()
}

// onServers runs a test on each real server.
func onServers(t *testing.T, test func(*testing.T, *server)) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			s.url(t)
			test(t, s)
		})
	}
}

// own starts a server for one test alone.
func (s *server) own(t *testing.T, cfg parts.RedisConfig) *parts.Redis {
	t.Helper()
	binary, err := s.find(t.Context())
	need(t, err)
	cfg.Binary = binary
	run, err := parts.StartValkey(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Kill)
	return run
}

// appendOnlyFile is the file that a server is writing to.
func appendOnlyFile(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(found) != 1 {
		t.Fatal(fmt.Errorf("append-only files %v: %w", found, err))
	}
	return found[0]
}
