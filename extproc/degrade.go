package extproc

import (
	"context"
	"errors"

	"github.com/alfred-envoy/alfred"
)

// errResting means that the breaker is open: the store was not asked.
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
	g.endings.later(ending{void: true, settlement: alfred.Settlement{
		Record: alfred.HoldRecord{Org: a.Catalog.Org, Hold: a.hold},
		Event:  voidEvent(event(a, t), alfred.OutcomeInternal),
	}})
}

// degrade decides while the live store does not answer. FailDeny refuses.
// FailAllow admits without a hold: what is spent is charged in full as soon
// as the store is back, the event says so, and so does a header. Either way
// it is told and counted, never silent.
func (g *Gate) degrade(ctx context.Context, a Admission, t terms, d alfred.Decision, cause error) (*Hold, alfred.Decision) {
	mode := t.plan.FailMode
	if g.settings.FailMode == alfred.FailAllow {
		mode = alfred.FailAllow
	}
	asked := !errors.Is(cause, errResting)
	if asked {
		g.log.WarnContext(ctx, "the live store did not answer", "request", a.request, "fail_mode", mode, "error", cause)
	}
	if mode != alfred.FailAllow {
		g.metrics.degraded.WithLabelValues(string(alfred.FailDeny)).Inc()
		if asked {
			g.voidUnknown(a, t)
		}
		d.Degraded = string(alfred.FailDeny)
		return nil, unavailable(d, "Credits cannot be checked at the moment, so requests are refused. Nothing was charged. Try again in a moment.")
	}
	g.metrics.degraded.WithLabelValues(string(alfred.FailAllow)).Inc()
	h := g.unreserved(a, t)
	d.Allowed, d.Degraded, d.ResetsAt = true, string(alfred.FailAllow), t.plan.Window.End
	return h, d
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
	h.event.Degraded = string(alfred.FailAllow)
	h.output = t.tWant
	return h
}
