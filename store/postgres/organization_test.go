package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestAnOrganisationComesBackAsStored(t *testing.T) {
	w := newWorld(t)
	sunday := time.Sunday
	o := alfred.Organization{ID: w.org, Name: "Acme Ltd", Settings: alfred.DefaultSettings(), Version: 1, CreatedAt: noon, UpdatedAt: noon.Add(time.Hour)}
	o.Settings.DefaultPersonalQuota, o.Settings.DefaultTeamPool, o.Settings.UnitName = 1, alfred.MaxCredits, "point"
	o.Settings.Window = alfred.WindowRule{Kind: alfred.Range, WeekStart: &sunday, Start: noon, End: noon.Add(time.Hour)}
	w.must(w.UpdateOrganization(w.ctx, o))
	w.refused(w.UpdateOrganization(w.ctx, o), alfred.CodeStaleVersion)
	o.Version = 2
	got, err := w.Organization(w.ctx, w.org)
	w.must(err)
	w.same(got, o)
	all, err := w.Organizations(w.ctx)
	w.must(err)
	w.same(all, []alfred.Organization{o})

	w.refused(w.CreateOrganization(w.ctx, o), alfred.CodeConflict)
	o.ID = "org_none"
	w.refused(w.UpdateOrganization(w.ctx, o), alfred.CodeNotFound)
	_, err = w.Organization(w.ctx, o.ID)
	w.refused(err, alfred.CodeNotFound)
}

func TestTheDatabaseRefusesSettingsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	for name, spoil := range map[string]func(*alfred.Settings){
		"a negative quota":      func(s *alfred.Settings) { s.DefaultPersonalQuota = -1 },
		"a pool without bounds": func(s *alfred.Settings) { s.DefaultTeamPool = alfred.Unlimited },
		"101 percent":           func(s *alfred.Settings) { s.VacationSharePercent = 101 },
		"no zone":               func(s *alfred.Settings) { s.Zone = "" },
		"no window":             func(s *alfred.Settings) { s.Window = alfred.WindowRule{} },
		"no such sharing":       func(s *alfred.Settings) { s.PoolSharing = "luck" },
		"a hold of no time":     func(s *alfred.Settings) { s.HoldSeconds = 0 },
	} {
		o := alfred.Organization{ID: id[alfred.OrgID](t, "org"), Name: name, Settings: alfred.DefaultSettings(), CreatedAt: noon}
		spoil(&o.Settings)
		if got := alfred.ErrorCode(w.CreateOrganization(w.ctx, o)); got != alfred.CodeValidation {
			t.Errorf("%s: got %q", name, got)
		}
	}
	w.breaks("organizations_settings", `UPDATE organizations SET settings = settings - 'default_team_pool'`)
}

