package admin_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

func (w *world) vacation(p person, on bool) reply {
	w.Helper()
	return w.do("POST", "/v1/users/me/vacation", p.key, fmt.Sprintf(`{"on_vacation":%t}`, on))
}

func (w *world) pool(team string) map[string]any {
	w.Helper()
	return w.do("GET", "/v1/admin/teams/"+team, w.owner.key, "").is(http.StatusOK)
}

// The guide's numbers: quota 1,000, pool 10,000, 10 %.
func TestVacation(t *testing.T) {
	w := started(t)
	a, b, c := w.user("a@company.com", ""), w.user("b@company.com", ""), w.user("c@company.com", "")
	team := w.team("Engineering", "10000", a, b, c)
	if q := w.quota(a); number(q["team_pool_available"]) != 3333 {
		t.Errorf("a third of the pool in whole credits: %v", q)
	}

	w.spend(a, 300*alfred.Credit, alfred.PriorityNormal)
	w.vacation(a, true).is(http.StatusOK)
	if q := w.quota(a); number(q["personal_quota"]) != 300 || number(q["available_quota"]) != 0 || number(q["used_tokens"]) != 300 || number(q["team_pool_available"]) != 0 {
		t.Errorf("away: %v", q)
	}
	if p := w.pool(team); number(p["effective_pool"]) != 10700 || number(p["common_pool"]) != 10000 || number(p["active_count"]) != 2 {
		t.Errorf("pool: %v", p)
	}
	if q := w.quota(b); number(q["team_pool_available"]) != 5350 {
		t.Errorf("a share of two: %v", q)
	}

	// All who are away together give at most 10 % of the pool: 1,000.
	w.clock.Set(w.clock.Now().Add(time.Minute))
	w.vacation(b, true).is(http.StatusOK)
	if q := w.quota(b); number(q["personal_quota"]) != 700 {
		t.Errorf("the second one gives what is left of the 1,000: %v", q)
	}

	// c draws 11,000 of the pool's and his own; a gets back what is unspent.
	w.spend(c, 1000*alfred.Credit, alfred.PriorityNormal)
	w.spend(c, 10500*alfred.Credit, alfred.PriorityNormal)
	if p := w.pool(team); number(p["pool_used"]) != 10500 || number(p["pool_available"]) != 500 {
		t.Fatalf("pool after spending: %v", p)
	}
	w.vacation(a, false).is(http.StatusOK)
	if q := w.quota(a); number(q["personal_quota"]) != 800 || number(q["available_quota"]) != 500 {
		t.Errorf("back: %v", q)
	}
	w.vacation(b, false).is(http.StatusOK)
	if q := w.quota(b); number(q["personal_quota"]) != 700 {
		t.Errorf("nothing is left for b, and nobody is clawed back: %v", q)
	}
	if p := w.pool(team); number(p["effective_pool"]) != 10500 || number(p["pool_available"]) != 0 {
		t.Errorf("pool: %v", p)
	}
	// Shares are parts of the pool that is, not of one that was.
	w.vacation(a, true).is(http.StatusOK)
	w.vacation(a, false).is(http.StatusOK)
	w.do("PATCH", "/v1/admin/teams/"+team, w.owner.key, `{"common_pool":20000}`).is(http.StatusOK)
	if q := w.quota(b); number(q["team_pool_available"]) != 6833 {
		t.Errorf("a third of 20,500, after what went back: %v", q)
	}
	kinds := map[string]int{}
	for _, i := range w.do("GET", "/v1/users/me/inbox", a.key, "").list() {
		kinds[text(i.(map[string]any)["kind"])]++
	}
	if kinds["vacation_released"] != 2 || kinds["vacation_returned"] != 2 {
		t.Errorf("inbox: %v", kinds)
	}
	for _, e := range w.do("GET", "/v1/admin/audit?action=vacation.release", w.owner.key, "").list() {
		after, _ := e.(map[string]any)["after"].(map[string]any)
		if after["team_id"] != team || number(after["amount"]) <= 0 || after["move_id"] == nil {
			t.Errorf("a release is audited as %v", after)
		}
	}
}

