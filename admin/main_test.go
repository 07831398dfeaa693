package admin_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// database is the one Postgres of this package's run: its address, and why
// there is none.
var database struct {
	address string
	missing error
}

// template is migrated once; each test gets a copy.
const template = "alfred_admin_test_template"

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.PlainBodyDecoder)
	os.Exit(func() int {
		stop := start()
		defer stop()
		return m.Run()
	}())
}

func start() (stop func()) {
	stop = func() {}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	database.address = os.Getenv("ALFRED_TEST_DATABASE_URL")
	if database.address == "" {
		running, err := parts.StartPostgres(ctx, parts.PostgresConfig{})
		if err != nil {
			database.missing = err
			return stop
		}
		stop = func() { running.Stop() }
		database.address = running.DSN()
	}
	database.missing = makeTemplate(ctx)
	return stop
}

func makeTemplate(ctx context.Context) error {
	if err := execute(ctx, "DROP DATABASE IF EXISTS "+template, "CREATE DATABASE "+template); err != nil {
		return err
	}
	s, err := postgres.Open(ctx, named(template))
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}

// named is the server's address with another database.
func named(name string) string {
	u, err := url.Parse(database.address)
	if err != nil {
		return database.address
	}
	u.Path = "/" + name
	return u.String()
}

func execute(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, database.address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

var databases atomic.Int64

// addresses are those of the stores' databases, for a look past a store.
var addresses sync.Map

// openRecords returns a store on a database of its own. Without Postgres it
// skips, and fails in CI.
func openRecords(t *testing.T) *postgres.Store {
	t.Helper()
	switch {
	case database.missing == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("no Postgres: %v", database.missing)
	default:
		t.Skipf("no Postgres: %v", database.missing)
	}
	name := fmt.Sprintf("alfred_admin_test_%d_%d", os.Getpid(), databases.Add(1))
	if err := execute(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	s, err := postgres.Open(t.Context(), named(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	addresses.Store(s, named(name))
	return s
}
