package memory

import (
	"context"
	"sync"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Entry and Change are those of package store.
type (
	Entry  = store.Entry
	Change = store.Change
)

// Store is the reference ledger. It is safe for concurrent use.
type Store struct {
	now func() time.Time

	mu         sync.Mutex
	orgs       map[alfred.OrgID]*org
	catalogs   map[alfred.OrgID][]byte
	principals map[string]published
	confirmed  map[string]map[int64]bool // by instance of a spool
	restored   int
	watchers   map[chan Change]struct{}
}

// org is the ledger of one organisation.
type org struct {
	counters map[string]*counter
	buckets  map[string]*bucket
	holds    map[alfred.HoldID]*hold
	moves    map[alfred.MoveID]*move
	stream   stream
	epoch    epoch
}

// counter is a balance and when it is forgotten.
type counter struct {
	alfred.Balance
	purge time.Time
}

// bucket is an arrival time in microseconds, kept for an hour or two after.
type bucket struct {
	arrival int64
	purge   time.Time
}

// hold is a record as it stands. An open one never lapses.
type hold struct {
	standing store.Standing
	record   alfred.HoldRecord
	due      time.Time
	lapses   time.Time
}

// New makes an empty ledger with a clock of its own.
func New(now func() time.Time) *Store {
	return &Store{
		now: now, orgs: map[alfred.OrgID]*org{}, catalogs: map[alfred.OrgID][]byte{},
		principals: map[string]published{}, confirmed: map[string]map[int64]bool{}, watchers: map[chan Change]struct{}{},
	}
}

// Ping always succeeds.
func (s *Store) Ping(context.Context) error { return nil }

// Close does nothing.
func (s *Store) Close() error { return nil }

// clock is the time as a server tells it.
func (s *Store) clock() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// enter locks the ledger of an organisation at one instant.
func (s *Store) enter(id alfred.OrgID) (o *org, now time.Time, leave func()) {
	s.mu.Lock()
	o, ok := s.orgs[id]
	if !ok {
		o = &org{
			counters: map[string]*counter{}, buckets: map[string]*bucket{},
			holds: map[alfred.HoldID]*hold{}, moves: map[alfred.MoveID]*move{},
		}
		s.orgs[id] = o
	}
	return o, s.clock(), s.mu.Unlock
}

// balance reads a counter; one that is gone is zero.
func (o *org) balance(c alfred.Counter, now time.Time) alfred.Balance {
	if have, ok := o.counters[store.Name(c)]; ok && now.Before(have.purge) {
		return have.Balance
	}
	return alfred.Balance{}
}

// add adds to a counter, which is new when it is gone.
func (o *org) add(c alfred.Counter, now time.Time, committed, settled, outflow alfred.Credits) {
	if committed == 0 && settled == 0 && outflow == 0 {
		return
	}
	name := store.Name(c)
	have, ok := o.counters[name]
	if !ok || !now.Before(have.purge) {
		have = &counter{purge: c.Window.End.Add(alfred.PurgeAfter)}
		o.counters[name] = have
	}
	have.Committed += committed
	have.Settled += settled
	have.Outflow += outflow
}

// arrival reads a bucket; one that is gone is 0.
func (o *org) arrival(b alfred.Bucket, now time.Time) int64 {
	if have, ok := o.buckets[store.BucketName(b)]; ok && now.Before(have.purge) {
		return have.arrival
	}
	return 0
}

func (o *org) setArrival(b alfred.Bucket, arrival int64, now time.Time) {
	const hour = int64(time.Hour / time.Microsecond)
	last := max(arrival, now.UnixMicro())
	o.buckets[store.BucketName(b)] = &bucket{arrival, time.UnixMicro((last/hour + 2) * hour)}
}

// standing reads a hold; a record that has lapsed is gone.
func (o *org) standing(id alfred.HoldID, now time.Time) (*hold, bool) {
	h, ok := o.holds[id]
	if !ok || h.standing.State != store.Held && !now.Before(h.lapses) {
		return nil, false
	}
	return h, true
}

// Balances reads counters at one instant, in order. One that nothing was ever
// added to reads as zero.
func (s *Store) Balances(_ context.Context, id alfred.OrgID, counters []alfred.Counter) ([]alfred.Balance, error) {
	o, now, leave := s.enter(id)
	defer leave()
	var out []alfred.Balance
	for _, c := range counters {
		out = append(out, o.balance(c, now))
	}
	return out, nil
}

// OpenHolds counts the holds that have not ended.
func (s *Store) OpenHolds(_ context.Context, id alfred.OrgID) (int64, error) {
	o, _, leave := s.enter(id)
	defer leave()
	var n int64
	for _, h := range o.holds {
		if h.standing.State == store.Held {
			n++
		}
	}
	return n, nil
}
