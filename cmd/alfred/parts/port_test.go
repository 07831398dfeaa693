package parts_test

import (
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

func TestFreePortNeverReturnsOneTwice(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	seen := map[int]bool{}
	for range 200 {
		port, err := parts.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if seen[port] {
			t.Fatalf("%d twice", port)
		}
		seen[port] = true
	}
}
