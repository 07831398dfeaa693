package alfred

import (
	"fmt"
	"slices"
	"time"
)

// Ask is what one request says of itself, beside its credential.
type Ask struct {
	Model    string
	Priority Priority // as asked; lowered to the ceiling here
	Project  string   // X-Project-ID: a project's code, or ""
	Team     string   // X-Team-ID: the team to charge, or ""
	Tokens   int64    // what a tokens-per-minute bucket is charged on admission
}

// Refusal is a reason to say no that needs no counter.
type Refusal struct {
	Code   Code
	Field  string
	Detail string
}

// NewPlan lists what a request must pass and who pays, from one snapshot of
// the directory: caps from key to organisation, the personal leg, the team
// legs by date of joining, the overdraft when the priority is critical.
//
// Counters of the person, primary team, home department, key and organisation
// always travel, limited or not, so that a limit that is set in mid-window
// meets the usage so far. The fail mode is the strictest of the organisation's
// and of those that the limits have chosen. A refusal is a value; an error means that the
// directory is broken.
func NewPlan(c *Catalog, p *Principal, a Ask, now time.Time) (Plan, *Refusal, error) {
	w, err := c.Settings.WindowAt(now)
	if err != nil {
		return Plan{}, nil, fmt.Errorf("catalog of %s: %w", c.Org, err)
	}
	ceiling := p.MaxPriority
	if !ceiling.Valid() {
		ceiling = c.Settings.DefaultMaxPriority
	}
	plan := Plan{Window: w, Priority: a.Priority.AtMost(ceiling), Team: p.PrimaryTeam(), FailMode: c.Settings.FailMode}
	plan.Lowered = plan.Priority != a.Priority

	teams := p.Teams
	if a.Team != "" {
		if !slices.Contains(p.Teams, TeamID(a.Team)) {
			return Plan{}, &Refusal{CodeTeamNotAllowed, "X-Team-ID", "X-Team-ID names a team that you are not a member of."}, nil
		}
		plan.Team, teams = TeamID(a.Team), []TeamID{TeamID(a.Team)}
	}
	if a.Project != "" {
		plan.Project = projectOf(p, a.Project)
		if plan.Project == "" {
			return Plan{}, &Refusal{CodeProject, "X-Project-ID", fmt.Sprintf("X-Project-ID %q is not an active project of yours.", a.Project)}, nil
		}
	}

	b := planner{catalog: c, principal: p, window: w, plan: &plan}
	b.cap(ScopeKey, string(p.Key), p.Limits, CodeKeyBudget, TakeHalf, true)
	b.cap(ScopeUser, string(p.User), p.Limits, CodeUserQuota, TakeHalf, true)
	b.cap(ScopeTeam, string(plan.Team), c.Limits, CodeTeamBudget, TakeQuarter, true)
	b.cap(ScopeProject, string(plan.Project), c.Limits, CodeProjectBudget, TakeQuarter, true)
	b.cap(ScopeDepartment, string(p.Department), c.Limits, CodeDepartment, TakeQuarter, true)
	b.cap(ScopeModel, a.Model, c.Limits, CodeModelBudget, TakeQuarter, false)
	b.cap(ScopeOrganization, string(c.Org), c.Limits, CodeOrganization, TakeQuarter, true)

	b.buckets(ScopeKey, string(p.Key), p.Limits, a.Tokens)
	b.buckets(ScopeUser, string(p.User), p.Limits, a.Tokens)
	b.buckets(ScopeTeam, string(plan.Team), c.Limits, a.Tokens)
	b.buckets(ScopeProject, string(plan.Project), c.Limits, a.Tokens)
	b.buckets(ScopeDepartment, string(p.Department), c.Limits, a.Tokens)
	b.buckets(ScopeModel, a.Model, c.Limits, a.Tokens)
	b.buckets(ScopeOrganization, string(c.Org), c.Limits, a.Tokens)

	plan.Legs = append(plan.Legs, PersonalLeg(p, w, now))
	// Someone on vacation has released his share of the pool.
	if p.UserStatus == Active {
		for _, t := range teams[:min(len(teams), MaxTeamLegs)] {
			if share, ok := c.Teams[t]; ok {
				plan.Legs = append(plan.Legs, TeamLeg(t, share, p.User, w, now))
			}
		}
	}
	if plan.Priority == PriorityCritical {
		leg := OverdraftLeg(p, w, now)
		plan.Overdraft = &leg
	}
	return plan, nil, nil
}

