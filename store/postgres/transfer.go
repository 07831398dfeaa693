package postgres

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// CreateTransfer stores a transfer. Its move is booked once, a reallocation's
// once for each pair: again is CodeConflict.
func (s *Store) CreateTransfer(ctx context.Context, t alfred.Transfer) error {
	return failed(s.q(ctx).CreateTransfer(ctx, db.CreateTransferParams{
		OrgID: t.Org, ID: t.ID, MoveID: t.Move, Kind: t.Kind, SenderID: optional(t.Sender), SenderTeam: t.SenderTeam,
		RecipientID: optional(t.Recipient), RecipientTeam: t.RecipientTeam, MadeBy: t.MadeBy, Amount: t.Amount, Reason: t.Reason,
		WindowStart: t.Window.Start, WindowEnd: t.Window.End, CreatedAt: t.CreatedAt,
	}), "create transfer %s", t.ID)
}

// Transfers returns those that the filter leaves, newest first.
func (s *Store) Transfers(ctx context.Context, org alfred.OrgID, f alfred.TransferFilter) ([]alfred.Transfer, error) {
	rows, err := s.q(ctx).Transfers(ctx, db.TransfersParams{
		OrgID: org, After: f.After, Sender: string(f.Sender), Recipient: string(f.Recipient), Either: string(f.Either),
		Since: instant(f.From), Until: instant(f.Until), MinAmount: int64(f.MinAmount), MaxAmount: int64(f.MaxAmount), Max: most(f.Limit),
	})
	return each(rows, func(r db.Transfer) alfred.Transfer {
		return alfred.Transfer{
			ID: r.ID, Org: r.OrgID, Move: r.MoveID, Kind: r.Kind, Sender: value(r.SenderID), SenderTeam: r.SenderTeam,
			Recipient: value(r.RecipientID), RecipientTeam: r.RecipientTeam, MadeBy: r.MadeBy, Amount: r.Amount, Reason: r.Reason,
			Window: alfred.Window{Start: r.WindowStart, End: r.WindowEnd}, CreatedAt: r.CreatedAt,
		}
	}), failed(err, "list transfers")
}

// TransferTotal sums the transfers that the filter leaves, on all pages.
func (s *Store) TransferTotal(ctx context.Context, org alfred.OrgID, f alfred.TransferFilter) (alfred.Credits, error) {
	total, err := s.q(ctx).TransferTotal(ctx, db.TransferTotalParams{
		OrgID: org, Sender: string(f.Sender), Recipient: string(f.Recipient), Either: string(f.Either),
		Since: instant(f.From), Until: instant(f.Until), MinAmount: int64(f.MinAmount), MaxAmount: int64(f.MaxAmount),
	})
	return alfred.Credits(total), failed(err, "sum transfers")
}
