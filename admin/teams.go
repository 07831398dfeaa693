package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// CreateTeam makes a team with a pool.
func (s *server) CreateTeam(ctx context.Context, r api.CreateTeamRequestObject) (api.CreateTeamResponseObject, error) {
	actor := callOf(ctx).actor
	id, err := s.newID("team")
	if err != nil {
		return nil, err
	}
	org, err := s.Records.Organization(ctx, actor.Org)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	team := alfred.Team{
		ID: alfred.TeamID(id), Org: actor.Org, Department: alfred.DepartmentID(value(given(r.Body.DepartmentId))), Name: strings.TrimSpace(r.Body.Name),
		Description: value(r.Body.Description), CommonPool: org.Settings.DefaultTeamPool, Sharing: value(r.Body.PoolSharing),
		DefaultQuota: given(r.Body.DefaultQuota), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if r.Body.CommonPool != nil {
		team.CommonPool = *r.Body.CommonPool
	}
	if team.Name == "" {
		return nil, alfred.Invalid("name", "expected a name")
	}
	err = s.write(ctx, actor.Org, func(ctx context.Context, w *change) error {
		if err := s.checkDepartment(ctx, actor.Org, team.Department); err != nil {
			return err
		}
		w.audit("team.create", id, nil, team)
		w.publishCatalog()
		return sayConflict(s.Records.CreateTeam(ctx, team), "name", "There is a team %s already.", team.Name)
	})
	if err != nil {
		return nil, err
	}
	out, err := s.describeTeam(ctx, team.ID)
	setETag(ctx, team.Version)
	return api.CreateTeam201JSONResponse(out), err
}

// ListTeams lists all teams, or those that the actor belongs to.
func (s *server) ListTeams(ctx context.Context, r api.ListTeamsRequestObject) (api.ListTeamsResponseObject, error) {
	actor := callOf(ctx).actor
	pg, err := newPage(r.Params.Cursor, r.Params.Limit, "teams", r.Params.Q, r.Params.Sort)
	if err != nil {
		return nil, err
	}
	if r.Params.Sort != nil {
		return s.listTeamsBy(ctx, *r.Params.Sort, value(r.Params.Q), pg)
	}
	teams, err := s.teamsSeen(ctx, actor, value(r.Params.Q), pg.after, pg.limit+1)
	if err != nil {
		return nil, err
	}
	teams, more, next := cut(pg, teams, func(t alfred.Team) string { return string(t.ID) })
	data, err := s.describeTeams(ctx, actor.Org, teams)
	return api.ListTeams200JSONResponse{Data: data, HasMore: more, NextCursor: next}, err
}

// teamsSeen returns the teams that the actor may see, by id: all for an admin,
// at most a number of them, one's own for others.
func (s *server) teamsSeen(ctx context.Context, actor alfred.Actor, query, after string, limit int) ([]alfred.Team, error) {
	if actor.Access.Administers() {
		return s.Records.Teams(ctx, actor.Org, query, after, limit)
	}
	memberships, err := s.Records.Memberships(ctx, actor.Org, actor.User)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(memberships, func(a, b alfred.Member) int { return strings.Compare(string(a.Team), string(b.Team)) })
	var teams []alfred.Team
	for _, m := range memberships {
		if string(m.Team) <= after {
			continue
		}
		t, err := s.Records.Team(ctx, actor.Org, m.Team)
		if err != nil {
			return nil, err
		}
		if strings.Contains(strings.ToLower(t.Name), strings.ToLower(query)) {
			teams = append(teams, t)
		}
	}
	return teams, nil
}

// seenTeam returns a team that the actor may see: any for an admin, one's own
// for others.
func (s *server) seenTeam(ctx context.Context, id alfred.TeamID) (alfred.Team, error) {
	actor := callOf(ctx).actor
	if !actor.Access.Administers() {
		memberships, err := s.Records.Memberships(ctx, actor.Org, actor.User)
		if err != nil {
			return alfred.Team{}, err
		}
		if !slices.ContainsFunc(memberships, func(m alfred.Member) bool { return m.Team == id }) {
			return alfred.Team{}, notFound("team", string(id))
		}
	}
	return s.Records.Team(ctx, actor.Org, id)
}

// GetTeam reads a team.
func (s *server) GetTeam(ctx context.Context, r api.GetTeamRequestObject) (api.GetTeamResponseObject, error) {
	team, err := s.seenTeam(ctx, alfred.TeamID(r.TeamId))
	if err != nil {
		return nil, err
	}
	out, err := s.describeTeam(ctx, team.ID)
	setETag(ctx, team.Version)
	return api.GetTeam200JSONResponse(out), err
}

// ReplaceTeam merges what is given, as the guide does with PUT.
func (s *server) ReplaceTeam(ctx context.Context, r api.ReplaceTeamRequestObject) (api.ReplaceTeamResponseObject, error) {
	out, err := s.updateTeam(ctx, alfred.TeamID(r.TeamId), r.Params.IfMatch, *r.Body)
	return api.ReplaceTeam200JSONResponse(out), err
}

// UpdateTeam merges what is given.
func (s *server) UpdateTeam(ctx context.Context, r api.UpdateTeamRequestObject) (api.UpdateTeamResponseObject, error) {
	out, err := s.updateTeam(ctx, alfred.TeamID(r.TeamId), r.Params.IfMatch, *r.Body)
	return api.UpdateTeam200JSONResponse(out), err
}

func (s *server) updateTeam(ctx context.Context, id alfred.TeamID, ifMatch *string, b api.TeamUpdate) (api.Team, error) {
	actor := callOf(ctx).actor
	before, err := s.Records.Team(ctx, actor.Org, id)
	if err != nil {
		return api.Team{}, err
	}
	if err := matches(ifMatch, before.Version); err != nil {
		return api.Team{}, err
	}
	after := before
	if b.Name != nil {
		if after.Name = strings.TrimSpace(*b.Name); after.Name == "" {
			return api.Team{}, alfred.Invalid("name", "expected a name")
		}
	}
	if b.Description != nil {
		after.Description = *b.Description
	}
	if b.CommonPool != nil {
		after.CommonPool = *b.CommonPool
	}
	if b.PoolSharing != nil {
		after.Sharing = *b.PoolSharing
	}
	if b.DepartmentId.IsSpecified() {
		after.Department = alfred.DepartmentID(value(given(b.DepartmentId)))
	}
	if b.DefaultQuota.IsSpecified() {
		after.DefaultQuota = given(b.DefaultQuota)
	}
	err = s.write(ctx, actor.Org, func(ctx context.Context, w *change) error {
		if err := s.checkDepartment(ctx, actor.Org, after.Department); err != nil {
			return err
		}
		after.UpdatedAt = w.now
		w.audit("team.update", string(id), before, after)
		w.publishTeam(id)
		return sayConflict(s.Records.UpdateTeam(ctx, after), "name", "There is a team %s already.", after.Name)
	})
	if err != nil {
		return api.Team{}, err
	}
	out, err := s.describeTeam(ctx, id)
	setETag(ctx, before.Version+1)
	return out, err
}

// DeleteTeam ends a team. What people on vacation released to it, and nobody
// spent, goes back to them first.
func (s *server) DeleteTeam(ctx context.Context, r api.DeleteTeamRequestObject) (api.DeleteTeamResponseObject, error) {
	actor, id := callOf(ctx).actor, alfred.TeamID(r.TeamId)
	team, err := s.Records.Team(ctx, actor.Org, id)
	if err != nil {
		return nil, err
	}
	if err := matches(r.Params.IfMatch, team.Version); err != nil {
		return nil, err
	}
	back := func(ctx context.Context) error {
		members, err := s.Records.Members(ctx, actor.Org, id)
		for _, m := range members {
			if err := s.takeBack(ctx, m); err != nil {
				return err
			}
		}
		return err
	}
	err = s.ending(ctx, actor.Org, func(r alfred.Release) bool { return r.Team == id }, back, func(ctx context.Context, w *change) error {
		if err := s.ownsNoService(ctx, w.org, id); err != nil {
			return err
		}
		members, err := s.Records.Members(ctx, actor.Org, id)
		if err != nil {
			return err
		}
		for _, m := range members {
			w.publishUsers(m.User)
		}
		w.publishCatalog()
		w.audit("team.delete", string(id), team, nil)
		return s.Records.DeleteTeam(ctx, actor.Org, id)
	})
	if err != nil {
		return nil, err
	}
	return api.DeleteTeam204Response{}, nil
}

func (s *server) describeTeam(ctx context.Context, id alfred.TeamID) (api.Team, error) {
	out, err := s.describeTeams(ctx, callOf(ctx).actor.Org, []alfred.Team{{ID: id}})
	if err != nil {
		return api.Team{}, err
	}
	if len(out) == 0 {
		return api.Team{}, notFound("team", string(id))
	}
	return out[0], nil
}

// describeTeams returns teams as the API shows them, with live figures of
// their pools.
func (s *server) describeTeams(ctx context.Context, org alfred.OrgID, teams []alfred.Team) ([]api.Team, error) {
	out := make([]api.Team, 0, len(teams))
	if len(teams) == 0 {
		return out, nil
	}
	ids := make([]alfred.TeamID, len(teams))
	for i, t := range teams {
		ids[i] = t.ID
	}
	snap, err := s.snapshotOf(ctx, org, ids)
	if err != nil {
		return nil, err
	}
	counters := make([]alfred.Counter, len(teams))
	for i, t := range teams {
		counters[i] = alfred.Counter{Kind: alfred.CountPool, Subject: string(t.ID), Window: snap.window}
	}
	// In parts, since the live store does nothing else while it reads one.
	var balances []alfred.Balance
	for some := range slices.Chunk(counters, 200) {
		of, err := s.balances(ctx, org, some)
		if err != nil {
			return nil, err
		}
		balances = append(balances, of...)
	}
	for i, t := range teams {
		d, ok := snap.teams[t.ID]
		if !ok {
			continue
		}
		share, b := snap.catalog.Teams[t.ID], balances[i]
		published := share.Pool.At(snap.now)
		out = append(out, api.Team{
			Id: string(t.ID), Name: d.Team.Name, Description: d.Team.Description, CommonPool: d.Team.CommonPool,
			EffectivePool: (published - b.Outflow).Floor0(), PoolUsed: b.Used().Floor0(), PoolHeld: b.Held().Floor0(),
			PoolAvailable: (published - b.Committed).Floor0(), PoolSharing: share.Sharing, DepartmentId: orNull(string(d.Team.Department)),
			DefaultQuota: pointed(d.Team.DefaultQuota), MemberCount: d.Members, ActiveCount: d.Active,
			CreatedAt: d.Team.CreatedAt, UpdatedAt: d.Team.UpdatedAt, Demo: marked(string(t.ID)),
		})
	}
	return out, nil
}
