package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/store"
)

// step says what an operation may do to the counters.
type step int

const (
	reserving    step = iota // committed may rise, nothing falls
	ending                   // committed and settled may move either way
	transferring             // a move: see checkedMove
	looking                  // nothing changes
)

// shadow is what the simulator knows of the holds of the live store as it
// stands. A failover takes it back with the store.
type shadow struct {
	due   map[alfred.HoldID]time.Time // of holds that were granted
	ended map[alfred.HoldID]bool
}

func newShadow() shadow { return shadow{map[alfred.HoldID]time.Time{}, map[alfred.HoldID]bool{}} }

func (s shadow) clone() shadow { return shadow{maps.Clone(s.due), maps.Clone(s.ended)} }

func (w *world) broken(invariant, format string, args ...any) {
	if w.failure == nil {
		w.failure = &Failure{Invariant: invariant, Detail: fmt.Sprintf(format, args...), Step: w.stepped, At: w.now}
		w.say("BROKEN %v", w.failure)
	}
}

// checked runs an operation of the live store and checks what it did to every
// counter of the organisation.
func (w *world) checked(kind step, run func()) {
	before := w.store.Counters(orgID)
	run()
	after := w.store.Counters(orgID)
	w.moved = false
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, is := before[name], after[name]
		if was == is {
			continue
		}
		w.moved = true
		switch {
		case kind == looking:
			w.broken("I9 counters move by reservations and endings only", "%s from %+v to %+v", name, was, is)
		case kind == reserving && (is.Committed < was.Committed || is.Settled != was.Settled):
			w.broken("I9 a reservation only adds to committed", "%s from %+v to %+v", name, was, is)
		case kind == ending && is.Committed > was.Committed:
			w.excess[name] += (is.Committed - was.Committed - w.covered[name]).Floor0()
		}
		if kind == ending && is.Settled < was.Settled {
			w.noteLowered(name, was.Settled-is.Settled)
		}
	}
	for name := range before {
		if _, still := after[name]; !still {
			w.broken("I9 no counter vanishes", "%s", name)
		}
	}
	if err := w.store.Audit(orgID); err != nil {
		w.broken("I2 committed is settled plus held", "%v", err)
	}
	w.checkSums(after)
}

// checkSums adds up the people, the keys and the teams of each window.
func (w *world) checkSums(counters map[string]alfred.Balance) {
	sums := map[string]alfred.Balance{}
	for name, b := range counters {
		kind, rest, _ := strings.Cut(name, ":")
		window := rest[strings.LastIndexByte(rest, ':'):]
		sum := sums[kind+window]
		sum.Committed += b.Committed
		sum.Settled += b.Settled
		sums[kind+window] = sum
	}
	for name, org := range sums {
		kind, window, _ := strings.Cut(name, ":")
		if kind != string(alfred.CountOrg) {
			continue
		}
		for _, k := range []alfred.CounterKind{alfred.CountUser, alfred.CountKey, alfred.CountTeam} {
			sum := sums[string(k)+":"+window]
			// Raising what is too low leaves what is too high, and so the sums apart.
			w.uneven = w.uneven || w.raising && sum != org
			if sum != org && !w.uneven {
				w.broken("I10 the parts sum to the whole", "all %s counters of window %s: %+v, the organisation's: %+v", k, window, sum, org)
			}
		}
	}
}

