package redis_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Whichever level is exhausted, the others are not touched by the request that
// it refuses.
func TestLedger05_HierarchyRefusalChangesNoLevel(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		client := connect(t, s.url(t))
		org := fresh(t, client)
		for level := range 4 {
			r := request(org, 1+level, 100, 1_000_000)
			before := request(org, 100+level, 7, 1_000_000)
			if reply, err := client.Reserve(t.Context(), before); err != nil || reply.Verdict != alfred.VerdictGranted {
				t.Fatal(reply.Verdict, err)
			}
			switch level {
			case 0, 1:
				r.Caps[level].Ceiling = 99
			default: // both legs together carry less than it needs
				r.Legs[0].Group[0].Ceiling, r.Legs[1].Group[0].Ceiling = 60, 39
				if level == 3 {
					r.Legs = r.Legs[:1]
				}
			}
			var counters []alfred.Counter
			for _, c := range store.Charges(r) {
				counters = append(counters, c.Counter)
			}
			was, err := client.Balances(t.Context(), org, counters)
			if err != nil {
				t.Fatal(err)
			}
			open, err := client.OpenHolds(t.Context(), org)
			if err != nil {
				t.Fatal(err)
			}
			reply, err := client.Reserve(t.Context(), r)
			if err != nil || reply.Verdict != alfred.VerdictSpent && reply.Verdict != alfred.VerdictHeld {
				t.Fatalf("level %d: %s, %v", level, reply.Verdict, err)
			}
			is, err := client.Balances(t.Context(), org, counters)
			if diff := cmp.Diff(was, is); err != nil || diff != "" {
				t.Errorf("level %d: a refusal changed counters, %v:\n%s", level, err, diff)
			}
			if now, err := client.OpenHolds(t.Context(), org); err != nil || now != open {
				t.Errorf("level %d: %d open holds, %d before, %v", level, now, open, err)
			}
		}
	})
}
