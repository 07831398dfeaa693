package sample_test

import (
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/sample"
)

// A refusal of the sample is one that the data plane could have given: what its
// checks say is left is what the events before it have left, and the request
// needs more than that.
func TestARefusalSaysWhatWasLeft(t *testing.T) {
	for _, shape := range []sample.Shape{
		{People: 60, Events: 6000, Days: 40},
		{People: 110, Events: 9000, Days: 40, Mark: "7ZDEM0", Window: alfred.WindowRule{Kind: alfred.Weekly}},
		{People: 60, Events: 9000, Days: 40, Window: alfred.WindowRule{
			Kind: alfred.Range, Start: time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		}},
	} {
		shape.Org, shape.Until, shape.Seed, shape.Domain = "org", time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), 3, "example.com"
		used := map[alfred.Counter]alfred.Credits{}
		refused, shared := 0, 0
		for day := range sample.New(shape).Days() {
			for _, e := range day {
				for _, c := range e.Charges {
					used[c.Counter] += c.Amount
				}
				d := e.Refused
				if d == nil {
					continue
				}
				refused++
				left, limit := alfred.Credits(0), alfred.Credits(0)
				for _, k := range d.Checks {
					if k.Kind != "leg" || k.Outcome != alfred.CheckFailed || k.Left == nil || k.Code == "" || *k.Left > k.Limit {
						t.Fatalf("%s: %+v", d.ID, k)
					}
					left, limit = left+*k.Left, limit+k.Limit
				}
				if len(d.Checks) == 0 || left != d.Remaining || limit != d.Limit || d.Need <= left || d.Want < d.Need || d.InputCost >= d.Need || d.PerToken != alfred.Credit {
					t.Fatalf("%s: %d checks, %s of %s left, and the decision is %+v", d.ID, len(d.Checks), left, limit, d)
				}
				window, err := shape.Window.At(e.At, time.UTC)
				if shape.Window.Kind == "" {
					window, err = alfred.WindowRule{Kind: alfred.Monthly}.At(e.At, time.UTC)
				}
				if err != nil {
					t.Fatal(err)
				}
				own := d.Checks[0]
				paid := used[alfred.Counter{Kind: alfred.CountPersonal, Subject: string(e.User), Window: window}]
				if own.Subject != string(e.User) || *own.Left != own.Limit-paid {
					t.Fatalf("%s: %s of %s left, and %s was paid", d.ID, *own.Left, own.Limit, paid)
				}
				if len(d.Checks) > 1 {
					shared++
					if want := alfred.CodeTeamPool; d.Code != want || d.Checks[1].Code != want || d.Team == "" {
						t.Fatalf("%s: %s", d.ID, d.Code)
					}
				}
			}
		}
		if refused == 0 || shared == 0 {
			t.Errorf("%+v: %d refused, %d of them by a share", shape, refused, shared)
		}
	}
}
