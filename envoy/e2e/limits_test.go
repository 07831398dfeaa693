package e2e

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A rate is not money: the SDK is told to come again, and when.
func TestARateLimitOfAPerson(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	p := s.colleague(t, owner, "hasty", 100_000)
	s.call(t, owner.Key, http.MethodPut, "/v1/admin/limits", map[string]any{"data": []any{
		map[string]any{"scope": "user", "subject": p.ID, "metric": "requests_per_minute", "rate": 3, "mode": "enforce"},
	}}).into(t, http.StatusOK, nil)
	var refused answer
	await(t, "the rate limit counts", func() bool {
		refused = s.complete(t, p, chat("gpt-4", "Hello!", "max_tokens", 1))
		return refused.StatusCode != http.StatusOK
	})
	refused.refused(t, http.StatusTooManyRequests, "rate_limited")
	wait, err := strconv.Atoi(refused.Header.Get("Retry-After"))
	if err != nil || wait < 1 || wait > 60 || refused.Header.Get("X-Should-Retry") != "true" {
		t.Errorf("the refusal says %v", refused.Header)
	}
	s.complete(t, owner, chat("gpt-4", "Hello!")).into(t, http.StatusOK, nil)
}

// What the control plane changes counts for the next call, a second later at most. The figure is printed, not judged: this
// machine may be busy.
func TestAChangeIsEnforced(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	p := s.colleague(t, owner, "barred", 1000)
	s.complete(t, p, chat("gpt-4", "Hello!")).into(t, http.StatusOK, nil)
	var slowest time.Duration
	for _, status := range []string{"suspended", "active", "suspended", "active"} {
		want := map[string]int{"suspended": http.StatusForbidden, "active": http.StatusOK}[status]
		s.call(t, owner.Key, http.MethodPatch, "/v1/admin/users/"+p.ID, map[string]any{"status": status}).into(t, http.StatusOK, nil)
		changed := time.Now()
		await(t, status+" counts", func() bool {
			return s.call(t, p.Key, http.MethodGet, "/v1/models", nil).StatusCode == want
		})
		slowest = max(slowest, time.Since(changed))
	}
	t.Logf("a change was enforced after %s at most", slowest.Round(time.Millisecond))
}

func TestTwoFirstAdminsAtOnce(t *testing.T) {
	s := start(t)
	got := make(chan int, 2)
	var ready sync.WaitGroup
	ready.Add(2)
	for _, name := range []string{"one", "two"} {
		go func() {
			ready.Done()
			ready.Wait()
			res, err := http.Post(s.URL+"/v1/admin/users", "application/json", strings.NewReader(`{"email":"`+name+`@company.com","name":"`+name+`"}`))
			if err != nil {
				got <- 0
				return
			}
			_ = res.Body.Close()
			got <- res.StatusCode
		}()
	}
	if a, b := <-got, <-got; min(a, b) != http.StatusCreated || max(a, b) != http.StatusUnauthorized {
		t.Errorf("got %d and %d, want one 201 and one 401", a, b)
	}
}

// Without its ledger the data plane refuses rather than let anything pass unmetered; what was spent is still known afterwards.
func TestRedisIsKilledAndComesBack(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	answer := s.complete(t, owner, chat("gpt-4", "Hello!"))
	answer.into(t, http.StatusOK, nil)
	spent := total(t, answer.body)
	s.wantUsed(t, owner, spent)
	reached := s.providerHolds(t)

	s.Redis.Kill()
	for range 3 {
		s.complete(t, owner, chat("gpt-4", "Hello!")).refused(t, http.StatusServiceUnavailable, "unavailable")
	}
	if n := s.providerHolds(t); n != reached {
		t.Errorf("%d calls reached the provider without being metered", n-reached)
	}
	s.startRedis(t)
	await(t, "calls are admitted again", func() bool {
		a := s.complete(t, owner, chat("gpt-4", "Hello!"))
		if a.StatusCode == http.StatusOK {
			spent += total(t, a.body)
		}
		return a.StatusCode == http.StatusOK
	})
	s.wantUsed(t, owner, spent)
}

// No log holds a word of a prompt or of an answer, nor a key, however loud it is set.
func TestNoLogHoldsAPrompt(t *testing.T) {
	const secret = "Rumpelstiltskin"
	s := start(t)
	owner := s.owner(t)
	for _, model := range []string{"gpt-4", "mock-error-500", "mock-reset", "mock-error-midstream", "mock-no-usage"} {
		for _, stream := range []bool{false, true} {
			<-s.background(owner, chat(model, secret, "stream", stream))
		}
	}
	s.complete(t, owner, `{"model":"gpt-4","messages":[{"role":"user","content":"`+secret+`"}],"max_tokens":"`+secret+`"`)
	s.complete(t, owner, chat("gpt-4", secret), "X-Privacy-Mode", "strict")
	s.settled(t, owner)
	s.ExtProc.Stop(20 * time.Second) // what it still has to say
	for _, file := range []string{s.ExtProc.command.Log, s.Admin.command.Log, s.Log, s.AccessLog} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{secret, owner.Key} {
			if i := strings.Index(string(text), word); i >= 0 {
				t.Errorf("%s says %q", file, text[max(0, i-200):min(len(text), i+50)])
			}
		}
	}
}
