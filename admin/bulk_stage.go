package admin

import (
	"context"
	"errors"
	"slices"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// stage is the record as the rows of one batch see it. It has read whom they
// are about with one question, and holds what they write until store writes all
// of it at once. What somebody else has changed meanwhile, and whether the last
// owner would go, is found out there, and nothing is written then.
type stage struct {
	Records
	org         alfred.OrgID
	people      map[alfred.UserID]alfred.User
	addresses   map[string]alfred.UserID // of an import
	memberships map[alfred.UserID][]alfred.Member
	teams       map[alfred.TeamID]alfred.Team
	named       map[string][]alfred.Team // by a part of the name
	departments []alfred.Department

	staged
	undo []func() // of the row that is carried out
}

// staged is what is to be written.
type staged struct {
	created, updated []alfred.User
	joined, left     []alfred.Member
}

func newStage(ctx context.Context, r Records, job alfred.BulkJob, rows []alfred.BulkRow) (*stage, error) {
	s := &stage{
		Records: r, org: job.Org, people: map[alfred.UserID]alfred.User{}, addresses: map[string]alfred.UserID{}, memberships: map[alfred.UserID][]alfred.Member{},
		teams: map[alfred.TeamID]alfred.Team{}, named: map[string][]alfred.Team{},
	}
	var found []alfred.User
	var err error
	if job.Kind == string(api.JobKindImportPeople) {
		addresses := make([]string, len(rows))
		for i, row := range rows {
			addresses[i] = row.Given["email"]
		}
		found, err = r.UsersByEmail(ctx, s.org, addresses...)
	} else {
		ids := make([]alfred.UserID, len(rows))
		for i, row := range rows {
			ids[i] = row.Subject
		}
		found, err = r.Users(ctx, s.org, alfred.UserFilter{IDs: ids})
	}
	if err != nil {
		return nil, err
	}
	ids := make([]alfred.UserID, len(found))
	for i, u := range found {
		ids[i], s.people[u.ID], s.addresses[alfred.NormalEmail(u.Email)] = u.ID, u, u.ID
	}
	memberships, err := r.Memberships(ctx, s.org, ids...)
	for _, m := range memberships {
		s.memberships[m.User] = append(s.memberships[m.User], m)
	}
	return s, err
}

// Savepoint leaves nothing of a row that fails. Of a dry run, whose rows do not
// see each other, there is nothing left to see, and store tries it nevertheless.
func (s *stage) Savepoint(ctx context.Context, fn func(ctx context.Context) error) error {
	before := s.staged
	s.undo = nil
	err := fn(ctx)
	if err == nil {
		return nil
	}
	for _, undo := range slices.Backward(s.undo) {
		undo()
	}
	if !errors.Is(err, errUndo) {
		s.staged = before
	}
	return err
}

// store writes everything that is staged.
func (s *stage) store(ctx context.Context) error {
	if err := s.Records.CreateUser(ctx, s.created...); err != nil {
		return err
	}
	if err := s.Records.UpdateUser(ctx, s.updated...); err != nil {
		return err
	}
	created, err := s.Records.PutMember(ctx, s.org, s.joined...)
	if err == nil && created < len(s.joined) {
		err = alfred.Errorf(alfred.CodeConflict, "somebody joined at the same time")
	}
	if err != nil {
		return err
	}
	left := map[alfred.TeamID][]alfred.UserID{}
	for _, m := range s.left {
		left[m.Team] = append(left[m.Team], m.User)
	}
	for t, users := range left {
		if err := s.Records.RemoveMember(ctx, s.org, t, users...); err != nil {
			return err
		}
	}
	return nil
}

// User returns one person.
func (s *stage) User(ctx context.Context, org alfred.OrgID, id alfred.UserID) (alfred.User, error) {
	if u := s.people[id]; u.ID != "" {
		return u, nil
	}
	return s.Records.User(ctx, org, id)
}

// UserByEmail returns the person who has the address of one of the rows.
func (s *stage) UserByEmail(ctx context.Context, org alfred.OrgID, email string) (alfred.User, error) {
	id := s.addresses[alfred.NormalEmail(email)]
	if id == "" {
		return alfred.User{}, notFound("user", email)
	}
	return s.User(ctx, org, id)
}

// CreateUser stages new people.
func (s *stage) CreateUser(_ context.Context, users ...alfred.User) error {
	for _, u := range users {
		s.created = append(s.created, u)
		s.put(alfred.User{}, u)
	}
	return nil
}

// UpdateUser stages changes of people who are as they were read.
func (s *stage) UpdateUser(ctx context.Context, users ...alfred.User) error {
	for _, u := range users {
		before, err := s.User(ctx, s.org, u.ID)
		if err != nil {
			return err
		}
		s.updated = append(s.updated, u)
		u.Version++
		s.put(before, u)
	}
	return nil
}

// put shows a person as they are now to the rows that follow.
func (s *stage) put(before, u alfred.User) {
	address := alfred.NormalEmail(u.Email)
	had := s.addresses[address]
	s.people[u.ID], s.addresses[address] = u, u.ID
	s.undo = append(s.undo, func() { s.people[u.ID], s.addresses[address] = before, had })
}

// Memberships returns the teams of some people.
func (s *stage) Memberships(ctx context.Context, org alfred.OrgID, users ...alfred.UserID) ([]alfred.Member, error) {
	if len(users) != 1 || s.people[users[0]].ID == "" {
		return s.Records.Memberships(ctx, org, users...)
	}
	return slices.Clone(s.memberships[users[0]]), nil
}

// PutMember stages that some people join teams that they are not in.
func (s *stage) PutMember(_ context.Context, _ alfred.OrgID, members ...alfred.Member) (created int, err error) {
	for _, m := range members {
		s.joined = append(s.joined, m)
		s.setMemberships(m.User, append(slices.Clone(s.memberships[m.User]), m))
	}
	return len(members), nil
}

// RemoveMember stages that some people leave a team.
func (s *stage) RemoveMember(_ context.Context, _ alfred.OrgID, t alfred.TeamID, users ...alfred.UserID) error {
	for _, u := range users {
		s.left = append(s.left, alfred.Member{Team: t, User: u})
		s.setMemberships(u, slices.DeleteFunc(slices.Clone(s.memberships[u]), func(m alfred.Member) bool { return m.Team == t }))
	}
	return nil
}

func (s *stage) setMemberships(u alfred.UserID, all []alfred.Member) {
	before := s.memberships[u]
	s.memberships[u] = all
	s.undo = append(s.undo, func() { s.memberships[u] = before })
}

// Team returns one team.
func (s *stage) Team(ctx context.Context, org alfred.OrgID, id alfred.TeamID) (t alfred.Team, err error) {
	t, ok := s.teams[id]
	if !ok {
		if t, err = s.Records.Team(ctx, org, id); err == nil {
			s.teams[id] = t
		}
	}
	return t, err
}

// Teams returns all teams whose name has a text in it.
func (s *stage) Teams(ctx context.Context, org alfred.OrgID, query, after string, limit int) (all []alfred.Team, err error) {
	if after != "" || limit != 0 {
		return s.Records.Teams(ctx, org, query, after, limit)
	}
	all, ok := s.named[query]
	if !ok {
		if all, err = s.Records.Teams(ctx, org, query, after, limit); err == nil {
			s.named[query] = all
		}
	}
	return all, err
}

// Departments returns all departments.
func (s *stage) Departments(ctx context.Context, org alfred.OrgID) (all []alfred.Department, err error) {
	if s.departments == nil {
		s.departments, err = s.Records.Departments(ctx, org)
	}
	return s.departments, err
}

// Department returns one department.
func (s *stage) Department(ctx context.Context, org alfred.OrgID, id alfred.DepartmentID) (alfred.Department, error) {
	all, err := s.Departments(ctx, org)
	if err != nil {
		return alfred.Department{}, err
	}
	if i := slices.IndexFunc(all, func(d alfred.Department) bool { return d.ID == id }); i >= 0 {
		return all[i], nil
	}
	return s.Records.Department(ctx, org, id)
}
