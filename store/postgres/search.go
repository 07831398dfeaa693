package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

// Search finds what has a text in its name or address, or a key that begins
// with it: of each kind at most some, those that begin with it first. teams
// narrows to what is of these teams; nil does not, and it leaves out
// departments and projects.
func (s *Store) Search(ctx context.Context, org alfred.OrgID, text string, teams []alfred.TeamID, most int) ([]alfred.Hit, error) {
	const members = `(@teams::text[] IS NULL OR u.id IN (SELECT m.user_id FROM team_members m WHERE m.org_id = @org AND m.team_id = ANY (@teams::text[])))`
	found, err := s.conn(ctx).Query(ctx, `
(SELECT 'user', u.id, u.name, u.email, '', u.status FROM users u
 WHERE u.org_id = @org AND u.deleted_at IS NULL AND u.kind = 'person' AND (strpos(u.email_key, @q) > 0 OR strpos(lower(u.name), @q) > 0) AND `+members+`
 ORDER BY (starts_with(u.email_key, @q) OR starts_with(lower(u.name), @q)) DESC, lower(u.name), u.id LIMIT @most)
UNION ALL
(SELECT 'team', t.id, t.name, t.description, '', '' FROM teams t
 WHERE t.org_id = @org AND strpos(lower(t.name), @q) > 0 AND (@teams::text[] IS NULL OR t.id = ANY (@teams::text[]))
 ORDER BY starts_with(lower(t.name), @q) DESC, lower(t.name), t.id LIMIT @most)
UNION ALL
(SELECT 'department', d.id, d.name, d.cost_center, '', '' FROM departments d
 WHERE d.org_id = @org AND strpos(lower(d.name), @q) > 0 AND @teams::text[] IS NULL
 ORDER BY starts_with(lower(d.name), @q) DESC, lower(d.name), d.id LIMIT @most)
UNION ALL
(SELECT 'project', p.id, p.name, p.code, '', CASE WHEN p.active THEN 'active' ELSE 'inactive' END FROM projects p
 WHERE p.org_id = @org AND (strpos(lower(p.name), @q) > 0 OR strpos(lower(p.code), @q) > 0) AND @teams::text[] IS NULL
 ORDER BY starts_with(lower(p.name), @q) DESC, lower(p.name), p.id LIMIT @most)
UNION ALL
(SELECT 'key', k.id, k.prefix || '…' || k.last4, coalesce(nullif(u.email, ''), u.name), u.id, k.status FROM api_keys k JOIN users u ON u.org_id = k.org_id AND u.id = k.user_id
 WHERE k.org_id = @org AND length(@exact) >= 5 AND starts_with(k.prefix, left(@exact, 7)) AND u.deleted_at IS NULL AND `+members+`
 ORDER BY k.status, k.created_at DESC LIMIT @most)`,
		pgx.NamedArgs{"org": org, "q": alfred.NormalEmail(clean(text)), "exact": clean(text), "teams": texts(teams), "most": most})
	if err != nil {
		return nil, failed(err, "search")
	}
	hits, err := pgx.CollectRows(found, func(r pgx.CollectableRow) (h alfred.Hit, err error) {
		return h, r.Scan(&h.Kind, &h.ID, &h.Title, &h.Detail, &h.User, &h.Status)
	})
	return hits, failed(err, "search")
}
