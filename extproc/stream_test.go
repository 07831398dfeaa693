package extproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
)

const (
	answerJSON  = `{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10}}`
	chunkHello  = "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello there\"}}],\"usage\":null}\n\n"
	chunkUsage  = "data: {\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":2,\"total_tokens\":10}}\n\n"
	chunkDone   = "data: [DONE]\n\n"
	streamHello = `{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}`
	streamUsage = `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi"}]}`
	eventStream = "text/event-stream"
	tenCredits  = 10 * alfred.Credit
)

// TestEveryWayOutEndsTheHoldOnce plays each way in which a request can end
// after it was admitted.
func TestEveryWayOutEndsTheHoldOnce(t *testing.T) {
	for _, c := range []struct {
		name      string
		body      string
		play      func(*testing.T, *exchange)
		outcome   alfred.Outcome
		void      bool
		estimated bool
		cost      alfred.Credits // -1: more than 0
	}{
		{name: "usage in JSON", body: hello, cost: tenCredits, outcome: alfred.OutcomeCompleted, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200", "content-type", "application/json"))
			x.send(responseBody(answerJSON, true))
		}},
		{name: "usage in JSON, cut in two, the end in a frame of its own", body: hello, cost: tenCredits, outcome: alfred.OutcomeCompleted, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200"))
			x.send(responseBody(answerJSON[:30], false))
			x.send(responseBody(answerJSON[30:], false))
			x.send(responseBody("", true))
		}},
		{name: "usage in a stream", body: streamUsage, cost: tenCredits, outcome: alfred.OutcomeCompleted, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200", "content-type", eventStream))
			x.send(responseBody(chunkHello+chunkUsage+chunkDone, true))
		}},
		{name: "all of a stream, but no end", body: streamUsage, cost: tenCredits, outcome: alfred.OutcomeCompleted, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200", "content-type", eventStream))
			x.send(responseBody(chunkHello+chunkUsage+chunkDone, false))
			_ = x.end()
		}},
		{name: "no usage", body: hello, cost: -1, estimated: true, outcome: alfred.OutcomeCompleted, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200"))
			x.send(responseBody(`{"choices":[{"message":{"content":"Hello"}}]}`, true))
		}},
		{name: "an answer that is no JSON", body: hello, cost: -1, estimated: true, outcome: alfred.OutcomeCompleted, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200"))
			x.send(responseBody(`<html>`, true))
		}},
		{name: "an answer that is encoded", body: hello, cost: -1, estimated: true, outcome: alfred.OutcomeCompleted, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200", "content-encoding", "gzip"))
			x.send(responseBody("\x1f\x8b....", true))
		}},
		{name: "an answer without a body", body: hello, cost: -1, estimated: true, outcome: alfred.OutcomeCompleted, play: func(t *testing.T, x *exchange) {
			m := responseHeaders("204")
			m.GetResponseHeaders().EndOfStream = true
			x.send(m)
		}},
		{name: "response trailers", body: hello, cost: tenCredits, outcome: alfred.OutcomeCompleted, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200"))
			x.send(responseBody(answerJSON, false))
			x.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseTrailers{ResponseTrailers: &extprocv3.HttpTrailers{}}})
		}},
		{name: "error event in mid-stream", body: streamUsage, cost: -1, estimated: true, outcome: alfred.OutcomeBroken, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200", "content-type", eventStream))
			x.send(responseBody(chunkHello+"data: {\"error\":{\"message\":\"no\",\"type\":\"server_error\",\"code\":null}}\n\n", true))
		}},
		{name: "error event instead of an answer", body: streamUsage, void: true, outcome: alfred.OutcomeBroken, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200", "content-type", eventStream))
			x.send(responseBody("data: {\"error\":{\"message\":\"no\",\"type\":\"server_error\",\"code\":null}}\n\n", true))
		}},
		{name: "upstream says 500", body: hello, void: true, outcome: alfred.OutcomeUpstreamError, play: func(t *testing.T, x *exchange) {
			if r := x.send(responseHeaders("500")); r.GetModeOverride() == nil {
				t.Error("the body of a failure is still asked for")
			}
		}},
		{name: "upstream says 429", body: hello, void: true, outcome: alfred.OutcomeUpstreamError, play: func(t *testing.T, x *exchange) { x.send(responseHeaders("429")) }},
		{name: "upstream refuses our credential", body: hello, void: true, outcome: alfred.OutcomeUpstreamError, play: func(t *testing.T, x *exchange) {
			if got := refusedWith(x.send(responseHeaders("401"))); got != "503 upstream_unavailable" {
				t.Errorf("the client gets %s", got)
			}
		}},
		{name: "upstream redirects", body: hello, void: true, outcome: alfred.OutcomeUpstreamError, play: func(t *testing.T, x *exchange) { x.send(responseHeaders("302")) }},
		{name: "stream closed before the answer", body: hello, cost: -1, estimated: true, outcome: alfred.OutcomeClientGone, play: func(t *testing.T, x *exchange) { _ = x.end() }},
		{name: "stream cancelled before the answer", body: hello, cost: -1, estimated: true, outcome: alfred.OutcomeClientGone, play: func(t *testing.T, x *exchange) { x.cancel() }},
		{name: "stream closed in the middle", body: streamUsage, cost: -1, estimated: true, outcome: alfred.OutcomeBroken, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200", "content-type", eventStream))
			x.send(responseBody(chunkHello, false))
			_ = x.end()
		}},
		{name: "stream cancelled in the middle", body: streamUsage, cost: -1, estimated: true, outcome: alfred.OutcomeBroken, play: func(t *testing.T, x *exchange) {
			x.send(responseHeaders("200", "content-type", eventStream))
			x.send(responseBody(chunkHello, false))
			x.cancel()
		}},
		{name: "a message that makes no sense", body: hello, cost: -1, estimated: true, outcome: alfred.OutcomeInternal, play: func(t *testing.T, x *exchange) {
			_ = x.stream.Send(requestBody(hello))
			if _, err := x.stream.Recv(); err == nil {
				t.Error("a second body was accepted")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			x, r := w.admit(t, c.body)
			if r.GetRequestBody() == nil {
				t.Fatalf("not admitted: %v", r)
			}
			c.play(t, x)
			eventually(t, func() error {
				if s, v := w.ledger.ended(); s+v == 0 {
					return errors.New("the hold is open")
				}
				return nil
			})
			w.close() // whatever else could end it has ended
			settled, voided := w.ledger.ended()
			if settled+voided != 1 || (voided == 1) != c.void {
				t.Fatalf("settled %d times, voided %d times", settled, voided)
			}
			if n := w.gate.holds.len(); n != 0 {
				t.Errorf("%d holds are still extended", n)
			}
			var e alfred.UsageEvent
			if c.void {
				e = w.ledger.voided[0]
			} else {
				s := w.ledger.settles[0]
				e = s.Event
				if s.Cost != e.Cost || (c.cost >= 0 && s.Cost != c.cost) || s.Cost <= 0 || s.Cost > s.Record.Granted {
					t.Errorf("cost %s, want %s of %s held", s.Cost, c.cost, s.Record.Granted)
				}
			}
			if e.Outcome != c.outcome || e.Estimated != c.estimated {
				t.Errorf("outcome %s, estimated %v", e.Outcome, e.Estimated)
			}
		})
	}
}

