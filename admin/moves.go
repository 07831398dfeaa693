package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/alfred-envoy/alfred"
)

// move takes credits out of an open window and books where they went.
//
// The source is taken first, on its live counter, so that a limit that is a
// second old cannot be spent twice. The move is written down before that, so
// that its fate can be settled whatever dies in between.
type move struct {
	org     alfred.OrgID
	id      alfred.MoveID
	source  []alfred.Charge
	amount  alfred.Credits
	partial bool // take what is there, at most amount
	// book stores the effects of what was taken, in one transaction.
	book func(ctx context.Context, w *change, taken alfred.Credits) error
}

// errTooLittle is a source that does not hold the amount.
type errTooLittle struct{ available alfred.Credits }

func (e *errTooLittle) Error() string {
	return fmt.Sprintf("%s credits are available", alfred.Figure(e.available))
}

// apply runs a move. It returns errTooLittle when the source does not hold
// the amount and the move is not partial.
func (s *server) apply(ctx context.Context, m move) error {
	if callOf(ctx).dryRun {
		return s.rehearse(ctx, m)
	}
	var w *change
	within := func(ctx context.Context, fn func(context.Context) error) error {
		return s.write(ctx, m.org, func(ctx context.Context, c *change) error {
			w = c
			return fn(ctx)
		})
	}
	out := alfred.Outflow{Org: m.org, Move: m.id, Source: m.source, Amount: m.amount, Partial: m.partial}
	mover := Mover{Records: s.Records, Live: s.Live, Ledger: s.Ledger, Now: s.Now, Log: s.Log}
	return mover.Move(ctx, out, within, func(ctx context.Context, taken alfred.Credits) error { return m.book(ctx, w, taken) })
}

// Mover moves credits out of an open window.
type Mover struct {
	Records Records
	Live    Live
	Ledger  *Rebuilder // sees that what was taken stands; nil: nobody does
	Now     func() time.Time
	Log     *slog.Logger
}

// Move writes a move down, takes it and books what was taken, in the
// transaction that within begins. It is made wholly or not at all; when that
// cannot be told yet the error is ErrFateUnknown, and SettleMoves decides.
func (m Mover) Move(ctx context.Context, out alfred.Outflow, within func(context.Context, func(context.Context) error) error,
	book func(ctx context.Context, taken alfred.Credits) error,
) error {
	raw, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("write down move %s: %w", out.Move, err)
	}
	record := alfred.Move{ID: out.Move, Org: out.Org, Outflow: raw, State: movePending, CreatedAt: m.Now()}
	if err := m.Records.CreateMove(ctx, record); err != nil {
		return fmt.Errorf("write down move %s: %w", out.Move, err)
	}
	whole := false // everything but the commit was done
	err = within(ctx, func(ctx context.Context) error {
		whole = false
		if err := m.take(ctx, out, book); err != nil {
			return err
		}
		whole = true
		return nil
	})
	if err == nil {
		return nil
	}
	// Settling asks the record whether the booking happened after all: an
	// error on commit does not say.
	booked, settleErr := settleMove(context.WithoutCancel(ctx), m.Records, m.Live, record)
	switch {
	case settleErr != nil:
		m.Log.Error("move is left to the job", "move", out.Move, "err", settleErr)
		if whole {
			return &alfred.Error{
				Code: alfred.CodeUnavailable, Message: "It is not known yet whether the credits were moved: look at the transfers in two minutes before you try again.",
				Err: errors.Join(ErrFateUnknown, err),
			}
		}
	case booked:
		return nil
	}
	var short *errTooLittle
	if alfred.ErrorCode(err) == alfred.CodeInternal && !errors.As(err, &short) {
		return &alfred.Error{Code: alfred.CodeUnavailable, Message: "The credits could not be moved; nothing was taken.", Err: err}
	}
	return err
}

// ErrFateUnknown means that a move may have been made: neither its transaction
// nor the record said whether it was.
var ErrFateUnknown = errors.New("whether the move was made is not known yet")

// take takes and books under the lock under which the ledger is compared with
// the record: a comparison finds both or neither.
func (m Mover) take(ctx context.Context, out alfred.Outflow, book func(ctx context.Context, taken alfred.Credits) error) error {
	if _, err := m.Records.LockUsage(ctx, out.Org); err != nil {
		return err
	}
	reply, err := m.Live.TakeOutflow(ctx, out)
	if err != nil {
		return err
	}
	if reply.Refused {
		return &errTooLittle{reply.Available.Floor0()}
	}
	if err := m.Ledger.Stands(ctx, out.Org, map[alfred.MoveID]alfred.Credits{out.Move: reply.Taken}); err != nil {
		return err
	}
	if err := book(ctx, reply.Taken); err != nil {
		return err
	}
	if err := m.Records.AddOutflow(ctx, out.Org, out.Source, reply.Taken); err != nil {
		return err
	}
	return m.Records.FinishMove(ctx, out.Org, out.Move, moveDone)
}

