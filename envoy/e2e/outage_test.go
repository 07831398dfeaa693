package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// Without its database the control plane stands still; the data plane does not notice, and nothing is lost.
func TestCompletionsGoOnWithoutPostgres(t *testing.T) {
	postgres, err := parts.StartPostgres(t.Context(), parts.PostgresConfig{})
	if err != nil {
		envoytest.Missing(t, "Postgres", err)
	}
	t.Cleanup(postgres.Stop)
	s := startOn(t, postgres)
	owner := s.owner(t)

	want := map[string]bool{}
	call := func() {
		answer := s.complete(t, owner, chat("gpt-4", "Hello!"))
		answer.into(t, http.StatusOK, nil)
		want[answer.Header.Get("X-Alfred-Request-Id")] = true
	}
	for range 5 {
		call()
	}
	postgres.Halt()
	for range 20 {
		call()
	}
	if err := postgres.Resume(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		call()
	}

	got := map[string]int{}
	await(t, "every call is recorded", func() bool {
		var page struct {
			Data []struct {
				RequestID string `json:"request_id"`
			}
		}
		answer := s.call(t, owner.Key, http.MethodGet, fmt.Sprintf("/v1/users/me/usage?limit=%d", 200), nil)
		if answer.StatusCode != http.StatusOK {
			return false // not yet back
		}
		answer.into(t, http.StatusOK, &page)
		clear(got)
		for _, d := range page.Data {
			got[d.RequestID]++
		}
		return len(got) >= len(want)
	})
	for id, n := range got {
		if n != 1 || !want[id] {
			t.Errorf("%s is recorded %d times", id, n)
		}
	}
}
