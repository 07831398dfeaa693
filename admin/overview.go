package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/oapi-codegen/nullable"
	"golang.org/x/sync/errgroup"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// scope is whose figures an overview shows.
type scope struct {
	kind       api.OverviewScopeKind
	id, name   string
	teams      []alfred.TeamID // nil is no narrowing
	department alfred.DepartmentID
}

// filter narrows a question about usage to the scope.
func (c scope) filter() map[alfred.UsageDimension][]string {
	out := map[alfred.UsageDimension][]string{}
	if c.teams != nil {
		out[alfred.ByTeam] = []string{}
		for _, t := range c.teams {
			out[alfred.ByTeam] = append(out[alfred.ByTeam], string(t))
		}
	}
	if c.department != "" {
		out[alfred.ByDepartment] = []string{string(c.department)}
	}
	return out
}

// counters are what the scope has spent, whoever paid.
func (c scope) counters(org alfred.OrgID, w alfred.Window) []alfred.Counter {
	var out []alfred.Counter
	switch {
	case c.department != "":
		out = append(out, alfred.Counter{Kind: alfred.CountDept, Subject: string(c.department), Window: w})
	case c.teams != nil:
		for _, t := range c.teams {
			out = append(out, alfred.Counter{Kind: alfred.CountTeam, Subject: string(t), Window: w})
		}
	default:
		out = append(out, alfred.Counter{Kind: alfred.CountOrg, Subject: string(org), Window: w})
	}
	return out
}

// scopeOf finds out whose figures the actor asks for, and may see.
func (s *server) scopeOf(ctx context.Context, snap *snapshot, team, department *string) (scope, error) {
	actor := callOf(ctx).actor
	switch {
	case team != nil && department != nil:
		return scope{}, alfred.Invalid("team", "name a team or a department, not both")
	case team != nil:
		t, ok := snap.teams[alfred.TeamID(*team)]
		if !ok || !actor.AdministersTeam(t.Team.ID) {
			return scope{}, notFound("team", *team)
		}
		return scope{kind: api.OverviewScopeKindTeam, id: *team, name: t.Team.Name, teams: []alfred.TeamID{t.Team.ID}}, nil
	case department != nil:
		if !actor.Access.Administers() {
			return scope{}, notFound("department", *department)
		}
		d, err := s.Records.Department(ctx, actor.Org, alfred.DepartmentID(*department))
		return scope{kind: api.OverviewScopeKindDepartment, id: *department, name: d.Name, department: d.ID}, err
	case actor.Access.Administers():
		return scope{kind: api.OverviewScopeKindOrganization, id: string(snap.org.ID), name: snap.org.Name}, nil
	default:
		return scope{kind: api.OverviewScopeKindTeams, name: fmt.Sprintf("%s teams", alfred.Figure(len(actor.TeamsAdmin))), teams: append([]alfred.TeamID{}, actor.TeamsAdmin...)}, nil
	}
}

// GetOverview answers everything that the overview shows.
func (s *server) GetOverview(ctx context.Context, r api.GetOverviewRequestObject) (api.GetOverviewResponseObject, error) {
	org := callOf(ctx).actor.Org
	var asked []alfred.TeamID
	if r.Params.Team != nil {
		asked = append(asked, alfred.TeamID(*r.Params.Team))
	}
	snap, err := s.snapshotOf(ctx, org, asked)
	if err != nil {
		return nil, err
	}
	of, err := s.scopeOf(ctx, snap, r.Params.Team, r.Params.Department)
	if err != nil {
		return nil, err
	}
	window, err := snap.named(string(value(r.Params.Window)))
	if err != nil {
		return nil, err
	}
	out := api.Overview{
		AsOf: s.asOf(ctx, org), Window: snap.describeWindow(window), Unit: snap.org.Settings.UnitName,
		Held: nullable.NewNullNullable[alfred.Credits](), HeldRequests: nullable.NewNullNullable[int](),
	}
	out.Scope.Kind, out.Scope.Id, out.Scope.Name = of.kind, of.id, of.name
	if out.DemoUsed, err = s.demoUsed(ctx, snap, of, window); err != nil {
		return nil, err
	}
	// Each part fills fields of its own.
	parts, within := errgroup.WithContext(ctx)
	for _, part := range []func(context.Context, *snapshot, scope, alfred.Window, *api.Overview) error{
		s.overviewPeople, s.overviewUsage, s.overviewTeams, s.overviewOvershoot, s.overviewDenials,
	} {
		parts.Go(func() error { return part(within, snap, of, window, &out) })
	}
	if err := parts.Wait(); err != nil {
		return nil, err
	}
	out.Left = (out.Limit - out.Used - given0(out.Held)).Floor0()
	err = s.overviewBurn(ctx, snap, of, window, &out)
	return api.GetOverview200JSONResponse(out), err
}

// given0 is what a figure says, or 0 when it is not known.
func given0(n nullable.Nullable[alfred.Credits]) alfred.Credits {
	v, _ := n.Get()
	return v
}