// rehearse books a move on what is available now, in a transaction that is
// undone.
func (s *server) rehearse(ctx context.Context, m move) error {
	counters := make([]alfred.Counter, len(m.source))
	for i, c := range m.source {
		counters[i] = c.Counter
	}
	balances, err := s.balances(ctx, m.org, counters)
	if err != nil {
		return err
	}
	available := alfred.Unlimited
	for i, c := range m.source {
		available = min(available, (c.Ceiling - balances[i].Committed).Floor0())
	}
	if available < m.amount && !m.partial {
		return &errTooLittle{available}
	}
	return s.write(ctx, m.org, func(ctx context.Context, w *change) error { return m.book(ctx, w, min(available, m.amount)) })
}

// States of a move.
const (
	movePending = "pending"
	moveDone    = "done"
	moveUndone  = "undone"
)

// settleMove decides the fate of a pending move: if it was booked it stands,
// otherwise the live counter gets back what was taken. The record is locked
// while the counter is corrected, so a booking that is still under way either
// is seen or fails.
func settleMove(ctx context.Context, r Records, live Live, m alfred.Move) (booked bool, err error) {
	out, err := outflowOf(m)
	if err != nil {
		return false, err
	}
	err = r.InTx(ctx, func(ctx context.Context) error {
		if _, err := r.LockUsage(ctx, m.Org); err != nil {
			return err
		}
		if err := r.FinishMove(ctx, m.Org, m.ID, moveUndone); err != nil && mutant != "undoes_what_was_booked" {
			return err
		}
		return live.UndoOutflow(ctx, out)
	})
	if alfred.ErrorCode(err) == alfred.CodeConflict {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("settle move %s: %w", m.ID, err)
	}
	return false, nil
}

// undoAgain gives back what moves have taken of which the record says that they
// were undone. A ledger that came back older may not know of it, and nobody
// else would ever look: the counter would stay too high.
func (b *Rebuilder) undoAgain(ctx context.Context, org alfred.OrgID) (n int, err error) {
	if mutant == "forgets_undone_moves" {
		return 0, nil
	}
	for after := alfred.MoveID(""); ; {
		moves, err := b.Records.UndoneMoves(ctx, org, after, ledgerPage)
		if err != nil || len(moves) == 0 {
			return n, err
		}
		ids := make([]alfred.MoveID, len(moves))
		for i, m := range moves {
			ids[i] = m.ID
		}
		s, err := b.Live.Survey(ctx, org, nil, ids, 0)
		if err != nil {
			return n, err
		}
		for _, m := range moves {
			if s.Taken[m.ID] == 0 {
				continue
			}
			out, err := outflowOf(m)
			if err != nil {
				return n, err
			}
			if err := b.Live.UndoOutflow(ctx, out); err != nil {
				return n, err
			}
			n++
		}
		after = ids[len(ids)-1]
	}
}

// outflowOf reads what a move was to take.
func outflowOf(m alfred.Move) (out alfred.Outflow, err error) {
	if err := json.Unmarshal(m.Outflow, &out); err != nil {
		return out, fmt.Errorf("read move %s: %w", m.ID, err)
	}
	return out, nil
}

// pendingAfter is how old a pending move is before somebody else settles it.
const pendingAfter = time.Minute

// SettleMoves settles moves whose maker did not.
func (j *Jobs) SettleMoves(ctx context.Context) error {
	moves, err := j.Records.PendingMoves(ctx, j.Now().Add(-pendingAfter))
	if err != nil {
		return err
	}
	for _, m := range moves {
		booked, err := settleMove(ctx, j.Records, j.Live, m)
		if err != nil {
			return err
		}
		j.Log.Warn("move settled", "move", m.ID, "booked", booked)
	}
	return nil
}

func (s *server) newMove() (alfred.MoveID, error) {
	id, err := s.newID("mov")
	return alfred.MoveID(id), err
}

// adjust gives adjustments their ids and stores them.
func (s *server) adjust(ctx context.Context, all ...alfred.Adjustment) error {
	for i := range all {
		id, err := s.newID("adj")
		if err != nil {
			return err
		}
		all[i].ID = alfred.AdjustmentID(id)
	}
	return s.Records.AddAdjustments(ctx, all...)
}
