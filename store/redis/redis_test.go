package redis_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// simulated is a ledger on a Redis in this process, whose clock moves by hand.
type simulated struct {
	*redis.Store
	server *miniredis.Miniredis
	now    time.Time
}

func simulate(t testing.TB) *simulated {
	server := miniredis.RunT(t)
	s := &simulated{Store: connect(t, "redis://"+server.Addr()), server: server, now: time.Now()}
	server.SetTime(s.now)
	return s
}

func (s *simulated) Advance(d time.Duration) {
	s.now = s.now.Add(d)
	s.server.SetTime(s.now)
	s.server.FastForward(d)
}

func connect(t testing.TB, url string) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), redis.Options{URL: url, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestLedger(t *testing.T) {
	t.Run("simulated", func(t *testing.T) {
		storetest.RunLedger(t, func(t testing.TB) storetest.Ledger { return simulate(t) })
	})
	onServers(t, func(t *testing.T, s *server) {
		storetest.RunLedger(t, func(t testing.TB) storetest.Ledger { return connect(t, s.url(t)) })
	})
}

func TestPeers06_HoldAcrossMidnight(t *testing.T) {
	t.Run("simulated", func(t *testing.T) {
		storetest.RunMidnight(t, func(t testing.TB) storetest.Ledger { return simulate(t) })
	})
	onServers(t, func(t *testing.T, s *server) {
		storetest.RunMidnight(t, func(t testing.TB) storetest.Ledger { return connect(t, s.url(t)) })
	})
}

func TestDirectory(t *testing.T) {
	t.Run("simulated", func(t *testing.T) {
		storetest.RunDirectory(t, func(t testing.TB) storetest.Directory { return simulate(t) })
	})
	onServers(t, func(t *testing.T, s *server) {
		storetest.RunDirectory(t, func(t testing.TB) storetest.Directory { return connect(t, s.url(t)) })
	})
}

func TestStream(t *testing.T) {
	t.Run("simulated", func(t *testing.T) {
		storetest.RunStream(t, func(t testing.TB) storetest.Stream { return simulate(t) })
	})
	onServers(t, func(t *testing.T, s *server) {
		storetest.RunStream(t, func(t testing.TB) storetest.Stream { return connect(t, s.url(t)) })
	})
}