// overviewPeople counts people and finds what may be spent: the cap that is
// enforced, else what was allocated. No cap concerns demo data: with it, what was
// allocated to its people and teams is the limit of what they used.
func (s *server) overviewPeople(ctx context.Context, snap *snapshot, of scope, window alfred.Window, out *api.Overview) error {
	n, err := s.Records.CountPeople(ctx, snap.org.ID, alfred.People{Teams: of.teams, Department: of.department}, window.Start, snap.org.Settings.DefaultPersonalQuota)
	if err != nil {
		return err
	}
	out.People.Total, out.People.Active, out.People.OnVacation = n.Active+n.OnVacation+n.Suspended, n.Active, n.OnVacation
	out.People.Suspended, out.People.Used = n.Suspended, n.Used
	projects, err := s.Records.Projects(ctx, snap.org.ID)
	if err != nil {
		return err
	}
	for _, p := range projects {
		if p.Active {
			out.Projects++
		}
	}
	out.Limit, out.LimitSource = n.Quotas, api.OverviewLimitSourceAllocated
	teams, err := s.Records.Teams(ctx, snap.org.ID, "", "", 0)
	if err != nil {
		return err
	}
	for _, t := range teams {
		if of.covers(t) {
			out.Teams++
			out.Limit += t.CommonPool
		}
	}
	limits, err := s.Records.Limits(ctx, snap.org.ID)
	if err != nil || !out.DemoUsed.IsNull() {
		return err
	}
	for _, l := range limits {
		mine := l.Scope == alfred.ScopeOrganization && of.kind == api.OverviewScopeKindOrganization ||
			l.Scope == alfred.ScopeDepartment && l.Subject == string(of.department) ||
			l.Scope == alfred.ScopeTeam && of.kind == api.OverviewScopeKindTeam && l.Subject == of.id
		if mine && l.Metric == alfred.MetricCredits && l.Mode == alfred.Enforce {
			out.Limit, out.LimitSource = l.Credits, api.OverviewLimitSourceCap
		}
	}
	return nil
}

// covers says whether a team belongs to the scope.
func (c scope) covers(t alfred.Team) bool {
	switch {
	case c.department != "":
		return t.Department == c.department
	case c.teams != nil:
		return slices.Contains(c.teams, t.ID)
	default:
		return true
	}
}

