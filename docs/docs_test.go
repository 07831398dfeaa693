// Package docs_test holds the pages to what they speak of: links lead somewhere, and every setting, error code, path, metric and
// make target is one that exists.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/config"
)

// pages are the Markdown files of the product, relative to this folder.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"../README.md", "../CHANGELOG.md", "../CONTRIBUTING.md", "../SECURITY.md"}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// all returns the first group of every match.
func all(pattern, text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

var fences = regexp.MustCompile("(?s)```.*?```")

func TestLinksLeadSomewhere(t *testing.T) {
	checked := 0
	for _, page := range pages(t) {
		for _, link := range all(`\]\(([^)\s]+)\)`, fences.ReplaceAllString(read(t, page), "")) {
			if strings.Contains(link, "://") {
				continue
			}
			checked++
			file, anchor, _ := strings.Cut(link, "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", page, link)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s: %s has no such heading", page, link)
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d links were found: is this test still reading the pages?", checked)
	}
}

// anchors are the names that a page's headings get.
func anchors(page string) []string {
	var names []string
	for _, heading := range all(`(?m)^#+ (.+)$`, fences.ReplaceAllString(page, "")) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

func TestEveryErrorCodeIsInTheTour(t *testing.T) {
	text := read(t, "api.md")
	var want []string
	for _, e := range alfred.Explanations() {
		want = append(want, string(e.Code))
		row := regexp.MustCompile("(?m)^\\| `" + string(e.Code) + "` \\| (\\d+) \\| (.+) \\|$").FindStringSubmatch(text)
		if row == nil {
			t.Errorf("api.md has no row for %s", e.Code)
			continue
		}
		if got := row[1]; got != strconv.Itoa(e.Status) || row[2] != e.Remedy {
			t.Errorf("api.md says of %s: %s, %q; want %d, %q", e.Code, got, row[2], e.Status, e.Remedy)
		}
	}
	for _, code := range all("(?m)^\\| `([a-z_]+)` \\| \\d+ \\|", text) {
		if !slices.Contains(want, code) {
			t.Errorf("api.md has a row for %s, which does not exist", code)
		}
	}
}

func TestEverySettingIsInOperations(t *testing.T) {
	text, known := read(t, "operations.md"), config.Names()
	example := all(`(?m)^# ([A-Z][A-Z0-9_]+)=`, read(t, "../.env.example"))
	if len(example) < 20 {
		t.Fatalf(".env.example names only %d settings", len(example))
	}
	for _, name := range slices.Concat(known, example) {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("operations.md does not tell of %s", name)
		}
	}
	for _, name := range all("`([A-Z]+_[A-Z0-9_]+)`", text) {
		if !slices.Contains(known, name) && !slices.Contains(example, name) {
			t.Errorf("operations.md tells of %s, which nothing reads", name)
		}
	}
}

// What stands for an identifier in a path, in the pages and in the API document alike.
var placeholder = regexp.MustCompile(`\{[a-z_]+\}|[a-z]+_[0-9A-Z]{26}`)

func TestEveryPathExists(t *testing.T) {
	known := []string{"/v1", "/v1/chat/completions", "/v1/models"}
	for _, path := range all(`(?m)^  (/v1/[^:\s]+):$`, read(t, "../admin/api/openapi.yaml")) {
		known = append(known, placeholder.ReplaceAllString(path, "{}"))
	}
	for _, page := range pages(t) {
		for _, path := range all("(/v1(?:/[a-zA-Z0-9_{}./-]+)?)", read(t, page)) {
			path = strings.TrimRight(placeholder.ReplaceAllString(path, "{}"), "./")
			prefix := func(k string) bool { return k == path || strings.HasPrefix(k, path+"/") }
			if !slices.ContainsFunc(known, prefix) {
				t.Errorf("%s names %s, which is not in the API", page, path)
			}
		}
	}
}

func TestEveryMetricExists(t *testing.T) {
	var source strings.Builder
	for _, dir := range []string{"../extproc", "../admin", "../cmd"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				source.WriteString(read(t, path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	metrics := all("`alfred_([a-z_]+)", read(t, "operations.md"))
	if len(metrics) < 8 {
		t.Fatalf("operations.md names only %d metrics", len(metrics))
	}
	for _, name := range metrics {
		if !strings.Contains(source.String(), `"`+name+`"`) && !strings.Contains(source.String(), `"alfred_`+name+`"`) {
			t.Errorf("operations.md names alfred_%s, which nothing counts", name)
		}
	}
}

func TestEveryMakeTargetExists(t *testing.T) {
	targets := all(`(?m)^([a-z-]+):`, read(t, "../Makefile"))
	for _, page := range pages(t) {
		for _, target := range all("(?m)(?:^|`)make ([a-z-]+)", read(t, page)) {
			if !slices.Contains(targets, target) {
				t.Errorf("%s says make %s, which the Makefile does not know", page, target)
			}
		}
	}
}

// What `make up` prints to be pasted, README prints too.
func TestReadmeHasTheCommandsOfMakeUp(t *testing.T) {
	readme, commands := read(t, "../README.md"), 0
	printed := strings.NewReplacer("%[1]s", "http://localhost:8000", "%[2]s", "gpt-4").Replace(read(t, "../cmd/alfred/guide.go"))
	for _, line := range all(`(?m)^  +((?:KEY|curl|-H|-d|\|).+)$`, printed) {
		commands++
		if !strings.Contains(readme, line) {
			t.Errorf("README lacks what make up prints: %s", line)
		}
	}
	if commands < 5 {
		t.Errorf("found only %d lines of commands in guide.go", commands)
	}
}
