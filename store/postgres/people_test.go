package postgres_test

import (
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestAPersonComesBackAsStored(t *testing.T) {
	w := newWorld(t)
	d := alfred.Department{ID: id[alfred.DepartmentID](t, "dep"), Org: w.org, Name: "Research", CostCenter: "42", CreatedAt: noon, UpdatedAt: noon}
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
	_, err = w.UserByEmail(w.ctx, w.org, "none@example.com")
	w.refused(err, alfred.CodeNotFound)
}
