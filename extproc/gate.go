package extproc

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Gate decides who may spend, and books what was spent. It knows neither
// Envoy nor a wire format.
type Gate struct {
	ledger   Ledger
	settings GateSettings
	metrics  *Metrics
	log      *slog.Logger
	now      func() time.Time

	breaker    breaker
	learner    *learner
	denials    *denials
	holds      *holds
	endings    *endings
	journal    *journal
	allowances *allowances
	away       away
	ahead      atomic.Int64 // the store's clock less ours when it answered last, ns
}

// GateSettings are what an operator decides for one process.
type GateSettings struct {
	Timeout    time.Duration   // of a call to the live store that a request waits for
	Wait       time.Duration   // how much longer a settlement may take, for replicas to have it
	FailMode   alfred.FailMode // FailAllow admits, whatever organisations and limits have set; else their setting counts
	HoldTTL    time.Duration   // of a hold, unless the organisation sets a shorter one
	HoldExtend time.Duration   // how often a running request extends its hold
	Allowance  alfred.Credits  // the most that is set aside for one person for an outage; 0 sets nothing aside
	Processes  int             // that share the live store
}

// ttl is the life of a hold.
func (s GateSettings) ttl(c *alfred.Catalog) time.Duration {
	ttl := min(s.HoldTTL, maxHoldTTL)
	if s := c.Settings.HoldSeconds; s > 0 {
		ttl = min(ttl, time.Duration(s)*time.Second)
	}
	return ttl
}

// maxHoldTTL bounds how far ahead a hold may be due, so that what ends it late
// can still tell that it was not ended before.
const maxHoldTTL = 5 * time.Minute

// Admission is one request at the gate: who asks for what.
type Admission struct {
	identity
	Principal *alfred.Principal
	Catalog   *alfred.Catalog
	Model     string
	Backend   string // the provider that will be asked
	Priority  alfred.Priority
	Project   string
	Team      string
	Input     int64 // upper bound of the input, in tokens
	Limit     int64 // of the output of one choice, as the client set it; 0 when it set none
	Choices   int64
	Private   bool
	Stream    bool
	waited    bool // for the directory, as long as a request may wait for the store, and was given an older copy
}

// terms are what one reservation asks for, worked out from a plan and the
// prices. They are worked out again when the plan turns out to be stale.
type terms struct {
	plan         alfred.Plan
	rate         alfred.Rate
	bound        alfred.Bound
	perChoice    int64 // what one choice would get, unshrunk
	tWant, tNeed int64 // output tokens of all choices
	need, want   alfred.Credits
	legs         []alfred.Leg // those that were asked in the end
}

// Admit holds the upper bound of a request's cost, or says why not. The
// decision is a value either way; the hold is nil when it is a refusal.
//
// The steps: plan and price from one snapshot; reserve between the least and
// the most output; once more with the overdraft where the priority allows it
// and the other legs fall short; once more where the window has ended in
// between; once more where what was set aside for outages stood in the way. When
// the live store does not answer, the fail mode decides.
func (g *Gate) Admit(ctx context.Context, a Admission) (*Hold, alfred.Decision) {
	d := a.decide(a.Principal)
	d.Model, d.Priority = a.Model, a.Priority
	now := g.now()
	if g.refusal() != nil { // told by the keeper
		return nil, unavailable(d, "What this request costs could not be kept safe at the moment. Nothing was charged. Try again in a moment.")
	}
	// Whatever has to be asked, a request waits for the store once. A client that
	// leaves must not leave a reservation of unknown fate.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.settings.Timeout)
	defer cancel()
	yielded := false
	for attempt := 0; ; attempt++ {
		t, refusal, err := g.terms(a, now)
		if err != nil {
			g.log.ErrorContext(ctx, "plan a request", "request", a.request, "error", err)
			return nil, unavailable(d, "The published configuration cannot be used. An admin has to correct it.")
		}
		if refusal != nil {
			return nil, refusal.Decide(d)
		}
		d.Need, d.Want, d.Priority, d.Lowered = t.need, t.want, t.plan.Priority, t.plan.Lowered
		reply, err := g.reserve(ctx, a, &t)
		if err != nil {
			return g.undecided(ctx, a, t, d, err)
		}
		switch {
		case reply.Verdict == alfred.VerdictGranted:
			h := g.open(a, t, reply)
			if t.plan.FailMode == alfred.FailLocal && g.settings.FailMode != alfred.FailAllow {
				g.allowances.touch(a, t, reply.Remaining, g.now())
			}
			d.Allowed, d.Remaining, d.ResetsAt = true, reply.Remaining, t.plan.Window.End
			return h, d
		case reply.Verdict == alfred.VerdictStale && attempt == 0:
			now = reply.Now
		case reply.Verdict == alfred.VerdictStale, reply.Verdict == alfred.VerdictReplay:
			g.log.ErrorContext(ctx, "a reservation makes no sense", "request", a.request, "verdict", reply.Verdict, "store_clock", reply.Now)
			return nil, unavailable(d, "The reservation could not be made. Nothing was charged.")
		case reply.Verdict == alfred.VerdictHeld && !yielded && g.allowances.yield(ctx, a.Catalog.Org, blocking(t, reply)):
			yielded = true
		default:
			return nil, g.deny(a, t, d, reply)
		}
	}
}

