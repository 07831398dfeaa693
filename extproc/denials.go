package extproc

import (
	"sync"
	"time"

	"github.com/alfred-envoy/alfred"
)

// denials remembers, for a second, who has spent so much that not even the
// cheapest request fits. Only spent credits count, never held ones, since
// those come back in a moment. Any change of the directory empties it.
type denials struct {
	mu    sync.Mutex
	items *lru[denialKey, denial]
}

// denialKey is what a plan's caps and legs follow from, apart from the model.
type denialKey struct {
	key      alfred.KeyID
	team     string
	project  string
	priority alfred.Priority
}

type denial struct {
	decision alfred.Decision
	until    time.Time
}

const (
	maxDenials = 50_000
	denialFor  = time.Second
)

func newDenials() *denials { return &denials{items: newLRU[denialKey, denial](maxDenials)} }

func (c *denials) find(k denialKey, now time.Time) (alfred.Decision, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.items.get(k)
	if !ok || !now.Before(d.until) {
		return alfred.Decision{}, false
	}
	return d.decision, true
}

// remember keeps a denial until the second is over, or the window.
func (c *denials) remember(k denialKey, d alfred.Decision, window alfred.Window, now time.Time) {
	until := now.Add(denialFor)
	if window.End.Before(until) {
		until = window.End
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items.put(k, denial{d, until})
}

func (c *denials) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items.clear()
}

// cheapest is the least that any request can cost under a rate card: one
// token in and one out.
func cheapest(card alfred.RateCard) alfred.Credits {
	least := alfred.MaxCredits
	for _, r := range append([]alfred.Rate{alfred.OneCreditPerToken("*")}, card.Rates...) {
		b, err := r.Bound(1)
		if err == nil {
			least = min(least, b.Amount(1))
		}
	}
	return least
}

// unspent is the most that legs can have left for good, when every request in
// flight has given back what it holds. balances are those of their groups, in
// order; none, as without an answer of the live store, say nothing.
func unspent(legs []alfred.Leg, balances []alfred.Balance) alfred.Credits {
	var sum alfred.Credits
	for _, l := range legs {
		if len(balances) < len(l.Group) {
			return alfred.MaxCredits
		}
		least := alfred.MaxCredits
		for i, c := range l.Group {
			if c.Ceiling <= alfred.MaxCredits {
				least = min(least, (c.Ceiling - balances[i].Settled).Floor0())
			}
		}
		balances = balances[len(l.Group):]
		sum = min(sum+least, alfred.MaxCredits)
	}
	return sum
}
