package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// lockHistory lets one transaction at a time write what is in an order: the
// audit log and the outbox. It is one lock, so that those who write both
// never wait for each other.
func (s *Store) lockHistory(ctx context.Context, org alfred.OrgID) error {
	return s.Lock(ctx, "history:"+string(org))
}

// AppendAudit links an event to the one before it and stores it. It holds the
// organisation's history until the transaction ends: call it late.
func (s *Store) AppendAudit(ctx context.Context, e alfred.AuditEvent) (sealed alfred.AuditEvent, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		if err := s.lockHistory(ctx, e.Org); err != nil {
			return err
		}
		last, err := s.q(ctx).LastAudit(ctx, e.Org)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return failed(err, "read the end of the audit log")
		}
		next := e
		next.Seq = last.Seq + 1
		sealed = next.Seal(last.Hash)
		return failed(s.q(ctx).AppendAudit(ctx, db.AppendAuditParams{
			OrgID: sealed.Org, Seq: sealed.Seq, At: sealed.At, ActorID: sealed.Actor, ActorName: sealed.ActorName, Action: sealed.Action,
			Subject: sealed.Subject, Before: sealed.Before, After: sealed.After, Reason: sealed.Reason, Ip: sealed.IP,
			RequestID: alfred.RequestID(sealed.RequestID), PrevHash: sealed.PrevHash, Hash: sealed.Hash,
		}), "append to the audit log")
	})
	if err != nil {
		return alfred.AuditEvent{}, err
	}
	return sealed, nil
}

// Audit returns the events that the filter leaves, newest first.
func (s *Store) Audit(ctx context.Context, org alfred.OrgID, f alfred.AuditFilter) ([]alfred.AuditEvent, error) {
	rows, err := s.q(ctx).Audit(ctx, db.AuditParams{
		OrgID: org, BeforeSeq: f.BeforeSeq, Actor: string(f.Actor), Action: f.Action, Subject: f.Subject, About: f.About,
		Since: instant(f.From), Until: instant(f.Until), Max: most(f.Limit),
	})
	return each(rows, func(r db.AuditEvent) alfred.AuditEvent {
		return alfred.AuditEvent{
			Seq: r.Seq, Org: r.OrgID, At: r.At, Actor: r.ActorID, ActorName: r.ActorName, Action: r.Action, Subject: r.Subject,
			Before: r.Before, After: r.After, Reason: r.Reason, IP: r.Ip, RequestID: string(r.RequestID), PrevHash: r.PrevHash, Hash: r.Hash,
		}
	}), failed(err, "read the audit log")
}
