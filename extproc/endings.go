package extproc

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alfred-envoy/alfred"
)

// endings ends holds. Each is written to the spool before it is sent. What the
// live store does not take at once is kept and tried again until it is taken:
// ending a hold twice changes nothing, so that a lost answer does no harm. At
// most maxEndings wait; beyond that the spool alone has the rest and sends it
// later. Without a spool such a hold is left to the reaper, which charges it by
// policy.
type endings struct {
	ledger  Ledger
	timeout time.Duration // of the first attempt, which a request waits for
	metrics *Metrics
	log     *slog.Logger
	keeper  *keeper // nil without a spool
	tempo   Tempo

	waiting atomic.Int64
	tries   chan struct{} // bounds the attempts under way
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup
}

const (
	maxEndings     = 20_000
	retryTimeout   = 2 * time.Second
	firstBackoff   = 100 * time.Millisecond
	longestBackoff = 5 * time.Second
)

// ending is one hold to be ended: settled, or voided.
type ending struct {
	void       bool
	settlement alfred.Settlement // of a void only Record and Event count
	kept       bool              // the spool has it
	keeper     *keeper           // whose spool that is; nil without one
	booked     func()            // called once the counters or the record have it; nil
}

func newEndings(l Ledger, timeout time.Duration, tempo Tempo, m *Metrics, log *slog.Logger) *endings {
	ctx, stop := context.WithCancel(context.Background())
	return &endings{ledger: l, timeout: timeout, tempo: tempo, metrics: m, log: log, tries: make(chan struct{}, 64), ctx: ctx, stop: stop}
}

// end writes an ending down, makes one attempt now and leaves the rest to the
// background.
func (q *endings) end(ctx context.Context, e ending) {
	if mutant != "settle_before_spool" {
		q.keep(ctx, &e)
	}
	// The request may be over; what it cost is not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.timeout)
	defer cancel()
	if err := q.try(ctx, e); err != nil {
		q.log.WarnContext(ctx, "ending a hold is put off", "hold", e.settlement.Record.Hold, "error", err)
		q.later(e)
	}
}

func (q *endings) keep(ctx context.Context, e *ending) {
	if q.keeper != nil && e.settlement.Event.Spooled == 0 { // else it was tried: one entry for one hold
		q.keeper.keep(ctx, e)
	}
}

// later ends a hold in the background.
func (q *endings) later(e ending) {
	if q.waiting.Add(1) > maxEndings {
		q.waiting.Add(-1)
		if e.kept {
			q.keeper.behind.Store(true)
			return
		}
		q.metrics.endingsLost.Inc()
		q.log.Error("a hold is left to the reaper: too many wait to be ended", "hold", e.settlement.Record.Hold, "org", e.settlement.Record.Org)
		return
	}
	q.wg.Add(1)
	q.tempo.begin(func() {
		defer q.wg.Done()
		defer q.waiting.Add(-1)
		q.keep(q.ctx, &e)
		for wait := firstBackoff; ; wait = min(2*wait, longestBackoff) {
			select {
			case q.tries <- struct{}{}:
			case <-q.ctx.Done():
				q.lost(e)
				return
			}
			q.metrics.retries.Inc()
			ctx, cancel := context.WithTimeout(q.ctx, retryTimeout)
			err := q.try(ctx, e)
			cancel()
			<-q.tries
			if err == nil {
				return
			}
			q.tempo.pause(q.ctx, wait)
			if q.ctx.Err() != nil {
				q.lost(e)
				return
			}
		}
	})
}

func (q *endings) lost(e ending) {
	if e.kept {
		return // sent at the next start
	}
	q.metrics.endingsLost.Inc()
	q.log.Error("a hold is left to the reaper: the process stops", "hold", e.settlement.Record.Hold, "org", e.settlement.Record.Org)
}

// again sends what the spool holds. Of a hold that had ended the store writes
// no event, and perhaps nobody would ever confirm it, so it is appended: the
// record takes each only once.
func (q *endings) again(ctx context.Context, e ending) error {
	q.metrics.resent.Inc()
	state, err := q.attempt(ctx, e)
	switch {
	case err != nil || state != alfred.EndDuplicate || len(e.settlement.Record.Legs) == 0:
		return err
	case e.void:
		event := e.settlement.Event
		event.Held = e.settlement.Record.Granted
		return q.appendEvent(ctx, event)
	default:
		return q.append(ctx, e)
	}
}

func (q *endings) try(ctx context.Context, e ending) error {
	_, err := q.attempt(ctx, e)
	if err == nil && e.booked != nil {
		e.booked()
	}
	return err
}

func (q *endings) attempt(ctx context.Context, e ending) (alfred.EndState, error) {
	act, began := "settle", time.Now()
	var state alfred.EndState
	var err error
	if e.void {
		act = "void"
		state, err = q.ledger.Void(ctx, e.settlement.Record, e.settlement.Event)
	} else {
		state, err = q.ledger.Settle(ctx, e.settlement)
	}
	q.metrics.called(act, began, err)
	switch {
	case err == nil:
	case alfred.ErrorCode(err) == alfred.CodeNotFound && !e.void:
		// Too long ago for the open windows; the permanent record still takes it.
		return "", q.append(ctx, e)
	case isMistake(err):
		q.log.ErrorContext(ctx, "a hold cannot be ended and is left to the reaper", "hold", e.settlement.Record.Hold, "error", err)
		q.metrics.endingsLost.Inc()
		return "", nil
	default:
		return "", err
	}
	q.metrics.settled.WithLabelValues(act, string(e.settlement.Event.Outcome), string(state)).Inc()
	if e.kept && (mutant == "drop_on_reply" || mutant == "unknown_void_dropped" && e.void && len(e.settlement.Record.Legs) == 0) {
		e.keeper.drop(e.settlement.Event.Spooled)
	}
	if !e.kept || !e.void || len(e.settlement.Record.Legs) > 0 {
		return state, nil
	}
	// Of a hold of unknown fate: one that was never made, and will not be, leaves nothing to record. One that was made may come back
	// in a store that loses its last writes, the void among them, so the spool keeps the void until its event is recorded. After an
	// answer that was lost nobody knows which of the two it was.
	switch state {
	case alfred.EndUnknown:
		e.keeper.drop(e.settlement.Event.Spooled)
	case alfred.EndDuplicate:
		return state, q.appendEvent(ctx, e.settlement.Event)
	default: // its event is in the stream
	}
	return state, nil
}

// append records what a hold cost without charging its counters, whose
// window may be over.
func (q *endings) append(ctx context.Context, e ending) error {
	s := e.settlement
	event := s.Event
	event.Late, event.Cost = true, s.Cost
	event.Charges, event.Legs = alfred.ChargesOf(s.Record, s.Cost, alfred.SpreadOverLegs(s.Record.Legs, s.Cost))
	return q.appendEvent(ctx, event)
}

func (q *endings) appendEvent(ctx context.Context, event alfred.UsageEvent) error {
	began := time.Now()
	err := q.ledger.AppendEvents(ctx, event.Org, []alfred.UsageEvent{event})
	q.metrics.called("append", began, err)
	return err
}

// close waits until everything is ended, or ctx ends.
func (q *endings) close(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		q.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	q.stop()
	<-done
}
