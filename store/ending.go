package store

import (
	"time"

	"github.com/alfred-envoy/alfred"
)

// State is the letter of a hold's record.
type State byte

const (
	Absent  State = 0
	Held    State = 'R'
	Settled State = 'S'
	Void    State = 'V'
	Expired State = 'X'
	// Forwarded is a hold that had no record when its settlement came, or had
	// ended otherwise, and may have been charged before: the permanent record
	// alone charges it.
	Forwarded State = 'F'
)

// Standing is where a hold stands: its state, and what it has been charged.
type Standing struct {
	State   State
	Charged alfred.Credits // of Settled and Expired; of Forwarded, by the permanent record
}

// Delta is what an ending adds to one counter.
type Delta struct {
	Counter   alfred.Counter
	Committed alfred.Credits
	Settled   alfred.Credits
}

// Correction is what an ending adds to the arrival time of a bucket, in
// microseconds.
type Correction struct {
	Bucket alfred.Bucket
	Micros int64
}

// Ending is one step of a hold: if its record still stands at From, then the
// deltas, the corrections and the event are written and it stands at To. When
// To is Absent there is nothing to write.
type Ending struct {
	From    Standing
	To      Standing
	End     alfred.EndState
	Deltas  []Delta
	Buckets []Correction
	Event   *alfred.UsageEvent
}

// Settle is the step that replaces a hold by the measured cost. A cost above
// the hold overdraws, because the tokens are spent. What was charged or
// released before is adjusted once, by the difference; a hold without a record
// is charged in full.
//
// A bucket of tokens per minute is corrected to the tokens measured when the
// hold was open, never later: by then its minute is over.
func Settle(from Standing, s alfred.Settlement) (Ending, error) {
	r := s.Record
	if s.Cost < 0 || s.Cost > alfred.MaxCredits {
		return Ending{}, invalid("a cost of %d: expected 0 to %d", s.Cost, alfred.MaxCredits)
	}
	if len(r.Legs) == 0 {
		return Ending{}, invalid("a record without legs cannot be settled")
	}
	e := Ending{From: from, To: Standing{Settled, s.Cost}}
	event := s.Event
	switch from.State {
	case Held:
		e.End = alfred.EndSettled
		e.charge(r, event, alfred.EventSettle, s.Cost, r.Granted)
		for _, b := range r.Buckets {
			if b.Bucket.Metric == alfred.MetricTokensPerMinute && s.Tokens != b.Units {
				bound := MaxUnits / b.Bucket.Interval()
				e.Buckets = append(e.Buckets, Correction{b.Bucket, min(max(s.Tokens-b.Units, -bound), bound) * b.Bucket.Interval()})
			}
		}
	case Expired, Void:
		e.End = alfred.EndAdjusted
		if mutant == "late_charged_again" {
			e.charge(r, event, alfred.EventSettle, s.Cost, 0)
			return e, nil
		}
		e.adjust(r, event, s.Cost, from.Charged)
	case Absent:
		e.End = alfred.EndLate
		event.Late = true
		e.charge(r, event, alfred.EventSettle, s.Cost, 0)
	case Forwarded:
		return Ending{}, Unknown(r)
	default:
		e = Ending{From: from, End: alfred.EndDuplicate}
		if mutant == "duplicate_releases" {
			e.To = from
			e.charge(r, event, alfred.EventSettle, 0, r.Granted)
		}
	}
	return e, nil
}

// Release is the step that gives a hold back because nothing was spent. Where
// there is no hold it leaves a record that refuses one that comes later. What
// an expiry has charged is returned. Buckets stay charged: a rate is no money,
// and a request that failed was still a request.
func Release(from Standing, r alfred.HoldRecord, event alfred.UsageEvent) Ending {
	e := Ending{From: from, To: Standing{State: Void}, End: alfred.EndVoided}
	if event.Reservation == "" {
		event = r.Terms.Event
	}
	switch from.State {
	case Held:
		e.charge(r, event, alfred.EventVoid, 0, r.Granted)
	case Expired:
		e.To, e.End = Standing{State: Settled}, alfred.EndAdjusted
		e.adjust(r, event, 0, from.Charged)
	case Absent:
		if len(r.Legs) > 0 {
			// Its record is gone, and with it perhaps its event: whoever keeps this void until it is recorded would wait for ever.
			e.record(r, event, alfred.EventVoid, 0, nil)
		} else {
			e.End = alfred.EndUnknown
		}
	default:
		return Ending{From: from, End: alfred.EndDuplicate}
	}
	return e
}

