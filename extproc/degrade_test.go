package extproc

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
)

// counted reads a counter with one label.
func counted(t *testing.T, r prometheus.Gatherer, name, label string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// Whatever a fail mode decides, the answer, a metric and what is recorded of
// the request say so: no request passes, or is refused, in silence.
func TestEveryDegradedAnswerSaysSo(t *testing.T) {
	for _, c := range []struct {
		name    string
		mode    alfred.FailMode
		aside   bool
		allowed bool
		refusal string // why nothing was spent from an allowance
	}{
		{"deny", alfred.FailDeny, false, false, ""},
		{"allow", alfred.FailAllow, false, true, ""},
		{"local, with something set aside", alfred.FailLocal, true, true, ""},
		{"local, with nothing set aside", alfred.FailLocal, false, false, "none"},
		{"one that this version does not know", "newer", false, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			metrics := prometheus.NewRegistry()
			w := newWorld(t, func(f *Config) {
				f.Metrics = metrics
				if c.aside {
					f.Gate.Allowance, f.Gate.Processes = 1000*alfred.Credit, 1
				}
			})
			w.catalog.Settings.FailMode = c.mode
			told := string(c.mode)
			if !c.mode.Valid() {
				told = "deny"
			}
			w.ledger.reserve = func(_ context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
				reply := granted(r, r.Want)
				reply.Remaining = 100_000 * alfred.Credit
				return reply, nil
			}
			x, _ := w.admit(t, hello)
			x.send(responseHeaders("200"))
			x.send(responseBody(answerJSON, true))
			if c.aside {
				w.gate.allowances.step(t.Context())
			}
			w.ledger.mu.Lock()
			w.ledger.reserve = failing(errDown)
			w.ledger.mu.Unlock()

			x, r := w.admit(t, hello)
			if allowed := r.GetRequestBody() != nil; allowed != c.allowed {
				t.Fatalf("admitted %v: %v", allowed, r)
			}
			headers := r.GetImmediateResponse().GetHeaders()
			if c.allowed {
				headers = x.send(responseHeaders("200")).GetResponseHeaders().GetResponse().GetHeaderMutation()
				x.send(responseBody(answerJSON, true))
			}
			if got := replyHeader(headers, "x-alfred-degraded"); got != told {
				t.Errorf("x-alfred-degraded is %q", got)
			}
			if got := counted(t, metrics, "alfred_degraded_total", told); got != 1 {
				t.Errorf("counted %v times", got)
			}
			for _, reason := range []string{refusedNone, refusedUsedUp, refusedExpired, refusedRate} {
				if got := counted(t, metrics, "alfred_allowance_refusals_total", reason); (got == 1) != (reason == c.refusal) {
					t.Errorf("refused for %s %v times", reason, got)
				}
			}
			w.close()
			if c.allowed {
				last := w.ledger.settles[len(w.ledger.settles)-1].Event
				if last.Degraded != told {
					t.Errorf("the event says %q", last.Degraded)
				}
				return
			}
			if len(w.ledger.appended) != 1 || w.ledger.appended[0].Degraded != told || w.ledger.appended[0].Refused.Degraded != told {
				t.Errorf("the decision is recorded as %+v", w.ledger.appended)
			}
		})
	}
}

// Who has waited for the directory in vain does not wait for the ledger too.
func TestARequestWaitsForTheStoreOnce(t *testing.T) {
	w := newTown(t, 1, func(w *town) { w.catalog.Settings.FailMode = alfred.FailAllow })
	id, err := newIdentity(w.now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := Admission{identity: id, Principal: w.people[0], Catalog: w.catalog, Model: "m", Input: 10, Limit: 90, Choices: 1, waited: true}
	h, d := w.gates[0].Admit(t.Context(), a)
	if !d.Allowed || d.Degraded != "allow" || h.reserved {
		t.Errorf("%+v", d)
	}
	w.stands(0, 0)
	for range breakerMin {
		w.gates[0].Admit(t.Context(), a)
	}
	if !w.gates[0].breaker.isOpen() {
		t.Error("the breaker does not hear of it")
	}
}

// While the store is known to be away, who is known is not made to wait for
// the directory either.
func TestWhileTheStoreRestsNobodyWaitsForTheDirectory(t *testing.T) {
	w := newWorld(t)
	w.admit(t, hello)
	w.ledger.mu.Lock()
	w.ledger.reserve = failing(errDown)
	w.ledger.mu.Unlock()
	for range breakerMin {
		w.admit(t, hello)
	}
	w.clock.advance(freshFor) // everything has to be read again
	w.gate.breaker.report(w.clock.Now(), w.gate.breaker.probe, false)
	w.gate.breaker.retryAt = w.clock.Now().Add(breakerRest)
	keys, catalogs := w.source.count("principal"), w.source.count("catalog")
	if _, r := w.admit(t, hello); refusedWith(r) != "503 unavailable" {
		t.Errorf("%v", r)
	}
	if w.source.count("principal") != keys || w.source.count("catalog") != catalogs {
		t.Error("the directory was asked while the store was given a rest")
	}
	// A call failed too long ago: it is asked again.
	w.clock.advance(breakerRest)
	w.admit(t, hello)
	if w.source.count("principal") == keys {
		t.Error("the directory was not asked any more")
	}
}
