package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// attempt is a call made on the side, that a story picks up later.
type attempt struct {
	status  int
	header  http.Header
	body    []byte
	failure error
}

// background makes a completion without ending the test when it breaks: some stories break it on purpose.
func (e *edge) background(p person, body any) <-chan attempt {
	out := make(chan attempt, 1)
	go func() {
		text, err := json.Marshal(body)
		if err != nil {
			out <- attempt{failure: err}
			return
		}
		req, err := http.NewRequest(http.MethodPost, e.URL+"/v1/chat/completions", strings.NewReader(string(text)))
		if err != nil {
			out <- attempt{failure: err}
			return
		}
		req.Header.Set("Authorization", "Bearer "+p.Key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			out <- attempt{failure: err}
			return
		}
		defer func() { _ = res.Body.Close() }()
		a := attempt{status: res.StatusCode, header: res.Header}
		a.body, a.failure = io.ReadAll(res.Body)
		out <- a
	}()
	return out
}

// priceOfHolding finds what one hanging call holds: prompt and output limit are the same each time, so the hold is too.
func (s *stack) priceOfHolding(t *testing.T, owner person) float64 {
	t.Helper()
	probe := s.colleague(t, owner, "probe", 100_000)
	waiting := s.background(probe, hanging())
	var held float64
	await(t, "the probe is held", func() bool {
		held = s.quota(t, probe).Held
		return held > 0
	})
	s.release(t)
	if a := <-waiting; a.status != http.StatusOK {
		t.Fatalf("the probe ended with %d, %v: %s", a.status, a.failure, a.body)
	}
	return held
}

func hanging() map[string]any { return chat("mock-hang", "Hello!", "max_tokens", 100) }

// A hundred calls at once, through two Envoys and two processes, on quota for ten.
func TestPeers01_ExactlyWhatFitsIsAdmitted(t *testing.T) {
	const calls, fits = 100, 10
	s := start(t)
	second := s.addEdge(t, "")
	owner := s.owner(t)
	price := s.priceOfHolding(t, owner)
	p := s.colleague(t, owner, "stormy", fits*price)

	// Somebody looks all the while: what is spent and held together never exceeds the quota.
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if q := s.quota(t, p); q.Used+q.Held > q.Personal {
					t.Errorf("above the quota: %+v", q)
				}
			}
		}
	})
	defer looking.Wait()
	defer close(stop)

	done := make(chan attempt, calls)
	for i := range calls {
		e := s.edge
		if i%2 == 1 {
			e = second
		}
		go func() { done <- <-e.background(p, hanging()) }()
	}
	for range calls - fits {
		select {
		case a := <-done:
			// The credits are only held, so the SDK is told to come again.
			if a.status != http.StatusTooManyRequests || !strings.Contains(string(a.body), `"quota_held"`) ||
				a.header.Get("X-Should-Retry") != "true" || a.header.Get("Retry-After") != "1" {
				t.Fatalf("got %d, %v, %v: %s", a.status, a.failure, a.header, a.body)
			}
		case <-time.After(time.Minute):
			t.Fatalf("not all that does not fit was refused; the quota is %+v", s.quota(t, p))
		}
	}
	if q := s.quota(t, p); q.Held != fits*price || q.Used != 0 || q.Available != 0 {
		t.Errorf("with %d calls in flight the quota is %+v, and one call holds %v", fits, q, price)
	}
	await(t, "all that fits has reached the provider", func() bool { return s.providerHolds(t) >= fits+1 })
	s.release(t)
	var spent float64
	for range fits {
		a := <-done
		if a.status != http.StatusOK {
			t.Fatalf("an admitted call ended with %d, %v: %s", a.status, a.failure, a.body)
		}
		spent += total(t, a.body)
	}
	s.wantUsed(t, p, spent)

	// Nothing is held any more: what fits now is admitted, on both sides.
	for _, e := range []*edge{s.edge, second} {
		answer := e.complete(t, p, chat("gpt-4", "Hello!", "max_tokens", 100))
		answer.into(t, http.StatusOK, nil)
		spent += total(t, answer.body)
		s.wantUsed(t, p, spent)
	}
}

// A process that is killed takes nobody's credits with it: its holds run out, and are charged as the organisation wants.
func TestPeers02_HoldsOutliveAKilledProcess(t *testing.T) {
	const calls = 50
	s := start(t, "ALFRED_HOLD_TTL=3s", "ALFRED_HOLD_EXTEND=1s")
	owner := s.owner(t)
	s.call(t, owner.Key, http.MethodPatch, "/v1/admin/organization", map[string]any{"settings": map[string]any{"hold_seconds": 10}}).into(t, http.StatusOK, nil)
	price := s.priceOfHolding(t, owner)
	p := s.colleague(t, owner, "unlucky", 100_000)
	var waiting []<-chan attempt
	for range calls {
		waiting = append(waiting, s.background(p, hanging()))
	}
	await(t, "all calls are held", func() bool { return s.quota(t, p).Held == calls*price })
	s.ExtProc.Kill()
	for _, w := range waiting {
		if a := <-w; a.status == http.StatusOK {
			t.Errorf("a call was answered without being metered: %s", a.body)
		}
	}
	if got := s.complete(t, p, chat("gpt-4", "Hello!")); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without a process: got %s %s", got.Status, got.body)
	}
	s.ExtProc.start(t)
	q := s.settled(t, p)
	if q.Used <= 0 || q.Used > calls*price || q.Used != float64(int64(q.Used/calls))*calls {
		t.Errorf("fifty equal calls were charged %v in all, and one held %v", q.Used, price)
	}
	s.complete(t, p, chat("gpt-4", "Hello!")).into(t, http.StatusOK, nil)
}

// providerHolds counts what the provider received.
func (s *stack) providerHolds(t *testing.T) int {
	t.Helper()
	res, err := http.Get(s.Provider.URL + "/_received?last=1000")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var all []json.RawMessage
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// total is what a completion says it cost in tokens.
func total(t *testing.T, body []byte) float64 {
	t.Helper()
	var c struct {
		Usage struct {
			Total float64 `json:"total_tokens"`
		}
	}
	if err := json.Unmarshal(body, &c); err != nil || c.Usage.Total == 0 {
		t.Fatalf("no usage in %s: %v", body, err)
	}
	return c.Usage.Total
}
