package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

const (
	// rankedFrom is how many requests it takes to be ranked.
	rankedFrom = 50
	// comparedPeople is how many people are compared: those who use most.
	comparedPeople = 100
)

// thrift is what one team or person got for their credits.
type thrift struct {
	id     string
	sums   alfred.UsageSums
	models map[string]alfred.UsageSums
	wasted alfred.Credits // of requests that did not complete
}

// comparedThrift is who got what in some hours, as it was known at asOf.
type comparedThrift struct {
	all         []*thrift
	from, until time.Time
	asOf        time.Time
}

// GetEfficiency ranks teams, or people under pseudonyms, by what they pay for
// output, against what others pay for that of the same models.
func (s *server) GetEfficiency(ctx context.Context, r api.GetEfficiencyRequestObject) (api.GetEfficiencyResponseObject, error) {
	p, actor := r.Params, callOf(ctx).actor
	snap, err := s.snapshotOf(ctx, actor.Org, nil)
	if err != nil {
		return nil, err
	}
	q, err := snap.usageQuery(usageAsk{window: string(value(p.Window)), from: p.From, until: p.Until, filter: map[alfred.UsageDimension]*string{alfred.ByTeam: p.Team}})
	if err != nil {
		return nil, err
	}
	if q.Filter, err = narrow(actor, q.Filter); err != nil {
		return nil, err
	}
	by := alfred.UsageDimension(orDefault(p.By, api.GetEfficiencyParamsByTeam))
	// A team is compared with all teams, whichever of them are shown.
	among, shownTeams := q, q.Filter[alfred.ByTeam]
	if by == alfred.ByTeam {
		among.Filter = maps.Clone(q.Filter)
		delete(among.Filter, alfred.ByTeam)
	}
	have, err := s.compare(ctx, snap, among, by)
	if err != nil {
		return nil, err
	}
	all := have.all
	out := api.Efficiency{By: api.EfficiencyBy(by), From: have.from, Until: have.until, AsOf: have.asOf, MinimumRequests: rankedFrom, Data: []api.EfficiencyRow{}}
	medians := medianPrices(all)
	for _, t := range all {
		if by == alfred.ByTeam && shownTeams != nil && !slices.Contains(shownTeams, t.id) {
			continue
		}
		out.Data = append(out.Data, t.row(medians))
	}
	slices.SortStableFunc(out.Data, betterFirst)
	out.Data = out.Data[:min(len(out.Data), orDefault(p.Top, 20))]
	var shown []alfred.TeamID
	if by == alfred.ByTeam {
		for _, row := range out.Data {
			shown = append(shown, alfred.TeamID(row.Id))
		}
	}
	if err := snap.addTeams(ctx, s.Records, shown...); err != nil {
		return nil, err
	}
	for i := range out.Data {
		row := &out.Data[i]
		if row.Requests >= rankedFrom && known(row.AgainstMedian) {
			row.Rank = nullable.NewNullableWithValue(i + 1)
		}
		switch {
		case by == alfred.ByTeam:
			row.Name = snap.teams[alfred.TeamID(row.Id)].Team.Name
		case row.Id == string(actor.User):
			row.Me, row.Name = true, callOf(ctx).user.Name
		default:
			row.Id, row.Name = "", fmt.Sprintf("Person %d", i+1)
		}
	}
	return api.GetEfficiency200JSONResponse(out), nil
}

// compare answers who got what, from a moment ago or from the record.
func (s *server) compare(ctx context.Context, snap *snapshot, q alfred.UsageQuery, by alfred.UsageDimension) (comparedThrift, error) {
	org, end := snap.org.ID, q.Until
	if q.ToNow {
		end = time.Time{} // the same question a moment later
	}
	return s.compared.of(fmt.Sprint(org, by, q.From, end, q.Filter), snap.now, recentFor, func() (comparedThrift, error) {
		all, err := s.thrifts(ctx, org, q, by)
		from, until := hours(q.From, q.Until)
		return comparedThrift{all, from, until, s.asOf(ctx, org)}, err
	})
}

