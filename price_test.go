package alfred_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

func drawRate(t *rapid.T) alfred.Rate {
	draw := func(name string) alfred.Credits {
		return alfred.Credits(rapid.Int64Range(0, 5_000_000*int64(alfred.Credit)).Draw(t, name))
	}
	return alfred.Rate{Match: "*", Input: draw("input"), CachedInput: draw("cached"), CacheWrite: draw("write"), Output: draw("output"), Reasoning: draw("reasoning"), Request: draw("fee")}
}

// Cost is the exact sum, rounded up once.
func TestCostIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		tokens := func(name string) int64 { return rapid.Int64Range(0, 20_000_000).Draw(t, name) }
		u := alfred.Usage{Input: tokens("in"), CachedInput: tokens("cached in"), CacheWrite: tokens("cache write"), Output: tokens("out"), Reasoning: tokens("thought")}
		sum := new(big.Int)
		for _, k := range [][2]int64{{u.Input, int64(r.Input)}, {u.CachedInput, int64(r.CachedInput)}, {u.CacheWrite, int64(r.CacheWrite)}, {u.Output, int64(r.Output)}, {u.Reasoning, int64(r.Reasoning)}} {
			sum.Add(sum, new(big.Int).Mul(big.NewInt(k[0]), big.NewInt(k[1])))
		}
		sum.Add(sum, big.NewInt(999_999)).Quo(sum, big.NewInt(1_000_000)).Add(sum, big.NewInt(int64(r.Request)))
		got, err := r.Cost(u)
		if sum.IsInt64() != (err == nil) || (err == nil && int64(got) != sum.Int64()) {
			t.Fatalf("cost %d (%v), want %s", got, err, sum)
		}
	})
}

// The bound of a request is never below the cost of anything it may become.
func TestBoundCoversCost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		input, limit := rapid.Int64Range(0, 1_000_000).Draw(t, "input"), rapid.Int64Range(1, 200_000).Draw(t, "limit")
		b, err := r.Bound(input)
		if err != nil {
			t.Fatal(err)
		}
		cached := rapid.Int64Range(0, input).Draw(t, "cached")
		written := rapid.Int64Range(0, input-cached).Draw(t, "written")
		output := rapid.Int64Range(0, limit).Draw(t, "output")
		thought := rapid.Int64Range(0, limit-output).Draw(t, "thought")
		cost, err := r.Cost(alfred.Usage{Input: input - cached - written, CachedInput: cached, CacheWrite: written, Output: output, Reasoning: thought})
		if err != nil {
			t.Fatal(err)
		}
		// Rounding up twice, once for the input and once a token, may add, never take away.
		if bound := b.Amount(limit); bound < min(cost, alfred.MaxCredits) {
			t.Fatalf("bound %s below cost %s", bound, cost)
		}
		// What an amount pays for costs no more than the amount.
		amount := alfred.Credits(rapid.Int64Range(int64(b.Fixed), int64(alfred.MaxCredits)).Draw(t, "amount"))
		if n := b.Tokens(amount); n < math.MaxInt64 && b.Amount(n) > amount {
			t.Fatalf("%d tokens of %s cost %s", n, amount, b.Amount(n))
		}
	})
}

func TestGuidePrices(t *testing.T) {
	rate, named := alfred.DefaultRateCard().For("gpt-4")
	cost, err := rate.Cost(alfred.Usage{Input: 3000, Output: 500})
	if err != nil || cost != 3500*alfred.Credit || named {
		t.Errorf("3,500 tokens of gpt-4 cost %s (%v), named %v; want 3500 credits by *", cost, err, named)
	}
}

func TestRateMatching(t *testing.T) {
	card := alfred.RateCard{Rates: []alfred.Rate{{Match: "*", Input: 1}, {Match: "gpt-4*", Input: 2}, {Match: "gpt-4o*", Input: 3}, {Match: "gpt-4o", Input: 4}}}
	for model, want := range map[string]alfred.Credits{"claude": 1, "gpt-4": 2, "gpt-4o-mini": 3, "gpt-4o": 4} {
		if got, _ := card.For(model); got.Input != want {
			t.Errorf("%s: rate %d, want %d", model, got.Input, want)
		}
	}
}

func TestCostRefusesNonsense(t *testing.T) {
	if _, err := alfred.OneCreditPerToken("*").Cost(alfred.Usage{Input: -1}); err == nil {
		t.Error("a negative count was priced")
	}
	if c, err := alfred.OneCreditPerToken("*").Cost(alfred.Usage{Input: math.MaxInt64}); err == nil {
		t.Errorf("an absurd count was priced at %s", c)
	}
}
