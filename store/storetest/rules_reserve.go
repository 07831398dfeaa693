package storetest

import (
	"time"

	"github.com/alfred-envoy/alfred"
)

// room is what is left of a charge when so much is counted.
func (m *rules) room(c alfred.Charge, counted alfred.Credits) alfred.Credits {
	switch {
	case c.Ceiling == alfred.Unlimited:
		return alfred.Unlimited
	case counted >= c.Ceiling:
		return 0
	default:
		return c.Ceiling - counted
	}
}

// reserve answers all but the store's clock. Room that has no bound is left
// out of sums: a leg without one carries whatever can be asked for.
func (m *rules) reserve(q alfred.ReserveRequest) (out alfred.ReserveReply) {
	known := m.find(q.Hold)
	switch {
	case known != nil && known.state != held:
		return alfred.ReserveReply{Verdict: alfred.VerdictReplay}
	case known != nil:
		return m.shown(q, alfred.ReserveReply{Verdict: alfred.VerdictGranted, Record: known.record})
	case m.now.Before(q.Window.Start) || !m.now.Before(q.Window.End):
		return alfred.ReserveReply{Verdict: alfred.VerdictStale}
	}
	granted, parts, fits := m.divide(q)
	if !fits {
		out.Verdict, out.Blocker = m.refusal(q)
		out = m.shown(q, out)
		out.Remaining = 0
		return out
	}
	out.Verdict = alfred.VerdictGranted
	for _, c := range q.Caps {
		if c.Mode == alfred.Shadow && m.room(c.Charge, m.balance(c.Counter).Committed) < q.Want {
			out.Shadow = append(out.Shadow, c.Code)
		}
	}
	due := m.now.Truncate(time.Millisecond).Add(q.TTL)
	out.Record = alfred.HoldRecord{Org: q.Org, Hold: q.Hold, Granted: granted, Due: due, Terms: q.Terms}
	for _, c := range q.Caps {
		out.Record.Caps = append(out.Record.Caps, c.Counter)
	}
	for i, l := range q.Legs {
		leg := alfred.HeldLeg{Kind: l.Kind, Taken: parts[i]}
		for _, c := range l.Group {
			leg.Counters = append(leg.Counters, c.Counter)
		}
		out.Record.Legs = append(out.Record.Legs, leg)
	}
	m.lives = append(m.lives, &life{record: out.Record, state: held, due: due})
	return m.shown(q, out)
}

// divide tries the want; then what sharing leaves, if that is enough; then the
// bare need.
func (m *rules) divide(q alfred.ReserveRequest) (granted alfred.Credits, parts []alfred.Credits, fits bool) {
	for _, try := range []struct {
		shared bool
		enough func(most alfred.Credits) (alfred.Credits, bool)
	}{
		{false, func(most alfred.Credits) (alfred.Credits, bool) { return q.Want, most >= q.Want }},
		{true, func(most alfred.Credits) (alfred.Credits, bool) { return most, most >= q.Need }},
		{false, func(most alfred.Credits) (alfred.Credits, bool) { return q.Need, most >= q.Need }},
	} {
		left := func(c alfred.Charge) alfred.Credits {
			room := m.room(c, m.balance(c.Counter).Committed)
			if try.shared && c.Share == alfred.TakeHalf {
				return room / 2
			}
			if try.shared && c.Share == alfred.TakeQuarter {
				return room / 4
			}
			return room
		}
		carry := make([]alfred.Credits, len(q.Legs))
		var most alfred.Credits
		for i, l := range q.Legs {
			carry[i] = alfred.MaxCredits
			for _, c := range l.Group {
				carry[i] = min(carry[i], left(c))
			}
			most += carry[i]
		}
		for _, c := range q.Caps {
			if c.Mode == alfred.Enforce {
				most = min(most, left(c.Charge))
			}
		}
		granted, fits := try.enough(most)
		if !fits {
			continue
		}
		rest := granted
		for i := range carry {
			carry[i] = min(carry[i], rest)
			rest -= carry[i]
		}
		return granted, carry, true
	}
	return 0, nil, false
}

// refusal says what is in the way: what is spent before what is only held.
func (m *rules) refusal(q alfred.ReserveRequest) (alfred.Verdict, alfred.Blocker) {
	for _, look := range []struct {
		verdict alfred.Verdict
		counted func(alfred.Balance) alfred.Credits
	}{
		{alfred.VerdictSpent, func(b alfred.Balance) alfred.Credits { return b.Settled }},
		{alfred.VerdictHeld, func(b alfred.Balance) alfred.Credits { return b.Committed }},
	} {
		for _, c := range q.Caps {
			if b := m.balance(c.Counter); c.Mode == alfred.Enforce && m.room(c.Charge, look.counted(b)) < q.Need {
				return look.verdict, alfred.Blocker{Code: c.Code, Counter: c.Counter, Remaining: m.room(c.Charge, b.Committed), Limit: c.Ceiling}
			}
		}
		if m.left(q, look.counted) < q.Need {
			b := alfred.Blocker{Code: q.Legs[0].Code, Counter: q.Legs[0].Group[0].Counter}
			b.Remaining = m.left(q, func(b alfred.Balance) alfred.Credits { return b.Committed })
			b.Limit = m.left(q, func(alfred.Balance) alfred.Credits { return 0 })
			for _, l := range q.Legs {
				if l.Kind != alfred.LegOverdraft {
					b.Code = l.Code
				}
			}
			return look.verdict, b
		}
	}
	return "", alfred.Blocker{}
}

// left is what the legs together have left; one without a bound has no sum.
func (m *rules) left(q alfred.ReserveRequest, counted func(alfred.Balance) alfred.Credits) (sum alfred.Credits) {
	for _, l := range q.Legs {
		least := alfred.Unlimited
		for _, c := range l.Group {
			least = min(least, m.room(c, counted(m.balance(c.Counter))))
		}
		if least == alfred.Unlimited {
			return alfred.Unlimited
		}
		sum += least
	}
	return sum
}

// shown adds what the legs have left and where every counter stands.
func (m *rules) shown(q alfred.ReserveRequest, out alfred.ReserveReply) alfred.ReserveReply {
	out.Remaining = m.left(q, func(b alfred.Balance) alfred.Credits { return b.Committed })
	stands := func(c alfred.Charge) {
		out.Balances = append(out.Balances, alfred.Balance{Committed: m.balance(c.Counter).Committed})
	}
	for _, c := range q.Caps {
		stands(c.Charge)
	}
	for _, l := range q.Legs {
		for _, c := range l.Group {
			stands(c)
		}
	}
	return out
}
