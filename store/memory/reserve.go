package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Reserve holds an amount between need and want on every counter of the
// request, or nothing. The same hold again is answered as it was and changes
// nothing. A refusal is a value; an error means that the request is malformed.
func (s *Store) Reserve(_ context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
	if err := store.CheckReserve(r); err != nil {
		return alfred.ReserveReply{}, fmt.Errorf("reserve %s: %w", r.Hold, err)
	}
	o, now, leave := s.enter(r.Org)
	defer leave()
	out := alfred.ReserveReply{Now: now}
	if h, ok := o.standing(r.Hold, now); ok && mutant != "no_idempotency" {
		if h.standing.State != store.Held {
			out.Verdict = alfred.VerdictReplay
			return out, nil
		}
		out.Verdict, out.Record = alfred.VerdictGranted, clone(h.record)
		o.show(&out, r, now)
		return out, nil
	}
	if !o.epoch.live {
		out.Verdict = alfred.VerdictLearning
		return out, nil
	}
	if !r.Window.Contains(now) && mutant != "window_by_caller" {
		out.Verdict = alfred.VerdictStale
		return out, nil
	}
	var balances []alfred.Balance
	for _, c := range store.Charges(r) {
		balances = append(balances, o.balance(c.Counter, now))
	}
	committed := func(i int) alfred.Credits { return balances[i].Committed }
	granted, takes, ok := fit(r, committed)
	if !ok {
		out.Verdict, out.Blocker = store.Refused(r, balances)
		for i := range balances {
			balances[i].Outflow = 0
		}
		out.Balances = balances
		return out, nil
	}
	arrivals, waiting, wait := o.pace(r.Buckets, now)
	if wait > 0 {
		out.Verdict, out.RetryIn = alfred.VerdictRate, wait
		out.Blocker = alfred.Blocker{Code: alfred.CodeRateLimited, Bucket: waiting}
		o.show(&out, r, now)
		out.Remaining = 0
		return out, nil
	}

	out.Verdict, out.Shadow = alfred.VerdictGranted, store.ShadowCodes(r, committed)
	rec := store.Record(r)
	rec.Granted, rec.Due = granted, now.Truncate(time.Millisecond).Add(r.TTL.Truncate(time.Millisecond))
	for _, c := range rec.Caps {
		o.add(c, now, granted, 0, 0)
	}
	for i := range rec.Legs {
		rec.Legs[i].Taken = takes[i]
		for _, c := range rec.Legs[i].Counters {
			o.add(c, now, takes[i], 0, 0)
		}
	}
	for i, b := range r.Buckets {
		o.setArrival(b.Bucket, arrivals[i], now)
	}
	o.holds[r.Hold] = &hold{standing: store.Standing{State: store.Held}, record: rec, due: rec.Due}
	out.Record = clone(rec)
	o.show(&out, r, now)
	return out, nil
}

// fit divides the room: all that is wanted, legs paying in order; else what
// the share rules leave; else just the need, out of the whole room.
func fit(r alfred.ReserveRequest, committed func(int) alfred.Credits) (grant alfred.Credits, takes []alfred.Credits, ok bool) {
	whole := func(c alfred.Charge, room alfred.Credits) alfred.Credits { return room }
	share := func(c alfred.Charge, room alfred.Credits) alfred.Credits { return c.Share.Of(room) }

	most, carry := carried(r, committed, whole)
	if r.Want <= most {
		return r.Want, pay(r.Want, carry), true
	}
	if part, shared := carried(r, committed, share); part >= r.Need {
		return part, pay(part, shared), true
	}
	if most >= r.Need {
		return r.Need, pay(r.Need, carry), true
	}
	return 0, nil, false
}

// carried is the most that caps and legs allow, and what each leg can carry.
func carried(r alfred.ReserveRequest, committed func(int) alfred.Credits, rule func(alfred.Charge, alfred.Credits) alfred.Credits) (most alfred.Credits, carry []alfred.Credits) {
	most = alfred.Unlimited
	for i, c := range r.Caps {
		if c.Mode != alfred.Shadow {
			most = min(most, rule(c.Charge, store.Room(c.Ceiling, committed(i))))
		}
	}
	at := len(r.Caps)
	var sum alfred.Credits
	for _, l := range r.Legs {
		least := alfred.Unlimited
		for _, c := range l.Group {
			least = min(least, rule(c, store.Room(c.Ceiling, committed(at))))
			at++
		}
		// More than can ever be wanted is as good as any amount.
		least = min(least, alfred.MaxCredits)
		carry = append(carry, least)
		sum += least
	}
	return min(most, sum), carry
}

func pay(amount alfred.Credits, carry []alfred.Credits) []alfred.Credits {
	var takes []alfred.Credits
	for _, c := range carry {
		take := min(c, amount)
		amount -= take
		takes = append(takes, take)
	}
	return takes
}

// pace tells where the buckets would stand, or which one waits longest.
func (o *org) pace(buckets []alfred.BucketCharge, now time.Time) (arrivals []int64, waiting alfred.Bucket, wait time.Duration) {
	for _, b := range buckets {
		arrival := max(o.arrival(b.Bucket, now), now.UnixMicro()) + b.Units*b.Bucket.Interval()
		over := time.Duration(arrival-now.UnixMicro()-b.Bucket.Burst()) * time.Microsecond
		if over > wait {
			waiting, wait = b.Bucket, over
		}
		arrivals = append(arrivals, arrival)
	}
	return arrivals, waiting, wait
}

// show fills in what the legs have left and where every counter stands.
func (o *org) show(out *alfred.ReserveReply, r alfred.ReserveRequest, now time.Time) {
	charges := store.Charges(r)
	out.Remaining = store.Remaining(r, func(i int) alfred.Credits { return o.balance(charges[i].Counter, now).Committed })
	for _, c := range charges {
		out.Balances = append(out.Balances, alfred.Balance{Committed: o.balance(c.Counter, now).Committed})
	}
}

// clone keeps a caller from changing what is stored.
func clone(r alfred.HoldRecord) alfred.HoldRecord {
	r.Caps, r.Legs, r.Buckets = slices.Clone(r.Caps), slices.Clone(r.Legs), slices.Clone(r.Buckets)
	for i := range r.Legs {
		r.Legs[i].Counters = slices.Clone(r.Legs[i].Counters)
	}
	return r
}
