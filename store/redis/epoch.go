package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Epoch reads which building of the ledger stands, and on which server.
func (s *Store) Epoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.readEpoch(ctx, org, "")
}

// BeginEpoch makes a ledger that is empty one that is being built, and changes
// nothing where an epoch stands.
func (s *Store) BeginEpoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	return s.readEpoch(ctx, org, "B0|0|0|"+rand.Text())
}

func (s *Store) readEpoch(ctx context.Context, org alfred.OrgID, begin string) (e alfred.Epoch, err error) {
	values, err := s.scripts.epoch.Run(ctx, s.client, []string{keysOf(org).epoch()}, begin).Slice()
	if err != nil {
		return e, fmt.Errorf("read the epoch of %s: %w", org, unavailable(err))
	}
	if len(values) != 4 {
		return e, malformed("a reply of %d values", len(values))
	}
	text, _ := values[0].(string)
	if e, err = parseEpoch(text); err != nil {
		return e, fmt.Errorf("read the epoch of %s: %w", org, err)
	}
	e.Server, _ = values[1].(string)
	e.Now, err = clock(values[2], values[3])
	return e, err
}

func parseEpoch(text string) (e alfred.Epoch, err error) {
	if text == "" {
		return e, nil
	}
	parts := strings.SplitN(text, "|", 4)
	if len(parts) != 4 || len(parts[0]) < 2 {
		return e, malformed("an epoch of %q", text)
	}
	if e.Number, err = strconv.ParseInt(parts[0][1:], 10, 64); err != nil {
		return e, malformed("an epoch of %q", text)
	}
	built, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return e, malformed("an epoch of %q", text)
	}
	if e.Serial, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return e, malformed("an epoch of %q", text)
	}
	e.Mark, e.Built, e.Lineage = text, parts[0][0] == 'L', parts[3]
	if built != 0 {
		e.BuiltAt = time.UnixMicro(built).UTC()
	}
	return e, nil
}

// Survey reads counters, the records of moves and, when there are fewer than
// holds, the open holds at one instant.
func (s *Store) Survey(ctx context.Context, org alfred.OrgID, counters []alfred.Counter, moves []alfred.MoveID, holds int) (out alfred.Survey, err error) {
	ctx, cancel := s.slow(ctx, background)
	defer cancel()
	k := keysOf(org)
	names := append(make([]string, 0, 3+3*len(counters)+len(moves)), k.epoch(), k.events(), k.open())
	for _, c := range counters {
		names = append(names, k.committed(c), k.settled(c), k.outflow(c))
	}
	for _, m := range moves {
		names = append(names, k.move(m))
	}
	reply, err := s.scripts.survey.Run(ctx, s.client, names, len(counters), holds-1, k.hold("")).Slice()
	if err != nil {
		return out, fmt.Errorf("survey %s: %w", org, unavailable(err))
	}
	if out, err = surveyed(org, counters, moves, reply); err != nil {
		return out, fmt.Errorf("survey %s: %w", org, err)
	}
	return out, nil
}

func surveyed(org alfred.OrgID, counters []alfred.Counter, moves []alfred.MoveID, reply []any) (out alfred.Survey, err error) {
	if len(reply) != 6 {
		return out, malformed("a reply of %d values", len(reply))
	}
	text, _ := reply[0].(string)
	if out.Epoch, err = parseEpoch(text); err != nil {
		return out, err
	}
	out.Last, _ = reply[1].(string)
	values, _ := reply[2].([]any)
	records, _ := reply[3].([]any)
	out.Open, _ = reply[4].(int64)
	holds, _ := reply[5].([]any)
	if len(values) != 3*len(counters) || len(records) != len(moves) {
		return out, malformed("%d values of %d counters and %d of %d moves", len(values), len(counters), len(records), len(moves))
	}
	out.Balances = make([]alfred.Balance, len(counters))
	for i := range counters {
		b := &out.Balances[i]
		for j, to := range []*alfred.Credits{&b.Committed, &b.Settled, &b.Outflow} {
			if *to, err = amount(values[3*i+j]); err != nil {
				return out, err
			}
		}
	}
	out.Taken = make(map[alfred.MoveID]alfred.Credits, len(moves))
	for i, m := range moves {
		if text, _ := records[i].(string); strings.HasPrefix(text, "T1|") {
			taken, _, _ := strings.Cut(text[3:], "|")
			if out.Taken[m], err = amount(taken); err != nil {
				return out, err
			}
		}
	}
	for i := 0; i+1 < len(holds); i += 2 {
		id, _ := holds[i].(string)
		text, _ := holds[i+1].(string)
		rec, err := decode(org, alfred.HoldID(id), text)
		if err != nil {
			return out, err
		}
		if rec.standing.State == store.Held {
			out.Holds = append(out.Holds, rec.hold)
		}
	}
	return out, nil
}

// amount reads a counter as a survey returns it: ” is none.
func amount(v any) (alfred.Credits, error) {
	if v == "" {
		return 0, nil
	}
	n, err := number(v)
	return alfred.Credits(n), err
}

// Correct adds to counters what a survey has found missing, and says whether
// it did: not when the epoch is another than the survey's by now.
func (s *Store) Correct(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, changes []alfred.CounterChange) (bool, error) {
	head, serial, rest, err := split(seen.Mark)
	if err != nil {
		return false, err
	}
	return s.correct(ctx, org, seen, head+"|"+strconv.FormatInt(serial+1, 10)+"|"+rest, changes)
}