func (w *world) afterReserve(r alfred.ReserveRequest, reply alfred.ReserveReply, err error) {
	if err != nil {
		w.broken("a plan is one that the store takes", "%v", err)
		return
	}
	if reply.Verdict != alfred.VerdictGranted {
		if w.moved {
			w.broken("I5 a refusal changes nothing", "%s of %s moved counters", reply.Verdict, r.Hold)
		}
		return
	}
	if _, replay := w.shadow.due[r.Hold]; replay {
		if w.moved {
			w.broken("I3 a reservation counts once", "%s was reserved again", r.Hold)
		}
		if w.shadow.ended[r.Hold] {
			w.broken("an ended hold stays ended", "%s was granted again", r.Hold)
		}
		return
	}
	if w.unheard {
		w.orphans[r.Hold] = true
	}
	if w.shadow.ended[r.Hold] {
		w.broken("a hold that was given back before it came is refused", "%s was granted", r.Hold)
	}
	w.shadow.due[r.Hold] = w.now.Add(r.TTL)
	if !setAside(r) {
		w.granted++
	}
	counters := w.store.Counters(orgID)
	below := func(c alfred.Charge, taken alfred.Credits) {
		if is := counters[store.Name(c.Counter)].Committed; taken > 0 && is > c.Ceiling {
			w.broken("I1 what is granted is never above a ceiling", "%s stands at %s of %s after %s", store.Name(c.Counter), is, c.Ceiling, r.Hold)
		}
		if !c.Counter.Window.Contains(w.now) {
			w.broken("nothing is spent in the wrong window", "%s at %s", store.Name(c.Counter), w.now.Format(time.RFC3339))
		}
	}
	var sum alfred.Credits
	for _, c := range r.Caps {
		if c.Mode == alfred.Enforce {
			below(c.Charge, reply.Record.Granted)
		}
	}
	for i, l := range r.Legs {
		sum += reply.Record.Legs[i].Taken
		for _, c := range l.Group {
			below(c, reply.Record.Legs[i].Taken)
		}
	}
	if sum != reply.Record.Granted || sum < r.Need || sum > r.Want {
		w.broken("the legs pay what is granted", "%s: granted %s, legs pay %s, asked for %s to %s", r.Hold, reply.Record.Granted, sum, r.Need, r.Want)
	}
}

func (w *world) afterExtend(id alfred.HoldID, ttl time.Duration, alive bool) {
	due, known := w.shadow.due[id]
	switch {
	case alive && (!known || w.shadow.ended[id]):
		w.broken("an ended hold stays ended", "%s was extended", id)
	case alive && due.Before(w.now.Add(ttl)):
		w.shadow.due[id] = w.now.Add(ttl)
	}
}

func (w *world) afterEnd(id alfred.HoldID, end alfred.EndState, err error) {
	if err != nil {
		return // told to who asked
	}
	w.booked[id] = true
	if end == alfred.EndDuplicate && w.moved {
		w.broken("I3 an ending counts once", "%s was ended again", id)
	}
	w.shadow.ended[id] = true
	w.checkEnded()
}

// afterReap takes the holds that were open before.
func (w *world) afterReap(before []alfred.HoldRecord) {
	open := map[alfred.HoldID]bool{}
	for _, r := range w.store.Open(orgID) {
		open[r.Hold] = true
	}
	for _, r := range before {
		if open[r.Hold] {
			continue
		}
		w.shadow.ended[r.Hold] = true
		// The store counts in milliseconds.
		if due := w.shadow.due[r.Hold]; w.now.Before(due.Add(-time.Millisecond)) {
			w.broken("a hold is reaped when it is due, and not before", "%s, due at %s", r.Hold, due.Format("15:04:05.000"))
		}
	}
	w.checkEnded()
}

func (w *world) checkEnded() {
	for _, r := range w.store.Open(orgID) {
		if w.shadow.ended[r.Hold] {
			w.broken("an ended hold stays ended", "%s is open", r.Hold)
		}
	}
}

// afterAck takes what the stream held before.
func (w *world) afterAck(before []store.Entry) {
	left := map[string]bool{}
	for _, e := range w.store.Backlog(orgID) {
		left[e.ID] = true
	}
	for _, e := range before {
		if !left[e.ID] && !w.record.has(e.Event) {
			w.broken("I8 the stream is trimmed below what is recorded only", "%s of %s is gone and not recorded", e.Event.Kind, e.Event.Reservation)
		}
	}
}

// lowering is a counter that fell to the truth of a hold below its expiry.
type lowering struct {
	hold alfred.HoldID
	name string
}

