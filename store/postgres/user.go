package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

func user(r db.User) alfred.User {
	return alfred.User{
		ID: r.ID, Org: r.OrgID, Email: r.Email, Name: r.Name, Status: r.Status, VacationStart: moment(r.VacationStart), VacationUntil: moment(r.VacationUntil),
		Kind: r.Kind, CostCenter: r.CostCenter, Access: r.AccessRole, Department: value(r.DepartmentID), Quota: r.Quota, MaxPriority: r.MaxPriority, Version: r.Version,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: moment(r.DeletedAt),
	}
}

// emailKey is what an address is compared by. A service account has none.
func emailKey(u alfred.User) string {
	if u.Kind == alfred.KindService {
		return string(u.ID)
	}
	return alfred.NormalEmail(u.Email)
}

// CreateUser stores new people at version 1, all or none. An address that
// somebody has, in whatever case, is CodeConflict.
func (s *Store) CreateUser(ctx context.Context, users ...alfred.User) error {
	if len(users) == 0 {
		return nil
	}
	rows := each(users, func(u alfred.User) db.CreateUserParams {
		return db.CreateUserParams{
			OrgID: u.Org, ID: u.ID, Email: u.Email, EmailKey: emailKey(u), Name: u.Name, Status: u.Status,
			VacationStart: instant(u.VacationStart), VacationUntil: instant(u.VacationUntil), AccessRole: u.Access,
			DepartmentID: optional(u.Department), Quota: u.Quota, MaxPriority: u.MaxPriority, Kind: cmp.Or(u.Kind, alfred.KindPerson), CostCenter: u.CostCenter,
			CreatedAt: u.CreatedAt,
		}
	})
	return s.InTx(ctx, func(ctx context.Context) error {
		var first error
		s.q(ctx).CreateUser(ctx, rows).Exec(func(i int, err error) {
			if first == nil {
				first = failed(err, "create user %s", rows[i].ID)
			}
		})
		return first
	})
}

// User returns one person; a deleted one is CodeNotFound.
func (s *Store) User(ctx context.Context, org alfred.OrgID, id alfred.UserID) (alfred.User, error) {
	row, err := s.q(ctx).User(ctx, org, id)
	return user(row), found(err, "user", id)
}

// UserByEmail returns the person who has an address now.
func (s *Store) UserByEmail(ctx context.Context, org alfred.OrgID, email string) (alfred.User, error) {
	users, err := s.UsersByEmail(ctx, org, email)
	if err == nil && len(users) == 0 {
		return alfred.User{}, missing("user", email)
	}
	if err != nil {
		return alfred.User{}, err
	}
	return users[0], nil
}

// UsersByEmail returns the people who have some of these addresses now, in no
// order.
func (s *Store) UsersByEmail(ctx context.Context, org alfred.OrgID, emails ...string) ([]alfred.User, error) {
	var people []alfred.User
	var first error
	of := each(emails, func(e string) db.UserByEmailParams {
		return db.UserByEmailParams{OrgID: org, EmailKey: alfred.NormalEmail(e)}
	})
	s.q(ctx).UserByEmail(ctx, of).QueryRow(func(i int, r db.User, err error) {
		switch {
		case err == nil:
			people = append(people, user(r))
		case first == nil && !errors.Is(err, pgx.ErrNoRows):
			first = failed(err, "read user %s", emails[i])
		}
	})
	return people, first
}

// Users returns people who are not deleted, by id.
func (s *Store) Users(ctx context.Context, org alfred.OrgID, f alfred.UserFilter) ([]alfred.User, error) {
	statuses := texts(f.Statuses)
	if len(statuses) == 0 {
		statuses = nil
	}
	rows, err := s.q(ctx).Users(ctx, db.UsersParams{
		OrgID: org, After: f.After, Query: f.Query, Access: string(f.Access), Kind: string(f.Kind), Team: string(f.Team), Statuses: statuses, Ids: texts(f.IDs), Max: most(f.Limit),
	})
	return each(rows, user), failed(err, "list users")
}

// UpdateUser replaces people, all or none, whose version is still u.Version, and
// counts the version up. The last owner who can act stays one: CodeConflict, at
// the end of the transaction.
func (s *Store) UpdateUser(ctx context.Context, users ...alfred.User) error {
	if len(users) == 0 {
		return nil
	}
	rows := each(users, func(u alfred.User) db.UpdateUserParams {
		return db.UpdateUserParams{
			OrgID: u.Org, ID: u.ID, Version: u.Version, Email: u.Email, EmailKey: emailKey(u), Name: u.Name, Status: u.Status,
			VacationStart: instant(u.VacationStart), VacationUntil: instant(u.VacationUntil), AccessRole: u.Access,
			DepartmentID: optional(u.Department), Quota: u.Quota, MaxPriority: u.MaxPriority, CostCenter: u.CostCenter, UpdatedAt: u.UpdatedAt,
		}
	})
	return s.InTx(ctx, func(ctx context.Context) error {
		at, first := -1, error(nil)
		s.q(ctx).UpdateUser(ctx, rows).QueryRow(func(i int, _ int64, err error) {
			if first == nil && err != nil {
				at, first = i, err
			}
		})
		switch {
		case first == nil:
			return nil
		case !errors.Is(first, pgx.ErrNoRows):
			return failed(first, "change user %s", rows[at].ID)
		}
		return replaced(0, nil, "user", rows[at].ID, func() error {
			_, err := s.User(ctx, rows[at].OrgID, rows[at].ID)
			return err
		})
	})
}

// DeleteUser ends a person: keys are revoked, memberships and limits end, and
// the address is free. The row stays, for what refers to it. Of a version that
// is not the one that was read it is CodeStaleVersion; version 0 is any.
func (s *Store) DeleteUser(ctx context.Context, org alfred.OrgID, id alfred.UserID, version int64, at time.Time) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		q := s.q(ctx)
		rows, err := q.DeleteUser(ctx, at, org, id, version)
		err = replaced(rows, err, "user", id, func() error {
			_, err := s.User(ctx, org, id)
			return err
		})
		if err != nil {
			return err
		}
		keys, err := q.Keys(ctx, org, []string{string(id)})
		if err != nil {
			return failed(err, "list keys of %s", id)
		}
		ids := each(keys, func(k db.ApiKey) string { return string(k.ID) })
		for _, end := range []func() error{
			func() error { return q.RevokeKeysOf(ctx, at, org, id) },
			func() error { return q.LeaveTeams(ctx, org, id) },
			func() error { return q.LeaveProjects(ctx, org, id) },
			func() error { return q.DeleteLimitsOf(ctx, org, alfred.ScopeUser, []string{string(id)}) },
			func() error { return q.DeleteLimitsOf(ctx, org, alfred.ScopeKey, ids) },
		} {
			if err := end(); err != nil {
				return failed(err, "delete user %s", id)
			}
		}
		return nil
	})
}

// CountOwners counts the owners who can act: neither deleted nor suspended.
func (s *Store) CountOwners(ctx context.Context, org alfred.OrgID) (int, error) {
	n, err := s.q(ctx).CountOwners(ctx, org)
	return int(n), failed(err, "count owners")
}
