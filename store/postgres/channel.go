package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

const selectChannels = `SELECT id, org_id, kind, name, address, shown, from_percent, transfers, version, created_at, updated_at FROM channels WHERE org_id = $1 `

// Channels returns an organisation's channels, by name.
func (s *Store) Channels(ctx context.Context, org alfred.OrgID) ([]alfred.Channel, error) {
	rows, err := s.conn(ctx).Query(ctx, selectChannels+"ORDER BY lower(name), id", org)
	if err != nil {
		return nil, failed(err, "list channels")
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[alfred.Channel])
	return all, failed(err, "list channels")
}

// Channel returns one of them.
func (s *Store) Channel(ctx context.Context, org alfred.OrgID, id string) (alfred.Channel, error) {
	rows, err := s.conn(ctx).Query(ctx, selectChannels+"AND id = $2", org, id)
	if err != nil {
		return alfred.Channel{}, failed(err, "read channel %s", id)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[alfred.Channel])
	return c, found(err, "channel", id)
}

// PutChannel creates at version 0, and replaces at the version that was read.
// A name that another channel has is CodeConflict.
func (s *Store) PutChannel(ctx context.Context, c alfred.Channel) error {
	if c.Version == 0 {
		_, err := s.conn(ctx).Exec(ctx, `INSERT INTO channels (org_id, id, kind, name, address, shown, from_percent, transfers, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`, c.Org, c.ID, c.Kind, clean(c.Name), c.Address, clean(c.Shown), c.From, c.Transfers, c.CreatedAt)
		return failed(err, "create channel %s", c.ID)
	}
	tag, err := s.conn(ctx).Exec(ctx, `UPDATE channels SET name = $3, address = $4, shown = $5, from_percent = $6, transfers = $7, updated_at = $8, version = version + 1
		WHERE org_id = $1 AND id = $2 AND version = $9`, c.Org, c.ID, clean(c.Name), c.Address, clean(c.Shown), c.From, c.Transfers, c.UpdatedAt, c.Version)
	return replaced(tag.RowsAffected(), err, "channel", c.ID, func() error {
		_, err := s.Channel(ctx, c.Org, c.ID)
		return err
	})
}

// DeleteChannel takes a channel away, with what was on its way there; one that
// is not there is CodeNotFound.
func (s *Store) DeleteChannel(ctx context.Context, org alfred.OrgID, id string) error {
	tag, err := s.conn(ctx).Exec(ctx, `WITH gone AS (DELETE FROM deliveries WHERE org_id = $1 AND channel_id = $2)
		DELETE FROM channels WHERE org_id = $1 AND id = $2`, org, id)
	return changed(tag.RowsAffected(), err, "channel", id)
}
