package admin_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// listener reads a stream of events over a real connection.
type listener struct {
	*world
	events chan [3]string // id, name, data
}

func (w *world) listen(path, key string, headers ...string) listener {
	w.Helper()
	server := httptest.NewServer(w.handler)
	ctx, cancel := context.WithCancel(w.ctx)
	w.Cleanup(func() { cancel(); server.Close() })
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	w.must(err)
	if key != "" {
		r.Header.Set("X-API-Key", key)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	reply, err := server.Client().Do(r) // closed with the request's context
	w.must(err)
	if reply.StatusCode != http.StatusOK || reply.Header.Get("Content-Type") != "text/event-stream" {
		w.Fatalf("stream: %d %s", reply.StatusCode, reply.Header.Get("Content-Type"))
	}
	l := listener{w, make(chan [3]string, 100)}
	go func() {
		defer close(l.events)
		var e [3]string
		for lines := bufio.NewScanner(reply.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e[0] = value
			case "event":
				e[1] = value
			case "data":
				e[2] = value
			case "":
				if e[1] != "" {
					l.events <- e
				}
				e = [3]string{}
			}
		}
	}()
	return l
}

// next waits for an event of a name and passes over others.
func (l listener) next(name string) (id, data string) {
	l.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case e, ok := <-l.events:
			if !ok {
				l.Fatalf("the stream ended before %s", name)
			}
			if e[1] == name {
				return e[0], e[2]
			}
		case <-late:
			l.Fatalf("no %s came", name)
		}
	}
}

func TestStreams(t *testing.T) {
	w := started(t)
	anna, bob := w.user("anna@company.com", ""), w.user("bob@company.com", "")
	team := w.team("Red", "100", anna)
	w.do("POST", "/v1/admin/teams/"+team+"/members/"+bob.id+"?is_admin=true", w.owner.key, "").is(http.StatusCreated)
	admin, mine := w.listen("/v1/admin/stream", w.owner.key), w.listen("/v1/users/me/stream", anna.key)

	w.useAll(used{anna, team, w.clock.Now(), "gpt-4", 30, 10, ""})
	if _, data := admin.next("usage"); !strings.Contains(data, `"credits":30`) || !strings.Contains(data, `"requests":1`) {
		t.Errorf("usage: %s", data)
	}
	if _, data := admin.next("first_request"); !strings.Contains(data, `"model":"gpt-4"`) {
		t.Errorf("first request: %s", data)
	}
	if _, data := mine.next("usage"); !strings.Contains(data, `"credits":30`) {
		t.Errorf("my usage: %s", data)
	}
	refused := w.refuse(anna, alfred.CodeUserQuota, w.clock.Now())[0]
	id, data := admin.next("denial")
	if !strings.Contains(data, string(refused.ID)) || !strings.Contains(data, "anna@company.com") {
		t.Errorf("denial: %s", data)
	}
	mine.next("denial")
	w.do("PATCH", "/v1/admin/users/"+bob.id, w.owner.key, `{"name":"Robert"}`).is(http.StatusOK)
	if _, data := admin.next("directory"); !strings.Contains(data, `"users"`) {
		t.Errorf("directory: %s", data)
	}
	w.do("POST", "/v1/users/me/transfer", w.owner.key, `{"recipient_email":"anna@company.com","amount":5}`).is(http.StatusCreated)
	if _, data := mine.next("inbox"); !strings.Contains(data, "credits_received") {
		t.Errorf("inbox: %s", data)
	}

	// Whoever comes back hears what happened meanwhile, and of nothing twice.
	later := w.refuse(anna, alfred.CodeTeamPool, w.clock.Now().Add(time.Second))[0]
	w.clock.Set(w.clock.Now().Add(2 * time.Second))
	back := w.listen("/v1/admin/stream", w.owner.key, "Last-Event-ID: "+id)
	if _, data := back.next("denial"); !strings.Contains(data, string(later.ID)) {
		t.Errorf("after coming back: %s", data)
	}
	w.clock.Set(w.clock.Now().Add(10 * time.Minute))
	w.listen("/v1/admin/stream", w.owner.key, "Last-Event-ID: "+id).next("reset")

	// A team admin hears of the team, and nobody else.
	lead := w.listen("/v1/admin/stream", bob.key)
	w.useAll(used{w.owner, "", w.clock.Now(), "gpt-4", 70, 10, ""}, used{anna, team, w.clock.Now(), "gpt-4", 8, 4, ""})
	if _, data := lead.next("usage"); !strings.Contains(data, `"credits":8`) {
		t.Errorf("a team admin hears %s", data)
	}
}

// A stream ends with what let it begin.
func TestStreamEndsWithTheSession(t *testing.T) {
	w := started(t)
	anna, bob := w.user("anna@company.com", ""), w.user("bob@company.com", "")
	session := w.signIn(anna)
	byCookie, byKey := w.listen("/v1/users/me/stream", "", session), w.listen("/v1/users/me/stream", bob.key)
	w.do("DELETE", "/v1/auth/session", "", "", session).is(http.StatusNoContent)
	if _, data := byCookie.next("end"); !strings.Contains(data, string(alfred.CodeSessionEnded)) {
		t.Errorf("signed out: %s", data)
	}
	w.do("PATCH", "/v1/admin/users/"+bob.id, w.owner.key, `{"status":"suspended"}`).is(http.StatusOK)
	if _, data := byKey.next("end"); !strings.Contains(data, string(alfred.CodeUserSuspended)) {
		t.Errorf("suspended: %s", data)
	}
}
