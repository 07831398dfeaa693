package redis_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/alfred-envoy/alfred/store/memory"
	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// model is the reference, with a clock that moves by hand.
type model struct {
	*memory.Store
	now time.Time
}

func newModel(now time.Time) *model {
	m := &model{now: now}
	m.Store = memory.New(func() time.Time { return m.now })
	return m
}

func (m *model) Advance(d time.Duration) { m.now = m.now.Add(d) }

// Random operations against a model of the rules that shares no code with any
// store: with days between them on the reference and on a simulated Redis, and
// on the real servers.
func TestLedger01_Model(t *testing.T) {
	t.Run("days pass", func(t *testing.T) {
		server := miniredis.RunT(t)
		client := connect(t, "redis://"+server.Addr())
		storetest.RunModel(t, func(testing.TB) map[string]storetest.Ledger { return timed(server, client) })
	})
	onServers(t, func(t *testing.T, s *server) {
		client := connect(t, s.url(t))
		storetest.RunModel(t, func(testing.TB) map[string]storetest.Ledger { return map[string]storetest.Ledger{s.name: client} })
	})
}

// timed is the reference and a simulated Redis, both new, at one instant.
func timed(server *miniredis.Miniredis, client *redis.Store) map[string]storetest.Ledger {
	server.FlushAll()
	now := time.Now()
	server.SetTime(now)
	return map[string]storetest.Ledger{"memory": newModel(now), "simulated": &simulated{Store: client, server: server, now: now}}
}

// One tape on the reference and on a simulated Redis, with hours between the
// operations, and on the real servers, whose clocks go their own way.
func TestLedger02_Differential(t *testing.T) {
	t.Run("hours pass", func(t *testing.T) {
		server := miniredis.RunT(t)
		client := connect(t, "redis://"+server.Addr())
		storetest.RunTape(t, func(testing.TB) map[string]storetest.Ledger { return timed(server, client) }, "memory")
	})
	t.Run("servers", func(t *testing.T) {
		clients := map[string]*redis.Store{}
		for _, s := range servers {
			clients[s.name] = connect(t, s.url(t))
		}
		storetest.RunTape(t, func(testing.TB) map[string]storetest.Ledger {
			out := map[string]storetest.Ledger{"memory": newModel(time.Now())}
			for name, c := range clients {
				out[name] = c
			}
			return out
		}, "memory")
	})
}