// Who has the whole answer finds it in the quota: its end is let pass only
// when the request is booked, and not before, however the answer is cut.
func TestTheEndOfAnAnswerWaitsForTheBooking(t *testing.T) {
	for name, test := range map[string]struct {
		body, kind string
		chunks     []string
		booked     int // the first chunk that passes only after the booking
	}{
		"in one":               {hello, "application/json", []string{answerJSON}, 0},
		"in two":               {hello, "application/json", []string{answerJSON[:20], answerJSON[20:]}, 1},
		"with an empty end":    {hello, "application/json", []string{answerJSON, ""}, 1},
		"a stream":             {streamUsage, eventStream, []string{chunkHello, chunkUsage, chunkDone, ""}, 2},
		"a stream to be cut":   {streamHello, eventStream, []string{chunkHello, chunkUsage, chunkDone, ""}, 2},
		"a stream that is not": {streamUsage, eventStream, []string{chunkHello, chunkUsage, ""}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			x, _ := w.admit(t, test.body)
			x.send(responseHeaders("200", "content-type", test.kind))
			for i, chunk := range test.chunks {
				x.send(responseBody(chunk, i == len(test.chunks)-1))
				if settled, _ := w.ledger.ended(); (settled == 1) != (i >= test.booked) {
					t.Errorf("chunk %d has passed, and %d settlements are booked", i, settled)
				}
			}
		})
	}
}

