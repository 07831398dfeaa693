package memory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Snapshot is the data of a store at one instant.
type Snapshot struct {
	orgs       map[alfred.OrgID]*org
	catalogs   map[alfred.OrgID][]byte
	principals map[string]published
	confirmed  map[string]map[int64]bool
}

// Snapshot copies everything, as a replica would have it that follows from
// here on no more.
func (s *Store) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return (&Snapshot{s.orgs, s.catalogs, s.principals, s.confirmed}).clone()
}

// Restore puts the data of a snapshot in the place of what stands, as a
// failover to a replica that was behind does. Those who watch are told that
// they may have missed something.
func (s *Store) Restore(from *Snapshot) {
	c := from.clone()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orgs, s.catalogs, s.principals, s.confirmed = c.orgs, c.catalogs, c.principals, c.confirmed
	s.restored++
	s.tell(Change{})
}

func (s *Snapshot) clone() *Snapshot {
	c := &Snapshot{
		orgs: make(map[alfred.OrgID]*org, len(s.orgs)), catalogs: maps.Clone(s.catalogs),
		principals: maps.Clone(s.principals), confirmed: make(map[string]map[int64]bool, len(s.confirmed)),
	}
	for id, o := range s.orgs {
		c.orgs[id] = o.clone()
	}
	for instance, seqs := range s.confirmed {
		c.confirmed[instance] = maps.Clone(seqs)
	}
	return c
}

// clone copies what changes in place. Records and entries are replaced, never
// changed.
func (o *org) clone() *org {
	c := *o
	c.counters, c.buckets = copied(o.counters), copied(o.buckets)
	c.holds, c.moves = copied(o.holds), copied(o.moves)
	c.stream.entries, c.stream.arrived = slices.Clone(o.stream.entries), nil
	return &c
}

func copied[K comparable, V any](m map[K]*V) map[K]*V {
	out := make(map[K]*V, len(m))
	for k, v := range m {
		value := *v
		out[k] = &value
	}
	return out
}

// Open lists the holds that have not ended, by id.
func (s *Store) Open(id alfred.OrgID) []alfred.HoldRecord {
	o, _, leave := s.enter(id)
	defer leave()
	var out []alfred.HoldRecord
	for _, h := range o.holds {
		if h.standing.State == store.Held {
			out = append(out, h.record)
		}
	}
	slices.SortFunc(out, func(a, b alfred.HoldRecord) int { return cmp.Compare(a.Hold, b.Hold) })
	return out
}

// Audit checks the ledger of an organisation against itself: on every counter,
// committed is settled plus what the open holds have taken, and neither is
// less than nothing.
func (s *Store) Audit(id alfred.OrgID) error {
	o, now, leave := s.enter(id)
	defer leave()
	held := make(map[string]alfred.Credits, len(o.counters))
	for _, h := range o.holds {
		if h.standing.State != store.Held {
			continue
		}
		for _, c := range h.record.Caps {
			held[store.Name(c)] += h.record.Granted
		}
		for _, l := range h.record.Legs {
			for _, c := range l.Counters {
				held[store.Name(c)] += l.Taken
			}
		}
	}
	for name, c := range o.counters {
		if now.Before(c.purge) && (c.Held() != held[name] || c.Settled < 0 || c.Outflow < 0) {
			return fmt.Errorf("%s: committed %d, settled %d, moved away %d, but open holds have taken %d", name, c.Committed, c.Settled, c.Outflow, held[name])
		}
	}
	return nil
}

// Counters reads every counter of an organisation, by name.
func (s *Store) Counters(id alfred.OrgID) map[string]alfred.Balance {
	o, now, leave := s.enter(id)
	defer leave()
	out := make(map[string]alfred.Balance, len(o.counters))
	for name, c := range o.counters {
		if now.Before(c.purge) {
			out[name] = c.Balance
		}
	}
	return out
}