// Expire is the step that charges an open hold by its policy.
func Expire(r alfred.HoldRecord) Ending {
	cost := r.ReapCharge()
	e := Ending{From: Standing{State: Held}, To: Standing{Expired, cost}, End: alfred.EndExpired}
	event := r.Terms.Event
	if event.Outcome != alfred.OutcomeAllowance {
		event.Outcome, event.Estimated, event.Usage = alfred.OutcomeExpired, true, r.ReapUsage()
	}
	e.charge(r, event, alfred.EventExpired, cost, r.Granted)
	return e
}

// Forget is the step that closes a hold of which the record knows the end: the
// ledger came back as it was before. What it holds returns; what it cost comes
// onto the counters from the record, so that there is nothing to charge and no
// event.
func Forget(r alfred.HoldRecord, end alfred.HoldEnd) Ending {
	e := Ending{From: Standing{State: Held}, To: Standing{Settled, end.Cost}, End: alfred.EndDuplicate}
	switch end.Kind {
	case alfred.EventExpired:
		e.To.State = Expired
	case alfred.EventVoid:
		e.To = Standing{State: Void}
	default: // settled
	}
	for _, c := range r.Caps {
		e.add(c, -r.Granted, 0)
	}
	for _, l := range r.Legs {
		for _, c := range l.Counters {
			e.add(c, -l.Taken, 0)
		}
	}
	return e
}

// Raises says whether a step charges what a ledger that came back older may have
// been raised by already: a settlement without a hold, or one above the expiry
// or the void that stands. One below it is only lowered too far, and raised by
// the next comparison.
func Raises(e Ending) bool {
	return e.End == alfred.EndLate || e.End == alfred.EndAdjusted && e.Event.Cost > 0
}

// Unknown is the error of a settlement whose hold has no record, or has ended
// otherwise, and that may have been charged before: its event belongs into the permanent record, which
// knows. The store leaves Forwarded, so that a reservation that comes after it
// is refused: nobody would end it, and its expiry would be charged on top.
func Unknown(r alfred.HoldRecord) error {
	return alfred.Errorf(alfred.CodeNotFound, "hold %s was due at %s and may have been charged before: its record is gone, or older than the charge", r.Hold, r.Due.Format(time.RFC3339))
}

// Learning is the error of what cannot be granted while a ledger is empty or
// being built.
func Learning(org alfred.OrgID) error {
	return alfred.Errorf(alfred.CodeUnavailable, "the live ledger of %s is being built: it does not know yet what was spent", org)
}

// charge settles cost where held was committed.
func (e *Ending) charge(r alfred.HoldRecord, event alfred.UsageEvent, kind alfred.EventKind, cost, held alfred.Credits) {
	spread := alfred.SpreadOverLegs(r.Legs, cost)
	for _, c := range r.Caps {
		e.add(c, cost-held, cost)
	}
	for i, l := range r.Legs {
		taken := l.Taken
		if held == 0 {
			taken = 0
		}
		if mutant == "wrong_leg" {
			l.Counters = r.Legs[0].Counters
		}
		for _, c := range l.Counters {
			e.add(c, spread[i]-taken, spread[i])
		}
	}
	event.Overrun = event.Overrun || cost > r.Granted
	e.record(r, event, kind, cost, spread)
}

// adjust replaces what was charged by cost.
func (e *Ending) adjust(r alfred.HoldRecord, event alfred.UsageEvent, cost, charged alfred.Credits) {
	before, diff := alfred.SpreadOverLegs(r.Legs, charged), alfred.SpreadOverLegs(r.Legs, cost)
	for _, c := range r.Caps {
		e.add(c, cost-charged, cost-charged)
	}
	for i, l := range r.Legs {
		diff[i] -= before[i]
		for _, c := range l.Counters {
			e.add(c, diff[i], diff[i])
		}
	}
	event.Overrun = event.Overrun || cost > r.Granted
	e.record(r, event, alfred.EventAdjust, cost-charged, diff)
}

func (e *Ending) add(c alfred.Counter, committed, settled alfred.Credits) {
	if committed != 0 || settled != 0 {
		e.Deltas = append(e.Deltas, Delta{c, committed, settled})
	}
}

func (e *Ending) record(r alfred.HoldRecord, event alfred.UsageEvent, kind alfred.EventKind, cost alfred.Credits, spread []alfred.Credits) {
	event.Kind, event.Org, event.Reservation = kind, r.Org, r.Hold
	event.Held, event.Cost = r.Granted, cost
	event.Charges, event.Legs = nil, nil
	if cost != 0 {
		event.Charges, event.Legs = alfred.ChargesOf(r, cost, spread)
	}
	e.Event = &event
}
