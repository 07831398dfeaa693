package postgres

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// UserDirectory returns everything that the records of some people's keys are
// made of, in the order of ids, deleted people included, so that their keys
// die. Unknown ids are left out. However many people, it asks seven times.
func (s *Store) UserDirectory(ctx context.Context, org alfred.OrgID, ids []alfred.UserID, now time.Time) ([]alfred.UserDirectory, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	users, err := s.q(ctx).UsersEvenDeleted(ctx, org, texts(ids))
	if err != nil {
		return nil, failed(err, "read people")
	}
	entries := make(entries, len(users))
	for _, u := range users {
		entries[u.ID] = &alfred.UserDirectory{User: user(u)}
	}
	if err := s.fillDirectory(ctx, org, entries, texts(ids), now); err != nil {
		return nil, err
	}
	var out []alfred.UserDirectory
	for _, id := range ids {
		if e := entries[id]; e != nil {
			out = append(out, *e)
		}
	}
	return out, nil
}

type entries map[alfred.UserID]*alfred.UserDirectory

// of is the entry of a person, and a blank one for somebody who came after
// the people were read.
func (e entries) of(id alfred.UserID) *alfred.UserDirectory {
	if entry := e[id]; entry != nil {
		return entry
	}
	return &alfred.UserDirectory{}
}

func (s *Store) fillDirectory(ctx context.Context, org alfred.OrgID, entries entries, people []string, now time.Time) error {
	q := s.q(ctx)
	keys, err := q.Keys(ctx, org, people)
	if err != nil {
		return failed(err, "read keys")
	}
	owners, keyIDs := map[string]alfred.UserID{}, []string{}
	for _, k := range keys {
		e := entries.of(k.UserID)
		e.Keys = append(e.Keys, key(k))
		owners[string(k.ID)] = k.UserID
		keyIDs = append(keyIDs, string(k.ID))
	}
	members, err := q.Memberships(ctx, org, people)
	if err != nil {
		return failed(err, "read memberships")
	}
	for _, m := range members {
		e := entries.of(m.UserID)
		e.Memberships = append(e.Memberships, member(m))
	}
	projects, err := q.ProjectsOf(ctx, org, people)
	if err != nil {
		return failed(err, "read projects")
	}
	for _, p := range projects {
		e := entries.of(p.UserID)
		e.Projects = append(e.Projects, alfred.ProjectRef{ID: p.ID, Code: p.Code})
	}
	adjustments, err := q.Adjustments(ctx, db.AdjustmentsParams{OrgID: org, Subjects: people, EndAfter: &now})
	if err != nil {
		return failed(err, "read adjustments")
	}
	for _, a := range adjustments { // pools have teams for subjects
		e := entries.of(alfred.UserID(a.Subject))
		e.Adjustments = append(e.Adjustments, adjustment(a))
	}
	ofPeople, err := q.LimitsOf(ctx, org, alfred.ScopeUser, people)
	if err != nil {
		return failed(err, "read limits of people")
	}
	for _, l := range ofPeople {
		e := entries.of(alfred.UserID(l.Subject))
		e.Limits = append(e.Limits, limit(l))
	}
	ofKeys, err := q.LimitsOf(ctx, org, alfred.ScopeKey, keyIDs)
	if err != nil {
		return failed(err, "read limits of keys")
	}
	for _, l := range ofKeys {
		e := entries.of(owners[l.Subject])
		e.Limits = append(e.Limits, limit(l))
	}
	return nil
}

// TeamDirectory returns everything that the teams' entries in the catalog are
// made of, by id: of all teams, or of some.
func (s *Store) TeamDirectory(ctx context.Context, org alfred.OrgID, now time.Time, only ...alfred.TeamID) ([]alfred.TeamDirectory, error) {
	var rows []db.TeamSharesRow
	var err error
	if len(only) > 0 {
		rows, err = s.q(ctx).TeamShares(ctx, org, texts(only))
	} else {
		var all []db.AllTeamSharesRow
		all, err = s.q(ctx).AllTeamShares(ctx, org)
		rows = each(all, func(r db.AllTeamSharesRow) db.TeamSharesRow { return db.TeamSharesRow(r) })
	}
	if err != nil {
		return nil, failed(err, "read teams")
	}
	adjustments, err := s.q(ctx).Adjustments(ctx, db.AdjustmentsParams{OrgID: org, Budget: string(alfred.BudgetPool), Subjects: texts(only), EndAfter: &now})
	if err != nil {
		return nil, failed(err, "read adjustments of pools")
	}
	ofTeam := map[string][]alfred.Adjustment{}
	for _, a := range adjustments {
		ofTeam[a.Subject] = append(ofTeam[a.Subject], adjustment(a))
	}
	return each(rows, func(r db.TeamSharesRow) alfred.TeamDirectory {
		return alfred.TeamDirectory{
			Team: team(db.Team{
				OrgID: r.OrgID, ID: r.ID, DepartmentID: r.DepartmentID, Name: r.Name, Description: r.Description, CommonPool: r.CommonPool,
				Sharing: r.Sharing, DefaultQuota: r.DefaultQuota, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
			}),
			Members: int(r.Members), Active: int(r.Active), Adjustments: ofTeam[string(r.ID)], Ask: r.Ask,
		}
	}), nil
}
