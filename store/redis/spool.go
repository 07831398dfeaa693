package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// spoolTTL is how long confirmations wait for a process that is away. After
// it, and after a loss of this store, what it sends again is recognised by the
// permanent record and confirmed once more.
const spoolTTL = 7 * 24 * time.Hour

func spoolKey(instance string) string  { return "a:spool:{" + instance + "}" }
func markerKey(instance string) string { return "a:spool:{" + instance + "}:seen" }

// ConfirmSpool notes that the permanent record has entries of a spool.
func (s *Store) ConfirmSpool(ctx context.Context, instance string, seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	pipe := s.client.Pipeline()
	pipe.SAdd(ctx, spoolKey(instance), members(seqs)...)
	pipe.Expire(ctx, spoolKey(instance), spoolTTL)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("confirm to spool %s: %w", instance, unavailable(err))
	}
	return nil
}

// Confirmed returns some of the entries of a spool that are confirmed, about
// max of them, until ForgetConfirmed has removed them.
func (s *Store) Confirmed(ctx context.Context, instance string, max int) ([]int64, error) {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	found, err := s.client.SRandMemberN(ctx, spoolKey(instance), int64(max)).Result()
	if err != nil {
		return nil, fmt.Errorf("read what spool %s need not keep: %w", instance, unavailable(err))
	}
	seqs := make([]int64, len(found))
	for i, text := range found {
		if seqs[i], err = number(text); err != nil {
			return nil, err
		}
	}
	return seqs, nil
}

// ForgetConfirmed removes confirmations that the spool has taken note of.
func (s *Store) ForgetConfirmed(ctx context.Context, instance string, seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	if err := s.client.SRem(ctx, spoolKey(instance), members(seqs)...).Err(); err != nil {
		return fmt.Errorf("forget what spool %s has heard: %w", instance, unavailable(err))
	}
	return nil
}

func members(seqs []int64) []any {
	list := make([]any, len(seqs))
	for i, n := range seqs {
		list[i] = n
	}
	return list
}

// Lineage names the data that this store holds, as far as one client can tell.
// It changes when a server was restarted, replaced by a replica, or emptied:
// what was acknowledged before may then be gone. Emptying shows by a marker of
// the client's own, on the one server of a cluster that has it; the rest by
// INFO, where the servers allow it.
func (s *Store) Lineage(ctx context.Context, instance string) (string, error) {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	pipe := s.client.Pipeline()
	pipe.SetNX(ctx, markerKey(instance), rand.Text(), spoolTTL)
	marker := pipe.Get(ctx, markerKey(instance))
	pipe.Expire(ctx, markerKey(instance), spoolTTL)
	_, err := pipe.Exec(ctx)
	if err == nil {
		var origins []string
		if origins, err = s.origins(ctx); err == nil {
			return strings.Join(append([]string{marker.Val()}, origins...), " "), nil
		}
	}
	return "", fmt.Errorf("look whether the live ledger was replaced: %w", unavailable(err))
}

// origins are the names of the servers' histories, sorted: a slot that moves
// from one to another changes nothing.
func (s *Store) origins(ctx context.Context) (names []string, err error) {
	err = s.servers(ctx, func(ctx context.Context, c *redis.Client) error {
		for _, section := range []string{"replication", "server"} {
			text, err := c.Info(ctx, section).Result()
			if err != nil && !redis.HasErrorPrefix(err, "NOPERM") {
				return err
			}
			for line := range strings.Lines(text) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
				if name == "master_replid" || name == "run_id" {
					names = append(names, value)
				}
			}
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}