type planner struct {
	catalog   *Catalog
	principal *Principal
	window    Window
	plan      *Plan
}

// cap adds the counter of a subject, with a limit if one is set. Without one
// it travels only when always is set.
func (b *planner) cap(scope Scope, subject string, limits []Limit, code Code, share ShareRule, always bool) {
	if subject == "" {
		return
	}
	charge := Charge{Counter: Counter{scope.Counter(), subject, b.window}, Ceiling: Unlimited, Share: share}
	l, limited := findLimit(limits, scope, subject, MetricCredits)
	if !limited && !always {
		return
	}
	mode := Enforce
	if limited {
		charge.Ceiling, mode = l.Credits, l.Mode
		b.meet(l)
	}
	b.plan.Caps = append(b.plan.Caps, Cap{charge, mode, code})
}

// meet lets a limit tighten what happens in an outage. Quotas and pools, which
// have no mode of their own, follow the organisation, so no limit loosens it;
// one that does not bind has no say.
func (b *planner) meet(l Limit) {
	if l.Mode == Enforce {
		b.plan.FailMode = strictest(b.plan.FailMode, l.FailMode)
	}
}

// buckets adds the buckets of a subject. A request above a whole minute's
// tokens is charged a minute's when it is admitted and goes into debt when it
// settles: refusing it would be for ever.
func (b *planner) buckets(scope Scope, subject string, limits []Limit, tokens int64) {
	if subject == "" {
		return
	}
	for _, charge := range []struct {
		metric Metric
		units  int64
	}{{MetricRequestsPerMinute, 1}, {MetricTokensPerMinute, tokens}} {
		if l, ok := findLimit(limits, scope, subject, charge.metric); ok && l.Mode == Enforce {
			b.plan.Buckets = append(b.plan.Buckets, BucketCharge{Bucket{scope, subject, charge.metric, l.Rate}, min(charge.units, l.Rate)})
			b.meet(l)
		}
	}
}

// PersonalLeg is a person's own quota.
func PersonalLeg(p *Principal, w Window, now time.Time) Leg {
	return Leg{Kind: LegPersonal, Code: CodeUserQuota, Source: "personal quota", Group: []Charge{{
		Counter: Counter{CountPersonal, string(p.User), w}, Ceiling: p.Personal.At(now), Share: TakeHalf,
	}}}
}

// Share is what each active member may draw from a pool: an equal part in
// whole credits, or all of it where sharing is open. Without an active member
// it is 0.
func (t TeamShare) Share(now time.Time) Credits {
	pool := (t.Pool.At(now) - t.Outflow.At(now)).Floor0()
	switch {
	case t.Active <= 0:
		return 0
	case t.Sharing == SharingOpen:
		return pool
	default:
		return EqualShare(pool, t.Active)
	}
}

// EqualShare divides a pool by its active members, in whole credits, rounded
// down: what cannot be divided stays in the pool.
func EqualShare(pool Credits, active int) Credits {
	if active <= 0 {
		return 0
	}
	return (pool.Floor0() / Credits(active)).Whole()
}

// TeamLeg is a member's part of a team's pool: the pool's counter and the
// member's share counter move together.
func TeamLeg(t TeamID, share TeamShare, u UserID, w Window, now time.Time) Leg {
	return Leg{Kind: LegTeam, Code: CodeTeamPool, Source: share.Name + " share", Group: []Charge{
		{Counter: Counter{CountPool, string(t), w}, Ceiling: share.Pool.At(now), Share: TakeQuarter},
		{Counter: Counter{CountShare, ShareSubject(t, u), w}, Ceiling: share.Share(now), Share: TakeHalf},
	}}
}

// OverdraftLeg is what a person may overdraw at critical priority.
func OverdraftLeg(p *Principal, w Window, now time.Time) Leg {
	return Leg{Kind: LegOverdraft, Code: CodeUserQuota, Source: "critical overdraft", Group: []Charge{{
		Counter: Counter{CountOverdraft, string(p.User), w}, Ceiling: p.Overdraft.At(now), Share: TakeHalf,
	}}}
}

func projectOf(p *Principal, code string) ProjectID {
	for _, r := range p.Projects {
		if r.Code == code || string(r.ID) == code {
			return r.ID
		}
	}
	return ""
}
