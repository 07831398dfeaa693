package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// RunTape plays the same random operations on every ledger, the first of which
// is the model, and expects the same replies, counters and events of all.
// After every operation, on every counter, committed is settled plus what the
// open holds have taken, and nothing granted stands above its ceiling.
//
// When every ledger has a clock, hours pass too, and replies must agree to the
// microsecond. All clocks must then start at the same instant.
func RunTape(t *testing.T, open func(testing.TB) map[string]Ledger, model string) {
	rapid.Check(t, func(r *rapid.T) {
		p := newPlayer(t, open(t), model)
		r.Repeat(map[string]func(*rapid.T){
			"":        p.audit,
			"reserve": p.reserve,
			"replay":  p.replay,
			"settle":  p.settle,
			"void":    p.void,
			"extend":  p.extend,
			"reap":    p.reap,
			"outflow": p.outflow,
			"undo":    p.undo,
			"wait":    p.wait,
		})
		p.events(r)
	})
}

// player is one organisation on all ledgers, and what it knows of its holds.
type player struct {
	ctx      context.Context
	names    []string // the model first
	ledgers  map[string]Ledger
	timed    bool
	org      alfred.OrgID
	start    time.Time
	requests []alfred.ReserveRequest
	records  map[alfred.HoldID]alfred.HoldRecord
	open     map[alfred.HoldID]bool
	short    map[alfred.HoldID]bool // due at once
	moves    []alfred.Outflow
	counters map[string]alfred.Counter
	next     int
}

func newPlayer(t *testing.T, ledgers map[string]Ledger, model string) *player {
	p := &player{
		ctx: t.Context(), ledgers: ledgers, timed: true, org: alfred.OrgID(unique(t, "org")),
		records: map[alfred.HoldID]alfred.HoldRecord{}, open: map[alfred.HoldID]bool{}, short: map[alfred.HoldID]bool{},
		counters: map[string]alfred.Counter{}, names: []string{model},
	}
	for name, l := range ledgers {
		Open(t, l, p.org)
		if _, ok := clockOf(l); !ok {
			p.timed = false
		}
		if name != model {
			p.names = append(p.names, name)
		}
	}
	slices.Sort(p.names[1:])
	p.start = (&bench{T: t, ctx: p.ctx, ledger: ledgers[model], org: p.org}).now().Truncate(24 * time.Hour)
	return p
}

// both plays an operation on every ledger and returns the model's reply, which
// all others must have given too.
func both[R any](r *rapid.T, p *player, play func(Ledger) (R, error)) R {
	r.Helper()
	var first R
	var failed error
	for i, name := range p.names {
		got, err := play(p.ledgers[name])
		if i == 0 {
			first, failed = got, err
			continue
		}
		if alfred.ErrorCode(err) != alfred.ErrorCode(failed) {
			r.Fatalf("%s: error %v, %s: %v", p.names[0], failed, name, err)
		}
		if diff := cmp.Diff(first, got, p.tolerance()...); diff != "" {
			r.Fatalf("replies differ (-%s +%s):\n%s", p.names[0], name, diff)
		}
	}
	return first
}

// tolerance leaves out what differs between clocks that run by themselves:
// also which of two buckets waits longest, when microseconds decide.
func (p *player) tolerance() []cmp.Option {
	options := []cmp.Option{cmpopts.EquateEmpty()}
	if !p.timed {
		options = append(options,
			cmpopts.IgnoreFields(alfred.ReserveReply{}, "Now", "RetryIn", "Server"), cmpopts.IgnoreFields(alfred.HoldRecord{}, "Due"),
			cmpopts.IgnoreFields(alfred.OutflowReply{}, "Now"), cmpopts.IgnoreFields(alfred.Blocker{}, "Bucket"), cmpopts.IgnoreFields(alfred.UsageEvent{}, "At"))
	}
	return options
}

// amount draws small amounts mostly, and some near the largest.
func amount(r *rapid.T, name string) alfred.Credits {
	return alfred.Credits(rapid.OneOf(
		rapid.Int64Range(0, 120), rapid.Int64Range(0, 120), rapid.Int64Range(0, 12),
		rapid.Int64Range(int64(alfred.MaxCredits)-9, int64(alfred.MaxCredits)),
	).Draw(r, name))
}

