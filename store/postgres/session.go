package postgres

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// CreateSession stores a session, and forgets a few that have expired.
func (s *Store) CreateSession(ctx context.Context, n alfred.Session) error {
	if err := s.q(ctx).ForgetSessions(ctx, n.CreatedAt); err != nil {
		return failed(err, "forget old sessions")
	}
	return failed(s.q(ctx).CreateSession(ctx, db.CreateSessionParams{
		Hash: n.Hash, OrgID: n.Org, UserID: n.User, KeyID: n.Key, Ip: clean(n.IP), CreatedAt: n.CreatedAt, SeenAt: n.SeenAt, ExpiresAt: n.ExpiresAt,
	}), "create a session of %s", n.User)
}

// Session returns a session, over or not.
func (s *Store) Session(ctx context.Context, hash string) (alfred.Session, error) {
	r, err := s.q(ctx).Session(ctx, hash)
	return alfred.Session{
		Hash: r.Hash, Org: r.OrgID, User: r.UserID, Key: r.KeyID, IP: r.Ip, CreatedAt: r.CreatedAt, SeenAt: r.SeenAt, ExpiresAt: r.ExpiresAt,
	}, found(err, "session", "with this hash")
}

// SeeSession notes that a session was used. It never goes back in time.
func (s *Store) SeeSession(ctx context.Context, hash string, at time.Time) error {
	return failed(s.q(ctx).SeeSession(ctx, at, hash), "note the use of a session")
}

// EndSession ends a session. One that is over already stays so.
func (s *Store) EndSession(ctx context.Context, hash string) error {
	return failed(s.q(ctx).EndSession(ctx, hash), "end a session")
}

// EndSessions ends all of a person's sessions.
func (s *Store) EndSessions(ctx context.Context, org alfred.OrgID, u alfred.UserID) error {
	return failed(s.q(ctx).EndSessions(ctx, org, u), "end the sessions of %s", u)
}
