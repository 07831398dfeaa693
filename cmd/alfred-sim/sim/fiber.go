package sim

import (
	"container/heap"
	"context"
	"iter"
	"time"
)

// host is a process that can die. Its fibers die with it, at the call or the
// pause that they are at.
type host struct {
	name string
	life int // grows with every death
	dead bool
	cut  bool // nothing that it sends arrives
}

// fiber is one piece of work of a host. It runs until it waits.
type fiber struct {
	host *host
	life int
	turn int // grows with every wait, so that only one waking counts
	next func() (struct{}, bool)
	stop func()
	give func(struct{}) bool
	over bool
}

// death unwinds the fibers of a process that died.
type death struct{}

// event is something that happens at an instant; those of one instant happen
// in the order in which they were planned.
type event struct {
	at   time.Time
	seq  int
	what func()
}

type agenda []*event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*event)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return x
}

// after plans something.
func (w *world) after(d time.Duration, what func()) {
	w.planned++
	heap.Push(&w.agenda, &event{w.now.Add(d), w.planned, what})
}

// turn lets the next thing happen, and says whether there was one.
func (w *world) turn() bool {
	if len(w.agenda) == 0 || w.failure != nil {
		return false
	}
	e := heap.Pop(&w.agenda).(*event)
	w.now = e.at
	e.what()
	return true
}

// begin starts work on a host, soon.
func (w *world) begin(h *host, work func()) {
	f := &fiber{host: h, life: h.life}
	f.next, f.stop = iter.Pull(func(give func(struct{}) bool) {
		f.give = give
		defer func() {
			if p := recover(); p != nil {
				if _, died := p.(death); !died {
					panic(p)
				}
			}
		}()
		f.alive()
		work()
	})
	w.fibers[f] = struct{}{}
	w.after(0, func() { w.resume(f) })
}

func (w *world) resume(f *fiber) {
	if f.over {
		return
	}
	before := w.current
	w.current = f
	if _, more := f.next(); !more {
		f.over = true
		delete(w.fibers, f)
	}
	w.current = before
}

// alive ends the fiber if its host has died.
func (f *fiber) alive() {
	if f.host.life != f.life {
		panic(death{})
	}
}

// wait lets others run for so long.
func (w *world) wait(d time.Duration) {
	f := w.current
	f.alive()
	f.turn++
	turn := f.turn
	w.after(d, func() { w.wake(f, turn) })
	f.yield()
}

func (w *world) wake(f *fiber, turn int) {
	if f.turn == turn {
		w.resume(f)
	}
}

func (f *fiber) yield() {
	if !f.give(struct{}{}) {
		panic(death{})
	}
	f.turn++
	f.alive()
}

// pause is wait as the cores know it.
func (w *world) pause(_ context.Context, d time.Duration) { w.wait(d) }

// end unwinds every fiber that is left.
func (w *world) end() {
	for f := range w.fibers {
		f.stop()
	}
}
