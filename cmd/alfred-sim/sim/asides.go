package sim

import (
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/extproc"
	"github.com/alfred-envoy/alfred/store"
)

// aside is what the world knows of one allowance.
type aside struct {
	granted alfred.Credits
	spent   alfred.Credits // granted from it, and cost where that is known
	overrun alfred.Credits // what requests cost above what they were granted
	lost    int            // failovers before it was taken
	holds   map[alfred.HoldID]alfred.Credits
}

func setAside(r alfred.ReserveRequest) bool {
	return r.Terms.Event.Outcome == alfred.OutcomeAllowance
}

// afterSetAside notes an allowance that the live store has granted.
func (w *world) afterSetAside(r alfred.ReserveRequest, reply alfred.ReserveReply) {
	if reply.Verdict == alfred.VerdictGranted && w.asides[r.Hold] == nil {
		w.asides[r.Hold] = &aside{granted: reply.Record.Granted, lost: w.lost, holds: map[alfred.HoldID]alfred.Credits{}}
	}
}

// spends checks what was admitted while the live store did not answer: there
// is an allowance for it, it is not used up, and nobody else has its room.
func (w *world) spends(h *extproc.Hold) {
	id, granted, ok := h.Aside()
	if !ok {
		return
	}
	w.local++
	a := w.asides[id]
	if a == nil {
		w.broken("A1 nothing is spent that was not set aside", "%s from %s", h.ID(), id)
		return
	}
	a.holds[h.ID()] = granted
	w.spentFrom[h.ID()] = id
	if a.spent += granted; a.spent > a.granted+a.overrun {
		w.broken("A1 nothing is spent that was not set aside", "%s: %s of %s, %s of it after overruns", id, a.spent, a.granted, a.overrun)
	}
	// A failover may have taken the allowance, or its last extension, with it.
	// The store counts in milliseconds.
	if due := w.shadow.due[id]; w.lost == a.lost && (w.shadow.ended[id] || w.now.After(due.Add(time.Millisecond))) {
		w.broken("A2 nobody spends what others may have", "%s from %s, due at %s, ended: %t", h.ID(), id, due.Format("15:04:05.000"), w.shadow.ended[id])
	}
}

// costs notes what a request that spent from an allowance used.
func (w *world) costs(id alfred.HoldID, cost alfred.Credits) {
	if a := w.asides[w.spentFrom[id]]; a != nil {
		a.spent += cost - a.holds[id]
		a.overrun += (cost - a.holds[id]).Floor0()
	}
}

// covers is what a settlement may add to each counter without anybody
// spending more than there is: its allowance stands there meanwhile.
func (w *world) covers(s alfred.Settlement) map[string]alfred.Credits {
	id, local := w.spentFrom[s.Record.Hold]
	if _, stands := w.shadow.due[id]; !local || !stands || w.shadow.ended[id] {
		return nil
	}
	out := map[string]alfred.Credits{}
	for _, c := range s.Record.Caps {
		out[store.Name(c)] = s.Record.Granted
	}
	for _, l := range s.Record.Legs {
		for _, c := range l.Counters {
			out[store.Name(c)] = l.Taken
		}
	}
	return out
}

// checkGivenBack holds the end of an allowance to its rule: what was spent
// from it is booked before.
func (w *world) checkGivenBack(id alfred.HoldID) {
	a := w.asides[id]
	if a == nil {
		return
	}
	for _, spent := range slices.Sorted(maps.Keys(a.holds)) {
		if !w.booked[spent] {
			w.broken("A3 an allowance is given back when all that was spent is booked", "%s, before %s", id, spent)
		}
	}
}
