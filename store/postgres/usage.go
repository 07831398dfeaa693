package postgres

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// events reads rows of usage_events.
func events(rows []db.UsageEvent) ([]alfred.UsageEvent, error) {
	out := make([]alfred.UsageEvent, len(rows))
	for i, r := range rows {
		out[i] = event(r)
		if err := readPaid(&out[i], r.Charges, r.Legs); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// event is a row without what readPaid reads.
func event(r db.UsageEvent) alfred.UsageEvent {
	return alfred.UsageEvent{
		Kind: r.Kind, Org: r.OrgID, Reservation: r.ReservationID, Request: r.RequestID, Decision: r.DecisionID, At: r.At,
		User: r.UserID, Key: r.KeyID, Team: r.TeamID, Department: r.DepartmentID, Project: r.ProjectID, Model: r.Model, Provider: r.Provider,
		Priority: r.Priority, Private: r.Private, Stream: r.Stream, Usage: alfred.Usage{
			Input: r.Input, CachedInput: r.CachedInput, CacheWrite: r.CacheWrite, Output: r.Output, Reasoning: r.Reasoning,
		},
		Estimated: r.Estimated, Overrun: r.Overrun, Late: r.Late, Degraded: r.Degraded, Held: r.Held, Cost: r.Cost,
		CardVersion: r.CardVersion, InputBound: r.InputBound, OutputLimit: r.OutputLimit,
		Shrunk: r.Shrunk, Status: int(r.Status), Outcome: r.Outcome, Shadow: filled(r.Shadow), Millis: r.Millis,
		DecidedMillis: r.DecidedMillis, FirstByteMillis: r.FirstByteMillis,
	}
}

// filled is nil for an empty slice, as the domain writes none.
func filled[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

// place is where a page of events ends.
type place struct {
	at                time.Time
	reservation, kind string
}

func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.at.UnixMicro(), 10) + " " + p.kind + " " + p.reservation))
}

func parsePlace(cursor string) (place, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	parts := strings.SplitN(string(raw), " ", 3)
	if err != nil || len(parts) != 3 {
		return place{}, alfred.Invalid("cursor", "expected the cursor of a page of usage")
	}
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return place{}, alfred.Invalid("cursor", "expected the cursor of a page of usage")
	}
	return place{time.UnixMicro(micros).UTC(), clean(parts[2]), clean(parts[1])}, nil
}

// UsageTotals returns what was used from f.From up to f.Until, by model. Whole
// hours come from the roll-up and the rest from the events, so it is exact
// for every window.
func (s *Store) UsageTotals(ctx context.Context, org alfred.OrgID, f alfred.UsageFilter) ([]alfred.UsageTotal, error) {
	if !f.From.IsZero() && !f.Until.IsZero() && !f.From.Before(f.Until) {
		return nil, nil
	}
	q := db.UsageTotalsParams{OrgID: org, UserID: string(f.User)}
	if !f.From.IsZero() {
		first := f.From.UTC().Truncate(time.Hour)
		if first.Before(f.From) {
			first = first.Add(time.Hour)
			q.Since = &f.From
		}
		q.FirstHour = &first
	}
	if !f.Until.IsZero() {
		end := f.Until.UTC().Truncate(time.Hour)
		if end.Before(f.Until) {
			q.Until = &f.Until
		}
		q.EndHour = &end
	}
	rows, err := s.q(ctx).UsageTotals(ctx, q)
	return each(rows, func(r db.UsageTotalsRow) alfred.UsageTotal {
		return alfred.UsageTotal{
			Model: r.Model, Requests: r.Requests, Cost: alfred.Credits(r.Cost), Usage: alfred.Usage{
				Input: r.Input, CachedInput: r.CachedInput, CacheWrite: r.CacheWrite, Output: r.Output, Reasoning: r.Reasoning,
			},
		}
	}), failed(err, "sum usage")
}

// CounterUsage returns what the recorded events have put on a counter.
func (s *Store) CounterUsage(ctx context.Context, org alfred.OrgID, c alfred.Counter) (alfred.Credits, error) {
	n, err := s.q(ctx).CounterUsage(ctx, org, c.Kind, short(c.Subject), c.Window.Start)
	return alfred.Credits(n), failed(err, "read usage of %s %s", c.Kind, c.Subject)
}
