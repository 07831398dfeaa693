package postgres

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// maxHourlyDays bounds how many days of usage_hourly a query may go through
// that does not name people, teams or keys.
const maxHourlyDays = 35

// usagePlan builds one statement: stretches of time, each read from the
// table that has the fewest rows for it.
type usagePlan struct {
	q         alfred.UsageQuery
	dimension string // of usage_rollups; "" where only usage_hourly knows
	days      bool   // the days that are summed are those that are asked for
	measures  string
	args      []any
	parts     []string
}

const usageMeasures = "requests, denials, estimated, overruns, input, cached_input, cache_write, output, reasoning, cost, millis"

// planUsage returns the statement of a query. Its columns are the interval,
// the measures in the order of usageMeasures, and the groups.
//
// zone is that of the organisation, whose days and months are summed.
func planUsage(org alfred.OrgID, zone *time.Location, q alfred.UsageQuery) (string, []any, error) {
	p := &usagePlan{q: q, dimension: dimensionFor(q), days: zone.String() == q.Zone.String(), args: []any{org}, measures: usageMeasures}
	if err := p.read(q.From, q.Until); err != nil {
		return "", nil, err
	}
	if p.fine() {
		groups := ""
		for i := range q.GroupBy {
			groups += fmt.Sprintf(", g%d", i)
		}
		return "SELECT bucket, " + usageMeasures + groups + " FROM (\n" + strings.Join(p.parts, "\nUNION ALL\n") + "\n) u", p.args, nil
	}
	var sums, groups strings.Builder
	for _, m := range strings.Split(usageMeasures, ", ") {
		fmt.Fprintf(&sums, ", coalesce(sum(%s), 0)::bigint", m)
	}
	by := "bucket"
	for i := range q.GroupBy {
		fmt.Fprintf(&groups, ", g%d", i)
		by += fmt.Sprintf(", g%d", i)
	}
	return "SELECT bucket" + sums.String() + groups.String() + " FROM (\n" + strings.Join(p.parts, "\nUNION ALL\n") + "\n) u GROUP BY " + by, p.args, nil
}

// fine says that nearly every row that is read is a group of its own, so that
// the database had little to add up and much to make of it: who reads them adds
// them up.
func (p *usagePlan) fine() bool { return len(p.q.GroupBy) > 2 }

// planLargest returns the statement that finds the largest groups of a query,
// which has an order and a Top. Its columns are the groups. It adds up one
// measure alone, since there may be as many groups as people.
func planLargest(org alfred.OrgID, zone *time.Location, q alfred.UsageQuery) (string, []any, error) {
	p := &usagePlan{q: q, dimension: dimensionFor(q), days: zone.String() == q.Zone.String(), args: []any{org}, measures: orderMeasure(q.OrderBy) + " AS size"}
	p.q.Interval = alfred.IntervalNone
	if err := p.read(q.From, q.Until); err != nil {
		return "", nil, err
	}
	var groups []string
	for i := range q.GroupBy {
		groups = append(groups, fmt.Sprintf("g%d", i))
	}
	by := strings.Join(groups, ", ")
	return fmt.Sprintf("SELECT %[1]s FROM (\n%[2]s\n) u GROUP BY %[1]s ORDER BY sum(size) DESC, %[1]s LIMIT %[3]d", by, strings.Join(p.parts, "\nUNION ALL\n"), q.Top), p.args, nil
}

// orderMeasure is what of a row a measure is.
func orderMeasure(m alfred.UsageMeasure) string {
	switch m {
	case alfred.MeasureTokens:
		return "input + cached_input + cache_write + output + reasoning"
	case alfred.MeasureRequests, alfred.MeasureInput, alfred.MeasureCached, alfred.MeasureOutput, alfred.MeasureDenials:
		return string(m)
	default:
		return "cost"
	}
}

// dimensionFor is the dimension whose sums know everything that a query asks
// about, or "".
func dimensionFor(q alfred.UsageQuery) string {
	subjects, fine := map[string]bool{}, false
	about := slices.Clone(q.GroupBy)
	for d := range q.Filter {
		about = append(about, d)
	}
	for _, d := range about {
		switch d {
		case alfred.ByModel, alfred.ByProvider, alfred.ByOutcome:
			fine = true
		default:
			subjects[string(d)] = true
		}
	}
	if len(subjects) == 0 {
		return dimensionOrg
	}
	if len(subjects) > 1 {
		return ""
	}
	for d := range subjects {
		if _, total := rollups(d); !total || !fine {
			return d
		}
	}
	return ""
}

