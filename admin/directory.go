package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
)

// snapshot is the record of an organisation as the data plane is to see it:
// what the API computes with and what the publisher publishes.
type snapshot struct {
	org     alfred.Organization
	now     time.Time
	zone    *time.Location
	window  alfred.Window
	teams   map[alfred.TeamID]alfred.TeamDirectory
	catalog *alfred.Catalog
	ask     string // an owner's address, for who has no team admin to ask
}

// snapshotOf reads what is shared and some teams alone: what concerns a few
// people of many.
func (s *server) snapshotOf(ctx context.Context, org alfred.OrgID, teams []alfred.TeamID) (*snapshot, error) {
	snap, err := readSnapshot(ctx, s.Records, org, s.Now())
	if err != nil {
		return nil, err
	}
	return snap, snap.addTeams(ctx, s.Records, teams...)
}

// teamsOf lists the teams of some people.
func teamsOf(people ...alfred.UserDirectory) (teams []alfred.TeamID) {
	for _, d := range people {
		for _, m := range d.Memberships {
			if !slices.Contains(teams, m.Team) {
				teams = append(teams, m.Team)
			}
		}
	}
	return teams
}

// snapshotOfPerson reads one person and what concerns them.
func (s *server) snapshotOfPerson(ctx context.Context, org alfred.OrgID, id alfred.UserID) (*snapshot, alfred.UserDirectory, error) {
	d, err := person(ctx, s.Records, org, id, s.Now())
	if err != nil {
		return nil, d, err
	}
	snap, err := s.snapshotOf(ctx, org, teamsOf(d))
	return snap, d, err
}

// readSnapshot reads what is shared, without any team.
func readSnapshot(ctx context.Context, r Records, id alfred.OrgID, now time.Time) (*snapshot, error) {
	org, err := r.Organization(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read organisation: %w", err)
	}
	org.Settings = org.Settings.At(now)
	zone, err := alfred.Zone(org.Settings.Zone)
	if err != nil {
		return nil, err
	}
	window, err := org.Settings.WindowAt(now)
	if err != nil {
		return nil, err
	}
	snap := &snapshot{org: org, now: now, zone: zone, window: window, teams: map[alfred.TeamID]alfred.TeamDirectory{}}
	snap.catalog = &alfred.Catalog{Org: id, Name: org.Name, Settings: org.Settings, Teams: map[alfred.TeamID]alfred.TeamShare{}}
	return snap, nil
}

// addTeams reads some teams into a snapshot.
func (p *snapshot) addTeams(ctx context.Context, r Records, some ...alfred.TeamID) error {
	if len(some) == 0 {
		return nil
	}
	return p.readTeams(ctx, r, some...)
}

// addAllTeams reads all teams into a snapshot.
func (p *snapshot) addAllTeams(ctx context.Context, r Records) error { return p.readTeams(ctx, r) }

func (p *snapshot) readTeams(ctx context.Context, r Records, only ...alfred.TeamID) error {
	teams, err := r.TeamDirectory(ctx, p.org.ID, p.now, only...)
	if err != nil {
		return fmt.Errorf("read teams: %w", err)
	}
	for _, t := range teams {
		p.teams[t.Team.ID] = t
		p.catalog.Teams[t.Team.ID] = teamShare(t, p.org.Settings, p.now)
	}
	return nil
}

// complete adds what only the data plane needs: prices, models and limits.
func (p *snapshot) complete(ctx context.Context, r Records) error {
	card, err := r.RateCard(ctx, p.org.ID, p.now)
	if err != nil {
		return fmt.Errorf("read rate card: %w", err)
	}
	models, err := r.Models(ctx, p.org.ID)
	if err != nil {
		return fmt.Errorf("read models: %w", err)
	}
	limits, err := r.Limits(ctx, p.org.ID)
	if err != nil {
		return fmt.Errorf("read limits: %w", err)
	}
	p.catalog.Card, p.catalog.Models = card, models
	for _, l := range limits {
		if l.Scope != alfred.ScopeUser && l.Scope != alfred.ScopeKey {
			p.catalog.Limits = append(p.catalog.Limits, l)
		}
	}
	return nil
}

func teamShare(t alfred.TeamDirectory, s alfred.Settings, now time.Time) alfred.TeamShare {
	sharing := t.Team.Sharing
	if sharing == "" {
		sharing = s.PoolSharing
	}
	return alfred.TeamShare{
		Name: t.Team.Name, Pool: alfred.Publish(t.Team.CommonPool, t.Adjustments, now), Outflow: outflows(t.Adjustments, now),
		Active: t.Active, Sharing: sharing, Ask: t.Ask,
	}
}

