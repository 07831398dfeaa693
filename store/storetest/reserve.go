package storetest

import (
	"github.com/alfred-envoy/alfred"
)

func reserveCases() []ledgerCase {
	return []ledgerCase{
		{"a hold is taken from every counter and settled to the truth", func(b *bench) {
			r := b.request(100, 100, b.personal(1000))
			r.Caps = []alfred.Cap{b.cap(alfred.CountUser, 500, 0), b.cap(alfred.CountOrg, alfred.Unlimited, 0)}
			rec := b.grant(r, 100, 100)
			for _, c := range []alfred.Charge{r.Caps[0].Charge, r.Caps[1].Charge, r.Legs[0].Group[0]} {
				b.stands(c, 100, 0)
			}
			b.open(1)
			b.settle(rec, 60, alfred.EndSettled)
			for _, c := range []alfred.Charge{r.Caps[0].Charge, r.Caps[1].Charge, r.Legs[0].Group[0]} {
				b.stands(c, 60, 60)
			}
			b.open(0)
		}},
	}
}
