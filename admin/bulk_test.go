package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// finish runs bulk jobs until none waits.
func (w *world) finish(runners ...*admin.Jobs) {
	w.Helper()
	if len(runners) == 0 {
		runners = []*admin.Jobs{w.jobs}
	}
	var wg sync.WaitGroup
	for _, j := range runners {
		wg.Go(func() {
			for {
				worked, err := j.StepBulk(w.ctx)
				if err != nil {
					w.Error(err)
					return
				}
				if !worked {
					return
				}
			}
		})
	}
	wg.Wait()
}

func (w *world) job(body string) string {
	w.Helper()
	return text(w.do("POST", "/v1/admin/jobs", w.owner.key, body).is(http.StatusAccepted)["id"])
}

func (w *world) jobIs(id string, changed, unchanged, failed int) {
	w.Helper()
	j := w.do("GET", "/v1/admin/jobs/"+id, w.owner.key, "").is(http.StatusOK)
	if j["state"] != "succeeded" || int(number(j["changed"])) != changed || int(number(j["unchanged"])) != unchanged || int(number(j["failed"])) != failed {
		w.Fatalf("job %v, want changed %d, unchanged %d, failed %d: rows %s", j, changed, unchanged, failed, w.do("GET", "/v1/admin/jobs/"+id+"/rows", w.owner.key, "").body)
	}
}

func TestAJobChangesEveryoneWhoMatches(t *testing.T) {
	w := started(t)
	team := w.team("Core", "1000")
	for i := range 5 {
		w.user(fmt.Sprintf("p%d@company.com", i), "")
	}
	away := w.user("away@company.com", `,"status":"active"`[:0])
	filter := `"selection":{"filter":{"q":"p"}}` // of p0 … p4
	filter = strings.Replace(filter, `"q":"p"`, `"q":"p","access_role":"member","status":["active"]`, 1)
	_ = away

	dry := w.job(`{"kind":"quota","personal_quota":77,"dry_run":true,"selection":{"filter":{"access_role":"member"}}}`)
	w.finish()
	w.jobIs(dry, 6, 0, 0)
	rows := w.do("GET", "/v1/admin/jobs/"+dry+"/rows?limit=2", w.owner.key, "")
	first, _ := rows.list()[0].(map[string]any)
	if change := fmt.Sprint(first["changes"]); first["action"] != "user.update" || !strings.Contains(change, "personal_quota") || !strings.Contains(change, "after:77") {
		t.Fatalf("the difference of a dry run: %s", rows.body)
	}
	if u := w.do("GET", "/v1/admin/users/"+away.id, w.owner.key, "").is(http.StatusOK); u["personal_quota"] != nil {
		t.Fatalf("a dry run changed somebody: %v", u)
	}

	real := w.job(`{"kind":"quota","personal_quota":77,"reason":"new year","selection":{"filter":{"access_role":"member"}}}`)
	other := *w.jobs // a second machine
	w.finish(w.jobs, &other)
	w.jobIs(real, 6, 0, 0)
	if n := len(w.do("GET", "/v1/admin/audit?action=user.update", w.owner.key, "").list()); n != 6 {
		t.Errorf("%d changes are in the audit log, want one each", n)
	}
	again := w.job(`{"kind":"quota","personal_quota":77,"selection":{"filter":{"access_role":"member"}}}`)
	w.finish()
	w.jobIs(again, 0, 6, 0)

	join := w.job(`{"kind":"team_add","team_id":"` + team + `","selection":{"ids":["` + away.id + `","usr_nobody"]}}`)
	w.finish()
	w.jobIs(join, 1, 0, 1)
	leave := w.job(`{"kind":"team_remove","team_id":"` + team + `","selection":{"ids":["` + away.id + `"]}}`)
	w.finish()
	w.jobIs(leave, 1, 0, 0)

	suspend := w.job(`{"kind":"suspend",` + filter + `}`)
	w.finish()
	w.jobIs(suspend, 6, 0, 0)
	self := w.job(`{"kind":"suspend","selection":{"ids":["` + w.owner.id + `"]}}`)
	w.finish()
	w.jobIs(self, 0, 0, 1) // nobody suspends himself, by a job either
	if n := len(w.do("GET", "/v1/admin/jobs?limit=3", w.owner.key, "").list()); n != 3 {
		t.Errorf("%d jobs are listed", n)
	}
}

