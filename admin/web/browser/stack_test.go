package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// stack is everything that `alfred up` runs, on free ports and with a state of its own.
type stack struct {
	*testing.T
	base string // the front door
	key  string // of the owner
}

// start runs them; before says what has to be there first, such as a history, and gives the settings that lead to it.
func start(t *testing.T, web string, before func(t *testing.T, admin string) (env []string)) *stack {
	t.Helper()
	bin := t.TempDir()
	for _, name := range []string{"alfred", "alfred-extproc", "alfred-admin"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, name), "../../../cmd/"+name)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	downloads, err := parts.Home()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(downloads, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(downloads, "bin"), filepath.Join(home, "bin")); err != nil {
		t.Fatal(err)
	}
	// The machine's own settings would reach real providers and databases.
	var env []string
	for _, e := range os.Environ() {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "PATH", "HOME", "TMPDIR", "LANG":
			env = append(env, e)
		}
	}
	var front int
	for _, name := range []string{"ALFRED_PORT", "ALFRED_ADMIN_PORT", "ALFRED_EXTPROC_PORT", "ALFRED_ENVOY_PORT", "ALFRED_MOCK_PORT", "ALFRED_POSTGRES_PORT", "ALFRED_VALKEY_PORT"} {
		port, err := parts.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if name == "ALFRED_PORT" {
			front = port
		}
		env = append(env, name+"="+strconv.Itoa(port))
	}
	if before != nil {
		env = append(env, before(t, filepath.Join(bin, "alfred-admin"))...)
	}
	base := "http://localhost:" + strconv.Itoa(front)
	env = append(env, "ALFRED_HOME="+home, "ALFRED_PUBLIC_URL="+base, "ALFRED_UI_DIR="+filepath.Join(web, "dist"), "ALFRED_REDIS_TIMEOUT=2s")
	up := exec.CommandContext(t.Context(), filepath.Join(bin, "alfred"), "up", "--no-build")
	up.Env, up.Dir = env, t.TempDir()
	var out bytes.Buffer
	up.Stdout, up.Stderr = &out, &out
	up.Cancel = func() error { return up.Process.Signal(syscall.SIGTERM) }
	up.WaitDelay = time.Minute
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	t.Cleanup(func() {
		_ = up.Process.Signal(syscall.SIGTERM)
		err := <-ended
		if t.Failed() {
			t.Logf("alfred up: %v", err)
			for _, name := range []string{"admin", "extproc"} {
				if text, err := os.ReadFile(filepath.Join(home, "logs", name+".log")); err == nil {
					t.Logf("%s: %s", name, text[max(0, len(text)-4000):])
				}
			}
		}
		_ = os.RemoveAll(filepath.Join(home, "data"))
	})
	s := &stack{T: t, base: base}
	s.until("the stack is up", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("alfred up: %v\n%s", err, &out)
		default:
		}
		status, _ := s.call("GET", "/v1/openapi.json", "", nil)
		return status == http.StatusOK
	})
	return s
}

// until waits for what must come.
func (s *stack) until(what string, come func() bool) {
	s.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for !come() {
		if time.Now().After(deadline) {
			s.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // polls with a deadline
	}
}

// call asks the front door and gives the status, which is 0 when nothing answers, and the body.
func (s *stack) call(method, path, key string, body any) (int, map[string]any) {
	s.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			s.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.base+path, content)
	if err != nil {
		s.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = answer.Body.Close() }()
	out := map[string]any{}
	_ = json.NewDecoder(answer.Body).Decode(&out) // not everything is an object
	return answer.StatusCode, out
}

// must asks as the owner and wants a 2xx.
func (s *stack) must(method, path string, body any) map[string]any {
	s.Helper()
	status, out := s.call(method, path, s.key, body)
	if status/100 != 2 {
		s.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

func str(m map[string]any, name string) string { return fmt.Sprint(m[name]) }