// noteLowered is told of an ending that lowers a counter.
func (w *world) noteLowered(name string, by alfred.Credits) {
	l := lowering{w.ending, name}
	delete(w.unlowered, l) // it was lost, and told again
	w.lowered[l] = lowered{w.now, by}
}

// lowered is when a counter fell, and by how much.
type lowered struct {
	at time.Time
	by alfred.Credits
}

// noteUnlowered is told how old the ledger is that takes over: what was lowered
// since stands there as it did before, and the record alone may know better.
func (w *world) noteUnlowered(since time.Time) {
	for l, had := range w.lowered {
		if !had.at.Before(since) {
			w.unlowered[l] = had.by
			delete(w.lowered, l)
		}
	}
}

// remember which hold an entry of a spool is about.
func (w *world) remember(e alfred.UsageEvent, id alfred.HoldID) {
	if e.Spooled > 0 {
		w.spooled[spoolEntry{e.Instance, e.Spooled}] = id
	}
}

type spoolEntry struct {
	instance string
	seq      int64
}

func (w *world) checkConfirmed(instance string, seqs []int64) {
	for _, n := range seqs {
		id, known := w.spooled[spoolEntry{instance, n}]
		if !known || !w.record.knows(id) {
			w.broken("I4 a spool drops what is recorded, and nothing else", "entry %d of %s (%s)", n, instance, id)
		}
	}
}

// ceiling is the limit of somebody's own quota from an instant on.
type ceiling struct {
	at     time.Time
	amount alfred.Allowance
}

// notePublished keeps what the live store says of people's quotas.
func (w *world) notePublished(byHash map[string]*alfred.Principal) {
	for _, hash := range slices.Sorted(maps.Keys(byHash)) {
		p, err := w.store.Principal(w.ctx, hash)
		if err != nil || p == nil {
			continue
		}
		w.ceilings[p.User] = append(w.ceilings[p.User], ceiling{w.now, p.Personal})
		w.announce(changeOf(hash, p))
	}
}

// published is what the live store says of a person.
func (w *world) published(id alfred.UserID) (*alfred.Principal, bool) {
	for _, d := range w.record.people {
		if d.User.ID == id {
			p, err := w.store.Principal(w.ctx, d.Keys[0].Hash)
			return p, err == nil && p != nil
		}
	}
	return nil, false
}

// healsWithin is how long a data plane that can read may go by what is old.
const healsWithin = 6 * time.Second

// checkPublished holds a reservation to what was published: a message that was
// lost heals within seconds.
func (w *world) checkPublished(h *host, r alfred.ReserveRequest) {
	if setAside(r) {
		return // it goes by what the last request of its person was held to
	}
	if failed, ok := w.unread[h]; ok && w.now.Sub(failed) < healsWithin || w.now.Sub(w.replaced) < healsWithin {
		return
	}
	planned := w.now // by the clock of who asks
	if p := w.planeOf(h); p != nil {
		planned = w.now.Add(p.skew)
	}
	for _, l := range r.Legs {
		if l.Kind != alfred.LegPersonal {
			continue
		}
		c := l.Group[0]
		if _, published := w.published(alfred.UserID(c.Counter.Subject)); !published {
			continue // a store that was emptied: there is nothing to read until it is published again
		}
		history := w.ceilings[alfred.UserID(c.Counter.Subject)]
		ok := false
		for i, had := range history {
			ended := w.now
			if i+1 < len(history) {
				ended = history[i+1].at
			}
			stands := slices.ContainsFunc([]time.Time{w.now, planned, c.Counter.Window.Start}, func(t time.Time) bool { return had.amount.At(t) == c.Ceiling })
			ok = ok || stands && w.now.Sub(ended) < healsWithin
		}
		if !ok {
			w.broken("a lost announcement heals within 5 s", "%s is held to %s, published: %v", c.Counter.Subject, c.Ceiling, history)
		}
	}
}

var _ admin.Events = events{}
