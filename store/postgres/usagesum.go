package postgres

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// Grains of the sums of one dimension.
const (
	grainHour  = "hour"
	grainDay   = "day"
	grainMonth = "month"
)

// dimensionOrg is the whole organisation, which has one subject, "".
const dimensionOrg = "organization"

// rollups says which sums are kept of which dimension. The sums by the hour
// that are not among them are made of usage_hourly, which knows everything.
func rollups(d string) (grains []string, total bool) {
	switch d {
	case dimensionOrg, string(alfred.ByDepartment):
		return []string{grainHour, grainDay}, false
	case string(alfred.ByTeam), string(alfred.ByProject):
		return []string{grainDay, grainMonth}, false
	case string(alfred.ByUser), string(alfred.ByKey):
		return []string{grainDay, grainMonth}, true // over models, providers and outcomes
	default:
		return nil, false
	}
}

// deniedOutcome begins the outcome of what was refused; the code follows.
const deniedOutcome = "denied:"

// usageSums sums events by the hour, which every other sum is made of.
type usageSums map[hourKey]*alfred.UsageSums

type hourKey struct {
	org             alfred.OrgID
	hour            time.Time
	user            alfred.UserID
	team            alfred.TeamID
	department      alfred.DepartmentID
	project         alfred.ProjectID
	model, provider string
	key             alfred.KeyID
	outcome         string
}

func (a hourKey) compare(b hourKey) int {
	return cmp.Or(cmp.Compare(a.org, b.org), a.hour.Compare(b.hour), cmp.Compare(a.user, b.user), cmp.Compare(a.team, b.team),
		cmp.Compare(a.department, b.department), cmp.Compare(a.project, b.project), cmp.Compare(a.model, b.model), cmp.Compare(a.provider, b.provider),
		cmp.Compare(a.key, b.key), cmp.Compare(a.outcome, b.outcome))
}

type rollupKey struct {
	org                      alfred.OrgID
	grain, dimension         string
	at                       time.Time
	subject                  string
	model, provider, outcome string
}

func (a rollupKey) compare(b rollupKey) int {
	return cmp.Or(cmp.Compare(a.org, b.org), cmp.Compare(a.grain, b.grain), cmp.Compare(a.dimension, b.dimension), a.at.Compare(b.at),
		cmp.Compare(a.subject, b.subject), cmp.Compare(a.model, b.model), cmp.Compare(a.provider, b.provider), cmp.Compare(a.outcome, b.outcome))
}

// add sums one event or refusal. A void is no use of a model, and an allowance
// no request.
func (s usageSums) add(e alfred.UsageEvent) {
	if e.Kind == alfred.EventVoid || e.Outcome == alfred.OutcomeAllowance {
		return
	}
	one, outcome := usageOf(e)
	plus(s, hourKey{e.Org, e.At.UTC().Truncate(time.Hour), e.User, e.Team, e.Department, e.Project, e.Model, e.Provider, e.Key, outcome}, one)
}

// rollups sums hours by each dimension, and by the days and months of the
// zones.
func (s usageSums) rollups(zones map[alfred.OrgID]*time.Location) map[rollupKey]*alfred.UsageSums {
	out := map[rollupKey]*alfred.UsageSums{}
	for h, sum := range s {
		zone := zones[h.org]
		if zone == nil {
			zone = time.UTC
		}
		for _, of := range []struct{ dimension, subject string }{
			{dimensionOrg, ""},
			{string(alfred.ByDepartment), string(h.department)},
			{string(alfred.ByTeam), string(h.team)},
			{string(alfred.ByProject), string(h.project)},
			{string(alfred.ByUser), string(h.user)},
			{string(alfred.ByKey), string(h.key)},
		} {
			grains, total := rollups(of.dimension)
			for _, g := range grains {
				k := rollupKey{org: h.org, grain: g, dimension: of.dimension, at: begin(g, h.hour, zone), subject: of.subject}
				if !total {
					k.model, k.provider, k.outcome = h.model, h.provider, h.outcome
				}
				plus(out, k, *sum)
			}
		}
	}
	return out
}

func plus[K comparable](sums map[K]*alfred.UsageSums, k K, one alfred.UsageSums) {
	if sum := sums[k]; sum != nil {
		sum.Add(one)
		return
	}
	sums[k] = &one
}

