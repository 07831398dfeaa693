package admin

import (
	"context"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// defaultOverlap is how long a replaced key goes on working.
const defaultOverlap = 24 * time.Hour

// RotateUserKey replaces a key of somebody.
func (s *server) RotateUserKey(ctx context.Context, r api.RotateUserKeyRequestObject) (api.RotateUserKeyResponseObject, error) {
	actor := callOf(ctx).actor
	user, err := s.Records.User(ctx, actor.Org, alfred.UserID(r.UserId))
	if err != nil {
		return nil, err
	}
	if err := personAlone(user); err != nil {
		return nil, err
	}
	if err := mayManage(actor, user); err != nil {
		return nil, err
	}
	out, err := s.rotate(ctx, user, alfred.KeyID(r.KeyId), r.Body)
	return api.RotateUserKey201JSONResponse(out), err
}

// RotateMyKey replaces a key of the actor.
func (s *server) RotateMyKey(ctx context.Context, r api.RotateMyKeyRequestObject) (api.RotateMyKeyResponseObject, error) {
	out, err := s.rotate(ctx, callOf(ctx).user, alfred.KeyID(r.KeyId), r.Body)
	return api.RotateMyKey201JSONResponse(out), err
}

// rotate makes a key in the place of another, which ends after the overlap,
// or earlier if it would have anyway.
func (s *server) rotate(ctx context.Context, u alfred.User, id alfred.KeyID, b *api.KeyRotate) (api.KeyRotation, error) {
	if b == nil {
		b = &api.KeyRotate{}
	}
	keys, err := s.Records.Keys(ctx, u.Org, u.ID)
	if err != nil {
		return api.KeyRotation{}, err
	}
	var old alfred.Key
	for _, k := range keys {
		if k.ID == id {
			old = k
		}
	}
	now := s.Now()
	switch {
	case old.ID == "":
		return api.KeyRotation{}, notFound("key", string(id))
	case old.Status != alfred.KeyActive, !old.ExpiresAt.IsZero() && !now.Before(old.ExpiresAt):
		return api.KeyRotation{}, alfred.Errorf(alfred.CodeConflict, "This key does not work any more, so there is nothing to replace. Make a new one.")
	}
	expires := value(given(b.ExpiresAt))
	if !expires.IsZero() && !expires.After(now) {
		return api.KeyRotation{}, alfred.Invalid("expires_at", "expected a time to come")
	}
	name := old.Name
	if b.Name != nil {
		name = *b.Name
	}
	key, secret, err := s.newKey(u, name, expires)
	if err != nil {
		return api.KeyRotation{}, err
	}
	overlap := defaultOverlap
	if b.OverlapSeconds != nil {
		overlap = time.Duration(*b.OverlapSeconds) * time.Second
	}
	replaced := old
	if end := now.Add(overlap); old.ExpiresAt.IsZero() || end.Before(old.ExpiresAt) {
		replaced.ExpiresAt = end
	}
	if overlap == 0 {
		replaced.Status, replaced.RevokedAt = alfred.KeyRevoked, now
	}
	err = s.write(ctx, u.Org, func(ctx context.Context, w *change) error {
		w.audit("key.create", string(key.ID), nil, auditedKey(key))
		w.audit("key.rotate", string(old.ID), auditedKey(old), auditedKey(replaced))
		w.publishUsers(u.ID)
		if err := s.Records.CreateKey(ctx, key); err != nil {
			return err
		}
		if overlap == 0 {
			return s.Records.RevokeKey(ctx, u.Org, old.ID, now)
		}
		return s.Records.ExpireKey(ctx, u.Org, old.ID, replaced.ExpiresAt)
	})
	if err != nil {
		return api.KeyRotation{}, err
	}
	callOf(ctx).secret = secret
	out := api.KeyRotation{Key: describeKey(key), Replaced: describeKey(replaced)}
	out.Key.ApiKey = nullable.NewNullableWithValue(secret)
	return out, nil
}
