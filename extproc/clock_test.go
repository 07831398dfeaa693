package extproc

import (
	"fmt"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// day is a local day that ends at an instant, with how long it and the day
// after it are.
type day struct {
	zone        string
	end         string // of the day, UTC: the window's edge
	hours, next float64
}

// Days whose end is hard to find: next to changes of daylight saving, in zones
// that change at midnight, by half an hour, or not at all.
var days = []day{
	{"UTC", "2026-11-30T00:00:00Z", 24, 24},
	{"Europe/Berlin", "2026-03-28T23:00:00Z", 24, 23},
	{"Europe/Berlin", "2026-03-29T22:00:00Z", 23, 24},
	{"Europe/Berlin", "2026-10-25T23:00:00Z", 25, 24},
	{"America/Sao_Paulo", "2018-11-04T03:00:00Z", 24, 23}, // midnight did not exist
	{"America/Sao_Paulo", "2019-02-17T03:00:00Z", 25, 24}, // the hour before midnight came twice
	{"Australia/Lord_Howe", "2026-04-05T13:30:00Z", 24.5, 24},
	{"Australia/Lord_Howe", "2026-10-04T13:00:00Z", 23.5, 24},
	{"Asia/Kathmandu", "2026-11-29T18:15:00Z", 24, 24},
}

// daily is a town whose windows are days of a zone, at a distance from the end
// of one of them.
func daily(t *testing.T, d day, from time.Duration, mode alfred.FailMode) *town {
	t.Helper()
	edge, err := time.Parse(time.RFC3339, d.end)
	if err != nil {
		t.Fatal(err)
	}
	return newTown(t, 0, func(w *town) {
		w.clock.now = edge.Add(from)
		w.catalog.Settings.Zone, w.catalog.Settings.Window = d.zone, alfred.WindowRule{Kind: alfred.Daily}
		w.catalog.Settings.FailMode = mode
	})
}

// windows are the day that ends, and the next one.
func (d day) windows(t *testing.T) (before, after alfred.Window) {
	t.Helper()
	edge, err := time.Parse(time.RFC3339, d.end)
	if err != nil {
		t.Fatal(err)
	}
	hours := func(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }
	return alfred.Window{Start: edge.Add(-hours(d.hours)), End: edge}, alfred.Window{Start: edge, End: edge.Add(hours(d.next))}
}

func (w *town) settledIn(window alfred.Window) alfred.Credits {
	return w.balance(alfred.Counter{Kind: alfred.CountPersonal, Subject: string(w.people[0].User), Window: window}).Settled
}

var skews = []time.Duration{0, -90 * time.Second, 90 * time.Second, -25 * time.Hour, 25 * time.Hour}

// Ledger test 7, and 6 for the edges: whatever a process takes for the time,
// the store's clock decides in which window something is spent. The day ends
// a millisecond after 23:59:59.999, wherever daylight saving puts that.
func TestLedger07_ClockSkewNeverSpendsInTheWrongWindow(t *testing.T) {
	for _, d := range days {
		for _, skew := range skews {
			for _, from := range []time.Duration{-89 * time.Second, -time.Millisecond, 0, time.Millisecond, 89 * time.Second} {
				t.Run(fmt.Sprintf("%s %s, clock %v off, %v from the edge", d.zone, d.end[:10], skew, from), func(t *testing.T) {
					w := daily(t, d, from, alfred.FailDeny)
					p := w.startWith("", skew)
					before, after := d.windows(t)
					here, other := before, after
					if from >= 0 {
						here, other = after, before
					}
					h, decision := w.ask(p, 0, 90)
					if !decision.Allowed {
						t.Fatalf("%+v", decision)
					}
					if !decision.ResetsAt.Equal(here.End) {
						t.Errorf("resets at %s, want %s", decision.ResetsAt, here.End)
					}
					w.settle(p, h, 90)
					if got := w.settledIn(here); got != 100*alfred.Credit {
						t.Errorf("%s settled in the window of the store's clock", got)
					}
					if got := w.settledIn(other); got != 0 {
						t.Errorf("%s settled in the other window", got)
					}
				})
			}
		}
	}
}

// Ledger test 7 in an outage: what the store said last of its clock still
// decides, for what is set aside and for what is charged afterwards.
func TestLedger07_ClockSkewInAnOutage(t *testing.T) {
	for _, mode := range []alfred.FailMode{alfred.FailLocal, alfred.FailAllow} {
		for _, d := range days {
			for _, skew := range skews {
				t.Run(fmt.Sprintf("%s, %s %s, clock %v off", mode, d.zone, d.end[:10], skew), func(t *testing.T) {
					w := daily(t, d, -time.Minute, mode)
					p := w.startWith("", skew)
					before, after := d.windows(t)
					h, decision := w.ask(p, 0, 90)
					if !decision.Allowed {
						t.Fatalf("%+v", decision)
					}
					w.settle(p, h, 90)
					p.allowances.step(t.Context())
					w.cut(true)
					// The last millisecond of the day.
					w.clock.advance(time.Minute - time.Millisecond)
					h, decision = w.ask(p, 0, 190)
					if !decision.Allowed || decision.Degraded != string(mode) || !decision.ResetsAt.Equal(before.End) {
						t.Fatalf("before midnight: %+v", decision)
					}
					w.clock.advance(time.Millisecond)
					late, decision := w.ask(p, 0, 390)
					if decision.Allowed != (mode == alfred.FailAllow) {
						t.Fatalf("after midnight: %+v", decision)
					}
					w.cut(false)
					w.settle(p, h, 190)
					want := alfred.Credits(0)
					if late != nil {
						w.settle(p, late, 390)
						want = 400 * alfred.Credit
					}
					if got := w.settledIn(before); got != 300*alfred.Credit {
						t.Errorf("%s settled in the day that ended", got)
					}
					if got := w.settledIn(after); got != want {
						t.Errorf("%s settled in the new day, want %s", got, want)
					}
				})
			}
		}
	}
}

// Peers test 6: a hold that is taken before midnight and settled after it
// stays in its window, once; the new window is not credited or charged.
func TestPeers06_HoldAcrossMidnightStaysInItsWindow(t *testing.T) {
	for _, d := range days {
		for _, skew := range skews {
			t.Run(fmt.Sprintf("%s %s, clock %v off", d.zone, d.end[:10], skew), func(t *testing.T) {
				w := daily(t, d, -time.Millisecond, alfred.FailDeny)
				p := w.startWith("", skew)
				before, after := d.windows(t)
				settled, decision := w.ask(p, 0, 990)
				if !decision.Allowed {
					t.Fatalf("%+v", decision)
				}
				expires, decision := w.ask(p, 0, 490)
				if !decision.Allowed {
					t.Fatalf("%+v", decision)
				}
				w.clock.advance(time.Millisecond)
				// The new day has all of its quota, whatever is open of the old one.
				fresh, decision := w.ask(p, 0, 9990)
				if !decision.Allowed || fresh.limit != 0 {
					t.Fatalf("the new day: %+v", decision)
				}
				p.Release(t.Context(), fresh, End{Outcome: alfred.OutcomeUpstreamError, At: p.now()})
				w.settle(p, settled, 90)
				w.clock.advance(5 * time.Minute)
				p.reapAll(t.Context(), p.way.orgs)
				if got := w.settledIn(before); got != 600*alfred.Credit {
					t.Errorf("%s settled in the old day, want 100 and an expiry of 500", got)
				}
				w.settle(p, expires, 40) // the truth, after it expired
				for range 2 {            // once, however often it is said
					record := settled.record
					if _, err := w.store.Settle(t.Context(), alfred.Settlement{Record: record, Cost: 100 * alfred.Credit, Event: settled.finished(End{At: p.now()})}); err != nil {
						t.Fatal(err)
					}
				}
				if got := w.settledIn(before); got != 150*alfred.Credit {
					t.Errorf("%s settled in the old day, want 150", got)
				}
				if got := w.settledIn(after); got != 0 {
					t.Errorf("%s settled in the new day", got)
				}
			})
		}
	}
}
