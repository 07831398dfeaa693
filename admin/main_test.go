package admin_test

import (
	"os"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/gin-gonic/gin"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts/scratch"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// database is the one Postgres of this package's run.
var database = scratch.Postgres{Name: "alfred_admin_test"}

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.PlainBodyDecoder)
	os.Exit(database.Run(m))
}

// addresses are those of the stores' databases, for a look past a store.
var addresses sync.Map

// openRecords returns a store on a database of its own. Without Postgres it
// skips, and fails in CI.
func openRecords(t testing.TB) *postgres.Store {
	t.Helper()
	s, address := database.Open(t)
	addresses.Store(s, address)
	return s
}
