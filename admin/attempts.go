package admin

import (
	"net/netip"
	"sync"
	"time"
)

// attempts limits how often somebody may try to sign in: a number of tries at
// once, then one every so often. It is kept in this process; several processes
// allow several times as much.
type attempts struct {
	burst float64
	every time.Duration

	mu   sync.Mutex
	left map[string]bucket
}

type bucket struct {
	tries float64
	at    time.Time
}

// maxBuckets bounds what is remembered of strangers.
const maxBuckets = 10_000

func newAttempts(burst int, every time.Duration) *attempts {
	return &attempts{burst: float64(burst), every: every, left: map[string]bucket{}}
}

// take uses up one try of who, and says how long to wait when none is left.
func (a *attempts) take(who string, now time.Time) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.at(who, now)
	if b.tries < 1 {
		return time.Duration((1 - b.tries) * float64(a.every))
	}
	a.makeRoom(now)
	a.left[who] = bucket{b.tries - 1, now}
	return 0
}

// giveBack returns a try that did no harm.
func (a *attempts) giveBack(who string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.at(who, now)
	a.left[who] = bucket{min(b.tries+1, a.burst), now}
}

func (a *attempts) at(who string, now time.Time) bucket {
	b, ok := a.left[who]
	if !ok {
		return bucket{a.burst, now}
	}
	return bucket{min(b.tries+float64(now.Sub(b.at))/float64(a.every), a.burst), now}
}

// makeRoom forgets whoever has all tries again, and, when that is nobody,
// anybody: a flood of addresses must not use up the memory.
func (a *attempts) makeRoom(now time.Time) {
	if len(a.left) < maxBuckets {
		return
	}
	for who := range a.left {
		if a.at(who, now).tries >= a.burst {
			delete(a.left, who)
		}
	}
	for who := range a.left {
		if len(a.left) < maxBuckets {
			return
		}
		delete(a.left, who)
	}
}

// network is whom an address belongs to: of IPv6, where everybody has many,
// the first half.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Is4() || addr.Is4In6() {
		return ip
	}
	if p, err := addr.Prefix(64); err == nil {
		return p.String()
	}
	return ip
}
