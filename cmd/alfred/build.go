package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// planes returns the folder that holds alfred-extproc and alfred-admin: dir, where this program lies, or else bin in the checkout,
// where they are built when build allows it.
func planes(ctx context.Context, dir string, build bool, out io.Writer) (string, error) {
	names := []string{"alfred-extproc", "alfred-admin"}
	if hold(dir, names) {
		return dir, nil
	}
	checkout := parts.Checkout()
	if _, err := os.Stat(filepath.Join(checkout, "cmd", "alfred-extproc")); err != nil || !build {
		return "", fmt.Errorf("alfred-extproc and alfred-admin are not in %s: run `make build` in a checkout, or put them beside alfred", dir)
	}
	bin := filepath.Join(checkout, "bin")
	_, _ = fmt.Fprintln(out, "building alfred-extproc and alfred-admin (minutes the first time, seconds later) …")
	c := exec.CommandContext(ctx, "go", "build", "-o", bin+string(filepath.Separator), "./cmd/alfred-extproc", "./cmd/alfred-admin")
	c.Dir = checkout
	if text, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build alfred-extproc and alfred-admin: %w\n%s", err, text)
	}
	if !hold(bin, names) {
		return "", errors.New("build alfred-extproc and alfred-admin: the programs did not appear in " + bin)
	}
	return bin, nil
}

func hold(dir string, names []string) bool {
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}
