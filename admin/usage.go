package admin

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// usageAsk is a question for sums of usage, as any of the operations puts it.
type usageAsk struct {
	groupBy     *[]api.UsageDimension
	measures    *[]api.UsageMeasure
	interval    *api.UsageInterval
	window      string
	from, until *time.Time
	top         int
	filter      map[alfred.UsageDimension]*string
}

// deniedMark stands before the code of a refusal where an outcome stands.
const deniedMark = "denied:"

// maxPoints bounds the points of one group: 35 days by the hour.
const maxPoints = 35 * 24

// QueryUsage sums usage: of everything for an admin, of what was attributed
// to their teams for a team admin.
func (s *server) QueryUsage(ctx context.Context, r api.QueryUsageRequestObject) (api.QueryUsageResponseObject, error) {
	p := r.Params
	out, err := s.sumUsage(ctx, usageAsk{
		groupBy: p.GroupBy, measures: p.Measures, interval: p.Interval, window: string(value(p.Window)), from: p.From, until: p.Until, top: orDefault(p.Top, 10),
		filter: map[alfred.UsageDimension]*string{
			alfred.ByUser: p.User, alfred.ByTeam: p.Team, alfred.ByDepartment: p.Department, alfred.ByProject: p.Project, alfred.ByModel: p.Model,
			alfred.ByProvider: p.Provider, alfred.ByKey: p.Key, alfred.ByOutcome: p.Outcome,
		},
	})
	return api.QueryUsage200JSONResponse(out), err
}

// ExportUsageQuery writes the same as a file.
func (s *server) ExportUsageQuery(ctx context.Context, r api.ExportUsageQueryRequestObject) (api.ExportUsageQueryResponseObject, error) {
	p := r.Params
	out, err := s.sumUsage(ctx, usageAsk{
		groupBy: p.GroupBy, measures: p.Measures, interval: p.Interval, window: string(value(p.Window)), from: p.From, until: p.Until, top: orDefault(p.Top, 200),
		filter: map[alfred.UsageDimension]*string{
			alfred.ByUser: p.User, alfred.ByTeam: p.Team, alfred.ByDepartment: p.Department, alfred.ByProject: p.Project, alfred.ByModel: p.Model,
			alfred.ByProvider: p.Provider, alfred.ByKey: p.Key, alfred.ByOutcome: p.Outcome,
		},
	})
	if err != nil {
		return nil, err
	}
	return usageFile(out, value(p.GroupBy), measuresOf(p.Measures)), nil
}

// QueryMyUsage sums the actor's own usage.
func (s *server) QueryMyUsage(ctx context.Context, r api.QueryMyUsageRequestObject) (api.QueryMyUsageResponseObject, error) {
	p, me := r.Params, string(callOf(ctx).actor.User)
	out, err := s.sumUsage(ctx, usageAsk{
		groupBy: p.GroupBy, measures: p.Measures, interval: p.Interval, window: string(value(p.Window)), from: p.From, until: p.Until, top: orDefault(p.Top, 10),
		filter: map[alfred.UsageDimension]*string{
			alfred.ByUser: &me, alfred.ByProject: p.Project, alfred.ByModel: p.Model, alfred.ByKey: p.Key, alfred.ByOutcome: p.Outcome,
		},
	})
	return api.QueryMyUsage200JSONResponse(out), err
}

