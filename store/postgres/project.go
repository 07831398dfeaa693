package postgres

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

func project(r db.Project) alfred.Project {
	return alfred.Project{
		ID: r.ID, Org: r.OrgID, Code: r.Code, Name: r.Name, Active: r.Active, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

// Projects returns all of them, by id.
func (s *Store) Projects(ctx context.Context, org alfred.OrgID) ([]alfred.Project, error) {
	rows, err := s.q(ctx).Projects(ctx, org)
	return each(rows, project), failed(err, "list projects")
}

// Project returns one of them.
func (s *Store) Project(ctx context.Context, org alfred.OrgID, id alfred.ProjectID) (alfred.Project, error) {
	row, err := s.q(ctx).Project(ctx, org, id)
	return project(row), found(err, "project", id)
}

// PutProject creates at version 0, and replaces at the version that was read.
// A code that another project has is CodeConflict.
func (s *Store) PutProject(ctx context.Context, p alfred.Project) error {
	if p.Version == 0 {
		return failed(s.q(ctx).CreateProject(ctx, db.CreateProjectParams{
			OrgID: p.Org, ID: p.ID, Code: p.Code, Name: p.Name, Active: p.Active, CreatedAt: p.CreatedAt,
		}), "create project %s", p.ID)
	}
	rows, err := s.q(ctx).UpdateProject(ctx, db.UpdateProjectParams{
		OrgID: p.Org, ID: p.ID, Code: p.Code, Name: p.Name, Active: p.Active, UpdatedAt: p.UpdatedAt, Version: p.Version,
	})
	return replaced(rows, err, "project", p.ID, func() error {
		_, err := s.Project(ctx, p.Org, p.ID)
		return err
	})
}

// ProjectMembers returns who may charge a project, by id.
func (s *Store) ProjectMembers(ctx context.Context, org alfred.OrgID, id alfred.ProjectID) ([]alfred.UserID, error) {
	users, err := s.q(ctx).ProjectMembers(ctx, org, id)
	return users, failed(err, "list members of project %s", id)
}

// AddProjectMember lets a person charge a project; a second time changes
// nothing.
func (s *Store) AddProjectMember(ctx context.Context, org alfred.OrgID, id alfred.ProjectID, u alfred.UserID) error {
	return failed(s.q(ctx).AddProjectMember(ctx, org, id, u), "add %s to project %s", u, id)
}

// RemoveProjectMember takes a person out; who is not in it is CodeNotFound.
func (s *Store) RemoveProjectMember(ctx context.Context, org alfred.OrgID, id alfred.ProjectID, u alfred.UserID) error {
	rows, err := s.q(ctx).RemoveProjectMember(ctx, org, id, u)
	return changed(rows, err, "member of "+string(id), u)
}
