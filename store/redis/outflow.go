package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// TakeOutflow takes an amount away from counters that move together, as far
// as it is there: neither spent nor held. The same move again is answered as
// it was; a move that was undone is refused. Available is at most
// alfred.MaxCredits.
func (s *Store) TakeOutflow(ctx context.Context, o alfred.Outflow) (alfred.OutflowReply, error) {
	reply, err := s.outflow(ctx, "take", o)
	if err != nil {
		return alfred.OutflowReply{}, fmt.Errorf("take outflow %s: %w", o.Move, err)
	}
	return reply, nil
}

// UndoOutflow returns what a move has taken. A move that is yet to arrive will
// be refused.
func (s *Store) UndoOutflow(ctx context.Context, o alfred.Outflow) error {
	if _, err := s.outflow(ctx, "undo", o); err != nil {
		return fmt.Errorf("undo outflow %s: %w", o.Move, err)
	}
	return nil
}

func (s *Store) outflow(ctx context.Context, act string, o alfred.Outflow) (out alfred.OutflowReply, err error) {
	if err := store.CheckOutflow(o); err != nil {
		return out, err
	}
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	k := keysOf(o.Org)
	names := []string{k.epoch(), k.move(o.Move)}
	first, last := o.Source[0].Counter.Window, o.Source[0].Counter.Window
	var ceilings []any
	for _, c := range o.Source {
		if c.Counter.Window.End.Before(first.End) {
			first = c.Counter.Window
		}
		if c.Counter.Window.End.After(last.End) {
			last = c.Counter.Window
		}
		names = append(names, k.committed(c.Counter), k.settled(c.Counter), k.outflow(c.Counter))
		ceilings = append(ceilings, decimal(c.Ceiling), purge(c.Counter.Window))
	}
	partial := "0"
	if o.Partial {
		partial = "1"
	}
	args := append([]any{act, decimal(o.Amount), partial, first.End.UnixMicro(), purge(last)}, ceilings...)
	reply, err := s.scripts.outflow.Run(ctx, s.client, names, args...).Slice()
	if err != nil {
		return out, unavailable(err)
	}
	if len(reply) != 4 {
		return out, malformed("a reply of %d values", len(reply))
	}
	if reply[0] == "L" {
		return out, store.Learning(o.Org)
	}
	var n [3]int64
	for i := range n {
		if n[i], err = number(reply[1+i]); err != nil {
			return out, err
		}
	}
	out = alfred.OutflowReply{Taken: alfred.Credits(n[0]), Available: alfred.Credits(n[1]), Now: time.UnixMicro(n[2]).UTC()}
	if reply[0] != "T" {
		out.Taken, out.Refused = 0, true
	}
	return out, nil
}
