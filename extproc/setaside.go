package extproc

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
)

// run keeps the allowances until ctx ends.
func (s *allowances) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.step(ctx)
		pause(ctx, allowanceEvery)
	}
}

// step is one turn: what is no longer needed is given back, what is kept is
// extended, what is missing is taken. It asks the store one call after another
// and stops at the first that fails: the rest is for the next turn.
func (s *allowances) step(ctx context.Context) {
	s.stepping.Lock()
	defer s.stepping.Unlock()
	keep, back, missing := s.plan(s.now())
	for _, a := range keep {
		if ctx.Err() != nil || s.extend(ctx, a) != nil {
			return
		}
	}
	for _, a := range back {
		if ctx.Err() != nil || s.giveBack(ctx, a) != nil {
			return
		}
	}
	for _, w := range missing {
		if ctx.Err() != nil || s.take(ctx, w) != nil {
			return
		}
	}
}

// plan says what a turn has to extend, to give back and to take.
func (s *allowances) plan(now time.Time) (keep, back []*allowance, missing []*wanted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pace.forget(now)
	s.wanted.oldest(func(k allowanceKey, w *wanted) bool {
		a := w.current
		switch {
		case now.Sub(w.active) >= idleAfter:
			s.forget(k, w, now)
		case a == nil:
			if !now.Before(w.retry) {
				missing = append(missing, w)
			}
		case a.used && (a.open == 0 || mutant == "allowance_back_before_booked"), !now.Before(a.window.End):
			w.retry = now
			s.retire(w, now)
		case a.due(now, s.settings.HoldExtend):
			keep = append(keep, a)
		}
		return true
	})
	for a, since := range s.retired {
		switch {
		case a.open == 0 || mutant == "allowance_back_before_booked":
			back = append(back, a)
		case now.Sub(since) >= retireFor:
			delete(s.retired, a)
		case a.due(now, s.settings.HoldExtend):
			keep = append(keep, a)
		}
	}
	byHold := func(a, b *allowance) int { return cmp.Compare(a.record.Hold, b.record.Hold) }
	slices.SortFunc(keep, byHold)
	slices.SortFunc(back, byHold)
	return keep, back, missing
}

// size is how much is set aside for a person: an equal part for each process
// of a quarter of what is left, at most the setting.
func (s *allowances) size(w *wanted) alfred.Credits {
	return min(s.settings.Allowance, w.left.Floor0()/alfred.Credits(4*max(1, s.settings.Processes)))
}

// take sets something aside for a person, if there is enough to be of use.
func (s *allowances) take(ctx context.Context, w *wanted) error {
	s.mu.Lock()
	asked, sent := *w, s.now()
	size := s.size(w)
	w.retry = sent.Add(retakeAfter)
	s.mu.Unlock()
	if size == 0 || size < asked.need {
		return nil
	}
	id, err := s.name(sent)
	if err != nil {
		return err
	}
	at := sent
	for range 2 {
		request, ok := s.request(asked, id, size, at)
		if !ok {
			return nil
		}
		reply, err := s.reserve(ctx, request)
		if err != nil {
			// Made or not, nobody extends it: it expires and costs nothing.
			return fmt.Errorf("set aside %s: %w", id.hold, err)
		}
		switch reply.Verdict {
		case alfred.VerdictStale:
			at = reply.Now
			continue
		case alfred.VerdictGranted:
			s.taken(w, newAllowance(reply.Record, request.Window, sent, request.TTL))
		default: // there is nothing to set aside now
		}
		return nil
	}
	return nil
}

// request asks for an allowance on every counter of a person's plan. The
// overdraft is not set aside, and buckets are not charged.
func (s *allowances) request(w wanted, id identity, size alfred.Credits, at time.Time) (alfred.ReserveRequest, bool) {
	p, refusal, err := alfred.NewPlan(w.catalog, w.principal, w.ask, at)
	if err != nil || refusal != nil {
		return alfred.ReserveRequest{}, false // told to those who ask
	}
	r := alfred.ReserveRequest{
		Org: w.catalog.Org, Hold: id.hold, Need: size, Want: size, Caps: p.Caps, Window: p.Window, TTL: s.settings.ttl(w.catalog),
		Terms: alfred.Terms{OnExpiry: alfred.ReapZero, Event: setAside(w.catalog.Org, id)},
	}
	for i := range r.Caps {
		r.Caps[i].Charge = tightened(r.Caps[i].Charge)
	}
	for _, l := range p.Legs {
		for i := range l.Group {
			l.Group[i] = tightened(l.Group[i])
		}
		r.Legs = append(r.Legs, l)
	}
	return r, true
}

