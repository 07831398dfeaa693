package alfred_test

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

// A threshold is reached when used / limit >= percent / 100, exactly.
func TestReached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		percents := rapid.SliceOfNDistinct(rapid.IntRange(1, 100), 0, alfred.MaxAlertThresholds, rapid.ID[int]).Draw(t, "percents")
		for i := range percents {
			for j := range i {
				if percents[i] < percents[j] {
					percents[i], percents[j] = percents[j], percents[i]
				}
			}
		}
		if err := alfred.ValidThresholds("x", percents); err != nil {
			t.Fatal(err)
		}
		limit := alfred.Credits(rapid.Int64Range(-5, int64(alfred.MaxCredits)).Draw(t, "limit"))
		used := alfred.Credits(rapid.OneOf(rapid.Int64(), rapid.Int64Range(int64(limit)-3, int64(limit)+3), rapid.Int64Range(int64(limit)/2-3, int64(limit)/2+3)).Draw(t, "used"))
		want := 0
		for _, p := range percents {
			a := new(big.Int).Mul(big.NewInt(int64(used)), big.NewInt(100))
			b := new(big.Int).Mul(big.NewInt(int64(limit)), big.NewInt(int64(p)))
			if used > 0 && limit > 0 && a.Cmp(b) >= 0 {
				want = p
			}
		}
		if got := alfred.Reached(percents, used, limit); got != want {
			t.Fatalf("%v of %v at %v: got %d, want %d", used, limit, percents, got, want)
		}
	})
}

func TestThresholdsThatAreNone(t *testing.T) {
	for _, bad := range [][]int{{0}, {101}, {50, 50}, {90, 50}, {1, 2, 3, 4, 5, 6, 7, 8, 9}} {
		if alfred.ErrorCode(alfred.ValidThresholds("alert_thresholds", bad)) != alfred.CodeValidation {
			t.Errorf("%v is taken", bad)
		}
	}
	for _, good := range [][]int{nil, {}, {1}, {100}, alfred.DefaultAlertThresholds()} {
		if err := alfred.ValidThresholds("alert_thresholds", good); err != nil {
			t.Error(err)
		}
	}
}

// A message is tried for a day, less and less often, and then given up.
func TestDeliveryIsTriedForADay(t *testing.T) {
	start := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	d := alfred.Delivery{State: alfred.DeliveryPending, CreatedAt: start, NextAt: start}
	now, before := start, time.Duration(0)
	for d.State == alfred.DeliveryPending {
		now = d.NextAt
		d.Attempts++
		d = d.After(alfred.DeliveryOutcome{Detail: "away"}, now)
		if wait := d.NextAt.Sub(now); d.State == alfred.DeliveryPending && (wait < before || wait < 10*time.Second || wait > time.Hour) {
			t.Fatalf("attempt %d: waits %s after %s", d.Attempts, wait, before)
		} else if d.State == alfred.DeliveryPending {
			before = wait
		}
	}
	if d.State != alfred.DeliveryFailed || !d.EndedAt.Equal(now) || now.Sub(start) > 24*time.Hour || now.Sub(start) < 22*time.Hour || d.Attempts > 40 {
		t.Errorf("given up after %s and %d attempts: %+v", now.Sub(start), d.Attempts, d)
	}
	one := alfred.Delivery{State: alfred.DeliveryPending, CreatedAt: start, Attempts: 1}
	for what, c := range map[string]struct {
		of      alfred.Delivery
		outcome alfred.DeliveryOutcome
		state   alfred.DeliveryState
		wait    time.Duration
	}{
		"arrived":       {one, alfred.DeliveryOutcome{Delivered: true}, alfred.DeliveryDelivered, 0},
		"refused":       {one, alfred.DeliveryOutcome{Hopeless: true}, alfred.DeliveryFailed, 0},
		"asked to wait": {one, alfred.DeliveryOutcome{Wait: time.Minute}, alfred.DeliveryPending, time.Minute},
		"for too long":  {one, alfred.DeliveryOutcome{Wait: 20 * time.Hour}, alfred.DeliveryPending, time.Hour},
		"a test":        {alfred.Delivery{About: alfred.AboutTest, CreatedAt: start, Attempts: 1}, alfred.DeliveryOutcome{}, alfred.DeliveryFailed, 0},
	} {
		got := c.of.After(c.outcome, start)
		if got.State != c.state || c.wait > 0 && got.NextAt.Sub(start) != c.wait || (got.State == alfred.DeliveryPending) == got.NextAt.IsZero() || (got.State == alfred.DeliveryPending) != got.EndedAt.IsZero() {
			t.Errorf("%s: %+v", what, got)
		}
	}
}
