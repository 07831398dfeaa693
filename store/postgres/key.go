package postgres

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

func key(r db.ApiKey) alfred.Key {
	return alfred.Key{
		ID: r.ID, Org: r.OrgID, User: r.UserID, Name: r.Name, Hash: r.Hash, Prefix: r.Prefix, Last4: r.Last4, Status: r.Status,
		ExpiresAt: moment(r.ExpiresAt), LastUsedAt: moment(r.LastUsedAt), CreatedAt: r.CreatedAt, RevokedAt: moment(r.RevokedAt),
	}
}

// CreateKey stores a key. A hash that is there already is CodeConflict.
func (s *Store) CreateKey(ctx context.Context, k alfred.Key) error {
	return failed(s.q(ctx).CreateKey(ctx, db.CreateKeyParams{
		OrgID: k.Org, ID: k.ID, UserID: k.User, Name: k.Name, Hash: k.Hash, Prefix: k.Prefix, Last4: k.Last4, Status: k.Status,
		ExpiresAt: instant(k.ExpiresAt), LastUsedAt: instant(k.LastUsedAt), CreatedAt: k.CreatedAt, RevokedAt: instant(k.RevokedAt),
	}), "create key %s", k.ID)
}

// KeyByHash returns the key with this hash, whether it still works or not.
func (s *Store) KeyByHash(ctx context.Context, hash string) (alfred.Key, error) {
	row, err := s.q(ctx).KeyByHash(ctx, hash)
	return key(row), found(err, "key", "with this hash")
}

// Keys returns a person's keys, revoked ones too, by id.
func (s *Store) Keys(ctx context.Context, org alfred.OrgID, u alfred.UserID) ([]alfred.Key, error) {
	rows, err := s.q(ctx).Keys(ctx, org, []string{string(u)})
	return each(rows, key), failed(err, "list keys of %s", u)
}

// KeysByID returns those of some keys that exist.
func (s *Store) KeysByID(ctx context.Context, org alfred.OrgID, ids []alfred.KeyID) ([]alfred.Key, error) {
	rows, err := s.q(ctx).KeysByID(ctx, org, texts(ids))
	return each(rows, key), failed(err, "list keys")
}

// RevokeKey ends a key. A second time keeps the time of the first.
func (s *Store) RevokeKey(ctx context.Context, org alfred.OrgID, id alfred.KeyID, at time.Time) error {
	rows, err := s.q(ctx).RevokeKey(ctx, at, org, id)
	return changed(rows, err, "key", id)
}
