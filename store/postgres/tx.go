package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// txOf is the key of a store's transaction in a context.
type txOf struct{ store *Store }

// maxRetries is how often a transaction is tried again.
const maxRetries = 5

// InTx runs fn in one transaction; methods that get its context take part. A
// nested call joins the outer one. It is read committed: what must not change
// between a read and a write is locked ([Store.Lock]) or has a version.
//
// When the database gives up on a deadlock or a serialisation, fn runs again,
// so it must have no effect outside the transaction that cannot be repeated.
// After any error of a method the transaction is lost: return it.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if _, joined := ctx.Value(txOf{s}).(pgx.Tx); joined {
		return fn(ctx)
	}
	for try := range maxRetries {
		err := s.attempt(ctx, s.pool, fn)
		if !transient(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(10 * time.Millisecond << try)): //nolint:gosec // G404: spread, not secrecy
		}
	}
	return s.attempt(ctx, s.pool, fn)
}

// Savepoint runs fn as a part of the context's transaction. When it fails, what
// it wrote is undone and its locks are gone, and the transaction goes on.
// Outside of one nothing would hold the parts together, so that is an error.
func (s *Store) Savepoint(ctx context.Context, fn func(ctx context.Context) error) error {
	tx, in := ctx.Value(txOf{s}).(pgx.Tx)
	if !in {
		return alfred.Errorf(alfred.CodeInternal, "savepoint: not in a transaction")
	}
	return s.attempt(ctx, tx, fn)
}

// beginner is the pool, or a transaction, whose parts are savepoints.
type beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

func (s *Store) attempt(ctx context.Context, in beginner, fn func(ctx context.Context) error) error {
	tx, err := in.Begin(ctx)
	if err != nil {
		return failed(err, "begin")
	}
	// A no-op after the commit; also ends the transaction when fn panics.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := fn(context.WithValue(ctx, txOf{s}, tx)); err != nil {
		return err
	}
	return failed(tx.Commit(ctx), "commit")
}

// transient says whether the same transaction may succeed when tried again.
func transient(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01")
}

// q is the context's transaction, or the pool.
func (s *Store) q(ctx context.Context) *db.Queries {
	if tx, ok := ctx.Value(txOf{s}).(pgx.Tx); ok {
		return db.New(tx)
	}
	return db.New(s.pool)
}

func (s *Store) inTx(ctx context.Context) bool {
	_, in := ctx.Value(txOf{s}).(pgx.Tx)
	return in
}

// conn is the context's transaction, or the pool, for statements that are
// built and not typed.
func (s *Store) conn(ctx context.Context) db.DBTX {
	if tx, ok := ctx.Value(txOf{s}).(pgx.Tx); ok {
		return tx
	}
	return s.pool
}

// Lock takes a lock by name until the transaction ends. Outside of one it
// would be gone at once, so that is an error.
func (s *Store) Lock(ctx context.Context, name string) error {
	if !s.inTx(ctx) {
		return alfred.Errorf(alfred.CodeInternal, "lock %s: not in a transaction", name)
	}
	return failed(s.q(ctx).Lock(ctx, name), "lock %s", name)
}