func TestAnUnusedUsageChunkIsTakenOut(t *testing.T) {
	answer := chunkHello + chunkUsage + chunkDone
	for _, size := range []int{1, 7, 64, 200, len(answer)} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			w := newWorld(t)
			x, r := w.admit(t, streamHello)
			sent := string(r.GetRequestBody().GetResponse().GetBodyMutation().GetBody())
			if !strings.Contains(sent, `"include_usage":true`) {
				t.Fatalf("usage was not asked for: %s", sent)
			}
			if got := replyHeader(r.GetRequestBody().GetResponse().GetHeaderMutation(), "content-length"); got != fmt.Sprint(len(sent)) {
				t.Errorf("content-length %s of %d bytes", got, len(sent))
			}
			x.send(responseHeaders("200", "content-type", eventStream+"; charset=utf-8"))
			var out bytes.Buffer
			for i := 0; i < len(answer); i += size {
				chunk := answer[i:min(i+size, len(answer))]
				deliver(&out, chunk, x.send(responseBody(chunk, false)))
			}
			deliver(&out, "", x.send(responseBody("", true)))
			if got, want := out.String(), chunkHello+chunkDone; got != want {
				t.Errorf("the client got %q, want %q", got, want)
			}
			w.close()
			if len(w.ledger.settles) != 1 || w.ledger.settles[0].Cost != tenCredits {
				t.Errorf("settled %+v", w.ledger.settles)
			}
		})
	}
}

// deliver does with a chunk what Envoy does by the reply.
func deliver(out *bytes.Buffer, chunk string, r *extprocv3.ProcessingResponse) {
	m := r.GetResponseBody().GetResponse().GetBodyMutation()
	switch {
	case m == nil:
		out.WriteString(chunk)
	case !m.GetClearBody():
		out.Write(m.GetBody())
	}
}

