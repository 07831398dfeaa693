package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

const deliveryColumns = ` id, org_id, channel_id, about, text, state, attempts, detail, next_at, created_at, ended_at `

func scanDelivery(r pgx.CollectableRow) (d alfred.Delivery, err error) {
	var next, ended *time.Time
	err = r.Scan(&d.ID, &d.Org, &d.Channel, &d.About, &d.Text, &d.State, &d.Attempts, &d.Detail, &next, &d.CreatedAt, &ended)
	d.NextAt, d.EndedAt = moment(next), moment(ended)
	return d, err
}

// AddDeliveries writes messages down, in the transaction of what they tell of.
func (s *Store) AddDeliveries(ctx context.Context, all ...alfred.Delivery) error {
	for _, d := range all {
		_, err := s.conn(ctx).Exec(ctx, `INSERT INTO deliveries (`+deliveryColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			d.ID, d.Org, d.Channel, d.About, clean(d.Text), d.State, d.Attempts, clean(d.Detail), instant(d.NextAt), d.CreatedAt, instant(d.EndedAt))
		if err != nil {
			return failed(err, "write delivery %s", d.ID)
		}
	}
	return nil
}

// ClaimDelivery takes the message that has waited longest, counts the attempt,
// and keeps it from others until the lease ends. Without one that is due it is
// CodeNotFound.
func (s *Store) ClaimDelivery(ctx context.Context, now, lease time.Time) (alfred.Delivery, error) {
	rows, err := s.conn(ctx).Query(ctx, `UPDATE deliveries SET attempts = attempts + 1, next_at = $2 WHERE (org_id, id) = (
		SELECT org_id, id FROM deliveries WHERE state = 'pending' AND next_at <= $1 ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING`+deliveryColumns, now, lease)
	if err != nil {
		return alfred.Delivery{}, failed(err, "claim a delivery")
	}
	d, err := pgx.CollectExactlyOneRow(rows, scanDelivery)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, alfred.Errorf(alfred.CodeNotFound, "nothing is to be delivered")
	}
	return d, failed(err, "claim a delivery")
}

// PutDelivery stores how a message stands after an attempt, or that it is to
// be sent again. One that is gone with its channel is CodeNotFound.
func (s *Store) PutDelivery(ctx context.Context, d alfred.Delivery) error {
	tag, err := s.conn(ctx).Exec(ctx, `UPDATE deliveries SET state = $3, attempts = $4, detail = $5, next_at = $6, ended_at = $7 WHERE org_id = $1 AND id = $2`,
		d.Org, d.ID, d.State, d.Attempts, clean(d.Detail), instant(d.NextAt), instant(d.EndedAt))
	return changed(tag.RowsAffected(), err, "delivery", d.ID)
}

// DelayDeliveries lets what waits for a channel wait until a time, at least.
func (s *Store) DelayDeliveries(ctx context.Context, org alfred.OrgID, channel string, until time.Time) error {
	_, err := s.conn(ctx).Exec(ctx, `UPDATE deliveries SET next_at = $3 WHERE org_id = $1 AND channel_id = $2 AND state = 'pending' AND next_at < $3`, org, channel, until)
	return failed(err, "delay what waits for channel %s", channel)
}

// HurryDeliveries lets what waits behind another message for a channel be due
// now. What was tried itself may be on its way, and stays.
func (s *Store) HurryDeliveries(ctx context.Context, org alfred.OrgID, channel string, now time.Time) error {
	_, err := s.conn(ctx).Exec(ctx, `UPDATE deliveries SET next_at = $3 WHERE org_id = $1 AND channel_id = $2 AND state = 'pending' AND attempts = 0 AND next_at > $3`, org, channel, now)
	return failed(err, "hurry what waits for channel %s", channel)
}

// GiveUpDeliveries gives up what waits for a channel and was written by a time.
func (s *Store) GiveUpDeliveries(ctx context.Context, org alfred.OrgID, channel string, by time.Time, detail string, now time.Time) error {
	_, err := s.conn(ctx).Exec(ctx, `UPDATE deliveries SET state = 'failed', detail = $4, next_at = NULL, ended_at = $5
		WHERE org_id = $1 AND channel_id = $2 AND state = 'pending' AND created_at <= $3`, org, channel, by, clean(detail), now)
	return failed(err, "give up what waits for channel %s", channel)
}

// Delivery returns one message.
func (s *Store) Delivery(ctx context.Context, org alfred.OrgID, id string) (alfred.Delivery, error) {
	rows, err := s.conn(ctx).Query(ctx, `SELECT`+deliveryColumns+`FROM deliveries WHERE org_id = $1 AND id = $2`, org, id)
	if err != nil {
		return alfred.Delivery{}, failed(err, "read delivery %s", id)
	}
	d, err := pgx.CollectExactlyOneRow(rows, scanDelivery)
	return d, found(err, "delivery", id)
}

// Deliveries returns messages, newest first, from before an id: of a channel,
// or of all.
func (s *Store) Deliveries(ctx context.Context, org alfred.OrgID, channel, before string, limit int) ([]alfred.Delivery, error) {
	rows, err := s.conn(ctx).Query(ctx, `SELECT`+deliveryColumns+`FROM deliveries
		WHERE org_id = $1 AND ($2 = '' OR channel_id = $2) AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4`, org, channel, before, most(limit))
	if err != nil {
		return nil, failed(err, "list deliveries")
	}
	all, err := pgx.CollectRows(rows, scanDelivery)
	return all, failed(err, "list deliveries")
}

// LastDeliveries returns the newest message of each of some channels that was
// delivered or given up; of tests that were given up only with tests.
func (s *Store) LastDeliveries(ctx context.Context, org alfred.OrgID, channels []string, tests bool) (map[string]alfred.Delivery, error) {
	rows, err := s.conn(ctx).Query(ctx, `SELECT d.* FROM unnest($2::text[]) AS c, LATERAL (SELECT`+deliveryColumns+`FROM deliveries
		WHERE org_id = $1 AND channel_id = c AND (state = 'delivered' OR state = 'failed' AND ($3 OR about <> 'test')) ORDER BY id DESC LIMIT 1) d`, org, channels, tests)
	if err != nil {
		return nil, failed(err, "read the last deliveries")
	}
	all, err := pgx.CollectRows(rows, scanDelivery)
	out := make(map[string]alfred.Delivery, len(all))
	for _, d := range all {
		out[d.Channel] = d
	}
	return out, failed(err, "read the last deliveries")
}

// ForgetDeliveries deletes messages that ended before a time, and which
// thresholds were told of in windows that ended before it.
func (s *Store) ForgetDeliveries(ctx context.Context, before time.Time) error {
	for _, statement := range []string{`DELETE FROM deliveries WHERE ended_at < $1`, `DELETE FROM alert_levels WHERE window_end < $1`} {
		if _, err := s.conn(ctx).Exec(ctx, statement, before); err != nil {
			return failed(err, "forget old deliveries")
		}
	}
	return nil
}
