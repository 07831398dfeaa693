// Package envoytest runs a real Envoy for tests. It owns the process and its files; what goes in and out is the test's.
package envoytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy"
)

// Envoy is a running proxy. It is stopped when its test ends.
type Envoy struct {
	URL       string // the front door, without a trailing slash
	AdminURL  string // Envoy's own administration API
	AccessLog string // the file that requests are logged to
	Log       string // the file that Envoy itself logs to

	process *parts.Process
}

// Binary returns the path of a real Envoy. Where there is none the test is skipped, and under CI=true it fails.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := parts.Envoy(t.Context(), os.Stderr)
	if err != nil {
		Missing(t, "Envoy", err)
	}
	return path
}

// Missing ends a test for which a part of the machine is missing.
func Missing(t testing.TB, what string, err error) {
	t.Helper()
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("no %s: %v", what, err)
}

// Start renders the configuration and runs Envoy with it, until it is ready to serve. Listen and AdminListen may be empty or
// have port 0; the ports that the kernel chose are in the URLs. An empty LogPath becomes a file of the test's own.
func Start(t testing.TB, c envoy.Config) *Envoy {
	t.Helper()
	binary, dir := Binary(t), t.TempDir()
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.AdminListen == "" {
		c.AdminListen = "127.0.0.1:0"
	}
	if c.LogPath == "" {
		c.LogPath = filepath.Join(dir, "access.log")
	}
	text, err := envoy.Render(c)
	if err != nil {
		t.Fatal(err)
	}
	config, admin := filepath.Join(dir, "envoy.yaml"), filepath.Join(dir, "admin.address")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	e := &Envoy{AccessLog: c.LogPath, Log: filepath.Join(dir, "envoy.log")}
	e.process, err = parts.Start(parts.Command{
		Name: "envoy", Path: binary, Dir: dir, Log: e.Log,
		Args: []string{
			"--config-path", config, "--admin-address-path", admin, "--disable-hot-restart", "--concurrency", "2",
			"--log-level", "warning", "--drain-time-s", "1", "--file-flush-interval-msec", "50",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.process.Kill()
		if t.Failed() {
			t.Logf("Envoy's own log, last lines:\n%s", lastLines(e.Log, 40))
			t.Logf("access log, last lines:\n%s", lastLines(e.AccessLog, 20))
		}
	})
	err = e.process.Await(t.Context(), time.Minute, func(ctx context.Context) error {
		address, err := os.ReadFile(admin)
		if err != nil {
			return err
		}
		e.AdminURL = "http://" + strings.TrimSpace(string(address))
		if _, err := fetch(ctx, e.AdminURL+"/ready"); err != nil {
			return err
		}
		e.URL, err = frontDoor(ctx, e.AdminURL)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// PID is Envoy's process id.
func (e *Envoy) PID() int { return e.process.PID() }

// Kill ends Envoy at once, as a crash would.
func (e *Envoy) Kill() { e.process.Kill() }

// Stat returns one of Envoy's counters or gauges.
func (e *Envoy) Stat(t testing.TB, name string) int64 {
	t.Helper()
	text, err := fetch(t.Context(), e.AdminURL+"/stats?filter=^"+strings.ReplaceAll(name, ".", "\\.")+"$")
	if err != nil {
		t.Fatal(err)
	}
	_, value, ok := strings.Cut(strings.TrimSpace(string(text)), ": ")
	if !ok {
		t.Fatalf("Envoy has no stat %s", name)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		t.Fatalf("stat %s: %v", name, err)
	}
	return n
}

// Validate asks a real Envoy whether it would accept the configuration.
func Validate(t testing.TB, c envoy.Config) error {
	t.Helper()
	binary := Binary(t)
	text, err := envoy.Render(c)
	if err != nil {
		return err
	}
	config := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), binary, "--mode", "validate", "--config-path", config, "--log-level", "warning").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	// What Envoy warns of today, it refuses in a year.
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "[warning]") && (strings.Contains(line, "deprecated") || strings.Contains(line, "unknown")) {
			return fmt.Errorf("accepted with a warning: %s", line)
		}
	}
	return nil
}

func frontDoor(ctx context.Context, admin string) (string, error) {
	text, err := fetch(ctx, admin+"/listeners?format=json")
	if err != nil {
		return "", err
	}
	var listeners struct {
		Statuses []struct {
			Name  string `json:"name"`
			Local struct {
				Socket struct {
					Address string `json:"address"`
					Port    int    `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal(text, &listeners); err != nil {
		return "", fmt.Errorf("read listeners: %w", err)
	}
	for _, l := range listeners.Statuses {
		if l.Name == "front_door" && l.Local.Socket.Port != 0 {
			return fmt.Sprintf("http://%s:%d", l.Local.Socket.Address, l.Local.Socket.Port), nil
		}
	}
	return "", fmt.Errorf("no listener yet: %s", text)
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, text)
	}
	return text, err
}

func lastLines(file string, n int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
