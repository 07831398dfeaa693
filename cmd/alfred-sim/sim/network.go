package sim

import (
	"errors"
	"fmt"
	"time"
)

// service is what hosts call: the live store, the permanent record.
type service struct {
	name       string
	down       bool
	generation int // what was on its way to an earlier one does not arrive
	timeout    time.Duration
}

var (
	errTimeout = errors.New("no answer in time")
	errRefused = errors.New("connection refused")
)

// result is an answer that may have come.
type result[R any] struct {
	value R
	err   error
	here  bool
}

// call sends a request from the current fiber's host and waits for the answer.
// The network decides whether it arrives, how often and when, and whether the
// answer comes back. What was executed and not answered is a timeout. Exec runs
// at the instant of arrival and must not wait.
func call[R any](w *world, to *service, op string, exec func() (R, error)) (R, error) {
	f := w.current
	f.alive()
	from, n := f.host, w.net
	if w.chance(FaultCrash, w.rate.crash) {
		w.after(time.Duration(n.IntN(6000))*time.Microsecond, func() { w.kill(from, f.life) })
	}
	var got result[R]
	f.turn++
	turn, sent := f.turn, to.generation
	arrives := func(answer bool) func() {
		return func() {
			switch {
			case from.cut || sent != to.generation:
				return
			case to.down && answer:
				w.after(w.latency(), func() {
					if f.turn == turn {
						got.err, got.here = fmt.Errorf("%s: %w", to.name, errRefused), true
						w.resume(f)
					}
				})
				return
			case to.down || w.failure != nil:
				return
			}
			w.unheard = f.turn != turn
			value, err := exec()
			w.say("%s %s at %s: %v", from.name, op, to.name, err)
			if !answer {
				return
			}
			if w.chance(FaultReplies, w.rate.reply) {
				// The worst moment to lose what comes next.
				if w.chance(FaultFailover, 0.1) {
					w.failover(time.Duration(n.Int64N(int64(2*time.Second))), 0)
				}
				return
			}
			w.after(w.latency(), func() {
				if f.turn == turn {
					got = result[R]{value, err, true}
					w.resume(f)
				}
			})
		}
	}
	if !w.chance(FaultDrops, w.rate.drop) {
		late := w.latency()
		if w.chance(FaultDelays, w.rate.delay) {
			late += time.Duration(n.Int64N(int64(w.rate.late)))
		}
		w.after(late, arrives(true))
	}
	if w.chance(FaultCopies, w.rate.twice) {
		w.after(w.latency()+time.Duration(n.Int64N(int64(w.rate.late))), arrives(false))
	}
	w.after(to.timeout, func() { w.wake(f, turn) })
	f.yield()
	if !got.here {
		got.err = fmt.Errorf("%s: %w", to.name, errTimeout)
	}
	return got.value, got.err
}

// at calls at once, without giving way: for what the cores do under a lock.
func at[R any](w *world, from *host, to *service, exec func() (R, error)) (R, error) {
	if from.cut || to.down || w.chance(FaultDrops, w.rate.drop) {
		var none R
		return none, fmt.Errorf("%s: %w", to.name, errTimeout)
	}
	return exec()
}

func (w *world) latency() time.Duration {
	return time.Duration(200+w.net.IntN(2000)) * time.Microsecond
}

// chance throws a die for a fault, while it is switched on.
func (w *world) chance(f Fault, p float64) bool {
	return w.faulty && w.options.Faults&f != 0 && w.net.Float64() < p
}
