package redis

import (
	"context"
	"fmt"

	"github.com/alfred-envoy/alfred"
)

// Balances reads counters at one instant, in order. One that nothing was ever
// added to reads as zero.
func (s *Store) Balances(ctx context.Context, org alfred.OrgID, counters []alfred.Counter) ([]alfred.Balance, error) {
	if len(counters) == 0 {
		return nil, nil
	}
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	k := keysOf(org)
	names := make([]string, 0, 3*len(counters))
	for _, c := range counters {
		names = append(names, k.committed(c), k.settled(c), k.outflow(c))
	}
	values, err := s.client.MGet(ctx, names...).Result()
	if err != nil {
		return nil, fmt.Errorf("read balances of %s: %w", org, unavailable(err))
	}
	out := make([]alfred.Balance, len(counters))
	for i := range out {
		for j, to := range []*alfred.Credits{&out[i].Committed, &out[i].Settled, &out[i].Outflow} {
			n, err := number(values[3*i+j])
			if err != nil {
				return nil, fmt.Errorf("read balances of %s: %s: %w", org, names[3*i+j], err)
			}
			*to = alfred.Credits(n)
		}
	}
	return out, nil
}
