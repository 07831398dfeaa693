package parts

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresConfig says how to run a Postgres on 127.0.0.1.
type PostgresConfig struct {
	BinDir string // of Postgres(); "" finds it
	Dir    string // holds the data; "" is a throwaway: a temporary folder, no fsync, deleted by Stop
	Port   int    // 0 picks a free one
	Log    string // default: <Dir>/postgres.log
}

// PostgresServer is a server started by StartPostgres. It runs as this user, as root under another uid, and holds a database `alfred`.
type PostgresServer struct {
	*Process
	config    PostgresConfig
	root      string // where the data really lies; Dir unless the account cannot reach it
	owner     *User
	password  string
	throwaway bool
}

// StartPostgres makes the database when there is none yet, runs the server and waits until it answers. When the account that
// must run Postgres cannot walk to Dir, the data lies under /var/tmp instead, and Dir/location names the place.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (*PostgresServer, error) {
	p := &PostgresServer{config: cfg}
	if err := p.start(ctx); err != nil {
		if p.throwaway {
			_ = os.RemoveAll(p.root)
		}
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	return p, nil
}

func (p *PostgresServer) start(ctx context.Context) (err error) {
	if p.owner, err = postgresUser(); err != nil {
		return err
	}
	if p.config.BinDir == "" {
		if p.config.BinDir, err = Postgres(ctx, nil); err != nil {
			return err
		}
	}
	if p.config.Port == 0 {
		if p.config.Port, err = FreePort(); err != nil {
			return err
		}
	}
	if err := p.place(); err != nil {
		return err
	}
	if p.config.Log == "" {
		p.config.Log = filepath.Join(p.root, "postgres.log")
	}
	if err := p.initdb(ctx); err != nil {
		return err
	}
	if err := p.run(ctx); err != nil {
		return err
	}
	if err := p.createDatabase(ctx); err != nil {
		p.Kill()
		return err
	}
	return nil
}

// place settles where the data lies.
func (p *PostgresServer) place() (err error) {
	if p.config.Dir == "" {
		p.throwaway = true
		if p.root, err = os.MkdirTemp("", "alfred-postgres-"); err != nil {
			return err
		}
	} else {
		if err := os.MkdirAll(p.config.Dir, 0o755); err != nil {
			return err
		}
		if p.root, err = standIn(p.config.Dir, p.owner); err != nil {
			return err
		}
		if p.root != p.config.Dir {
			if err := os.WriteFile(filepath.Join(p.config.Dir, "location"), []byte(p.root+"\n"), 0o644); err != nil {
				return err
			}
		}
	}
	return os.Chmod(p.root, 0o711) // the account has to walk through, no more
}

func (p *PostgresServer) data() string { return filepath.Join(p.root, "pgdata") }

// initdb makes the cluster beside its place and renames it, so that an interrupted one is never taken for a good one.
func (p *PostgresServer) initdb(ctx context.Context) error {
	password := filepath.Join(p.root, "password")
	if made, err := os.ReadFile(filepath.Join(p.data(), "PG_VERSION")); err == nil {
		secret, err := os.ReadFile(password)
		if err != nil {
			return fmt.Errorf("the database's password is gone (make reset starts afresh): %w", err)
		}
		p.password = strings.TrimSpace(string(secret))
		return p.sameVersion(ctx, strings.TrimSpace(string(made)))
	}
	fresh := p.data() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	p.password = rand.Text()
	if err := os.WriteFile(password, []byte(p.password+"\n"), 0o600); err != nil {
		return err
	}
	if p.owner != nil {
		for _, path := range []string{fresh, password} {
			if err := os.Chown(path, int(p.owner.UID), int(p.owner.GID)); err != nil {
				return err
			}
		}
	}
	var out []byte
	var err error
	for _, locale := range []string{"C.UTF-8", "C"} { // C.UTF-8 knows the case of letters beyond ASCII; not every system has it
		args := []string{"-D", fresh, "-U", "alfred", "--auth=scram-sha-256", "--pwfile=" + password, "--encoding=UTF8", "--locale=" + locale}
		if p.throwaway {
			args = append(args, "--no-sync")
		}
		if out, err = p.command(ctx, "initdb", args...).CombinedOutput(); err == nil {
			return os.Rename(fresh, p.data())
		}
	}
	return fmt.Errorf("initdb: %w: %s", err, lastLines(string(out), 5))
}

func (p *PostgresServer) sameVersion(ctx context.Context, made string) error {
	out, err := p.command(ctx, "postgres", "--version").Output()
	if err != nil {
		return err
	}
	if !strings.Contains(string(out), ") "+made) {
		return fmt.Errorf("the data in %s is of Postgres %s and the server is %s: name the old one's folder in POSTGRES_BIN, or start afresh with make reset",
			p.data(), made, strings.TrimSpace(string(out)))
	}
	return nil
}

func (p *PostgresServer) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(p.config.BinDir, name), args...)
	c.Dir, c.Env = p.root, postgresEnv()
	if p.owner != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: p.owner.UID, Gid: p.owner.GID}}
	}
	return c
}

// postgresEnv is this process's environment without what would steer Postgres or its language.
func postgresEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "PG") && !strings.HasPrefix(e, "LC_") && !strings.HasPrefix(e, "LANG") {
			env = append(env, e)
		}
	}
	return append(env, "LC_ALL=C")
}

// run starts the server. The one before it may still be ending, as its children are for a moment after a kill; it is waited for.
func (p *PostgresServer) run(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; {
		err := p.runOnce(ctx)
		if err == nil || time.Now().After(deadline) ||
			!strings.Contains(err.Error(), "pre-existing shared memory block") && !strings.Contains(err.Error(), "another postmaster") {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

func (p *PostgresServer) runOnce(ctx context.Context) (err error) {
	args := []string{
		"-D", p.data(), "-p", fmt.Sprint(p.config.Port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "timezone=UTC", "-c", "log_timezone=UTC",
	}
	if p.throwaway {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	p.Process, err = Start(Command{
		Name: "postgres", Path: filepath.Join(p.config.BinDir, "postgres"), Args: args, Env: postgresEnv(), Dir: p.root,
		Log: p.config.Log, User: p.owner,
		Term: syscall.SIGINT, // its fast shutdown; SIGTERM would wait for clients to leave
	})
	if err != nil {
		return err
	}
	err = p.Await(ctx, time.Minute, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, p.dsn("postgres"))
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
	if err != nil {
		p.Kill()
	}
	return err
}

func (p *PostgresServer) createDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.dsn("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT true FROM pg_database WHERE datname = 'alfred'`).Scan(&exists); err == nil {
		return nil
	} else if !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	_, err = conn.Exec(ctx, `CREATE DATABASE alfred`)
	return err
}

// DSN is the address of the database `alfred`, in the form that DATABASE_URL takes. It holds the password.
func (p *PostgresServer) DSN() string { return p.dsn("alfred") }

func (p *PostgresServer) dsn(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("alfred", p.password), Host: fmt.Sprintf("127.0.0.1:%d", p.config.Port),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Halt ends the server in order and keeps its data for Resume.
func (p *PostgresServer) Halt() { p.Process.Stop(20 * time.Second) }

// Resume runs a halted or killed server again, on the same data and port.
func (p *PostgresServer) Resume(ctx context.Context) error {
	if err := p.run(ctx); err != nil {
		return fmt.Errorf("resume postgres: %w", err)
	}
	return nil
}

// Stop ends the server in order. A throwaway's data is deleted.
func (p *PostgresServer) Stop() {
	p.Halt()
	if p.throwaway {
		_ = os.RemoveAll(p.root)
	}
}
