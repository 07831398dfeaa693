package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// allEventColumns are those of usage_events in the order of [db.UsageEvent].
const allEventColumns = eventColumnsBefore + ", recorded_at" + eventColumnsAfter

// pageOfEvents reads the newest events that match, at most as many as asked
// for; 0 is all. It goes back in time, a few days first and then more of them,
// and stops when the page is full: a page of yesterday opens the tables of two
// or three days, however long the history is. Only those between the first and
// the last day are looked at; zero is open.
func (s *Store) pageOfEvents(ctx context.Context, w where, first, last time.Time, limit int) (rows []db.UsageEvent, err error) {
	days, err := s.daysOfEvents(ctx, first, last)
	if err != nil {
		return nil, err
	}
	for size := 3; len(days) > 0 && (limit == 0 || len(rows) < limit); size *= 5 {
		if limit == 0 {
			size = len(days)
		}
		stretch := days[:min(size, len(days))]
		days = days[len(stretch):]
		of := where{text: slices.Clone(w.text), args: slices.Clone(w.args)}
		of.add("occurred_on >= %s::date", stretch[len(stretch)-1])
		of.add("occurred_on <= %s::date", stretch[0])
		sql := "SELECT " + allEventColumns + " FROM usage_events WHERE " + of.String() + " ORDER BY at DESC, reservation_id DESC, kind DESC"
		if limit > 0 {
			sql += " LIMIT " + of.arg(limit-len(rows))
		}
		found, err := s.conn(ctx).Query(ctx, sql, of.args...)
		if err != nil {
			return nil, err
		}
		more, err := pgx.CollectRows(found, pgx.RowToStructByPos[db.UsageEvent])
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// daysOfEvents lists the days that have a table, newest first.
func (s *Store) daysOfEvents(ctx context.Context, first, last time.Time) ([]time.Time, error) {
	found, err := s.conn(ctx).Query(ctx, `SELECT day FROM (SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day FROM pg_inherits i
		JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'usage_events'::regclass) d
		WHERE ($1::date IS NULL OR day >= $1) AND ($2::date IS NULL OR day <= $2) ORDER BY day DESC`, instant(first), instant(last))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[time.Time])
}

// cut takes the row that was read beyond a page away, and says where the next
// page begins.
func cut(rows []db.UsageEvent, limit int) (page []db.UsageEvent, next string) {
	if limit <= 0 || len(rows) <= limit {
		return rows, ""
	}
	last := rows[limit-1]
	return rows[:limit], place{last.At, string(last.ReservationID), string(last.Kind)}.String()
}

// bounds are the days that a stretch of time lies on.
func bounds(from, until time.Time) (first, last time.Time) {
	if !from.IsZero() {
		first = day(from)
	}
	if !until.IsZero() {
		last = day(until)
	}
	return first, last
}

// behind narrows to what comes after a cursor, and returns the last day that
// it can lie on.
func behind(w *where, cursor string, last time.Time) (time.Time, error) {
	if cursor == "" {
		return last, nil
	}
	after, err := parsePlace(cursor)
	if err != nil {
		return last, err
	}
	w.text = append(w.text, "(at, reservation_id, kind) < ("+w.arg(after.at)+", "+w.arg(after.reservation)+", "+w.arg(after.kind)+")")
	if d := day(after.at); last.IsZero() || d.Before(last) {
		last = d
	}
	return last, nil
}

// Usage returns events without decisions, newest first, and the cursor of the
// next page, "" on the last one. An allowance is no request, so it is in no
// list of them.
func (s *Store) Usage(ctx context.Context, org alfred.OrgID, f alfred.UsageFilter) (page []alfred.UsageEvent, next string, err error) {
	w := where{text: []string{"outcome <> 'allowance'"}}
	w.add("org_id = %s", org)
	if f.User != "" {
		w.add("user_id = %s", f.User)
	}
	if !f.From.IsZero() {
		w.add("at >= %s", f.From)
	}
	if !f.Until.IsZero() {
		w.add("at < %s", f.Until)
	}
	first, last := bounds(f.From, f.Until)
	if last, err = behind(&w, f.After, last); err != nil {
		return nil, "", err
	}
	limit := 0
	if f.Limit > 0 {
		limit = f.Limit + 1 // one more tells whether there is another page
	}
	rows, err := s.pageOfEvents(ctx, w, first, last, limit)
	if err != nil {
		return nil, "", failed(err, "list usage")
	}
	rows, next = cut(rows, f.Limit)
	page, err = events(rows)
	return page, next, failed(err, "list usage")
}
