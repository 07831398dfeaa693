package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

// blamed is what a provider answers for: a refusal of what the caller wrote
// is the caller's. Sums of usage do not know it, since what a provider refused
// is no use of a model.
const blamed = `(outcome = 'broken' OR outcome = 'upstream_error' AND (status NOT BETWEEN 400 AND 499 OR status IN (401, 403, 408, 429)))`

// ProviderUses returns how the providers did from a time on, by id. It reads
// every event of that time: ask for an hour or so.
func (s *Store) ProviderUses(ctx context.Context, org alfred.OrgID, from, until time.Time) ([]alfred.ProviderUse, error) {
	found, err := s.conn(ctx).Query(ctx, `
SELECT provider, count(*), count(*) FILTER (WHERE `+blamed+`),
    coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY millis) FILTER (WHERE outcome = 'completed'), 0)::bigint,
    max(at) FILTER (WHERE outcome = 'completed'), max(at) FILTER (WHERE `+blamed+`)
FROM usage_events
WHERE org_id = $1 AND at >= $2 AND at < $3 AND provider <> '' AND kind IN ('settle', 'void', 'expired') AND outcome <> 'allowance'
    AND occurred_on BETWEEN ($2::timestamptz AT TIME ZONE 'UTC')::date AND ($3::timestamptz AT TIME ZONE 'UTC')::date
GROUP BY provider ORDER BY provider COLLATE "C"`, org, from, until)
	if err != nil {
		return nil, failed(err, "read how the providers did")
	}
	uses, err := pgx.CollectRows(found, func(r pgx.CollectableRow) (u alfred.ProviderUse, err error) {
		var success, trouble *time.Time
		err = r.Scan(&u.Provider, &u.Requests, &u.Errors, &u.Median, &success, &trouble)
		u.LastSuccess, u.LastError = moment(success), moment(trouble)
		return u, err
	})
	return uses, failed(err, "read how the providers did")
}

// ModelUses returns when each model was last used in a stretch of time: the
// sums tell the hour, and the events of that hour the moment. Of an hour whose
// events are gone it is the beginning.
func (s *Store) ModelUses(ctx context.Context, org alfred.OrgID, from, until time.Time) ([]alfred.ModelUse, error) {
	found, err := s.conn(ctx).Query(ctx, `
SELECT h.model, h.provider, coalesce(e.at, h.hour) FROM (
    SELECT model, provider, max(at) AS hour FROM usage_rollups
    WHERE org_id = $1 AND grain = 'hour' AND dimension = 'organization' AND at >= $2 AND at < $3 AND requests > 0
    GROUP BY model, provider
) h LEFT JOIN LATERAL (
    SELECT at FROM usage_events
    WHERE org_id = $1 AND occurred_on = (h.hour AT TIME ZONE 'UTC')::date AND at >= h.hour AND at < h.hour + interval '1 hour'
        AND model = h.model AND provider = h.provider AND kind IN ('settle', 'expired')
    ORDER BY at DESC LIMIT 1
) e ON true
ORDER BY h.model COLLATE "C", h.provider COLLATE "C"`, org, from.UTC().Truncate(time.Hour), until)
	if err != nil {
		return nil, failed(err, "read when models were used")
	}
	uses, err := pgx.CollectRows(found, pgx.RowToStructByPos[alfred.ModelUse])
	return uses, failed(err, "read when models were used")
}
