package postgres

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// addUp adds events to the aggregates, each of which is one statement. Rows
// are touched in the order of their keys, so that two recorders never wait
// for each other.
func (s *Store) addUp(ctx context.Context, events []alfred.UsageEvent) error {
	if len(events) == 0 {
		return nil
	}
	if err := s.q(ctx).AddCounterUsage(ctx, counterRows(events)); err != nil {
		return failed(err, "add up counters")
	}
	if err := s.q(ctx).AddUsageHourly(ctx, hourlyRows(events)); err != nil {
		return failed(err, "add up hours")
	}
	orgs, ids, at := keyUses(events)
	return failed(s.q(ctx).UseKeys(ctx, orgs, ids, at), "note when keys were used")
}

type counterKey struct {
	org     alfred.OrgID
	kind    alfred.CounterKind
	subject string
	start   time.Time
}

func (a counterKey) compare(b counterKey) int {
	return cmp.Or(cmp.Compare(a.org, b.org), cmp.Compare(a.kind, b.kind), cmp.Compare(a.subject, b.subject), a.start.Compare(b.start))
}

func counterRows(events []alfred.UsageEvent) (rows db.AddCounterUsageParams) {
	sums, ends := map[counterKey]alfred.Credits{}, map[counterKey]time.Time{}
	for _, e := range events {
		for _, c := range e.Charges {
			k := counterKey{e.Org, c.Counter.Kind, c.Counter.Subject, c.Counter.Window.Start.UTC()}
			sums[k] += c.Amount
			ends[k] = c.Counter.Window.End
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(sums), counterKey.compare) {
		rows.OrgIds = append(rows.OrgIds, string(k.org))
		rows.Kinds = append(rows.Kinds, string(k.kind))
		rows.Subjects = append(rows.Subjects, k.subject)
		rows.WindowStarts = append(rows.WindowStarts, k.start)
		rows.WindowEnds = append(rows.WindowEnds, ends[k])
		rows.Amounts = append(rows.Amounts, int64(sums[k]))
	}
	return rows
}

type hourKey struct {
	org             alfred.OrgID
	hour            time.Time
	user            alfred.UserID
	team            alfred.TeamID
	department      alfred.DepartmentID
	project         alfred.ProjectID
	model, provider string
}

func (a hourKey) compare(b hourKey) int {
	return cmp.Or(cmp.Compare(a.org, b.org), a.hour.Compare(b.hour), cmp.Compare(a.user, b.user), cmp.Compare(a.team, b.team),
		cmp.Compare(a.department, b.department), cmp.Compare(a.project, b.project), cmp.Compare(a.model, b.model), cmp.Compare(a.provider, b.provider))
}

type hourSum struct {
	requests, estimated int64
	usage               alfred.Usage
	cost                alfred.Credits
}

// hourlyRows sums events by hour. A void is no use of a model; an adjustment
// corrects a request that was counted when it expired.
func hourlyRows(events []alfred.UsageEvent) (rows db.AddUsageHourlyParams) {
	sums := map[hourKey]hourSum{}
	for _, e := range events {
		if e.Kind == alfred.EventVoid {
			continue
		}
		k := hourKey{e.Org, e.At.UTC().Truncate(time.Hour), e.User, e.Team, e.Department, e.Project, e.Model, e.Provider}
		sum := sums[k]
		if e.Kind != alfred.EventAdjust {
			sum.requests++
			if e.Estimated {
				sum.estimated++
			}
		}
		sum.usage.Input += e.Usage.Input
		sum.usage.CachedInput += e.Usage.CachedInput
		sum.usage.CacheWrite += e.Usage.CacheWrite
		sum.usage.Output += e.Usage.Output
		sum.usage.Reasoning += e.Usage.Reasoning
		sum.cost += e.Cost
		sums[k] = sum
	}
	for _, k := range slices.SortedFunc(maps.Keys(sums), hourKey.compare) {
		sum := sums[k]
		rows.OrgIds = append(rows.OrgIds, string(k.org))
		rows.Hours = append(rows.Hours, k.hour)
		rows.UserIds = append(rows.UserIds, string(k.user))
		rows.TeamIds = append(rows.TeamIds, string(k.team))
		rows.DepartmentIds = append(rows.DepartmentIds, string(k.department))
		rows.ProjectIds = append(rows.ProjectIds, string(k.project))
		rows.Models = append(rows.Models, k.model)
		rows.Providers = append(rows.Providers, k.provider)
		rows.Requests = append(rows.Requests, sum.requests)
		rows.Estimated = append(rows.Estimated, sum.estimated)
		rows.Input = append(rows.Input, sum.usage.Input)
		rows.CachedInput = append(rows.CachedInput, sum.usage.CachedInput)
		rows.CacheWrite = append(rows.CacheWrite, sum.usage.CacheWrite)
		rows.Output = append(rows.Output, sum.usage.Output)
		rows.Reasoning = append(rows.Reasoning, sum.usage.Reasoning)
		rows.Cost = append(rows.Cost, int64(sum.cost))
	}
	return rows
}

// keyUses is when each key was used last.
func keyUses(events []alfred.UsageEvent) (orgs, ids []string, at []time.Time) {
	type id struct {
		org alfred.OrgID
		key alfred.KeyID
	}
	last := map[id]time.Time{}
	for _, e := range events {
		k := id{e.Org, e.Key}
		if e.At.After(last[k]) {
			last[k] = e.At
		}
	}
	for k, t := range last {
		orgs, ids, at = append(orgs, string(k.org)), append(ids, string(k.key)), append(at, t)
	}
	return orgs, ids, at
}
