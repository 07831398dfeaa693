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
	people := texts(ids)
	q := s.q(ctx)
	users, err := q.UsersEvenDeleted(ctx, org, people)
	if err != nil {
		return nil, failed(err, "read people")
	}
	entries := make(map[string]*alfred.UserDirectory, len(users))
	for _, u := range users {
		entries[string(u.ID)] = &alfred.UserDirectory{User: user(u)}
	}

	keys, err := q.Keys(ctx, org, people)
	if err != nil {
		return nil, failed(err, "read keys")
	}
	owners, keyIDs := map[string]string{}, []string{}
	for _, k := range keys {
		entries[string(k.UserID)].Keys = append(entries[string(k.UserID)].Keys, key(k))
		owners[string(k.ID)] = string(k.UserID)
		keyIDs = append(keyIDs, string(k.ID))
	}

	members, err := q.Memberships(ctx, org, people)
	if err != nil {
		return nil, failed(err, "read memberships")
	}
	for _, m := range members {
		entries[string(m.UserID)].Memberships = append(entries[string(m.UserID)].Memberships, member(m))
	}

	projects, err := q.ProjectsOf(ctx, org, people)
	if err != nil {
		return nil, failed(err, "read projects")
	}
	for _, p := range projects {
		entries[string(p.UserID)].Projects = append(entries[string(p.UserID)].Projects, alfred.ProjectRef{ID: p.ID, Code: p.Code})
	}

	adjustments, err := q.Adjustments(ctx, db.AdjustmentsParams{OrgID: org, Subjects: people, EndAfter: &now})
	if err != nil {
		return nil, failed(err, "read adjustments")
	}
	for _, a := range adjustments {
		if e := entries[a.Subject]; e != nil && a.Budget != alfred.BudgetPool {
			e.Adjustments = append(e.Adjustments, adjustment(a))
		}
	}

	ofPeople, err := q.LimitsOf(ctx, org, alfred.ScopeUser, people)
	if err != nil {
		return nil, failed(err, "read limits of people")
	}
	ofKeys, err := q.LimitsOf(ctx, org, alfred.ScopeKey, keyIDs)
	if err != nil {
		return nil, failed(err, "read limits of keys")
	}
	for _, l := range ofPeople {
		if e := entries[l.Subject]; e != nil {
			e.Limits = append(e.Limits, limit(l))
		}
	}
	for _, l := range ofKeys {
		e := entries[owners[l.Subject]]
		e.Limits = append(e.Limits, limit(l))
	}

	var out []alfred.UserDirectory
	for _, id := range ids {
		if e := entries[string(id)]; e != nil {
			out = append(out, *e)
		}
	}
	return out, nil
}

// TeamDirectory returns everything that the teams' entries in the catalog are
// made of, by id.
func (s *Store) TeamDirectory(ctx context.Context, org alfred.OrgID, now time.Time) ([]alfred.TeamDirectory, error) {
	rows, err := s.q(ctx).TeamShares(ctx, org)
	if err != nil {
		return nil, failed(err, "read teams")
	}
	adjustments, err := s.q(ctx).Adjustments(ctx, db.AdjustmentsParams{OrgID: org, Budget: string(alfred.BudgetPool), EndAfter: &now})
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
			Active: int(r.Active), Adjustments: ofTeam[string(r.ID)], Ask: r.Ask,
		}
	}), nil
}
