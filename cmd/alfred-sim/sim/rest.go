package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// longestRest is how long everything may take to come to rest when nothing
// fails any more: holds expire, spools are sent again, the stream is recorded.
const longestRest = 10 * time.Minute

// rest ends all faults, waits until nothing is under way, and looks at what
// the record says of every request.
func (w *world) rest() {
	w.faulty = false
	w.redis.down, w.postgres.down = false, false
	for _, p := range w.planes {
		p.host.cut, p.disk.full = false, false // who is dead comes back when it was to
	}
	w.say("everything works again")
	begun, quiet := w.now, w.now
	for w.failure == nil {
		next := w.now.Add(5 * time.Second)
		for w.now.Before(next) && w.turn() {
		}
		// What is delayed has arrived by then, and faults that were planned are over.
		if w.now.Sub(begun) < w.rate.late+holdTTL {
			w.redis.down, w.postgres.down = false, false
			quiet = w.now
			continue
		}
		if w.anybodyDead() {
			quiet = w.now
			continue
		}
		busy := w.busy()
		if busy == "" {
			// What went to the record alone, the rebuilder finds when it compares.
			if w.lost == 0 || w.now.Sub(quiet) >= 65*time.Second {
				break
			}
			continue
		}
		quiet = w.now
		if w.now.Sub(begun) > longestRest {
			w.broken("I7 everything comes to rest", "%s", busy)
		}
	}
	if w.failure == nil {
		w.checkCharges()
		w.checkLive()
		w.checkMoves()
		w.checkDirectory()
	}
}

func (w *world) anybodyDead() bool {
	for _, p := range w.planes {
		if p.host.dead {
			return true
		}
	}
	return slices.ContainsFunc(w.hosts, func(h *host) bool { return h.dead })
}

// busy says what is still under way.
func (w *world) busy() string {
	for _, p := range w.planes {
		if n := p.steps.Busy(); n > 0 {
			return fmt.Sprintf("%d holds and endings at %s", n, p.host.name)
		}
		if n := p.spool.Pending(); n > 0 {
			return fmt.Sprintf("%d entries in the spool of %s", n, p.host.name)
		}
	}
	if open := w.store.Open(orgID); len(open) > 0 {
		return fmt.Sprintf("%d holds are open, %s", len(open), open[0].Hold)
	}
	if backlog := w.store.Backlog(orgID); len(backlog) > 0 {
		return fmt.Sprintf("%d entries in the stream", len(backlog))
	}
	if n := len(w.record.touched); n > 0 {
		return fmt.Sprintf("%d changes are not published", n)
	}
	if moves, err := w.record.PendingMoves(w.ctx, w.now.Add(time.Hour)); err == nil && len(moves) > 0 {
		return fmt.Sprintf("%d moves are pending, %s", len(moves), moves[0].ID)
	}
	return ""
}

// checkCharges compares what each request was charged with the truth.
func (w *world) checkCharges() {
	known := map[alfred.HoldID]bool{}
	for _, t := range w.truths {
		if t.hold != "" {
			known[t.hold] = true
			w.checkCharge(t)
		}
	}
	for _, id := range w.record.reservations() {
		if !known[id] {
			// Its process died before it could tell anybody.
			w.oneOf(id, "of nobody that was told", 0, w.byPolicy(id))
		}
	}
}

func (w *world) checkCharge(t *truth) {
	died := t.plane.host.life != t.life
	safe := !t.unkept || !died && w.lost == 0 // written down, or nothing was lost that it was not
	policy := w.byPolicy(t.hold)
	switch {
	case w.orphans[t.hold] && t.stage == refused:
		w.oneOf(t.hold, "refused, and granted to a copy that came late", 0, policy)
	case t.stage == refused && !died && safe:
		w.oneOf(t.hold, "I5 refused", 0)
	case t.stage == refused && !died:
		w.oneOf(t.hold, "I5 refused, and its void could not be written down", 0, policy)
	case t.stage == refused:
		w.oneOf(t.hold, "I5 refused, and the process died", 0, policy)
	case t.stage == running:
		w.oneOf(t.hold, "its process died", 0, policy)
	case t.stage == settling && t.acknowledged && safe:
		w.oneOf(t.hold, "I4 acknowledged", t.cost)
	case t.stage == settling && (t.acknowledged || t.reserved):
		w.oneOf(t.hold, "its process died at the end", t.cost, policy, 0)
	case t.stage == settling:
		w.oneOf(t.hold, "admitted without a hold, and the process died", t.cost, policy, 0)
	case t.stage == releasing && t.acknowledged && safe:
		w.oneOf(t.hold, "I6 given back", 0)
	case t.stage == releasing:
		w.oneOf(t.hold, "given back, and the process died", 0, policy)
	}
}

// charged is what the record says that a reservation cost, all in all.
func (w *world) charged(id alfred.HoldID) (sum alfred.Credits) {
	for _, e := range w.record.of(id) {
		sum += e.Cost
	}
	return sum
}

