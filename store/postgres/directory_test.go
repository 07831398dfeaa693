package postgres_test

import (
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestThePeopleOfTheDirectory(t *testing.T) {
	w := newWorld(t)
	ana, bo, gone := w.person("ana@example.com", nil), w.person("bo@example.com", nil), w.person("gone@example.com", nil)
	key, dead := w.key(ana.ID), w.key(gone.ID)
	core, web := w.team("Core", 10), w.team("Web", 10)
	second, first := w.join(core.ID, ana.ID, time.Hour, false), w.join(web.ID, ana.ID, 0, false)
	live := alfred.Project{ID: id[alfred.ProjectID](t, "prj"), Org: w.org, Code: "live", Active: true, CreatedAt: noon}
	over := alfred.Project{ID: id[alfred.ProjectID](t, "prj"), Org: w.org, Code: "over", CreatedAt: noon}
	for _, p := range []alfred.Project{live, over} {
		w.must(w.PutProject(w.ctx, p))
		w.must(w.AddProjectMember(w.ctx, w.org, p.ID, ana.ID))
	}
	now := noon.Add(time.Hour)
	standing, ended := w.adjustment(alfred.BudgetPersonal, string(ana.ID), 5, ""), w.adjustment(alfred.BudgetPersonal, string(ana.ID), 6, "")
	debt := w.adjustment(alfred.BudgetOverdraft, string(ana.ID), -3, "")
	debt.Until, debt.CreatedAt = time.Time{}, noon.Add(time.Second)
	ended.Until = now
	w.must(w.AddAdjustments(w.ctx, standing, ended, debt, w.adjustment(alfred.BudgetPersonal, string(bo.ID), 1, "")))
	ofPerson := alfred.Limit{Scope: alfred.ScopeUser, Subject: string(ana.ID), Metric: alfred.MetricCredits, Credits: 5, Mode: alfred.Enforce}
	ofKey := alfred.Limit{Scope: alfred.ScopeKey, Subject: string(key.ID), Metric: alfred.MetricCredits, Credits: 5, Mode: alfred.Enforce}
	w.must(w.PutLimit(w.ctx, w.org, ofPerson))
	w.must(w.PutLimit(w.ctx, w.org, ofKey))
	w.must(w.DeleteUser(w.ctx, w.org, gone.ID, 0, now))
	gone.Version, gone.DeletedAt, gone.UpdatedAt = 2, now, now
	dead.Status, dead.RevokedAt = alfred.KeyRevoked, now

	got, err := w.UserDirectory(w.ctx, w.org, []alfred.UserID{gone.ID, "usr_none", ana.ID}, now)
	w.must(err)
	w.same(got, []alfred.UserDirectory{
		{User: gone, Keys: []alfred.Key{dead}},
		{
			User: ana, Keys: []alfred.Key{key}, Memberships: []alfred.Member{first, second}, Projects: []alfred.ProjectRef{{ID: live.ID, Code: "live"}},
			Adjustments: []alfred.Adjustment{standing, debt}, Limits: []alfred.Limit{ofPerson, ofKey},
		},
	})
	got, err = w.UserDirectory(w.ctx, w.org, nil, now)
	w.must(err)
	w.same(len(got), 0)
}

func TestTheTeamsOfTheDirectory(t *testing.T) {
	w := newWorld(t)
	core, empty := w.team("Core", 10), w.team("Empty", 20)
	status := func(s alfred.UserStatus) func(*alfred.User) { return func(u *alfred.User) { u.Status = s } }
	for i, p := range []struct {
		email  string
		status alfred.UserStatus
		admin  bool
	}{
		{"boss@example.com", alfred.Suspended, true}, // cannot answer
		{"ana@example.com", alfred.Active, false},
		{"second@example.com", alfred.OnVacation, true},
		{"third@example.com", alfred.Active, true},
	} {
		w.join(core.ID, w.person(p.email, status(p.status)).ID, time.Duration(i)*time.Hour, p.admin)
	}
	left := w.person("left@example.com", nil)
	w.join(core.ID, left.ID, -time.Hour, true)
	w.must(w.DeleteUser(w.ctx, w.org, left.ID, 0, noon))
	move := id[alfred.MoveID](t, "mov")
	in, out := w.adjustment(alfred.BudgetPool, string(core.ID), 5, move), w.adjustment(alfred.BudgetPersonal, "usr_a", -5, move)
	ended := w.adjustment(alfred.BudgetPool, string(core.ID), 5, "")
	ended.Until = noon
	w.must(w.AddAdjustments(w.ctx, in, out, ended))

	got, err := w.TeamDirectory(w.ctx, w.org, noon)
	w.must(err)
	want := []alfred.TeamDirectory{{Team: core, Members: 4, Active: 2, Adjustments: []alfred.Adjustment{in}, Ask: "second@example.com"}, {Team: empty}}
	if empty.ID < core.ID {
		want[0], want[1] = want[1], want[0]
	}
	w.same(got, want)
}
