package browser

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// TestBrowser visits every page of the registry and runs the stories of the pages. ALFRED_SCREENSHOTS=true keeps pictures of them,
// ALFRED_BROWSER_ONLY names the files to run, as vitest filters them.
func TestBrowser(t *testing.T) {
	run(t, nil, (*stack).fill, "")
}

// run starts a stack, has it filled, and runs the TypeScript files: the tests and stories, or the one that is named.
func run(t *testing.T, before func(*testing.T, string) []string, fill func(*stack) world, what string) {
	t.Helper()
	web, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	chromium := needed(t, web)
	w := fill(start(t, web, before))
	w.Chromium = chromium
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "world.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"vitest", "run", "--config", "vitest.browser.config.ts"}
	if only := os.Getenv("ALFRED_BROWSER_ONLY"); only != "" && what == "" {
		args = append(args, only)
	}
	c := exec.CommandContext(t.Context(), filepath.Join("node_modules", ".bin", args[0]), args[1:]...)
	c.Dir = web
	c.Env = append(os.Environ(), "ALFRED_BROWSER_WORLD="+path, "ALFRED_BROWSER_WHAT="+what, "NO_COLOR=1")
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("the browser's tests: %v", err)
	}
}

// needed skips where the machine cannot run a browser's tests, and fails on CI. It returns Chromium's path.
func needed(t *testing.T, web string) (chromium string) {
	t.Helper()
	missing := func(why string) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	chromium, err := parts.Chromium(t.Context(), os.Stderr)
	if err != nil {
		missing(err.Error())
	}
	if _, err := os.Stat(filepath.Join(web, "node_modules", ".bin", "vitest")); err != nil {
		missing("the web app's packages are not installed: run make ui")
	}
	if _, err := os.Stat(filepath.Join(web, "dist", "index.html")); err != nil {
		missing("the web app is not built: run make ui")
	}
	if testing.Short() {
		t.Skip("a browser and a whole stack are not short")
	}
	return chromium
}
