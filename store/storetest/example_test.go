package storetest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/store/memory"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// backend is the store under test, with a clock that moves by hand. A store
// whose clock is a server's leaves Advance out.
type backend struct {
	*memory.Store
	mu  sync.Mutex
	now time.Time
}

func (b *backend) Advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func openBackend() *backend {
	b := &backend{now: time.Now()}
	b.Store = memory.New(func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.now
	})
	return b
}

// This is all that it takes to hold a backend to the contract.
func TestConformance(t *testing.T) {
	t.Run("ledger", func(t *testing.T) {
		storetest.RunLedger(t, func(testing.TB) storetest.Ledger { return openBackend() })
	})
	t.Run("stream", func(t *testing.T) {
		storetest.RunStream(t, func(testing.TB) storetest.Stream { return openBackend() })
	})
	t.Run("directory", func(t *testing.T) {
		storetest.RunDirectory(t, func(testing.TB) storetest.Directory { return openBackend() })
	})
}

// The same random operations on the reference and on the backend. Clocks that
// are moved by hand start at the same instant.
func TestConformanceTape(t *testing.T) {
	storetest.RunTape(t, func(testing.TB) map[string]storetest.Ledger {
		reference, mine := openBackend(), openBackend()
		mine.now = reference.now
		return map[string]storetest.Ledger{"reference": reference, "mine": mine}
	}, "reference")
}

// The rules alone say what is right, and the backend is asked.
func TestConformanceModel(t *testing.T) {
	storetest.RunModel(t, func(testing.TB) map[string]storetest.Ledger {
		return map[string]storetest.Ledger{"mine": openBackend()}
	})
}
