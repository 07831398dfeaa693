package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

// RunModel plays random operations on every ledger and on a model that knows
// the rules of docs/holds.md and no store: every reply, counter and event must
// be the model's. Limits change and windows end meanwhile. Rate buckets are
// left to [RunTape] and the tests of [RunLedger].
//
// When every ledger has a clock, days pass too; all clocks must then start at
// the same instant. Without, a window ends by being replaced.
func RunModel(t *testing.T, open func(testing.TB) map[string]Ledger) {
	rapid.Check(t, func(r *rapid.T) {
		p := newTrial(t, open(t))
		r.Repeat(map[string]func(*rapid.T){
			"":        p.audit,
			"reserve": p.reserve,
			"again":   p.again,
			"settle":  p.settle,
			"orphan":  p.orphan,
			"void":    p.void,
			"extend":  p.extend,
			"reap":    p.reap,
			"move":    p.move,
			"undo":    p.undo,
			"limit":   p.limit,
			"roll":    p.roll,
			"wait":    p.wait,
		})
		p.events(r)
	})
}

// trial is one organisation on all ledgers and in the model.
type trial struct {
	ctx     context.Context
	ledgers map[string]Ledger
	timed   bool
	org     alfred.OrgID
	start   time.Time
	day     time.Time // the first midnight
	period  int       // which window is the current one
	model   *rules

	ceilings map[string]alfred.Credits // by kind and subject
	requests []alfred.ReserveRequest
	records  []alfred.HoldRecord
	moves    []alfred.Outflow
	counters []alfred.Counter
}

// longestTrial keeps counters from being forgotten.
const longestTrial = 7 * 24 * time.Hour

func newTrial(t *testing.T, ledgers map[string]Ledger) *trial {
	p := &trial{ctx: t.Context(), ledgers: ledgers, timed: true, org: alfred.OrgID(unique(t, "org")), ceilings: map[string]alfred.Credits{}}
	for _, l := range ledgers {
		Open(t, l, p.org)
		e, err := l.Epoch(p.ctx, p.org)
		if err != nil {
			t.Fatal(err)
		}
		p.start = e.Now
		if _, ok := clockOf(l); !ok {
			p.timed = false
		}
	}
	p.day, p.model = p.start.Truncate(24*time.Hour), &rules{now: p.start}
	return p
}

// window is one of the windows of the organisation: a day, where days can
// pass, else one of many that hold the present.
func (p *trial) window(period int) alfred.Window {
	if p.timed {
		from := p.day.Add(time.Duration(period) * 24 * time.Hour)
		return alfred.Window{Start: from, End: from.Add(24 * time.Hour)}
	}
	return alfred.Window{Start: p.day.Add(time.Duration(period-100) * time.Hour), End: p.day.Add(100 * time.Hour)}
}

// expect plays an operation on every ledger: each must answer as the model.
func expect[R any](r *rapid.T, p *trial, what string, want R, code alfred.Code, play func(Ledger) (R, error)) {
	r.Helper()
	options := []cmp.Option{
		cmpopts.EquateEmpty(), cmpopts.IgnoreFields(alfred.ReserveReply{}, "Now", "Server"), cmpopts.IgnoreFields(alfred.OutflowReply{}, "Now"),
		// Of the balances in a reply only what is committed is promised.
		cmp.FilterPath(func(path cmp.Path) bool {
			return strings.Contains(path.String(), "Balances") && path.Last().String() != ".Committed" && len(path) > 3
		},
			cmp.Ignore()),
	}
	if !p.timed {
		options = append(options, cmpopts.IgnoreFields(alfred.HoldRecord{}, "Due"))
	}
	for name, l := range p.ledgers {
		got, err := play(l)
		if alfred.ErrorCode(err) != code {
			r.Fatalf("%s on %s: %v, expected the error %q", what, name, err, code)
		}
		if diff := cmp.Diff(want, got, options...); err == nil && diff != "" {
			r.Fatalf("%s: (-model +%s)\n%s", what, name, diff)
		}
	}
}

