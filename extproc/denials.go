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

// remember keeps a denial unless a request could be cheap enough to pass, or
// another model would.
func (c *denials) remember(k denialKey, d alfred.Decision, reply alfred.ReserveReply, cheapest alfred.Credits, window alfred.Window, now time.Time) {
	if reply.Verdict != alfred.VerdictSpent || reply.Blocker.Counter.Kind == alfred.CountModel || d.Remaining >= cheapest {
		return
	}
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
