package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ExplainUserQuota tells why somebody's limit is what it is.
func (s *server) ExplainUserQuota(ctx context.Context, r api.ExplainUserQuotaRequestObject) (api.ExplainUserQuotaResponseObject, error) {
	user, err := s.seen(ctx, alfred.UserID(r.UserId))
	if err != nil {
		return nil, err
	}
	out, err := s.explainQuota(ctx, user.ID)
	return api.ExplainUserQuota200JSONResponse(out), err
}

// ExplainMyQuota tells why the actor's limit is what it is.
func (s *server) ExplainMyQuota(ctx context.Context, _ api.ExplainMyQuotaRequestObject) (api.ExplainMyQuotaResponseObject, error) {
	out, err := s.explainQuota(ctx, callOf(ctx).actor.User)
	return api.ExplainMyQuota200JSONResponse(out), err
}

// part is one step of the waterfall.
type part = struct {
	Amount       api.SignedCredits             `json:"amount"`
	At           nullable.Nullable[time.Time]  `json:"at"`
	Counterparty *api.PersonRef                `json:"counterparty,omitempty"`
	Kind         api.QuotaExplanationPartsKind `json:"kind"`
	Label        string                        `json:"label"`
	Reason       *string                       `json:"reason,omitempty"`
	Ref          *string                       `json:"ref,omitempty"`
	Until        nullable.Nullable[time.Time]  `json:"until"`
}

func (s *server) explainQuota(ctx context.Context, id alfred.UserID) (api.QuotaExplanation, error) {
	org := callOf(ctx).actor.Org
	snap, d, err := s.snapshotOfPerson(ctx, org, id)
	if err != nil {
		return api.QuotaExplanation{}, err
	}
	leg := alfred.PersonalLeg(snap.principal(d), snap.window, snap.now).Group[0]
	live, err := s.balances(ctx, org, []alfred.Counter{leg.Counter})
	if err != nil {
		return api.QuotaExplanation{}, err
	}
	base, source := snap.quota(d)
	parts := []part{{Kind: "base", Amount: base, At: nullable.NewNullNullable[time.Time](), Until: nullable.NewNullNullable[time.Time](), Label: "Quota of " + sourceName(source)}}
	sum := base
	changes := slices.DeleteFunc(adjustmentsOf(d.Adjustments, alfred.BudgetPersonal), func(a alfred.Adjustment) bool { return !a.ActiveAt(snap.now) })
	slices.SortStableFunc(changes, func(a, b alfred.Adjustment) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.ID, b.ID)) })
	for _, a := range changes {
		p, err := s.partOf(ctx, org, a)
		if err != nil {
			return api.QuotaExplanation{}, err
		}
		parts, sum = append(parts, p), sum+a.Amount
	}
	if sum < 0 {
		parts = append(parts, part{Kind: "floor", Amount: -sum, At: nullable.NewNullNullable[time.Time](), Until: nullable.NewNullNullable[time.Time](), Label: "A limit is never below 0"})
		sum = 0
	}
	return api.QuotaExplanation{
		UserId: string(id), At: snap.now, Unit: snap.org.Settings.UnitName, Window: snap.describeWindow(snap.window), Source: source, Parts: parts,
		EffectiveQuota: sum, Used: live[0].Used(), Held: live[0].Held().Floor0(), Available: (leg.Ceiling - live[0].Committed).Floor0(),
	}, nil
}

func sourceName(s alfred.Source) string {
	switch {
	case s.Level == "user":
		return "this person"
	case s.Name != "":
		return s.Name
	default:
		return "the " + s.Level
	}
}

// partOf says what one adjustment is to the person whom it concerns.
func (s *server) partOf(ctx context.Context, org alfred.OrgID, a alfred.Adjustment) (part, error) {
	p := part{Amount: a.Amount, At: nullable.NewNullableWithValue(a.From), Until: orNull(a.Until)}
	if a.Reason != "" {
		p.Reason = &a.Reason
	}
	if a.Group != "" {
		ref := string(a.Group)
		p.Ref = &ref
	}
	size := alfred.Figure(max(a.Amount, -a.Amount))
	switch a.Kind {
	case alfred.AdjustTransfer:
		other, err := s.otherEnd(ctx, org, a)
		if err != nil {
			return p, err
		}
		p.Counterparty = &other
		p.Kind, p.Label = "transfer_in", fmt.Sprintf("%s received from %s", size, cmp.Or(other.Name, "somebody who has left"))
		if a.Amount < 0 {
			p.Kind, p.Label = "transfer_out", fmt.Sprintf("%s given to %s", size, cmp.Or(other.Name, "somebody who has left"))
		}
	case alfred.AdjustVacation:
		p.Kind, p.Label, p.Reason = "vacation_return", size+" back from the team's pool", nil
		if a.Amount < 0 {
			p.Kind, p.Label = "vacation_release", size+" released to the team's pool"
		}
	case alfred.AdjustDebt:
		p.Kind, p.Label = "debt", size+" repaid of what was overdrawn"
	case alfred.AdjustReallocation:
		p.Kind, p.Label = "reallocation", size+" moved here by an admin"
		if a.Amount < 0 {
			p.Label = size + " moved away by an admin"
		}
	default:
		p.Kind, p.Label = "adjustment", size+" added by hand"
		if a.Amount < 0 {
			p.Label = size + " taken by hand"
		}
	}
	return p, nil
}

