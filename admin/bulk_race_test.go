package admin_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

func (d *disturbed) PutMember(ctx context.Context, org alfred.OrgID, members ...alfred.Member) (int, error) {
	if d.join != nil && len(members) > 0 {
		if err := d.join(); err != nil {
			return 0, err
		}
	}
	return d.Records.PutMember(ctx, org, members...)
}

// Who is deleted while a batch is carried out joins no team.
func TestWhoIsDeletedMeanwhileJoinsNoTeam(t *testing.T) {
	w := started(t)
	ana, bo := w.user("ana@company.com", ""), w.user("bo@company.com", "")
	team := w.team("Core", "1000")
	d := &disturbed{Records: w.records}
	d.join = once(func() error {
		w.do("DELETE", "/v1/admin/users/"+ana.id, w.owner.key, "").is(http.StatusNoContent)
		return nil
	})
	jobs := *w.jobs
	jobs.Records = d
	id := w.job(`{"kind":"team_add","team_id":"` + team + `","selection":{"ids":["` + ana.id + `","` + bo.id + `"]}}`)
	w.finish(&jobs)
	w.jobIs(id, 1, 0, 1)
	members, err := w.records.Members(w.ctx, w.org, alfred.TeamID(team))
	w.must(err)
	if len(members) != 1 {
		t.Errorf("members %+v", members)
	}
}

// Two processes that are cut off at any moment carry out jobs over people whom
// admins change and delete meanwhile: nothing is lost, nothing is done twice, and
// nobody waits for ever.
func TestJobsAmongOthers(t *testing.T) {
	w := started(t)
	const n = 210
	w.crowd(n)
	team, doomed := w.team("Core", "1000"), w.team("Doomed", "1000")
	people, err := w.records.Users(w.ctx, w.org, alfred.UserFilter{Access: alfred.RoleMember})
	w.must(err)
	w.publish()
	const all = `"selection":{"filter":{"access_role":"member"}}}`
	list := "email,name,team\n"
	for i := range n + 40 {
		list += fmt.Sprintf("p%03d@company.com,List %d,%s\n", i, i, []string{"", "Core", "Doomed"}[i%3])
	}
	jobs := []string{
		w.job(`{"kind":"quota","personal_quota":77,` + all), w.job(`{"kind":"team_add","team_id":"` + team + `",` + all), w.imports(list, true), w.imports(list, false),
		w.job(`{"kind":"suspend",` + all), w.job(`{"kind":"activate",` + all), w.job(`{"kind":"team_add","team_id":"` + doomed + `",` + all),
		w.job(`{"kind":"team_remove","team_id":"` + team + `",` + all),
	}
	done := make(chan struct{})
	var wg, others sync.WaitGroup
	other := *w.jobs
	for i, j := range []*admin.Jobs{w.jobs, &other} {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 2))
			for w.ctx.Err() == nil {
				ctx, cut := context.WithTimeout(w.ctx, time.Duration(r.IntN(300))*time.Millisecond)
				worked, err := j.StepBulk(ctx)
				gone := ctx.Err() != nil
				cut()
				if err != nil && !gone {
					t.Errorf("step: %v", err)
				}
				if !worked && err == nil && !slices.ContainsFunc(jobs, func(id string) bool {
					job, err := w.records.BulkJob(w.ctx, w.org, id)
					return err != nil || job.FinishedAt.IsZero()
				}) {
					return
				}
			}
		})
	}
	for i := range 2 {
		others.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 3))
			for round := 0; ; round++ {
				select {
				case <-done:
					return
				case <-time.After(10 * time.Millisecond): // as people do, now and then
				}
				p := people[r.IntN(len(people))]
				path := "/v1/admin/users/" + string(p.ID)
				got := w.do("GET", path, w.owner.key, "")
				if got.status != http.StatusOK {
					continue
				}
				var res reply
				switch k := r.IntN(40); {
				case k == 0:
					res = w.do("DELETE", path, w.owner.key, "")
				case k < 4:
					res = w.do("PATCH", path, w.owner.key, `{"status":"on_vacation"}`)
				case k < 8:
					res = w.do("POST", "/v1/admin/teams/"+team+"/members/"+string(p.ID), w.owner.key, "")
				case k < 10:
					res = w.do("DELETE", "/v1/admin/teams/"+team+"/members/"+string(p.ID), w.owner.key, "")
				default:
					res = w.do("PATCH", path, w.owner.key, fmt.Sprintf(`{"name":"R %d %d"}`, i, round), "If-Match: "+got.header.Get("ETag"))
				}
				if res.status >= 500 {
					t.Errorf("%s: %s", res.what, res.body)
				}
				if i == 0 && round >= 20 { // again, when somebody whose credits came back was deleted meanwhile
					w.do("DELETE", "/v1/admin/teams/"+doomed, w.owner.key, "")
				}
			}
		})
	}
	wg.Wait()
	close(done)
	others.Wait()
	for _, id := range jobs {
		job, err := w.records.BulkJob(w.ctx, w.org, id)
		w.must(err)
		if job.Error != "" || job.Changed+job.Unchanged+job.Failed != job.Total {
			t.Errorf("job %+v", job)
		}
	}
	events, err := w.records.Audit(w.ctx, w.org, alfred.AuditFilter{})
	w.must(err)
	slices.Reverse(events)
	if at := alfred.VerifyAudit("", events); at != 0 {
		t.Fatalf("the chain breaks at %d", at)
	}
	topics, err := w.records.Touched(w.ctx, 0)
	w.must(err)
	touched := map[string]bool{}
	for _, topic := range topics {
		touched[topic.ID] = true
	}
	state, versions, members := map[string]string{}, map[string]int64{}, map[string]bool{}
	for _, e := range events {
		switch e.Action {
		case "user.create":
			versions[e.Subject], state[e.Subject] = 1, string(e.After)
		case "user.update":
			versions[e.Subject]++
			if string(e.Before) != state[e.Subject] {
				t.Errorf("%s: %s was changed and %s was seen", e.Subject, state[e.Subject], e.Before)
			}
			state[e.Subject] = string(e.After)
			if !touched[e.Subject] && e.RequestID != "" {
				t.Errorf("%s is not published", e.Subject)
			}
		case "user.delete":
			delete(versions, e.Subject)
			for k := range members {
				if strings.HasSuffix(k, e.Subject) {
					delete(members, k)
				}
			}
		case "member.put", "member.remove":
			var m alfred.Member
			w.must(json.Unmarshal([]byte(cmp.Or(string(e.After), string(e.Before))), &m))
			members[string(m.Team)+" "+string(m.User)] = e.Action == "member.put"
		}
	}
	for id, v := range versions {
		if id == w.owner.id {
			continue
		}
		u, err := w.records.User(w.ctx, w.org, alfred.UserID(id))
		w.must(err)
		if u.Version != v {
			t.Errorf("%s has version %d after %d events", id, u.Version, v)
		}
	}
	is, err := w.records.Members(w.ctx, w.org, alfred.TeamID(team), alfred.TeamID(doomed))
	w.must(err)
	for _, m := range is {
		key := string(m.Team) + " " + string(m.User)
		if !members[key] {
			t.Errorf("a member by no event: %s", key)
		}
		delete(members, key)
	}
	for k, in := range members {
		if in && strings.HasPrefix(k, team) {
			t.Errorf("no member any more, by no event: %s", k)
		}
	}
	if n := w.count("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"); n > 0 {
		t.Errorf("%d deadlocks", n)
	}
}