// blocking are the counters that refused: a cap's, or those of the legs, which
// fell short together.
func blocking(t terms, reply alfred.ReserveReply) []alfred.Counter {
	if !isLeg(reply.Blocker.Counter) {
		return []alfred.Counter{reply.Blocker.Counter}
	}
	var all []alfred.Counter
	for _, l := range t.legs {
		for _, c := range l.Group {
			all = append(all, c.Counter)
		}
	}
	return all
}

// refusal says why no request may be admitted whatever it asks for: what it
// costs could not be written down. It holds in every fail mode.
func (g *Gate) refusal() error {
	if g.endings.keeper == nil {
		return nil
	}
	return g.endings.keeper.spool.Refusal()
}

// terms works out what a request needs and wants. The least is the smaller of
// the organisation's minimum and what was asked for, all choices together,
// but a token for each choice.
func (g *Gate) terms(a Admission, now time.Time) (terms, *alfred.Refusal, error) {
	model := a.Catalog.Model(a.Model)
	t := terms{perChoice: model.MaxOutput}
	if a.Limit > 0 {
		t.perChoice = a.Limit
	}
	t.perChoice = min(t.perChoice, 1<<31)
	choices := max(a.Choices, 1)
	t.tWant = t.perChoice * choices
	t.tNeed = max(min(a.Catalog.Settings.MinOutput, t.tWant), choices)

	var err error
	t.rate, _ = a.Catalog.Card.For(a.Model)
	if t.bound, err = t.rate.Bound(a.Input); err != nil {
		t.bound = alfred.Bound{Fixed: alfred.MaxCredits}
	}
	t.need, t.want = t.bound.Amount(t.tNeed), t.bound.Amount(t.tWant)

	var refusal *alfred.Refusal
	t.plan, refusal, err = alfred.NewPlan(a.Catalog, a.Principal, alfred.Ask{
		Model: a.Model, Priority: a.Priority, Project: a.Project, Team: a.Team, Tokens: a.Input + t.tNeed,
	}, now)
	return t, refusal, err
}

// reserve asks the ledger, and asks again with the overdraft when the legs
// before it are what fell short. Nothing was written by the first.
func (g *Gate) reserve(ctx context.Context, a Admission, t *terms) (alfred.ReserveReply, error) {
	request := alfred.ReserveRequest{
		Org: a.Catalog.Org, Hold: a.hold, Need: t.need, Want: t.want,
		Caps: t.plan.Caps, Legs: t.plan.Legs, Buckets: t.plan.Buckets,
		Window: t.plan.Window, TTL: g.settings.ttl(a.Catalog),
		Terms: alfred.Terms{OnExpiry: a.Catalog.Settings.ReapPolicy, InputCost: t.bound.Fixed, Want: t.want, Event: event(a, *t)},
	}
	t.legs = request.Legs
	if a.waited {
		g.breaker.report(g.now(), 0, false)
		return alfred.ReserveReply{}, errResting
	}
	reply, err := g.ask(ctx, request)
	if err != nil || t.plan.Overdraft == nil || !fellShort(reply) {
		return reply, err
	}
	request.Legs = append(request.Legs[:len(request.Legs):len(request.Legs)], *t.plan.Overdraft)
	t.legs = request.Legs
	return g.ask(ctx, request)
}

// fellShort says whether it was the legs that refused. A cap that refuses
// will do so whoever pays.
func fellShort(r alfred.ReserveReply) bool {
	return (r.Verdict == alfred.VerdictSpent || r.Verdict == alfred.VerdictHeld) && isLeg(r.Blocker.Counter)
}

func isLeg(c alfred.Counter) bool {
	return c.Kind == alfred.CountPersonal || c.Kind == alfred.CountPool || c.Kind == alfred.CountShare || c.Kind == alfred.CountOverdraft
}

