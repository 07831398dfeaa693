package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// move is the record of an outflow.
type move struct {
	reply  alfred.OutflowReply
	undone bool
	lapses time.Time
}

// TakeOutflow takes an amount away from counters that move together, as far
// as it is there: neither spent nor held. The same move again is answered as
// it was; a move that was undone is refused.
func (s *Store) TakeOutflow(_ context.Context, f alfred.Outflow) (alfred.OutflowReply, error) {
	if err := store.CheckOutflow(f); err != nil {
		return alfred.OutflowReply{}, fmt.Errorf("take outflow %s: %w", f.Move, err)
	}
	o, now, leave := s.enter(f.Org)
	defer leave()
	if m, ok := o.move(f.Move, now); ok {
		reply := m.reply
		if m.undone {
			reply.Taken, reply.Refused = 0, true
		}
		return reply, nil
	}
	if !o.epoch.live {
		return alfred.OutflowReply{}, fmt.Errorf("take outflow %s: %w", f.Move, store.Learning(f.Org))
	}
	reply := alfred.OutflowReply{Now: now, Available: alfred.MaxCredits}
	for _, c := range f.Source {
		if !now.Before(c.Counter.Window.End) {
			return alfred.OutflowReply{Now: now, Refused: true}, nil
		}
		reply.Available = min(reply.Available, store.Room(c.Ceiling, o.balance(c.Counter, now).Committed))
	}
	switch {
	case f.Amount <= reply.Available:
		reply.Taken = f.Amount
	case f.Partial:
		reply.Taken = reply.Available
	default:
		reply.Refused = true
	}
	for _, c := range f.Source {
		o.add(c.Counter, now, reply.Taken, reply.Taken, reply.Taken)
	}
	o.moves[f.Move] = &move{reply: reply, lapses: lapses(f)}
	return reply, nil
}

// UndoOutflow returns what a move has taken. A move that is yet to arrive will
// be refused.
func (s *Store) UndoOutflow(_ context.Context, f alfred.Outflow) error {
	if err := store.CheckOutflow(f); err != nil {
		return fmt.Errorf("undo outflow %s: %w", f.Move, err)
	}
	o, now, leave := s.enter(f.Org)
	defer leave()
	m, ok := o.move(f.Move, now)
	if !ok {
		m = &move{reply: alfred.OutflowReply{Now: time.UnixMicro(0).UTC()}}
		o.moves[f.Move] = m
	}
	m.lapses = lapses(f)
	if m.undone {
		return nil
	}
	m.undone = true
	for _, c := range f.Source {
		o.add(c.Counter, now, -m.reply.Taken, -m.reply.Taken, -m.reply.Taken)
	}
	return nil
}

func (o *org) move(id alfred.MoveID, now time.Time) (*move, bool) {
	m, ok := o.moves[id]
	return m, ok && now.Before(m.lapses)
}

// lapses is when the last of the counters is forgotten: until then a move can
// be undone.
func lapses(f alfred.Outflow) time.Time {
	var last time.Time
	for _, c := range f.Source {
		if c.Counter.Window.End.After(last) {
			last = c.Counter.Window.End
		}
	}
	return last.Add(alfred.PurgeAfter)
}