// overviewUsage sums the window, as it is live, and the same stretch of the
// one before.
func (s *server) overviewUsage(ctx context.Context, snap *snapshot, of scope, window alfred.Window, out *api.Overview) error {
	until := earlier(window.End, snap.now)
	rows, err := s.Records.UsageQuery(ctx, snap.org.ID, alfred.UsageQuery{
		From: window.Start, Until: until, ToNow: window.Contains(snap.now), Zone: snap.zone, GroupBy: []alfred.UsageDimension{alfred.ByModel}, Filter: of.filter(),
	})
	if err != nil {
		return err
	}
	var total alfred.UsageSums
	for _, r := range rows {
		total.Add(r.UsageSums)
	}
	out.Used, out.Requests, out.Denials, out.EstimatedRequests = total.Cost, int(total.Requests), int(total.Denials), int(total.Estimated)
	out.Tokens = total.Usage
	out.ByModel = []api.UsageGroup{}
	measures := []api.UsageMeasure{api.UsageMeasureCredits, api.UsageMeasureRequests, api.UsageMeasureInputTokens, api.UsageMeasureOutputTokens}
	used := slices.DeleteFunc(rows, func(r alfred.UsageRow) bool { return r.Requests == 0 && r.Cost == 0 })
	for _, g := range leading(used, 6) {
		out.ByModel = append(out.ByModel, api.UsageGroup{
			Keys: usageKeys([]alfred.UsageDimension{alfred.ByModel}, g.Group, &names{}, false), Other: g.Other, Sums: measured(g.UsageSums, measures),
		})
	}
	s.overviewLive(ctx, snap, of, window, out)
	previous, err := snap.org.Settings.WindowBefore(window)
	if err != nil || !previous.Start.Before(window.Start) {
		return err
	}
	before, err := s.Records.UsageQuery(ctx, snap.org.ID, alfred.UsageQuery{
		From: previous.Start, Until: earlier(previous.Start.Add(until.Sub(window.Start)), previous.End), Zone: snap.zone, Filter: of.filter(),
	})
	for _, r := range before {
		out.Previous.Used, out.Previous.Requests, out.Previous.Denials = r.Cost, int(r.Requests), int(r.Denials)
	}
	return err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// overviewLive takes what was used and what is held from the live counters,
// while the window runs. When they cannot be read, the record's sums stand
// and what is held is not known. They have nothing of the demo data: with it, the
// record says what was used, as it does in every chart of the page.
func (s *server) overviewLive(ctx context.Context, snap *snapshot, of scope, window alfred.Window, out *api.Overview) {
	if !window.Contains(snap.now) {
		return
	}
	balances, err := s.balances(ctx, snap.org.ID, of.counters(snap.org.ID, window))
	if err != nil {
		s.Log.Warn("overview without live counters", "request_id", callOf(ctx).request, "err", err)
		return
	}
	var used, held alfred.Credits
	for _, b := range balances {
		used, held = used+b.Used(), held+b.Held().Floor0()
	}
	out.Held = nullable.NewNullableWithValue(held)
	if out.DemoUsed.IsNull() {
		out.Used = used
	}
	if of.kind == api.OverviewScopeKindOrganization {
		if n, err := s.Live.OpenHolds(ctx, snap.org.ID); err == nil {
			out.HeldRequests = nullable.NewNullableWithValue(int(n))
		}
	}
}

// longestBurn bounds a burn-up to what has room on a page: a lifetime has too
// many days.
const longestBurn = 400 * 24 * time.Hour

// overviewBurn draws how the limit is used up, and says how long it lasts.
func (s *server) overviewBurn(ctx context.Context, snap *snapshot, of scope, window alfred.Window, out *api.Overview) error {
	until := earlier(window.End, snap.now)
	out.Burn, out.Pace = []api.BurnPoint{}, pace(snap.now, alfred.Window{}, nil, 0, 0)
	if until.Sub(window.Start) > longestBurn {
		return nil
	}
	rows, err := s.Records.UsageQuery(ctx, snap.org.ID, alfred.UsageQuery{
		From: window.Start, Until: until, ToNow: window.Contains(snap.now), Zone: snap.zone, Interval: alfred.IntervalDay, Filter: of.filter(),
	})
	if err != nil {
		return err
	}
	byDay := map[int64]alfred.Credits{}
	for _, r := range rows {
		byDay[r.At.Unix()] += r.Cost
	}
	limit := nullable.NewNullableWithValue(out.Limit)
	var sum alfred.Credits
	var whole []alfred.Credits
	days := intervals(alfred.IntervalDay, window.Start, until, snap.zone)
	for i, day := range days {
		sum += byDay[day.Unix()]
		if i+1 < len(days) {
			whole = append(whole, byDay[day.Unix()])
			out.Burn = append(out.Burn, api.BurnPoint{At: days[i+1], Used: sum, Limit: limit})
		}
	}
	out.Burn = append(out.Burn, api.BurnPoint{At: until, Used: out.Used, Limit: limit})
	out.Pace = pace(snap.now, window, whole, out.Used, out.Limit)
	return nil
}

// overviewOvershoot counts the requests that cost more than was held for
// them, since the organisation began: only those can go past a limit.
func (s *server) overviewOvershoot(ctx context.Context, snap *snapshot, of scope, _ alfred.Window, out *api.Overview) error {
	out.Overshoot.Since = snap.org.CreatedAt
	rows, err := s.Records.UsageQuery(ctx, snap.org.ID, alfred.UsageQuery{From: snap.org.CreatedAt, Until: snap.now, ToNow: true, Zone: snap.zone, Filter: of.filter()})
	for _, r := range rows {
		out.Overshoot.Count += int(r.Overruns)
	}
	return err
}

// overviewDenials lists who was refused last.
func (s *server) overviewDenials(ctx context.Context, snap *snapshot, of scope, window alfred.Window, out *api.Overview) (err error) {
	out.RecentDenials, _, err = s.decisionRows(ctx, snap.org.ID, alfred.DecisionFilter{Teams: of.teams, From: window.Start, Until: window.End, Limit: 5})
	return err
}

// overviewTeams lists who uses most, with the pool of each.
func (s *server) overviewTeams(ctx context.Context, snap *snapshot, of scope, window alfred.Window, out *api.Overview) error {
	out.ByTeam = []api.TeamUse{}
	rows, err := s.Records.UsageQuery(ctx, snap.org.ID, alfred.UsageQuery{
		From: window.Start, Until: earlier(window.End, snap.now), ToNow: window.Contains(snap.now), Zone: snap.zone, GroupBy: []alfred.UsageDimension{alfred.ByTeam}, Filter: of.filter(), Top: 10,
	})
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r alfred.UsageRow) bool { return r.Cost == 0 })
	var ids []alfred.TeamID
	for _, r := range rows {
		if !r.Other {
			ids = append(ids, alfred.TeamID(r.Group[0]))
		}
	}
	named, err := s.snapshotOf(ctx, snap.org.ID, ids)
	if err != nil {
		return err
	}
	var pools []alfred.Counter
	var at []int
	for _, r := range rows {
		use := api.TeamUse{Other: r.Other, Used: r.Cost}
		if !r.Other {
			id := alfred.TeamID(r.Group[0])
			use.Id, use.Name = string(id), named.teams[id].Team.Name
			if share, ok := named.catalog.Teams[id]; ok {
				use.Pool = share.Pool.At(snap.now)
				pools, at = append(pools, alfred.Counter{Kind: alfred.CountPool, Subject: string(id), Window: window}), append(at, len(out.ByTeam))
			}
		}
		out.ByTeam = append(out.ByTeam, use)
	}
	if len(pools) == 0 {
		return nil
	}
	balances, err := s.balances(ctx, snap.org.ID, pools)
	if err != nil {
		return nil //nolint:nilerr // the bars stand without what the pools paid
	}
	for i, b := range balances {
		out.ByTeam[at[i]].PoolUsed = b.Used()
	}
	return nil
}
