package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
)

// UsageQuery sums what was used, from the roll-ups alone. What would have to
// read too many of their rows is CodeValidation and says what to narrow.
//
// With Top, the largest groups of the whole stretch have rows of their own,
// and the others one together, in each interval.
func (s *Store) UsageQuery(ctx context.Context, org alfred.OrgID, q alfred.UsageQuery) ([]alfred.UsageRow, error) {
	zones, err := s.zones(ctx, []alfred.UsageEvent{{Org: org}})
	if err != nil {
		return nil, err
	}
	if q.Zone == nil {
		q.Zone = zones[org]
	}
	q, err = rounded(q)
	if err != nil || !q.From.Before(q.Until) {
		return nil, err
	}
	ask := usageAsk{s, org, zones[org]}
	if q.Top == 0 || len(q.GroupBy) == 0 {
		q.Top = 0
		rows, err := ask.rows(ctx, q)
		order(rows, q.OrderBy)
		return rows, err
	}
	whole := q
	whole.Interval = alfred.IntervalNone
	totals, err := ask.largest(ctx, whole)
	if err != nil {
		return nil, err
	}
	order(totals, q.OrderBy)
	all := q
	all.GroupBy, all.Top = nil, 0
	if q.Interval == alfred.IntervalNone {
		sums, err := ask.rows(ctx, all)
		return withOther(totals, sums, totals), err
	}
	named, only := totals, q
	if len(q.GroupBy) > 1 {
		rows, err := ask.rows(ctx, only)
		return folded(rows, named), err
	}
	// Only the rows of the groups that are named are read, and those of all
	// groups together.
	only.Filter = narrowed(q.Filter, q.GroupBy[0], named)
	rows, err := ask.rows(ctx, only)
	if err != nil {
		return nil, err
	}
	sums, err := ask.rows(ctx, all)
	return withOther(rows, sums, named), err
}

// rounded checks a query, takes it to whole hours and fills in what it leaves open.
func rounded(q alfred.UsageQuery) (alfred.UsageQuery, error) {
	q.Interval = cmp.Or(q.Interval, alfred.IntervalNone)
	if q.Interval != alfred.IntervalNone && q.Interval != alfred.IntervalHour && q.Interval != alfred.IntervalDay {
		return q, alfred.Invalid("interval", "expected none, hour or day")
	}
	if q.From.IsZero() || q.Until.IsZero() {
		return q, alfred.Invalid("from", "expected from and until")
	}
	for i, d := range q.GroupBy {
		if !d.Valid() || slices.Contains(q.GroupBy[:i], d) {
			return q, alfred.Invalid("group_by", "%q is not a dimension, or is there twice", d)
		}
	}
	q.From = q.From.UTC().Truncate(time.Hour)
	if end := q.Until.UTC().Truncate(time.Hour); end.Before(q.Until) {
		q.Until = end.Add(time.Hour)
	} else {
		q.Until = end
	}
	return q, nil
}

// usageAsk asks the roll-ups of one organisation.
type usageAsk struct {
	store *Store
	org   alfred.OrgID
	zone  *time.Location
}

// largest finds the largest groups of a query, and then what they used: only
// their rows are read in full.
func (a usageAsk) largest(ctx context.Context, q alfred.UsageQuery) ([]alfred.UsageRow, error) {
	if emptyFilter(q) {
		return nil, nil
	}
	sql, args, err := planLargest(a.org, a.zone, q)
	if err != nil {
		return nil, err
	}
	found, err := a.store.conn(ctx).Query(ctx, sql, args...)
	if err != nil {
		return nil, failed(err, "find the largest groups")
	}
	named, err := pgx.CollectRows(found, func(r pgx.CollectableRow) (alfred.UsageRow, error) {
		row := alfred.UsageRow{Group: make([]string, len(q.GroupBy))}
		into := make([]any, len(row.Group))
		for i := range row.Group {
			into[i] = &row.Group[i]
		}
		return row, r.Scan(into...)
	})
	if err != nil || len(named) == 0 {
		return nil, failed(err, "find the largest groups")
	}
	q.Filter = narrowed(q.Filter, q.GroupBy[0], named)
	rows, err := a.rows(ctx, q)
	return slices.DeleteFunc(rows, func(r alfred.UsageRow) bool { return rank(named, r.Group) == len(named) }), err
}

// emptyFilter says whether nothing can match.
func emptyFilter(q alfred.UsageQuery) bool {
	for _, values := range q.Filter {
		if len(values) == 0 {
			return true
		}
	}
	return false
}

