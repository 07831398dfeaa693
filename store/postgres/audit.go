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

// AppendAudit links events to the one before and stores them, in their order. It
// holds the organisation's history until the transaction ends: call it late,
// with all that there is to append.
func (s *Store) AppendAudit(ctx context.Context, org alfred.OrgID, events ...alfred.AuditEvent) (sealed []alfred.AuditEvent, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		if err := s.lockHistory(ctx, org); err != nil {
			return err
		}
		last, err := s.q(ctx).LastAudit(ctx, org)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return failed(err, "read the end of the audit log")
		}
		sealed = make([]alfred.AuditEvent, len(events))
		rows := make([]db.AppendAuditParams, len(events))
		for i, e := range events {
			e.Org, e.Seq = org, last.Seq+1
			e = e.Seal(last.Hash)
			last.Seq, last.Hash, sealed[i] = e.Seq, e.Hash, e
			rows[i] = db.AppendAuditParams{
				OrgID: e.Org, Seq: e.Seq, At: e.At, ActorID: e.Actor, ActorName: e.ActorName, Action: e.Action, Subject: e.Subject, Before: e.Before,
				After: e.After, Reason: e.Reason, Ip: e.IP, RequestID: alfred.RequestID(e.RequestID), PrevHash: e.PrevHash, Hash: e.Hash,
			}
		}
		var first error
		s.q(ctx).AppendAudit(ctx, rows).Exec(func(_ int, err error) {
			if first == nil {
				first = failed(err, "append to the audit log")
			}
		})
		return first
	})
	if err != nil {
		return nil, err
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