// read covers a stretch: whole months and days with their sums, and what is
// left at either end by the hour.
func (p *usagePlan) read(from, until time.Time) error {
	grains, _ := rollups(p.dimension)
	hours := func(from, until time.Time) error {
		if !from.Before(until) {
			return nil
		}
		if slices.Contains(grains, grainHour) {
			p.fromRollups(grainHour, from, until)
			return nil
		}
		return p.fromHourly(from, until)
	}
	if p.dimension == "" || !p.days || p.q.Interval == alfred.IntervalHour {
		return hours(from, until)
	}
	if p.q.ToNow && from.Before(until) {
		grain := grainDay
		if p.q.Interval == alfred.IntervalNone && slices.Contains(grains, grainMonth) {
			grain = grainMonth
		}
		if last := begin(grain, until.Add(-time.Nanosecond), p.q.Zone); !last.Before(from) {
			until = next(grain, last, p.q.Zone)
		}
	}
	firstDay, lastDay := whole(grainDay, from, until, p.q.Zone)
	if !firstDay.Before(lastDay) {
		return hours(from, until)
	}
	if err := hours(from, firstDay); err != nil {
		return err
	}
	firstMonth, lastMonth := whole(grainMonth, firstDay, lastDay, p.q.Zone)
	if p.q.Interval == alfred.IntervalNone && slices.Contains(grains, grainMonth) && firstMonth.Before(lastMonth) {
		p.fromRollups(grainDay, firstDay, firstMonth)
		p.fromRollups(grainMonth, firstMonth, lastMonth)
		p.fromRollups(grainDay, lastMonth, lastDay)
	} else {
		p.fromRollups(grainDay, firstDay, lastDay)
	}
	return hours(lastDay, until)
}

// whole is the stretch of whole days or months inside another one.
func whole(grain string, from, until time.Time, zone *time.Location) (first, last time.Time) {
	first = begin(grain, from, zone)
	if first.Before(from) {
		first = next(grain, first, zone)
	}
	return first, begin(grain, until, zone)
}

// next is when the day or month after one begins.
func next(grain string, t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	if grain == grainMonth {
		return time.Date(y, m+1, 1, 0, 0, 0, 0, zone).UTC()
	}
	return time.Date(y, m, d+1, 0, 0, 0, 0, zone).UTC()
}

func (p *usagePlan) fromRollups(grain string, from, until time.Time) {
	if !from.Before(until) {
		return
	}
	// A day is found by its middle, which is the same day still when the
	// organisation has moved to another zone since.
	at := "at"
	if grain != grainHour {
		at, from, until = "at + interval '12 hours'", from.Add(-12*time.Hour), until.Add(-12*time.Hour)
	}
	column := func(d alfred.UsageDimension) string {
		if string(d) == p.dimension {
			return "subject"
		}
		return string(d)
	}
	where := fmt.Sprintf("org_id = $1 AND grain = '%s' AND dimension = '%s' AND at >= %s AND at < %s", grain, p.dimension, p.arg(from), p.arg(until))
	for _, d := range alfred.UsageDimensions() {
		if values, ok := p.q.Filter[d]; ok {
			where += fmt.Sprintf(" AND %s = ANY (%s::text[])", column(d), p.arg(values))
		}
	}
	p.add(at, column, "usage_rollups", where)
}

func (p *usagePlan) fromHourly(from, until time.Time) error {
	where := fmt.Sprintf("org_id = $1 AND hour >= %s AND hour < %s", p.arg(from), p.arg(until))
	indexed := false
	for _, d := range alfred.UsageDimensions() {
		values, ok := p.q.Filter[d]
		if !ok {
			continue
		}
		given := p.arg(values)
		where += fmt.Sprintf(" AND %s = ANY (%s::text[])", hourlyColumn(d), given)
		switch d { //nolint:exhaustive // the others have no index
		case alfred.ByUser, alfred.ByTeam:
			indexed = true
		case alfred.ByKey: // a key is one person's, and people are indexed
			where += fmt.Sprintf(" AND user_id = ANY (ARRAY(SELECT k.user_id FROM api_keys k WHERE k.org_id = $1 AND k.id = ANY (%s::text[])))", given)
			indexed = true
		}
	}
	if days := until.Sub(from) / (24 * time.Hour); !indexed && days > maxHourlyDays {
		return alfred.Invalid("from", "this split is read hour by hour: ask for at most %d days, or for one person, team or key", maxHourlyDays)
	}
	p.add("hour", hourlyColumn, "usage_hourly", where)
	return nil
}

func hourlyColumn(d alfred.UsageDimension) string {
	switch d {
	case alfred.ByModel, alfred.ByProvider, alfred.ByOutcome:
		return string(d)
	default:
		return string(d) + "_id"
	}
}

func (p *usagePlan) add(at string, column func(alfred.UsageDimension) string, table, where string) {
	bucket := "NULL::timestamptz"
	switch p.q.Interval {
	case alfred.IntervalHour:
		bucket = at
	case alfred.IntervalDay:
		zone := p.arg(p.q.Zone.String())
		bucket = fmt.Sprintf("date_trunc('day', (%s) AT TIME ZONE %s::text) AT TIME ZONE %s::text", at, zone, zone)
	case alfred.IntervalNone:
	}
	groups := ""
	for i, d := range p.q.GroupBy {
		groups += fmt.Sprintf(", %s AS g%d", column(d), i)
	}
	p.parts = append(p.parts, fmt.Sprintf("SELECT %s AS bucket, %s%s FROM %s WHERE %s", bucket, p.measures, groups, table, where))
}

// arg adds a parameter and returns its name.
func (p *usagePlan) arg(v any) string {
	p.args = append(p.args, v)
	return fmt.Sprintf("$%d", len(p.args))
}
