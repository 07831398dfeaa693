package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestAPersonComesBackAsStored(t *testing.T) {
	w := newWorld(t)
	d := alfred.Department{ID: id[alfred.DepartmentID](t, "dep"), Org: w.org, Name: "Research", CreatedAt: noon}
	w.must(w.PutDepartment(w.ctx, d))
	quota := 500 * alfred.Credit
	want := w.person("Åse@Example.com", func(u *alfred.User) {
		u.Department, u.Quota, u.MaxPriority = d.ID, &quota, alfred.PriorityHigh
		u.Status, u.VacationStart, u.VacationUntil = alfred.OnVacation, noon, noon.Add(time.Hour)
	})
	got, err := w.User(w.ctx, w.org, want.ID)
	w.must(err)
	w.same(got, want)
	got, err = w.UserByEmail(w.ctx, w.org, " åse@example.COM ")
	w.must(err)
	w.same(got, want)
	_, err = w.User(w.ctx, w.org, "usr_none")
	w.refused(err, alfred.CodeNotFound)
	_, err = w.User(w.ctx, "org_other", want.ID)
	w.refused(err, alfred.CodeNotFound)
	_, err = w.UserByEmail(w.ctx, w.org, "none@example.com")
	w.refused(err, alfred.CodeNotFound)
}

func TestAnAddressBelongsToOnePersonInWhateverCase(t *testing.T) {
	w := newWorld(t)
	w.person("Ana@example.com", nil)
	other := w.person("bo@example.com", nil)
	again := other
	again.ID, again.Email = id[alfred.UserID](t, "usr"), "ANA@Example.com"
	w.refused(w.CreateUser(w.ctx, again), alfred.CodeConflict)
	other.Email = "aNa@example.com"
	w.refused(w.UpdateUser(w.ctx, other), alfred.CodeConflict)
}

func TestAChangeNeedsTheVersionThatWasRead(t *testing.T) {
	w := newWorld(t)
	u := w.person("ana@example.com", nil)
	u.Name, u.UpdatedAt = "Ana", noon.Add(time.Minute)
	w.must(w.UpdateUser(w.ctx, u))
	w.refused(w.UpdateUser(w.ctx, u), alfred.CodeStaleVersion)
	got, err := w.User(w.ctx, w.org, u.ID)
	w.must(err)
	u.Version = 2
	w.same(got, u)
	u.ID = "usr_none"
	w.refused(w.UpdateUser(w.ctx, u), alfred.CodeNotFound)

	team := w.team("Core", 0)
	quota := alfred.Credit
	team.Name, team.Description, team.CommonPool, team.Sharing, team.DefaultQuota = "Kernel", "d", 7, alfred.SharingOpen, &quota
	w.must(w.UpdateTeam(w.ctx, team))
	w.refused(w.UpdateTeam(w.ctx, team), alfred.CodeStaleVersion)
	gotTeam, err := w.Team(w.ctx, w.org, team.ID)
	w.must(err)
	team.Version = 2
	w.same(gotTeam, team)
	team.ID = "team_none"
	w.refused(w.UpdateTeam(w.ctx, team), alfred.CodeNotFound)
	_, err = w.Team(w.ctx, w.org, team.ID)
	w.refused(err, alfred.CodeNotFound)
}

