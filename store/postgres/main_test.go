package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// server is the one Postgres of this package's run: its address, and why
// there is none.
var server struct {
	address string
	missing error
}

// template is migrated once; each test gets a copy.
const template = "alfred_test_template"

func TestMain(m *testing.M) {
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
	server.address = os.Getenv("ALFRED_TEST_DATABASE_URL")
	if server.address == "" {
		running, err := parts.StartPostgres(ctx, parts.PostgresConfig{})
		if err != nil {
			server.missing = err
			return stop
		}
		stop = func() { running.Stop() }
		server.address = running.DSN()
	}
	server.missing = makeTemplate(ctx)
	return stop
}

func makeTemplate(ctx context.Context) error {
	if err := execute(ctx, "DROP DATABASE IF EXISTS "+template, "CREATE DATABASE "+template); err != nil {
		return err
	}
	s, err := postgres.Open(ctx, database(template))
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}

// database is the server's address with another database.
func database(name string) string {
	u, err := url.Parse(server.address)
	if err != nil {
		return server.address
	}
	u.Path = "/" + name
	return u.String()
}

func execute(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, server.address)
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

// needServer skips a test that has no Postgres, and fails it in CI.
func needServer(t testing.TB) {
	t.Helper()
	switch {
	case server.missing == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("no Postgres: %v", server.missing)
	default:
		t.Skipf("no Postgres: %v", server.missing)
	}
}

// emptyDatabase returns the address of a new database, made from a template.
func emptyDatabase(t testing.TB, from string) string {
	t.Helper()
	needServer(t)
	name := fmt.Sprintf("alfred_test_%d_%d", os.Getpid(), databases.Add(1))
	if err := execute(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+from); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return database(name)
}

// open returns a store on a database of its own, and its address.
func open(t testing.TB) (*postgres.Store, string) {
	t.Helper()
	address := emptyDatabase(t, template)
	s, err := postgres.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, address
}
