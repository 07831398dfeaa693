package alfred_test

import (
	"encoding/json"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

func TestCreditsText(t *testing.T) {
	for text, want := range map[string]alfred.Credits{
		"0": 0, "10000": 10_000 * alfred.Credit, "0.000001": 1, "-1.5": -1_500_000, "7.250000": 7_250_000, "9000000000": alfred.MaxCredits,
	} {
		got, err := alfred.ParseCredits(text)
		if err != nil || got != want {
			t.Errorf("ParseCredits(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", ".5", "1.", "1e3", "+1", " 1", "1.0000001", "0x1", "NaN", "10000000000000", "--1", "1.2.3", "1,5"} {
		if got, err := alfred.ParseCredits(text); err == nil {
			t.Errorf("ParseCredits(%q) = %d, want an error", text, got)
		}
	}
}

func TestFigure(t *testing.T) {
	for micro, want := range map[alfred.Credits]string{
		0: "0", 999 * alfred.Credit: "999", 1000 * alfred.Credit: "1,000", -100 * alfred.Credit: "-100", -1000 * alfred.Credit: "-1,000",
		12_500_250_000: "12,500.25", 1_234_567_123_456: "1,234,567.123456", 123_456: "0.123456", alfred.MaxCredits: "9,000,000,000", alfred.Unlimited: "unlimited",
	} {
		if got := alfred.Figure(micro); got != want {
			t.Errorf("%d micro-credits read %s, want %s", micro, got, want)
		}
	}
	if got := alfred.Figure(100_000) + " " + alfred.Figure(int64(-1<<31)); got != "100,000 -2,147,483,648" {
		t.Errorf("counts read %s", got)
	}
}

func TestCreditsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := alfred.Credits(rapid.Int64Range(-9e18, 9e18).Draw(t, "credits"))
		if got, err := alfred.ParseCredits(c.String()); err != nil || got != c {
			t.Fatalf("%d as text %s reads %d, %v", c, c, got, err)
		}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back alfred.Credits
		if err := json.Unmarshal(b, &back); err != nil || back != c {
			t.Fatalf("%d as JSON %s reads %d, %v", c, b, back, err)
		}
	})
}

// Checked arithmetic agrees with arithmetic that cannot overflow.
func TestCreditsArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		for name, c := range map[string]struct {
			got  func() (alfred.Credits, error)
			want *big.Int
		}{
			"add": {func() (alfred.Credits, error) { return alfred.Credits(a).Add(alfred.Credits(b)) }, new(big.Int).Add(big.NewInt(a), big.NewInt(b))},
			"sub": {func() (alfred.Credits, error) { return alfred.Credits(a).Sub(alfred.Credits(b)) }, new(big.Int).Sub(big.NewInt(a), big.NewInt(b))},
			"mul": {func() (alfred.Credits, error) { return alfred.Credits(a).Mul(b) }, new(big.Int).Mul(big.NewInt(a), big.NewInt(b))},
		} {
			got, err := c.got()
			if c.want.IsInt64() != (err == nil) || (err == nil && int64(got) != c.want.Int64()) {
				t.Fatalf("%s(%d, %d) = %d, %v; want %s", name, a, b, got, err, c.want)
			}
		}
	})
}

func TestPercentRoundsDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, p := rapid.Int64Range(0, 9e18).Draw(t, "a"), rapid.IntRange(0, 100).Draw(t, "percent")
		want := new(big.Int).Mul(big.NewInt(a), big.NewInt(int64(p)))
		want.Quo(want, big.NewInt(100))
		if got := alfred.Credits(a).Percent(p); int64(got) != want.Int64() {
			t.Fatalf("%d%% of %d = %d, want %s", p, a, got, want)
		}
	})
}
