package extproc

import (
	"time"

	"github.com/alfred-envoy/alfred"
)

// allowance is what a process has set aside for one person and purpose: an
// ordinary hold on every counter of their plan, which is spent in memory while
// the live store does not answer. What was spent is booked in full, hold by
// hold, and only then is the allowance given back, so that no room is offered
// twice. It is guarded by the mutex of its keeper.
type allowance struct {
	record alfred.HoldRecord
	window alfred.Window
	ttl    time.Duration
	safe   time.Time        // on our clock; before it nobody can have reaped the hold
	sent   time.Time        // when it was taken or extended last
	left   []alfred.Credits // of each leg; an overrun makes one negative
	owner  *wanted          // whose it is, or was
	used   bool             // something was admitted from it
	open   int              // requests that were admitted and are not booked
}

func newAllowance(record alfred.HoldRecord, window alfred.Window, sent time.Time, ttl time.Duration) *allowance {
	a := &allowance{record: record, window: window, ttl: ttl}
	for _, l := range record.Legs {
		a.left = append(a.left, l.Taken)
	}
	a.extended(sent)
	return a
}

// extended notes that the store has prolonged the hold in answer to a call
// that was sent at a time of our clock: it is due no sooner than a life after.
func (a *allowance) extended(sent time.Time) {
	a.sent, a.safe = sent, sent.Add(a.ttl)
}

// due says whether it is time to extend it. One that was spent from is
// extended at every turn, so that it is known when the store is back.
func (a *allowance) due(now time.Time, every time.Duration) bool {
	return a.used || now.Sub(a.sent) >= min(every, a.ttl/4)
}

// room is what is left of it.
func (a *allowance) room() alfred.Credits {
	var sum alfred.Credits
	for _, c := range a.left {
		sum += c
	}
	return sum.Floor0()
}

// spend takes between need and want out of the legs, in order: all that is
// wanted; else half of what is left, so that the next request finds something;
// else just the need, for which there has to be room.
func (a *allowance) spend(need, want alfred.Credits) (taken []alfred.Credits, granted alfred.Credits) {
	room := a.room()
	if granted = want; want > room {
		granted = max(need, alfred.TakeHalf.Of(room))
	}
	taken = make([]alfred.Credits, len(a.left))
	rest := granted
	for i, have := range a.left {
		taken[i] = min(have.Floor0(), rest)
		a.left[i] -= taken[i]
		rest -= taken[i]
	}
	a.used = true
	a.open++
	return taken, granted
}

// cost replaces what a request took by what it cost. The rest can be spent
// again; an overrun leaves less.
func (a *allowance) cost(legs []alfred.HeldLeg, cost alfred.Credits) {
	for i, spent := range alfred.SpreadOverLegs(legs, cost) {
		a.left[i] += legs[i].Taken - spent
	}
}

// covers says whether the hold stands on every counter of a plan, and no
// other: then whatever is spent from it has room on each of them.
func (a *allowance) covers(p alfred.Plan) bool {
	if len(a.record.Caps) != len(p.Caps) || len(a.record.Legs) != len(p.Legs) {
		return false
	}
	for i, c := range p.Caps {
		if !sameCounter(a.record.Caps[i], c.Counter) {
			return false
		}
	}
	for i, l := range p.Legs {
		if len(a.record.Legs[i].Counters) != len(l.Group) {
			return false
		}
		for j, c := range l.Group {
			if !sameCounter(a.record.Legs[i].Counters[j], c.Counter) {
				return false
			}
		}
	}
	return true
}

// holds says whether a counter is one of those that the hold stands on.
func (a *allowance) holds(c alfred.Counter) bool {
	for _, have := range a.record.Caps {
		if sameCounter(have, c) {
			return true
		}
	}
	for _, l := range a.record.Legs {
		for _, have := range l.Counters {
			if sameCounter(have, c) {
				return true
			}
		}
	}
	return false
}

func sameCounter(a, b alfred.Counter) bool {
	return a.Kind == b.Kind && a.Subject == b.Subject && a.Window.Start.Equal(b.Window.Start) && a.Window.End.Equal(b.Window.End)
}

// tightened lowers a ceiling to the part that allowances may fill: the last
// quarter of every limit stays for those who ask the store.
func tightened(c alfred.Charge) alfred.Charge {
	if c.Ceiling != alfred.Unlimited {
		c.Ceiling -= c.Ceiling.Floor0() / 4
	}
	return c
}
