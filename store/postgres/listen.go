package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// listenTick is how long WaitTouched relies on being woken before it looks
// for itself.
const listenTick = time.Second

// WaitTouched returns when something waits to be published, or with ctx's
// error when that ends. A commit wakes it at once; where notifications do not
// arrive (a pooler between), it looks every second. When the database is gone
// it returns that error after a second at most: call it again.
//
// It listens on a connection of its own. One caller waits at a time.
func (s *Store) WaitTouched(ctx context.Context) error {
	var conn *pgx.Conn
	select {
	case conn = <-s.listen:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := s.wait(ctx, &conn)
	if conn != nil && conn.IsClosed() {
		conn = nil
	}
	s.listen <- conn
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return failed(err, "wait for changes")
}

func (s *Store) wait(ctx context.Context, conn **pgx.Conn) error {
	if *conn == nil {
		c, err := s.listenConn(ctx)
		if err != nil {
			return errors.Join(err, pause(ctx))
		}
		*conn = c
	}
	for {
		// Looking comes after listening, so that no commit falls in between.
		touched, err := s.q(ctx).AnythingTouched(ctx)
		if err != nil {
			return errors.Join(err, pause(ctx))
		}
		if touched {
			return nil
		}
		tick, cancel := context.WithTimeout(ctx, listenTick)
		_, err = (*conn).WaitForNotification(tick)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			_ = (*conn).Close(context.WithoutCancel(ctx))
			return err
		}
	}
}

func (s *Store) listenConn(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN alfred_outbox"); err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return conn, nil
}

// pause waits a tick, so that a caller's loop does not spin.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(listenTick):
		return nil
	}
}
