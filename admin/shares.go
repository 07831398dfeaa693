package admin

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// shareRow is one member's share.
type shareRow = struct {
	Away    bool              `json:"away"`
	Drawn   api.SignedCredits `json:"drawn"`
	Email   string            `json:"email"`
	Free    api.Credits       `json:"free"`
	Held    api.Credits       `json:"held"`
	IsAdmin bool              `json:"is_admin"`
	Name    string            `json:"name"`
	Share   api.Credits       `json:"share"`
	Status  api.UserStatus    `json:"status"`
	UserId  string            `json:"user_id"` //nolint:revive // of the generated type
}

// GetTeamShares tells what of a pool is for whom, and what it would be.
func (s *server) GetTeamShares(ctx context.Context, r api.GetTeamSharesRequestObject) (api.GetTeamSharesResponseObject, error) {
	team, err := s.seenTeam(ctx, alfred.TeamID(r.TeamId))
	if err != nil {
		return nil, err
	}
	snap, err := s.snapshotOf(ctx, team.Org, []alfred.TeamID{team.ID})
	if err != nil {
		return nil, err
	}
	members, err := s.Records.Members(ctx, team.Org, team.ID)
	if err != nil {
		return nil, err
	}
	counters := []alfred.Counter{{Kind: alfred.CountPool, Subject: string(team.ID), Window: snap.window}}
	ids := make([]alfred.UserID, len(members))
	for i, m := range members {
		ids[i] = m.User
		counters = append(counters, alfred.Counter{Kind: alfred.CountShare, Subject: alfred.ShareSubject(team.ID, m.User), Window: snap.window})
	}
	live, err := s.balances(ctx, team.Org, counters)
	if err != nil {
		return nil, err
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
	shared, pool := snap.catalog.Teams[team.ID], live[0]
	free := (shared.Pool.At(snap.now) - pool.Committed).Floor0()
	out := api.TeamShares{
		TeamId: string(team.ID), Unit: snap.org.Settings.UnitName, Window: snap.describeWindow(snap.window), AsOf: snap.now, PoolSharing: shared.Sharing,
		Pool: (shared.Pool.At(snap.now) - pool.Outflow).Floor0(), Used: pool.Used(), Held: pool.Held().Floor0(), Free: free,
		ActiveCount: shared.Active, Share: shared.Share(snap.now), Members: []shareRow{},
	}
	for i, m := range members {
		u, b := people[m.User], live[i+1]
		row := describeMember(m, u)
		mine := shareRow{UserId: row.UserId, Email: u.Email, Name: u.Name, Status: u.Status, IsAdmin: m.IsAdmin, Away: u.Status == alfred.OnVacation, Drawn: b.Used(), Held: b.Held().Floor0()}
		if u.Status == alfred.Active {
			mine.Share = out.Share
			mine.Free = min(free, (out.Share - b.Committed).Floor0())
		}
		out.Members = append(out.Members, mine)
	}
	if p := r.Params; p.Joining != nil || p.Away != nil || p.Pool != nil {
		would := shared
		would.Active = max(0, shared.Active+value(p.Joining)-value(p.Away))
		if p.Pool != nil {
			would.Pool, would.Outflow = alfred.Allowance{Base: amount(p.Pool)}, alfred.Allowance{}
		}
		share := would.Share(snap.now)
		below := 0
		for _, m := range out.Members {
			if m.Drawn > share {
				below++
			}
		}
		left := would.Pool.At(snap.now)
		if p.Pool == nil {
			left -= pool.Outflow
		}
		out.Simulated = &struct {
			ActiveCount int         `json:"active_count"`
			BelowDrawn  int         `json:"below_drawn"`
			Free        api.Credits `json:"free"`
			Pool        api.Credits `json:"pool"`
			Share       api.Credits `json:"share"`
		}{ActiveCount: would.Active, BelowDrawn: below, Pool: left.Floor0(), Free: (left - pool.Used() - pool.Held()).Floor0(), Share: share}
	}
	return api.GetTeamShares200JSONResponse(out), nil
}
