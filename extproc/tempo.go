package extproc

import (
	"context"
	"sync"
	"time"
)

// Tempo is how a process waits and works side by side. The zero Tempo is the
// machine's own: timers and goroutines. A simulator puts its own in their
// place, so that one seed decides what happens when.
type Tempo struct {
	Go    func(work func())                          // begins work beside the caller; nil: a goroutine
	Pause func(ctx context.Context, d time.Duration) // waits, less if ctx ends; nil: a timer
}

func (t Tempo) begin(work func()) {
	if t.Go == nil {
		go work()
		return
	}
	t.Go(work)
}

func (t Tempo) pause(ctx context.Context, d time.Duration) {
	if t.Pause == nil {
		pause(ctx, d)
		return
	}
	t.Pause(ctx, d)
}

// crew works on many things, at most so many at a time. Where time is
// simulated it works on one after the other.
type crew struct {
	slots chan struct{} // nil: one after the other
	wg    sync.WaitGroup
}

func (t Tempo) crew(width int) *crew {
	if t.Go != nil {
		return &crew{}
	}
	return &crew{slots: make(chan struct{}, width)}
}

// work returns when there is room for it, not when it is done.
func (c *crew) work(f func()) {
	if c.slots == nil {
		f()
		return
	}
	c.slots <- struct{}{}
	c.wg.Go(func() {
		defer func() { <-c.slots }()
		f()
	})
}

func (c *crew) wait() { c.wg.Wait() }
