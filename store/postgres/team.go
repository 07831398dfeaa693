package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

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

// Members returns who is in some teams, by date of joining.
func (s *Store) Members(ctx context.Context, org alfred.OrgID, teams ...alfred.TeamID) ([]alfred.Member, error) {
	rows, err := s.q(ctx).Members(ctx, org, texts(teams))
	return each(rows, member), failed(err, "list members")
}

// Memberships returns the teams of some people, each person's by date of
// joining.
func (s *Store) Memberships(ctx context.Context, org alfred.OrgID, users ...alfred.UserID) ([]alfred.Member, error) {
	rows, err := s.q(ctx).Memberships(ctx, org, texts(users))
	return each(rows, member), failed(err, "list teams of people")
}

// PutMember adds people to teams, all or none, or says anew whether they
// administer them; the date of joining stays. It returns how many are new. An
// unknown team or person is CodeNotFound, and so is who is deleted meanwhile.
func (s *Store) PutMember(ctx context.Context, org alfred.OrgID, members ...alfred.Member) (created int, err error) {
	if len(members) == 0 {
		return 0, nil
	}
	rows := each(members, func(m alfred.Member) db.PutMemberParams {
		return db.PutMemberParams{OrgID: org, TeamID: m.Team, ID: m.User, IsAdmin: m.IsAdmin, JoinedAt: m.JoinedAt}
	})
	err = s.InTx(ctx, func(ctx context.Context) error {
		var first error
		created = 0
		s.q(ctx).PutMember(ctx, rows).QueryRow(func(i int, isNew bool, err error) {
			switch {
			case errors.Is(err, pgx.ErrNoRows):
				err = missing("user", rows[i].ID)
			case isNew:
				created++
			}
			if first == nil {
				first = failed(err, "put %s into %s", rows[i].ID, rows[i].TeamID)
			}
		})
		return first
	})
	return created, err
}

// RemoveMember takes people out, all or none; who is not in the team is
// CodeNotFound.
func (s *Store) RemoveMember(ctx context.Context, org alfred.OrgID, t alfred.TeamID, users ...alfred.UserID) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		rows, err := s.q(ctx).RemoveMember(ctx, org, t, texts(users))
		if err == nil && rows < int64(len(users)) {
			return missing("member of "+string(t), users[0])
		}
		return failed(err, "change member of %s", t)
	})
}
