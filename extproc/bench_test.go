package extproc

import (
	"fmt"
	"testing"

	"github.com/alfred-envoy/alfred"
)

// What a request pays in good times for being able to live through bad ones.
func BenchmarkTouchAllowance(b *testing.B) {
	w := newTown(b, 1, nil)
	g := w.gates[0].Gate
	var all []Admission
	for i := range maxAllowances {
		p := *w.people[0]
		p.Key = alfred.KeyID(fmt.Sprintf("key_%d", i))
		all = append(all, Admission{Principal: &p, Catalog: w.catalog, Model: "m", Input: 10, Limit: 100})
	}
	t, _, err := g.terms(all[0], w.now())
	if err != nil {
		b.Fatal(err)
	}
	now, i := w.now(), 0
	for b.Loop() {
		g.allowances.touch(all[i%len(all)], t, 1000*alfred.Credit, now)
		i++
	}
}