// rows carries out one query, of all groups.
func (a usageAsk) rows(ctx context.Context, q alfred.UsageQuery) ([]alfred.UsageRow, error) {
	if emptyFilter(q) {
		return nil, nil
	}
	sql, args, err := planUsage(a.org, a.zone, q)
	if err != nil {
		return nil, err
	}
	found, err := a.store.conn(ctx).Query(ctx, sql, args...)
	if err != nil {
		return nil, failed(err, "sum usage")
	}
	rows, err := pgx.CollectRows(found, func(r pgx.CollectableRow) (alfred.UsageRow, error) {
		var row alfred.UsageRow
		var at *time.Time
		u := &row.Usage
		into := []any{&at, &row.Requests, &row.Denials, &row.Estimated, &row.Overruns, &u.Input, &u.CachedInput, &u.CacheWrite, &u.Output, &u.Reasoning, &row.Cost, &row.Millis}
		if len(q.GroupBy) > 0 {
			row.Group = make([]string, len(q.GroupBy))
		}
		for i := range row.Group {
			into = append(into, &row.Group[i])
		}
		err := r.Scan(into...)
		row.At = moment(at)
		return row, err
	})
	if len(q.GroupBy) > 2 {
		rows = added(rows)
	}
	return rows, failed(err, "sum usage")
}

// added adds up the rows of each interval and group.
func added(rows []alfred.UsageRow) []alfred.UsageRow {
	type group struct {
		at   int64
		keys string
	}
	places := make(map[group]int, len(rows))
	out := rows[:0]
	for _, r := range rows {
		g := group{r.At.UnixMicro(), strings.Join(r.Group, "\x00")}
		if i, ok := places[g]; ok {
			out[i].Add(r.UsageSums)
			continue
		}
		places[g] = len(out)
		out = append(out, r)
	}
	return out
}

// order puts rows in the order of time, then the largest first.
func order(rows []alfred.UsageRow, by alfred.UsageMeasure) {
	slices.SortFunc(rows, func(a, b alfred.UsageRow) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(b.Of(by), a.Of(by)), slices.Compare(a.Group, b.Group))
	})
}

// folded adds up, in each interval, the rows of groups that are not named.
func folded(rows, named []alfred.UsageRow) []alfred.UsageRow {
	var out []alfred.UsageRow
	others := map[time.Time]*alfred.UsageRow{}
	for _, r := range rows {
		if rank(named, r.Group) < len(named) {
			out = append(out, r)
			continue
		}
		if others[r.At] == nil {
			others[r.At] = &alfred.UsageRow{At: r.At, Other: true}
		}
		others[r.At].Add(r.UsageSums)
	}
	for _, o := range others {
		out = append(out, *o)
	}
	return sorted(out, named)
}

// withOther adds what all groups used and the named ones did not.
func withOther(rows, all, named []alfred.UsageRow) []alfred.UsageRow {
	used := map[time.Time]*alfred.UsageSums{}
	for _, r := range rows {
		if used[r.At] == nil {
			used[r.At] = &alfred.UsageSums{}
		}
		used[r.At].Add(r.UsageSums)
	}
	for _, total := range all {
		other := alfred.UsageRow{At: total.At, Other: true, UsageSums: total.UsageSums}
		if u := used[total.At]; u != nil {
			other.Add(u.Negated())
		}
		if other.UsageSums != (alfred.UsageSums{}) {
			rows = append(rows, other)
		}
	}
	return sorted(rows, named)
}

func sorted(rows, named []alfred.UsageRow) []alfred.UsageRow {
	slices.SortFunc(rows, func(a, b alfred.UsageRow) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(rank(named, a.Group), rank(named, b.Group)))
	})
	return rows
}

// rank is where a group stands among the named ones, or behind them.
func rank(named []alfred.UsageRow, group []string) int {
	if group != nil {
		for i, n := range named {
			if slices.Equal(n.Group, group) {
				return i
			}
		}
	}
	return len(named)
}

func narrowed(filter map[alfred.UsageDimension][]string, d alfred.UsageDimension, named []alfred.UsageRow) map[alfred.UsageDimension][]string {
	out := map[alfred.UsageDimension][]string{}
	for k, v := range filter {
		out[k] = v
	}
	out[d] = nil
	for _, n := range named {
		out[d] = append(out[d], n.Group[0])
	}
	return out
}
