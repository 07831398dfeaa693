package extproc

import (
	"sync"
	"time"
)

// breaker stops asking a store that does not answer. It opens when at least
// half of at least breakerMin calls in the last breakerSpan seconds failed,
// lets one call through every breakerRest, and closes when that succeeds.
type breaker struct {
	mu      sync.Mutex
	slots   [breakerSpan]breakerSlot
	open    bool
	retryAt time.Time
	probe   ticket // the one call that may be made while it is open; 0: none is under way
	last    ticket
}

// ticket is leave to make one call. Whoever has one must report.
type ticket int64

type breakerSlot struct {
	second          int64
	calls, failures int
}

const (
	breakerSpan = 5 // seconds
	breakerMin  = 20
	breakerRest = time.Second
)

// allow says whether a call may be made.
func (b *breaker) allow(now time.Time) (ticket, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open && (b.probe != 0 || now.Before(b.retryAt)) {
		return 0, false
	}
	b.last++
	if b.open {
		b.probe = b.last
	}
	return b.last, true
}

// report says how a call that was allowed ended.
func (b *breaker) report(now time.Time, t ticket, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		switch {
		case ok: // whoever it was, the store answers
			b.open, b.probe, b.slots = false, 0, [breakerSpan]breakerSlot{}
		case t == b.probe:
			b.probe, b.retryAt = 0, now.Add(breakerRest)
		}
		return // others that fail now began before it opened, and say nothing new
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
		b.open, b.probe, b.retryAt = true, 0, now.Add(breakerRest)
	}
}

// resting says whether a call failed so lately that none is made now.
func (b *breaker) resting(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open && now.Before(b.retryAt)
}

// isOpen says whether the store is given a rest.
func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}
