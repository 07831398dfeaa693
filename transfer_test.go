package alfred_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

// Every end is covered exactly, and no pair has nothing or the wrong sign.
func TestPairsCoverEveryEndOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Map(rapid.Int64Range(-50, 50), func(n int64) alfred.Credits { return alfred.Credits(n) }), 1, 8).Draw(t, "amounts")
		sum := alfred.Credits(0)
		for _, a := range amounts {
			sum += a
		}
		amounts = append(amounts, -sum)
		got, pairs := make([]alfred.Credits, len(amounts)), map[[2]int]bool{}
		alfred.Pairs(amounts, func(from, to int, amount alfred.Credits) {
			if amount <= 0 || amounts[from] >= 0 || amounts[to] <= 0 || pairs[[2]int{from, to}] {
				t.Fatalf("%v from %d to %d of %v", amount, from, to, amounts)
			}
			pairs[[2]int{from, to}] = true
			got[from] -= amount
			got[to] += amount
		})
		for i := range amounts {
			if got[i] != amounts[i] {
				t.Fatalf("paired %v of %v", got, amounts)
			}
		}
	})
}
