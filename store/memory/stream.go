package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// stream is the usage stream with its one group of readers.
type stream struct {
	entries []entry
	ms, seq int64         // of the last entry
	read    int64         // sequence number of the last entry that was read
	count   int64         // entries ever
	arrived chan struct{} // closed when the next entry comes
}

type entry struct {
	store.Entry
	number   int64 // 1, 2, …
	consumer string
	since    time.Time // when the consumer got it
	acked    bool
}

func (st *stream) append(e alfred.UsageEvent, now time.Time) {
	if ms := now.UnixMilli(); ms > st.ms {
		st.ms, st.seq = ms, 0
	} else {
		st.seq++
	}
	raw, err := json.Marshal(e)
	if e.At.IsZero() {
		e.At = time.UnixMilli(st.ms).UTC()
	}
	st.count++
	st.entries = append(st.entries, entry{
		Entry:  store.Entry{ID: fmt.Sprintf("%d-%d", st.ms, st.seq), Event: e, Raw: raw, Err: err},
		number: st.count,
	})
	if st.arrived != nil {
		close(st.arrived)
		st.arrived = nil
	}
}

// AppendEvents writes events that move no credits: refusals, to be explained
// later. When store.MaxBacklog entries wait, nothing is written and the error
// is one of alfred.CodeUnavailable.
func (s *Store) AppendEvents(_ context.Context, id alfred.OrgID, events []alfred.UsageEvent) error {
	o, now, leave := s.enter(id)
	defer leave()
	if n := len(o.stream.entries); n+len(events) > store.MaxBacklog {
		return fmt.Errorf("append events of %s: %w", id, alfred.Errorf(alfred.CodeUnavailable, "%d events wait to be recorded", n))
	}
	for _, e := range events {
		o.stream.append(e, now)
	}
	return nil
}

// ReadEvents returns up to max entries for a consumer: first those that it has
// not acknowledged, then those that another has left for store.ClaimAfter,
// then new ones, for which it waits at most block.
func (s *Store) ReadEvents(ctx context.Context, id alfred.OrgID, consumer string, max int, block time.Duration) ([]Entry, error) {
	if max < 1 {
		return nil, nil
	}
	timeout := time.NewTimer(block)
	defer timeout.Stop()
	for {
		out, arrived := s.readEvents(id, consumer, max)
		if len(out) > 0 || block <= 0 {
			return out, nil
		}
		select {
		case <-arrived:
		case <-timeout.C:
			return nil, nil
		case <-ctx.Done():
			return nil, fmt.Errorf("read events of %s: %w", id, ctx.Err())
		}
	}
}

func (s *Store) readEvents(id alfred.OrgID, consumer string, max int) ([]Entry, <-chan struct{}) {
	o, now, leave := s.enter(id)
	defer leave()
	st := &o.stream
	own := func(e *entry) bool { return e.number <= st.read && e.consumer == consumer }
	left := func(e *entry) bool { return e.number <= st.read && now.Sub(e.since) >= store.ClaimAfter }
	fresh := func(e *entry) bool { return e.number > st.read }
	for _, wanted := range []func(*entry) bool{own, left, fresh} {
		var out []Entry
		last := st.read
		for i := range st.entries {
			e := &st.entries[i]
			if !e.acked && len(out) < max && wanted(e) {
				e.consumer, e.since = consumer, now
				last = e.number
				out = append(out, e.Entry)
			}
		}
		if len(out) > 0 {
			if last > st.read {
				st.read = last
			}
			return out, nil
		}
	}
	if st.arrived == nil {
		st.arrived = make(chan struct{})
	}
	return nil, st.arrived
}

// AckEvents marks entries as recorded and forgets them up to the first one
// that is not.
func (s *Store) AckEvents(_ context.Context, id alfred.OrgID, ids []string) error {
	o, _, leave := s.enter(id)
	defer leave()
	st := &o.stream
	for i := range st.entries {
		e := &st.entries[i]
		if e.number <= st.read && slices.Contains(ids, e.ID) {
			e.acked = true
		}
	}
	done := 0
	for done < len(st.entries) && st.entries[done].acked {
		done++
	}
	for i := range st.entries {
		if mutant == "trim_too_early" && st.entries[i].acked {
			done = i + 1
		}
	}
	st.entries = slices.Delete(st.entries, 0, done)
	return nil
}

// Backlog lists what the stream holds, read or not.
func (s *Store) Backlog(id alfred.OrgID) []Entry {
	o, _, leave := s.enter(id)
	defer leave()
	out := make([]Entry, len(o.stream.entries))
	for i, e := range o.stream.entries {
		out[i] = e.Entry
	}
	return out
}

// Unrecorded is how many entries wait to be recorded, and when the oldest of
// them was written: the zero time when there is none.
func (s *Store) Unrecorded(_ context.Context, id alfred.OrgID) (oldest time.Time, waiting int64, err error) {
	o, _, leave := s.enter(id)
	defer leave()
	if len(o.stream.entries) == 0 {
		return time.Time{}, 0, nil
	}
	first := o.stream.entries[0]
	var ms int64
	if _, err := fmt.Sscanf(first.ID, "%d-", &ms); err != nil {
		return time.Time{}, 0, fmt.Errorf("entry %s of %s has no time: %w", first.ID, id, err)
	}
	return time.UnixMilli(ms).UTC(), int64(len(o.stream.entries)), nil
}
