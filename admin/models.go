package admin

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListModels lists the models that are known or were used in the window, with
// the prices that are in force, and every version of the prices.
func (s *server) ListModels(ctx context.Context, r api.ListModelsRequestObject) (api.ListModelsResponseObject, error) {
	org, now := callOf(ctx).actor.Org, s.Now()
	snap, err := s.snapshotOf(ctx, org, nil)
	if err != nil {
		return nil, err
	}
	q, err := snap.usageQuery(usageAsk{
		groupBy: &[]api.UsageDimension{api.UsageDimensionModel, api.UsageDimensionProvider}, window: string(value(r.Params.Window)),
	})
	if err != nil {
		return nil, err
	}
	cards, err := s.Records.RateCards(ctx, org)
	if err != nil {
		return nil, err
	}
	card, err := s.Records.RateCard(ctx, org, now)
	if err != nil {
		return nil, err
	}
	own, err := s.Records.Models(ctx, org)
	if err != nil {
		return nil, err
	}
	rows, err := s.usedModels(ctx, org, q)
	if err != nil {
		return nil, err
	}
	known := alfred.Catalog{Models: own} // without defaults: what nobody knows of a model stays unknown
	for _, m := range slices.Concat(own, alfred.KnownModels()) {
		if !slices.ContainsFunc(rows, func(r api.ModelRow) bool { return r.Model == m.Name }) {
			rows = append(rows, api.ModelRow{Model: m.Name, Provider: known.Model(m.Name).Provider, LastUsedAt: nullable.NewNullNullable[time.Time]()})
		}
	}
	for i := range rows {
		rate, priced := card.For(rows[i].Model)
		rows[i].Price, rows[i].Priced, rows[i].MaxOutputTokens = priceOf(rate), priced, orNull(known.Model(rows[i].Model).MaxOutput)
	}
	slices.SortFunc(rows, func(a, b api.ModelRow) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Provider, b.Provider))
	})
	out := api.ListModels200JSONResponse{AsOf: s.asOf(ctx, org), CardVersion: card.Version, Data: rows, Versions: []api.PriceVersion{}}
	for _, c := range cards {
		v := api.PriceVersion{Version: c.Version, EffectiveFrom: nullable.NewNullNullable[time.Time](), Prices: []api.ModelPrice{}}
		if c.Effective.Unix() > 0 { // the first one is in force since ever
			v.EffectiveFrom = nullable.NewNullableWithValue(c.Effective)
		}
		for _, rate := range c.Rates {
			v.Prices = append(v.Prices, priceOf(rate))
		}
		out.Versions = append(out.Versions, v)
	}
	return out, nil
}

// usedModels are the models with requests in a stretch, one row for each
// provider that served them. What was only refused was not used.
func (s *server) usedModels(ctx context.Context, org alfred.OrgID, q alfred.UsageQuery) ([]api.ModelRow, error) {
	sums, err := s.Records.UsageQuery(ctx, org, q)
	if err != nil {
		return nil, err
	}
	uses, err := s.Records.ModelUses(ctx, org, q.From, q.Until)
	if err != nil {
		return nil, err
	}
	var rows []api.ModelRow
	for _, sum := range sums {
		if sum.Requests == 0 && sum.Cost == 0 {
			continue
		}
		row := api.ModelRow{Model: sum.Group[0], Provider: sum.Group[1], Requests: sum.Requests, Credits: sum.Cost, LastUsedAt: nullable.NewNullNullable[time.Time]()}
		for _, u := range uses {
			if u.Model == row.Model && u.Provider == row.Provider {
				row.LastUsedAt = nullable.NewNullableWithValue(u.Last)
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func priceOf(r alfred.Rate) api.ModelPrice {
	return api.ModelPrice{
		Pattern: r.Match, Input: r.Input, CachedInput: r.CachedInput, CacheWrite: r.CacheWrite, Output: r.Output, Reasoning: r.Reasoning, Request: r.Request,
	}
}
