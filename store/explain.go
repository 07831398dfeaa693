package store

import "github.com/alfred-envoy/alfred"

// Room is what is left of a counter: never less than nothing, and without a
// bound where the ceiling has none.
func Room(ceiling, counted alfred.Credits) alfred.Credits {
	if ceiling == alfred.Unlimited {
		return alfred.Unlimited
	}
	room, err := ceiling.Sub(counted)
	if err != nil {
		return alfred.Unlimited
	}
	return room.Floor0()
}

// plus adds rooms, staying at Unlimited.
func plus(a, b alfred.Credits) alfred.Credits {
	sum, err := a.Add(b)
	if err != nil {
		return alfred.Unlimited
	}
	return sum
}

// Refused explains why a request did not fit: spent when its need would not
// fit even without what requests in flight hold, else held. Spent wins,
// because a hold that is named before it would make a client retry for
// nothing. Balances are those of Charges, in order.
//
// Of a spent or held cap the blocker tells what is left and the ceiling. When
// the legs together fall short it tells what they all have left and the sum of
// their ceilings, under the first leg's counter, with the code of the only
// leg, or of the last one that is no overdraft.
func Refused(r alfred.ReserveRequest, balances []alfred.Balance) (alfred.Verdict, alfred.Blocker) {
	settled := func(i int) alfred.Credits { return balances[i].Settled }
	committed := func(i int) alfred.Credits { return balances[i].Committed }
	verdict := alfred.VerdictSpent
	at, blocked := blocking(r, settled)
	if !blocked {
		verdict = alfred.VerdictHeld
		at, _ = blocking(r, committed)
	}
	if at < len(r.Caps) {
		c := r.Caps[at]
		return verdict, alfred.Blocker{Code: c.Code, Counter: c.Counter, Remaining: Room(c.Ceiling, committed(at)), Limit: c.Ceiling}
	}
	b := alfred.Blocker{Code: r.Legs[0].Code, Counter: r.Legs[0].Group[0].Counter, Remaining: Remaining(r, committed)}
	for _, l := range r.Legs {
		if l.Kind != alfred.LegOverdraft {
			b.Code = l.Code
		}
		ceiling := alfred.Unlimited
		for _, c := range l.Group {
			ceiling = min(ceiling, c.Ceiling)
		}
		b.Limit = plus(b.Limit, ceiling)
	}
	return verdict, b
}

// blocking is the index of the first enforced cap that has no room for the
// need, or len(Caps) when the legs have not.
func blocking(r alfred.ReserveRequest, counted func(int) alfred.Credits) (int, bool) {
	for i, c := range r.Caps {
		if c.Mode != alfred.Shadow && Room(c.Ceiling, counted(i)) < r.Need {
			return i, true
		}
	}
	return len(r.Caps), Remaining(r, counted) < r.Need
}

// Remaining is what the legs have left together.
func Remaining(r alfred.ReserveRequest, counted func(int) alfred.Credits) alfred.Credits {
	var sum alfred.Credits
	at := len(r.Caps)
	for _, l := range r.Legs {
		least := alfred.Unlimited
		for _, c := range l.Group {
			least = min(least, Room(c.Ceiling, counted(at)))
			at++
		}
		sum = plus(sum, least)
	}
	return sum
}

// ShadowCodes lists the shadow caps that would, each by itself, have refused
// or shrunk the request.
func ShadowCodes(r alfred.ReserveRequest, counted func(int) alfred.Credits) []alfred.Code {
	var out []alfred.Code
	for i, c := range r.Caps {
		if c.Mode == alfred.Shadow && Room(c.Ceiling, counted(i)) < r.Want {
			out = append(out, c.Code)
		}
	}
	return out
}

// Record is the hold of a request, apart from what is granted and when it is
// due.
func Record(r alfred.ReserveRequest) alfred.HoldRecord {
	rec := alfred.HoldRecord{Org: r.Org, Hold: r.Hold, Buckets: r.Buckets, Terms: r.Terms}
	for _, c := range r.Caps {
		rec.Caps = append(rec.Caps, c.Counter)
	}
	for _, l := range r.Legs {
		held := alfred.HeldLeg{Kind: l.Kind}
		for _, c := range l.Group {
			held.Counters = append(held.Counters, c.Counter)
		}
		rec.Legs = append(rec.Legs, held)
	}
	return rec
}
