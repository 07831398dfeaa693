package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// shared is what every stack of this run uses: the programs, built once, and one Postgres with a database for each stack.
var shared struct {
	dir      string
	programs func() error
	postgres func() (*parts.PostgresServer, error)
	started  *parts.PostgresServer
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "alfred-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shared.dir = dir
	shared.programs = sync.OnceValue(build)
	shared.postgres = sync.OnceValues(func() (*parts.PostgresServer, error) {
		p, err := parts.StartPostgres(context.Background(), parts.PostgresConfig{})
		shared.started = p
		return p, err
	})
	defer func() {
		if shared.started != nil {
			shared.started.Stop()
		}
	}()
	return m.Run()
}

func program(name string) string { return filepath.Join(shared.dir, name) }

// build compiles the two planes as they are shipped.
func build() error {
	for _, name := range []string{"alfred-extproc", "alfred-admin"} {
		out, err := exec.Command("go", "build", "-o", program(name), "github.com/alfred-envoy/alfred/cmd/"+name).CombinedOutput()
		if err != nil {
			return errors.Join(fmt.Errorf("build %s: %w", name, err), errors.New(string(out)))
		}
	}
	return nil
}
