package parts_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// need skips the test when a part cannot be had here, and fails it on CI.
func need(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
}

func TestPostgresKeepsWhatWasWrittenAcrossHaltAndKill(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	_, err := parts.Postgres(ctx, os.Stderr)
	need(t, err)
	p, err := parts.StartPostgres(ctx, parts.PostgresConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	exec := func(sql string) {
		t.Helper()
		c, err := pgx.Connect(ctx, p.DSN())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TABLE kept (n int)`)
	p.Halt()
	if err := p.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	exec(`INSERT INTO kept VALUES (1)`)
	p.Kill()
	if err := p.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	exec(`SELECT n FROM kept`)
}

func TestPostgresRunsOnAFolderThatTheAccountCannotReach(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	_, err := parts.Postgres(ctx, os.Stderr)
	need(t, err)
	dir := filepath.Join(t.TempDir(), "closed", "postgres")
	if err := os.Mkdir(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second run finds the data of the first
		p, err := parts.StartPostgres(ctx, parts.PostgresConfig{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		p.Stop()
	}
	if at, err := os.ReadFile(filepath.Join(dir, "location")); err == nil {
		if err := os.RemoveAll(strings.TrimSpace(string(at))); err != nil {
			t.Fatal(err)
		}
	} else if os.Geteuid() == 0 {
		t.Errorf("as root the data must lie elsewhere, and the folder must say where: %v", err)
	}
}

func TestValkeyAnswersOnPortAndSocket(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	binary, err := parts.Valkey(ctx, os.Stderr)
	need(t, err)
	for name, cfg := range map[string]parts.RedisConfig{
		"port":   {Password: "s3cret", AppendOnly: true},
		"socket": {Socket: filepath.Join(shortDir(t), "v.sock")},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Binary, cfg.Dir = binary, t.TempDir()
			r, err := parts.StartValkey(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			r.Stop()
			select {
			case <-r.Done():
			default:
				t.Error("still running after Stop")
			}
		})
	}
}

func TestAServerThatCannotStartIsNamedWithItsLog(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	binary, err := parts.Valkey(ctx, os.Stderr)
	need(t, err)
	_, err = parts.StartValkey(ctx, parts.RedisConfig{Binary: binary, Dir: t.TempDir(), Socket: "/nonexistent/v.sock"})
	if err == nil || !strings.Contains(err.Error(), "Failed opening Unix socket") {
		t.Errorf("error %v, want one that quotes the server's own words", err)
	}
}

func TestEnvoyIsFoundAndNewEnough(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	path, err := parts.Envoy(ctx, os.Stderr)
	need(t, err)
	if _, err := parts.EnvoyAt(ctx, path); err != nil {
		t.Error(err)
	}
}

// shortDir is a folder whose path leaves room for a socket's name: a unix socket's path holds 107 bytes.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "a")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
