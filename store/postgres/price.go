package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// RateCard returns the version that was in force at that time: of those in
// effect the one that came into effect last. Before the first it is
// CodeNotFound.
func (s *Store) RateCard(ctx context.Context, org alfred.OrgID, at time.Time) (alfred.RateCard, error) {
	row, err := s.q(ctx).RateCard(ctx, org, at)
	if errors.Is(err, pgx.ErrNoRows) {
		return alfred.RateCard{}, alfred.Errorf(alfred.CodeNotFound, "organization %s has no prices that were in force at %s", org, at.UTC().Format(time.RFC3339))
	}
	return alfred.RateCard{Version: row.Version, Effective: row.EffectiveFrom, Rates: row.Rates}, failed(err, "read the prices of %s", org)
}

// AddRateCard stores a version, which never changes again. A version that is
// there already is CodeConflict.
func (s *Store) AddRateCard(ctx context.Context, org alfred.OrgID, c alfred.RateCard) error {
	rates := append([]alfred.Rate{}, c.Rates...) // never null
	return failed(s.q(ctx).AddRateCard(ctx, org, c.Version, c.Effective, rates), "add version %d of the prices", c.Version)
}

// Models returns the catalogue, by name.
func (s *Store) Models(ctx context.Context, org alfred.OrgID) ([]alfred.Model, error) {
	rows, err := s.q(ctx).Models(ctx, org)
	return each(rows, func(r db.Model) alfred.Model {
		return alfred.Model{Name: r.Name, Provider: r.Provider, MaxOutput: r.MaxOutput, OutputLimitField: r.OutputLimitField, PartBound: r.PartBound}
	}), failed(err, "list models")
}

// PutModel creates or replaces a model of the catalogue.
func (s *Store) PutModel(ctx context.Context, org alfred.OrgID, m alfred.Model) error {
	return failed(s.q(ctx).PutModel(ctx, db.PutModelParams{
		OrgID: org, Name: m.Name, Provider: m.Provider, MaxOutput: m.MaxOutput, OutputLimitField: m.OutputLimitField, PartBound: m.PartBound,
	}), "put model %s", m.Name)
}
