package alfred_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/alfred-envoy/alfred"

// rules say what a folder's packages may import of this module; the longest
// matching folder counts. A folder that ends in /... stands for all below it
// too. Tests may import anything.
var rules = []struct {
	folder string
	own    []string // folders of this module; "." is the root package
	std    bool     // nothing but the standard library outside this module
	except []string // modules outside that are allowed all the same
}{
	{folder: ".", std: true},
	{folder: "extproc", own: []string{".", "extproc/..."}},
	{folder: "extproc/llm", std: true, except: []string{"github.com/go-json-experiment/json"}},
	{folder: "extproc/spool", own: []string{"."}, std: true},
	{folder: "admin", own: []string{".", "admin/..."}},
	{folder: "store", own: []string{"."}, std: true},
	{folder: "store/redis", own: []string{".", "store"}},
	{folder: "store/postgres", own: []string{".", "store", "store/postgres/..."}},
	{folder: "store/memory", own: []string{".", "store"}, std: true},
	{folder: "store/storetest", own: []string{".", "store"}},
	{folder: "config", own: []string{".", "config/..."}},
	{folder: "envoy", own: []string{".", "envoy/...", "cmd/alfred/parts"}},
	{folder: "cmd", own: []string{".", "extproc/...", "admin/...", "config/...", "envoy/...", "store/...", "cmd/..."}},
}

// TestImports holds the import rule: the planes never import each other or a
// store, and the domain imports nothing. It parses the files rather than
// asking the go command, so that the test cache sees every change.
func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata" || base == "tools" || base == "docs") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		files++
		folder := path.Dir(filepath.ToSlash(name))
		rule := -1
		for i, r := range rules {
			if under(folder, r.folder) && (rule < 0 || len(r.folder) >= len(rules[rule].folder)) {
				rule = i
			}
		}
		if rule < 0 {
			t.Errorf("%s: no import rule covers this folder", name)
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := refused(rules[rule].own, rules[rule].std, rules[rule].except, imported); why != "" {
				t.Errorf("%s imports %s: %s", name, imported, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Fatalf("looked at %d files: the test does not see the tree", files)
	}
}

// under says whether a folder is rule or lies below it; the root rule covers
// the root folder alone.
func under(folder, rule string) bool {
	return folder == rule || (rule != "." && strings.HasPrefix(folder, rule+"/"))
}

func refused(own []string, std bool, except []string, imported string) string {
	if imported == module || strings.HasPrefix(imported, module+"/") {
		folder := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
		if folder == "" {
			folder = "."
		}
		for _, o := range own {
			if tree, ok := strings.CutSuffix(o, "/..."); folder == o || (ok && under(folder, tree)) {
				return ""
			}
		}
		return "this folder may import " + strings.Join(own, ", ") + " of the module"
	}
	first, _, _ := strings.Cut(imported, "/")
	if !std || !strings.Contains(first, ".") {
		return ""
	}
	for _, e := range except {
		if strings.HasPrefix(imported, e) {
			return ""
		}
	}
	return "standard library only"
}

func TestImportRuleRefuses(t *testing.T) {
	for _, c := range []struct {
		folder, imported string
		want             bool
	}{
		{".", "fmt", true},
		{".", "github.com/redis/go-redis/v9", false},
		{"extproc", module + "/store/redis", false},
		{"extproc", module + "/extproc/llm", true},
		{"admin", module + "/extproc", false},
		{"store/redis", module + "/store/postgres", false},
		{"store/redis", module + "/store", true},
		{"store", module + "/store/redis", false},
	} {
		for _, r := range rules {
			if r.folder == c.folder {
				if got := refused(r.own, r.std, r.except, c.imported) == ""; got != c.want {
					t.Errorf("%s importing %s: allowed %v, want %v", c.folder, c.imported, got, c.want)
				}
			}
		}
	}
}
