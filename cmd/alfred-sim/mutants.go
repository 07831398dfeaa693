package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mutant is a bug that was built in on purpose, behind a build tag.
type mutant struct {
	tag  string
	dir  string
	what string
	test string // that catches it, where histories hardly ever do; "" is the simulator
}

// mutantSeeds is how many histories a mutant may survive at most.
const mutantSeeds = "1000"

var (
	bugOf  = regexp.MustCompile(`(?m)^// A deliberate bug: (.+)\.$`)
	testOf = regexp.MustCompile(`(?m)^// Caught by (Test\w+)\.$`)
)

// findMutants lists the mutants of a tree by folder and tag.
func findMutants(root string) ([]mutant, error) {
	var out []mutant
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name == "web" || strings.HasPrefix(name, ".") && path != root):
			return filepath.SkipDir
		case !strings.HasPrefix(name, "mutant_") || name == "mutant_off.go" || !strings.HasSuffix(name, ".go"):
			return nil
		}
		b, err := os.ReadFile(path) //nolint:gosec // G122: in the checkout that is built anyway
		if err != nil {
			return err
		}
		what := bugOf.FindSubmatch(b)
		if what == nil {
			return fmt.Errorf("%s does not say what is wrong with it", path)
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		m := mutant{tag: strings.TrimSuffix(d.Name(), ".go"), dir: filepath.ToSlash(dir), what: string(what[1])}
		if test := testOf.FindSubmatch(b); test != nil {
			m.test = string(test[1])
		}
		out = append(out, m)
		return err
	})
	slices.SortFunc(out, func(a, b mutant) int { return strings.Compare(a.dir+a.tag, b.dir+b.tag) })
	return out, err
}

// hunt builds every mutant, plays histories with it until a promise breaks, or
// runs the test that it names, and prints the table. One that survives is an error. Only narrows it to some
// tags.
func hunt(ctx context.Context, only []string, stdout io.Writer) error {
	mutants, err := findMutants(".")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "alfred-mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	_, _ = fmt.Fprintln(stdout, "| bug | in | broken promise | after seeds |\n| --- | --- | --- | --- |")
	var survived []string
	for _, m := range mutants {
		if len(only) > 0 && !slices.Contains(only, m.tag) {
			continue
		}
		if m.test != "" {
			out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-tags", m.tag, "-run", "^"+m.test+"$", "./"+m.dir).CombinedOutput()
			promise := "`" + m.test + "`"
			if err == nil || !bytes.Contains(out, []byte("--- FAIL: "+m.test)) {
				survived, promise = append(survived, m.tag), "none"
			}
			_, _ = fmt.Fprintf(stdout, "| `%s`: %s | `%s` | %s | – |\n", m.tag, m.what, m.dir, promise)
			continue
		}
		binary := filepath.Join(dir, m.tag)
		build := exec.CommandContext(ctx, "go", "build", "-tags", m.tag, "-o", binary, "./cmd/alfred-sim")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", m.tag, err, out)
		}
		out, err := exec.CommandContext(ctx, binary, "-seeds", mutantSeeds, "-small=false").Output()
		if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
			return err
		}
		seeds, promise := caught(out)
		if seeds == "" {
			survived = append(survived, m.tag)
			seeds, promise = "–", "none"
		}
		_, _ = fmt.Fprintf(stdout, "| `%s`: %s | `%s` | %s | %s |\n", m.tag, m.what, m.dir, promise, seeds)
	}
	if len(survived) > 0 {
		return fmt.Errorf("%s survived %s seeds, or the test that it names", strings.Join(survived, ", "), mutantSeeds)
	}
	return nil
}

var failLine = regexp.MustCompile(`FAIL after (\d+) seeds: (.+?) \(step`)

// caught reads after how many seeds which promise broke.
func caught(out []byte) (seeds, promise string) {
	if i := bytes.Index(out, []byte("panic:")); i >= 0 {
		return "?", "it panics"
	}
	found := failLine.FindSubmatch(out)
	if found == nil {
		return "", ""
	}
	return string(found[1]), string(found[2])
}
