package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/alfred-envoy/alfred"
)

// Store is the record in one Postgres database. It is safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool
	listen chan *pgx.Conn // holds the connection of WaitTouched, or nil, while nobody waits
	many   int            // from how many people on a list is read in the order of an index
}

// Open connects to postgres://user:password@host:port/database. The error
// says what to do, and never holds the password.
func Open(ctx context.Context, address string) (*Store, error) {
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		// The parser's own text may quote the address.
		return nil, &alfred.Error{Code: alfred.CodeValidation, Field: "DATABASE_URL", Message: "DATABASE_URL cannot be read: expected " + addressForm}
	}
	config.MaxConns = max(config.MaxConns, 8)
	config.ConnConfig.ConnectTimeout = max(config.ConnConfig.ConnectTimeout, 5*time.Second)
	config.AfterConnect = prepare
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "alfred"
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, unreachable(config.ConnConfig, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, unreachable(config.ConnConfig, err)
	}
	s := &Store{pool: pool, listen: make(chan *pgx.Conn, 1), many: manyPeople}
	s.listen <- nil
	return s, nil
}

const addressForm = "postgres://user:password@host:port/database"

func checkAddress(address string) error {
	bad := &alfred.Error{Code: alfred.CodeValidation, Field: "DATABASE_URL"}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		bad.Message = "DATABASE_URL cannot be read: expected " + addressForm
	case u.Scheme == "postgres", u.Scheme == "postgresql":
		return nil
	case u.Scheme == "sqlite", u.Scheme == "sqlite3":
		bad.Message = "DATABASE_URL names SQLite, which Alfred does not use: unset it to run the embedded Postgres (make up), or set " + addressForm
	default:
		bad.Message = "DATABASE_URL is not an address of Postgres: expected " + addressForm
	}
	return bad
}

// utc makes every time that is read one in UTC.
func utc(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
	return nil
}

// prepare makes a connection fit: times in UTC, room to add up what 100,000
// people used without writing it to disk, unless there is more already, no
// compiling of statements, which takes longer than any of them gains by it, and
// indices believed to be quick, as on any disk without a moving arm, unless
// somebody has set how quick.
func prepare(ctx context.Context, conn *pgx.Conn) error {
	if err := utc(ctx, conn); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, `SELECT set_config('jit', 'off', false),
		(SELECT set_config('work_mem', '32MB', false) FROM pg_settings WHERE name = 'work_mem' AND setting::bigint < 32768),
		(SELECT set_config('random_page_cost', '1.1', false) FROM pg_settings WHERE name = 'random_page_cost' AND source = 'default')`)
	return err
}

// unreachable says why there is no connection and what to do.
func unreachable(c *pgx.ConnConfig, err error) error {
	at := net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	message := fmt.Sprintf("Postgres cannot be reached at %s: is it running there? (without DATABASE_URL, make up starts one)", at)
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "28P01", "28000":
			message = fmt.Sprintf("Postgres at %s refuses user %q: check the user and the password in DATABASE_URL", at, c.User)
		case "3D000":
			message = fmt.Sprintf("Postgres at %s has no database %q: create it (createdb -h %s -p %d %s) or name another in DATABASE_URL", at, c.Database, c.Host, c.Port, c.Database)
		default:
			message = fmt.Sprintf("Postgres at %s refuses the connection: %s", at, refused.Message)
		}
	}
	return &alfred.Error{Code: alfred.CodeUnavailable, Message: message, Err: err}
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return failed(s.pool.Ping(ctx), "ping the record")
}

// Close waits for what is running and closes every connection. Who waits for
// changes is sent home with an error.
func (s *Store) Close() {
	s.pool.Close()
	if conn := <-s.listen; conn != nil {
		_ = conn.Close(context.Background())
	}
	s.listen <- nil
}
