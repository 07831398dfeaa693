package extproc

import (
	"context"
	"errors"

	"github.com/alfred-envoy/alfred"
)

// errResting means that the store was not asked: the breaker is open, or this
// request has waited for it already.
var errResting = errors.New("the live store is given a rest")

// unavailable refuses for a reason that lies with Alfred. The client should
// try again by itself.
func unavailable(d alfred.Decision, detail string) alfred.Decision {
	d.Allowed, d.Code, d.Detail, d.Retry, d.RetryAfter = false, alfred.CodeUnavailable, detail, true, 1
	return d
}

// isMistake says whether an error is Alfred's own, such as a plan that no
// store takes. It is no outage: asking again would not help.
func isMistake(err error) bool {
	e, ok := errors.AsType[*alfred.Error](err)
	return ok && e.Code == alfred.CodeInternal
}

// undecided answers when the ledger gave no verdict.
func (g *Gate) undecided(ctx context.Context, a Admission, t terms, d alfred.Decision, cause error) (*Hold, alfred.Decision) {
	if isMistake(cause) {
		g.log.ErrorContext(ctx, "a reservation was not understood", "request", a.request, "error", cause)
		g.voidUnknown(a, t)
		return nil, unavailable(d, "The reservation could not be made. Nothing was charged.")
	}
	return g.degrade(ctx, a, t, d, cause)
}

// voidUnknown releases a reservation that may have been made, or may still be
// on its way: then it is refused when it arrives.
func (g *Gate) voidUnknown(a Admission, t terms) {
	if mutant == "no_void_after_timeout" {
		return
	}
	g.endings.later(ending{void: true, settlement: alfred.Settlement{
		Record: alfred.HoldRecord{Org: a.Catalog.Org, Hold: a.hold},
		Event:  voidEvent(event(a, t), alfred.OutcomeInternal),
	}})
}

// degrade decides while the live store does not answer, by the fail mode of
// the limits that the request meets. FailDeny refuses. FailLocal spends from what
// was set aside, and refuses when that is not enough. FailAllow admits without a
// hold. What was admitted is charged in full as soon as the store is back. In
// each mode a header, a metric and the event or the decision say so: nothing is
// silent.
func (g *Gate) degrade(ctx context.Context, a Admission, t terms, d alfred.Decision, cause error) (*Hold, alfred.Decision) {
	mode := t.plan.FailMode
	switch {
	case g.settings.FailMode == alfred.FailAllow:
		mode = alfred.FailAllow
	case !mode.Valid():
		mode = alfred.FailDeny
	}
	asked := !errors.Is(cause, errResting) && !errors.Is(cause, errLearning)
	if asked {
		g.log.WarnContext(ctx, "the live store did not answer", "request", a.request, "fail_mode", mode, "error", cause)
	}
	g.metrics.degraded.WithLabelValues(string(mode)).Inc()
	d.Degraded = string(mode)
	// Nobody says which window it is now; the store's clock counts all the same.
	if again, refusal, err := g.terms(a, g.storeTime()); err == nil && refusal == nil {
		t = again
	}
	var got spending
	switch mode {
	case alfred.FailAllow:
		return g.admitted(a, t, d, got)
	case alfred.FailLocal:
		if got = g.allowances.spend(a, t, g.now(), g.storeTime()); got.from != nil {
			return g.admitted(a, t, d, got)
		}
	default: // denied
	}
	if asked {
		g.voidUnknown(a, t)
	}
	return nil, g.refuseDegraded(a, t, d, got)
}

// admitted lets a request pass that the live store does not know of. Should
// its reservation have been made after all, then settling it ends that.
func (g *Gate) admitted(a Admission, t terms, d alfred.Decision, got spending) (*Hold, alfred.Decision) {
	h := g.unreserved(a, t)
	h.event.Degraded = d.Degraded
	if got.from != nil {
		h.from, h.record.Legs, h.record.Granted = got.from, got.legs, got.granted
		g.grant(h, a, t)
	}
	d.Allowed, d.ResetsAt = true, t.plan.Window.End
	return h, d
}

// refuseDegraded says why a request may not pass unseen.
func (g *Gate) refuseDegraded(a Admission, t terms, d alfred.Decision, got spending) alfred.Decision {
	const tail = " Nothing was charged. Try again in a moment."
	if got.refusal != "" {
		g.metrics.allowanceRefusals.WithLabelValues(got.refusal).Inc()
	}
	switch got.refusal {
	case refusedRate:
		return alfred.Deny(d, alfred.ReserveReply{
			Verdict: alfred.VerdictRate, RetryIn: got.wait, Now: g.storeTime(), Blocker: alfred.Blocker{Code: alfred.CodeRateLimited, Bucket: got.rate},
		}, t.plan.Window, zone(a.Catalog))
	case refusedUsedUp:
		return unavailable(d, "Credits cannot be checked at the moment, and of what was set aside for you too little is left."+tail)
	case refusedExpired:
		return unavailable(d, "Credits could not be checked for so long that others may have what was set aside for you."+tail)
	case refusedNone:
		return unavailable(d, "Credits cannot be checked at the moment, and nothing is set aside for this request."+tail)
	default:
		return unavailable(d, "Credits cannot be checked at the moment, so requests are refused."+tail)
	}
}

// unreserved is a hold that the ledger does not know, or may not know:
// settling it charges its counters in full, once.
func (g *Gate) unreserved(a Admission, t terms) *Hold {
	record := alfred.HoldRecord{Org: a.Catalog.Org, Hold: a.hold, Buckets: t.plan.Buckets}
	for _, c := range t.plan.Caps {
		record.Caps = append(record.Caps, c.Counter)
	}
	for _, l := range t.plan.Legs {
		leg := alfred.HeldLeg{Kind: l.Kind}
		for _, c := range l.Group {
			leg.Counters = append(leg.Counters, c.Counter)
		}
		record.Legs = append(record.Legs, leg)
	}
	record.Terms = alfred.Terms{OnExpiry: a.Catalog.Settings.ReapPolicy, InputCost: t.bound.Fixed, Want: t.want, Event: event(a, t)}
	h := newHold(a, t, record)
	h.output = t.tWant
	return h
}
