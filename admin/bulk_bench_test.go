package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// BenchmarkBulk carries out one job of each kind over 2,000 people, who are in
// 50 teams: rows/s, and the longest that one step took, which is how long
// others wait for the lock of the organisation's history at most.
func BenchmarkBulk(b *testing.B) {
	const people, teams = 2000, 50
	w := started(b)
	crowd := postgres.Crowd{}
	for i := range teams {
		crowd.Teams = append(crowd.Teams, alfred.Team{ID: alfred.TeamID(fmt.Sprint("team_", i)), Org: w.org, Name: fmt.Sprint("Team ", i), CreatedAt: w.clock.Now()})
	}
	for i := range people {
		id := alfred.UserID(fmt.Sprintf("usr_%05d", i))
		crowd.Users = append(crowd.Users, alfred.User{
			ID: id, Org: w.org, Email: fmt.Sprintf("p%d@company.com", i), Name: fmt.Sprint("P", i), Status: alfred.Active, Access: alfred.RoleMember, Version: 1,
			CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now(),
		})
		crowd.Members = append(crowd.Members, alfred.Member{Team: crowd.Teams[i%teams].ID, User: id, JoinedAt: w.clock.Now()})
	}
	w.must(w.records.LoadPeople(w.ctx, w.org, crowd))
	w.must(w.records.LoadHistory(w.ctx, w.org, slices.Values([][]alfred.UsageEvent(nil)), nil)) // analyzes, as an installation is by itself
	team := w.team("Everyone", "1000")
	lines := "email,name,personal_quota,team\n"
	for i := range people {
		lines += fmt.Sprintf("new%d@company.com,New %d,500,Team %d\n", i, i, i%teams)
	}
	list, err := json.Marshal(lines)
	w.must(err)
	const all = `"selection":{"filter":{"access_role":"member","q":"p"}}`
	for _, job := range []struct{ name, body string }{
		{"quota/dry", `{"kind":"quota","personal_quota":77,"dry_run":true,` + all + `}`},
		{"quota", `{"kind":"quota","personal_quota":77,` + all + `}`},
		{"unchanged", `{"kind":"quota","personal_quota":77,` + all + `}`},
		{"suspend", `{"kind":"suspend",` + all + `}`},
		{"activate", `{"kind":"activate",` + all + `}`},
		{"team_add", `{"kind":"team_add","team_id":"` + team + `",` + all + `}`},
		{"team_remove", `{"kind":"team_remove","team_id":"` + team + `",` + all + `}`},
		{"import/dry", `{"kind":"import_people","dry_run":true,"csv":` + string(list) + `}`},
		{"import", `{"kind":"import_people","csv":` + string(list) + `}`},
		{"import/again", `{"kind":"import_people","csv":` + strings.ReplaceAll(string(list), ",500,", ",600,") + `}`},
	} {
		b.Run(job.name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				id := w.job(job.body)
				b.StartTimer()
				var longest time.Duration
				for {
					start := time.Now()
					worked, err := w.jobs.StepBulk(w.ctx)
					w.must(err)
					longest = max(longest, time.Since(start))
					if !worked {
						break
					}
				}
				b.StopTimer()
				j := w.do("GET", "/v1/admin/jobs/"+id, w.owner.key, "").is(http.StatusOK)
				if number(j["failed"]) > 0 || number(j["done"]) < people {
					b.Fatal(j)
				}
				b.ReportMetric(number(j["done"])/b.Elapsed().Seconds()*float64(b.N), "rows/s")
				b.ReportMetric(float64(longest.Milliseconds()), "ms/step")
				b.StartTimer()
			}
		})
	}
}
