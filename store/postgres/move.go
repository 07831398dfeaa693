package postgres

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// CreateMove writes down an outflow before it happens.
func (s *Store) CreateMove(ctx context.Context, m alfred.Move) error {
	return failed(s.q(ctx).CreateMove(ctx, db.CreateMoveParams{
		OrgID: m.Org, ID: m.ID, Outflow: m.Outflow, State: m.State, CreatedAt: m.CreatedAt,
	}), "create move %s", m.ID)
}

// FinishMove says how a pending move ended. The same end a second time changes
// nothing; the other one is CodeConflict, so that a move cannot be both done
// and undone.
func (s *Store) FinishMove(ctx context.Context, org alfred.OrgID, id alfred.MoveID, state string) error {
	rows, err := s.q(ctx).FinishMove(ctx, state, org, id)
	if err != nil || rows > 0 {
		return failed(err, "finish move %s", id)
	}
	was, err := s.q(ctx).MoveState(ctx, org, id)
	if err := found(err, "move", id); err != nil {
		return err
	}
	return alfred.Errorf(alfred.CodeConflict, "move %s is %s already", id, was)
}

// PendingMoves returns the moves of every organisation whose end nobody has
// written down, oldest first.
func (s *Store) PendingMoves(ctx context.Context, createdBefore time.Time) ([]alfred.Move, error) {
	rows, err := s.q(ctx).PendingMoves(ctx, createdBefore)
	return each(rows, aMove), failed(err, "list pending moves")
}

// UndoneMoves pages through the moves of an organisation that were undone.
func (s *Store) UndoneMoves(ctx context.Context, org alfred.OrgID, after alfred.MoveID, max int) ([]alfred.Move, error) {
	rows, err := s.q(ctx).UndoneMoves(ctx, org, after, int32(min(max, 1<<20)))
	return each(rows, aMove), failed(err, "list undone moves")
}

func aMove(r db.Move) alfred.Move {
	return alfred.Move{ID: r.ID, Org: r.OrgID, Outflow: r.Outflow, State: r.State, CreatedAt: r.CreatedAt}
}
