package postgres

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

func adjustment(r db.Adjustment) alfred.Adjustment {
	return alfred.Adjustment{
		ID: r.ID, Org: r.OrgID, Budget: r.Budget, Subject: r.Subject, Amount: r.Amount, From: r.EffectiveAt, Until: moment(r.ExpiresAt),
		Kind: r.Kind, Group: r.GroupID, OnCounter: r.OnCounter, Reason: r.Reason, Actor: r.Actor, CreatedAt: r.CreatedAt,
	}
}

// AddAdjustments stores all or none. They are never changed afterwards. Those
// of a group have to sum to zero when the transaction ends.
func (s *Store) AddAdjustments(ctx context.Context, adjustments ...alfred.Adjustment) error {
	if len(adjustments) == 0 {
		return nil
	}
	rows := each(adjustments, func(a alfred.Adjustment) db.AddAdjustmentsParams {
		return db.AddAdjustmentsParams{
			OrgID: a.Org, ID: a.ID, Budget: a.Budget, Subject: a.Subject, Amount: a.Amount, EffectiveAt: a.From, ExpiresAt: instant(a.Until),
			Kind: a.Kind, GroupID: a.Group, OnCounter: a.OnCounter, Reason: a.Reason, Actor: a.Actor, CreatedAt: a.CreatedAt,
		}
	})
	return s.InTx(ctx, func(ctx context.Context) error {
		var first error
		s.q(ctx).AddAdjustments(ctx, rows).Exec(func(i int, err error) {
			if first == nil {
				first = failed(err, "add adjustment %s", rows[i].ID)
			}
		})
		return first
	})
}

// Adjustments returns those that the filter leaves, in the order in which
// they were made.
func (s *Store) Adjustments(ctx context.Context, org alfred.OrgID, f alfred.AdjustmentFilter) ([]alfred.Adjustment, error) {
	rows, err := s.q(ctx).Adjustments(ctx, db.AdjustmentsParams{
		OrgID: org, Budget: string(f.Budget), Subjects: f.Subjects, Kind: string(f.Kind), GroupID: string(f.Group), EndAfter: instant(f.EndAfter),
	})
	return each(rows, adjustment), failed(err, "list adjustments")
}

// Overdrawn returns who overdrew in a window or still owed in it, and has not
// been charged for that in the window after.
func (s *Store) Overdrawn(ctx context.Context, org alfred.OrgID, w, after alfred.Window) ([]alfred.UserID, error) {
	ids, err := s.q(ctx).Overdrawn(ctx, org, w.Start, after.Start)
	return ids, failed(err, "list who overdrew")
}
