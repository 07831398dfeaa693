package postgres

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
)

// LockUsage keeps every recorder of an organisation out until the transaction
// ends, and returns the UTC day by the database's clock. Recording takes it;
// so must whoever reads what is recorded and has to be sure that it does not
// grow meanwhile. Outside of a transaction it would be gone at once, so that
// is an error.
func (s *Store) LockUsage(ctx context.Context, org alfred.OrgID) (today time.Time, err error) {
	if !s.inTx(ctx) {
		return time.Time{}, alfred.Errorf(alfred.CodeInternal, "lock the usage of %s: not in a transaction", org)
	}
	today, err = s.q(ctx).LockUsage(ctx, "usage "+string(org))
	return today, failed(err, "lock the usage of %s", org)
}

// net returns what is to be recorded of events, so that all rows of a
// reservation sum to what it cost. Events of one reservation come from one
// live ledger in one order; but a ledger that forgot, or came back older than
// it was, and a spool that sends again tell other parts of the story, and
// recorders that race tell it in any order. See [booked.book].
//
// It needs the locks of all organisations.
func (s *Store) net(ctx context.Context, events []alfred.UsageEvent, today time.Time) ([]alfred.UsageEvent, error) {
	of, err := s.booked(ctx, events, today)
	if err != nil {
		return nil, err
	}
	var out []alfred.UsageEvent
	for _, e := range events {
		b := of[e.Reservation]
		if b == nil {
			b = &booked{}
			of[e.Reservation] = b
		}
		if row, ok := b.book(e); ok {
			b.add(row)
			out = append(out, row)
		}
	}
	return out, nil
}

// booked reads how reservations stand.
func (s *Store) booked(ctx context.Context, events []alfred.UsageEvent, today time.Time) (map[alfred.HoldID]*booked, error) {
	of := make(map[alfred.HoldID]*booked, len(events))
	var days []time.Time
	var ids []string
	seen := make(map[alfred.HoldID]bool, len(events))
	for _, e := range events {
		if seen[e.Reservation] {
			continue
		}
		seen[e.Reservation] = true
		for _, d := range mayLieOn(e, today) {
			days, ids = append(days, d), append(ids, string(e.Reservation))
		}
	}
	rows, err := s.q(ctx).BookedOf(ctx, days, ids)
	if err != nil {
		return nil, failed(err, "look what is booked of %d reservations", len(seen))
	}
	for _, r := range rows {
		b := of[r.ReservationID]
		if b == nil {
			b = &booked{}
			of[r.ReservationID] = b
		}
		b.add(alfred.UsageEvent{
			Kind: r.Kind, At: r.OccurredOn, Late: r.Late, Cost: r.Cost, Charges: r.Charges, Legs: r.Legs,
			Usage: alfred.Usage{Input: r.Input, CachedInput: r.CachedInput, CacheWrite: r.CacheWrite, Output: r.Output, Reasoning: r.Reasoning},
		})
	}
	return of, nil
}

const (
	clocksDiffer = time.Hour          // by which a reservation's own time and that of its events may
	longestStory = 400                // days between a reservation and its last event
	unknownBirth = 3 * 24 * time.Hour // how far back to look for one that does not tell when it was made
)

// mayLieOn lists the days on which rows of a reservation may lie: from its
// birth, which its id tells, until today. They are nearly always one.
func mayLieOn(e alfred.UsageEvent, today time.Time) (days []time.Time) {
	born, ok := alfred.BornAt(string(e.Reservation))
	if !ok {
		born = e.At.Add(-unknownBirth)
	}
	if e.At.Before(born) {
		born = e.At
	}
	last := day(e.At.Add(clocksDiffer))
	if last.Before(today) {
		last = today
	}
	for d := day(born.Add(-clocksDiffer)); !d.After(last) && len(days) < longestStory; d = d.AddDate(0, 0, 1) {
		days = append(days, d)
	}
	return days
}

// booked is what all rows of one reservation say together.
type booked struct {
	voided, expired, adjusted bool
	final                     bool // a settlement's truth stands, and nothing counts after it
	adjustedOn                []time.Time
	cost                      alfred.Credits
	correction                alfred.Credits // of the adjustments alone
	usage                     alfred.Usage
	charges                   map[counterKey]alfred.CounterAmount
	legs                      map[legKey]alfred.Credits
}

type legKey struct {
	kind    alfred.LegKind
	subject string
}

// book returns the row that an event becomes, or false when it adds nothing.
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
func (b *booked) book(e alfred.UsageEvent) (alfred.UsageEvent, bool) {
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

func (b *booked) settle(e alfred.UsageEvent) (alfred.UsageEvent, bool) {
	if b.final {
		return e, false
	}
	if !b.expired && !b.adjusted {
		return e, true
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
func (b *booked) asAdjustment(e alfred.UsageEvent) alfred.UsageEvent {
	e.Kind = alfred.EventAdjust
	for slices.ContainsFunc(b.adjustedOn, day(e.At).Equal) {
		e.At = e.At.AddDate(0, 0, -1)
	}
	return e
}

// difference is what has to be added so that all rows are e.
func (b *booked) difference(e alfred.UsageEvent) alfred.UsageEvent {
	var charges []alfred.CounterAmount
	left := maps.Clone(b.charges)
	for _, c := range e.Charges {
		k := keyOf(c.Counter)
		c.Amount -= left[k].Amount
		delete(left, k)
		if c.Amount != 0 {
			charges = append(charges, c)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(left), counterKey.compare) {
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

// add takes note of a row.
func (b *booked) add(row alfred.UsageEvent) {
	switch row.Kind {
	case alfred.EventSettle:
		b.final = true
	case alfred.EventVoid:
		b.voided = true
	case alfred.EventExpired:
		b.expired = true
	default:
		b.adjusted, b.adjustedOn = true, append(b.adjustedOn, day(row.At))
		b.final = b.final || row.Late
		b.correction += row.Cost
	}
	b.cost += row.Cost
	b.usage = less(b.usage, less(alfred.Usage{}, row.Usage))
	if b.charges == nil {
		b.charges, b.legs = map[counterKey]alfred.CounterAmount{}, map[legKey]alfred.Credits{}
	}
	for _, c := range row.Charges {
		c.Amount += b.charges[keyOf(c.Counter)].Amount
		b.charges[keyOf(c.Counter)] = c
	}
	for _, l := range row.Legs {
		b.legs[legKey{l.Kind, l.Subject}] += l.Amount
	}
}

func keyOf(c alfred.Counter) counterKey {
	return counterKey{kind: c.Kind, subject: c.Subject, start: c.Window.Start.UTC()}
}

func (a legKey) compare(b legKey) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.subject, b.subject))
}

func less(a, b alfred.Usage) alfred.Usage {
	return alfred.Usage{
		Input: a.Input - b.Input, CachedInput: a.CachedInput - b.CachedInput, CacheWrite: a.CacheWrite - b.CacheWrite,
		Output: a.Output - b.Output, Reasoning: a.Reasoning - b.Reasoning,
	}
}
