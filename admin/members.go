package admin

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListTeamMembers lists who is in a team.
func (s *server) ListTeamMembers(ctx context.Context, r api.ListTeamMembersRequestObject) (api.ListTeamMembersResponseObject, error) {
	team, err := s.seenTeam(ctx, alfred.TeamID(r.TeamId))
	if err != nil {
		return nil, err
	}
	members, err := s.Records.Members(ctx, team.Org, team.ID)
	if err != nil {
		return nil, err
	}
	ids := make([]alfred.UserID, len(members))
	for i, m := range members {
		ids[i] = m.User
	}
	people := map[alfred.UserID]alfred.User{}
	if len(ids) > 0 {
		found, err := s.Records.Users(ctx, team.Org, alfred.UserFilter{IDs: ids})
		if err != nil {
			return nil, err
		}
		for _, u := range found {
			people[u.ID] = u
		}
	}
	data := make([]api.Member, len(members))
	for i, m := range members {
		data[i] = describeMember(m, people[m.User])
	}
	return api.ListTeamMembers200JSONResponse{Data: data}, nil
}

func describeMember(m alfred.Member, u alfred.User) api.Member {
	return api.Member{
		TeamId: string(m.Team), UserId: string(m.User), Email: &u.Email, Name: &u.Name, Status: &u.Status, Kind: &u.Kind, IsAdmin: m.IsAdmin, JoinedAt: m.JoinedAt,
	}
}

// AddTeamMember puts somebody into a team, or changes whether they are its
// admin, which only an admin of the organisation may do. A team admin adds
// people whom he sees already, those of his other teams: whoever is added
// comes into his scope, so for others an admin has to do it.
func (s *server) AddTeamMember(ctx context.Context, r api.AddTeamMemberRequestObject) (api.AddTeamMemberResponseObject, error) {
	actor := callOf(ctx).actor
	team, err := s.Records.Team(ctx, actor.Org, alfred.TeamID(r.TeamId))
	if err != nil {
		return nil, err
	}
	user, err := s.seen(ctx, alfred.UserID(r.UserId))
	if err == nil {
		err = personAlone(user)
	}
	if err != nil {
		return nil, err
	}
	m := alfred.Member{Team: team.ID, User: user.ID, IsAdmin: value(r.Params.IsAdmin), JoinedAt: s.Now()}
	created := false
	err = s.write(ctx, actor.Org, func(ctx context.Context, w *change) error {
		before, err := s.membership(ctx, actor.Org, team.ID, user.ID)
		if err != nil {
			return err
		}
		wasAdmin := before != nil && before.IsAdmin
		if m.IsAdmin != wasAdmin && !actor.Access.Administers() {
			return &alfred.Error{Code: alfred.CodeForbidden, Field: "is_admin", Message: "is_admin: only an admin makes or unmakes team admins."}
		}
		if before != nil {
			m.JoinedAt = before.JoinedAt
		}
		created = before == nil
		if wasAdmin {
			w.publishMember(*before)
		}
		return s.join(ctx, w, m)
	})
	if err != nil {
		return nil, err
	}
	out := describeMember(m, user)
	if created {
		return api.AddTeamMember201JSONResponse(out), nil
	}
	return api.AddTeamMember200JSONResponse(out), nil
}

// join stores a membership and marks what it changes.
func (s *server) join(ctx context.Context, w *change, m alfred.Member) error {
	if _, err := s.Records.Team(ctx, w.org, m.Team); err != nil {
		return err
	}
	if _, err := s.Records.PutMember(ctx, w.org, m); err != nil {
		return err
	}
	w.audit("member.put", string(m.Team), nil, m)
	w.publishMember(m)
	return nil
}

func (s *server) membership(ctx context.Context, org alfred.OrgID, t alfred.TeamID, u alfred.UserID) (*alfred.Member, error) {
	memberships, err := s.Records.Memberships(ctx, org, u)
	for _, m := range memberships {
		if m.Team == t {
			return &m, err
		}
	}
	return nil, err
}

// RemoveTeamMember takes somebody out of a team. What was released to it on
// vacation, and is unspent, goes back first.
func (s *server) RemoveTeamMember(ctx context.Context, r api.RemoveTeamMemberRequestObject) (api.RemoveTeamMemberResponseObject, error) {
	actor, team, user := callOf(ctx).actor, alfred.TeamID(r.TeamId), alfred.UserID(r.UserId)
	m, err := s.membership(ctx, actor.Org, team, user)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, notFound("member", r.UserId)
	}
	if u, err := s.Records.User(ctx, actor.Org, user); err == nil {
		if err := personAlone(u); err != nil {
			return nil, err
		}
	}
	of := func(r alfred.Release) bool { return r.User == user && r.Team == team }
	err = s.ending(ctx, actor.Org, of, func(ctx context.Context) error { return s.takeBack(ctx, *m) }, func(ctx context.Context, w *change) error {
		w.publishMember(*m)
		w.audit("member.remove", string(team), m, nil)
		return s.Records.RemoveMember(ctx, actor.Org, team, user)
	})
	if err != nil {
		return nil, err
	}
	return api.RemoveTeamMember204Response{}, nil
}
