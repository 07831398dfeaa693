package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Each test that tests.md names is there, in the folder that it names, and
// every number of both lists has one, or says by a dash that it has none yet.
func TestTheListsOfTestsAreOfTheCode(t *testing.T) {
	sections := strings.Split(read(t, "tests.md"), "\n## ")
	if len(sections) != 3 {
		t.Fatalf("tests.md has %d sections, want the introduction and two lists", len(sections))
	}
	for i, count := range []int{22, 14} {
		seen := map[int]bool{}
		for line := range strings.Lines(sections[1+i]) {
			cells := strings.Split(line, "|")
			if len(cells) < 5 {
				continue
			}
			number, err := strconv.Atoi(strings.TrimSpace(cells[1]))
			if err != nil {
				continue // the head
			}
			seen[number] = true
			names, folder := all("`(Test[A-Za-z0-9_]+)`", cells[3]), strings.TrimSpace(cells[4])
			if len(names) == 0 && strings.TrimSpace(cells[3]) != "–" {
				t.Errorf("row %q names no test", line)
			}
			for _, name := range names {
				if !slices.Contains(testsIn(t, filepath.Join("..", folder)), name) {
					t.Errorf("%s is not in %s", name, folder)
				}
			}
		}
		for n := 1; n <= count; n++ {
			if !seen[n] {
				t.Errorf("list %d has no row %d", i+1, n)
			}
		}
	}
}

var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

func testsIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunction.FindAllStringSubmatch(string(b), -1) {
			names = append(names, m[1])
		}
	}
	return names
}
