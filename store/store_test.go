package store_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Two counters have one name only if they are the same subject in the same
// window, and no subject can leave its place in a key.
func TestNamesTellCountersApart(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		counter := rapid.Custom(func(r *rapid.T) alfred.Counter {
			return alfred.Counter{
				Kind:    rapid.SampledFrom([]alfred.CounterKind{alfred.CountUser, alfred.CountModel}).Draw(r, "kind"),
				Subject: rapid.StringOf(rapid.SampledFrom([]rune("ab:%{}3A/ é\n"))).Draw(r, "subject"),
				Window:  alfred.Window{Start: time.Unix(rapid.Int64Range(0, 2).Draw(r, "start"), 0)},
			}
		})
		a, b := counter.Draw(r, "a"), counter.Draw(r, "b")
		if (store.Name(a) == store.Name(b)) != (a == b) {
			r.Fatalf("%+v and %+v are named %q and %q", a, b, store.Name(a), store.Name(b))
		}
		if strings.ContainsAny(store.Escape(a.Subject), ":{} \n") {
			r.Fatalf("%q is escaped as %q", a.Subject, store.Escape(a.Subject))
		}
	})
}

// While a missing record may still be charged, it cannot be the tombstone of a
// hold that has ended: the earliest end of a hold is when it was reserved.
func TestALateChargeCannotBeTheSecond(t *testing.T) {
	reserved := time.Unix(0, 0)
	due := reserved.Add(store.MaxHoldTTL)
	if lapses := reserved.Add(store.TombstoneTTL); due.Add(store.LateFor).After(lapses) {
		t.Errorf("late charges until %s, but a tombstone may lapse at %s", due.Add(store.LateFor), lapses)
	}
}

func TestRefusedSumsWithoutOverflow(t *testing.T) {
	leg := func(subject string, ceiling alfred.Credits) alfred.Leg {
		return alfred.Leg{Code: alfred.CodeTeamPool, Group: []alfred.Charge{{Counter: alfred.Counter{Subject: subject}, Ceiling: ceiling}}}
	}
	r := alfred.ReserveRequest{Need: 1, Legs: []alfred.Leg{leg("a", alfred.Unlimited), leg("b", alfred.Unlimited), leg("c", alfred.MaxCredits)}}
	none := func(int) alfred.Credits { return 0 }
	if got := store.Remaining(r, none); got != alfred.Unlimited {
		t.Errorf("remaining %d", got)
	}
	_, b := store.Refused(r, make([]alfred.Balance, 3))
	if b.Limit != alfred.Unlimited {
		t.Errorf("limit %d", b.Limit)
	}
}
