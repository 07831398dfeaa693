package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

// Views returns a person's saved views, of one page or of all, by name.
func (s *Store) Views(ctx context.Context, org alfred.OrgID, u alfred.UserID, page string) ([]alfred.View, error) {
	rows, err := s.conn(ctx).Query(ctx, `SELECT id, page, name, query, updated_at FROM saved_views
		WHERE org_id = $1 AND user_id = $2 AND ($3 = '' OR page = $3) ORDER BY name, id`, org, u, page)
	if err != nil {
		return nil, failed(err, "list views")
	}
	views, err := pgx.CollectRows(rows, pgx.RowToStructByPos[alfred.View])
	return views, failed(err, "list views")
}

// maxViews bounds what one person keeps.
const maxViews = 200

// PutView saves a view in place of one with its id.
func (s *Store) PutView(ctx context.Context, org alfred.OrgID, u alfred.UserID, v alfred.View) error {
	tag, err := s.conn(ctx).Exec(ctx, `INSERT INTO saved_views (org_id, user_id, id, page, name, query, updated_at)
		SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM saved_views WHERE org_id = $1 AND user_id = $2 AND id <> $3) < $8
		ON CONFLICT (org_id, user_id, id) DO UPDATE SET page = EXCLUDED.page, name = EXCLUDED.name, query = EXCLUDED.query, updated_at = EXCLUDED.updated_at`,
		org, u, v.ID, clean(v.Page), clean(v.Name), clean(v.Query), v.UpdatedAt, maxViews)
	if err == nil && tag.RowsAffected() == 0 {
		return alfred.Errorf(alfred.CodeConflict, "there are %d views already: delete one first", maxViews)
	}
	return failed(err, "save view %s", v.ID)
}

// DeleteView deletes a view; one that is not there is CodeNotFound.
func (s *Store) DeleteView(ctx context.Context, org alfred.OrgID, u alfred.UserID, id string) error {
	tag, err := s.conn(ctx).Exec(ctx, `DELETE FROM saved_views WHERE org_id = $1 AND user_id = $2 AND id = $3`, org, u, id)
	return changed(tag.RowsAffected(), err, "view", id)
}

// Dismissed says whether the first steps were put away.
func (s *Store) Dismissed(ctx context.Context, org alfred.OrgID) (bool, error) {
	var dismissed bool
	err := s.conn(ctx).QueryRow(ctx, `SELECT EXISTS (SELECT FROM onboarding WHERE org_id = $1 AND dismissed_at IS NOT NULL)`, org).Scan(&dismissed)
	return dismissed, failed(err, "read the first steps")
}

// Dismiss puts the first steps away; the zero time brings them back.
func (s *Store) Dismiss(ctx context.Context, org alfred.OrgID, at time.Time) error {
	_, err := s.conn(ctx).Exec(ctx, `INSERT INTO onboarding (org_id, dismissed_at) VALUES ($1, $2)
		ON CONFLICT (org_id) DO UPDATE SET dismissed_at = EXCLUDED.dismissed_at`, org, instant(at))
	return failed(err, "put the first steps away")
}

// RateCards returns every version of the prices, newest first.
func (s *Store) RateCards(ctx context.Context, org alfred.OrgID) ([]alfred.RateCard, error) {
	rows, err := s.conn(ctx).Query(ctx, `SELECT version, effective_from, rates FROM rate_card_versions WHERE org_id = $1 ORDER BY version DESC`, org)
	if err != nil {
		return nil, failed(err, "list the prices")
	}
	cards, err := pgx.CollectRows(rows, pgx.RowToStructByPos[alfred.RateCard])
	return cards, failed(err, "list the prices")
}

// ExpireKey lets a key end at a time, at the latest.
func (s *Store) ExpireKey(ctx context.Context, org alfred.OrgID, id alfred.KeyID, at time.Time) error {
	tag, err := s.conn(ctx).Exec(ctx, `UPDATE api_keys SET expires_at = least(expires_at, $3) WHERE org_id = $1 AND id = $2`, org, id, at)
	return changed(tag.RowsAffected(), err, "key", id)
}