// Over the end of a window, and at the end of the vacation.
func TestVacationGoesOn(t *testing.T) {
	w := started(t)
	a, b := w.user("a@company.com", ""), w.user("b@company.com", "")
	team := w.team("Engineering", "10000", a, b)
	w.do("POST", "/v1/users/me/vacation", a.key, `{"on_vacation":true,"until":"2026-12-10T08:00:00Z"}`).is(http.StatusOK)
	w.jobs.Step(w.ctx)
	w.jobs.Step(w.ctx)

	// The plan for December follows what changes before it begins.
	w.do("PATCH", "/v1/admin/users/"+a.id, w.owner.key, `{"personal_quota":600}`).is(http.StatusOK)
	w.jobs.Step(w.ctx)
	w.clock.Set(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	if q, p := w.quota(a), w.pool(team); number(q["personal_quota"]) != 0 || number(p["effective_pool"]) != 10600 {
		t.Errorf("December begins: %v, %v", q, p)
	}
	w.jobs.Step(w.ctx)
	if q, p := w.quota(a), w.pool(team); number(q["personal_quota"]) != 0 || number(p["effective_pool"]) != 10600 {
		t.Errorf("December has begun: %v, %v", q, p)
	}
	w.clock.Set(time.Date(2026, 12, 10, 8, 0, 0, 0, time.UTC))
	w.jobs.Step(w.ctx)
	me := w.do("GET", "/v1/users/me", a.key, "").is(http.StatusOK)
	if me["status"] != "active" || me["vacation_until"] != nil || number(me["effective_quota"]) != 600 {
		t.Errorf("back: %v", me)
	}
	if p := w.pool(team); number(p["effective_pool"]) != 10000 {
		t.Errorf("pool: %v", p)
	}
	w.clock.Set(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	if q, p := w.quota(a), w.pool(team); number(q["personal_quota"]) != 600 || number(p["effective_pool"]) != 10000 {
		t.Errorf("January: %v, %v", q, p)
	}
}

func TestLeavingATeamReturnsFirst(t *testing.T) {
	w := started(t)
	a, b := w.user("a@company.com", ""), w.user("b@company.com", "")
	team := w.team("Engineering", "10000", a, b)
	other := w.team("Sales", "5000", a)
	w.vacation(a, true).is(http.StatusOK)
	w.jobs.Step(w.ctx)
	w.do("DELETE", "/v1/admin/teams/"+team+"/members/"+a.id, w.owner.key, "").is(http.StatusNoContent)
	if q, p := w.quota(a), w.pool(team); number(q["personal_quota"]) != 1000 || number(p["effective_pool"]) != 10000 {
		t.Errorf("left: %v, %v", q, p)
	}
	w.jobs.Step(w.ctx) // the next team is primary now, and gets its 10 %
	if q, p := w.quota(a), w.pool(other); number(q["personal_quota"]) != 500 || number(p["effective_pool"]) != 5500 {
		t.Errorf("next team: %v, %v", q, p)
	}
	w.do("DELETE", "/v1/admin/teams/"+other, w.owner.key, "").is(http.StatusNoContent)
	if q := w.quota(a); number(q["personal_quota"]) != 1000 {
		t.Errorf("deleted: %v", q)
	}
	w.vacation(a, false).is(http.StatusOK)
}

// Debt of an overdraft is repaid from the next quota; the rest stays owed.
func TestDebt(t *testing.T) {
	w := started(t)
	a := w.user("a@company.com", "")
	hold := w.spend(a, 3500*alfred.Credit, alfred.PriorityCritical)
	if hold.Verdict != alfred.VerdictGranted {
		t.Fatalf("overdraft: %+v", hold)
	}
	if q := w.quota(a); number(q["used_tokens"]) != 1000 || number(q["overdraft_used"]) != 2500 || q["blocked_by"] != string(alfred.CodeUserQuota) {
		t.Errorf("overdrawn: %v", q)
	}
	w.record()
	for _, month := range []struct {
		month                    time.Month
		year                     int
		quota, available, remain float64
	}{{12, 2026, 0, 0, 3500}, {1, 2027, 0, 0, 4500}, {2, 2027, 500, 500, 5000}, {3, 2027, 1000, 1000, 5000}} {
		w.clock.Set(time.Date(month.year, month.month, 1, 0, 1, 0, 0, time.UTC))
		w.jobs.Step(w.ctx) // too early: settlements of the last minute may be under way
		w.clock.Set(time.Date(month.year, month.month, 1, 0, 3, 0, 0, time.UTC))
		w.jobs.Step(w.ctx)
		w.jobs.Step(w.ctx)
		if q := w.quota(a); number(q["personal_quota"]) != month.quota || number(q["overdraft_limit"]) != month.remain {
			t.Errorf("%s: quota %v, overdraft %v, want %v, %v", month.month, q["personal_quota"], q["overdraft_limit"], month.quota, month.remain)
		}
	}
}

// Whatever people do, credits are neither made nor lost, nobody spends more
// than there is, and the record agrees with the live counters.
func TestCreditsAreConserved(t *testing.T) {
	w := started(t)
	var people []person
	for i := range 4 {
		people = append(people, w.user(fmt.Sprintf("p%d@company.com", i), fmt.Sprintf(`,"personal_quota":%d`, 400*(i+1))))
	}
	teams := []string{w.team("Engineering", "3000", people[0], people[1], people[2]), w.team("Sales", "1000", people[2], people[3])}
	const total = 400 + 800 + 1200 + 1600 + 3000 + 1000
	months := 0
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			p := rapid.SampledFrom(people).Draw(rt, "who")
			w.clock.Set(w.clock.Now().Add(time.Minute))
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0, 1:
				w.transfer(p, rapid.SampledFrom(people).Draw(rt, "to").email, fmt.Sprint(rapid.IntRange(1, 700).Draw(rt, "amount")))
			case 2, 3:
				w.vacation(p, true)
			case 4, 5:
				w.vacation(p, false)
			case 6, 7:
				w.spend(p, alfred.Credits(rapid.IntRange(1, 400).Draw(rt, "cost"))*alfred.Credit, alfred.PriorityNormal)
			case 8:
				w.jobs.Step(w.ctx)
			default:
				path := "/v1/admin/teams/" + rapid.SampledFrom(teams).Draw(rt, "team") + "/members/" + p.id
				w.do(rapid.SampledFrom([]string{"POST", "DELETE"}).Draw(rt, "how"), path, w.owner.key, "")
			}
		}
		if rapid.IntRange(0, 14).Draw(rt, "month") == 0 {
			months++
			w.jobs.Step(w.ctx)
			w.clock.Set(time.Date(2026, time.Month(12+months), 1, 0, 0, 0, 0, time.UTC))
			w.jobs.Step(w.ctx)
		}
		sum := 0.0
		for _, p := range people {
			q := w.quota(p)
			sum += number(q["personal_quota"])
			if quota, used, available := number(q["personal_quota"]), number(q["used_tokens"]), number(q["available_quota"]); used > quota || available != quota-used {
				rt.Fatalf("%s: quota %v, used %v, available %v", p.email, quota, used, available)
			}
			me := w.do("GET", "/v1/users/me", p.key, "").is(http.StatusOK)
			if me["effective_quota"] != q["personal_quota"] {
				rt.Fatalf("%s: the record says %v, the counter %v", p.email, me["effective_quota"], q["personal_quota"])
			}
		}
		for _, id := range teams {
			p := w.pool(id)
			sum += number(p["effective_pool"])
			if number(p["pool_used"]) > number(p["effective_pool"]) {
				rt.Fatalf("pool overdrawn: %v", p)
			}
		}
		if sum != total {
			rt.Fatalf("there are %v credits, there should be %d", sum, total)
		}
	})
}
