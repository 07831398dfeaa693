package scratch

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

// Postgres is the server of a package's run. Name sets its databases apart from those of other packages on the same server.
type Postgres struct {
	Name string

	address string
	missing error // there is no server: reason to skip
	broken  error // there is one, and the schema cannot be made: reason to fail
	made    atomic.Int64
}

// Run is TestMain: it starts a server, or takes the one that ALFRED_TEST_DATABASE_URL names, runs the tests and stops it.
func (p *Postgres) Run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	p.address = os.Getenv("ALFRED_TEST_DATABASE_URL")
	if p.address == "" {
		running, err := parts.StartPostgres(ctx, parts.PostgresConfig{})
		if err != nil {
			p.missing = err
			return m.Run()
		}
		defer running.Stop()
		p.address = running.DSN()
	}
	p.broken = p.makeTemplate(ctx)
	return m.Run()
}

// template is migrated once; each test gets a copy.
func (p *Postgres) template() string { return p.Name + "_template" }

func (p *Postgres) makeTemplate(ctx context.Context) error {
	if err := p.Execute(ctx, "DROP DATABASE IF EXISTS "+p.template(), "CREATE DATABASE "+p.template()); err != nil {
		return err
	}
	s, err := postgres.Open(ctx, p.database(p.template()))
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}

// Address needs the server and returns its address. A test is skipped without one, and fails in CI; a schema that cannot be made
// fails everywhere.
func (p *Postgres) Address(t testing.TB) string {
	t.Helper()
	switch {
	case p.broken != nil:
		t.Fatalf("make the schema: %v", p.broken)
	case p.missing == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("no Postgres: %v", p.missing)
	default:
		t.Skipf("no Postgres: %v", p.missing)
	}
	return p.address
}

// Empty returns the address of a new database without a schema.
func (p *Postgres) Empty(t testing.TB) string {
	t.Helper()
	return p.copy(t, "template1")
}

// Open returns a store on a new database, and its address.
func (p *Postgres) Open(t testing.TB) (*postgres.Store, string) {
	t.Helper()
	address := p.copy(t, p.template())
	s, err := postgres.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, address
}

// copy makes a database that is gone after the test.
func (p *Postgres) copy(t testing.TB, from string) string {
	t.Helper()
	p.Address(t)
	name := fmt.Sprintf("%s_%d_%d", p.Name, os.Getpid(), p.made.Add(1))
	if err := p.Execute(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+from); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Execute(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return p.database(name)
}

// database is the server's address with another database.
func (p *Postgres) database(name string) string {
	u, err := url.Parse(p.address)
	if err != nil {
		return p.address
	}
	u.Path = "/" + name
	return u.String()
}

// Execute runs statements on the server, outside every test's database.
func (p *Postgres) Execute(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, p.address)
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
