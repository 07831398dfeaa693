package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
)

const hello = `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello, how are you?"}]}`

func TestOneRequestIsHeldForwardedAndSettled(t *testing.T) {
	w := newWorld(t, 1_000*alfred.Credit)
	a := w.chat(t, hello, "X-Alfred-Backend: evil", "X-Priority: high", "Cookie: a=b")
	if a.status != http.StatusOK {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	var completion struct {
		Usage struct {
			Prompt     int64 `json:"prompt_tokens"`
			Completion int64 `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal([]byte(a.body), &completion); err != nil {
		t.Fatal(err)
	}
	want := alfred.Credits(completion.Usage.Prompt+completion.Usage.Completion) * alfred.Credit
	if got := w.settled(t); got.Settled != want || want == 0 {
		t.Errorf("settled %s, want %s", got.Settled, want)
	}
	e := w.event(t)
	if e.Kind != alfred.EventSettle || e.Cost != want || e.Estimated || e.Outcome != alfred.OutcomeCompleted || e.User != "usr_1" ||
		e.Provider != "mock" || e.Priority != alfred.PriorityHigh || !e.Shrunk {
		t.Errorf("event %+v", e)
	}
	for _, h := range []string{"X-Alfred-Request-Id", "X-Alfred-Decision-Id", "X-Alfred-Remaining", "X-Alfred-Reset", "X-Alfred-Output-Limit"} {
		if a.header.Get(h) == "" {
			t.Errorf("the answer has no %s: %v", h, a.header)
		}
	}
	if got := string(e.Request); got != a.header.Get("X-Alfred-Request-Id") {
		t.Errorf("the event is of %s, the answer of %s", got, a.header.Get("X-Alfred-Request-Id"))
	}

	r, err := http.Get(w.provider.URL + "/_received")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	var received []struct {
		Path    string      `json:"path"`
		Headers http.Header `json:"headers"`
		Body    string      `json:"body"`
	}
	if err := json.NewDecoder(r.Body).Decode(&received); err != nil {
		t.Fatal(err)
	}
	if len(received) != 1 || received[0].Path != "/v1/chat/completions" || received[0].Headers.Get("Accept-Encoding") != "identity" {
		t.Fatalf("the provider received %+v", received)
	}
	for name := range received[0].Headers {
		if name == "Authorization" || name == "Cookie" || strings.HasPrefix(name, "X-Alfred-") || name == "X-Priority" {
			t.Errorf("the provider received %s", name)
		}
	}
	if !strings.Contains(received[0].Body, `"max_tokens":`) {
		t.Errorf("the limit was not written into the request: %s", received[0].Body)
	}
}