func orDefault[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func measuresOf(m *[]api.UsageMeasure) []api.UsageMeasure {
	if m == nil {
		return []api.UsageMeasure{api.UsageMeasureCredits, api.UsageMeasureRequests}
	}
	return *m
}

// sumUsage answers a question. Those who do not administer the organisation
// are narrowed to their teams, unless they ask about themselves.
func (s *server) sumUsage(ctx context.Context, ask usageAsk) (api.UsageResult, error) {
	actor := callOf(ctx).actor
	snap, err := s.snapshotOf(ctx, actor.Org, nil)
	if err != nil {
		return api.UsageResult{}, err
	}
	q, err := snap.usageQuery(ask)
	if err != nil {
		return api.UsageResult{}, err
	}
	if own := q.Filter[alfred.ByUser]; len(own) != 1 || own[0] != string(actor.User) {
		if q.Filter, err = narrow(actor, q.Filter); err != nil {
			return api.UsageResult{}, err
		}
	}
	whole := q
	whole.Interval, whole.Top = alfred.IntervalNone, 0
	sums, err := s.Records.UsageQuery(ctx, actor.Org, whole)
	if err != nil {
		return api.UsageResult{}, err
	}
	measures := measuresOf(ask.measures)
	if len(q.GroupBy) > 0 {
		sums = slices.DeleteFunc(sums, func(r alfred.UsageRow) bool { return nothing(r.UsageSums, measures) })
	}
	from, until := hours(q.From, q.Until)
	out := api.UsageResult{
		From: from, Until: until, Tz: snap.org.Settings.Zone, Unit: snap.org.Settings.UnitName, Interval: api.UsageInterval(q.Interval),
		AsOf: s.asOf(ctx, actor.Org), Groups: []api.UsageGroup{}, GroupCount: len(sums),
	}
	var total alfred.UsageSums
	for _, r := range sums {
		total.Add(r.UsageSums)
	}
	out.Totals = measured(total, measures)
	groups := leading(sums, ask.top)
	byCode := slices.Contains(value(ask.groupBy), api.UsageDimensionCode)
	named, err := s.names(ctx, actor.Org, wantedOf(q.GroupBy, groups))
	if err != nil {
		return api.UsageResult{}, err
	}
	for _, g := range groups {
		out.Groups = append(out.Groups, api.UsageGroup{Keys: usageKeys(q.GroupBy, g.Group, named, byCode), Other: g.Other, Sums: measured(g.UsageSums, measures)})
	}
	if q.Interval == alfred.IntervalNone {
		return out, nil
	}
	q.Top = ask.top
	rows, err := s.Records.UsageQuery(ctx, actor.Org, q)
	if err != nil {
		return api.UsageResult{}, err
	}
	at := intervals(q.Interval, from, until, snap.zone)
	for i, g := range groups {
		points := pointsOf(rows, g, at, measures)
		out.Groups[i].Points = &points
	}
	return out, nil
}

// usageQuery turns a question into that of the record.
func (p *snapshot) usageQuery(ask usageAsk) (alfred.UsageQuery, error) {
	q := alfred.UsageQuery{Zone: p.zone, Interval: alfred.Interval(orDefault(ask.interval, api.None)), Filter: map[alfred.UsageDimension][]string{}}
	window, err := p.named(ask.window)
	if err != nil {
		return q, err
	}
	q.From, q.Until = window.Start, window.End
	if ask.from != nil {
		q.From, q.Until = *ask.from, p.now
	}
	if ask.until != nil {
		q.Until = *ask.until
	}
	if !q.Until.Before(p.now) {
		q.Until, q.ToNow = p.now, true
	}
	if !q.From.Before(q.Until) {
		return q, alfred.Invalid("from", "expected a time before until, and not in the future")
	}
	for d, v := range ask.filter {
		if v != nil {
			q.Filter[d] = []string{*v}
		}
	}
	measures := measuresOf(ask.measures)
	if q.OrderBy, err = orderBy(measures[0]); err != nil {
		return q, err
	}
	for _, d := range value(ask.groupBy) {
		if d == api.UsageDimensionCode {
			if len(measures) != 1 || measures[0] != api.UsageMeasureDenials {
				return q, alfred.Invalid("group_by", "code is of refusals: ask for measures=denials alone")
			}
			d = api.UsageDimensionOutcome
			q.Filter[alfred.ByOutcome] = deniedOutcomes()
		}
		q.GroupBy = append(q.GroupBy, alfred.UsageDimension(d))
	}
	_, narrowed := q.Filter[alfred.ByOutcome]
	if slices.Contains(q.GroupBy, alfred.ByOutcome) && !narrowed && !slices.Contains(measures, api.UsageMeasureDenials) {
		q.Filter[alfred.ByOutcome] = outcomes() // refusals have none of the other measures
	}
	if len(q.GroupBy) == 2 && q.GroupBy[0] == q.GroupBy[1] {
		return q, alfred.Invalid("group_by", "code and outcome are one dimension")
	}
	from, until := hours(q.From, q.Until)
	if points := len(intervals(q.Interval, from, until, p.zone)); points > maxPoints {
		return q, alfred.Invalid("interval", "these are %s points, and at most %s are answered: ask for days, or for less time", alfred.Figure(points), alfred.Figure(maxPoints))
	}
	return q, nil
}

// narrow keeps a team admin within what was attributed to their teams. A team
// that is not theirs does not exist.
func narrow(actor alfred.Actor, filter map[alfred.UsageDimension][]string) (map[alfred.UsageDimension][]string, error) {
	if actor.Access.Administers() {
		return filter, nil
	}
	if asked, ok := filter[alfred.ByTeam]; ok {
		for _, t := range asked {
			if !actor.AdministersTeam(alfred.TeamID(t)) {
				return nil, notFound("team", t)
			}
		}
		return filter, nil
	}
	filter[alfred.ByTeam] = []string{}
	for _, t := range actor.TeamsAdmin {
		filter[alfred.ByTeam] = append(filter[alfred.ByTeam], string(t))
	}
	return filter, nil
}

func outcomes() []string {
	return []string{
		string(alfred.OutcomeCompleted), string(alfred.OutcomeClientGone), string(alfred.OutcomeUpstreamError), string(alfred.OutcomeBroken),
		string(alfred.OutcomeShutdown), string(alfred.OutcomeExpired), string(alfred.OutcomeInternal),
	}
}

func deniedOutcomes() []string {
	var out []string
	for _, e := range alfred.Explanations() {
		out = append(out, deniedMark+string(e.Code))
	}
	return out
}

// orderBy is how the record calls a measure.
func orderBy(m api.UsageMeasure) (alfred.UsageMeasure, error) {
	switch m {
	case api.UsageMeasureCredits:
		return alfred.MeasureCost, nil
	case api.UsageMeasureRequests, api.UsageMeasureEstimated:
		return alfred.MeasureRequests, nil
	case api.UsageMeasureInputTokens, api.UsageMeasureCacheWriteTokens:
		return alfred.MeasureInput, nil
	case api.UsageMeasureCachedTokens:
		return alfred.MeasureCached, nil
	case api.UsageMeasureOutputTokens, api.UsageMeasureReasoningTokens:
		return alfred.MeasureOutput, nil
	case api.UsageMeasureDenials:
		return alfred.MeasureDenials, nil
	default:
		return "", alfred.Invalid("measures", "%q is not a measure", m)
	}
}

// measured shows the measures that were asked for.
func measured(s alfred.UsageSums, measures []api.UsageMeasure) api.UsageSums {
	u := s.Usage
	input, output := u.Input+u.CachedInput+u.CacheWrite, u.Output+u.Reasoning
	var out api.UsageSums
	for _, m := range measures {
		switch m {
		case api.UsageMeasureCredits:
			out.Credits = &s.Cost
		case api.UsageMeasureRequests:
			out.Requests = &s.Requests
		case api.UsageMeasureEstimated:
			out.Estimated = &s.Estimated
		case api.UsageMeasureInputTokens:
			out.InputTokens = &input
		case api.UsageMeasureCachedTokens:
			out.CachedTokens = &u.CachedInput
		case api.UsageMeasureCacheWriteTokens:
			out.CacheWriteTokens = &u.CacheWrite
		case api.UsageMeasureOutputTokens:
			out.OutputTokens = &output
		case api.UsageMeasureReasoningTokens:
			out.ReasoningTokens = &u.Reasoning
		case api.UsageMeasureDenials:
			out.Denials = &s.Denials
		}
	}
	return out
}

// nothing says whether a group has none of the measures.
func nothing(s alfred.UsageSums, measures []api.UsageMeasure) bool {
	return !slices.ContainsFunc(measures, func(m api.UsageMeasure) bool { return sumOf(s, m) != 0 })
}

// sumOf is one measure as a number.
func sumOf(s alfred.UsageSums, m api.UsageMeasure) int64 {
	switch m {
	case api.UsageMeasureEstimated:
		return s.Estimated
	case api.UsageMeasureCacheWriteTokens:
		return s.Usage.CacheWrite
	case api.UsageMeasureReasoningTokens:
		return s.Usage.Reasoning
	case api.UsageMeasureInputTokens:
		return s.Usage.Input + s.Usage.CachedInput + s.Usage.CacheWrite
	case api.UsageMeasureOutputTokens:
		return s.Usage.Output + s.Usage.Reasoning
	default:
		by, err := orderBy(m)
		if err != nil {
			return 0
		}
		return s.Of(by)
	}
}

// leading leaves the first groups and adds the others up. Without groups
// there is one, of everything.
func leading(rows []alfred.UsageRow, top int) []alfred.UsageRow {
	if len(rows) <= top {
		return rows
	}
	other := alfred.UsageRow{Other: true}
	for _, r := range rows[top:] {
		other.Add(r.UsageSums)
	}
	return append(rows[:top:top], other)
}

func wantedOf(by []alfred.UsageDimension, rows []alfred.UsageRow) (w wanted) {
	for _, r := range rows {
		for i, d := range by {
			if r.Other || i >= len(r.Group) || r.Group[i] == "" {
				continue
			}
			switch d { //nolint:exhaustive // the others are read whole
			case alfred.ByUser:
				w.users = append(w.users, alfred.UserID(r.Group[i]))
			case alfred.ByKey:
				w.keys = append(w.keys, alfred.KeyID(r.Group[i]))
			}
		}
	}
	return w
}

func usageKeys(by []alfred.UsageDimension, group []string, n *names, byCode bool) []api.UsageKey {
	out := []api.UsageKey{}
	for i, id := range group {
		d := by[i] //nolint:gosec // G602: a group has a value for each
		key := api.UsageKey{Dimension: api.UsageDimension(d), Id: id, Name: n.of(d, id)}
		if code, denied := strings.CutPrefix(id, deniedMark); d == alfred.ByOutcome && denied {
			key.Name = alfred.Explain(alfred.Code(code)).Title
			if byCode {
				key.Dimension, key.Id = api.UsageDimensionCode, code
			}
		}
		out = append(out, key)
	}
	return out
}

// hours widens a stretch to the whole hours that are summed.
func hours(from, until time.Time) (first, end time.Time) {
	first, end = from.UTC().Truncate(time.Hour), until.UTC().Truncate(time.Hour)
	if end.Before(until) {
		end = end.Add(time.Hour)
	}
	return first, end
}

// intervals are where the intervals of a stretch begin; the first one may
// begin before it.
func intervals(every alfred.Interval, from, until time.Time, zone *time.Location) []time.Time {
	var out []time.Time
	switch every {
	case alfred.IntervalHour:
		for t := from; t.Before(until); t = t.Add(time.Hour) {
			out = append(out, t)
		}
	case alfred.IntervalDay:
		y, m, d := from.In(zone).Date()
		for t := time.Date(y, m, d, 0, 0, 0, 0, zone); t.Before(until); t = time.Date(y, m, d, 0, 0, 0, 0, zone) {
			out = append(out, t.UTC())
			d++
		}
	case alfred.IntervalNone:
	}
	return out
}

// pointsOf gives a group a point for each interval: where nothing was used,
// it is 0.
func pointsOf(rows []alfred.UsageRow, group alfred.UsageRow, at []time.Time, measures []api.UsageMeasure) []api.UsagePoint {
	found := map[int64]alfred.UsageSums{}
	for _, r := range rows {
		if r.Other == group.Other && slices.Equal(r.Group, group.Group) {
			found[r.At.Unix()] = r.UsageSums
		}
	}
	out := make([]api.UsagePoint, len(at))
	for i, t := range at {
		out[i] = api.UsagePoint{At: t, Sums: measured(found[t.Unix()], measures)}
	}
	return out
}

// usageFile writes an answer as rows: a group, or an interval of a group.
func usageFile(r api.UsageResult, by []api.UsageDimension, measures []api.UsageMeasure) csvFile {
	f := csvFile{name: "usage.csv"}
	if r.Interval != api.None {
		f.header = append(f.header, "at")
	}
	for _, d := range by {
		f.header = append(f.header, string(d), string(d)+"_name")
	}
	for _, m := range measures {
		f.header = append(f.header, string(m))
	}
	f.rows = func(yield func(cells ...string) error) error {
		for _, g := range r.Groups {
			var group []string
			for i := range by {
				switch {
				case g.Other:
					group = append(group, "other", "")
				case i < len(g.Keys):
					group = append(group, g.Keys[i].Id, g.Keys[i].Name)
				}
			}
			if g.Points == nil {
				if err := yield(append(group, cellsOf(g.Sums, measures)...)...); err != nil {
					return err
				}
				continue
			}
			for _, p := range *g.Points {
				row := append([]string{p.At.Format(time.RFC3339)}, group...)
				if err := yield(append(row, cellsOf(p.Sums, measures)...)...); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return f
}

func cellsOf(s api.UsageSums, measures []api.UsageMeasure) []string {
	var out []string
	for _, m := range measures {
		if m == api.UsageMeasureCredits {
			out = append(out, s.Credits.String())
			continue
		}
		n := map[api.UsageMeasure]*int64{
			api.UsageMeasureRequests: s.Requests, api.UsageMeasureEstimated: s.Estimated, api.UsageMeasureInputTokens: s.InputTokens,
			api.UsageMeasureCachedTokens: s.CachedTokens, api.UsageMeasureCacheWriteTokens: s.CacheWriteTokens, api.UsageMeasureOutputTokens: s.OutputTokens,
			api.UsageMeasureReasoningTokens: s.ReasoningTokens, api.UsageMeasureDenials: s.Denials,
		}[m]
		out = append(out, strconv.FormatInt(value(n), 10))
	}
	return out
}

// asOf is up to when usage is in the sums: now, or when the oldest event that
// waits to be recorded was written.
func (s *server) asOf(ctx context.Context, org alfred.OrgID) time.Time {
	now := s.Now()
	oldest, _, err := s.Live.Unrecorded(ctx, org)
	if err != nil || oldest.IsZero() || oldest.After(now) {
		return now
	}
	return oldest
}