// charge draws a counter with the limit that stands now.
func (p *trial) charge(r *rapid.T, kind alfred.CounterKind, w alfred.Window) alfred.Charge {
	c := alfred.Counter{Kind: kind, Subject: rapid.SampledFrom([]string{"a", "b"}).Draw(r, "subject"), Window: w}
	if !slices.ContainsFunc(p.counters, func(k alfred.Counter) bool { return is(k, c) }) {
		p.counters = append(p.counters, c)
	}
	name := string(kind) + c.Subject
	if _, known := p.ceilings[name]; !known {
		p.ceilings[name] = ceilingOf(r)
	}
	shares := map[alfred.CounterKind]alfred.ShareRule{
		alfred.CountOrg: alfred.TakeQuarter, alfred.CountPool: alfred.TakeQuarter, alfred.CountUser: alfred.TakeAll,
	}
	share, known := shares[kind]
	if !known {
		share = alfred.TakeHalf
	}
	return alfred.Charge{Counter: c, Ceiling: p.ceilings[name], Share: share}
}

func ceilingOf(r *rapid.T) alfred.Credits {
	return rapid.OneOf(rapid.Custom(func(r *rapid.T) alfred.Credits { return amount(r, "ceiling") }), rapid.Just(alfred.Unlimited)).Draw(r, "ceiling")
}

func (p *trial) request(r *rapid.T) alfred.ReserveRequest {
	w := p.window(p.period)
	q := alfred.ReserveRequest{Org: p.org, Hold: alfred.HoldID(fmt.Sprintf("hold_%d", len(p.requests))), TTL: 4 * time.Minute, Window: w}
	switch rapid.IntRange(0, 9).Draw(r, "how") {
	case 0, 1:
		q.TTL = time.Millisecond
	case 2: // by a clock that is slow
		q.Window = alfred.Window{Start: p.day.Add(-300 * time.Hour), End: p.day.Add(-200 * time.Hour)}
	}
	q.Want = amount(r, "want")
	q.Need = min(q.Want, amount(r, "need"))
	for _, kind := range []alfred.CounterKind{alfred.CountKey, alfred.CountUser, alfred.CountOrg} {
		if n := rapid.IntRange(0, 5).Draw(r, "cap"); n < 2 {
			mode := []alfred.Mode{alfred.Enforce, alfred.Shadow}[n]
			q.Caps = append(q.Caps, alfred.Cap{Charge: p.charge(r, kind, w), Mode: mode, Code: alfred.Code(kind)})
		}
	}
	q.Legs = []alfred.Leg{{Kind: alfred.LegPersonal, Code: alfred.CodeUserQuota, Group: []alfred.Charge{p.charge(r, alfred.CountPersonal, w)}}}
	if rapid.Bool().Draw(r, "team") {
		q.Legs = append(q.Legs, alfred.Leg{
			Kind: alfred.LegTeam, Code: alfred.CodeTeamPool,
			Group: []alfred.Charge{p.charge(r, alfred.CountPool, w), p.charge(r, alfred.CountShare, w)},
		})
	}
	if rapid.Bool().Draw(r, "overdraft") {
		q.Legs = append(q.Legs, alfred.Leg{Kind: alfred.LegOverdraft, Code: alfred.CodeUserQuota, Group: []alfred.Charge{p.charge(r, alfred.CountOverdraft, w)}})
	}
	q.Terms = alfred.Terms{
		OnExpiry:  rapid.SampledFrom([]alfred.ReapPolicy{alfred.ReapEstimate, alfred.ReapInputOnly, alfred.ReapZero}).Draw(r, "policy"),
		InputCost: q.Need / 2, Event: alfred.UsageEvent{Org: p.org, Reservation: q.Hold, User: "ann"},
	}
	p.requests = append(p.requests, q)
	return q
}