// outflows are the amounts that left a budget on its live counter.
func outflows(adjustments []alfred.Adjustment, now time.Time) alfred.Allowance {
	var out alfred.Allowance
	for _, a := range adjustments {
		if a.OnCounter && (a.Until.IsZero() || now.Before(a.Until)) {
			out.Dated = append(out.Dated, alfred.DatedAmount{Amount: -a.Amount, From: a.From, Until: a.Until})
		}
	}
	return out
}

// quota finds a person's quota and where it comes from: the person, the
// primary team, the organisation.
func (p *snapshot) quota(d alfred.UserDirectory) (alfred.Credits, alfred.Source) {
	levels := []alfred.InheritedQuota{{Source: alfred.Source{Level: "user", ID: string(d.User.ID), Name: d.User.Name}, Value: d.User.Quota}}
	if d.User.Kind == alfred.KindService { // nobody's default is meant for a program
		levels[0].Value = cmp.Or(d.User.Quota, new(alfred.Credits))
		return alfred.ResolveQuota(levels...)
	}
	if len(d.Memberships) > 0 {
		if t, ok := p.teams[d.Memberships[0].Team]; ok {
			levels = append(levels, alfred.InheritedQuota{Source: alfred.Source{Level: "team", ID: string(t.Team.ID), Name: t.Team.Name}, Value: t.Team.DefaultQuota})
		}
	}
	levels = append(levels, alfred.InheritedQuota{
		Source: alfred.Source{Level: "organization", ID: string(p.org.ID), Name: p.org.Name}, Value: &p.org.Settings.DefaultPersonalQuota,
	})
	return alfred.ResolveQuota(levels...)
}

// principal is a person as the data plane sees them, apart from the key.
func (p *snapshot) principal(d alfred.UserDirectory) *alfred.Principal {
	base, _ := p.quota(d)
	u := &alfred.Principal{
		Org: p.org.ID, User: d.User.ID, UserStatus: d.User.Status, Department: d.User.Department, Projects: d.Projects,
		Personal:    alfred.Publish(base, adjustmentsOf(d.Adjustments, alfred.BudgetPersonal), p.now),
		Overdraft:   alfred.Publish(p.org.Settings.OverdraftLimit, adjustmentsOf(d.Adjustments, alfred.BudgetOverdraft), p.now),
		MaxPriority: d.User.MaxPriority,
	}
	if d.User.Kind == alfred.KindService {
		u.Overdraft = alfred.Allowance{} // a program has no emergencies
	}
	if u.MaxPriority == "" {
		u.MaxPriority = p.org.Settings.DefaultMaxPriority
	}
	for _, m := range d.Memberships {
		u.Teams = append(u.Teams, m.Team)
		if ask := p.teams[m.Team].Ask; u.Ask == "" && ask != d.User.Email {
			u.Ask = ask
		}
	}
	if u.Ask == "" && p.ask != d.User.Email {
		u.Ask = p.ask
	}
	return u
}

// principals are the records of a person's keys, by hash. Those of a deleted
// person are published as revoked, so that cached copies die.
func (p *snapshot) principals(d alfred.UserDirectory, version int64) map[string]*alfred.Principal {
	out := make(map[string]*alfred.Principal, len(d.Keys))
	for _, k := range d.Keys {
		u := p.principal(d)
		u.Version, u.Key, u.KeyStatus, u.KeyExpires = version, k.ID, k.Status, k.ExpiresAt
		if !d.User.DeletedAt.IsZero() {
			u.KeyStatus = alfred.KeyRevoked
		}
		for _, l := range d.Limits {
			if l.Scope == alfred.ScopeUser || (l.Scope == alfred.ScopeKey && l.Subject == string(k.ID)) {
				u.Limits = append(u.Limits, l)
			}
		}
		out[k.Hash] = u
	}
	return out
}

func adjustmentsOf(all []alfred.Adjustment, kind alfred.BudgetKind) []alfred.Adjustment {
	var out []alfred.Adjustment
	for _, a := range all {
		if a.Budget == kind {
			out = append(out, a)
		}
	}
	return out
}

// person reads one person's directory.
func person(ctx context.Context, r Records, org alfred.OrgID, id alfred.UserID, now time.Time) (alfred.UserDirectory, error) {
	found, err := r.UserDirectory(ctx, org, []alfred.UserID{id}, now)
	if err != nil {
		return alfred.UserDirectory{}, fmt.Errorf("read %s: %w", id, err)
	}
	if len(found) == 0 || !found[0].User.DeletedAt.IsZero() {
		return alfred.UserDirectory{}, notFound("user", string(id))
	}
	return found[0], nil
}