func TestTheProviderGetsItsCredentialAndNotTheCallers(t *testing.T) {
	w := newWorld(t)
	_, r := w.admit(t, hello, "x-api-key", w.key, "x-alfred-anything", "1", "X-Priority", "low", "cookie", "a=b", "x-team-id", "", "accept", "*/*")
	m := r.GetRequestBody().GetResponse()
	for name, want := range map[string]string{
		"authorization": "Bearer provider", "x-alfred-backend": "openai", ":path": "/v1/chat/completions", "accept-encoding": "identity",
	} {
		if got := replyHeader(m.GetHeaderMutation(), name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	removed := strings.Join(m.GetHeaderMutation().GetRemoveHeaders(), " ")
	if removed != "x-api-key x-alfred-anything x-priority cookie x-team-id" {
		t.Errorf("removed %s", removed)
	}
	if !m.GetClearRouteCache() {
		t.Error("the route is not chosen again")
	}
	if m.GetBodyMutation() != nil {
		t.Error("a body that needs no change was replaced")
	}
}

func TestAStreamThatBeginsWithAnAnswerIsLetPass(t *testing.T) {
	for _, after := range []bool{false, true} {
		w := newWorld(t)
		x := w.begin(t)
		if after {
			x.send(w.post())
		}
		if r := x.send(responseHeaders("413")); r.GetResponseHeaders() == nil {
			t.Errorf("reply %v", r)
		}
		if err := x.end(); err != nil {
			t.Error(err)
		}
		w.close()
		if w.ledger.reserved() != 0 {
			t.Error("something was reserved")
		}
	}
}

func TestAnUndecidedStreamEndsWithAnError(t *testing.T) {
	w := newWorld(t)
	if err := w.begin(t).end(); err == nil {
		t.Error("an empty stream ended well")
	}
	x := w.begin(t)
	x.send(w.post())
	if err := x.end(); err == nil {
		t.Error("a stream without a body ended well")
	}
}

func TestAFilterThatDoesNotShowTheBodyIsRefused(t *testing.T) {
	w := newWorld(t)
	for mode, ok := range map[filterv3.ProcessingMode_BodySendMode]bool{
		filterv3.ProcessingMode_BUFFERED: true, filterv3.ProcessingMode_NONE: false, filterv3.ProcessingMode_STREAMED: false,
		filterv3.ProcessingMode_BUFFERED_PARTIAL: false, filterv3.ProcessingMode_FULL_DUPLEX_STREAMED: false,
	} {
		x := w.begin(t)
		m := w.post()
		m.ProtocolConfig = &extprocv3.ProtocolConfiguration{RequestBodyMode: mode, ResponseBodyMode: filterv3.ProcessingMode_STREAMED}
		if err := x.stream.Send(m); err != nil {
			t.Fatal(err)
		}
		if _, err := x.stream.Recv(); (err == nil) != ok {
			t.Errorf("%s: %v", mode, err)
		}
		x.cancel()
	}
}

func TestAPanicEndsTheHoldAndTheRequest(t *testing.T) {
	t.Run("before it was forwarded", func(t *testing.T) {
		var log bytes.Buffer
		registry := prometheus.NewRegistry()
		w := newWorld(t, func(c *Config) { c.Log, c.Metrics = slog.New(slog.NewTextHandler(&log, nil)), registry })
		w.ledger.reserve = func(context.Context, alfred.ReserveRequest) (alfred.ReserveReply, error) { panic("broken") }
		x := w.begin(t)
		x.send(w.post())
		_ = x.stream.Send(requestBody(hello))
		if r, err := x.stream.Recv(); err == nil {
			t.Errorf("a request passed: %v", r)
		}
		w.close()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if n := f.GetMetric()[0].GetCounter().GetValue(); f.GetName() == "alfred_panics_total" && n != 1 {
				t.Errorf("alfred_panics_total is %v", n)
			}
		}
		if text := log.String(); !strings.Contains(text, "a handler panicked") || !strings.Contains(text, "stream_test.go") {
			t.Errorf("the log has no stack: %s", text)
		}
	})
	t.Run("after it was forwarded", func(t *testing.T) {
		w := newWorld(t)
		x, _ := w.admit(t, hello)
		w.clock.mu.Lock() // the next message needs the time; it will panic instead
		now := w.Server.now
		w.Server.now = func() time.Time { w.Server.now = now; panic("broken") }
		w.clock.mu.Unlock()
		_ = x.stream.Send(responseHeaders("500"))
		_, _ = x.stream.Recv()
		if _, err := x.stream.Recv(); err == nil {
			t.Error("the handler ended well")
		}
		w.close()
		if s, v := w.ledger.ended(); s != 1 || v != 0 || w.ledger.settles[0].Event.Outcome != alfred.OutcomeInternal {
			t.Errorf("settled %d times, voided %d times", s, v)
		}
	})
}

func TestShutdownBreaksOffAndSettles(t *testing.T) {
	w := newWorld(t)
	x, _ := w.admit(t, streamUsage)
	x.send(responseHeaders("200", "content-type", eventStream))
	x.send(responseBody(chunkHello, false))
	over, cancel := context.WithCancel(context.Background())
	cancel()
	w.service.Shutdown(over)
	if why := w.unready(); why != "shutting down" {
		t.Errorf("ready while shutting down: %q", why)
	}
	w.close()
	if s, v := w.ledger.ended(); s != 1 || v != 0 {
		t.Fatalf("settled %d times, voided %d times", s, v)
	}
	if e := w.ledger.settles[0].Event; e.Outcome != alfred.OutcomeShutdown || !e.Estimated {
		t.Errorf("event %+v", e)
	}
}

// TestNoOrderOfMessagesLetsAnUndecidedRequestPass sends messages in random
// order. A reply to a request's body is the only one that forwards it, and
// comes only after a reservation, which is then ended once.
func TestNoOrderOfMessagesLetsAnUndecidedRequestPass(t *testing.T) {
	w := newWorld(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	forwarded := 0
	for range 400 {
		x := w.begin(t)
		reservedBefore := w.ledger.reserved()
		passed := false
		for range 1 + random.IntN(7) {
			kind := random.IntN(10)
			m := []*extprocv3.ProcessingRequest{
				w.post(), w.post(), requestBody(hello), requestBody(hello), requestBody(streamHello), requestBody("{"),
				responseHeaders("200"), responseHeaders("500"), responseBody(answerJSON, random.IntN(2) == 0),
				{},
			}[kind]
			if x.stream.Send(m) != nil {
				break
			}
			r, err := x.stream.Recv()
			if err != nil {
				break
			}
			if body := r.GetRequestBody(); body != nil {
				if passed || replyHeader(body.GetResponse().GetHeaderMutation(), "x-alfred-backend") == "" {
					t.Fatalf("forwarded without a decision: %v", r)
				}
				passed = true
			}
		}
		if random.IntN(2) == 0 {
			x.cancel()
		} else {
			_ = x.end()
		}
		if passed {
			forwarded++
		}
		if passed && w.ledger.reserved() == reservedBefore {
			t.Fatal("forwarded without a reservation")
		}
	}
	w.close()
	if forwarded == 0 {
		t.Error("no order forwarded anything: the test proves nothing")
	}
	if s, v := w.ledger.ended(); s+v != w.ledger.reserved() {
		t.Errorf("%d reservations, %d settled, %d voided", w.ledger.reserved(), s, v)
	}
}
