package docs_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each alarm that is worth an alert has its row in "What to do", and each row
// names the test that has tried it, which is there.
func TestEachAlarmHasBeenTried(t *testing.T) {
	page := read(t, "operations.md")
	_, alerts, _ := strings.Cut(page, "\nWorth an alert:\n")
	alerts, _, _ = strings.Cut(alerts, "\n### ")
	_, todo, _ := strings.Cut(page, "\n### What to do\n")
	todo, _, _ = strings.Cut(todo, "\n## ")

	tests := map[string]string{} // the file that a test is in
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			text := read(t, path)
			for _, m := range testFunction.FindAllStringSubmatch(text, -1) {
				tests[m[1]] = text
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	metric := "`(alfred_[a-z_]+)"
	var tried []string
	for line := range strings.Lines(todo) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.Contains(cells[1], "`alfred_") {
			continue
		}
		tried = append(tried, all(metric, cells[1])...)
		named := regexp.MustCompile("`(Test[A-Za-z0-9_]+)(?:/([a-z_]+))?`").FindAllStringSubmatch(cells[4], -1)
		if len(named) == 0 {
			t.Errorf("nobody has tried %s", cells[1])
		}
		for _, m := range named {
			text, ok := tests[m[1]]
			if !ok || m[2] != "" && !strings.Contains(text, `t.Run("`+m[2]+`"`) {
				t.Errorf("there is no test %s", m[0])
			}
		}
	}
	if len(tried) < 15 {
		t.Fatalf("only %d alarms are read", len(tried))
	}
	for _, name := range all(metric, alerts) {
		switch name {
		case "alfred_decisions_total": // refusals are no fault
		case "alfred_directory_age_seconds": // an outage, which alfred_breaker_open tells first
		case "alfred_allowances", "alfred_allowance_credits", "alfred_admission_seconds": // figures
		default:
			if !slices.Contains(tried, name) {
				t.Errorf("%s is worth an alert, and nothing is said of what to do", name)
			}
		}
	}
}
