package admin

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListServiceAccountKeys lists the keys of a service account.
func (s *server) ListServiceAccountKeys(ctx context.Context, r api.ListServiceAccountKeysRequestObject) (api.ListServiceAccountKeysResponseObject, error) {
	u, err := s.serviceAccount(ctx, r.AccountId)
	if err != nil {
		return nil, err
	}
	data, err := s.listKeys(ctx, u)
	return api.ListServiceAccountKeys200JSONResponse{Data: data}, err
}

// CreateServiceAccountKey makes another key for a service account.
func (s *server) CreateServiceAccountKey(ctx context.Context, r api.CreateServiceAccountKeyRequestObject) (api.CreateServiceAccountKeyResponseObject, error) {
	u, err := s.serviceAccount(ctx, r.AccountId)
	if err != nil {
		return nil, err
	}
	out, err := s.createKey(ctx, u, r.Body)
	return api.CreateServiceAccountKey201JSONResponse(out), err
}

// RotateServiceAccountKey replaces a key of a service account.
func (s *server) RotateServiceAccountKey(ctx context.Context, r api.RotateServiceAccountKeyRequestObject) (api.RotateServiceAccountKeyResponseObject, error) {
	u, err := s.serviceAccount(ctx, r.AccountId)
	if err != nil {
		return nil, err
	}
	out, err := s.rotate(ctx, u, alfred.KeyID(r.KeyId), r.Body)
	return api.RotateServiceAccountKey201JSONResponse(out), err
}

// RevokeServiceAccountKey ends a key of a service account; a team admin those
// of his teams' accounts.
func (s *server) RevokeServiceAccountKey(ctx context.Context, r api.RevokeServiceAccountKeyRequestObject) (api.RevokeServiceAccountKeyResponseObject, error) {
	u, err := s.serviceAccount(ctx, r.AccountId)
	if err != nil {
		return nil, err
	}
	return api.RevokeServiceAccountKey204Response{}, s.revokeKey(ctx, u, alfred.KeyID(r.KeyId))
}
