package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Extend makes an open hold due ttl from the server's now, never sooner than
// it was. It says whether the hold is still open; one that is gone has been
// ended by somebody else, and stays so.
func (s *Store) Extend(ctx context.Context, r alfred.HoldRecord, ttl time.Duration) (alive bool, err error) {
	if ttl <= 0 || ttl > store.MaxHoldTTL {
		return false, fmt.Errorf("extend %s: %w", r.Hold, alfred.Errorf(alfred.CodeInternal, "by %s: expected up to %s", ttl, store.MaxHoldTTL))
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	n, err := s.scripts.extend.Run(ctx, s.client, []string{keysOf(r.Org).open()}, string(r.Hold), ttl.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("extend %s: %w", r.Hold, unavailable(err))
	}
	return n == 1, nil
}

// Reap ends at most limit holds that are due and that nobody has settled, each
// charged by its policy. Any number of reapers may run at once. A hold that
// cannot be read stays, and does not keep the others from being reaped.
func (s *Store) Reap(ctx context.Context, org alfred.OrgID, limit int) (reaped int, err error) {
	if limit < 1 {
		return 0, nil
	}
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	due, err := s.due(ctx, org, limit)
	if err != nil {
		return 0, fmt.Errorf("reap holds of %s: %w", org, err)
	}
	for _, id := range due {
		done, failed := s.expire(ctx, org, id)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("reap %s: %w", id, failed))
		}
		if done {
			reaped++
		}
		if ctx.Err() != nil {
			break
		}
	}
	return reaped, err
}

// due lists holds that are due by the server's clock.
func (s *Store) due(ctx context.Context, org alfred.OrgID, limit int) ([]alfred.HoldID, error) {
	server, err := s.server(ctx, keysOf(org).open())
	if err != nil {
		return nil, unavailable(err)
	}
	now, err := server.Time(ctx).Result() // its clock, not that of another
	if err != nil {
		return nil, unavailable(err)
	}
	ids, err := s.client.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: keysOf(org).open(), ByScore: true, Start: "-inf", Stop: now.UnixMilli(), Count: int64(limit),
	}).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	out := make([]alfred.HoldID, len(ids))
	for i, id := range ids {
		out[i] = alfred.HoldID(id)
	}
	return out, nil
}

func (s *Store) expire(ctx context.Context, org alfred.OrgID, id alfred.HoldID) (bool, error) {
	k := keysOf(org)
	text, err := s.client.Get(ctx, k.hold(id)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, unavailable(err)
	}
	rec, err := decode(org, id, text)
	if err != nil {
		return false, err
	}
	if rec.standing.State != store.Held {
		// Ended between the two reads, or a member without a hold: in both
		// cases there is nothing to charge, and it may leave the set.
		_, _, err := s.move(ctx, alfred.HoldRecord{Org: org, Hold: id}, store.Ending{From: rec.standing}, guard{})
		return false, err
	}
	done, _, err := s.move(ctx, rec.hold, store.Expire(rec.hold), guard{before: "due"})
	return done, err
}

// OpenHolds counts the holds that have not ended.
func (s *Store) OpenHolds(ctx context.Context, org alfred.OrgID) (int64, error) {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	n, err := s.client.ZCard(ctx, keysOf(org).open()).Result()
	if err != nil {
		return 0, fmt.Errorf("count open holds of %s: %w", org, unavailable(err))
	}
	return n, nil
}
