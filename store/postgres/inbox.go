package postgres

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// AddInbox tells people something: all of it or nothing.
func (s *Store) AddInbox(ctx context.Context, items ...alfred.InboxItem) error {
	if len(items) == 0 {
		return nil
	}
	rows := each(items, func(i alfred.InboxItem) db.AddInboxParams {
		return db.AddInboxParams{
			OrgID: i.Org, ID: i.ID, UserID: i.User, Kind: i.Kind, Title: i.Title, Body: i.Body, Ref: i.Ref, CreatedAt: i.CreatedAt, ReadAt: instant(i.ReadAt),
		}
	})
	return s.InTx(ctx, func(ctx context.Context) error {
		var first error
		s.q(ctx).AddInbox(ctx, rows).Exec(func(i int, err error) {
			if first == nil {
				first = failed(err, "add %s to the inbox of %s", rows[i].ID, rows[i].UserID)
			}
		})
		return first
	})
}

// Inbox returns what a person was told, newest first. Limit 0 is all.
func (s *Store) Inbox(ctx context.Context, org alfred.OrgID, u alfred.UserID, unreadOnly bool, limit int) ([]alfred.InboxItem, error) {
	rows, err := s.q(ctx).Inbox(ctx, org, u, unreadOnly, most(limit))
	return each(rows, func(r db.Inbox) alfred.InboxItem {
		return alfred.InboxItem{
			ID: r.ID, Org: r.OrgID, User: r.UserID, Kind: r.Kind, Title: r.Title, Body: r.Body, Ref: r.Ref, CreatedAt: r.CreatedAt, ReadAt: moment(r.ReadAt),
		}
	}), failed(err, "read the inbox of %s", u)
}

// MarkInboxRead marks all that a person has not read as read at that time.
func (s *Store) MarkInboxRead(ctx context.Context, org alfred.OrgID, u alfred.UserID, at time.Time) error {
	return failed(s.q(ctx).MarkInboxRead(ctx, at, org, u), "mark the inbox of %s", u)
}