// setAside is the event of an allowance that is given back, or expires: it
// names nobody, for nobody asked for anything.
func setAside(org alfred.OrgID, id identity) alfred.UsageEvent {
	return alfred.UsageEvent{
		Kind: alfred.EventVoid, Org: org, Reservation: id.hold, Request: id.request, Decision: id.decision, At: id.at, Outcome: alfred.OutcomeAllowance,
	}
}

func (s *allowances) taken(w *wanted, a *allowance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.current, a.owner = a, w
	if w.forgotten {
		s.retire(w, a.sent)
	}
}

func (s *allowances) reserve(ctx context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
	ctx, cancel := context.WithTimeout(ctx, retryTimeout)
	defer cancel()
	began := time.Now()
	reply, err := s.ledger.Reserve(ctx, r)
	s.metrics.called("set_aside", began, err)
	if isMistake(err) {
		s.log.ErrorContext(ctx, "an allowance cannot be taken", "hold", r.Hold, "org", r.Org, "error", err)
		return alfred.ReserveReply{}, nil
	}
	if err == nil && reply.Verdict == alfred.VerdictGranted && !s.vouches(ctx, r.Org, reply) {
		return alfred.ReserveReply{}, errReplaced
	}
	return reply, err
}

// extend keeps an allowance from expiring. One that is gone was reaped: others
// have its room now.
func (s *allowances) extend(ctx context.Context, a *allowance) error {
	ctx, cancel := context.WithTimeout(ctx, retryTimeout)
	defer cancel()
	sent, began := s.now(), time.Now()
	found, err := s.ledger.Extend(ctx, a.record, a.ttl)
	s.metrics.called("extend", began, err)
	s.away.note(s.now(), err)
	if err != nil {
		return fmt.Errorf("extend allowance %s: %w", a.record.Hold, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := a.owner
	serves := w.current == a
	switch {
	case !found:
		s.metrics.allowancesLost.Inc()
		if serves {
			w.current = nil
		}
		delete(s.retired, a)
	case serves && (a.room() < a.record.Granted/2 || a.record.Granted > 2*s.size(w)):
		// The store answers, so another can be taken.
		w.retry = sent
		s.retire(w, sent)
		a.extended(sent)
	default:
		a.extended(sent)
	}
	return nil
}

// giveBack ends an allowance of which nothing is owed any more.
func (s *allowances) giveBack(ctx context.Context, a *allowance) error {
	ctx, cancel := context.WithTimeout(ctx, retryTimeout)
	defer cancel()
	began, event := time.Now(), a.record.Terms.Event
	event.At = s.now()
	_, err := s.ledger.Void(ctx, a.record, event)
	s.metrics.called("void", began, err)
	if err != nil && !isMistake(err) {
		return fmt.Errorf("give back allowance %s: %w", a.record.Hold, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.retired, a)
	return nil
}

// yield gives back allowances of this process that stand in the way of a
// request, at most yieldMost, and says whether it did. Those that were spent
// from stay until that is booked.
func (s *allowances) yield(ctx context.Context, org alfred.OrgID, blocking []alfred.Counter) bool {
	s.mu.Lock()
	var back []*allowance
	now := s.now()
	s.wanted.oldest(func(_ allowanceKey, w *wanted) bool {
		a := w.current
		if a != nil && !a.used && a.record.Org == org && slices.ContainsFunc(blocking, a.holds) {
			s.retire(w, now)
			w.retry = now.Add(retakeAfter)
			back = append(back, a)
		}
		return len(back) < yieldMost
	})
	s.mu.Unlock()
	given := false
	for _, a := range back {
		given = s.giveBack(ctx, a) == nil || given
	}
	return given
}

// close gives everything back that nothing is owed of. What it cannot give
// back expires.
func (s *allowances) close(ctx context.Context) {
	s.stepping.Lock()
	defer s.stepping.Unlock()
	s.mu.Lock()
	s.closed = true
	s.wanted.oldest(func(k allowanceKey, w *wanted) bool {
		s.forget(k, w, s.now())
		return true
	})
	var back []*allowance
	for a := range s.retired {
		if a.open == 0 {
			back = append(back, a)
		}
	}
	s.mu.Unlock()
	for _, a := range back {
		if ctx.Err() != nil || s.giveBack(ctx, a) != nil {
			return
		}
	}
}