// byPolicy is what the expiry of a reservation cost, 0 when it did not expire.
func (w *world) byPolicy(id alfred.HoldID) alfred.Credits {
	for _, e := range w.record.of(id) {
		if e.Kind == alfred.EventExpired {
			return e.Cost
		}
	}
	return 0
}

func (w *world) oneOf(id alfred.HoldID, what string, allowed ...alfred.Credits) {
	if got := w.charged(id); !slices.Contains(allowed, got) {
		var kinds []string
		for _, e := range w.record.of(id) {
			kinds = append(kinds, fmt.Sprintf("%s %s", e.Kind, e.Cost))
		}
		w.broken("I3 and I4 every request is charged once, with what it cost", "%s, %s: charged %s (%v), expected %v", id, what, got, kinds, allowed)
	}
}

// checkLive compares the live counters with the record and with the limits.
func (w *world) checkLive() {
	live := w.store.Counters(orgID)
	// After a failover the windows that have not ended are built from the record,
	// and nothing is charged that the record does not take: nobody lowers it, and
	// nobody raises what is over. One that was emptied is built with expiries of
	// which the truth may come later, to the record alone: it may stand above by
	// as much. And where a ledger was lost that had lowered a counter to a truth
	// below an expiry, the one that follows may stand above by as much.
	open := func(name string) bool {
		return w.lost == 0 || w.record.named[name].Window.Contains(w.now)
	}
	misplaced, unlowered := w.misplaced(), map[string]alfred.Credits{}
	for l, by := range w.unlowered {
		unlowered[l.name] += by
	}
	for _, name := range slices.Sorted(maps.Keys(live)) {
		b := live[name]
		above, below := misplaced[name]+unlowered[name], alfred.Credits(0)
		if w.emptied {
			above += w.record.returned[name]
		}
		if w.lost == 0 {
			below = misplaced[name] // nothing waits for the comparison that raises it
		}
		switch drift := b.Used() - w.record.counters[name]; {
		case !open(name) && drift <= 0:
		case b.Held() != 0 || drift > above || -drift > below:
			w.broken("I2 the live counters are what the record says", "%s: used %s, held %s, recorded %s", name, b.Used(), b.Held(), w.record.counters[name])
		case drift > 0:
			w.high = true // nobody but a person lowers it
		}
	}
	for name, amount := range w.record.counters {
		if _, there := live[name]; !there && amount != 0 && open(name) && (w.lost > 0 || amount > misplaced[name]) {
			w.broken("I2 the live counters are what the record says", "%s is recorded, %s, and not live", name, amount)
		}
	}
	for _, window := range w.windows() {
		within := func(kind alfred.CounterKind, subject string, highest alfred.Credits) {
			name := store.Name(alfred.Counter{Kind: kind, Subject: subject, Window: window})
			if most := highest + w.record.received(name) + w.excess[name]; live[name].Settled > most {
				w.broken("I1 nobody spends above the highest limit and what was overrun", "%s: %s of %s", name, live[name].Settled, most)
			}
		}
		for _, d := range w.record.people {
			within(alfred.CountPersonal, string(d.User.ID), w.highest[d.User.ID])
		}
		for _, t := range w.record.teams {
			within(alfred.CountPool, string(t.Team.ID), t.Team.CommonPool)
		}
		for _, l := range w.record.limits {
			within(alfred.CountOrg, l.Subject, l.Credits)
		}
	}
}

// misplaced is by how much a counter may stand apart from what is booked on it.
// Who has paid for a request that was admitted without an answer, the live store
// knows and its process does not: told in two ways, its cost may stand with one
// in the record and with the other on the counters. On caps it never does.
func (w *world) misplaced() map[string]alfred.Credits {
	out := map[string]alfred.Credits{}
	for _, t := range w.truths {
		if p := w.record.payers[t.hold]; t.stage == settling && !t.reserved && p != nil && p.differ {
			for name := range p.all {
				if isLeg(name) {
					out[name] += t.cost
				}
			}
		}
	}
	return out
}

// isLeg says whether a counter pays, rather than only bounds.
func isLeg(name string) bool {
	kind, _, _ := strings.Cut(name, ":")
	switch alfred.CounterKind(kind) {
	case alfred.CountPersonal, alfred.CountPool, alfred.CountShare, alfred.CountOverdraft:
		return true
	default:
		return false
	}
}

func (w *world) windows() []alfred.Window {
	zone, err := alfred.Zone(w.record.org.Settings.Zone)
	if err != nil {
		return nil
	}
	var out []alfred.Window
	for _, at := range []time.Time{w.began, w.now} {
		if window, err := w.record.org.Settings.Window.At(at, zone); err == nil {
			out = append(out, window)
		}
	}
	return out
}

// checkDirectory compares what is published with the record.
func (w *world) checkDirectory() {
	for _, d := range w.record.people {
		p, err := w.store.Principal(w.ctx, d.Keys[0].Hash)
		want := w.record.published(d.User.ID, w.now).At(w.now)
		if err != nil || p == nil || p.Personal.At(w.now) != want {
			w.broken("every change is published", "%s: %+v, %v; the quota is %s", d.User.ID, p, err, want)
		}
	}
}
