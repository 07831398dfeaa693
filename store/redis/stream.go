package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

const (
	group = "recorder" // the consumer group of the usage stream
	field = "e"        // the field of an entry that holds the event
)

// AppendEvents writes events that move no credits: refusals, to be explained
// later. When the stream holds store.MaxBacklog entries because nobody reads
// it, nothing is written and the error is one of alfred.CodeUnavailable: the
// memory that is left belongs to settlements, which are always written.
func (s *Store) AppendEvents(ctx context.Context, org alfred.OrgID, events []alfred.UsageEvent) error {
	if len(events) == 0 {
		return nil
	}
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	key := keysOf(org).events()
	waiting, err := s.client.XLen(ctx, key).Result()
	if err != nil {
		return fmt.Errorf("append events of %s: %w", org, unavailable(err))
	}
	if waiting+int64(len(events)) > store.MaxBacklog {
		return fmt.Errorf("append events of %s: %w", org, alfred.Errorf(alfred.CodeUnavailable, "%d events wait to be recorded", waiting))
	}
	pipe := s.client.Pipeline()
	for _, e := range events {
		b, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("append events of %s: %w", org, err)
		}
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []any{field, b}})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("append events of %s: %w", org, unavailable(err))
	}
	return nil
}

// ReadEvents returns up to max entries for a consumer: first those that it has
// not acknowledged, then those that another consumer has left for
// store.ClaimAfter, then new ones, for which it waits at most block. An event
// without a time gets that of its entry.
func (s *Store) ReadEvents(ctx context.Context, org alfred.OrgID, consumer string, max int, block time.Duration) ([]Entry, error) {
	if max < 1 {
		return nil, nil
	}
	ctx, cancel := s.slow(ctx, block)
	defer cancel()
	key := keysOf(org).events()
	entries, err := s.readEvents(ctx, key, consumer, max, block)
	if err != nil && strings.HasPrefix(err.Error(), "NOGROUP") {
		// A new stream, or one that came back without its group. From the
		// start: what was recorded already is recognised by whoever records.
		err = s.client.XGroupCreateMkStream(ctx, key, group, "0").Err()
		if err == nil || strings.HasPrefix(err.Error(), "BUSYGROUP") {
			entries, err = s.readEvents(ctx, key, consumer, max, block)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read events of %s: %w", org, unavailable(err))
	}
	out := make([]Entry, len(entries))
	for i, m := range entries {
		out[i] = entry(m)
	}
	return out, nil
}

func (s *Store) readEvents(ctx context.Context, key, consumer string, max int, block time.Duration) ([]redis.XMessage, error) {
	own, err := s.readGroup(ctx, key, consumer, "0", max, -1)
	if err != nil || len(own) > 0 {
		return own, err
	}
	left, _, err := s.client.XAutoClaim(ctx, &redis.XAutoClaimArgs{
		Stream: key, Group: group, Consumer: consumer, MinIdle: store.ClaimAfter, Start: "0", Count: int64(max),
	}).Result()
	if err != nil || len(left) > 0 {
		return left, err
	}
	if block <= 0 {
		block = -1 // do not wait
	}
	return s.readGroup(ctx, key, consumer, ">", max, block)
}

func (s *Store) readGroup(ctx context.Context, key, consumer, from string, max int, block time.Duration) ([]redis.XMessage, error) {
	streams, err := s.client.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: consumer, Streams: []string{key, from}, Count: int64(max), Block: block,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	return streams[0].Messages, nil
}

// entry decodes one message. What cannot be decoded is returned as it is, so
// that it can be put aside and acknowledged.
func entry(m redis.XMessage) Entry {
	text, ok := m.Values[field].(string)
	e := Entry{ID: m.ID, Raw: []byte(text)}
	if !ok {
		e.Err = fmt.Errorf("entry %s has no event", m.ID)
		return e
	}
	if err := json.Unmarshal(e.Raw, &e.Event); err != nil {
		e.Err = fmt.Errorf("entry %s: %w", m.ID, err)
		return e
	}
	if e.Event.At.IsZero() {
		ms, _, _ := strings.Cut(m.ID, "-")
		n, err := strconv.ParseInt(ms, 10, 64)
		if err != nil {
			e.Err = fmt.Errorf("entry %s has no time", m.ID)
		}
		e.Event.At = time.UnixMilli(n).UTC()
	}
	return e
}

// AckEvents marks entries as recorded and deletes the stream up to the first
// one that is not: neither one that a consumer has yet to acknowledge nor one
// that none has read is ever deleted.
func (s *Store) AckEvents(ctx context.Context, org alfred.OrgID, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	key := keysOf(org).events()
	if err := s.client.XAck(ctx, key, group, ids...).Err(); err != nil {
		return fmt.Errorf("acknowledge events of %s: %w", org, unavailable(err))
	}
	if err := s.trim(ctx, key); err != nil {
		return fmt.Errorf("trim events of %s: %w", org, unavailable(err))
	}
	return nil
}

// Unrecorded is how many entries wait to be recorded, and when the oldest of
// them was written: the zero time when there is none.
func (s *Store) Unrecorded(ctx context.Context, org alfred.OrgID) (oldest time.Time, waiting int64, err error) {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	// What is recorded is trimmed, so whatever is there waits.
	key := keysOf(org).events()
	first, err := s.client.XRangeN(ctx, key, "-", "+", 1).Result()
	if err == nil && len(first) > 0 {
		waiting, err = s.client.XLen(ctx, key).Result()
	}
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("count events of %s: %w", org, unavailable(err))
	}
	if len(first) == 0 {
		return time.Time{}, 0, nil
	}
	ms, _, _ := strings.Cut(first[0].ID, "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return time.Time{}, 0, malformed("entry %s of %s has no time", first[0].ID, org)
	}
	return time.UnixMilli(n).UTC(), waiting, nil
}

// trim asks how far the group has read before it asks what is pending: what is
// read in between is then either pending or beyond.
func (s *Store) trim(ctx context.Context, key string) error {
	groups, err := s.client.XInfoGroups(ctx, key).Result()
	if err != nil {
		return err
	}
	read := ""
	for _, g := range groups {
		if g.Name == group {
			read = g.LastDeliveredID
		}
	}
	pending, err := s.client.XPending(ctx, key, group).Result()
	if err != nil {
		return err
	}
	keep := pending.Lower
	if pending.Count == 0 {
		if keep = after(read); keep == "" {
			return nil
		}
	}
	return s.client.XTrimMinID(ctx, key, keep).Err()
}

// after is the next stream id.
func after(id string) string {
	ms, seq, ok := strings.Cut(id, "-")
	n, err := strconv.ParseUint(seq, 10, 64)
	if !ok || err != nil {
		return ""
	}
	return ms + "-" + strconv.FormatUint(n+1, 10)
}
