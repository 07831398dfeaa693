package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// appGuide is the User Guide of the web app, a file a chapter.
const appGuide = "../../admin/web/src/pages/guide/chapters"

// snippet is a fenced block of a chapter: a language, sometimes a name, and the text with its placeholders.
type snippet struct{ chapter, language, name, text string }

// snippets reads the blocks of all chapters in the order in which a reader meets them.
func snippets(t *testing.T) []snippet {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(appGuide, "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no chapters in %s: %v", appGuide, err)
	}
	fence := regexp.MustCompile("(?ms)^```(\\w+) ?([\\w-]*)\n(.*?)\n```$")
	var all []snippet
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
			all = append(all, snippet{filepath.Base(file), m[1], m[2], m[3]})
		}
	}
	return all
}

// Every snippet of the User Guide in the web app runs as printed, with the reader's own address and key filled in.
func TestTheGuideOfTheApp(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		envoytest.Missing(t, "curl", err)
	}
	python, err := pythonSDK(t.Context())
	if err != nil {
		envoytest.Missing(t, "OpenAI SDK for Python", err)
	}
	node, err := nodeSDK(t.Context())
	if err != nil {
		envoytest.Missing(t, "OpenAI SDK for Node", err)
	}
	s := start(t)

	// curl must fail where the server refuses, without the guide having to say so.
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte("fail-with-body\nsilent\nshow-error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(in snippet, dir, text string, command ...string) []byte {
		t.Helper()
		c := exec.CommandContext(t.Context(), command[0], append(command[1:], text)...)
		c.Dir, c.Env = dir, append(os.Environ(), "CURL_HOME="+home)
		var out, complaints bytes.Buffer
		c.Stdout, c.Stderr = &out, &complaints
		if err := c.Run(); err != nil {
			t.Fatalf("%s, %s: %v\n%s\n%s%s", in.chapter, in.language, err, text, out.Bytes(), complaints.Bytes())
		}
		if out.Len() == 0 {
			t.Errorf("%s, %s printed nothing:\n%s", in.chapter, in.language, text)
		}
		return out.Bytes()
	}

	fill := map[string]string{"{base_url}": s.URL}
	filled := func(in snippet) string {
		t.Helper()
		text := in.text
		for placeholder, value := range fill {
			text = strings.ReplaceAll(text, placeholder, value)
		}
		if left := regexp.MustCompile(`\{[a-z]+_[a-z_]+\}`).FindString(text); left != "" {
			t.Fatalf("%s: nothing to fill %s with in:\n%s", in.chapter, left, text)
		}
		return text
	}

	var last []byte
	ran := map[string]int{}
	for _, in := range snippets(t) {
		ran[in.language]++
		switch in.language {
		case "sh":
			last = run(in, "", filled(in), "bash", "-c")
			s.learn(t, in, last, fill)
		case "python":
			run(in, "", filled(in), python[0], "-c")
		case "js":
			run(in, "sdk", filled(in), node[0], "--input-type=module", "-e")
		case "json":
			// What the guide shows of an answer is a selection: each of its fields stands in the real one, with a value of the same kind.
			got := fields(t, last)
			for name, shown := range fields(t, []byte(in.text)) {
				if real, ok := got[name]; !ok || kind(real) != kind(shown) {
					t.Errorf("%s shows %s = %v, the answer has %v", in.chapter, name, shown, real)
				}
			}
		case "text":
		default:
			t.Errorf("%s: nobody runs a block of %q", in.chapter, in.language)
		}
	}
	if ran["sh"] == 0 || ran["python"] == 0 || ran["python"] != ran["js"] {
		t.Errorf("blocks by language: %v; what Python can do is shown for Node too", ran)
	}
}

// learn takes from an answer what later snippets need.
func (s *stack) learn(t *testing.T, in snippet, answer []byte, fill map[string]string) {
	t.Helper()
	var made struct {
		ID    string  `json:"id"`
		Key   string  `json:"api_key"`
		Email string  `json:"email"`
		Pool  float64 `json:"common_pool"`
	}
	if json.Unmarshal(answer, &made) != nil {
		return // a stream
	}
	switch {
	case in.name == "first-admin":
		fill["{api_key}"] = made.Key
		owner := person{ID: made.ID, Key: made.Key, Email: made.Email}
		s.awaitKey(t, owner)
		s.colleague(t, owner, "colleague", 0)
	case made.Email == "user@company.com" && fill["{user_id}"] == "":
		fill["{user_id}"] = made.ID
	case made.Pool > 0:
		fill["{team_id}"] = made.ID
	}
}

// kind names the JSON type of a value.
func kind(v any) string {
	switch v.(type) {
	case float64:
		return "number"
	case string:
		return "string"
	case bool:
		return "boolean"
	case nil:
		return "null"
	default:
		return "other"
	}
}