func (p *player) charge(r *rapid.T, kind alfred.CounterKind, windows int) alfred.Charge {
	w := alfred.Window{Start: p.start.Add(-24 * time.Hour), End: p.start.Add(72 * time.Hour)}
	if windows > 1 && rapid.Bool().Draw(r, "other window") {
		w.Start = p.start
	}
	c := alfred.Charge{
		Counter: alfred.Counter{Kind: kind, Subject: rapid.SampledFrom([]string{"a", "b"}).Draw(r, "subject"), Window: w},
		Ceiling: rapid.OneOf(rapid.Custom(func(r *rapid.T) alfred.Credits { return amount(r, "ceiling") }), rapid.Just(alfred.Unlimited)).Draw(r, "ceiling"),
		Share:   alfred.ShareRule(rapid.IntRange(0, 2).Draw(r, "share")),
	}
	p.counters[store.Name(c.Counter)] = c.Counter
	return c
}

func (p *player) request(r *rapid.T) alfred.ReserveRequest {
	p.next++
	q := alfred.ReserveRequest{
		Org: p.org, Hold: alfred.HoldID(fmt.Sprintf("hold_%d", p.next)), TTL: 2 * time.Minute,
		Window: alfred.Window{Start: p.start.Add(-24 * time.Hour), End: p.start.Add(72 * time.Hour)},
	}
	q.Want = amount(r, "want")
	q.Need = min(q.Want, amount(r, "need"))
	kinds := []alfred.CounterKind{alfred.CountKey, alfred.CountUser, alfred.CountOrg}
	for i := range rapid.IntRange(0, 3).Draw(r, "caps") {
		c := alfred.Cap{Charge: p.charge(r, kinds[i], 2), Mode: alfred.Enforce, Code: alfred.Code(kinds[i])}
		if rapid.IntRange(0, 3).Draw(r, "shadow") == 0 {
			c.Mode = alfred.Shadow
		}
		q.Caps = append(q.Caps, c)
	}
	q.Legs = []alfred.Leg{{Kind: alfred.LegPersonal, Code: alfred.CodeUserQuota, Group: []alfred.Charge{p.charge(r, alfred.CountPersonal, 1)}}}
	if rapid.Bool().Draw(r, "team") {
		q.Legs = append(q.Legs, alfred.Leg{Kind: alfred.LegTeam, Code: alfred.CodeTeamPool, Group: []alfred.Charge{p.charge(r, alfred.CountPool, 1), p.charge(r, alfred.CountShare, 1)}})
	}
	if rapid.Bool().Draw(r, "overdraft") {
		q.Legs = append(q.Legs, alfred.Leg{Kind: alfred.LegOverdraft, Code: alfred.CodeUserQuota, Group: []alfred.Charge{p.charge(r, alfred.CountOverdraft, 1)}})
	}
	// One unit takes a minute, so that a slow run does not matter.
	for _, metric := range []alfred.Metric{alfred.MetricRequestsPerMinute, alfred.MetricTokensPerMinute} {
		if rapid.IntRange(0, 4).Draw(r, "bucket") == 0 {
			q.Buckets = append(q.Buckets, alfred.BucketCharge{
				Bucket: alfred.Bucket{Scope: alfred.ScopeUser, Subject: "a", Metric: metric, PerMinute: 2}, Units: rapid.Int64Range(0, 2).Draw(r, "units"),
			})
		}
	}
	q.Terms = alfred.Terms{
		OnExpiry:  rapid.SampledFrom([]alfred.ReapPolicy{alfred.ReapEstimate, alfred.ReapInputOnly, alfred.ReapZero}).Draw(r, "policy"),
		InputCost: q.Need / 2, Event: alfred.UsageEvent{Org: p.org, Reservation: q.Hold, User: "ann"},
	}
	return q
}

func (p *player) reserve(r *rapid.T) {
	q := p.request(r)
	if rapid.IntRange(0, 3).Draw(r, "short") == 0 {
		q.TTL = time.Millisecond
	}
	p.requests = append(p.requests, q)
	reply := both(r, p, func(l Ledger) (alfred.ReserveReply, error) { return l.Reserve(p.ctx, q) })
	if reply.Verdict != alfred.VerdictGranted {
		return
	}
	p.records[q.Hold], p.open[q.Hold] = reply.Record, true
	if q.TTL == time.Millisecond {
		p.short[q.Hold] = true
	}
	p.within(r, q, reply.Record)
}

