package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts/shapes"
	"github.com/alfred-envoy/alfred/store"
	"github.com/alfred-envoy/alfred/store/redis"
)

// A settlement that waits is on the replica when it is answered; one that
// nobody confirms is booked all the same, and told.
func TestSettlementsWaitForReplicas(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		w, c := s.watched(t), s.cluster(t, 2, true)
		for name, in := range map[string]struct {
			url     string
			replica func(key string) *shapes.Server
		}{
			"Sentinel": {w.URL(), func(string) *shapes.Server { return w.Replica }},
			"Cluster": {c.URL(), func(key string) *shapes.Server {
				owner, err := c.Owner(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				return c.Replicas[owner]
			}},
		} {
			t.Run(name, func(t *testing.T) {
				short := 0
				org := fresh(t, openStore(t, redis.Options{URL: in.url}))
				client := openStore(t, redis.Options{URL: in.url, Wait: redis.Wait{Replicas: 1, Timeout: 5 * time.Second, Short: func(int) { short++ }}})
				counter := "a:{" + string(org) + "}:s:" + store.Name(request(org, 1, 1, 1).Caps[1].Counter)
				replica := in.replica(counter)
				if name == "Cluster" {
					if err := replica.Client.ReadOnly(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
				}
				for n := 1; n <= 50; n++ {
					settle(t, client, org, n, 7)
					if got, err := replica.Client.Get(t.Context(), counter).Int(); err != nil || got != 7*n {
						t.Fatalf("after %d settlements the replica has %d, %v", n, got, err)
					}
				}
				if short != 0 {
					t.Errorf("%d were told short", short)
				}
				replica.Kill()
				quick := openStore(t, redis.Options{URL: in.url, Wait: redis.Wait{Replicas: 1, Timeout: 20 * time.Millisecond, Short: func(n int) { short += 1 + n }}})
				settle(t, quick, org, 51, 7)
				if short != 1 {
					t.Errorf("told %d times that no replica has it", short)
				}
				b, err := client.Balances(t.Context(), org, []alfred.Counter{request(org, 1, 1, 1).Caps[1].Counter})
				if err != nil || b[0].Settled != 7*51 {
					t.Errorf("booked %+v, %v", b, err)
				}
			})
		}
	})
}

func settle(t testing.TB, c *redis.Store, org alfred.OrgID, n int, cost alfred.Credits) {
	t.Helper()
	reply, err := c.Reserve(t.Context(), request(org, n, 10, 1_000_000_000))
	if err != nil || reply.Verdict != alfred.VerdictGranted {
		t.Fatalf("%s, %v", reply.Verdict, err)
	}
	if _, err := c.Settle(t.Context(), alfred.Settlement{Record: reply.Record, Cost: cost}); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkWait is what a settlement pays for waiting: both kinds in turns on
// one primary with one replica next to it, told as a ratio.
func BenchmarkWait(b *testing.B) {
	for _, s := range servers {
		b.Run(s.name, func(b *testing.B) {
			binary, err := s.find(b.Context())
			need(b, err)
			w, err := shapes.StartWatched(b.Context(), binary, b.TempDir(), nil)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(w.Close)
			short := 0
			plain := openStore(b, redis.Options{URL: w.URL()})
			waiting := openStore(b, redis.Options{URL: w.URL(), Wait: redis.Wait{Replicas: 1, Timeout: time.Second, Short: func(int) { short++ }}})
			org, n := fresh(b, plain), 0
			once := func(c *redis.Store) time.Duration {
				n++
				reply, err := c.Reserve(b.Context(), typical(org, fmt.Sprintf("hold_%d", n), alfred.MaxCredits))
				if err != nil {
					b.Fatal(err)
				}
				began := time.Now()
				if _, err := c.Settle(b.Context(), alfred.Settlement{Record: reply.Record, Cost: 900, Tokens: 1, Event: reply.Record.Terms.Event}); err != nil {
					b.Fatal(err)
				}
				return time.Since(began)
			}
			var without, with time.Duration
			for b.Loop() {
				without += once(plain)
				with += once(waiting)
			}
			b.ReportMetric(float64(without.Microseconds())/float64(b.N), "µs-settle")
			b.ReportMetric(float64(with.Microseconds())/float64(b.N), "µs-settle+WAIT")
			b.ReportMetric(float64(with)/float64(without), "x-without")
			b.ReportMetric(float64(short), "short")
		})
	}
}
