package postgres_test

import (
	"os"
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts/scratch"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// server is the one Postgres of this package's run.
var server = scratch.Postgres{Name: "alfred_test"}

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// open returns a store on a database of its own, and its address.
func open(t testing.TB) (*postgres.Store, string) {
	t.Helper()
	return server.Open(t)
}
