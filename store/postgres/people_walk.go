package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

// manyPeople is from how many matches on a page is read in the order of an
// index, which passes those that do not match. Fewer are put in order.
const manyPeople = 2000

// A walk reads people in the order of a figure from the table that has the
// figure and an index on it, and those who have none from users.
type walk struct {
	from  string // the table of the figure, joined to users u
	value string // the figure
	kind  string // its type
	none  string // true of people without the figure
	zero  string // what they count as; "" sorts them last, either way
}

var walks = map[alfred.DirectorySort]walk{
	alfred.SortUsed: {
		from:  "counter_usage c JOIN users u ON u.org_id = c.org_id AND u.id = c.subject AND c.org_id = @org AND c.kind = 'personal' AND c.window_start = @window_start",
		value: "c.settled", kind: "bigint", zero: "0",
		none: "NOT EXISTS (SELECT FROM counter_usage c WHERE c.org_id = @org AND c.kind = 'personal' AND c.window_start = @window_start AND c.subject = u.id AND c.settled <> 0)",
	},
	alfred.SortLastSeen: {
		from:  "user_seen s JOIN users u ON u.org_id = s.org_id AND u.id = s.user_id AND s.org_id = @org",
		value: "s.seen_at", kind: "timestamptz",
		none: "NOT EXISTS (SELECT FROM user_seen s WHERE s.org_id = @org AND s.user_id = u.id)",
	},
}

// walkFor is how a query is read in order, if it can be.
func (s *Store) walkFor(q alfred.DirectoryQuery, total int) (walk, bool) {
	w, ok := walks[q.Sort]
	return w, ok && total >= s.many && q.UsedOver == nil && q.SeenBefore.IsZero()
}

// walkDirectory returns what the page of the ordinary statement would be. The
// page is filled from one part after the other: who is above nothing, who has
// nothing, and who is below.
func (s *Store) walkDirectory(ctx context.Context, w walk, q alfred.DirectoryQuery, where string, args pgx.NamedArgs) ([]alfred.DirectoryRow, error) {
	parts, err := w.parts(q, args)
	if err != nil {
		return nil, err
	}
	args["window_start"] = q.Window.Start
	var rows []alfred.DirectoryRow
	for _, p := range parts {
		limit := ""
		if q.Limit > 0 {
			if len(rows) >= q.Limit {
				break
			}
			limit = fmt.Sprintf(" LIMIT %d", q.Limit-len(rows))
		}
		found, err := s.conn(ctx).Query(ctx, "SELECT u.id, "+p.value+" FROM "+p.from+" WHERE "+where+p.where+" ORDER BY "+p.order+limit, args)
		if err != nil {
			return nil, err
		}
		more, err := pgx.CollectRows(found, scanDirectory)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// walkPart is a stretch of the order that is read by one statement.
type walkPart struct{ value, from, where, order string }

// parts are what comes after the cursor, in order.
func (w walk) parts(q alfred.DirectoryQuery, args pgx.NamedArgs) ([]walkPart, error) {
	with := walkPart{value: "(" + w.value + ")::text", from: w.from, order: w.value + " ASC, u.id"}
	past := ">"
	if q.Descending {
		past, with.order = "<", w.value+" DESC, u.id"
	}
	none := walkPart{value: "NULL::text", from: "users u", where: " AND " + w.none, order: "u.id"}
	if w.zero != "" {
		none.value = "'" + w.zero + "'::text"
	}
	id, value, valued, err := cursorOf(q.After)
	if err != nil {
		return nil, err
	}
	if q.After != "" {
		args["after_id"] = id
	}
	after := with
	if valued {
		args["after_value"] = value
		after.where = fmt.Sprintf(" AND %[1]s %[2]s= @after_value::text::%[3]s AND (%[1]s %[2]s @after_value::text::%[3]s OR u.id > @after_id)", w.value, past, w.kind)
	}
	behind := none
	behind.where += " AND u.id > @after_id"
	if w.zero == "" {
		if q.After != "" && !valued {
			return []walkPart{behind}, nil
		}
		return []walkPart{after, none}, nil
	}
	// Where nothing is a value, it stands between those above and below.
	side := func(p walkPart, sign string) walkPart {
		p.where += " AND " + w.value + " " + sign + " " + w.zero
		return p
	}
	first, last := "<", ">"
	if q.Descending {
		first, last = ">", "<"
	}
	switch {
	case !valued:
		return []walkPart{side(with, first), none, side(with, last)}, nil
	case value == w.zero:
		return []walkPart{behind, side(with, last)}, nil
	case (value[0] == '-') == q.Descending:
		return []walkPart{side(after, last)}, nil
	default:
		return []walkPart{side(after, first), none, side(with, last)}, nil
	}
}
