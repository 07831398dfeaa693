package memory_test

import (
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/store/memory"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// clocked is a ledger whose clock moves by hand.
type clocked struct {
	*memory.Store
	mu  sync.Mutex
	now time.Time
}

func open(testing.TB) *clocked {
	c := &clocked{now: time.Now()}
	c.Store = memory.New(func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.now
	})
	return c
}

func (c *clocked) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestLedger(t *testing.T) {
	storetest.RunLedger(t, func(t testing.TB) storetest.Ledger { return open(t) })
}

func TestPeers06_HoldAcrossMidnight(t *testing.T) {
	storetest.RunMidnight(t, func(t testing.TB) storetest.Ledger { return open(t) })
}

func TestDirectory(t *testing.T) {
	storetest.RunDirectory(t, func(t testing.TB) storetest.Directory { return open(t) })
}

func TestStream(t *testing.T) {
	storetest.RunStream(t, func(t testing.TB) storetest.Stream { return open(t) })
}