// within checks a grant against the request.
func (p *player) within(r *rapid.T, q alfred.ReserveRequest, rec alfred.HoldRecord) {
	if rec.Granted < q.Need || rec.Granted > q.Want {
		r.Fatalf("granted %d outside [%d, %d]", rec.Granted, q.Need, q.Want)
	}
	below := func(c alfred.Charge, taken alfred.Credits) {
		if taken == 0 {
			return
		}
		b := both(r, p, func(l Ledger) ([]alfred.Balance, error) {
			return l.Balances(p.ctx, p.org, []alfred.Counter{c.Counter})
		})[0]
		if b.Committed > c.Ceiling {
			r.Fatalf("%s stands at %d, above its ceiling %d", store.Name(c.Counter), b.Committed, c.Ceiling)
		}
	}
	for _, c := range q.Caps {
		if c.Mode == alfred.Enforce {
			below(c.Charge, rec.Granted)
		}
	}
	var sum alfred.Credits
	for i, l := range q.Legs {
		sum += rec.Legs[i].Taken
		for _, c := range l.Group {
			below(c, rec.Legs[i].Taken)
		}
	}
	if sum != rec.Granted {
		r.Fatalf("legs pay %d of %d", sum, rec.Granted)
	}
}

// replay sends an earlier reservation again. A refused one may be granted now.
func (p *player) replay(r *rapid.T) {
	if len(p.requests) == 0 {
		return
	}
	q := rapid.SampledFrom(p.requests).Draw(r, "request")
	known, had := p.records[q.Hold]
	reply := both(r, p, func(l Ledger) (alfred.ReserveReply, error) { return l.Reserve(p.ctx, q) })
	switch {
	case reply.Verdict != alfred.VerdictGranted:
	case had && p.open[q.Hold]:
		if diff := cmp.Diff(known, reply.Record, cmpopts.EquateEmpty()); diff != "" {
			r.Fatalf("the replay of an open hold differs:\n%s", diff)
		}
	default:
		p.records[q.Hold], p.open[q.Hold] = reply.Record, true
		if q.TTL == time.Millisecond {
			p.short[q.Hold] = true
		}
	}
}

// hold draws one that was granted, open or not.
func (p *player) hold(r *rapid.T) (alfred.HoldRecord, bool) {
	if len(p.records) == 0 {
		return alfred.HoldRecord{}, false
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(p.records))).Draw(r, "hold")
	return p.records[id], true
}

func (p *player) settle(r *rapid.T) {
	rec, ok := p.hold(r)
	if !ok {
		return
	}
	s := alfred.Settlement{Record: rec, Event: rec.Terms.Event, Tokens: rapid.Int64Range(0, 4).Draw(r, "tokens")}
	s.Cost = rapid.OneOf(rapid.Custom(func(r *rapid.T) alfred.Credits { return amount(r, "cost") }), rapid.Just(rec.Granted), rapid.Just(rec.Granted/2)).Draw(r, "cost")
	both(r, p, func(l Ledger) (alfred.EndState, error) { return l.Settle(p.ctx, s) })
	p.ended(rec.Hold)
}

func (p *player) void(r *rapid.T) {
	if len(p.requests) == 0 {
		return
	}
	id := rapid.SampledFrom(p.requests).Draw(r, "hold").Hold
	rec, ok := p.records[id]
	if !ok || rapid.Bool().Draw(r, "unknown fate") {
		rec = alfred.HoldRecord{Org: p.org, Hold: id}
	}
	both(r, p, func(l Ledger) (alfred.EndState, error) { return l.Void(p.ctx, rec, alfred.UsageEvent{}) })
	p.ended(id)
}

func (p *player) ended(id alfred.HoldID) {
	delete(p.open, id)
	delete(p.short, id)
}

func (p *player) extend(r *rapid.T) {
	rec, ok := p.hold(r)
	if !ok {
		return
	}
	alive := both(r, p, func(l Ledger) (bool, error) { return l.Extend(p.ctx, rec, 4*time.Minute) })
	if alive != p.open[rec.Hold] {
		r.Fatalf("hold %s: alive %v, expected %v", rec.Hold, alive, p.open[rec.Hold])
	}
	delete(p.short, rec.Hold)
}

// reap waits until every hold that was due at once has expired.
func (p *player) reap(r *rapid.T) {
	p.advance(5 * time.Millisecond)
	if p.timed {
		both(r, p, func(l Ledger) (int, error) { return l.Reap(p.ctx, p.org, 1000) })
		p.reread(r)
		return
	}
	deadline := time.Now().Add(20 * time.Second)
	for _, name := range p.names {
		for reaped := 0; reaped < len(p.short); {
			n, err := p.ledgers[name].Reap(p.ctx, p.org, 1000)
			if err != nil || time.Now().After(deadline) {
				r.Fatalf("%s reaped %d of %d, %v", name, reaped, len(p.short), err)
			}
			reaped += n
		}
	}
	for id := range p.short {
		p.ended(id)
	}
}

