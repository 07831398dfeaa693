package extproc

import (
	"time"

	"github.com/alfred-envoy/alfred"
)

// pace keeps rates while the live store does not answer: the same algorithm
// in memory, each process with its part of the rate. It begins full, since
// nobody knows what was used in the minute before.
type pace struct {
	processes int64
	arrival   map[paceKey]int64 // microseconds
}

type paceKey struct {
	org     alfred.OrgID
	scope   alfred.Scope
	subject string
	metric  alfred.Metric
}

func newPace(processes int) *pace {
	return &pace{processes: int64(max(1, processes)), arrival: make(map[paceKey]int64)}
}

// admit charges every bucket, or none and says which one waits longest. A
// request above this process's part of a minute is charged that part.
func (p *pace) admit(org alfred.OrgID, charges []alfred.BucketCharge, now time.Time) (alfred.Bucket, time.Duration) {
	arrivals := make([]int64, len(charges))
	var waits alfred.Bucket
	var wait int64
	for i, c := range charges {
		burst := c.Bucket.Burst()
		charge := burst
		if units := c.Units; units <= c.Bucket.PerMinute/p.processes {
			charge = units * c.Bucket.Interval() * p.processes
		}
		arrivals[i] = max(p.arrival[keyOf(org, c.Bucket)], now.UnixMicro()) + charge
		if over := arrivals[i] - now.UnixMicro() - burst; over > wait {
			waits, wait = c.Bucket, over
		}
	}
	if wait > 0 {
		return waits, time.Duration(wait) * time.Microsecond
	}
	for i, c := range charges {
		p.arrival[keyOf(org, c.Bucket)] = arrivals[i]
	}
	return alfred.Bucket{}, 0
}

// forget drops buckets that are full again.
func (p *pace) forget(now time.Time) {
	for k, arrival := range p.arrival {
		if arrival <= now.UnixMicro() {
			delete(p.arrival, k)
		}
	}
}

func keyOf(org alfred.OrgID, b alfred.Bucket) paceKey {
	return paceKey{org, b.Scope, b.Subject, b.Metric}
}
