package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

const (
	// idempotentFor is how long a key of a client is remembered.
	idempotentFor = 24 * time.Hour
	// inFlightFor is how long a claim stands before anything was written under
	// it: whoever made it has died since.
	inFlightFor = 2 * time.Minute
)

// BeginIdempotent claims a client's key: nil is the claim, and a reply is what
// somebody who claimed it before was answered: Status 0 while they are at it,
// and 1 when they have written and not answered. Of two at once one gets the
// claim; in a transaction the other waits until it ends.
//
// A claim lapses after two minutes, what was written under it is remembered
// for 24 hours.
func (s *Store) BeginIdempotent(ctx context.Context, org alfred.OrgID, actor, key, bodyHash string, now time.Time) (*alfred.IdempotentReply, error) {
	if err := s.q(ctx).ForgetIdempotent(ctx, now); err != nil {
		return nil, failed(err, "forget old idempotency keys")
	}
	// Between a claim that fails and the read, the owner may abandon the key.
	for range 3 {
		claimed, err := s.q(ctx).ClaimIdempotent(ctx, db.ClaimIdempotentParams{
			OrgID: org, Actor: actor, Key: key, BodyHash: bodyHash, ExpiresAt: now.Add(inFlightFor), Now: now,
		})
		if err != nil || claimed > 0 {
			return nil, failed(err, "claim an idempotency key")
		}
		row, err := s.q(ctx).IdempotentReply(ctx, org, actor, key)
		if errors.Is(err, pgx.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, failed(err, "read an idempotency key")
		}
		reply := alfred.IdempotentReply{BodyHash: row.BodyHash, Status: int(row.Status), Body: filled(row.Body)}
		if err := json.Unmarshal(row.Header, &reply.Header); err != nil {
			return nil, failed(err, "read an idempotency key")
		}
		if len(reply.Header) == 0 {
			reply.Header = nil
		}
		return &reply, nil
	}
	return nil, alfred.Errorf(alfred.CodeInFlight, "other requests with this Idempotency-Key come and go: try again")
}

// CommitIdempotent marks, in the transaction of a write, that the request which
// claimed a key has written. A claim that has lapsed, or that somebody took
// over and wrote under, is CodeNotFound, and the write must be undone.
func (s *Store) CommitIdempotent(ctx context.Context, org alfred.OrgID, actor, key string, now time.Time) error {
	rows, err := s.q(ctx).CommitIdempotent(ctx, now.Add(idempotentFor), org, actor, key)
	return changed(rows, err, "idempotency key", key)
}

// FinishIdempotent stores the reply of the request that claimed a key. A key
// that nobody holds is CodeNotFound.
func (s *Store) FinishIdempotent(ctx context.Context, org alfred.OrgID, actor, key string, r alfred.IdempotentReply, now time.Time) error {
	header, err := json.Marshal(r.Header)
	if err != nil {
		return failed(err, "write a reply's header")
	}
	rows, err := s.q(ctx).FinishIdempotent(ctx, db.FinishIdempotentParams{
		OrgID: org, Actor: actor, Key: key, Status: int64(r.Status), Header: header, Body: append([]byte{}, r.Body...),
		ExpiresAt: now.Add(idempotentFor),
	})
	return changed(rows, err, "idempotency key", key)
}

// AbandonIdempotent gives a claimed key back, so that the client may try
// again: written says that the key goes back although something was written
// under it. A key with an answer stays.
func (s *Store) AbandonIdempotent(ctx context.Context, org alfred.OrgID, actor, key string, written bool) error {
	return failed(s.q(ctx).AbandonIdempotent(ctx, org, actor, key, written), "abandon an idempotency key")
}