// FinishEpoch makes what was built the live ledger, under the next number, and
// says whether it did, as Correct does. The zero time says that there was
// nothing before it.
func (s *Store) FinishEpoch(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, number int64, at time.Time) (bool, error) {
	_, serial, _, err := split(seen.Mark)
	if err != nil {
		return false, err
	}
	built := int64(0)
	if !at.IsZero() {
		built = at.UnixMicro()
	}
	return s.correct(ctx, org, seen, fmt.Sprintf("L%d|%d|%d|%s", number, serial+1, built, seen.Server), nil)
}

func split(mark string) (head string, serial int64, rest string, err error) {
	parts := strings.SplitN(mark, "|", 3)
	if len(parts) == 3 {
		serial, err = strconv.ParseInt(parts[1], 10, 64)
	}
	if len(parts) != 3 || err != nil {
		return "", 0, "", malformed("no epoch to correct: %q", mark)
	}
	return parts[0], serial, parts[2], nil
}

func (s *Store) correct(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, next string, changes []alfred.CounterChange) (bool, error) {
	ctx, cancel := s.slow(ctx, background)
	defer cancel()
	k := keysOf(org)
	names := append(make([]string, 0, 1+3*len(changes)), k.epoch())
	args := append(make([]any, 0, 2+4*len(changes)), seen.Mark, next)
	for _, c := range changes {
		names = append(names, k.committed(c.Counter), k.settled(c.Counter), k.outflow(c.Counter))
		args = append(args, decimal(c.Committed), decimal(c.Settled), decimal(c.Outflow), purge(c.Counter.Window))
	}
	reply, err := s.scripts.correct.Run(ctx, s.client, names, args...).StringSlice()
	if err != nil {
		return false, fmt.Errorf("correct %s: %w", org, unavailable(err))
	}
	return len(reply) == 1 && reply[0] == "done", nil
}

// Forget closes an open hold of which the record knows the end, and says
// whether it was open.
func (s *Store) Forget(ctx context.Context, r alfred.HoldRecord, end alfred.HoldEnd) (bool, error) {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	done, _, err := s.move(ctx, r, store.Forget(r, end), guard{})
	if err != nil {
		return false, fmt.Errorf("forget %s: %w", r.Hold, err)
	}
	return done, nil
}

// PeekEvents returns events of the usage stream after one entry, up to and
// including another, at most about max; "" is from the first. next is where to
// go on from, and "" at the end. It reads for nobody and acknowledges nothing;
// what cannot be read is left to the recorder.
func (s *Store) PeekEvents(ctx context.Context, org alfred.OrgID, after, last string, max int) (events []alfred.UsageEvent, next string, err error) {
	if last == "" || after == last {
		return nil, "", nil
	}
	ctx, cancel := s.slow(ctx, background)
	defer cancel()
	from := "-"
	if after != "" {
		from = "(" + after
	}
	found, err := s.client.XRangeN(ctx, keysOf(org).events(), from, last, int64(max)).Result()
	if err != nil {
		return nil, "", fmt.Errorf("read the backlog of %s: %w", org, unavailable(err))
	}
	for _, m := range found {
		next = m.ID
		if e := entry(m); e.Err == nil {
			events = append(events, e.Event)
		}
	}
	return events, next, nil
}

// EachOpen calls each with every hold that is open, in portions.
func (s *Store) EachOpen(ctx context.Context, org alfred.OrgID, each func([]alfred.HoldRecord) error) error {
	const portion = 200
	k := keysOf(org)
	attempt, cancel := s.slow(ctx, background)
	ids, err := s.client.ZRange(attempt, k.open(), 0, -1).Result()
	cancel()
	if err != nil {
		return fmt.Errorf("list the open holds of %s: %w", org, unavailable(err))
	}
	for part := range slices.Chunk(ids, portion) {
		names := make([]string, len(part))
		for i, id := range part {
			names[i] = k.hold(alfred.HoldID(id))
		}
		attempt, cancel := s.slow(ctx, 0)
		values, err := s.client.MGet(attempt, names...).Result()
		cancel()
		if err != nil {
			return fmt.Errorf("read the open holds of %s: %w", org, unavailable(err))
		}
		var out []alfred.HoldRecord
		for i, v := range values {
			text, _ := v.(string)
			rec, err := decode(org, alfred.HoldID(part[i]), text)
			if err == nil && rec.standing.State == store.Held {
				out = append(out, rec.hold)
			}
		}
		if err := each(out); err != nil {
			return err
		}
	}
	return nil
}

// EachCounter calls each with every counter that is there, some of them twice.
// The end of a window is not stored with it.
func (s *Store) EachCounter(ctx context.Context, org alfred.OrgID, each func([]alfred.Counter) error) error {
	prefix := keysOf(org).prefix
	c, err := s.server(ctx, prefix)
	if err != nil {
		return fmt.Errorf("list the counters of %s: %w", org, unavailable(err))
	}
	pattern := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(prefix) + "c:*"
	for cursor := uint64(0); ; {
		var found []string
		attempt, cancel := s.slow(ctx, 0)
		found, cursor, err = c.Scan(attempt, cursor, pattern, 1000).Result()
		cancel()
		if err != nil {
			return fmt.Errorf("list the counters of %s: %w", org, unavailable(err))
		}
		var out []alfred.Counter
		for _, key := range found {
			if counter, ok := store.ParseName(strings.TrimPrefix(key, prefix+"c:")); ok {
				out = append(out, counter)
			}
		}
		if len(out) > 0 {
			if err := each(out); err != nil {
				return err
			}
		}
		if cursor == 0 {
			return nil
		}
	}
}
