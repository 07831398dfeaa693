package faults_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// shared is what every rig of this run uses: the programs, built once, and one Postgres with a database for each rig.
var shared struct {
	dir      string
	programs func() error
	postgres func() (*parts.PostgresServer, error)
	started  *parts.PostgresServer
	seed     uint64
	results  results
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "alfred-faults-")
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
	shared.seed = uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("ALFRED_FAULTS_SEED"), 10, 64); err == nil {
		shared.seed = s
	}
	code := m.Run()
	if full() {
		_, _ = fmt.Fprintf(os.Stdout, "\nALFRED_FAULTS_SEED=%d\n\n%s\n", shared.seed, shared.results.table())
	}
	return code
}

// full says whether each fault is done as often as it is promised for, or just a few times.
func full() bool { return os.Getenv("ALFRED_FAULTS") == "full" }

// times is how often a fault is done in this run.
func times(short, long int) int {
	if full() {
		return long
	}
	return short
}

// chance makes the choices of one story, the same for the same seed.
func chance(t *testing.T) *dice {
	t.Logf("ALFRED_FAULTS_SEED=%d", shared.seed)
	name := fnv.New64a()
	_, _ = name.Write([]byte(t.Name())) // never fails
	return &dice{r: rand.New(rand.NewPCG(shared.seed, name.Sum64()))}
}

// dice are thrown by several goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

// n is at least 0 and less than below.
func (d *dice) n(below int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(below)
}

func (d *dice) hit(p float64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.Float64() < p
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
