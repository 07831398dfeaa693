package parts

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheStateFolderMovesAndTheCheckoutStays(t *testing.T) {
	checkout, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(checkout, "admin", "web")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(checkout, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	elsewhere := t.TempDir()
	for _, c := range []struct{ set, home string }{{"", filepath.Join(checkout, ".alfred")}, {elsewhere, elsewhere}} {
		t.Setenv("ALFRED_HOME", c.set)
		if home, err := Home(); err != nil || home != c.home {
			t.Errorf("ALFRED_HOME=%q: state in %q, %v, want %q", c.set, home, err, c.home)
		}
		if got := Checkout(); got != checkout {
			t.Errorf("ALFRED_HOME=%q: checkout is %q, want %q", c.set, got, checkout)
		}
	}
	t.Chdir(t.TempDir())
	t.Setenv("ALFRED_HOME", "")
	if got := Checkout(); got != "" {
		t.Errorf("outside a checkout there is one: %q", got)
	}
}
