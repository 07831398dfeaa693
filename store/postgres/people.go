package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

// orders are what the directory can be sorted by: an expression over the
// tables that directoryPlan joins, and its type.
var orders = map[alfred.DirectorySort]struct{ expression, kind string }{
	alfred.SortCreated:     {"u.created_at", "timestamptz"},
	alfred.SortName:        {"lower(u.name)", "text"},
	alfred.SortEmail:       {"u.email_key", "text"},
	alfred.SortUsed:        {"coalesce(c.settled, 0)", "bigint"},
	alfred.SortUsedPercent: {usedPart, "numeric"},
	alfred.SortQuota:       {quotaNow, "bigint"},
	alfred.SortLastSeen:    {"s.seen_at", "timestamptz"},
}

const (
	// quotaNow is the quota that counts: the person's, else the primary team's,
	// else the organisation's, with what was given and taken.
	quotaNow = "greatest(coalesce(u.quota, d.default_quota, @default_quota::bigint) + coalesce(a.amount, 0), 0)::bigint"
	usedPart = "(coalesce(c.settled, 0)::numeric * 100 / nullif(" + quotaNow + ", 0))"
)

// Directory returns a page of people in an order, and how many match in all.
// Only the figures that the order and the filters need are read of everyone.
func (s *Store) Directory(ctx context.Context, org alfred.OrgID, q alfred.DirectoryQuery) (rows []alfred.DirectoryRow, total int, err error) {
	if q.Sort == "" {
		q.Sort = alfred.SortCreated
	}
	by, known := orders[q.Sort]
	if !known {
		return nil, 0, alfred.Invalid("sort", "%q is not an order", q.Sort)
	}
	from, where, args := directoryPlan(org, q, by.expression)
	if err := s.conn(ctx).QueryRow(ctx, "SELECT count(*) FROM "+from+" WHERE "+where, args).Scan(&total); err != nil {
		return nil, 0, failed(err, "count people")
	}
	if w, ok := s.walkFor(q, total); ok {
		if rows, err = s.walkDirectory(ctx, w, q, where, args); err != nil {
			return nil, 0, failed(err, "list people")
		}
		return rows, total, s.fillRows(ctx, org, q.Window, rows)
	}
	after, err := afterRow(q, by.expression, by.kind, args)
	if err != nil {
		return nil, 0, err
	}
	direction := "ASC"
	if q.Descending {
		direction = "DESC"
	}
	args["max"] = most(q.Limit)
	statement := fmt.Sprintf("SELECT u.id, (%[1]s)::text FROM %[2]s WHERE %[3]s%[4]s ORDER BY %[1]s %[5]s NULLS LAST, u.id LIMIT @max", by.expression, from, where, after, direction)
	found, err := s.conn(ctx).Query(ctx, statement, args)
	if err != nil {
		return nil, 0, failed(err, "list people")
	}
	rows, err = pgx.CollectRows(found, scanDirectory)
	if err != nil {
		return nil, 0, failed(err, "list people")
	}
	return rows, total, s.fillRows(ctx, org, q.Window, rows)
}

// scanDirectory reads a person and the value that the page is ordered by.
func scanDirectory(r pgx.CollectableRow) (row alfred.DirectoryRow, err error) {
	var value *string
	if err := r.Scan(&row.User, &value); err != nil {
		return row, err
	}
	row.Cursor = string(row.User)
	if value != nil {
		row.Cursor += " " + *value
	}
	return row, nil
}

// cursorOf takes the cursor of a page apart.
func cursorOf(cursor string) (id, value string, valued bool, err error) {
	if cursor == "" {
		return "", "", false, nil
	}
	id, value, valued = strings.Cut(cursor, " ")
	if !alfred.ValidID("usr", id) || valued && value == "" {
		return "", "", false, alfred.Invalid("cursor", "expected the cursor of a page of people")
	}
	return id, value, valued, nil
}

// afterRow is the condition of what comes after a page: after an id, and the
// value that the page is ordered by, if its last row has one.
func afterRow(q alfred.DirectoryQuery, expression, kind string, args pgx.NamedArgs) (string, error) {
	if q.After == "" {
		return "", nil
	}
	id, value, valued, err := cursorOf(q.After)
	if err != nil {
		return "", err
	}
	args["after_id"] = id
	if !valued {
		return fmt.Sprintf(" AND %s IS NULL AND u.id > @after_id", expression), nil
	}
	args["after_value"] = value
	past := ">"
	if q.Descending {
		past = "<"
	}
	// The value goes as text, so that every kind comes back as it was.
	return fmt.Sprintf(" AND (%[1]s %[2]s @after_value::text::%[3]s OR (%[1]s = @after_value::text::%[3]s AND u.id > @after_id) OR %[1]s IS NULL)", expression, past, kind), nil
}

