package e2e

import (
	"net/http"
	"testing"
)

// team creates a team and adds members.
func (e *edge) team(t *testing.T, owner person, pool float64, members ...person) string {
	t.Helper()
	var team struct {
		ID string `json:"id"`
	}
	e.call(t, owner.Key, http.MethodPost, "/v1/admin/teams", map[string]any{
		"name": "Engineering", "description": "Software development team", "common_pool": pool,
	}).into(t, http.StatusCreated, &team)
	for _, m := range members {
		e.call(t, owner.Key, http.MethodPost, "/v1/admin/teams/"+team.ID+"/members/"+m.ID+"?is_admin=false", nil).into(t, http.StatusCreated, nil)
	}
	return team.ID
}

// awaitQuota waits until a person's quota looks as it should: what the control plane changes counts within a second.
func (e *edge) awaitQuota(t *testing.T, p person, what string, ok func(quota) bool) {
	t.Helper()
	var q quota
	defer func() {
		if t.Failed() {
			t.Logf("the quota of %s is %+v", p.Email, q)
		}
	}()
	await(t, what, func() bool {
		q = e.quota(t, p)
		return ok(q)
	})
}

// awaitStatus calls until the answer has a status: the control plane knows at once what it changed, the data plane within a
// second.
func (e *edge) awaitStatus(t *testing.T, p person, status int) (a answer) {
	t.Helper()
	await(t, p.Email+" gets "+http.StatusText(status), func() bool {
		a = e.complete(t, p, chat("gpt-4", "Hello!"))
		return a.StatusCode == status
	})
	return a
}

// The guide's numbers: a pool of 10,000, quotas of 1,000, a tenth of the pool released by whoever is away.
func TestThePoolIsSharedAndVacationAddsToIt(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	ada, ben := s.colleague(t, owner, "ada", 1000), s.colleague(t, owner, "ben", 1000)
	s.team(t, owner, 10_000, ada, ben)
	for _, p := range []person{ada, ben} {
		s.awaitQuota(t, p, "two members share 10,000", func(q quota) bool { return q.Pool == 5000 && q.Available == 1000 })
	}

	away := func(status string) {
		s.call(t, owner.Key, http.MethodPatch, "/v1/admin/users/"+ben.ID, map[string]any{"status": status}).into(t, http.StatusOK, nil)
	}
	away("on_vacation")
	s.awaitQuota(t, ada, "the one who stays has the pool and what was released", func(q quota) bool { return q.Pool == 11_000 && q.Available == 1000 })
	s.awaitQuota(t, ben, "the one who is away has released all", func(q quota) bool { return q.Pool == 0 && q.Available == 0 })

	away("active")
	s.awaitQuota(t, ben, "what nobody spent comes back", func(q quota) bool { return q.Available == 1000 })
	for _, p := range []person{ada, ben} {
		s.awaitQuota(t, p, "the shares are the old ones", func(q quota) bool { return q.Pool == 5000 })
	}

	away("on_vacation")
	s.awaitStatus(t, ben, http.StatusTooManyRequests).refused(t, http.StatusTooManyRequests, "user_quota_exceeded")
}

func TestTheTeamPaysWhenThePersonCannot(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	ada, ben := s.colleague(t, owner, "ada", 0), s.colleague(t, owner, "ben", 0)
	s.team(t, owner, 10_000, ada, ben)
	s.awaitQuota(t, ada, "the share is there", func(q quota) bool { return q.Pool == 5000 })
	cost := total(t, s.awaitStatus(t, ada, http.StatusOK).body)
	s.awaitQuota(t, ada, "the call is paid from the share", func(q quota) bool { return q.Pool == 5000-cost && q.Used == 0 })
	s.awaitQuota(t, ben, "the other's share is untouched", func(q quota) bool { return q.Pool == 5000 })
}

func TestACriticalCallMayOverdraw(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	p := s.colleague(t, owner, "hurried", 0)
	s.complete(t, p, chat("gpt-4", "Hello!"), "X-Priority", "high").refused(t, http.StatusTooManyRequests, "user_quota_exceeded")
	answer := s.complete(t, p, chat("gpt-4", "Hello!"), "X-Priority", "critical")
	answer.into(t, http.StatusOK, nil)
	cost := total(t, answer.body)
	var q struct {
		Limit float64 `json:"overdraft_limit"`
		Used  float64 `json:"overdraft_used"`
	}
	await(t, "the overdraft is charged", func() bool {
		s.call(t, p.Key, http.MethodGet, "/v1/users/me/quota", nil).into(t, http.StatusOK, &q)
		return q.Used == cost
	})
	if q.Limit != 5000 {
		t.Errorf("the overdraft's limit is %v", q.Limit)
	}
}

func TestATransferMovesCreditsAtOnce(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	giver, taker := s.colleague(t, owner, "giver", 1000), s.colleague(t, owner, "taker", 0)
	send := func(amount any, to string) answer {
		return s.call(t, giver.Key, http.MethodPost, "/v1/users/me/transfer", map[string]any{
			"recipient_email": to, "amount": amount, "reason": "Project deadline support",
		})
	}
	send(500, taker.Email).into(t, http.StatusCreated, nil)
	s.awaitQuota(t, giver, "the giver has the rest", func(q quota) bool { return q.Available == 500 })
	s.awaitQuota(t, taker, "the taker has it", func(q quota) bool { return q.Available == 500 })
	await(t, "the taker can spend it", func() bool {
		return s.complete(t, taker, chat("gpt-4", "Hello!", "max_tokens", 50)).StatusCode == http.StatusOK
	})

	t.Run("what is refused", func(t *testing.T) {
		suspended := s.colleague(t, owner, "barred", 100)
		s.call(t, owner.Key, http.MethodPatch, "/v1/admin/users/"+suspended.ID, map[string]any{"status": "suspended"}).into(t, http.StatusOK, nil)
		send(0, taker.Email).refused(t, http.StatusUnprocessableEntity, "validation_failed")
		send(-5, taker.Email).refused(t, http.StatusUnprocessableEntity, "validation_failed")
		send(10, giver.Email).refused(t, http.StatusUnprocessableEntity, "validation_failed")
		send(501, taker.Email).refused(t, http.StatusConflict, "insufficient_available")
		send(10, suspended.Email).refused(t, http.StatusConflict, "recipient_suspended")
		send(10, "nobody@company.com").refused(t, http.StatusNotFound, "not_found")
		if q := s.quota(t, giver); q.Available != 500 {
			t.Errorf("a refused transfer cost something: %+v", q)
		}
	})
}