func TestOfTwoFirstAdminsOneIsTheFirst(t *testing.T) {
	w := newWorld(t)
	done, err := w.Bootstrapped(w.ctx)
	w.must(err)
	w.same(done, false)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			err := w.InTx(w.ctx, func(ctx context.Context) error {
				if err := w.Lock(ctx, "bootstrap"); err != nil {
					return err
				}
				done, err := w.Bootstrapped(ctx)
				if err != nil || done {
					return err
				}
				if err := w.MarkBootstrapped(ctx, noon); err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				won++
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.same(won, 1)
	done, err = w.Bootstrapped(w.ctx)
	w.must(err)
	w.same(done, true)
	w.refused(w.MarkBootstrapped(w.ctx, noon), alfred.CodeConflict)
	w.stays("DELETE FROM deployment")
	w.stays("UPDATE deployment SET bootstrapped_at = now()")
}

func TestDepartments(t *testing.T) {
	w := newWorld(t)
	d := alfred.Department{ID: id[alfred.DepartmentID](t, "dep"), Org: w.org, Name: "Research", CostCenter: "42", CreatedAt: noon}
	w.must(w.PutDepartment(w.ctx, d))
	w.refused(w.PutDepartment(w.ctx, d), alfred.CodeConflict)
	d.Version, d.Name, d.CostCenter, d.UpdatedAt = 1, "Science", "43", noon.Add(time.Hour)
	w.must(w.PutDepartment(w.ctx, d))
	w.refused(w.PutDepartment(w.ctx, d), alfred.CodeStaleVersion)
	d.Version = 2
	got, err := w.Department(w.ctx, w.org, d.ID)
	w.must(err)
	w.same(got, d)
	all, err := w.Departments(w.ctx, w.org)
	w.must(err)
	w.same(all, []alfred.Department{d})
	d.ID = "dep_none"
	w.refused(w.PutDepartment(w.ctx, d), alfred.CodeNotFound)
	_, err = w.Department(w.ctx, w.org, d.ID)
	w.refused(err, alfred.CodeNotFound)
}

func TestProjects(t *testing.T) {
	w := newWorld(t)
	p := alfred.Project{ID: id[alfred.ProjectID](t, "prj"), Org: w.org, Code: "apollo", Name: "Apollo", Active: true, CreatedAt: noon}
	w.must(w.PutProject(w.ctx, p))
	twin := p
	twin.ID = id[alfred.ProjectID](t, "prj")
	w.refused(w.PutProject(w.ctx, twin), alfred.CodeConflict)
	p.Version, p.Name, p.Active, p.UpdatedAt = 1, "Apollo 11", false, noon.Add(time.Hour)
	w.must(w.PutProject(w.ctx, p))
	w.refused(w.PutProject(w.ctx, p), alfred.CodeStaleVersion)
	p.Version = 2
	got, err := w.Project(w.ctx, w.org, p.ID)
	w.must(err)
	w.same(got, p)
	all, err := w.Projects(w.ctx, w.org)
	w.must(err)
	w.same(all, []alfred.Project{p})
	_, err = w.Project(w.ctx, w.org, "prj_none")
	w.refused(err, alfred.CodeNotFound)

	u := w.person("ana@example.com", nil)
	w.must(w.AddProjectMember(w.ctx, w.org, p.ID, u.ID))
	w.must(w.AddProjectMember(w.ctx, w.org, p.ID, u.ID))
	w.refused(w.AddProjectMember(w.ctx, w.org, p.ID, "usr_none"), alfred.CodeNotFound)
	w.refused(w.AddProjectMember(w.ctx, w.org, "prj_none", u.ID), alfred.CodeNotFound)
	members, err := w.ProjectMembers(w.ctx, w.org, p.ID)
	w.must(err)
	w.same(members, []alfred.UserID{u.ID})
	w.must(w.RemoveProjectMember(w.ctx, w.org, p.ID, u.ID))
	w.refused(w.RemoveProjectMember(w.ctx, w.org, p.ID, u.ID), alfred.CodeNotFound)
}

func TestTheRateCardInForceIsTheOneThatCameLast(t *testing.T) {
	w := newWorld(t)
	_, err := w.RateCard(w.ctx, w.org, noon)
	w.refused(err, alfred.CodeNotFound)
	first := alfred.DefaultRateCard()
	second := alfred.RateCard{Version: 2, Effective: noon, Rates: []alfred.Rate{{Match: "gpt-*", Input: 1, Output: 3 * alfred.Credit / 7, Request: 9}}}
	third := alfred.RateCard{Version: 3, Effective: noon}
	for _, c := range []alfred.RateCard{first, second} {
		w.must(w.AddRateCard(w.ctx, w.org, c))
	}
	w.refused(w.AddRateCard(w.ctx, w.org, second), alfred.CodeConflict)
	for at, want := range map[time.Time]alfred.RateCard{noon.Add(-time.Microsecond): first, noon: second} {
		got, err := w.RateCard(w.ctx, w.org, at)
		w.must(err)
		w.same(got, want)
	}
	w.must(w.AddRateCard(w.ctx, w.org, third))
	got, err := w.RateCard(w.ctx, w.org, noon)
	w.must(err)
	w.same(got.Version, third.Version)
	w.stays("UPDATE rate_card_versions SET rates = '[]'")
	w.stays("DELETE FROM rate_card_versions")
	w.stays("TRUNCATE rate_card_versions")
}

func TestModels(t *testing.T) {
	w := newWorld(t)
	a := alfred.Model{Name: "alpha", Provider: "mock", MaxOutput: 100, OutputLimitField: "max_completion_tokens", PartBound: 5}
	b := alfred.Model{Name: "beta"}
	w.must(w.PutModel(w.ctx, w.org, b))
	w.must(w.PutModel(w.ctx, w.org, alfred.Model{Name: "alpha"}))
	w.must(w.PutModel(w.ctx, w.org, a))
	got, err := w.Models(w.ctx, w.org)
	w.must(err)
	w.same(got, []alfred.Model{a, b})
	w.refused(w.PutModel(w.ctx, w.org, alfred.Model{Name: "c", MaxOutput: -1}), alfred.CodeValidation)
}