// usageOf is what one event counts for. An adjustment corrects a request that
// was counted when it expired.
func usageOf(e alfred.UsageEvent) (alfred.UsageSums, string) {
	switch e.Kind {
	case alfred.EventDecision:
		return alfred.UsageSums{Denials: 1}, deniedOutcome + string(e.Refused.Code)
	case alfred.EventAdjust:
		return alfred.UsageSums{Usage: e.Usage, Cost: e.Cost}, string(e.Outcome)
	default:
	}
	one := alfred.UsageSums{Requests: 1, Usage: e.Usage, Cost: e.Cost, Millis: e.Millis}
	if e.Estimated {
		one.Estimated = 1
	}
	if e.Overrun {
		one.Overruns = 1
	}
	return one, string(e.Outcome)
}

// begin is when the hour, day or month that holds t begins: days and months
// of the zone, hours of UTC.
func begin(grain string, t time.Time, zone *time.Location) time.Time {
	if grain == grainHour {
		return t.UTC().Truncate(time.Hour)
	}
	y, m, d := t.In(zone).Date()
	if grain == grainMonth {
		d = 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, zone).UTC()
}

func (s usageSums) hourlyRows() (rows db.AddUsageHourlyParams) {
	for _, k := range slices.SortedFunc(maps.Keys(s), hourKey.compare) {
		sum := s[k]
		rows.OrgIds = append(rows.OrgIds, string(k.org))
		rows.Hours = append(rows.Hours, k.hour)
		rows.UserIds = append(rows.UserIds, string(k.user))
		rows.TeamIds = append(rows.TeamIds, string(k.team))
		rows.DepartmentIds = append(rows.DepartmentIds, string(k.department))
		rows.ProjectIds = append(rows.ProjectIds, string(k.project))
		rows.Models = append(rows.Models, k.model)
		rows.Providers = append(rows.Providers, k.provider)
		rows.KeyIds = append(rows.KeyIds, string(k.key))
		rows.Outcomes = append(rows.Outcomes, k.outcome)
		rows.Requests = append(rows.Requests, sum.Requests)
		rows.Denials = append(rows.Denials, sum.Denials)
		rows.Estimated = append(rows.Estimated, sum.Estimated)
		rows.Overruns = append(rows.Overruns, sum.Overruns)
		rows.Input = append(rows.Input, sum.Usage.Input)
		rows.CachedInput = append(rows.CachedInput, sum.Usage.CachedInput)
		rows.CacheWrite = append(rows.CacheWrite, sum.Usage.CacheWrite)
		rows.Output = append(rows.Output, sum.Usage.Output)
		rows.Reasoning = append(rows.Reasoning, sum.Usage.Reasoning)
		rows.Cost = append(rows.Cost, int64(sum.Cost))
		rows.Millis = append(rows.Millis, sum.Millis)
	}
	return rows
}

func rollupRows(sums map[rollupKey]*alfred.UsageSums) (rows db.AddUsageRollupsParams) {
	for _, k := range slices.SortedFunc(maps.Keys(sums), rollupKey.compare) {
		sum := sums[k]
		rows.OrgIds = append(rows.OrgIds, string(k.org))
		rows.Grains = append(rows.Grains, k.grain)
		rows.Dimensions = append(rows.Dimensions, k.dimension)
		rows.Ats = append(rows.Ats, k.at)
		rows.Subjects = append(rows.Subjects, k.subject)
		rows.Models = append(rows.Models, k.model)
		rows.Providers = append(rows.Providers, k.provider)
		rows.Outcomes = append(rows.Outcomes, k.outcome)
		rows.Requests = append(rows.Requests, sum.Requests)
		rows.Denials = append(rows.Denials, sum.Denials)
		rows.Estimated = append(rows.Estimated, sum.Estimated)
		rows.Overruns = append(rows.Overruns, sum.Overruns)
		rows.Input = append(rows.Input, sum.Usage.Input)
		rows.CachedInput = append(rows.CachedInput, sum.Usage.CachedInput)
		rows.CacheWrite = append(rows.CacheWrite, sum.Usage.CacheWrite)
		rows.Output = append(rows.Output, sum.Usage.Output)
		rows.Reasoning = append(rows.Reasoning, sum.Usage.Reasoning)
		rows.Cost = append(rows.Cost, int64(sum.Cost))
		rows.Millis = append(rows.Millis, sum.Millis)
	}
	return rows
}
