package storetest

import (
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
)

// rules is the ledger of one organisation as docs/holds.md tells it, written
// for the tests alone: it shares no code with a store. It keeps no counters.
// What a counter says is added up from everything that ever happened, so that
// no step can forget to move one.
type rules struct {
	now    time.Time
	lives  []*life // also those of which the ledger has no record any more
	moves  []*moved
	events []told
}

// life is one hold from its reservation on, or the mark of one that is refused.
type life struct {
	record  alfred.HoldRecord
	state   state
	charged alfred.Credits
	due     time.Time
	kept    time.Time // until when an ended one is remembered
}

type state string

const (
	held    state = "held"
	settled state = "settled"
	void    state = "void"
	expired state = "expired"
	left    state = "left to the permanent record"
)

// remembered is how long an ended hold is known, and chargeable how long after
// it was due one without a record may still be charged.
const (
	remembered = 15 * time.Minute
	chargeable = 10 * time.Minute
)

// moved is an amount that was moved away.
type moved struct {
	terms  alfred.Outflow
	reply  alfred.OutflowReply
	undone bool
}

// told is what an event must say.
type told struct {
	Kind        alfred.EventKind
	Reservation alfred.HoldID
	Held, Cost  alfred.Credits
	Late        bool
}

// is says whether two counters are one: the end of a window is no part of it.
func is(a, b alfred.Counter) bool {
	return a.Kind == b.Kind && a.Subject == b.Subject && a.Window.Start.Equal(b.Window.Start)
}

// balance adds up a counter.
func (m *rules) balance(c alfred.Counter) (b alfred.Balance) {
	for _, h := range m.lives {
		amount := h.on(c)
		b.Committed += amount
		if h.state != held {
			b.Settled += amount
		}
	}
	for _, o := range m.moves {
		for _, s := range o.terms.Source {
			if is(s.Counter, c) && !o.undone {
				b.Committed += o.reply.Taken
				b.Settled += o.reply.Taken
				b.Outflow += o.reply.Taken
			}
		}
	}
	return b
}

// on is what a hold stands for on a counter: what it took, or what it cost.
func (h *life) on(c alfred.Counter) (sum alfred.Credits) {
	whole, parts := h.record.Granted, []alfred.Credits{}
	for _, l := range h.record.Legs {
		parts = append(parts, l.Taken)
	}
	if h.state != held {
		whole, parts = h.charged, paidBy(h.record.Legs, h.charged)
	}
	for _, k := range h.record.Caps {
		if is(k, c) {
			sum += whole
		}
	}
	for i, l := range h.record.Legs {
		for _, k := range l.Counters {
			if is(k, c) {
				sum += parts[i]
			}
		}
	}
	return sum
}

// paidBy shares a cost among legs: each what it took, in order, and what is
// above them all by the last that paid anything.
func paidBy(legs []alfred.HeldLeg, cost alfred.Credits) []alfred.Credits {
	out, payer := make([]alfred.Credits, len(legs)), 0
	for i := range legs {
		if legs[i].Taken > 0 {
			payer = i
		}
	}
	for i := range legs {
		part := legs[i].Taken
		if part > cost {
			part = cost
		}
		out[i], cost = part, cost-part
	}
	if len(out) > 0 {
		out[payer] += cost
	}
	return out
}

// find is the hold that the ledger has a record of.
func (m *rules) find(id alfred.HoldID) *life {
	for _, h := range m.lives {
		if h.record.Hold == id && (h.state == held || m.now.Before(h.kept)) {
			return h
		}
	}
	return nil
}

func (m *rules) open() (out []*life) {
	for _, h := range m.lives {
		if h.state == held {
			out = append(out, h)
		}
	}
	return out
}

// finish ends a hold, and tells of what that adds to what was charged.
func (m *rules) finish(h *life, to state, charged alfred.Credits, kind alfred.EventKind, late bool) {
	cost := charged
	if kind == alfred.EventAdjust {
		cost -= h.charged
	}
	h.state, h.charged, h.kept = to, charged, m.now.Add(remembered)
	m.events = append(m.events, told{kind, h.record.Hold, h.record.Granted, cost, late})
}

