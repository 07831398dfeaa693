package postgres

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// organization gives settings that a process of an earlier version wrote the
// thresholds that it did not know.
func organization(r db.Organization) alfred.Organization {
	if r.Settings.AlertThresholds == nil {
		r.Settings.AlertThresholds = alfred.DefaultAlertThresholds()
	}
	return alfred.Organization{ID: r.ID, Name: r.Name, Settings: r.Settings, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
}

// Organizations returns every tenant, by id.
func (s *Store) Organizations(ctx context.Context) ([]alfred.Organization, error) {
	rows, err := s.q(ctx).Organizations(ctx)
	return each(rows, organization), failed(err, "list organizations")
}

// Organization returns one tenant.
func (s *Store) Organization(ctx context.Context, id alfred.OrgID) (alfred.Organization, error) {
	row, err := s.q(ctx).Organization(ctx, id)
	return organization(row), found(err, "organization", id)
}

// CreateOrganization stores a new tenant at version 1.
func (s *Store) CreateOrganization(ctx context.Context, o alfred.Organization) error {
	return failed(s.q(ctx).CreateOrganization(ctx, o.ID, o.Name, o.Settings, o.CreatedAt), "create organization %s", o.ID)
}

// UpdateOrganization replaces a tenant whose version is still o.Version, and
// counts the version up.
func (s *Store) UpdateOrganization(ctx context.Context, o alfred.Organization) error {
	rows, err := s.q(ctx).UpdateOrganization(ctx, db.UpdateOrganizationParams{
		ID: o.ID, Name: o.Name, Settings: o.Settings, UpdatedAt: o.UpdatedAt, Version: o.Version,
	})
	return replaced(rows, err, "organization", o.ID, func() error {
		_, err := s.Organization(ctx, o.ID)
		return err
	})
}

// Bootstrapped says whether this installation ever had a first admin.
func (s *Store) Bootstrapped(ctx context.Context) (bool, error) {
	done, err := s.q(ctx).Bootstrapped(ctx)
	return done, failed(err, "read whether the installation is bootstrapped")
}

// MarkBootstrapped closes the way to a first admin for ever. The second time
// is CodeConflict.
func (s *Store) MarkBootstrapped(ctx context.Context, at time.Time) error {
	return failed(s.q(ctx).MarkBootstrapped(ctx, at), "mark the installation as bootstrapped")
}
