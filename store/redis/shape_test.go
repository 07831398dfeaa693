package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts/shapes"
	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// installation is a shape in which a ledger may run.
type installation struct {
	name  string
	start func(*testing.T, *server) redis.Options
}

var installations = []installation{
	{"Sentinel", func(t *testing.T, s *server) redis.Options {
		return redis.Options{URL: s.watched(t).URL()}
	}},
	{"Cluster", func(t *testing.T, s *server) redis.Options {
		return redis.Options{URL: s.cluster(t, 3, false).URL()}
	}},
	{"TLS", func(t *testing.T, s *server) redis.Options {
		p := certificates(t)
		return redis.Options{URL: "rediss://" + s.secured(t, p) + "/3", TLS: redis.TLS{CA: p.ca, Cert: p.cert, Key: p.key}}
	}},
}

func (s *server) watched(t *testing.T) *shapes.Watched {
	t.Helper()
	binary, err := s.find(t.Context())
	need(t, err)
	w, err := shapes.StartWatched(t.Context(), binary, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func (s *server) cluster(t *testing.T, masters int, replicas bool) *shapes.Cluster {
	t.Helper()
	binary, err := s.find(t.Context())
	need(t, err)
	c, err := shapes.StartCluster(t.Context(), binary, t.TempDir(), masters, replicas)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := parts.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func openStore(t testing.TB, o redis.Options) *redis.Store {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	s, err := redis.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// The whole contract holds in every shape.
func TestContractInEveryShape(t *testing.T) {
	for _, in := range installations {
		t.Run(in.name, func(t *testing.T) {
			onServers(t, func(t *testing.T, s *server) {
				o := in.start(t, s)
				contract(t, func(t testing.TB) *redis.Store { return openStore(t, o) })
			})
		})
	}
}

func contract(t *testing.T, open func(testing.TB) *redis.Store) {
	t.Run("Ledger", func(t *testing.T) {
		storetest.RunLedger(t, func(t testing.TB) storetest.Ledger { return open(t) })
	})
	t.Run("Directory", func(t *testing.T) {
		storetest.RunDirectory(t, func(t testing.TB) storetest.Directory { return open(t) })
	})
	t.Run("Stream", func(t *testing.T) {
		storetest.RunStream(t, func(t testing.TB) storetest.Stream { return open(t) })
	})
	t.Run("Tape", func(t *testing.T) {
		client := open(t)
		storetest.RunTape(t, func(testing.TB) map[string]storetest.Ledger {
			return map[string]storetest.Ledger{"memory": newModel(time.Now()), "shape": client}
		}, "memory")
	})
	t.Run("Spool", func(t *testing.T) { spooled(t, open(t)) })
}

// spooled is what a spool asks of the live ledger.
func spooled(t *testing.T, c *redis.Store) {
	ctx := context.WithoutCancel(t.Context())
	if err := c.ConfirmSpool(ctx, "one", []int64{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if err := c.ForgetConfirmed(ctx, "one", []int64{2}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Confirmed(ctx, "one", 10); err != nil || !sameNumbers(got, 1, 3) {
		t.Errorf("confirmed %v: %v", got, err)
	}
	first, err := c.Lineage(ctx, "one")
	if err != nil || first == "" {
		t.Fatalf("lineage %q: %v", first, err)
	}
	if again, err := c.Lineage(ctx, "one"); err != nil || again != first {
		t.Errorf("lineage %q, then %q: %v", first, again, err)
	}
}
