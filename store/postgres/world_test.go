package postgres_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// noon is the time of these tests.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// november is the window of these tests.
var november = alfred.Window{Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}

// world is a store with one organisation.
type world struct {
	testing.TB
	*postgres.Store
	ctx     context.Context
	org     alfred.OrgID
	address string
}

func newWorld(t testing.TB) *world {
	s, address := open(t)
	w := &world{t, s, t.Context(), id[alfred.OrgID](t, "org"), address}
	w.must(s.CreateOrganization(w.ctx, alfred.Organization{ID: w.org, Name: "Acme", Settings: alfred.DefaultSettings(), CreatedAt: noon}))
	return w
}

func id[ID ~string](t testing.TB, prefix string) ID {
	t.Helper()
	s, err := alfred.NewID(prefix, noon, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ID(s)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// refused fails the test unless err has the code.
func (w *world) refused(err error, want alfred.Code) {
	w.Helper()
	if got := alfred.ErrorCode(err); got != want {
		w.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

func (w *world) same(got, want any) {
	w.Helper()
	if d := diff.Diff(want, got); d != "" {
		w.Fatalf("(-want +got)\n%s", d)
	}
}

// person stores a user, changed by edit.
func (w *world) person(email string, edit func(*alfred.User)) alfred.User {
	w.Helper()
	u := alfred.User{
		Kind: alfred.KindPerson,
		ID:   id[alfred.UserID](w.TB, "usr"), Org: w.org, Email: email, Name: email, Status: alfred.Active, Access: alfred.RoleMember,
		Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
	if edit != nil {
		edit(&u)
	}
	w.must(w.CreateUser(w.ctx, u))
	return u
}

func (w *world) key(u alfred.UserID) alfred.Key {
	w.Helper()
	k := alfred.Key{
		ID: id[alfred.KeyID](w.TB, "key"), Org: w.org, User: u, Name: "laptop", Hash: "1:" + rand.Text(), Prefix: "tp-abcd", Last4: "wxyz",
		Status: alfred.KeyActive, CreatedAt: noon,
	}
	w.must(w.CreateKey(w.ctx, k))
	return k
}

func (w *world) team(name string, pool alfred.Credits) alfred.Team {
	w.Helper()
	t := alfred.Team{ID: id[alfred.TeamID](w.TB, "team"), Org: w.org, Name: name, CommonPool: pool, Version: 1, CreatedAt: noon, UpdatedAt: noon}
	w.must(w.CreateTeam(w.ctx, t))
	return t
}

func (w *world) join(t alfred.TeamID, u alfred.UserID, after time.Duration, admin bool) alfred.Member {
	w.Helper()
	m := alfred.Member{Team: t, User: u, IsAdmin: admin, JoinedAt: noon.Add(after)}
	if _, err := w.PutMember(w.ctx, w.org, m); err != nil {
		w.Fatal(err)
	}
	return m
}

// sortUsers puts people in the order of lists.
func sortUsers(users []alfred.User) {
	slices.SortFunc(users, func(a, b alfred.User) int { return cmp.Compare(a.ID, b.ID) })
}

// stays fails the test unless the database itself refuses a statement because
// the rows may not change.
func (w *world) stays(statement string, args ...any) {
	w.Helper()
	w.breaks("append_only", statement, args...)
}

// breaks fails the test unless a statement violates a constraint.
func (w *world) breaks(constraint, statement string, args ...any) {
	w.Helper()
	var e *pgconn.PgError
	if err := w.sql(statement, args...); !errors.As(err, &e) || e.ConstraintName != constraint {
		w.Errorf("%s: got %v, want it to break %s", statement, err, constraint)
	}
}

// sql runs a statement past the store, as somebody at the database would.
func (w *world) sql(statement string, args ...any) error {
	w.Helper()
	conn, err := pgx.Connect(w.ctx, w.address)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = conn.Close(w.ctx) }()
	_, err = conn.Exec(w.ctx, statement, args...)
	return err
}

// count is a query for one number.
func (w *world) count(query string, args ...any) (n int64) {
	w.Helper()
	conn, err := pgx.Connect(w.ctx, w.address)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = conn.Close(w.ctx) }()
	w.must(conn.QueryRow(w.ctx, query, args...).Scan(&n))
	return n
}

// text is a query for one text.
func (w *world) text(query string, args ...any) (s string) {
	w.Helper()
	conn, err := pgx.Connect(w.ctx, w.address)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = conn.Close(w.ctx) }()
	w.must(conn.QueryRow(w.ctx, query, args...).Scan(&s))
	return s
}

// script runs the statements of a file in one go.
func (w *world) script(text string) error {
	w.Helper()
	conn, err := pgx.Connect(w.ctx, w.address)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = conn.Close(w.ctx) }()
	_, err = conn.PgConn().Exec(w.ctx, text).ReadAll()
	return err
}
