package memory

import (
	"context"
	"maps"
	"slices"
	"strconv"
)

// ConfirmSpool notes that the permanent record has entries of a spool.
func (s *Store) ConfirmSpool(_ context.Context, instance string, seqs []int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, ok := s.confirmed[instance]
	if !ok {
		have = map[int64]bool{}
		s.confirmed[instance] = have
	}
	for _, n := range seqs {
		have[n] = true
	}
	return nil
}

// Confirmed returns the first of the entries of a spool that are confirmed,
// until ForgetConfirmed has removed them.
func (s *Store) Confirmed(_ context.Context, instance string, max int) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Sorted(maps.Keys(s.confirmed[instance]))
	return all[:min(max, len(all))], nil
}

// ForgetConfirmed removes confirmations that the spool has taken note of.
func (s *Store) ForgetConfirmed(_ context.Context, instance string, seqs []int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range seqs {
		delete(s.confirmed[instance], n)
	}
	return nil
}

// Lineage names the data that this store holds: it changes with every Restore.
func (s *Store) Lineage(context.Context, string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "lineage " + strconv.Itoa(s.restored), nil
}
