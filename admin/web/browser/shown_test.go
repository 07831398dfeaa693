package browser

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// TestFigures prints what each page costs a browser: paints, shifts, blocked time, bytes and elements.
func TestFigures(t *testing.T) {
	if os.Getenv("ALFRED_FIGURES") != "true" {
		t.Skip("figures are measured when they are asked for: make figures")
	}
	run(t, nil, (*stack).fill, "browser/figures.measure.ts")
}

// TestImages writes the README's pictures into docs/images.
func TestImages(t *testing.T) {
	if os.Getenv("ALFRED_SCREENSHOTS") != "true" {
		t.Skip("pictures are taken when they are asked for: make screenshots")
	}
	var owner string
	run(t, func(t *testing.T, admin string) []string {
		env, key := seeded(t, admin)
		owner = key
		return env
	}, func(s *stack) world { return s.shown(owner) }, "browser/images.measure.ts")
}

// seeded makes a database with two months of history, and gives the settings that lead to it and a key of the owner. The live ledger
// is built from the record when the stack comes up.
func seeded(t *testing.T, admin string) (env []string, owner string) {
	t.Helper()
	pg, err := parts.StartPostgres(t.Context(), parts.PostgresConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Stop)
	binary, err := parts.Valkey(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	live, err := parts.StartValkey(t.Context(), parts.RedisConfig{Binary: binary, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(live.Stop)
	env = []string{"DATABASE_URL=" + pg.DSN(), "REDIS_URL=" + live.URL(), "ALFRED_SECRET_KEY=" + strings.Repeat("only for pictures ", 3), "ENVIRONMENT=development"}
	seed := exec.CommandContext(t.Context(), admin, "seed", "-people", "240", "-events", "24000", "-days", "60")
	seed.Env, seed.Dir = append(env, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME")), t.TempDir()
	out, err := seed.CombinedOutput()
	if err != nil {
		t.Fatalf("seed: %v\n%s", err, out)
	}
	lines := strings.Fields(string(out))
	return env, lines[len(lines)-1]
}

// shown is an organisation as a visitor would like to see one: two months of usage by people with names, and a refusal for which two
// limits stand.
func (s *stack) shown(owner string) world {
	s.Helper()
	w := world{Base: s.base, Keys: map[string]string{"owner": owner}}
	s.key = owner
	s.until("the owner's key is good", func() bool {
		status, _ := s.call("GET", "/v1/users/me", s.key, nil)
		return status == http.StatusOK
	})
	s.must("PATCH", "/v1/admin/organization", map[string]any{"name": "Company AS"})
	s.must("PUT", "/v1/admin/onboarding", map[string]any{"dismissed": true})
	w.Team = str(s.must("POST", "/v1/admin/teams", map[string]any{"name": "Applied Research", "description": "Answers with sources", "common_pool": 600}), "id")
	var keys []string
	for i, p := range []struct{ name, email string }{{"Grace Hopper", "grace.hopper@company.com"}, {"Ada Lovelace", "ada.lovelace@company.com"}} {
		made := s.must("POST", "/v1/admin/users", map[string]any{"email": p.email, "name": p.name, "personal_quota": 400})
		w.User = str(made, "id")
		keys = append(keys, str(made, "api_key"))
		s.must("POST", fmt.Sprintf("/v1/admin/teams/%s/members/%s?is_admin=%v", w.Team, w.User, i == 0), nil)
	}
	w.Keys["refused"] = keys[1]
	s.until("a refusal", func() bool {
		status, refused := s.call("POST", "/v1/chat/completions", w.Keys["refused"], completion("gpt-4o", 300))
		w.Decision = decisionOf(refused)
		return status == http.StatusTooManyRequests
	})
	s.until("its explanation", func() bool {
		status, _ := s.call("GET", "/v1/decisions/"+w.Decision, s.key, nil)
		return status == http.StatusOK
	})
	_, mine := s.call("GET", "/v1/users/me/usage", w.Keys["refused"], nil)
	if rows, _ := mine["data"].([]any); len(rows) > 0 {
		row, _ := rows[0].(map[string]any)
		w.Request = str(row, "request_id")
	}
	return w
}
