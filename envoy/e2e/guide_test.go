package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// block is one code block of the guide.
type block struct{ language, text string }

// guide reads the blocks under each heading.
func guide(t *testing.T) map[string][]block {
	t.Helper()
	text, err := os.ReadFile("testdata/guide.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]block{}
	heading := regexp.MustCompile(`(?m)^### (.*)$|(?ms)^` + "```" + `(\w+)\n(.*?)\n` + "```$")
	under := ""
	for _, m := range heading.FindAllStringSubmatch(string(text), -1) {
		if m[1] != "" {
			under = m[1]
			continue
		}
		blocks[under] = append(blocks[under], block{m[2], m[3]})
	}
	return blocks
}

// curl runs the block's curl command as a shell would, with its placeholders filled in, and returns what it printed.
func (b block) curl(t *testing.T, fill ...string) []byte {
	t.Helper()
	from := strings.Index(b.text, "curl ")
	if b.language != "bash" || from < 0 {
		t.Fatalf("no curl here: %s", b.text)
	}
	c := exec.CommandContext(t.Context(), "bash", "-c", strings.NewReplacer(fill...).Replace(b.text[from:]))
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	if err := c.Run(); err != nil {
		t.Fatalf("%s\n%v: %s", b.text, err, complaints.String())
	}
	return out.Bytes()
}

func (b block) python(t *testing.T, fill ...string) string {
	t.Helper()
	command, err := pythonSDK(t.Context())
	if err != nil {
		envoytest.Missing(t, "OpenAI SDK for Python", err)
	}
	c := exec.CommandContext(t.Context(), command[0], "-c", strings.NewReplacer(fill...).Replace(b.text))
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v: %s", b.text, err, out)
	}
	return string(out)
}

func (b block) fields(t *testing.T) map[string]any { return fields(t, []byte(b.text)) }

func fields(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// The user guide, from top to bottom, as somebody would follow it.
func TestTheUserGuide(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		envoytest.Missing(t, "curl", err)
	}
	blocks := guide(t)
	one := func(heading, language string) block {
		t.Helper()
		for i, b := range blocks[heading] {
			if b.language == language {
				blocks[heading] = append(blocks[heading][:i:i], blocks[heading][i+1:]...)
				return b
			}
		}
		t.Fatalf("the guide has no %s block under %q", language, heading)
		return block{}
	}
	s := start(t)
	here := []string{"http://localhost:8000", s.URL, "http://your-alfred-server", s.URL}
	with := func(more ...string) []string { return append(more, here...) }
	person := func(text []byte) (p person) {
		t.Helper()
		if err := json.Unmarshal(text, &p); err != nil || p.ID == "" {
			t.Fatalf("%v in %s", err, text)
		}
		return p
	}

	admin := person(one("1. Create Your First Admin User", "bash").curl(t, here...))
	if !strings.HasPrefix(admin.Key, "tp-") || admin.Email != "admin@company.com" {
		t.Fatalf("the first admin is %+v", admin)
	}
	s.awaitKey(t, admin)

	one("4. Start Using the API", "python").python(t, with("tp-your-api-key-here", admin.Key)...)
	if q := s.settled(t, admin); q.Personal != 10_000 || q.Used == 0 {
		t.Errorf("after the first call the quota is %+v", q)
	}

	user := person(one("Creating Users", "bash").curl(t, with("your-admin-key", admin.Key)...))
	if user.Email != "user@company.com" || !strings.HasPrefix(user.Key, "tp-") {
		t.Errorf("the user is %+v", user)
	}
	s.awaitKey(t, user)
	if q := s.quota(t, user); q.Personal != 5000 {
		t.Errorf("the quota is %+v", q)
	}

	changed := fields(t, one("Modifying Users", "bash").curl(t, with("your-admin-key", admin.Key, "{user_id}", user.ID)...))
	if changed["name"] != "Updated Name" || changed["personal_quota"] != 10_000.0 || changed["status"] != "active" || changed["email"] != "user@company.com" {
		t.Errorf("the user is now %v", changed)
	}

	team := fields(t, one("Creating Teams", "bash").curl(t, with("your-admin-key", admin.Key)...))
	if team["name"] != "Engineering" || team["description"] != "Software development team" || team["common_pool"] != 50_000.0 {
		t.Errorf("the team is %v", team)
	}
	teamID, _ := team["id"].(string)
	one("Adding Team Members", "bash").curl(t, with("your-admin-key", admin.Key, "{team_id}", teamID, "{user_id}", user.ID)...)
	s.awaitQuota(t, user, "the only member has the pool", func(q quota) bool { return q.Pool == 50_000 && q.Personal == 10_000 })

	if said := one("Making Requests", "python").python(t, with("tp-your-api-key", user.Key)...); !strings.Contains(said, "capital of France") {
		t.Errorf("the model said %q", said)
	}

	// What the guide prints is a state: a pool of 15,000, and 3,500 tokens spent of 10,000.
	s.call(t, admin.Key, http.MethodPatch, "/v1/admin/teams/"+teamID, map[string]any{"common_pool": 15_000}).into(t, http.StatusOK, nil)
	s.spend(t, user, 3500)
	want := one("Checking Your Quota", "json").fields(t)
	s.awaitQuota(t, user, "the pool is 15,000", func(q quota) bool { return q.Pool == 15_000 })
	got := fields(t, one("Checking Your Quota", "bash").curl(t, with("tp-your-api-key", user.Key)...))
	for name := range got {
		if _, printed := want[name]; !printed {
			delete(got, name) // more may be told
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the quota (-guide +here):\n%s", diff)
	}

	colleague := s.colleague(t, admin, "colleague", 0)
	one("Reallocating Credits", "bash").curl(t, with("tp-your-api-key", user.Key)...)
	s.awaitQuota(t, colleague, "the colleague has 500", func(q quota) bool { return q.Available == 500 })
	s.awaitQuota(t, user, "the giver has 500 less", func(q quota) bool { return q.Available == 6000 })

	// The last block is a list of defaults.
	var organization struct{ Settings map[string]any }
	s.call(t, admin.Key, http.MethodGet, "/v1/admin/organization", nil).into(t, http.StatusOK, &organization)
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+) = (\d+)`).FindAllStringSubmatch(one("Quota Settings", "python").text, -1) {
		name := strings.ToLower(m[1])
		var figure any
		if err := json.Unmarshal([]byte(m[2]), &figure); err != nil {
			t.Fatal(err)
		}
		if organization.Settings[name] != figure {
			t.Errorf("%s is %v, want %v", m[1], organization.Settings[name], figure)
		}
	}

	for heading, left := range blocks {
		if len(left) != 0 {
			t.Errorf("under %q there are blocks that nobody ran: %v", heading, left)
		}
	}
}

// spend makes calls until exactly so much was used: the prompt costs the same each time, and max_tokens is the rest.
func (e *edge) spend(t *testing.T, p person, all float64) {
	t.Helper()
	once := func(limit int) float64 {
		answer := e.complete(t, p, chat("mock-long", "Tell me a story.", "max_tokens", limit))
		answer.into(t, http.StatusOK, nil)
		return total(t, answer.body)
	}
	prompt := once(1) - 1
	for {
		left := all - e.settled(t, p).Used
		if left == 0 {
			return
		}
		limit := min(left-prompt, 1000)
		if rest := left - prompt - limit; rest > 0 && rest <= prompt {
			limit -= prompt + 1 // leave enough for one more prompt and a token
		}
		if limit < 1 {
			t.Fatalf("%v tokens cannot be spent with a prompt of %v", left, prompt)
		}
		once(int(limit))
	}
}
