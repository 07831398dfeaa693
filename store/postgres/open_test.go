package postgres_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres"
)

func TestWhyThereIsNoConnection(t *testing.T) {
	address := server.Address(t)
	with := func(change func(*url.URL)) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		change(u)
		return u.String()
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	_ = closed.Close()
	const secret = "correct-horse"
	for name, c := range map[string]struct {
		address, say string
		code         alfred.Code
	}{
		"nobody there":   {with(func(u *url.URL) { u.Host, u.User = nobody, url.UserPassword("alfred", secret) }), "cannot be reached at " + nobody, alfred.CodeUnavailable},
		"wrong password": {with(func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), secret) }), "check the user and the password", alfred.CodeUnavailable},
		"no database":    {with(func(u *url.URL) { u.Path = "/none" }), `has no database "none": create it`, alfred.CodeUnavailable},
		"sqlite":         {"sqlite:///" + secret, "embedded Postgres (make up)", alfred.CodeValidation},
		"another":        {"mysql://root:" + secret + "@localhost/db", "expected postgres://", alfred.CodeValidation},
		"no address":     {"postgres://alfred:" + secret + "@local host:5432/db", "expected postgres://", alfred.CodeValidation},
		"no port":        {"postgres://alfred:" + secret + "@localhost:99999/db", "expected postgres://", alfred.CodeValidation},
		"nothing":        {"", "expected postgres://", alfred.CodeValidation},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := postgres.Open(t.Context(), c.address)
			if err == nil {
				s.Close()
				if name == "wrong password" && os.Getenv("ALFRED_TEST_DATABASE_URL") != "" {
					t.Skip("this server lets anybody in")
				}
				t.Fatal("connected")
			}
			password, _ := mustParse(t, address).User.Password()
			if alfred.ErrorCode(err) != c.code || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v", err)
			}
			if strings.Contains(err.Error(), secret) || (password != "" && strings.Contains(err.Error(), password)) {
				t.Errorf("tells a secret: %v", err)
			}
		})
	}
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAnEmptyDatabaseIsBroughtUpOnceByWhoeverComes(t *testing.T) {
	address := server.Empty(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), address)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for range 2 {
				if err := s.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if _, err := s.Organizations(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w := &world{TB: t, ctx: t.Context(), address: address}
	w.same(w.count("SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version"), int64(0))
}

func TestADatabaseThatWentAwayIsUnavailable(t *testing.T) {
	s, address := open(t)
	w := &world{TB: t, Store: s, ctx: t.Context(), address: address}
	name := strings.TrimPrefix(mustParse(t, address).Path, "/")
	w.must(server.Execute(w.ctx, "ALTER DATABASE "+name+" WITH ALLOW_CONNECTIONS false"))
	t.Cleanup(func() {
		_ = server.Execute(context.Background(), "ALTER DATABASE "+name+" WITH ALLOW_CONNECTIONS true")
	})
	w.must(server.Execute(w.ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+name+"'"))
	for range 3 { // first the old connection breaks, then a new one is refused
		if err := s.Ping(w.ctx); err == nil {
			t.Error("answers")
		}
		_, err := s.Organizations(w.ctx)
		w.refused(err, alfred.CodeUnavailable)
	}
}

func TestACallerWhoLeftIsNoOutage(t *testing.T) {
	s, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Organizations(ctx)
	if !errors.Is(err, context.Canceled) || alfred.ErrorCode(err) == alfred.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}
