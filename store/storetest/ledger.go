package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// RunLedger puts a ledger through the contract.
func RunLedger(t *testing.T, open func(testing.TB) Ledger) {
	_, movable := clockOf(open(t))
	for _, c := range ledgerCases() {
		if c.clock && !movable {
			continue // the clock of a real server cannot be moved
		}
		t.Run(c.name, func(t *testing.T) { c.run(newBench(t, open(t))) })
	}
}

type ledgerCase struct {
	name  string
	run   func(*bench)
	clock bool // needs hours to pass
}

func ledgerCases() []ledgerCase {
	var out []ledgerCase
	for _, group := range [][]ledgerCase{reserveCases(), paceCases(), endCases(), outflowCases(), epochCases()} {
		out = append(out, group...)
	}
	return out
}

// bench is one organisation on a ledger under test.
type bench struct {
	*testing.T
	ctx    context.Context
	ledger Ledger
	org    alfred.OrgID
	window alfred.Window
	holds  int
}

func newBench(t *testing.T, l Ledger) *bench {
	b := &bench{T: t, ctx: t.Context(), ledger: l, org: alfred.OrgID(unique(t, "org"))}
	Open(t, l, b.org)
	now := b.now()
	b.window = alfred.Window{Start: now.Add(-24 * time.Hour).Truncate(time.Hour), End: now.Add(24 * time.Hour).Truncate(time.Hour)}
	return b
}

// now asks the ledger for its clock, by way of a request outside every window.
func (b *bench) now() time.Time {
	b.Helper()
	w := alfred.Window{Start: time.Unix(0, 0).UTC(), End: time.Unix(1, 0).UTC()}
	reply, err := b.ledger.Reserve(b.ctx, alfred.ReserveRequest{
		Org: b.org, Hold: "clock", Window: w, TTL: time.Second,
		Legs: []alfred.Leg{{Group: []alfred.Charge{{Counter: alfred.Counter{Kind: "clock", Subject: "x", Window: w}}}}},
	})
	if err != nil || reply.Verdict != alfred.VerdictStale {
		b.Fatalf("ask for the clock: %v, %v", reply.Verdict, err)
	}
	return reply.Now
}

func (b *bench) counter(kind alfred.CounterKind, subject string) alfred.Counter {
	return alfred.Counter{Kind: kind, Subject: subject, Window: b.window}
}

func (b *bench) charge(kind alfred.CounterKind, subject string, ceiling alfred.Credits, share alfred.ShareRule) alfred.Charge {
	return alfred.Charge{Counter: b.counter(kind, subject), Ceiling: ceiling, Share: share}
}

func (b *bench) cap(kind alfred.CounterKind, ceiling alfred.Credits, share alfred.ShareRule) alfred.Cap {
	return alfred.Cap{Charge: b.charge(kind, "a", ceiling, share), Mode: alfred.Enforce, Code: alfred.Code(kind) + "_cap"}
}

// personal and team are the legs of most tests.
func (b *bench) personal(ceiling alfred.Credits) alfred.Leg {
	return alfred.Leg{Kind: alfred.LegPersonal, Code: alfred.CodeUserQuota, Group: []alfred.Charge{b.charge(alfred.CountPersonal, "ann", ceiling, alfred.TakeHalf)}}
}

func (b *bench) team(pool, share alfred.Credits) alfred.Leg {
	return alfred.Leg{Kind: alfred.LegTeam, Code: alfred.CodeTeamPool, Group: []alfred.Charge{
		b.charge(alfred.CountPool, "core", pool, alfred.TakeQuarter),
		b.charge(alfred.CountShare, "core/ann", share, alfred.TakeHalf),
	}}
}

func (b *bench) overdraft(ceiling alfred.Credits) alfred.Leg {
	return alfred.Leg{Kind: alfred.LegOverdraft, Code: alfred.CodeUserQuota, Group: []alfred.Charge{b.charge(alfred.CountOverdraft, "ann", ceiling, alfred.TakeHalf)}}
}

// request asks for a new hold of exactly want, or of at least need.
func (b *bench) request(need, want alfred.Credits, legs ...alfred.Leg) alfred.ReserveRequest {
	b.holds++
	id := alfred.HoldID(fmt.Sprintf("hold_%d", b.holds))
	return alfred.ReserveRequest{
		Org: b.org, Hold: id, Need: need, Want: want, Legs: legs, Window: b.window, TTL: 2 * time.Minute,
		Terms: alfred.Terms{OnExpiry: alfred.ReapEstimate, Event: alfred.UsageEvent{Org: b.org, Reservation: id, User: "ann", Model: "m"}},
	}
}

