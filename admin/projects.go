package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListProjects lists all projects, or those that the actor belongs to.
func (s *server) ListProjects(ctx context.Context, _ api.ListProjectsRequestObject) (api.ListProjectsResponseObject, error) {
	actor := callOf(ctx).actor
	all, err := s.Records.Projects(ctx, actor.Org)
	if err != nil {
		return nil, err
	}
	data := []alfred.Project{}
	for _, p := range all {
		ok, err := s.seesProject(ctx, actor, p.ID)
		if err != nil {
			return nil, err
		}
		if ok {
			data = append(data, p)
		}
	}
	return api.ListProjects200JSONResponse{Data: data}, nil
}

func (s *server) seesProject(ctx context.Context, actor alfred.Actor, id alfred.ProjectID) (bool, error) {
	if actor.Access.Administers() {
		return true, nil
	}
	in, err := s.Records.ProjectMembers(ctx, actor.Org, id)
	return slices.Contains(in, actor.User), err
}

// seenProject returns a project that the actor may see.
func (s *server) seenProject(ctx context.Context, id alfred.ProjectID) (alfred.Project, error) {
	actor := callOf(ctx).actor
	ok, err := s.seesProject(ctx, actor, id)
	if err == nil && !ok {
		err = notFound("project", string(id))
	}
	if err != nil {
		return alfred.Project{}, err
	}
	return s.Records.Project(ctx, actor.Org, id)
}

// GetProject reads a project.
func (s *server) GetProject(ctx context.Context, r api.GetProjectRequestObject) (api.GetProjectResponseObject, error) {
	p, err := s.seenProject(ctx, alfred.ProjectID(r.ProjectId))
	setETag(ctx, p.Version)
	return api.GetProject200JSONResponse(p), err
}

// CreateProject makes a project. Its code is what X-Project-ID carries.
func (s *server) CreateProject(ctx context.Context, r api.CreateProjectRequestObject) (api.CreateProjectResponseObject, error) {
	id, err := s.newID("prj")
	if err != nil {
		return nil, err
	}
	now := s.Now()
	p := alfred.Project{
		ID: alfred.ProjectID(id), Org: callOf(ctx).actor.Org, Code: r.Body.Code, Name: strings.TrimSpace(r.Body.Name), Active: true, CreatedAt: now, UpdatedAt: now,
	}
	err = s.write(ctx, p.Org, func(ctx context.Context, w *change) error {
		w.audit("project.create", id, nil, p)
		return sayConflict(s.Records.PutProject(ctx, p), "code", "There is a project %s already.", p.Code)
	})
	p.Version = 1
	setETag(ctx, p.Version)
	return api.CreateProject201JSONResponse(p), err
}

// UpdateProject renames, closes or reopens a project.
func (s *server) UpdateProject(ctx context.Context, r api.UpdateProjectRequestObject) (api.UpdateProjectResponseObject, error) {
	before, err := s.Records.Project(ctx, callOf(ctx).actor.Org, alfred.ProjectID(r.ProjectId))
	if err != nil {
		return nil, err
	}
	if err := matches(r.Params.IfMatch, before.Version); err != nil {
		return nil, err
	}
	after := before
	if r.Body.Name != nil {
		after.Name = strings.TrimSpace(*r.Body.Name)
	}
	if r.Body.Active != nil {
		after.Active = *r.Body.Active
	}
	err = s.write(ctx, after.Org, func(ctx context.Context, w *change) error {
		after.UpdatedAt = w.now
		w.audit("project.update", string(after.ID), before, after)
		in, err := s.Records.ProjectMembers(ctx, after.Org, after.ID)
		if err != nil {
			return err
		}
		w.publishUsers(in...)
		return s.Records.PutProject(ctx, after)
	})
	after.Version++
	setETag(ctx, after.Version)
	return api.UpdateProject200JSONResponse(after), err
}

// ListProjectMembers lists who may charge a project.
func (s *server) ListProjectMembers(ctx context.Context, r api.ListProjectMembersRequestObject) (api.ListProjectMembersResponseObject, error) {
	p, err := s.seenProject(ctx, alfred.ProjectID(r.ProjectId))
	if err != nil {
		return nil, err
	}
	in, err := s.Records.ProjectMembers(ctx, p.Org, p.ID)
	data := make([]string, len(in))
	for i, id := range in {
		data[i] = string(id)
	}
	return api.ListProjectMembers200JSONResponse{Data: data}, err
}

// AddProjectMember lets somebody charge a project.
func (s *server) AddProjectMember(ctx context.Context, r api.AddProjectMemberRequestObject) (api.AddProjectMemberResponseObject, error) {
	return api.AddProjectMember204Response{}, s.changeProject(ctx, r.ProjectId, r.UserId, "project.member.put", s.Records.AddProjectMember)
}

// RemoveProjectMember no longer lets somebody charge a project.
func (s *server) RemoveProjectMember(ctx context.Context, r api.RemoveProjectMemberRequestObject) (api.RemoveProjectMemberResponseObject, error) {
	return api.RemoveProjectMember204Response{}, s.changeProject(ctx, r.ProjectId, r.UserId, "project.member.remove", s.Records.RemoveProjectMember)
}

func (s *server) changeProject(ctx context.Context, project, user, action string, do func(context.Context, alfred.OrgID, alfred.ProjectID, alfred.UserID) error) error {
	org := callOf(ctx).actor.Org
	return s.write(ctx, org, func(ctx context.Context, w *change) error {
		if _, err := s.Records.Project(ctx, org, alfred.ProjectID(project)); err != nil {
			return err
		}
		if _, err := s.Records.User(ctx, org, alfred.UserID(user)); err != nil {
			return err
		}
		w.audit(action, project, nil, map[string]string{"user_id": user})
		w.publishUsers(alfred.UserID(user))
		return do(ctx, org, alfred.ProjectID(project), alfred.UserID(user))
	})
}
