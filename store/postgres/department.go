package postgres

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

func department(r db.Department) alfred.Department {
	return alfred.Department{
		ID: r.ID, Org: r.OrgID, Name: r.Name, CostCenter: r.CostCenter, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// Departments returns all of them, by id.
func (s *Store) Departments(ctx context.Context, org alfred.OrgID) ([]alfred.Department, error) {
	rows, err := s.q(ctx).Departments(ctx, org)
	return each(rows, department), failed(err, "list departments")
}

// Department returns one of them.
func (s *Store) Department(ctx context.Context, org alfred.OrgID, id alfred.DepartmentID) (alfred.Department, error) {
	row, err := s.q(ctx).Department(ctx, org, id)
	return department(row), found(err, "department", id)
}

// PutDepartment creates at version 0, and replaces at the version that was
// read.
func (s *Store) PutDepartment(ctx context.Context, d alfred.Department) error {
	if d.Version == 0 {
		return failed(s.q(ctx).CreateDepartment(ctx, db.CreateDepartmentParams{
			OrgID: d.Org, ID: d.ID, Name: d.Name, CostCenter: d.CostCenter, CreatedAt: d.CreatedAt,
		}), "create department %s", d.ID)
	}
	rows, err := s.q(ctx).UpdateDepartment(ctx, db.UpdateDepartmentParams{
		OrgID: d.Org, ID: d.ID, Name: d.Name, CostCenter: d.CostCenter, UpdatedAt: d.UpdatedAt, Version: d.Version,
	})
	return replaced(rows, err, "department", d.ID, func() error {
		_, err := s.Department(ctx, d.Org, d.ID)
		return err
	})
}
