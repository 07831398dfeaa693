package postgres

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

// mayHave is the condition that somebody is of some teams, or of any.
const mayHave = `(@teams::text[] IS NULL OR u.id IN (SELECT m.user_id FROM team_members m WHERE m.org_id = @org AND m.team_id = ANY (@teams::text[])))`

// beginsWith finds people by the indices of what begins with a text. Rows of
// both parts are in the order that they have among all hits.
const beginsWith = `SELECT 'user', u.id, u.name, u.email, '', u.status FROM users u
 WHERE u.org_id = @org AND u.deleted_at IS NULL AND u.kind = 'person' AND ` + mayHave + `
 AND (u.email_key COLLATE "C" >= @q AND u.email_key COLLATE "C" < @behind OR lower(u.name) COLLATE "C" >= @q AND lower(u.name) COLLATE "C" < @behind)
 AND (starts_with(u.email_key, @q) OR starts_with(lower(u.name), @q))
 ORDER BY lower(u.name), u.id LIMIT @most`

const hasSomewhere = `SELECT 'user', u.id, u.name, u.email, '', u.status FROM users u
 WHERE u.org_id = @org AND u.deleted_at IS NULL AND u.kind = 'person' AND (u.email_key LIKE @anywhere OR lower(u.name) LIKE @anywhere) AND ` + mayHave + `
 ORDER BY (starts_with(u.email_key, @q) OR starts_with(lower(u.name), @q)) DESC, lower(u.name), u.id LIMIT @most`

const otherHits = `
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
 ORDER BY starts_with(lower(p.name), @q) DESC, lower(p.name), p.id LIMIT @most)`

const keyHits = `SELECT 'key', k.id, k.prefix || '…' || k.last4, coalesce(nullif(u.email, ''), u.name), u.id, k.status FROM api_keys k JOIN users u ON u.org_id = k.org_id AND u.id = k.user_id
 WHERE k.org_id = @org AND k.prefix COLLATE "C" >= @key AND k.prefix COLLATE "C" < @key_behind AND u.deleted_at IS NULL AND ` + mayHave + `
 ORDER BY k.status, k.created_at DESC LIMIT @most`

// leastKey is how much of a key has to be written to look for it, and
// keyPrefix how much of one is known.
const leastKey, keyPrefix = 5, 7

// Search finds what has a text in its name or address, or a key that begins
// with it: of each kind at most some, those that begin with it first. teams
// narrows to what is of these teams; nil does not, and it leaves out
// departments and projects.
//
// Everyone is looked at only where fewer begin with the text than are shown.
func (s *Store) Search(ctx context.Context, org alfred.OrgID, text string, teams []alfred.TeamID, most int) ([]alfred.Hit, error) {
	q, exact := alfred.NormalEmail(clean(text)), []rune(clean(text))
	args := pgx.NamedArgs{"org": org, "q": q, "behind": behindAll(q), "anywhere": anywhere(q), "teams": texts(teams), "most": most}
	hits, err := s.hits(ctx, beginsWith, args)
	if err == nil && len(hits) < most {
		hits, err = s.hits(ctx, hasSomewhere, args)
	}
	if err != nil {
		return nil, failed(err, "search people")
	}
	others, err := s.hits(ctx, otherHits, args)
	if err != nil {
		return nil, failed(err, "search")
	}
	hits = append(hits, others...)
	if len(exact) < leastKey {
		return hits, nil
	}
	key := string(exact[:min(len(exact), keyPrefix)])
	args["key"], args["key_behind"] = key, behindAll(key)
	keys, err := s.hits(ctx, keyHits, args)
	return append(hits, keys...), failed(err, "search keys")
}

func (s *Store) hits(ctx context.Context, statement string, args pgx.NamedArgs) ([]alfred.Hit, error) {
	found, err := s.conn(ctx).Query(ctx, statement, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(r pgx.CollectableRow) (h alfred.Hit, err error) {
		return h, r.Scan(&h.Kind, &h.ID, &h.Title, &h.Detail, &h.User, &h.Status)
	})
}

// behindAll comes after everything that begins with a text, byte by byte.
func behindAll(text string) string { return text + string(utf8.MaxRune) }

// anywhere is the pattern of what has a text somewhere.
func anywhere(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(clean(text)) + "%"
}