// thrifts reads what each group used by model and by outcome. Of people, the
// ones who use most are read, since the finer sums are kept by the hour.
func (s *server) thrifts(ctx context.Context, org alfred.OrgID, q alfred.UsageQuery, by alfred.UsageDimension) ([]*thrift, error) {
	q.OrderBy = alfred.MeasureCost
	if by == alfred.ByUser {
		q.GroupBy, q.Top = []alfred.UsageDimension{by}, comparedPeople
		most, err := s.Records.UsageQuery(ctx, org, q)
		if err != nil {
			return nil, err
		}
		ids := []string{}
		for _, r := range most {
			if !r.Other && r.Group[0] != "" {
				ids = append(ids, r.Group[0])
			}
		}
		q.Filter[by], q.Top = ids, 0
	}
	// A model's outcomes are few, so they are read together.
	q.GroupBy = []alfred.UsageDimension{by, alfred.ByModel, alfred.ByOutcome}
	rows, err := s.Records.UsageQuery(ctx, org, q)
	if err != nil {
		return nil, err
	}
	var all []*thrift
	found := map[string]*thrift{}
	for _, r := range rows {
		id, model, outcome := r.Group[0], r.Group[1], r.Group[2]
		if id == "" {
			continue
		}
		t := found[id]
		if t == nil {
			t = &thrift{id: id, models: map[string]alfred.UsageSums{}}
			found[id], all = t, append(all, t)
		}
		t.sums.Add(r.UsageSums)
		of := t.models[model]
		of.Add(r.UsageSums)
		t.models[model] = of
		if outcome != string(alfred.OutcomeCompleted) {
			t.wasted += r.Cost
		}
	}
	return slices.DeleteFunc(all, func(t *thrift) bool { return t.sums.Requests == 0 }), nil
}

func output(u alfred.Usage) int64 { return u.Output + u.Reasoning }
func input(u alfred.Usage) int64  { return u.Input + u.CachedInput + u.CacheWrite }

// medianPrices is what 1,000 output tokens of each model cost the group in
// the middle.
func medianPrices(all []*thrift) map[string]float64 {
	prices := map[string][]float64{}
	for _, t := range all {
		for model, sums := range t.models {
			if n := output(sums.Usage); n > 0 {
				prices[model] = append(prices[model], perThousand(sums.Cost, n))
			}
		}
	}
	medians := map[string]float64{}
	for model, p := range prices {
		slices.Sort(p)
		medians[model] = (p[(len(p)-1)/2] + p[len(p)/2]) / 2
	}
	return medians
}

func perThousand(c alfred.Credits, tokens int64) float64 {
	return float64(c) / float64(alfred.Credit) * 1000 / float64(tokens)
}

// row shows a group. Its output at the others' prices is what it is measured by.
func (t *thrift) row(medians map[string]float64) api.EfficiencyRow {
	u := t.sums.Usage
	row := api.EfficiencyRow{
		Rank: nullable.NewNullNullable[int](), Id: t.id, Requests: t.sums.Requests, Credits: t.sums.Cost,
		CreditsPer1kOutput: ratio(float64(t.sums.Cost)/float64(alfred.Credit)*1000, float64(output(u))),
		CachePercent:       ratio(100*float64(u.CachedInput), float64(input(u))),
		WastePercent:       ratio(100*float64(t.wasted), float64(t.sums.Cost)),
		OutputPerInput:     ratio(float64(output(u)), float64(input(u))),
	}
	var usual, paid float64
	for model, sums := range t.models {
		if n := output(sums.Usage); n > 0 {
			usual += medians[model] * float64(n) / 1000
			paid += float64(sums.Cost) / float64(alfred.Credit)
		}
	}
	row.AgainstMedian = ratio(paid, usual)
	return row
}

// ratio is null where there is nothing to divide by.
func ratio(a, b float64) nullable.Nullable[float64] {
	if b <= 0 {
		return nullable.NewNullNullable[float64]()
	}
	return nullable.NewNullableWithValue(a / b)
}

func known[T any](n nullable.Nullable[T]) bool {
	_, err := n.Get()
	return err == nil
}

// betterFirst puts what is ranked before what is not, and the cheaper first.
func betterFirst(a, b api.EfficiencyRow) int {
	place := func(r api.EfficiencyRow) int {
		if r.Requests >= rankedFrom && known(r.AgainstMedian) {
			return 0
		}
		return 1
	}
	x, _ := a.AgainstMedian.Get()
	y, _ := b.AgainstMedian.Get()
	return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(x, y), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Id, b.Id))
}
