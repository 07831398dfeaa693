package admin

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

const (
	healthSpan = time.Hour // that a provider's health is judged by
	modelSpan  = 30 * 24 * time.Hour
)

// ListProviders lists the providers that are configured here or were used,
// and how they did in the last hour.
func (s *server) ListProviders(ctx context.Context, _ api.ListProvidersRequestObject) (api.ListProvidersResponseObject, error) {
	org, now := callOf(ctx).actor.Org, s.Now()
	lately, err := s.Records.ProviderUses(ctx, org, now.Add(-healthSpan), now)
	if err != nil {
		return nil, err
	}
	used, err := s.Records.ModelUses(ctx, org, now.Add(-modelSpan), now)
	if err != nil {
		return nil, err
	}
	uses, models, addresses := map[string]alfred.ProviderUse{}, map[string][]string{}, map[string]string{}
	for _, u := range lately {
		uses[u.Provider] = u
	}
	for _, m := range used {
		if m.Provider != "" {
			models[m.Provider] = append(models[m.Provider], m.Model)
		}
	}
	for _, p := range s.Providers {
		addresses[p.ID] = p.BaseURL
	}
	ids := map[string]bool{}
	for _, of := range []iter.Seq[string]{maps.Keys(uses), maps.Keys(models), maps.Keys(addresses)} {
		for id := range of {
			ids[id] = true
		}
	}
	out := api.ListProviders200JSONResponse{AsOf: s.asOf(ctx, org), Data: []api.ProviderRow{}}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		u := uses[id]
		address, configured := addresses[id]
		row := api.ProviderRow{
			Id: id, Name: providerName(id), Configured: configured, Address: optional(address), Health: api.ProviderRowHealth(u.Health()),
			Requests: u.Requests, Errors: u.Errors, ErrorPercent: nullable.NewNullNullable[float64](), MedianMillis: orNull(u.Median),
			LastSuccessAt: orNull(u.LastSuccess), LastErrorAt: orNull(u.LastError), Models: append([]string{}, models[id]...),
		}
		if u.Requests > 0 {
			row.ErrorPercent = nullable.NewNullableWithValue(100 * float64(u.Errors) / float64(u.Requests))
		}
		out.Data = append(out.Data, row)
	}
	return out, nil
}

// providerName is what people call a provider.
func providerName(id string) string {
	switch id {
	case "openai":
		return "OpenAI"
	case "anthropic":
		return "Anthropic"
	case "mock":
		return "Mock provider"
	default:
		return id
	}
}
