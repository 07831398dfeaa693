package extproc

import (
	"sync"
	"time"
)

// breaker stops asking a store that does not answer. It opens when at least
// half of at least breakerMin calls in the last breakerSpan seconds failed,
// lets one call through after breakerRest, and closes when that succeeds.
type breaker struct {
	mu      sync.Mutex
	slots   [breakerSpan]breakerSlot
	open    bool
	retryAt time.Time
	probing bool
}

type breakerSlot struct {
	second          int64
	calls, failures int
}

const (
	breakerSpan = 5 // seconds
	breakerMin  = 20
	breakerRest = time.Second
)

// allow says whether a call may be made. Whoever was allowed must report.
func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return true
	}
	if b.probing || now.Before(b.retryAt) {
		return false
	}
	b.probing = true
	return true
}

// report says how a call that was allowed ended.
func (b *breaker) report(now time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		// Calls that began before it opened say nothing about now, unless they succeed.
		b.probing = false
		if ok {
			b.open, b.slots = false, [breakerSpan]breakerSlot{}
		} else {
			b.retryAt = now.Add(breakerRest)
		}
		return
	}
	second := now.Unix()
	slot := &b.slots[second%breakerSpan]
	if slot.second != second {
		*slot = breakerSlot{second: second}
	}
	slot.calls++
	if !ok {
		slot.failures++
	}
	var calls, failures int
	for _, s := range b.slots {
		if second-s.second < breakerSpan {
			calls += s.calls
			failures += s.failures
		}
	}
	if calls >= breakerMin && 2*failures >= calls {
		b.open, b.retryAt = true, now.Add(breakerRest)
	}
}

// isOpen says whether the store is given a rest.
func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}
