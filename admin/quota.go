package admin

import (
	"context"
	"fmt"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// balances reads live counters, in their order.
func (s *server) balances(ctx context.Context, org alfred.OrgID, counters []alfred.Counter) ([]alfred.Balance, error) {
	b, err := s.Live.Balances(ctx, org, counters)
	if err != nil {
		return nil, &alfred.Error{Code: alfred.CodeUnavailable, Message: "The live counters cannot be read now.", Err: err}
	}
	if len(b) != len(counters) {
		return nil, fmt.Errorf("asked for %d balances, got %d", len(counters), len(b))
	}
	return b, nil
}

// GetMyQuota answers what the actor may still spend, from the same legs and
// counters that a request of theirs would draw on.
func (s *server) GetMyQuota(ctx context.Context, _ api.GetMyQuotaRequestObject) (api.GetMyQuotaResponseObject, error) {
	actor := callOf(ctx).actor
	snap, err := s.snapshot(ctx, actor.Org)
	if err != nil {
		return nil, err
	}
	d, err := person(ctx, s.Records, actor.Org, actor.User, snap.now)
	if err != nil {
		return nil, err
	}
	out, err := s.quotaOf(ctx, snap, d)
	return api.GetMyQuota200JSONResponse(out), err
}

func (s *server) quotaOf(ctx context.Context, snap *snapshot, d alfred.UserDirectory) (api.Quota, error) {
	principal := snap.principal(d)
	legs := []alfred.Leg{alfred.PersonalLeg(principal, snap.window, snap.now), alfred.OverdraftLeg(principal, snap.window, snap.now)}
	// Someone on vacation has released his share of the pool.
	if d.User.Status == alfred.Active {
		for _, t := range principal.Teams[:min(len(principal.Teams), alfred.MaxTeamLegs)] {
			if share, ok := snap.catalog.Teams[t]; ok {
				legs = append(legs, alfred.TeamLeg(t, share, principal.User, snap.window, snap.now))
			}
		}
	}
	var counters []alfred.Counter
	for _, l := range legs {
		for _, c := range l.Group {
			counters = append(counters, c.Counter)
		}
	}
	balances, err := s.balances(ctx, snap.org.ID, counters)
	if err != nil {
		return api.Quota{}, err
	}
	room := make([]alfred.Credits, len(legs))
	at := 0
	for i, l := range legs {
		room[i] = alfred.Unlimited
		for _, c := range l.Group {
			room[i] = min(room[i], (c.Ceiling - balances[at].Committed).Floor0())
			at++
		}
	}
	base, source := snap.quota(d)
	mine, overdraft := balances[0], balances[1]
	out := api.Quota{
		PersonalQuota: (legs[0].Group[0].Ceiling - mine.Outflow).Floor0(), UsedTokens: mine.Used(), AvailableQuota: room[0],
		BaseQuota: base, Unit: snap.org.Settings.UnitName, WindowStart: snap.window.Start, ResetsAt: snap.window.End, Tz: snap.org.Settings.Zone,
		Held: mine.Held().Floor0(), Source: source, OverdraftLimit: legs[1].Group[0].Ceiling, OverdraftUsed: overdraft.Used().Floor0(),
		BlockedBy: nullable.NewNullNullable[string](),
	}
	for _, r := range room[2:] {
		out.TeamPoolAvailable += r
	}
	if out.AvailableQuota == 0 && out.TeamPoolAvailable == 0 {
		code := alfred.CodeUserQuota
		if mine.Held() > 0 {
			code = alfred.CodeQuotaHeld
		}
		out.BlockedBy = nullable.NewNullableWithValue(string(code))
	}
	return out, nil
}
