package store_test

import (
	"testing"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// An expiry was charged to the pool and corrected there. The settlement that
// is told afterwards, by a process that was never told who pays, names the
// quota: the amount is the same, so nothing moves.
func TestWhoHasPaidIsWhatTheLedgerSaid(t *testing.T) {
	of := func(kind alfred.CounterKind, amount alfred.Credits) []alfred.CounterAmount {
		return []alfred.CounterAmount{{Counter: alfred.Counter{Kind: kind, Subject: "s"}, Amount: amount}}
	}
	var b store.Booked
	for _, e := range []alfred.UsageEvent{
		{Kind: alfred.EventExpired, Cost: 658, Charges: of(alfred.CountPool, 658), Usage: alfred.Usage{Output: 658}},
		{Kind: alfred.EventAdjust, Cost: -585, Charges: of(alfred.CountPool, -585), Usage: alfred.Usage{Output: 73}},
	} {
		row, adds := b.Book(e)
		if !adds {
			t.Fatalf("%s adds nothing", e.Kind)
		}
		b.Add(row)
	}
	truth := alfred.UsageEvent{Kind: alfred.EventSettle, Cost: 73, Charges: of(alfred.CountPersonal, 73), Usage: alfred.Usage{Output: 73}}
	if row, adds := b.Book(truth); adds {
		t.Errorf("the same amount is booked again: %+v", row)
	}
	truth.Cost, truth.Charges = 80, of(alfred.CountPersonal, 80)
	if _, adds := b.Book(truth); !adds {
		t.Error("another amount adds nothing")
	}
}

// An expiry of which the truth is recorded already adds nothing, whoever read
// the stream in which order.
func TestAnExpiryAfterTheTruthAddsNothing(t *testing.T) {
	for _, truth := range []alfred.EventKind{alfred.EventSettle, alfred.EventVoid} {
		b := &store.Booked{}
		row, adds := b.Book(alfred.UsageEvent{Kind: truth, Cost: 5})
		if !adds {
			t.Fatalf("%s: it adds nothing", truth)
		}
		b.Add(row)
		if row, adds := b.Book(alfred.UsageEvent{Kind: alfred.EventExpired, Cost: 8}); adds {
			t.Errorf("%s: the expiry is booked as %+v", truth, row)
		}
	}
}
