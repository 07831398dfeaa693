package extproc

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/memory"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// TestExactlyWhatFitsIsAdmitted sends many requests at once through two
// servers on one ledger, with quota for ten.
func TestExactlyWhatFitsIsAdmitted(t *testing.T) {
	const callers, fit = 100, 10
	first := newWorld(t)
	live := memory.New(first.clock.Now)
	storetest.Open(t, live, testOrg)
	useLive := func(c *Config) { c.Ledger = live }
	a, b := newWorld(t, useLive), newWorld(t, useLive)
	body := strings.Replace(hello, `{`, `{"max_tokens":50,`, 1)

	// What one request holds, found by asking.
	first.admit(t, body)
	each := first.ledger.reserves[0].Want
	for _, w := range []*world{a, b} {
		w.principal.Personal = alfred.Allowance{Base: fit*each + each - 1}
	}

	var admitted, refused atomic.Int64
	release := make(chan struct{})
	var decided, wg sync.WaitGroup
	for i := range callers {
		w := []*world{a, b}[i%2]
		decided.Add(1)
		wg.Go(func() {
			x, r := w.admit(t, body)
			if r.GetRequestBody() != nil {
				admitted.Add(1)
				decided.Done()
				<-release
				x.send(responseHeaders("200"))
				x.send(responseBody(answerJSON, true))
				return
			}
			if got := refusedWith(r); got != "429 quota_held" {
				t.Errorf("refused with %s while the others still run", got)
			}
			refused.Add(1)
			decided.Done()
		})
	}
	decided.Wait()
	if admitted.Load() != fit || refused.Load() != callers-fit {
		t.Errorf("admitted %d, refused %d", admitted.Load(), refused.Load())
	}
	close(release)
	wg.Wait()
	a.close()
	b.close()
	window, err := alfred.DefaultSettings().Window.At(a.clock.Now(), zone(a.catalog))
	if err != nil {
		t.Fatal(err)
	}
	got, err := live.Balances(context.Background(), testOrg, []alfred.Counter{{Kind: alfred.CountPersonal, Subject: "usr_1", Window: window}})
	if err != nil || got[0].Settled != fit*tenCredits || got[0].Held() != 0 {
		t.Errorf("the counter stands at %+v, %v", got, err)
	}
}

func TestTokensPerMinuteAreCorrected(t *testing.T) {
	live := memory.New(newWorld(t).clock.Now)
	storetest.Open(t, live, testOrg)
	w := newWorld(t, func(c *Config) { c.Ledger = live })
	w.principal.Limits = []alfred.Limit{{Scope: alfred.ScopeUser, Subject: "usr_1", Metric: alfred.MetricTokensPerMinute, Rate: 400, Mode: alfred.Enforce}}
	for i := range 3 {
		// Each charges input and the least output, and then is corrected to ten tokens, so that the next one passes.
		x, r := w.admit(t, hello)
		if r.GetRequestBody() == nil {
			t.Fatalf("request %d: %v", i, r)
		}
		x.send(responseHeaders("200"))
		x.send(responseBody(answerJSON, true))
		_ = x.end()
	}
	w.admit(t, hello)
	if _, r := w.admit(t, hello); refusedWith(r) != "429 rate_limited" {
		t.Errorf("two at once: %v", r)
	}
}

// BenchmarkProcess is one request of 2 KB and its answer of one chunk, with a
// ledger that costs nothing: four messages, in one process with the client.
func BenchmarkProcess(b *testing.B) {
	w := newWorld(b)
	w.ledger.reserve = func(_ context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
		w.ledger.mu.Lock()
		w.ledger.reserves, w.ledger.settles = w.ledger.reserves[:0], w.ledger.settles[:0]
		w.ledger.mu.Unlock()
		return granted(r, r.Want), nil
	}
	body := `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("lorem ipsum ", 170) + `"}]}`
	messages := []*extprocv3.ProcessingRequest{
		w.post("user-agent", "bench", "accept", "*/*", "content-type", "application/json", ":scheme", "http", ":authority", "localhost"),
		requestBody(body), responseHeaders("200", "content-type", "application/json"), responseBody(answerJSON, true),
	}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			ctx, cancel := context.WithCancel(context.Background())
			s, err := w.client.Process(ctx)
			if err != nil {
				b.Error(err)
				cancel()
				return
			}
			for _, m := range messages {
				if s.Send(m) != nil {
					b.Error("send")
				}
				if _, err := s.Recv(); err != nil {
					b.Error(err)
				}
			}
			cancel()
		}
	})
}