// directoryPlan is what has to be joined for some expressions, and who
// matches.
func directoryPlan(org alfred.OrgID, q alfred.DirectoryQuery, order string) (from, where string, args pgx.NamedArgs) {
	args = pgx.NamedArgs{"org": org, "default_quota": int64(q.DefaultQuota)}
	conditions := []string{"u.org_id = @org AND u.deleted_at IS NULL"}
	narrow := func(condition, name string, value any) {
		conditions = append(conditions, condition)
		args[name] = value
	}
	if q.Query != "" {
		narrow("(u.email_key LIKE @query_email::text OR lower(u.name) LIKE lower(@query::text))", "query", anywhere(q.Query))
		args["query_email"] = anywhere(alfred.NormalEmail(clean(q.Query)))
	}
	if len(q.Statuses) > 0 {
		narrow("u.status = ANY (@statuses::text[])", "statuses", texts(q.Statuses))
	}
	if q.Team != "" {
		narrow("EXISTS (SELECT FROM team_members m WHERE m.org_id = @org AND m.team_id = @team AND m.user_id = u.id)", "team", q.Team)
	}
	if q.Department != "" {
		narrow("u.department_id = @department", "department", q.Department)
	}
	if q.Kind != "" {
		narrow("u.kind = @kind", "kind", q.Kind)
	}
	if q.Access != "" {
		narrow("u.access_role = @access", "access", q.Access)
	}
	if q.IDs != nil {
		narrow("u.id = ANY (@ids::text[])", "ids", texts(q.IDs))
	}
	if q.UsedOver != nil {
		narrow(usedPart+" > @used_over::float8::numeric", "used_over", *q.UsedOver)
	}
	if !q.SeenBefore.IsZero() {
		narrow("(s.seen_at IS NULL OR s.seen_at < @seen_before)", "seen_before", q.SeenBefore)
	}
	where = strings.Join(conditions, " AND ")
	needs := func(alias string) bool { return strings.Contains(order, alias) || strings.Contains(where, alias) }
	from = "users u"
	if needs("c.settled") {
		args["window_start"] = q.Window.Start
		from += " LEFT JOIN counter_usage c ON c.org_id = @org AND c.kind = 'personal' AND c.window_start = @window_start AND c.subject = u.id"
	}
	if needs("s.seen_at") {
		from += " LEFT JOIN user_seen s ON s.org_id = @org AND s.user_id = u.id"
	}
	if needs("d.default_quota") {
		// Few teams set a default, and only that of the team joined first counts.
		args["now"] = q.Now
		from += ` LEFT JOIN (SELECT m.user_id, t.default_quota FROM teams t JOIN team_members m ON m.org_id = t.org_id AND m.team_id = t.id
			WHERE t.org_id = @org AND t.default_quota IS NOT NULL AND NOT EXISTS (SELECT FROM team_members e WHERE e.org_id = @org AND e.user_id = m.user_id
				AND (e.joined_at, e.team_id) < (m.joined_at, m.team_id))) d ON d.user_id = u.id
			LEFT JOIN (SELECT subject, sum(amount) AS amount FROM adjustments WHERE org_id = @org AND budget = 'personal' AND effective_at <= @now
				AND (expires_at IS NULL OR expires_at > @now) GROUP BY subject) a ON a.subject = u.id`
	}
	return from, where, args
}

// fillRows reads the figures of the people on a page.
func (s *Store) fillRows(ctx context.Context, org alfred.OrgID, window alfred.Window, rows []alfred.DirectoryRow) error {
	at := make(map[alfred.UserID]*alfred.DirectoryRow, len(rows))
	ids := make([]string, len(rows))
	for i := range rows {
		at[rows[i].User], ids[i] = &rows[i], string(rows[i].User)
	}
	found, err := s.conn(ctx).Query(ctx, `SELECT u.id, coalesce(c.settled, 0), s.seen_at
		FROM unnest($2::text[]) AS u (id) LEFT JOIN user_seen s ON s.org_id = $1 AND s.user_id = u.id LEFT JOIN counter_usage c ON c.org_id = $1 AND c.kind = 'personal' AND c.subject = u.id AND c.window_start = $3`,
		org, ids, window.Start)
	if err != nil {
		return failed(err, "read figures of people")
	}
	var id alfred.UserID
	var used int64
	var seen *time.Time
	_, err = pgx.ForEachRow(found, []any{&id, &used, &seen}, func() error {
		at[id].Used, at[id].LastSeen = alfred.Credits(used), moment(seen)
		return nil
	})
	return failed(err, "read figures of people")
}
