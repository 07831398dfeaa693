package postgres

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

func limit(r db.Limit) alfred.Limit {
	return alfred.Limit{Scope: r.Scope, Subject: r.Subject, Metric: r.Metric, Credits: r.Credits, Rate: r.Rate, Mode: r.Mode, FailMode: r.FailMode}
}

// Limits returns every cap and bucket, by scope, subject and metric.
func (s *Store) Limits(ctx context.Context, org alfred.OrgID) ([]alfred.Limit, error) {
	rows, err := s.q(ctx).Limits(ctx, org)
	return each(rows, limit), failed(err, "list limits")
}

// LimitsOf returns the caps and buckets of some subjects.
func (s *Store) LimitsOf(ctx context.Context, org alfred.OrgID, scope alfred.Scope, subjects []string) ([]alfred.Limit, error) {
	rows, err := s.q(ctx).LimitsOf(ctx, org, scope, subjects)
	return each(rows, limit), failed(err, "list limits of a %s", scope)
}

// PutLimit sets the one limit of a subject and metric.
func (s *Store) PutLimit(ctx context.Context, org alfred.OrgID, l alfred.Limit) error {
	return failed(s.q(ctx).PutLimit(ctx, db.PutLimitParams{
		OrgID: org, Scope: l.Scope, Subject: l.Subject, Metric: l.Metric, Credits: l.Credits, Rate: l.Rate, Mode: l.Mode, FailMode: l.FailMode,
	}), "put %s of %s %s", l.Metric, l.Scope, l.Subject)
}

// DeleteLimit takes a limit away; one that is not set is CodeNotFound.
func (s *Store) DeleteLimit(ctx context.Context, org alfred.OrgID, scope alfred.Scope, subject string, metric alfred.Metric) error {
	rows, err := s.q(ctx).DeleteLimit(ctx, org, scope, subject, metric)
	return changed(rows, err, string(metric)+" of "+string(scope), subject)
}
