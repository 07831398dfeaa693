package browser

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestFirstSteps runs the story of the first steps where they are still to be taken: over a stack in which there is nobody but its owner.
func TestFirstSteps(t *testing.T) {
	web, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	chromium := needed(t, web)
	s := start(t, web)
	first := s.must("POST", "/v1/admin/users", map[string]any{"email": "owner@company.com", "name": "Olivia Owner", "personal_quota": 10_000})
	text, err := json.Marshal(map[string]any{"base": s.base, "chromium": chromium, "keys": map[string]string{"owner": str(first, "api_key")}, "fresh": true})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "world.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), filepath.Join("node_modules", ".bin", "vitest"), "run", "--config", "vitest.browser.config.ts", "onboarding.story")
	c.Dir = web
	c.Env = append(os.Environ(), "ALFRED_BROWSER_WORLD="+path, "NO_COLOR=1")
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("the first steps: %v", err)
	}
}
