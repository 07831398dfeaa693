package admin

import (
	"context"
	"strings"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListDepartments lists all departments.
func (s *server) ListDepartments(ctx context.Context, _ api.ListDepartmentsRequestObject) (api.ListDepartmentsResponseObject, error) {
	all, err := s.Records.Departments(ctx, callOf(ctx).actor.Org)
	return api.ListDepartments200JSONResponse{Data: append([]alfred.Department{}, all...)}, err
}

// CreateDepartment makes a department.
func (s *server) CreateDepartment(ctx context.Context, r api.CreateDepartmentRequestObject) (api.CreateDepartmentResponseObject, error) {
	id, err := s.newID("dep")
	if err != nil {
		return nil, err
	}
	now := s.Now()
	d := alfred.Department{ID: alfred.DepartmentID(id), Org: callOf(ctx).actor.Org, CreatedAt: now, UpdatedAt: now}
	d, err = s.putDepartment(ctx, nil, d, r.Body)
	return api.CreateDepartment201JSONResponse(d), err
}

// ReplaceDepartment changes a department.
func (s *server) ReplaceDepartment(ctx context.Context, r api.ReplaceDepartmentRequestObject) (api.ReplaceDepartmentResponseObject, error) {
	before, err := s.Records.Department(ctx, callOf(ctx).actor.Org, alfred.DepartmentID(r.DepartmentId))
	if err != nil {
		return nil, err
	}
	if err := matches(r.Params.IfMatch, before.Version); err != nil {
		return nil, err
	}
	d, err := s.putDepartment(ctx, &before, before, r.Body)
	return api.ReplaceDepartment200JSONResponse(d), err
}

func (s *server) putDepartment(ctx context.Context, before *alfred.Department, d alfred.Department, b *api.DepartmentPut) (alfred.Department, error) {
	if d.Name = strings.TrimSpace(b.Name); d.Name == "" {
		return d, alfred.Invalid("name", "expected a name")
	}
	if b.CostCenter != nil {
		d.CostCenter = *b.CostCenter
	}
	err := s.write(ctx, d.Org, func(ctx context.Context, w *change) error {
		d.UpdatedAt = w.now
		if before == nil {
			w.audit("department.create", string(d.ID), nil, d)
		} else {
			w.audit("department.update", string(d.ID), before, d)
		}
		return sayConflict(s.Records.PutDepartment(ctx, d), "name", "There is a department %s already.", d.Name)
	})
	if err != nil {
		return d, err
	}
	d.Version++
	setETag(ctx, d.Version)
	return d, nil
}
