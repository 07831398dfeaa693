package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// The way a newcomer goes: make the first admin, use the key, look at the quota.
func TestTheFirstAdminCallsAModelAndSeesTheQuota(t *testing.T) {
	s := start(t)
	owner := s.owner(t)

	if again := s.call(t, "", http.MethodPost, "/v1/admin/users", map[string]any{"email": "second@company.com", "name": "Second"}); again.StatusCode != http.StatusUnauthorized {
		t.Errorf("a second admin without a key: got %s %s", again.Status, again.body)
	}

	before := s.quota(t, owner)
	if before.Personal != 1_000_000 || before.Used != 0 || before.Available != 1_000_000 {
		t.Errorf("the quota at first is %+v", before)
	}
	answer := s.complete(t, owner, chat("gpt-4", "Hello!"))
	var completion struct {
		Choices []struct{ Message struct{ Content string } }
		Usage   struct {
			Total float64 `json:"total_tokens"`
		}
	}
	answer.into(t, http.StatusOK, &completion)
	if len(completion.Choices) != 1 || completion.Choices[0].Message.Content == "" || completion.Usage.Total == 0 {
		t.Fatalf("got %s", answer.body)
	}
	for _, h := range []string{"X-Alfred-Request-Id", "X-Alfred-Decision-Id", "X-Alfred-Remaining", "X-Alfred-Reset"} {
		if answer.Header.Get(h) == "" {
			t.Errorf("the answer lacks %s: %v", h, answer.Header)
		}
	}
	after := s.settled(t, owner)
	if after.Used != completion.Usage.Total || after.Available != before.Available-completion.Usage.Total {
		t.Errorf("after %v tokens the quota is %+v", completion.Usage.Total, after)
	}
	await(t, "the call is in the record", func() bool {
		var page struct {
			Data []struct {
				RequestID string `json:"request_id"`
				Model     string
				Cost      float64
				Estimated bool
			}
		}
		s.call(t, owner.Key, http.MethodGet, "/v1/users/me/usage", nil).into(t, http.StatusOK, &page)
		if len(page.Data) == 0 {
			return false
		}
		got := page.Data[0]
		if got.RequestID != answer.Header.Get("X-Alfred-Request-Id") || got.Model != "gpt-4" || got.Cost != completion.Usage.Total || got.Estimated {
			t.Errorf("the record says %+v", got)
		}
		return true
	})
}

// What a caller says to Alfred stays in the house.
func TestTheProviderReceivesNothingOfTheCallers(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	got := s.complete(t, owner, chat("gpt-4", "Hello!"),
		"X-API-Key", owner.Key, "X-Alfred-Backend", "forged", "X-Alfred-Degraded", "forged", "X-Privacy-Mode", "strict", "X-Priority", "high",
		"Cookie", "__Host-session=1", "X-Forwarded-For", "10.1.2.3")
	got.into(t, http.StatusOK, nil)
	if v := got.Header.Get("X-Alfred-Degraded"); v != "" {
		t.Errorf("x-alfred-degraded: %s came back", v)
	}
	res, err := http.Get(s.Provider.URL + "/_received?last=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var received []struct {
		Path    string
		Headers http.Header
		Body    string
	}
	if err := json.NewDecoder(res.Body).Decode(&received); err != nil {
		t.Fatal(err)
	}
	if len(received) != 1 || received[0].Path != "/v1/chat/completions" {
		t.Fatalf("received %+v", received)
	}
	for name, values := range received[0].Headers {
		low := strings.ToLower(name)
		if strings.HasPrefix(low, "x-alfred") || strings.HasPrefix(low, "x-forwarded") || low == "x-api-key" || low == "cookie" || low == "x-privacy-mode" || low == "x-priority" {
			t.Errorf("%s: %v reached the provider", name, values)
		}
		if strings.Contains(strings.Join(values, " "), owner.Key) {
			t.Errorf("the caller's key reached the provider in %s", name)
		}
	}
	if !strings.Contains(received[0].Body, "Hello!") {
		t.Errorf("the prompt did not arrive: %s", received[0].Body)
	}
}