// reread learns from the model which holds are still open.
func (p *player) reread(r *rapid.T) {
	for id := range p.open {
		if alive := both(r, p, func(l Ledger) (bool, error) {
			return l.Extend(p.ctx, alfred.HoldRecord{Org: p.org, Hold: id}, time.Millisecond)
		}); !alive {
			p.ended(id)
		}
	}
}

func (p *player) outflow(r *rapid.T) {
	o := alfred.Outflow{Org: p.org, Amount: max(1, amount(r, "amount")), Partial: rapid.Bool().Draw(r, "partial")}
	o.Move = alfred.MoveID(rapid.SampledFrom([]string{"m1", "m2", "m3", "m4"}).Draw(r, "move"))
	for _, known := range p.moves {
		if known.Move == o.Move {
			o = known // a move keeps its terms
		}
	}
	if len(o.Source) == 0 {
		o.Source = []alfred.Charge{p.charge(r, alfred.CountPersonal, 1)}
		p.moves = append(p.moves, o)
	}
	both(r, p, func(l Ledger) (alfred.OutflowReply, error) { return l.TakeOutflow(p.ctx, o) })
}

func (p *player) undo(r *rapid.T) {
	if len(p.moves) == 0 {
		return
	}
	o := rapid.SampledFrom(p.moves).Draw(r, "move")
	both(r, p, func(l Ledger) (struct{}, error) { return struct{}{}, l.UndoOutflow(p.ctx, o) })
}

// wait lets time pass where that is possible.
func (p *player) wait(r *rapid.T) {
	if p.timed {
		p.advance(rapid.SampledFrom([]time.Duration{time.Microsecond, 30 * time.Second, 2 * time.Minute, 14 * time.Minute, 5 * time.Hour}).Draw(r, "for"))
	}
}

func (p *player) advance(d time.Duration) {
	for _, l := range p.ledgers {
		if c, ok := clockOf(l); ok {
			c.Advance(d)
		}
	}
}

// audit compares all counters and checks them against the open holds.
func (p *player) audit(r *rapid.T) {
	names := slices.Sorted(maps.Keys(p.counters))
	var counters []alfred.Counter
	for _, n := range names {
		counters = append(counters, p.counters[n])
	}
	balances := both(r, p, func(l Ledger) ([]alfred.Balance, error) { return l.Balances(p.ctx, p.org, counters) })
	open := both(r, p, func(l Ledger) (int64, error) { return l.OpenHolds(p.ctx, p.org) })
	if int(open) != len(p.open) {
		r.Fatalf("%d open holds, expected %d", open, len(p.open))
	}
	held := map[string]alfred.Credits{}
	for id := range p.open {
		rec := p.records[id]
		for _, c := range rec.Caps {
			held[store.Name(c)] += rec.Granted
		}
		for _, l := range rec.Legs {
			for _, c := range l.Counters {
				held[store.Name(c)] += l.Taken
			}
		}
	}
	for i, n := range names {
		if b := balances[i]; b.Held() != held[n] || b.Settled < 0 || b.Outflow < 0 {
			r.Fatalf("%s: %+v, but open holds have taken %d", n, b, held[n])
		}
	}
}

// events expects the same events of all, at most one of a kind for each hold,
// and that they sum to what is settled.
func (p *player) events(r *rapid.T) {
	events := both(r, p, func(l Ledger) ([]alfred.UsageEvent, error) {
		entries, err := l.ReadEvents(p.ctx, p.org, "tape", 100_000, 0)
		var out []alfred.UsageEvent
		for _, e := range entries {
			out = append(out, e.Event)
			if e.Err != nil {
				err = e.Err
			}
		}
		slices.SortStableFunc(out, func(a, b alfred.UsageEvent) int {
			switch x, y := string(a.Reservation)+string(a.Kind), string(b.Reservation)+string(b.Kind); {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		return out, err
	})
	settled := map[string]alfred.Credits{}
	seen := map[string]bool{}
	for _, e := range events {
		if key := string(e.Reservation) + " " + string(e.Kind); seen[key] && !p.timed {
			r.Fatalf("two events: %s", key)
		} else {
			seen[key] = true
		}
		for _, c := range e.Charges {
			settled[store.Name(c.Counter)] += c.Amount
		}
	}
	for name, c := range p.counters {
		b := both(r, p, func(l Ledger) ([]alfred.Balance, error) {
			return l.Balances(p.ctx, p.org, []alfred.Counter{c})
		})[0]
		if b.Used() != settled[name] {
			r.Fatalf("%s: used %d, but the events sum to %d", name, b.Used(), settled[name])
		}
	}
}
