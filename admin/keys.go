package admin

import (
	"context"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// newKey makes a key and its secret. The secret is shown once and never
// stored.
func (s *server) newKey(u alfred.User, name string, expires time.Time) (alfred.Key, string, error) {
	id, err := s.newID("key")
	if err != nil {
		return alfred.Key{}, "", err
	}
	secret, err := alfred.NewSecret(s.Entropy, s.Pepper)
	if err != nil {
		return alfred.Key{}, "", err
	}
	prefix, last4 := alfred.SecretPrefix(secret)
	return alfred.Key{
		ID: alfred.KeyID(id), Org: u.Org, User: u.ID, Name: name, Hash: alfred.HashSecret(secret, s.Pepper), Prefix: prefix, Last4: last4,
		Status: alfred.KeyActive, ExpiresAt: expires, CreatedAt: s.Now(),
	}, secret, nil
}

// CreateUserKey makes a key for somebody.
func (s *server) CreateUserKey(ctx context.Context, r api.CreateUserKeyRequestObject) (api.CreateUserKeyResponseObject, error) {
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
	out, err := s.createKey(ctx, user, r.Body)
	return api.CreateUserKey201JSONResponse(out), err
}

// CreateMyKey makes a key for the actor.
func (s *server) CreateMyKey(ctx context.Context, r api.CreateMyKeyRequestObject) (api.CreateMyKeyResponseObject, error) {
	out, err := s.createKey(ctx, callOf(ctx).user, r.Body)
	return api.CreateMyKey201JSONResponse(out), err
}

func (s *server) createKey(ctx context.Context, u alfred.User, b *api.KeyCreate) (api.Key, error) {
	if b == nil {
		b = &api.KeyCreate{}
	}
	expires := value(given(b.ExpiresAt))
	if !expires.IsZero() && !expires.After(s.Now()) {
		return api.Key{}, alfred.Invalid("expires_at", "expected a time to come")
	}
	key, secret, err := s.newKey(u, strings.TrimSpace(value(b.Name)), expires)
	if err != nil {
		return api.Key{}, err
	}
	err = s.write(ctx, u.Org, func(ctx context.Context, w *change) error {
		w.audit("key.create", string(key.ID), nil, auditedKey(key))
		w.publishUsers(u.ID)
		return s.Records.CreateKey(ctx, key)
	})
	if err != nil {
		return api.Key{}, err
	}
	callOf(ctx).secret = secret
	out := describeKey(key)
	out.ApiKey = nullable.NewNullableWithValue(secret)
	return out, nil
}

// ListUserKeys lists somebody's keys.
func (s *server) ListUserKeys(ctx context.Context, r api.ListUserKeysRequestObject) (api.ListUserKeysResponseObject, error) {
	user, err := s.seen(ctx, alfred.UserID(r.UserId))
	if err != nil {
		return nil, err
	}
	data, err := s.listKeys(ctx, user)
	return api.ListUserKeys200JSONResponse{Data: data}, err
}

// ListMyKeys lists the actor's keys.
func (s *server) ListMyKeys(ctx context.Context, _ api.ListMyKeysRequestObject) (api.ListMyKeysResponseObject, error) {
	data, err := s.listKeys(ctx, callOf(ctx).user)
	return api.ListMyKeys200JSONResponse{Data: data}, err
}

func (s *server) listKeys(ctx context.Context, u alfred.User) ([]api.Key, error) {
	keys, err := s.Records.Keys(ctx, u.Org, u.ID)
	out := make([]api.Key, len(keys))
	for i, k := range keys {
		out[i] = describeKey(k)
	}
	return out, err
}

// RevokeUserKey ends a key of somebody: owners anyone's, admins everyone's
// but an owner's, team admins those of plain members.
func (s *server) RevokeUserKey(ctx context.Context, r api.RevokeUserKeyRequestObject) (api.RevokeUserKeyResponseObject, error) {
	actor := callOf(ctx).actor
	user, err := s.seen(ctx, alfred.UserID(r.UserId))
	if err != nil {
		return nil, err
	}
	if err := personAlone(user); err != nil {
		return nil, err
	}
	if user.ID != actor.User {
		if err := mayManage(actor, user); err != nil {
			return nil, err
		}
		if !actor.Access.Administers() && user.Access != alfred.RoleMember {
			return nil, alfred.Errorf(alfred.CodeForbidden, "A team admin may not revoke an admin's key.")
		}
	}
	return api.RevokeUserKey204Response{}, s.revokeKey(ctx, user, alfred.KeyID(r.KeyId))
}

// RevokeMyKey ends a key of the actor.
func (s *server) RevokeMyKey(ctx context.Context, r api.RevokeMyKeyRequestObject) (api.RevokeMyKeyResponseObject, error) {
	return api.RevokeMyKey204Response{}, s.revokeKey(ctx, callOf(ctx).user, alfred.KeyID(r.KeyId))
}

func (s *server) revokeKey(ctx context.Context, u alfred.User, id alfred.KeyID) error {
	return s.write(ctx, u.Org, func(ctx context.Context, w *change) error {
		keys, err := s.Records.Keys(ctx, u.Org, u.ID)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.ID != id {
				continue
			}
			if k.Status == alfred.KeyRevoked {
				return nil
			}
			w.audit("key.revoke", string(id), auditedKey(k), nil)
			w.publishUsers(u.ID)
			return s.Records.RevokeKey(ctx, u.Org, id, w.now)
		}
		return notFound("key", string(id))
	})
}

func describeKey(k alfred.Key) api.Key {
	return api.Key{
		Id: string(k.ID), UserId: string(k.User), Name: k.Name, Prefix: k.Prefix, Last4: k.Last4, Status: api.KeyStatus(k.Status),
		ExpiresAt: orNull(k.ExpiresAt), LastUsedAt: orNull(k.LastUsedAt), CreatedAt: k.CreatedAt,
	}
}

func auditedKey(k alfred.Key) map[string]any {
	return map[string]any{"user_id": k.User, "name": k.Name, "prefix": k.Prefix, "last4": k.Last4, "expires_at": orNull(k.ExpiresAt)}
}
