package admin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/alfred-envoy/alfred/admin"
)

// slack stands in for an incoming webhook.
type slack struct {
	*httptest.Server
	mu     sync.Mutex
	said   []string
	answer int
	header http.Header
}

func newSlack(t *testing.T) *slack {
	t.Helper()
	s := &slack{answer: http.StatusOK, header: http.Header{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var message struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "invalid_payload")
			return
		}
		for k, v := range s.header {
			w.Header()[k] = v
		}
		w.WriteHeader(s.answer)
		if s.answer == http.StatusOK {
			s.said = append(s.said, message.Text)
			_, _ = io.WriteString(w, "ok")
		} else {
			_, _ = io.WriteString(w, "no_service")
		}
	}))
	s.URL += "/services/T0000/B0000/a-secret-of-slacks-x7Yq"
	t.Cleanup(s.Close)
	return s
}

// reachable lets channels of this machine be given.
func (s *slack) reachable(c *admin.Config) { c.Webhooks.Private = true }

func (s *slack) environment(c *admin.Config) { c.Webhooks.Slack = s.URL }

func (s *slack) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.said
	s.said = nil
	return out
}

func (w *world) channel(name, address string) string {
	w.Helper()
	return text(w.do("POST", "/v1/admin/channels", w.owner.key, fmt.Sprintf(`{"name":%q,"address":%q,"from_percent":50}`, name, address)).is(http.StatusCreated)["id"])
}

// deliver sends everything that is due.
func (w *world) deliver() (sent int) {
	w.Helper()
	for {
		worked, err := w.jobs.StepDelivery(w.ctx)
		w.must(err)
		if !worked {
			return sent
		}
		sent++
	}
}