func TestAFilterOfPeopleNarrows(t *testing.T) {
	w := newWorld(t)
	team := w.team("Core", 0)
	ana := w.person("ana@example.com", func(u *alfred.User) { u.Name = "Ana Lund" })
	bo := w.person("bo@example.com", func(u *alfred.User) { u.Status = alfred.Suspended })
	cy := w.person("cy_x@example.com", func(u *alfred.User) { u.Access = alfred.RoleAdmin })
	w.join(team.ID, bo.ID, 0, false)
	gone := w.person("gone@example.com", nil)
	w.must(w.DeleteUser(w.ctx, w.org, gone.ID, 0, noon))
	all := []alfred.User{ana, bo, cy}
	sortUsers(all)
	for name, c := range map[string]struct {
		filter alfred.UserFilter
		want   []alfred.User
	}{
		"nothing":             {alfred.UserFilter{}, all},
		"part of a name":      {alfred.UserFilter{Query: "lund"}, []alfred.User{ana}},
		"part of an address":  {alfred.UserFilter{Query: "BO@"}, []alfred.User{bo}},
		"no pattern":          {alfred.UserFilter{Query: "%"}, nil},
		"underscore is plain": {alfred.UserFilter{Query: "_"}, []alfred.User{cy}},
		"status":              {alfred.UserFilter{Statuses: []alfred.UserStatus{alfred.Suspended}}, []alfred.User{bo}},
		"no statuses":         {alfred.UserFilter{Statuses: []alfred.UserStatus{}}, all},
		"team":                {alfred.UserFilter{Team: team.ID}, []alfred.User{bo}},
		"role":                {alfred.UserFilter{Access: alfred.RoleAdmin}, []alfred.User{cy}},
		"first page":          {alfred.UserFilter{Limit: 2}, all[:2]},
		"next page":           {alfred.UserFilter{Limit: 2, After: string(all[1].ID)}, all[2:]},
		"only these":          {alfred.UserFilter{IDs: []alfred.UserID{ana.ID, "usr_none"}}, []alfred.User{ana}},
		"only nobody":         {alfred.UserFilter{IDs: []alfred.UserID{}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := *w
			w.TB = t
			got, err := w.Users(w.ctx, w.org, c.filter)
			w.must(err)
			w.same(got, c.want)
		})
	}
}

func TestDeletingAPersonEndsWhatTheyHad(t *testing.T) {
	w := newWorld(t)
	u := w.person("ana@example.com", nil)
	k := w.key(u.ID)
	team := w.team("Core", 0)
	w.join(team.ID, u.ID, 0, false)
	p := alfred.Project{ID: id[alfred.ProjectID](t, "prj"), Org: w.org, Code: "apollo", Active: true, CreatedAt: noon}
	w.must(w.PutProject(w.ctx, p))
	w.must(w.AddProjectMember(w.ctx, w.org, p.ID, u.ID))
	w.must(w.PutLimit(w.ctx, w.org, alfred.Limit{Scope: alfred.ScopeUser, Subject: string(u.ID), Metric: alfred.MetricCredits, Mode: alfred.Enforce}))
	w.must(w.PutLimit(w.ctx, w.org, alfred.Limit{Scope: alfred.ScopeKey, Subject: string(k.ID), Metric: alfred.MetricCredits, Mode: alfred.Enforce}))

	w.refused(w.DeleteUser(w.ctx, w.org, u.ID, u.Version+7, noon), alfred.CodeStaleVersion)
	w.must(w.DeleteUser(w.ctx, w.org, u.ID, 0, noon.Add(time.Hour)))
	w.refused(w.DeleteUser(w.ctx, w.org, u.ID, 0, noon), alfred.CodeNotFound)
	_, err := w.User(w.ctx, w.org, u.ID)
	w.refused(err, alfred.CodeNotFound)
	got, err := w.KeyByHash(w.ctx, k.Hash)
	w.must(err)
	k.Status, k.RevokedAt = alfred.KeyRevoked, noon.Add(time.Hour)
	w.same(got, k)
	members, err := w.Members(w.ctx, w.org, team.ID)
	w.must(err)
	projectMembers, err := w.ProjectMembers(w.ctx, w.org, p.ID)
	w.must(err)
	limits, err := w.Limits(w.ctx, w.org)
	w.must(err)
	if len(members)+len(projectMembers)+len(limits) != 0 {
		t.Errorf("left: %v %v %v", members, projectMembers, limits)
	}
	w.person("ana@example.com", nil) // the address is free
	w.stays("DELETE FROM users")
}

func TestTheLastOwnerStays(t *testing.T) {
	owner := func(u *alfred.User) { u.Access = alfred.RoleOwner }
	for name, leave := range map[string]func(w *world, u alfred.User) error{
		"demoted":   func(w *world, u alfred.User) error { u.Access = alfred.RoleAdmin; return w.UpdateUser(w.ctx, u) },
		"suspended": func(w *world, u alfred.User) error { u.Status = alfred.Suspended; return w.UpdateUser(w.ctx, u) },
		"deleted":   func(w *world, u alfred.User) error { return w.DeleteUser(w.ctx, w.org, u.ID, 0, noon) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.person("a@example.com", owner), w.person("b@example.com", owner)
			w.person("s@example.com", func(u *alfred.User) { u.Access, u.Status = alfred.RoleOwner, alfred.Suspended })
			n, err := w.CountOwners(w.ctx, w.org)
			w.must(err)
			w.same(n, 2)
			// Both leave at once: one of them has to stay.
			var wg sync.WaitGroup
			errs := make([]error, 2)
			for i, u := range []alfred.User{a, b} {
				wg.Go(func() { errs[i] = leave(w, u) })
			}
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("got %v and %v, want one to be refused", errs[0], errs[1])
			}
			for _, err := range errs {
				if err != nil {
					w.refused(err, alfred.CodeConflict)
				}
			}
			n, err = w.CountOwners(w.ctx, w.org)
			w.must(err)
			w.same(n, 1)
		})
	}
}

