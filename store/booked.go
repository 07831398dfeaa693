package store

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Booked is what all rows of one reservation say together in the permanent
// record. Events of one reservation come from one live ledger in one order; but
// a ledger that forgot, or came back older than it was, and a spool that sends
// again tell other parts of the story, and recorders that race tell it in any
// order. Whatever comes when, the rows sum to what the reservation cost. The
// zero Booked is a reservation of which nothing is recorded.
type Booked struct {
	voided, expired, adjusted bool
	final                     bool // a settlement's truth stands, and nothing counts after it
	adjustedOn                []time.Time
	cost                      alfred.Credits
	correction                alfred.Credits // of the adjustments alone
	usage                     alfred.Usage
	charges                   map[bookedCounter]alfred.CounterAmount
	legs                      map[legKey]alfred.Credits
}

type legKey struct {
	kind    alfred.LegKind
	subject string
}

// End says how a hold has ended of which this is recorded.
func (b *Booked) End() alfred.HoldEnd {
	switch {
	case b.expired && !b.final && !b.adjusted:
		return alfred.HoldEnd{Kind: alfred.EventExpired, Cost: b.cost}
	case b.voided && !b.final && !b.expired && !b.adjusted:
		return alfred.HoldEnd{Kind: alfred.EventVoid}
	default:
		return alfred.HoldEnd{Kind: alfred.EventSettle, Cost: b.cost}
	}
}

// Book returns the row that an event becomes, or false when it adds nothing.
//
//   - A settlement is the truth and final. What stands already is taken off
//     it; the difference from an expiry is an adjustment, marked late.
//   - A void is the truth too, of a request that spent nothing, unless there
//     is a settlement. It takes back an expiry that nobody corrected.
//   - An expiry counts only where nothing better is known.
//   - An adjustment is relative to the expiry, or the void, before it: it
//     counts once, also when it overtakes the expiry.
//
// Rows are kept one of a kind, whatever their days.
func (b *Booked) Book(e alfred.UsageEvent) (alfred.UsageEvent, bool) {
	switch e.Kind {
	case alfred.EventSettle:
		return b.settle(e)
	case alfred.EventVoid:
		if b.voided || b.expired && b.adjusted {
			return e, false
		}
		if b.expired && !b.final {
			e.Charges, e.Legs, e.Usage = nil, nil, alfred.Usage{}
			e = b.difference(e)
			return b.asAdjustment(e), true
		}
		return e, true
	case alfred.EventExpired:
		if mutant == "netting_forgets_truth" && !b.expired {
			return e, true
		}
		overtaken := b.adjusted && b.correction < 0
		if b.final || b.expired || b.voided && !overtaken {
			return e, false
		}
		if b.adjusted {
			e.Usage = alfred.Usage{} // the adjustment told all of it
		}
		return e, true
	default: // an adjustment
		if b.final || b.adjusted || b.voided && !b.expired && e.Cost < 0 {
			return e, false
		}
		e.Usage = less(e.Usage, b.usage)
		return e, true
	}
}

func (b *Booked) settle(e alfred.UsageEvent) (alfred.UsageEvent, bool) {
	if b.final {
		return e, false
	}
	if !b.expired && !b.adjusted {
		return e, true
	}
	if b.adjusted && e.Cost == b.cost && e.Usage == b.usage {
		// Who paid the live ledger knows better than a settlement that may be
		// of a request that was admitted without its answer.
		return e, false
	}
	e = b.difference(e)
	if e.Cost == 0 && len(e.Charges) == 0 && e.Usage == (alfred.Usage{}) {
		return e, false // an adjustment has said it
	}
	e.Late = true
	if !b.expired && e.Cost >= 0 {
		return e, true
	}
	return b.asAdjustment(e), true
}

// asAdjustment makes an event an adjustment, on a day that has none.
func (b *Booked) asAdjustment(e alfred.UsageEvent) alfred.UsageEvent {
	e.Kind = alfred.EventAdjust
	for slices.ContainsFunc(b.adjustedOn, utcDay(e.At).Equal) {
		e.At = e.At.AddDate(0, 0, -1)
	}
	return e
}

// difference is what has to be added so that all rows are e.
func (b *Booked) difference(e alfred.UsageEvent) alfred.UsageEvent {
	var charges []alfred.CounterAmount
	left := maps.Clone(b.charges)
	for _, c := range e.Charges {
		k := bookedKey(c.Counter)
		c.Amount -= left[k].Amount
		delete(left, k)
		if c.Amount != 0 {
			charges = append(charges, c)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(left), compareKeys) {
		if c := left[k]; c.Amount != 0 {
			charges = append(charges, alfred.CounterAmount{Counter: c.Counter, Amount: -c.Amount})
		}
	}
	var legs []alfred.LegAmount
	paid := maps.Clone(b.legs)
	for _, l := range e.Legs {
		k := legKey{l.Kind, l.Subject}
		l.Amount -= paid[k]
		delete(paid, k)
		if l.Amount != 0 {
			legs = append(legs, l)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(paid), legKey.compare) {
		if paid[k] != 0 {
			legs = append(legs, alfred.LegAmount{Kind: k.kind, Subject: k.subject, Amount: -paid[k]})
		}
	}
	e.Charges, e.Legs, e.Cost, e.Usage = charges, legs, e.Cost-b.cost, less(e.Usage, b.usage)
	return e
}

// Add takes note of a row that is recorded: what Book has returned, or what an
// earlier Book had.
func (b *Booked) Add(row alfred.UsageEvent) {
	switch row.Kind {
	case alfred.EventSettle:
		b.final = true
	case alfred.EventVoid:
		b.voided = true
	case alfred.EventExpired:
		b.expired = true
	default:
		b.adjusted, b.adjustedOn = true, append(b.adjustedOn, utcDay(row.At))
		b.final = b.final || row.Late
		b.correction += row.Cost
	}
	b.cost += row.Cost
	b.usage = less(b.usage, less(alfred.Usage{}, row.Usage))
	if b.charges == nil {
		b.charges, b.legs = map[bookedCounter]alfred.CounterAmount{}, map[legKey]alfred.Credits{}
	}
	for _, c := range row.Charges {
		c.Amount += b.charges[bookedKey(c.Counter)].Amount
		b.charges[bookedKey(c.Counter)] = c
	}
	for _, l := range row.Legs {
		b.legs[legKey{l.Kind, l.Subject}] += l.Amount
	}
}

// bookedCounter identifies a counter within its organisation.
type bookedCounter struct {
	kind    alfred.CounterKind
	subject string
	start   time.Time
}

func bookedKey(c alfred.Counter) bookedCounter {
	return bookedCounter{kind: c.Kind, subject: c.Subject, start: c.Window.Start.UTC()}
}

func compareKeys(a, b bookedCounter) int {
	return cmp.Or(strings.Compare(string(a.kind), string(b.kind)), strings.Compare(a.subject, b.subject), a.start.Compare(b.start))
}

func utcDay(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

func (a legKey) compare(b legKey) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.subject, b.subject))
}

func less(a, b alfred.Usage) alfred.Usage {
	return alfred.Usage{
		Input: a.Input - b.Input, CachedInput: a.CachedInput - b.CachedInput, CacheWrite: a.CacheWrite - b.CacheWrite,
		Output: a.Output - b.Output, Reasoning: a.Reasoning - b.Reasoning,
	}
}
