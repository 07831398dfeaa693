package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// uiSources is a folder as the web app's, with a build that is newer than its sources.
func uiSources(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"package.json", "package-lock.json", "index.html", "vite.config.ts", "src/main.tsx", "public/theme.js", "scripts/sizes.mjs"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "dist"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "dist", "index.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheWebAppIsBuiltOnlyWhenItsSourcesChanged(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no Node: whoever wants to build says so
	dir, out := uiSources(t), &bytes.Buffer{}
	if err := buildUI(t.Context(), dir, out); err != nil || out.Len() > 0 {
		t.Errorf("nothing changed: %v, %q", err, out)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "src", "main.tsx"), later, later); err != nil {
		t.Fatal(err)
	}
	if err := buildUI(t.Context(), dir, out); !errors.Is(err, errNoNode) {
		t.Errorf("a source changed and there is no Node: %v", err)
	}
	if err := buildUI(t.Context(), t.TempDir(), out); err == nil || !strings.Contains(err.Error(), "no sources") {
		t.Errorf("a folder without sources: %v", err)
	}
}

func TestNodeMustBeNewEnough(t *testing.T) {
	for version, want := range map[string]bool{"v20.19.0\n": true, "v20.18.3\n": false, "v22.1.0": true, "v18.20.0": false, "": false, "20.19.0": false} {
		if got := nodeFits(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}
