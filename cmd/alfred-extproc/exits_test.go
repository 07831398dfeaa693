package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
)

// TestPeers03Peers04_EveryWayOutEndsItsHoldOnce sends one request for each way in which a
// request can end, through a real Envoy.
func TestPeers03Peers04_EveryWayOutEndsItsHoldOnce(t *testing.T) {
	w := newWorld(t, 1_000_000*alfred.Credit)
	body := func(model, rest string) string {
		return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"Tell me a story."}],"max_tokens":200%s}`, model, rest)
	}
	const stream, streamUsage = `,"stream":true`, `,"stream":true,"stream_options":{"include_usage":true}`
	for _, c := range []struct {
		name string
		body string
		act  func(*testing.T, *world, string) // what the client does; nil reads everything

		status    int // of the answer; 0 when there is none
		kind      alfred.EventKind
		outcome   alfred.Outcome
		estimated bool
		overrun   bool
		usage     bool // the client sees a usage chunk or field
	}{
		{name: "usage in JSON", body: body("m", ""), status: 200, kind: alfred.EventSettle, outcome: alfred.OutcomeCompleted, usage: true},
		{name: "usage in a stream that the client did not ask for", body: body("m", stream), status: 200, kind: alfred.EventSettle, outcome: alfred.OutcomeCompleted},
		{name: "usage in a stream that the client asked for", body: body("m", streamUsage), status: 200, kind: alfred.EventSettle, outcome: alfred.OutcomeCompleted, usage: true},
		{name: "no usage in JSON", body: body("mock-no-usage", ""), status: 200, kind: alfred.EventSettle, outcome: alfred.OutcomeCompleted, estimated: true},
		{name: "no usage in a stream", body: body("mock-no-usage", stream), status: 200, kind: alfred.EventSettle, outcome: alfred.OutcomeCompleted, estimated: true},
		{name: "more than was asked for", body: strings.Replace(body("mock-overrun", ""), "200", "1", 1), status: 200, kind: alfred.EventSettle, outcome: alfred.OutcomeCompleted, overrun: true, usage: true},
		{name: "provider says 429", body: body("mock-error-429", ""), status: 429, kind: alfred.EventVoid, outcome: alfred.OutcomeUpstreamError},
		{name: "provider says 500 to a stream", body: body("mock-error-500", stream), status: 500, kind: alfred.EventVoid, outcome: alfred.OutcomeUpstreamError},
		{name: "error in mid-stream", body: body("mock-error-midstream", stream), status: 200, kind: alfred.EventSettle, outcome: alfred.OutcomeBroken, estimated: true},
		{name: "provider breaks off JSON", body: body("mock-reset", ""), act: broken, kind: alfred.EventSettle, outcome: alfred.OutcomeBroken, estimated: true},
		{name: "provider breaks off a stream", body: body("mock-reset", stream), act: broken, kind: alfred.EventSettle, outcome: alfred.OutcomeBroken, estimated: true},
		{name: "client leaves before the first byte", body: body("mock-hang", stream), act: leaveAtOnce, kind: alfred.EventSettle, outcome: alfred.OutcomeClientGone, estimated: true},
		{name: "client leaves in mid-stream", body: body("mock-hold", stream), act: leaveInTheMiddle, kind: alfred.EventSettle, outcome: alfred.OutcomeBroken, estimated: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := w.settled(t).Settled
			if c.act != nil {
				c.act(t, w, c.body)
			} else {
				a := w.chat(t, c.body)
				if a.status != c.status {
					t.Errorf("status %d, want %d: %s", a.status, c.status, a.body)
				}
				if a.status >= 400 && a.code(t) == "" && !strings.Contains(a.body, `"message"`) {
					t.Errorf("the provider's words are lost: %q", a.body)
				}
				if got := strings.Contains(a.body, `"usage":{`); got != c.usage {
					t.Errorf("the client sees usage: %v, want %v: %s", got, c.usage, a.body)
				}
				if strings.Contains(c.body, stream) && a.status == 200 && c.outcome == alfred.OutcomeCompleted && !strings.HasSuffix(a.body, "data: [DONE]\n\n") {
					t.Errorf("the stream does not end well: %q", a.body)
				}
			}
			e := w.event(t)
			if e.Kind != c.kind || e.Outcome != c.outcome || e.Estimated != c.estimated || e.Overrun != c.overrun {
				t.Errorf("event kind %s, outcome %s, estimated %v, overrun %v", e.Kind, e.Outcome, e.Estimated, e.Overrun)
			}
			if c.kind == alfred.EventVoid && e.Cost != 0 || c.kind == alfred.EventSettle && e.Cost == 0 {
				t.Errorf("cost %s of a %s", e.Cost, c.kind)
			}
			if got := w.settled(t).Settled - before; got != e.Cost {
				t.Errorf("settled %s, the event says %s", got, e.Cost)
			}
			if entries, err := w.store.ReadEvents(t.Context(), org, "test", 10, 0); err != nil || len(entries) > 0 {
				t.Errorf("more events of one request: %v %v", entries, err)
			}
		})
	}
	t.Run("provider refuses our credential", func(t *testing.T) {
		refuse := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(rw, `{"error":{"message":"Incorrect API key provided: sk-secret"}}`)
		})
		w.answers.Store(&refuse)
		defer w.answers.Store(nil)
		a := w.chat(t, hello)
		if a.status != 503 || a.code(t) != "upstream_unavailable" || strings.Contains(a.body, "sk-") || a.header.Get("X-Should-Retry") != "false" {
			t.Errorf("%d: %s", a.status, a.body)
		}
		e := w.event(t)
		if e.Kind == alfred.EventDecision { // the refusal is recorded too
			e = w.event(t)
		} else if second := w.event(t); second.Kind != alfred.EventDecision {
			t.Errorf("second event %+v", second)
		}
		if e.Kind != alfred.EventVoid || e.Status != 401 {
			t.Errorf("event %+v", e)
		}
		w.settled(t)
	})
	t.Run("provider refuses the connection", func(t *testing.T) {
		w.provider.Close()
		a := w.chat(t, hello)
		if a.status != 503 || a.code(t) != "upstream_unavailable" {
			t.Errorf("%d: %s", a.status, a.body)
		}
		if e := w.event(t); e.Kind != alfred.EventVoid || e.Outcome != alfred.OutcomeUpstreamError {
			t.Errorf("event kind %s, outcome %s", e.Kind, e.Outcome)
		}
		w.settled(t)
	})
}

// broken reads an answer that ends badly. One of which the client has seen nothing yet says that it may cost something.
func broken(t *testing.T, w *world, body string) {
	res, err := http.DefaultClient.Do(w.request(t, http.MethodPost, "/v1/chat/completions", body))
	if err != nil {
		return
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if res.StatusCode == http.StatusOK {
		if err == nil {
			t.Error("the answer ended well")
		}
		return
	}
	if res.StatusCode != http.StatusBadGateway || !strings.Contains(string(text), `"code":"upstream_broken"`) {
		t.Errorf("%s: %s", res.Status, text)
	}
}

func leaveAtOnce(t *testing.T, w *world, body string) {
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, err := http.DefaultClient.Do(w.request(t, http.MethodPost, "/v1/chat/completions", body).WithContext(ctx))
		if err == nil {
			_ = res.Body.Close()
		}
	}()
	eventually(t, func() error {
		if w.balance(t).Held() == 0 {
			return fmt.Errorf("nothing is held")
		}
		return nil
	})
	w.forwarded(t)
	leave()
	<-done
}

func leaveInTheMiddle(t *testing.T, w *world, body string) {
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	res, err := http.DefaultClient.Do(w.request(t, http.MethodPost, "/v1/chat/completions", body).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
}

// forwarded waits until the provider has the request.
func (w *world) forwarded(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		r, err := http.Get(w.provider.URL + "/_received?last=1")
		if err != nil {
			return err
		}
		defer func() { _ = r.Body.Close() }()
		text, err := io.ReadAll(r.Body)
		if err != nil || strings.Contains(string(text), "mock-hang") {
			return err
		}
		return errors.New("the provider has not got it")
	})
}