// otherEnd is the person at the other end of a transfer.
func (s *server) otherEnd(ctx context.Context, org alfred.OrgID, a alfred.Adjustment) (api.PersonRef, error) {
	both, err := s.Records.Adjustments(ctx, org, alfred.AdjustmentFilter{Group: a.Group})
	if err != nil {
		return api.PersonRef{}, err
	}
	for _, o := range both {
		if o.Subject != a.Subject {
			people, err := s.people(ctx, org, []alfred.UserID{alfred.UserID(o.Subject)})
			return refOf(alfred.UserID(o.Subject), people), err
		}
	}
	return api.PersonRef{}, nil
}

// GetUserBurn tells how somebody's quota was used up.
func (s *server) GetUserBurn(ctx context.Context, r api.GetUserBurnRequestObject) (api.GetUserBurnResponseObject, error) {
	user, err := s.seen(ctx, alfred.UserID(r.UserId))
	if err != nil {
		return nil, err
	}
	out, err := s.burn(ctx, user.ID, string(value(r.Params.Window)))
	return api.GetUserBurn200JSONResponse(out), err
}

// GetMyBurn tells how the actor's quota was used up.
func (s *server) GetMyBurn(ctx context.Context, r api.GetMyBurnRequestObject) (api.GetMyBurnResponseObject, error) {
	out, err := s.burn(ctx, callOf(ctx).actor.User, string(value(r.Params.Window)))
	return api.GetMyBurn200JSONResponse(out), err
}

// burn is what the personal quota has paid by the end of each day. The sums
// by day are of everything that the person spent; the quota pays first, so
// what it has paid is that, up to what its counter says in the end.
func (s *server) burn(ctx context.Context, id alfred.UserID, name string) (api.Burn, error) {
	org := callOf(ctx).actor.Org
	snap, d, err := s.snapshotOfPerson(ctx, org, id)
	if err != nil {
		return api.Burn{}, err
	}
	window, err := snap.named(name)
	if err != nil {
		return api.Burn{}, err
	}
	until := window.End
	if snap.now.Before(until) {
		until = snap.now
	}
	paid, err := s.Records.CounterUsage(ctx, org, alfred.Counter{Kind: alfred.CountPersonal, Subject: string(id), Window: window})
	if err != nil {
		return api.Burn{}, err
	}
	days, err := s.Records.UsageQuery(ctx, org, alfred.UsageQuery{
		From: window.Start, Until: until, Interval: alfred.IntervalDay, Filter: map[alfred.UsageDimension][]string{alfred.ByUser: {string(id)}},
	})
	if err != nil {
		return api.Burn{}, err
	}
	changes, err := s.Records.Adjustments(ctx, org, alfred.AdjustmentFilter{Budget: alfred.BudgetPersonal, Subjects: []string{string(id)}, EndAfter: window.Start})
	if err != nil {
		return api.Burn{}, err
	}
	base, _ := snap.quota(d)
	limit := func(at time.Time) nullable.Nullable[alfred.Credits] {
		return nullable.NewNullableWithValue(alfred.Effective(base, changes, at))
	}
	out := api.Burn{UserId: string(id), Unit: snap.org.Settings.UnitName, Window: snap.describeWindow(window), AsOf: snap.now}
	out.Points = append(out.Points, api.BurnPoint{At: window.Start, Limit: limit(window.Start)})
	var whole []alfred.Credits
	byDay := map[time.Time]alfred.Credits{}
	for _, r := range days {
		byDay[r.At] = r.Cost
	}
	sum := alfred.Credits(0)
	for start := window.Start; start.Before(until); {
		y, m, day := start.In(snap.zone).Date()
		end := time.Date(y, m, day+1, 0, 0, 0, 0, snap.zone).UTC()
		if end.After(until) {
			end = until
		} else {
			whole = append(whole, byDay[start])
		}
		for _, a := range changes {
			if a.From.After(start) && a.From.Before(end) {
				out.Points = append(out.Points, api.BurnPoint{At: a.From, Used: min(sum, paid), Limit: limit(a.From)})
			}
		}
		sum += byDay[start]
		last := end.Add(-time.Nanosecond)
		if end.Equal(snap.now) {
			last = end // what changed just now counts
		}
		out.Points = append(out.Points, api.BurnPoint{At: end, Used: min(sum, paid), Limit: limit(last)})
		start = end
	}
	slices.SortStableFunc(out.Points, func(a, b api.BurnPoint) int { return a.At.Compare(b.At) })
	out.Pace = pace(snap.now, window, whole, min(sum, paid), alfred.Effective(base, changes, until))
	return out, nil
}
