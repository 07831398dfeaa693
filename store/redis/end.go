package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// races bounds how often a step is computed again because somebody else's came
// first. A hold changes at most three times in its life.
const races = 4

// Settle replaces a hold by the measured cost. Settling twice changes nothing.
// A cost above the hold overdraws; it is never refused, because the tokens are
// spent. A hold whose record is gone is charged in full while that is safe,
// and afterwards is an error of alfred.CodeNotFound: its event then belongs
// into the permanent store directly.
func (s *Store) Settle(ctx context.Context, in alfred.Settlement) (alfred.EndState, error) {
	end, err := s.end(ctx, in.Record, store.Standing{State: store.Held}, func(from store.Standing, r alfred.HoldRecord) (store.Ending, error) {
		in.Record = r
		return store.Settle(from, in)
	})
	if err != nil {
		return "", fmt.Errorf("settle %s: %w", in.Record.Hold, err)
	}
	return end, nil
}

// Void releases a hold of which nothing was spent. A record with only
// organisation and hold means that the fate of its reservation is unknown: if
// it was held it is released, and if it is yet to arrive it will be refused.
func (s *Store) Void(ctx context.Context, r alfred.HoldRecord, event alfred.UsageEvent) (alfred.EndState, error) {
	expect := store.Held
	if len(r.Legs) == 0 {
		expect = store.Absent
	}
	end, err := s.end(ctx, r, store.Standing{State: expect}, func(from store.Standing, r alfred.HoldRecord) (store.Ending, error) {
		return store.Release(from, r, event), nil
	})
	if err != nil {
		return "", fmt.Errorf("void %s: %w", r.Hold, err)
	}
	return end, nil
}

// end computes a step for where the hold is expected to stand and writes it,
// again for where it really stands when it has moved on.
func (s *Store) end(ctx context.Context, r alfred.HoldRecord, from store.Standing, step func(store.Standing, alfred.HoldRecord) (store.Ending, error)) (alfred.EndState, error) {
	if r.Org == "" || r.Hold == "" {
		return "", alfred.Errorf(alfred.CodeInternal, "a hold needs an organisation and an id")
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout+s.wait.Timeout)
	defer cancel()
	for range races {
		e, err := step(from, r)
		if err != nil {
			return "", err
		}
		if e.To.State == store.Absent {
			return e.End, nil
		}
		var guard guard
		if store.Raises(e) {
			guard.before, guard.charged = never, e.Event.At.UnixMicro()
			if from.State == store.Absent {
				guard.before = strconv.FormatInt(r.Due.Add(store.LateFor).UnixMilli(), 10)
			}
		}
		done, now, err := s.move(ctx, r, e, guard)
		if err != nil || done {
			return e.End, err
		}
		from = now.standing
		if len(r.Legs) == 0 || from.State == store.Held || from.State == store.Expired {
			// What is stored knows who has paid, which this caller may not.
			if len(now.hold.Legs) > 0 {
				r = now.hold
			} else {
				r = alfred.HoldRecord{Org: r.Org, Hold: r.Hold}
			}
		}
	}
	return "", alfred.Errorf(alfred.CodeConflict, "hold %s changed %d times meanwhile", r.Hold, races)
}

// never is a time in ms that does not come.
const never = "9000000000000"

// guard says when a step may be written: 'due', or before a time in ms, with
// the time at which what it charges came about.
type guard struct {
	before  string
	charged int64 // µs
}

// move writes a step, unless the record has moved on: then it returns how the
// hold stands now.
func (s *Store) move(ctx context.Context, r alfred.HoldRecord, e store.Ending, g guard) (done bool, now record, err error) {
	k := keysOf(r.Org)
	next, err := encode(e.To, r)
	if err != nil {
		return false, record{}, err
	}
	event := ""
	if e.Event != nil {
		b, err := json.Marshal(e.Event)
		if err != nil {
			return false, record{}, malformed("encode the event of %s: %v", r.Hold, err)
		}
		event = string(b)
	}
	names := append(make([]string, 0, 4+2*len(e.Deltas)+len(e.Buckets)), k.open(), k.hold(r.Hold), k.events(), k.epoch())
	args := append(make([]any, 0, 8+3*len(e.Deltas)+len(e.Buckets)),
		string(r.Hold), head(e.From, r), next, store.TombstoneTTL.Milliseconds(), event, g.before, g.charged, len(e.Deltas))
	for _, d := range e.Deltas {
		names = append(names, k.committed(d.Counter), k.settled(d.Counter))
		args = append(args, decimal(d.Committed), decimal(d.Settled), purge(d.Counter.Window))
	}
	for _, b := range e.Buckets {
		names = append(names, k.bucket(b.Bucket))
		args = append(args, b.Micros)
	}
	var reply []any
	if s.wait.Replicas > 0 && e.To.State == store.Settled {
		reply, err = s.runAndWait(ctx, s.scripts.move, names, args)
	} else {
		reply, err = s.scripts.move.Run(ctx, s.client, names, args...).Slice()
	}
	if err != nil {
		return false, record{}, unavailable(err)
	}
	switch reply[0] {
	case "done":
		return true, record{}, nil
	case "extended":
		return false, record{standing: e.From, hold: r}, nil
	case "late":
		return false, record{}, store.Unknown(r)
	}
	text := ""
	if len(reply) > 1 {
		text, _ = reply[1].(string)
	}
	now, err = decode(r.Org, r.Hold, text)
	return false, now, err
}