func (g *Gate) ask(ctx context.Context, r alfred.ReserveRequest) (reply alfred.ReserveReply, err error) {
	if g.learner.learning(r.Org) {
		return alfred.ReserveReply{}, errLearning
	}
	ticket, ok := g.breaker.allow(g.now())
	if !ok {
		return alfred.ReserveReply{}, errResting
	}
	answered := false
	defer func() { g.breaker.report(g.now(), ticket, answered) }()
	began := time.Now()
	reply, err = g.ledger.Reserve(ctx, r)
	g.metrics.called("reserve", began, err)
	answered = err == nil || isMistake(err)
	if err != nil {
		return reply, fmt.Errorf("reserve %s: %w", r.Hold, err)
	}
	if !reply.Now.IsZero() {
		g.ahead.Store(int64(reply.Now.Sub(g.now())))
	}
	if reply.Verdict == alfred.VerdictLearning {
		g.learner.met(r.Org)
		return reply, errLearning
	}
	if !g.learner.vouches(ctx, r.Org, reply) {
		return reply, errReplaced
	}
	return reply, nil
}

// storeTime is what the store's clock says, as far as is known without asking.
func (g *Gate) storeTime() time.Time { return g.now().Add(time.Duration(g.ahead.Load())) }

func (g *Gate) deny(a Admission, t terms, d alfred.Decision, reply alfred.ReserveReply) alfred.Decision {
	if reply.Now.IsZero() {
		reply.Now = g.now()
	}
	team := reply.Blocker.Code == alfred.CodeTeamPool || reply.Blocker.Code == alfred.CodeTeamBudget
	if ask := a.Catalog.Teams[t.plan.Team].Ask; team && ask != "" {
		d.Ask = ask
	}
	d = alfred.Deny(d, reply, t.plan.Window, zone(a.Catalog))
	d.Team, d.Checks, d.InputCost, d.PerToken = t.plan.Team, alfred.ChecksOf(t.plan, t.legs, reply), t.bound.Fixed, t.bound.PerToken
	if d.Lowered {
		d.Detail += fmt.Sprintf(" X-Priority was lowered to %s, the highest that you may use.", d.Priority)
	}
	if reply.Verdict == alfred.VerdictSpent && isLeg(reply.Blocker.Counter) && unspent(t.legs, reply.Balances[min(len(t.plan.Caps), len(reply.Balances)):]) < cheapest(a.Catalog.Card) {
		g.denials.remember(a.denialKey(), d, t.plan.Window, g.storeTime())
	}
	return d
}

func (a Admission) denialKey() denialKey {
	return denialKey{a.Principal.Key, a.Team, a.Project, a.Priority}
}

// exhausted says whether a request is refused whatever it asks for, as was
// found less than a second ago.
func (g *Gate) exhausted(a Admission) (alfred.Decision, bool) {
	now := g.storeTime()
	d, ok := g.denials.find(a.denialKey(), now)
	if !ok {
		return d, false
	}
	g.metrics.denialHits.Inc()
	d.ID, d.Request, d.At, d.Model, d.Need, d.Want = a.decision, a.request, a.at, "", 0, 0
	d.RetryAfter = max(1, int64(d.ResetsAt.Sub(now)/time.Second))
	d.Detail = fmt.Sprintf("%s: what is left of %s credits is less than any request costs. Resets %s.",
		alfred.Explain(d.Code).Title, alfred.Figure(d.Limit), d.ResetsAt.In(zone(a.Catalog)).Format(time.RFC3339))
	if d.Ask != "" {
		d.Detail += " Ask " + d.Ask + " for more."
	}
	return d, true
}

// refused records a refusal for its person to look up. One of an unknown
// caller has no reader and leaves no record.
func (g *Gate) refused(d alfred.Decision, private bool) {
	if d.User == "" {
		return
	}
	hold := alfred.HoldID("hold_" + string(d.ID)[len("dec_"):])
	g.journal.add(alfred.UsageEvent{
		Kind: alfred.EventDecision, Org: d.Org, Reservation: hold, Request: d.Request, Decision: d.ID, At: d.At,
		User: d.User, Key: d.Key, Team: d.Team, Model: d.Model, Priority: d.Priority, Private: private, Degraded: d.Degraded, Refused: &d,
	})
}

// zone is the organisation's. NewPlan has refused a catalog whose zone is not
// known.
func zone(c *alfred.Catalog) *time.Location {
	z, err := alfred.Zone(c.Settings.Zone)
	if err != nil {
		return time.UTC
	}
	return z
}
