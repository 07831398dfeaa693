package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestUsageComesInPagesNewestFirst(t *testing.T) {
	w := newWorld(t)
	var events []alfred.UsageEvent
	for i := range 10 {
		// Pairs share their time, and pages end inside of pairs.
		e := w.settled(fmt.Sprintf("hold_%d", i), noon.Add(time.Duration(i/2)*20*time.Hour), 1)
		if i == 4 {
			e.User = "usr_bo"
		}
		events = append([]alfred.UsageEvent{e}, events...)
	}
	w.record(10, events...)
	f, pages := alfred.UsageFilter{Limit: 3}, 0
	var got []alfred.UsageEvent
	for {
		page, next, err := w.Usage(w.ctx, w.org, f)
		w.must(err)
		got = append(got, page...)
		pages++
		if next == "" {
			break
		}
		f.After = next
	}
	w.same(got, events)
	w.same(pages, 4)

	all, next, err := w.Usage(w.ctx, w.org, alfred.UsageFilter{Limit: 10})
	w.must(err)
	w.same(all, events)
	w.same(next, "")
	bo, _, err := w.Usage(w.ctx, w.org, alfred.UsageFilter{User: "usr_bo"})
	w.must(err)
	w.same(bo, events[5:6])
	some, _, err := w.Usage(w.ctx, w.org, alfred.UsageFilter{From: noon.Add(20 * time.Hour), Until: noon.Add(60 * time.Hour)})
	w.must(err)
	w.same(some, events[4:8])
	for _, cursor := range []string{"!", "eHh4", "YSBiIGM"} {
		_, _, err := w.Usage(w.ctx, w.org, alfred.UsageFilter{After: cursor})
		w.refused(err, alfred.CodeValidation)
	}
}

func TestTotalsAreExactForWindowsThatCutHours(t *testing.T) {
	w := newWorld(t)
	// One event of one micro-credit every ten minutes of six hours.
	var events []alfred.UsageEvent
	for i := range 36 {
		e := w.settled(fmt.Sprintf("hold_%d", i), noon.Add(time.Duration(i)*10*time.Minute), 1)
		if i%2 == 1 {
			e.User = "usr_bo"
		}
		events = append(events, e)
	}
	w.record(36, events...)
	minute := func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }
	for _, c := range []struct {
		name        string
		from, until time.Time
		user        alfred.UserID
		want        int64
	}{
		{"all", time.Time{}, time.Time{}, "", 36},
		{"whole hours", minute(60), minute(180), "", 12},
		{"from half past", minute(30), time.Time{}, "", 33},
		{"until half past", time.Time{}, minute(90), "", 9},
		{"from and until half past", minute(30), minute(150), "", 12},
		{"inside of an hour", minute(70), minute(90), "", 2},
		{"over one end of an hour", minute(50), minute(70), "", 2},
		{"of one person", minute(30), minute(150), "usr_bo", 6},
		{"nothing", minute(600), minute(700), "", 0},
		{"an empty stretch", minute(70), minute(70), "", 0},
		{"from the hour until half past", minute(60), minute(90), "", 3},
		{"from half past until the hour", minute(30), minute(60), "", 3},
		{"backwards", minute(90), minute(60), "", 0},
		{"over midnight", noon.Add(-13 * time.Hour).Add(30 * time.Minute), minute(30), "", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := *w
			w.TB = t
			got, err := w.UsageTotals(w.ctx, w.org, alfred.UsageFilter{User: c.user, From: c.from, Until: c.until})
			w.must(err)
			var sum alfred.UsageTotal
			for _, total := range got {
				sum = total
			}
			if sum.Requests != c.want || sum.Cost != alfred.Credits(c.want) || sum.Usage.Output != 4*c.want {
				t.Errorf("got %+v, want %d", sum, c.want)
			}
		})
	}
}

// What a process sets aside for an outage, and gives back or lets expire, is
// recorded like every hold, but is no request.
func TestAnAllowanceIsNoRequest(t *testing.T) {
	w := newWorld(t)
	spent := w.settled("hold_1", noon.Add(time.Minute), 1)
	var events []alfred.UsageEvent
	for i, kind := range []alfred.EventKind{alfred.EventVoid, alfred.EventExpired} {
		events = append(events, alfred.UsageEvent{
			Kind: kind, Org: w.org, Reservation: alfred.HoldID(fmt.Sprintf("hold_a%d", i)), At: noon.Add(time.Minute), Outcome: alfred.OutcomeAllowance, Held: 5,
		})
	}
	w.record(3, append(events, spent)...)
	list, _, err := w.Usage(w.ctx, w.org, alfred.UsageFilter{})
	w.must(err)
	w.same(list, []alfred.UsageEvent{spent})
	for _, f := range []alfred.UsageFilter{{}, {From: noon.Add(30 * time.Second), Until: noon.Add(2 * time.Minute)}} {
		totals, err := w.UsageTotals(w.ctx, w.org, f)
		w.must(err)
		if len(totals) != 1 || totals[0].Requests != 1 {
			t.Errorf("totals %+v", totals)
		}
	}
	w.same(w.count("SELECT sum(requests)::bigint FROM usage_hourly"), int64(1))
}
