package e2e

import (
	"net/http"
	"testing"
)

// Peers test 5. An answer costs more than was held, and more than was left: it is charged in full, the balance is negative, and the
// next call finds it so.
func TestPeers05_AnOverrunIsCarried(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	p := s.colleague(t, owner, "unlucky", 30)
	answer := s.complete(t, p, chat("mock-overrun", "Hi", "max_tokens", 1))
	answer.into(t, http.StatusOK, nil)
	spent := total(t, answer.body)
	if spent <= 30 {
		t.Fatalf("%v credits are no overrun of 30: the story proves nothing", spent)
	}
	s.wantUsed(t, p, spent)
	if q := s.settled(t, p); q.Used != spent || q.Available > 0 {
		t.Errorf("used %v of 30, and the quota says %+v", spent, q)
	}
	s.complete(t, p, chat("gpt-4", "Hi", "max_tokens", 1)).refused(t, http.StatusTooManyRequests, "user_quota_exceeded")
}

// Peers test 8. A model that has no price, an alias and another spelling cost something.
func TestPeers08_NoModelIsFree(t *testing.T) {
	s := start(t)
	p := s.colleague(t, s.owner(t), "curious", 100_000)
	spent := 0.0
	for _, model := range []string{"model-of-tomorrow", "GPT-4", "gpt-4-0613-alias", "ft:gpt-4:acme::abc"} {
		answer := s.complete(t, p, chat(model, "Hello!", "max_tokens", 20))
		answer.into(t, http.StatusOK, nil)
		if n := total(t, answer.body); n <= 0 {
			t.Errorf("%s used %v tokens", model, n)
		} else {
			spent += n
		}
		s.wantUsed(t, p, spent)
	}
}

// Peers test 9. What would cost and is not metered is refused, and the provider never sees it.
func TestPeers09_WhatIsNotMeteredIsRefused(t *testing.T) {
	s := start(t)
	p := s.colleague(t, s.owner(t), "explorer", 100_000)
	for _, path := range []string{
		"/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages", "/v1/images/generations", "/v1/audio/speech", "/v1/batches",
		"/v1/files", "/v1/chat/completions/", "/v1/chat/completions/x", "/v1beta/models/gemini:generateContent",
	} {
		answer := s.call(t, p.Key, http.MethodPost, path, `{"model":"gpt-4","messages":[{"role":"user","content":"Hello!"}]}`)
		if answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, answer.StatusCode, answer.body)
		}
	}
	if n := s.providerHolds(t); n != 0 {
		t.Errorf("%d of these reached the provider", n)
	}
	if q := s.settled(t, p); q.Used != 0 {
		t.Errorf("these cost something: %+v", q)
	}
}

// Peers test 10. A limit is changed, a member moves to another team, a person is suspended and comes back, in the middle of a window:
// what was used before still counts.
func TestPeers10_UsageSurvivesEveryChange(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	p := s.colleague(t, owner, "mover", 10_000)
	first := s.team(t, owner, 1000, p)
	spent := 0.0
	spend := func(what string) {
		t.Helper()
		answer := s.awaitStatus(t, p, http.StatusOK)
		spent += total(t, answer.body)
		s.wantUsed(t, p, spent)
		if q := s.settled(t, p); q.Used != spent {
			t.Errorf("%s: used %v, and the quota says %+v", what, spent, q)
		}
	}
	set := func(change map[string]any) {
		t.Helper()
		s.call(t, owner.Key, http.MethodPatch, "/v1/admin/users/"+p.ID, change).into(t, http.StatusOK, nil)
	}
	spend("at first")
	set(map[string]any{"personal_quota": 20_000})
	s.awaitQuota(t, p, "the higher quota, less what was used", func(q quota) bool { return q.Available == 20_000-spent })
	spend("after a rise")
	set(map[string]any{"personal_quota": spent})
	s.awaitQuota(t, p, "nothing is left of the lower one", func(q quota) bool { return q.Available == 0 && q.Used == spent })
	set(map[string]any{"personal_quota": 10_000})
	s.awaitQuota(t, p, "the first one again", func(q quota) bool { return q.Available == 10_000-spent })
	s.call(t, owner.Key, http.MethodDelete, "/v1/admin/teams/"+first+"/members/"+p.ID, nil).into(t, http.StatusNoContent, nil)
	var second struct {
		ID string `json:"id"`
	}
	s.call(t, owner.Key, http.MethodPost, "/v1/admin/teams", map[string]any{"name": "Elsewhere", "common_pool": 10}).into(t, http.StatusCreated, &second)
	s.call(t, owner.Key, http.MethodPost, "/v1/admin/teams/"+second.ID+"/members/"+p.ID+"?is_admin=false", nil).into(t, http.StatusCreated, nil)
	spend("after a move")
	set(map[string]any{"status": "suspended"})
	set(map[string]any{"status": "active"})
	spend("after a suspension")
}

// Peers test 13. Whoever asks for more tokens than there are, or for no limit at all, gets a part of the pool, and the neighbour is
// served while the call hangs.
func TestPeers13_AnAbsurdLimitStarvesNobody(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	greedy, modest := s.colleague(t, owner, "greedy", 0), s.colleague(t, owner, "modest", 0)
	s.team(t, owner, 8000, greedy, modest)
	s.awaitQuota(t, greedy, "a share of the pool", func(q quota) bool { return q.Pool == 4000 })
	s.awaitStatus(t, greedy, http.StatusOK)
	for _, more := range [][]any{{"max_tokens", 2_000_000_000}, nil} {
		before := s.settled(t, greedy).Pool
		waiting := s.background(greedy, chat("mock-hang", "Hello!", more...))
		await(t, "the call is held", func() bool { return s.quota(t, greedy).Pool < before })
		if held := before - s.quota(t, greedy).Pool; held > before/2 {
			t.Errorf("with %v, %v credits of a share of %v are held", more, held, before)
		}
		s.awaitStatus(t, modest, http.StatusOK)
		s.awaitStatus(t, greedy, http.StatusOK) // there is enough for one's own next call too
		s.release(t)
		if a := <-waiting; a.status != http.StatusOK {
			t.Errorf("the call ended with %d, %v: %s", a.status, a.failure, a.body)
		}
	}
}
