package extproc

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Hold is one admitted request until it is ended. The rate is the one of its
// admission, whatever is published meanwhile.
type Hold struct {
	record alfred.HoldRecord
	event  alfred.UsageEvent
	rate   alfred.Rate
	ttl    time.Duration
	ended  atomic.Bool

	reserved bool       // the ledger holds the amount of record
	from     *allowance // what the amount of record was spent from; nil
	input    int64      // upper bound of the input, in tokens
	output   int64      // granted output of all choices, in tokens
	limit    int64      // of one choice, to be written into the request; 0 leaves it alone

	extended time.Time // guarded by holds.mu
}

// End is how a request ended.
type End struct {
	Outcome   alfred.Outcome
	Status    int // of the provider's answer, 0 when none came
	Usage     alfred.Usage
	Estimated bool
	At        time.Time
	LetGo     time.Time // when the request was sent on, zero when that is not known
	FirstByte time.Time // when the answer began, zero when it did not
}

func newHold(a Admission, t terms, record alfred.HoldRecord) *Hold {
	return &Hold{record: record, event: event(a, t), rate: t.rate, input: a.Input}
}

// open turns a grant into a hold, and an amount into output tokens.
func (g *Gate) open(a Admission, t terms, reply alfred.ReserveReply) *Hold {
	h := newHold(a, t, reply.Record)
	h.reserved, h.ttl, h.event.Shadow = true, g.settings.ttl(a.Catalog), reply.Shadow
	g.grant(h, a, t)
	h.extended = g.now()
	g.holds.add(h)
	return h
}

// grant turns the amount of a hold into output tokens, and where they are
// fewer than wanted into a limit.
func (g *Gate) grant(h *Hold, a Admission, t terms) {
	h.output, h.event.Held = t.tWant, h.record.Granted
	if h.record.Granted < t.want {
		choices := max(a.Choices, 1)
		h.limit = min(t.bound.Tokens(h.record.Granted)/choices, t.perChoice)
		h.output = h.limit * choices
		h.event.Shrunk = h.limit < t.perChoice
		if !h.event.Shrunk {
			h.limit = 0
		} else {
			g.metrics.shrunk.Inc()
		}
	}
	h.event.OutputLimit = h.output
}

// event is what is known of a request when it is admitted.
func event(a Admission, t terms) alfred.UsageEvent {
	return alfred.UsageEvent{
		Kind: alfred.EventSettle, Org: a.Catalog.Org, Reservation: a.hold, Request: a.request, Decision: a.decision, At: a.at,
		User: a.Principal.User, Key: a.Principal.Key, Team: t.plan.Team, Department: a.Principal.Department, Project: t.plan.Project,
		Model: a.Model, Provider: a.Backend, Priority: t.plan.Priority, Private: a.Private, Stream: a.Stream,
		CardVersion: a.Catalog.Card.Version, InputBound: a.Input, OutputLimit: t.tWant,
	}
}

func voidEvent(e alfred.UsageEvent, o alfred.Outcome) alfred.UsageEvent {
	e.Kind, e.Outcome = alfred.EventVoid, o
	return e
}

// Settle replaces the hold with what the request cost. It is never refused:
// the tokens are spent. Only the first of Settle and Release counts.
func (g *Gate) Settle(ctx context.Context, h *Hold, end End) {
	if !g.finish(h) {
		return
	}
	cost, err := h.rate.Cost(end.Usage)
	if err != nil {
		// A provider that reports nonsense is not believed: all that was held is charged.
		g.log.ErrorContext(ctx, "price a usage", "request", h.event.Request, "usage", end.Usage, "error", err)
		cost, end.Estimated = h.record.Granted, true
	}
	cost = min(cost, alfred.MaxCredits)
	bounded := h.reserved || h.from != nil
	if end.Estimated && bounded {
		cost = min(cost, h.record.Granted)
	}
	if bounded && cost > h.record.Granted {
		g.metrics.overruns.Inc()
	}
	e := h.finished(end)
	e.Usage, e.Estimated, e.Cost, e.Overrun = end.Usage, end.Estimated, cost, bounded && cost > h.record.Granted
	record := h.record
	if !h.reserved {
		record.Due = g.storeTime().Add(maxHoldTTL) // the time in which it may be charged begins now
	}
	g.endings.end(ctx, ending{settlement: alfred.Settlement{Record: record, Cost: cost, Tokens: end.Usage.Tokens(), Event: e}, booked: g.spent(h, cost)})
}

// Release gives the hold back: the provider did nothing that costs.
func (g *Gate) Release(ctx context.Context, h *Hold, end End) {
	if !g.finish(h) {
		return
	}
	g.endings.end(ctx, ending{void: true, settlement: alfred.Settlement{Record: h.record, Event: voidEvent(h.finished(end), end.Outcome)}, booked: g.spent(h, 0)})
}

// spent tells the allowance that h was spent from what it cost, and returns
// what tells it that this is booked.
func (g *Gate) spent(h *Hold, cost alfred.Credits) (booked func()) {
	if h.from == nil {
		return nil
	}
	g.allowances.cost(h.from, h.record.Legs, cost)
	return func() { g.allowances.booked(h.from) }
}

// finish says whether this is the call that ends h.
func (g *Gate) finish(h *Hold) bool {
	if h.ended.Swap(true) {
		return false
	}
	g.holds.remove(h)
	return true
}

func (h *Hold) finished(end End) alfred.UsageEvent {
	e := h.event
	e.Outcome, e.Status = end.Outcome, end.Status
	e.Millis = max(0, end.At.Sub(e.At).Milliseconds())
	e.DecidedMillis, e.FirstByteMillis = millisBetween(e.At, end.LetGo), millisBetween(end.LetGo, end.FirstByte)
	e.At = end.At
	return e
}

// millisBetween is nil unless both moments are known.
func millisBetween(from, to time.Time) *int64 {
	if from.IsZero() || to.IsZero() {
		return nil
	}
	n := max(0, to.Sub(from).Milliseconds())
	return &n
}

// estimate is the usage that is charged when none was reported.
func (h *Hold) estimate(output int64) alfred.Usage {
	return alfred.Usage{Input: h.input, Output: min(max(output, 0), h.outputBound())}
}

func (h *Hold) outputBound() int64 {
	if h.output <= 0 {
		return math.MaxInt32
	}
	return h.output
}

// holds are those that are open, to be extended while their requests run.
type holds struct {
	mu   sync.Mutex
	open map[*Hold]struct{}
}

func newHolds() *holds { return &holds{open: make(map[*Hold]struct{})} }

func (s *holds) add(h *Hold) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[h] = struct{}{}
}

func (s *holds) remove(h *Hold) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, h)
}

func (s *holds) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// due lists the holds that were not extended for their share of the interval,
// and marks them as extended.
func (s *holds) due(now time.Time, every time.Duration) []*Hold {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []*Hold
	for h := range s.open {
		if now.Sub(h.extended) >= min(every, h.ttl/3) {
			h.extended = now
			due = append(due, h)
		}
	}
	slices.SortFunc(due, func(a, b *Hold) int { return cmp.Compare(a.record.Hold, b.record.Hold) })
	return due
}
