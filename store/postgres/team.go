package postgres

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

func team(r db.Team) alfred.Team {
	return alfred.Team{
		ID: r.ID, Org: r.OrgID, Department: value(r.DepartmentID), Name: r.Name, Description: r.Description, CommonPool: r.CommonPool,
		Sharing: r.Sharing, DefaultQuota: r.DefaultQuota, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

func member(r db.TeamMember) alfred.Member {
	return alfred.Member{Team: r.TeamID, User: r.UserID, IsAdmin: r.IsAdmin, JoinedAt: r.JoinedAt}
}

// CreateTeam stores a new team at version 1.
func (s *Store) CreateTeam(ctx context.Context, t alfred.Team) error {
	return failed(s.q(ctx).CreateTeam(ctx, db.CreateTeamParams{
		OrgID: t.Org, ID: t.ID, DepartmentID: optional(t.Department), Name: t.Name, Description: t.Description, CommonPool: t.CommonPool,
		Sharing: t.Sharing, DefaultQuota: t.DefaultQuota, CreatedAt: t.CreatedAt,
	}), "create team %s", t.ID)
}

// Team returns one team.
func (s *Store) Team(ctx context.Context, org alfred.OrgID, id alfred.TeamID) (alfred.Team, error) {
	row, err := s.q(ctx).Team(ctx, org, id)
	return team(row), found(err, "team", id)
}

// Teams returns teams by id, after an id, whose names have a text somewhere.
// Limit 0 is all.
func (s *Store) Teams(ctx context.Context, org alfred.OrgID, query, after string, limit int) ([]alfred.Team, error) {
	rows, err := s.q(ctx).Teams(ctx, org, after, clean(query), most(limit))
	return each(rows, team), failed(err, "list teams")
}

// UpdateTeam replaces a team whose version is still t.Version, and counts the
// version up.
func (s *Store) UpdateTeam(ctx context.Context, t alfred.Team) error {
	rows, err := s.q(ctx).UpdateTeam(ctx, db.UpdateTeamParams{
		OrgID: t.Org, ID: t.ID, Version: t.Version, DepartmentID: optional(t.Department), Name: t.Name, Description: t.Description,
		CommonPool: t.CommonPool, Sharing: t.Sharing, DefaultQuota: t.DefaultQuota, UpdatedAt: t.UpdatedAt,
	})
	return replaced(rows, err, "team", t.ID, func() error {
		_, err := s.Team(ctx, t.Org, t.ID)
		return err
	})
}

// DeleteTeam deletes a team with its memberships and limits. What was used
// and moved keeps its id.
func (s *Store) DeleteTeam(ctx context.Context, org alfred.OrgID, id alfred.TeamID) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		rows, err := s.q(ctx).DeleteTeam(ctx, org, id)
		if err := changed(rows, err, "team", id); err != nil {
			return err
		}
		return failed(s.q(ctx).DeleteLimitsOf(ctx, org, alfred.ScopeTeam, []string{string(id)}), "delete limits of %s", id)
	})
}

// Members returns who is in a team, by date of joining.
func (s *Store) Members(ctx context.Context, org alfred.OrgID, t alfred.TeamID) ([]alfred.Member, error) {
	rows, err := s.q(ctx).Members(ctx, org, t)
	return each(rows, member), failed(err, "list members of %s", t)
}

// Memberships returns the teams of a person, by date of joining.
func (s *Store) Memberships(ctx context.Context, org alfred.OrgID, u alfred.UserID) ([]alfred.Member, error) {
	rows, err := s.q(ctx).Memberships(ctx, org, []string{string(u)})
	return each(rows, member), failed(err, "list teams of %s", u)
}

// PutMember adds a person to a team, or says anew whether they administer it;
// the date of joining stays. An unknown team or person is CodeNotFound.
func (s *Store) PutMember(ctx context.Context, org alfred.OrgID, m alfred.Member) (created bool, err error) {
	created, err = s.q(ctx).PutMember(ctx, db.PutMemberParams{OrgID: org, TeamID: m.Team, UserID: m.User, IsAdmin: m.IsAdmin, JoinedAt: m.JoinedAt})
	return created, failed(err, "put %s into %s", m.User, m.Team)
}

// RemoveMember takes a person out; who is not in the team is CodeNotFound.
func (s *Store) RemoveMember(ctx context.Context, org alfred.OrgID, t alfred.TeamID, u alfred.UserID) error {
	rows, err := s.q(ctx).RemoveMember(ctx, org, t, u)
	return changed(rows, err, "member of "+string(t), u)
}