func (b *bench) reserve(r alfred.ReserveRequest) alfred.ReserveReply {
	b.Helper()
	reply, err := b.ledger.Reserve(b.ctx, r)
	if err != nil {
		b.Fatal(err)
	}
	return reply
}

// grant reserves and expects to get so much, so divided over the legs.
func (b *bench) grant(r alfred.ReserveRequest, granted alfred.Credits, takes ...alfred.Credits) alfred.HoldRecord {
	b.Helper()
	reply := b.reserve(r)
	if reply.Verdict != alfred.VerdictGranted {
		b.Fatalf("verdict %s (%+v), expected a grant of %d", reply.Verdict, reply.Blocker, granted)
	}
	if reply.Record.Granted != granted {
		b.Fatalf("granted %d, expected %d", reply.Record.Granted, granted)
	}
	if len(takes) > 0 {
		var got []alfred.Credits
		for _, l := range reply.Record.Legs {
			got = append(got, l.Taken)
		}
		if diff := cmp.Diff(takes, got); diff != "" {
			b.Fatalf("division over legs (-expected +got):\n%s", diff)
		}
	}
	return reply.Record
}

// refuse reserves and expects a refusal that changes nothing.
func (b *bench) refuse(r alfred.ReserveRequest, verdict alfred.Verdict, code alfred.Code) alfred.ReserveReply {
	b.Helper()
	before := b.balances(r)
	reply := b.reserve(r)
	if reply.Verdict != verdict || reply.Blocker.Code != code {
		b.Fatalf("verdict %s by %q, expected %s by %q", reply.Verdict, reply.Blocker.Code, verdict, code)
	}
	if diff := cmp.Diff(before, b.balances(r)); diff != "" {
		b.Fatalf("a refusal changed counters:\n%s", diff)
	}
	return reply
}

func (b *bench) settle(rec alfred.HoldRecord, cost alfred.Credits, want alfred.EndState) {
	b.Helper()
	end, err := b.ledger.Settle(b.ctx, alfred.Settlement{Record: rec, Cost: cost, Event: rec.Terms.Event})
	if err != nil || end != want {
		b.Fatalf("settle: %s, %v; expected %s", end, err, want)
	}
}

func (b *bench) void(rec alfred.HoldRecord, want alfred.EndState) {
	b.Helper()
	end, err := b.ledger.Void(b.ctx, rec, alfred.UsageEvent{})
	if err != nil || end != want {
		b.Fatalf("void: %s, %v; expected %s", end, err, want)
	}
}

// balances reads all counters of a request.
func (b *bench) balances(r alfred.ReserveRequest) map[string]alfred.Balance {
	b.Helper()
	var counters []alfred.Counter
	for _, c := range store.Charges(r) {
		counters = append(counters, c.Counter)
	}
	return b.read(counters...)
}

func (b *bench) read(counters ...alfred.Counter) map[string]alfred.Balance {
	b.Helper()
	got, err := b.ledger.Balances(b.ctx, b.org, counters)
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]alfred.Balance{}
	for i, c := range counters {
		out[store.Name(c)] = got[i]
	}
	return out
}

// stands expects a counter to be so much committed, of it so much settled.
func (b *bench) stands(c alfred.Charge, committed, settled alfred.Credits) {
	b.Helper()
	got := b.read(c.Counter)[store.Name(c.Counter)]
	if got.Committed != committed || got.Settled != settled {
		b.Fatalf("%s: committed %d, settled %d; expected %d, %d", store.Name(c.Counter), got.Committed, got.Settled, committed, settled)
	}
}

// open expects so many holds to be open.
func (b *bench) open(want int64) {
	b.Helper()
	got, err := b.ledger.OpenHolds(b.ctx, b.org)
	if err != nil || got != want {
		b.Fatalf("%d open holds, %v; expected %d", got, err, want)
	}
}

// events reads and acknowledges what the stream holds.
func (b *bench) events() []alfred.UsageEvent {
	b.Helper()
	var out []alfred.UsageEvent
	for {
		entries, err := b.ledger.ReadEvents(b.ctx, b.org, "test", 100, 0)
		if err != nil {
			b.Fatal(err)
		}
		if len(entries) == 0 {
			return out
		}
		var ids []string
		for _, e := range entries {
			if e.Err != nil {
				b.Fatal(e.Err)
			}
			ids = append(ids, e.ID)
			out = append(out, e.Event)
		}
		if err := b.ledger.AckEvents(b.ctx, b.org, ids); err != nil {
			b.Fatal(err)
		}
	}
}
