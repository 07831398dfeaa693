package admin_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// interrupted runs something between the decision to move credits and the
// booking of it, once.
type interrupted struct {
	admin.Live
	mu     sync.Mutex
	before func()
}

func (l *interrupted) TakeOutflow(ctx context.Context, o alfred.Outflow) (alfred.OutflowReply, error) {
	l.mu.Lock()
	before := l.before
	l.before = nil
	l.mu.Unlock()
	if before != nil {
		before()
	}
	return l.Live.TakeOutflow(ctx, o)
}

// A vacation that ends while its release is being booked releases nothing,
// however it ends.
func TestAVacationThatEndsAtOnceLeavesNothingBehind(t *testing.T) {
	for _, c := range []struct {
		rule string
		end  func(w *world, p person, team string) reply
		gone bool
	}{
		{"coming back", func(w *world, p person, _ string) reply { return w.vacation(p, false) }, false},
		{"leaving the team", func(w *world, p person, team string) reply {
			return w.do("DELETE", "/v1/admin/teams/"+team+"/members/"+p.id, w.owner.key, "")
		}, false},
		{"being suspended", func(w *world, p person, _ string) reply {
			return w.do("PATCH", "/v1/admin/users/"+p.id, w.owner.key, `{"status":"suspended"}`)
		}, false},
		{"being deleted", func(w *world, p person, _ string) reply {
			return w.do("DELETE", "/v1/admin/users/"+p.id, w.owner.key, "")
		}, true},
	} {
		live := &interrupted{}
		w := started(t, func(config *admin.Config) { live.Live, config.Live = config.Live, live })
		p, other := w.user("a@company.com", ""), w.user("b@company.com", "")
		team := w.team("Engineering", "10000", p, other)
		live.before = func() {
			if got := c.end(w, p, team); got.status >= 300 {
				t.Errorf("%s: %d %s", c.rule, got.status, got.body)
			}
		}
		w.vacation(p, true)
		w.jobs.Step(w.ctx)
		if pool := w.pool(team); number(pool["effective_pool"]) != 10000 {
			t.Errorf("%s: the pool has %v", c.rule, pool["effective_pool"])
		}
		if c.gone {
			continue
		}
		if u := w.do("GET", "/v1/admin/users/"+p.id, w.owner.key, "").is(http.StatusOK); number(u["effective_quota"]) != 1000 {
			t.Errorf("%s: the quota is %v", c.rule, u["effective_quota"])
		}
	}
}

// What an earlier version left behind is given back.
func TestAReleaseWithoutAVacationIsGivenBack(t *testing.T) {
	w := started(t)
	p, other := w.user("a@company.com", ""), w.user("b@company.com", "")
	team := w.team("Engineering", "10000", p, other)
	w.vacation(p, true).is(http.StatusOK)
	u, err := w.records.User(w.ctx, w.org, alfred.UserID(p.id))
	w.must(err)
	u.Status = alfred.Active
	w.must(w.records.UpdateUser(w.ctx, u))
	w.jobs.Step(w.ctx)
	w.jobs.Step(w.ctx)
	if q, pool := w.quota(p), w.pool(team); number(q["personal_quota"]) != 1000 || number(pool["effective_pool"]) != 10000 {
		t.Errorf("quota %v, pool %v", q["personal_quota"], pool["effective_pool"])
	}
}

// A release that was booked while somebody came back is given back, too.
func TestOfComingAndGoingAtOnceNothingIsLost(t *testing.T) {
	w := started(t)
	p, other := w.user("a@company.com", ""), w.user("b@company.com", "")
	team := w.team("Engineering", "10000", p, other)
	for range 8 {
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() { w.vacation(p, i%2 == 0) })
		}
		wg.Wait()
		w.vacation(p, false).is(http.StatusOK)
		if q, pool := w.quota(p), w.pool(team); number(q["personal_quota"]) != 1000 || number(pool["effective_pool"]) != 10000 {
			t.Fatalf("quota %v, pool %v", q["personal_quota"], pool["effective_pool"])
		}
		w.clock.Set(w.clock.Now().Add(time.Second))
	}
}