func TestOwnersMayChangePlaces(t *testing.T) {
	w := newWorld(t)
	a := w.person("a@example.com", func(u *alfred.User) { u.Access = alfred.RoleOwner })
	b := w.person("b@example.com", nil)
	a.Access, b.Access = alfred.RoleMember, alfred.RoleOwner
	w.must(w.InTx(w.ctx, func(ctx context.Context) error {
		if err := w.UpdateUser(ctx, a); err != nil { // for a moment nobody is
			return err
		}
		return w.UpdateUser(ctx, b)
	}))
}

func TestKeys(t *testing.T) {
	w := newWorld(t)
	u := w.person("ana@example.com", nil)
	a, b := w.key(u.ID), w.key(u.ID)
	w.key(w.person("bo@example.com", nil).ID)
	again := b
	again.ID = id[alfred.KeyID](t, "key")
	w.refused(w.CreateKey(w.ctx, again), alfred.CodeConflict)
	again.Hash, again.User = "1:other", "usr_none"
	w.refused(w.CreateKey(w.ctx, again), alfred.CodeNotFound)
	_, err := w.KeyByHash(w.ctx, "1:none")
	w.refused(err, alfred.CodeNotFound)

	w.must(w.RevokeKey(w.ctx, w.org, b.ID, noon.Add(time.Hour)))
	w.must(w.RevokeKey(w.ctx, w.org, b.ID, noon.Add(2*time.Hour)))
	w.refused(w.RevokeKey(w.ctx, w.org, "key_none", noon), alfred.CodeNotFound)
	b.Status, b.RevokedAt = alfred.KeyRevoked, noon.Add(time.Hour)
	want := []alfred.Key{a, b}
	if b.ID < a.ID {
		want = []alfred.Key{b, a}
	}
	got, err := w.Keys(w.ctx, w.org, u.ID)
	w.must(err)
	w.same(got, want)
}

func TestMembersAreInTheOrderOfJoining(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.person("ana@example.com", nil), w.person("bo@example.com", nil)
	core, web := w.team("Core", 10), w.team("Web", 10)
	first := w.join(core.ID, bo.ID, time.Hour, false)
	second := w.join(core.ID, ana.ID, 2*time.Hour, true)
	primary := w.join(web.ID, bo.ID, 0, false)

	got, err := w.Members(w.ctx, w.org, core.ID)
	w.must(err)
	w.same(got, []alfred.Member{first, second})
	got, err = w.Memberships(w.ctx, w.org, bo.ID)
	w.must(err)
	w.same(got, []alfred.Member{primary, first})

	// Again: the rights change, the date stays.
	created, err := w.PutMember(w.ctx, w.org, alfred.Member{Team: core.ID, User: bo.ID, IsAdmin: true, JoinedAt: noon.Add(9 * time.Hour)})
	w.must(err)
	first.IsAdmin = true
	got, err = w.Members(w.ctx, w.org, core.ID)
	w.must(err)
	w.same(got, []alfred.Member{first, second})
	w.same(created, 0)

	_, err = w.PutMember(w.ctx, w.org, alfred.Member{Team: "team_none", User: bo.ID, JoinedAt: noon})
	w.refused(err, alfred.CodeNotFound)
	_, err = w.PutMember(w.ctx, w.org, alfred.Member{Team: core.ID, User: "usr_none", JoinedAt: noon})
	w.refused(err, alfred.CodeNotFound)
	w.must(w.RemoveMember(w.ctx, w.org, core.ID, bo.ID))
	w.refused(w.RemoveMember(w.ctx, w.org, core.ID, bo.ID), alfred.CodeNotFound)
	w.must(w.DeleteUser(w.ctx, w.org, bo.ID, 0, noon))
	_, err = w.PutMember(w.ctx, w.org, alfred.Member{Team: core.ID, User: bo.ID, JoinedAt: noon})
	w.refused(err, alfred.CodeNotFound)
}

