package admin

import (
	"context"
	"fmt"
	"slices"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// balances reads live counters, in their order. What the people and teams of
// the demo data used is in the record alone and is added from there; what one of
// them really used stands in both, and counts once.
func (s *server) balances(ctx context.Context, org alfred.OrgID, counters []alfred.Counter) ([]alfred.Balance, error) {
	b, err := s.Live.Balances(ctx, org, counters)
	if err != nil {
		return nil, &alfred.Error{Code: alfred.CodeUnavailable, Message: "The live counters cannot be read now.", Err: err}
	}
	if len(b) != len(counters) {
		return nil, fmt.Errorf("asked for %d balances, got %d", len(counters), len(b))
	}
	var demo []alfred.Counter
	var at []int
	for i, c := range counters {
		if isDemo(c.Subject) {
			demo, at = append(demo, c), append(at, i)
		}
	}
	if len(demo) == 0 {
		return b, nil
	}
	totals, err := s.Records.CounterTotals(ctx, org, demo)
	if err != nil {
		return nil, err
	}
	for i, t := range totals {
		of := &b[at[i]]
		missing := (t.Settled - of.Used()).Floor0()
		of.Committed, of.Settled = of.Committed+missing, of.Settled+missing
	}
	return b, nil
}

// GetMyQuota answers what the actor may still spend, from the same legs and
// counters that a request of theirs would draw on.
func (s *server) GetMyQuota(ctx context.Context, _ api.GetMyQuotaRequestObject) (api.GetMyQuotaResponseObject, error) {
	actor := callOf(ctx).actor
	snap, d, err := s.snapshotOfPerson(ctx, actor.Org, actor.User)
	if err != nil {
		return nil, err
	}
	if err := snap.complete(ctx, s.Records); err != nil {
		return nil, err
	}
	out, err := s.quotaOf(ctx, snap, d, actor.Key)
	return api.GetMyQuota200JSONResponse(out), err
}

// quotaOf answers from the plan that a request at normal priority with this
// key would have, and the overdraft.
func (s *server) quotaOf(ctx context.Context, snap *snapshot, d alfred.UserDirectory, key alfred.KeyID) (api.Quota, error) {
	principal := snap.principal(d)
	for _, p := range snap.principals(d, 0) {
		if p.Key == key {
			principal = p
		}
	}
	plan, refusal, err := alfred.NewPlan(snap.catalog, principal, alfred.Ask{Priority: alfred.PriorityNormal}, snap.now)
	if err != nil {
		return api.Quota{}, err
	}
	if refusal != nil {
		return api.Quota{}, fmt.Errorf("plan of %s: %s", d.User.ID, refusal.Detail)
	}
	overdraftLeg := alfred.OverdraftLeg(principal, snap.window, snap.now)
	var counters []alfred.Counter
	for _, c := range plan.Caps {
		counters = append(counters, c.Counter)
	}
	for _, l := range append(slices.Clone(plan.Legs), overdraftLeg) {
		for _, c := range l.Group {
			counters = append(counters, c.Counter)
		}
	}
	balances, err := s.balances(ctx, snap.org.ID, counters)
	if err != nil {
		return api.Quota{}, err
	}
	ofLegs := balances[len(plan.Caps):]
	mine, overdraft := ofLegs[0], ofLegs[len(ofLegs)-1]
	room := legRoom(plan.Legs, ofLegs, committed)
	base, source := snap.quota(d)
	personal := plan.Legs[0].Group[0].Ceiling
	out := api.Quota{
		PersonalQuota: (personal - mine.Outflow).Floor0(), UsedTokens: mine.Used(), AvailableQuota: room[0],
		BaseQuota: base, Unit: snap.org.Settings.UnitName, WindowStart: snap.window.Start, ResetsAt: snap.window.End, Tz: snap.org.Settings.Zone,
		Held: mine.Held().Floor0(), Source: source, OverdraftLimit: overdraftLeg.Group[0].Ceiling, OverdraftUsed: overdraft.Used().Floor0(),
		BlockedBy: nullable.NewNullNullable[string](),
	}
	for _, r := range room[1:] {
		out.TeamPoolAvailable += r
	}
	if code := blockedBy(plan, balances); code != "" {
		out.BlockedBy = nullable.NewNullableWithValue(string(code))
	}
	return out, nil
}

func settled(b alfred.Balance) alfred.Credits   { return b.Settled }
func committed(b alfred.Balance) alfred.Credits { return b.Committed }

// legRoom is what each leg has left.
func legRoom(legs []alfred.Leg, balances []alfred.Balance, counted func(alfred.Balance) alfred.Credits) []alfred.Credits {
	room, at := make([]alfred.Credits, len(legs)), 0
	for i, l := range legs {
		room[i] = alfred.Unlimited
		for _, c := range l.Group {
			room[i] = min(room[i], (c.Ceiling - counted(balances[at])).Floor0())
			at++
		}
	}
	return room
}

// blockedBy is the code with which the ledger would refuse the smallest
// request: of the first cap that is reached, else of the last leg that would
// pay. What only requests in flight hold comes back.
func blockedBy(plan alfred.Plan, balances []alfred.Balance) alfred.Code {
	if code := spentOut(plan, balances, settled); code != "" {
		return code
	}
	if spentOut(plan, balances, committed) != "" {
		return alfred.CodeQuotaHeld
	}
	return ""
}

func spentOut(plan alfred.Plan, balances []alfred.Balance, counted func(alfred.Balance) alfred.Credits) alfred.Code {
	for i, c := range plan.Caps {
		if c.Mode != alfred.Shadow && c.Ceiling <= counted(balances[i]) {
			return c.Code
		}
	}
	for _, room := range legRoom(plan.Legs, balances[len(plan.Caps):], counted) {
		if room > 0 {
			return ""
		}
	}
	return plan.Legs[len(plan.Legs)-1].Code
}
