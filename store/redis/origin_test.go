package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/redis"
)

// runs are the server that answered a reservation, and the one on which the
// ledger stands and the one that it was built on, as the store tells them.
func runs(t *testing.T, c *redis.Store, org alfred.OrgID, hold int) (answered, stands string, current bool) {
	t.Helper()
	var reply alfred.ReserveReply
	until(t, "it is reserved", func() (err error) {
		if reply, err = c.Reserve(t.Context(), request(org, hold, 1, 1_000_000)); err == nil && reply.Verdict != alfred.VerdictGranted {
			t.Fatalf("%+v", reply)
		}
		return err
	})
	e, err := c.Epoch(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	return reply.Server, e.Run(), e.Current()
}

// Whatever is granted first by a server that was restarted, or that took
// another's place, comes with the name of that server: nobody has to ask
// whether it is still the same. In every shape.
func TestEachGrantTellsWhichServerMadeIt(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		for name, start := range map[string]func(*testing.T) (url string, replace func() error){
			"Single": func(t *testing.T) (string, func() error) {
				cfg := parts.RedisConfig{Dir: t.TempDir(), AppendOnly: true}
				run := s.own(t, cfg)
				options, err := goredis.ParseURL(run.URL())
				if err != nil {
					t.Fatal(err)
				}
				return run.URL(), func() error {
					run.Kill()
					if _, err := fmt.Sscanf(options.Addr, "127.0.0.1:%d", &cfg.Port); err != nil {
						return err
					}
					s.own(t, cfg)
					return nil
				}
			},
			"Sentinel": func(t *testing.T) (string, func() error) {
				w := s.watched(t)
				return w.URL(), func() error {
					inStep(t, w.Primary.Client)
					w.Primary.Kill()
					return w.Promoted(t.Context())
				}
			},
			"Cluster": func(t *testing.T) (string, func() error) {
				c := s.cluster(t, 3, true)
				return c.URL(), func() error {
					for i := range c.Masters {
						inStep(t, c.Masters[i].Client)
						if err := c.Fail(t.Context(), i); err != nil {
							return err
						}
					}
					return nil
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				url, replace := start(t)
				client := openStore(t, redis.Options{URL: url, Timeout: time.Second})
				orgs := make([]alfred.OrgID, 6)
				for i := range orgs {
					orgs[i] = fresh(t, client)
					if answered, stands, current := runs(t, client, orgs[i], i); answered == "" || answered != stands || !current {
						t.Fatalf("before: %q has answered, the ledger stands on %q, current: %t", answered, stands, current)
					}
				}
				before := map[alfred.OrgID]string{}
				for _, org := range orgs {
					e, err := client.Epoch(t.Context(), org)
					if err != nil {
						t.Fatal(err)
					}
					before[org] = e.Run()
				}
				if err := replace(); err != nil {
					t.Fatal(err)
				}
				for i, org := range orgs {
					answered, stands, current := runs(t, client, org, 100+i)
					if answered == "" || answered == before[org] || answered != stands || current {
						t.Errorf("after: %q has answered where %q was; the ledger stands on %q, current: %t", answered, before[org], stands, current)
					}
				}
			})
		}
	})
}

var offsets = regexp.MustCompile(`(?s)slave0:[^\r]*offset=(\d+).*master_repl_offset:(\d+)`)

// inStep waits until the replica of a server has all that it has.
func inStep(t *testing.T, primary *goredis.Client) {
	t.Helper()
	until(t, "the replica is in step", func() error {
		text := primary.Info(t.Context(), "replication").Val()
		if m := offsets.FindStringSubmatch(text); m == nil || m[1] != m[2] {
			return errors.New(text)
		}
		return nil
	})
}

// A server that may not be asked is not told apart, and is used all the same.
func TestAServerThatMayNotBeAsked(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		run := s.own(t, parts.RedisConfig{Dir: t.TempDir()})
		raw := open(t, run.URL())
		org := fresh(t, openStore(t, redis.Options{URL: run.URL()}))
		words, _ := documented(t, dataPlane)
		grant(t, raw, append(words, "-info"))
		client := openStore(t, redis.Options{URL: as(t, run.URL(), dataPlane)})
		if answered, stands, current := runs(t, client, org, 1); answered != "" || stands != "" || !current {
			t.Errorf("%q has answered, the ledger stands on %q, current: %t", answered, stands, current)
		}
	})
}

// A new connection that breaks while it asks is an outage like any other.
func TestAConnectionThatBreaksWhileItAsks(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 4096)
			if _, err := c.Read(buffer); err == nil {
				_, _ = c.Write([]byte("-ERR unknown command\r\n")) // HELLO
				_, _ = c.Read(buffer)
			}
			_ = c.Close()
		}
	}()
	client := openStore(t, redis.Options{URL: "redis://" + l.Addr().String(), Timeout: 200 * time.Millisecond})
	_, err = client.Reserve(t.Context(), request("org_1", 1, 1, 1_000_000))
	var e *alfred.Error
	if !errors.As(err, &e) || e.Code != alfred.CodeUnavailable {
		t.Errorf("%v", err)
	}
}

// BenchmarkConnect is what a new connection costs, with the question which
// server it leads to and without.
func BenchmarkConnect(b *testing.B) {
	for _, s := range servers {
		b.Run(s.name, func(b *testing.B) {
			options, err := goredis.ParseURL(s.url(b))
			if err != nil {
				b.Fatal(err)
			}
			options.DisableIdentity = true
			ping := func(open func() (ping func() error, closeIt func() error)) time.Duration {
				began := time.Now()
				ping, closeIt := open()
				if err := ping(); err != nil {
					b.Fatal(err)
				}
				took := time.Since(began)
				_ = closeIt()
				return took
			}
			plain := func() (func() error, func() error) {
				c := goredis.NewClient(options)
				return func() error { return c.Ping(b.Context()).Err() }, c.Close
			}
			asking := func() (func() error, func() error) {
				asks := *options
				asks.OnConnect = func(ctx context.Context, c *goredis.Conn) error { return c.Info(ctx, "server").Err() }
				c := goredis.NewClient(&asks)
				return func() error { return c.Ping(b.Context()).Err() }, c.Close
			}
			var without, with time.Duration
			for b.Loop() {
				without += ping(plain)
				with += ping(asking)
			}
			b.ReportMetric(float64(without.Microseconds())/float64(b.N), "µs-connect")
			b.ReportMetric(float64(with.Microseconds())/float64(b.N), "µs-connect+ask")
		})
	}
}