func (m *rules) settle(s alfred.Settlement) (alfred.EndState, alfred.Code) {
	h := m.find(s.Record.Hold)
	switch {
	case h == nil && !m.now.Before(s.Record.Due.Add(chargeable)):
		m.lives = append(m.lives, &life{record: s.Record, state: left, kept: m.now.Add(remembered)})
		return "", alfred.CodeNotFound
	case h != nil && h.state == left:
		return "", alfred.CodeNotFound
	case h == nil:
		h = &life{record: s.Record}
		m.lives = append(m.lives, h)
		m.finish(h, settled, s.Cost, alfred.EventSettle, true)
		return alfred.EndLate, ""
	case h.state == held:
		m.finish(h, settled, s.Cost, alfred.EventSettle, false)
		return alfred.EndSettled, ""
	case h.state == settled:
		return alfred.EndDuplicate, ""
	}
	if len(h.record.Legs) == 0 { // a mark of an unknown fate knows no legs
		h.record = s.Record
	}
	m.finish(h, settled, s.Cost, alfred.EventAdjust, false)
	return alfred.EndAdjusted, ""
}

func (m *rules) release(r alfred.HoldRecord) alfred.EndState {
	h := m.find(r.Hold)
	switch {
	case h == nil && len(r.Legs) == 0:
		m.lives = append(m.lives, &life{record: r, state: void, kept: m.now.Add(remembered)})
		return alfred.EndUnknown
	case h == nil:
		h = &life{record: r}
		m.lives = append(m.lives, h)
		m.finish(h, void, 0, alfred.EventVoid, false)
		return alfred.EndVoided
	case h.state == held:
		m.finish(h, void, 0, alfred.EventVoid, false)
		return alfred.EndVoided
	case h.state == expired:
		m.finish(h, settled, 0, alfred.EventAdjust, false)
		return alfred.EndAdjusted
	}
	return alfred.EndDuplicate
}

func (m *rules) extend(id alfred.HoldID, ttl time.Duration) bool {
	h := m.find(id)
	if h == nil || h.state != held {
		return false
	}
	if due := m.now.Truncate(time.Millisecond).Add(ttl); due.After(h.due) {
		h.due = due
	}
	return true
}

func (m *rules) reap() (n int) {
	for _, h := range m.open() {
		if h.due.After(m.now) {
			continue
		}
		n++
		charge := h.record.Granted
		switch h.record.Terms.OnExpiry {
		case alfred.ReapZero:
			charge = 0
		case alfred.ReapInputOnly:
			charge = min(charge, h.record.Terms.InputCost)
		case alfred.ReapEstimate:
		}
		m.finish(h, expired, charge, alfred.EventExpired, false)
	}
	return n
}

func (m *rules) move(id alfred.MoveID) *moved {
	if i := slices.IndexFunc(m.moves, func(o *moved) bool { return o.terms.Move == id }); i >= 0 {
		return m.moves[i]
	}
	return nil
}

// take moves an amount away that is neither spent nor held.
func (m *rules) take(o alfred.Outflow) alfred.OutflowReply {
	if known := m.move(o.Move); known != nil {
		reply := known.reply
		if known.undone {
			reply.Taken, reply.Refused = 0, true
		}
		return reply
	}
	reply := alfred.OutflowReply{Available: alfred.MaxCredits}
	for _, c := range o.Source {
		if !m.now.Before(c.Counter.Window.End) {
			return alfred.OutflowReply{Refused: true}
		}
		reply.Available = min(reply.Available, m.room(c, m.balance(c.Counter).Committed))
	}
	reply.Taken = min(o.Amount, reply.Available)
	if reply.Taken < o.Amount && !o.Partial {
		reply.Taken, reply.Refused = 0, true
	}
	m.moves = append(m.moves, &moved{terms: o, reply: reply})
	return reply
}

// undo gives a move back; one that was never there is refused from then on.
func (m *rules) undo(o alfred.Outflow) {
	known := m.move(o.Move)
	if known == nil {
		known = &moved{terms: o}
		m.moves = append(m.moves, known)
	}
	known.undone = true
}