func TestPeopleAreImported(t *testing.T) {
	w := started(t)
	w.team("Core", "1000")
	w.do("POST", "/v1/admin/departments", w.owner.key, `{"name":"Research"}`).is(http.StatusCreated)
	old := w.user("old@company.com", "")
	csv := "email,name,personal_quota,department,team\n" +
		"NEW@company.com,New User,500,research,core\n" +
		"old@company.com,Old User,,,Core\n" +
		"old@company.com,Old User,,,Core\n" +
		"not an address,X,,,\n" +
		"a@b@company.com,X,,,\n" +
		"long@company.com," + strings.Repeat("ü", 200) + ",,,\n" +
		"far@company.com,Far,lots,,\n" +
		"far@company.com,Far,,Nowhere,\n"
	body, err := json.Marshal(map[string]any{"kind": "import_people", "csv": csv})
	w.must(err)
	dry := w.job(strings.Replace(string(body), "{", `{"dry_run":true,`, 1))
	w.finish()
	w.jobIs(dry, 4, 0, 4)
	if n := len(w.do("GET", "/v1/admin/users", w.owner.key, "").list()); n != 2 {
		t.Fatalf("a dry run made people: %d", n)
	}
	id := w.job(string(body))
	w.finish()
	w.jobIs(id, 3, 1, 4)
	for _, row := range w.do("GET", "/v1/admin/jobs/"+id+"/rows?outcome=failed", w.owner.key, "").list() {
		r, _ := row.(map[string]any)
		e, _ := r["error"].(map[string]any)
		if e["code"] != string(alfred.CodeValidation) || e["param"] == nil {
			t.Errorf("row %v does not say what is wrong", r)
		}
	}
	made, _ := w.do("GET", "/v1/admin/users?q=new@company", w.owner.key, "").list()[0].(map[string]any)
	teams, _ := made["teams"].([]any)
	if made["name"] != "New User" || number(made["personal_quota"]) != 500 || made["department_name"] != "Research" || len(teams) != 1 {
		t.Errorf("imported %v", made)
	}
	if u := w.do("GET", "/v1/admin/users/"+old.id, w.owner.key, "").is(http.StatusOK); u["name"] != "Old User" {
		t.Errorf("changed %v", u)
	}
}

func TestAJobThatCannotBeIsRefused(t *testing.T) {
	w := started(t)
	for _, body := range []string{
		`{"kind":"suspend"}`, `{"kind":"quota","selection":{"filter":{}}}`, `{"kind":"team_add","selection":{"filter":{}}}`, `{"kind":"import_people"}`,
		`{"kind":"suspend","csv":"email","selection":{"filter":{}}}`, `{"kind":"import_people","csv":"name\nx\n"}`, `{"kind":"import_people","csv":"email,shoe\nx,y\n"}`,
		`{"kind":"import_people","csv":"email\n"}`, `{"kind":"import_people","csv":"email\n` + strings.Repeat(`x\n`, 100_001) + `"}`, `{"kind":"suspend","selection":{"filter":{"q":"nobody at all"}}}`,
	} {
		w.do("POST", "/v1/admin/jobs", w.owner.key, body).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	}
	w.do("GET", "/v1/admin/jobs/job_none", w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	w.do("GET", "/v1/admin/jobs/job_none/rows", w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
}

// Whoever made a job has to have the right still when it is carried out.
func TestAJobOfNoAdminStops(t *testing.T) {
	w := started(t)
	boss := w.user("boss@company.com", `,"access_role":"admin"`)
	u := w.user("ana@company.com", "")
	id := text(w.do("POST", "/v1/admin/jobs", boss.key, `{"kind":"suspend","selection":{"ids":["`+u.id+`"]}}`).is(http.StatusAccepted)["id"])
	w.do("PATCH", "/v1/admin/users/"+boss.id, w.owner.key, `{"access_role":"member"}`).is(http.StatusOK)
	w.finish()
	if j := w.do("GET", "/v1/admin/jobs/"+id, w.owner.key, "").is(http.StatusOK); j["state"] != "failed" || j["error"] == nil {
		t.Errorf("got %v", j)
	}
	if got := w.do("GET", "/v1/admin/users/"+u.id, w.owner.key, "").is(http.StatusOK); got["status"] != "active" {
		t.Errorf("got %v", got)
	}
}