func TestDeletingATeamEndsMembershipsAndLimits(t *testing.T) {
	w := newWorld(t)
	u, core, web := w.person("ana@example.com", nil), w.team("Core", 10), w.team("Web", 10)
	w.join(core.ID, u.ID, 0, false)
	w.must(w.PutLimit(w.ctx, w.org, alfred.Limit{Scope: alfred.ScopeTeam, Subject: string(core.ID), Metric: alfred.MetricCredits, Mode: alfred.Enforce}))
	w.must(w.DeleteTeam(w.ctx, w.org, core.ID))
	w.refused(w.DeleteTeam(w.ctx, w.org, core.ID), alfred.CodeNotFound)
	memberships, err := w.Memberships(w.ctx, w.org, u.ID)
	w.must(err)
	limits, err := w.Limits(w.ctx, w.org)
	w.must(err)
	if len(memberships)+len(limits) != 0 {
		t.Errorf("left: %v %v", memberships, limits)
	}
	teams, err := w.Teams(w.ctx, w.org, "", "", 0)
	w.must(err)
	w.same(teams, []alfred.Team{web})
}

func TestTeamsComeInPages(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c"} {
		w.team(name, 1)
	}
	all, err := w.Teams(w.ctx, w.org, "", "", 0)
	w.must(err)
	page, err := w.Teams(w.ctx, w.org, "", string(all[0].ID), 1)
	w.must(err)
	w.same(page, all[1:2])
	found, err := w.Teams(w.ctx, w.org, "B", "", 0)
	w.must(err)
	w.same(len(found), 1)
	w.same(found[0].Name, "b")
	none, err := w.Teams(w.ctx, w.org, "%", "", 0)
	w.must(err)
	w.same(len(none), 0)
}

// A service account has neither an address nor a role, and is told from
// people wherever somebody asks.
func TestAServiceAccountIsNoPerson(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana@example.com", nil)
	bot := alfred.User{
		ID: id[alfred.UserID](t, "usr"), Org: w.org, Kind: alfred.KindService, Name: "Nightly", CostCenter: "CC 7", Status: alfred.Active, Access: alfred.RoleMember,
		Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
	w.must(w.CreateUser(w.ctx, bot))
	got, err := w.User(w.ctx, w.org, bot.ID)
	w.must(err)
	w.same(got, bot)
	for kind, want := range map[alfred.UserKind]int{"": 2, alfred.KindPerson: 1, alfred.KindService: 1} {
		users, err := w.Users(w.ctx, w.org, alfred.UserFilter{Kind: kind})
		w.must(err)
		rows, total, err := w.Directory(w.ctx, w.org, alfred.DirectoryQuery{UserFilter: alfred.UserFilter{Kind: kind, Limit: 10}})
		w.must(err)
		if len(users) != want || len(rows) != want || total != want {
			t.Errorf("%q: %d users, %d rows of %d, want %d", kind, len(users), len(rows), total, want)
		}
	}
	counted, err := w.CountPeople(w.ctx, w.org, alfred.People{}, november.Start, 0)
	w.must(err)
	if counted.Active != 1 {
		t.Errorf("counted %+v", counted)
	}
	_, err = w.UserByEmail(w.ctx, w.org, string(bot.ID))
	w.refused(err, alfred.CodeNotFound)
	for _, change := range []func(*alfred.User){
		func(u *alfred.User) { u.Access = alfred.RoleOwner }, func(u *alfred.User) { u.Status = alfred.OnVacation }, func(u *alfred.User) { u.Email = "bot@example.com" },
	} {
		broken := bot
		change(&broken)
		w.refused(w.UpdateUser(w.ctx, broken), alfred.CodeValidation)
	}
	team := w.team("Core", 0)
	_, err = w.PutMember(w.ctx, w.org, alfred.Member{Team: team.ID, User: bot.ID, IsAdmin: true, JoinedAt: noon})
	w.refused(err, alfred.CodeValidation)
	broken := ana
	broken.CostCenter = "CC 8" // a person's is the department's
	w.refused(w.UpdateUser(w.ctx, broken), alfred.CodeValidation)
}
