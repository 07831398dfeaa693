package extproc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func blocked(verdict alfred.Verdict, code alfred.Code, kind alfred.CounterKind, remaining alfred.Credits) alfred.ReserveReply {
	return alfred.ReserveReply{Verdict: verdict, Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Blocker: alfred.Blocker{
		Code: code, Counter: alfred.Counter{Kind: kind, Subject: "s"}, Remaining: remaining, Limit: 100 * alfred.Credit,
	}}
}

func always(reply alfred.ReserveReply) func(context.Context, alfred.ReserveRequest) (alfred.ReserveReply, error) {
	return func(context.Context, alfred.ReserveRequest) (alfred.ReserveReply, error) { return reply, nil }
}

func failing(err error) func(context.Context, alfred.ReserveRequest) (alfred.ReserveReply, error) {
	return func(context.Context, alfred.ReserveRequest) (alfred.ReserveReply, error) {
		return alfred.ReserveReply{}, err
	}
}

func TestWhatIsReserved(t *testing.T) {
	for _, c := range []struct {
		name       string
		body       string
		need, want int64 // output tokens
	}{
		{"no limit: between the minimum and the model's maximum", hello, 256, 16_384},
		{"a limit", `{"model":"m","max_tokens":1000,"messages":[{"role":"user","content":"Hi"}]}`, 256, 1000},
		{"a limit below the minimum", `{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"Hi"}]}`, 10, 10},
		{"choices multiply", `{"model":"m","n":4,"max_completion_tokens":100,"messages":[{"role":"user","content":"Hi"}]}`, 256, 400},
		{"a token for each choice", `{"model":"m","n":3,"max_tokens":1,"messages":[{"role":"user","content":"Hi"}]}`, 3, 3},
		{"a model that is known", `{"model":"big","messages":[{"role":"user","content":"Hi"}]}`, 256, 100_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.catalog.Models = []alfred.Model{{Name: "big", MaxOutput: 100_000}}
			_, r := w.admit(t, c.body)
			if r.GetRequestBody() == nil {
				t.Fatalf("%v", r)
			}
			got := w.ledger.reserves[0]
			fixed := got.Terms.InputCost
			if fixed <= 0 || got.Need != fixed+alfred.Credits(c.need)*alfred.Credit || got.Want != fixed+alfred.Credits(c.want)*alfred.Credit {
				t.Errorf("need %s, want %s, of which input %s", got.Need, got.Want, fixed)
			}
			if got.TTL != 2*time.Minute || got.Terms.Event.User != "usr_1" || got.Terms.OnExpiry != alfred.ReapEstimate {
				t.Errorf("request %+v", got)
			}
		})
	}
}

func TestPartsAreChargedTheirBound(t *testing.T) {
	w := newWorld(t)
	w.admit(t, hello)
	w.admit(t, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]}`)
	with, without := w.ledger.reserves[1].Terms.InputCost, w.ledger.reserves[0].Terms.InputCost
	if with < without+alfred.Credits(alfred.DefaultPartBound)*alfred.Credit {
		t.Errorf("a picture costs %s more", with-without)
	}
}

func TestAShrunkenRequestIsToldItsLimit(t *testing.T) {
	w := newWorld(t)
	w.ledger.reserve = func(_ context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
		return granted(r, r.Terms.InputCost+301*alfred.Credit+1), nil
	}
	x, r := w.admit(t, `{"model":"m","n":2,"max_tokens":1000,"messages":[{"role":"user","content":"Hi"}]}`)
	body := string(r.GetRequestBody().GetResponse().GetBodyMutation().GetBody())
	if !strings.Contains(body, `"max_tokens":150`) {
		t.Errorf("sent %s", body)
	}
	told := x.send(responseHeaders("200")).GetResponseHeaders().GetResponse().GetHeaderMutation()
	for name, want := range map[string]string{"x-alfred-output-limit": "150", "x-alfred-remaining": "100", "x-alfred-reset": "2026-12-01T00:00:00Z", "x-alfred-priority": ""} {
		if got := replyHeader(told, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	x.send(responseBody(answerJSON, true))
	w.close()
	if e := w.ledger.settles[0].Event; !e.Shrunk || e.OutputLimit != 300 {
		t.Errorf("event %+v", e)
	}
}

func TestTheOverdraftJoinsOnlyWhereTheOtherLegsFallShort(t *testing.T) {
	for _, c := range []struct {
		name     string
		priority string
		reply    alfred.ReserveReply
		asks     int
		admitted bool
	}{
		{"critical, quota spent", "critical", blocked(alfred.VerdictSpent, alfred.CodeUserQuota, alfred.CountPersonal, 0), 2, true},
		{"critical, quota held", "critical", blocked(alfred.VerdictHeld, alfred.CodeUserQuota, alfred.CountShare, 0), 2, true},
		{"critical, a cap is reached", "critical", blocked(alfred.VerdictSpent, alfred.CodeOrganization, alfred.CountOrg, 0), 1, false},
		{"critical, too fast", "critical", blocked(alfred.VerdictRate, alfred.CodeRateLimited, "", 0), 1, false},
		{"high", "high", blocked(alfred.VerdictSpent, alfred.CodeUserQuota, alfred.CountPersonal, 0), 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.principal.Overdraft = alfred.Allowance{Base: 100 * alfred.Credit}
			w.ledger.reserve = func(_ context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
				if r.Legs[len(r.Legs)-1].Kind == alfred.LegOverdraft {
					return granted(r, r.Want), nil
				}
				return c.reply, nil
			}
			_, r := w.admit(t, hello, "x-priority", c.priority)
			if got := r.GetRequestBody() != nil; got != c.admitted || w.ledger.reserved() != c.asks {
				t.Errorf("admitted %v after %d questions", got, w.ledger.reserved())
			}
			if c.asks == 2 && w.ledger.reserves[0].Hold != w.ledger.reserves[1].Hold {
				t.Error("the two questions are of different holds")
			}
		})
	}
}

// Who asked for overdraft and may not have it learns so with the refusal.
func TestALoweredPriorityIsTold(t *testing.T) {
	w := newWorld(t)
	w.principal.MaxPriority = alfred.PriorityHigh
	w.ledger.reserve = func(context.Context, alfred.ReserveRequest) (alfred.ReserveReply, error) {
		return blocked(alfred.VerdictSpent, alfred.CodeUserQuota, alfred.CountPersonal, 0), nil
	}
	_, r := w.admit(t, hello, "x-priority", "critical")
	refused := r.GetImmediateResponse()
	if got := replyHeader(refused.GetHeaders(), "x-alfred-priority"); got != "high" || !strings.Contains(string(refused.GetBody()), "lowered to high") {
		t.Errorf("priority %q; %s", got, refused.GetBody())
	}
}

func TestAPlanOfAnEndedWindowIsMadeAgain(t *testing.T) {
	w := newWorld(t)
	next := time.Date(2026, 12, 1, 0, 0, 0, 1, time.UTC)
	w.ledger.reserve = func(_ context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
		if !r.Window.Contains(next) {
			return alfred.ReserveReply{Verdict: alfred.VerdictStale, Now: next}, nil
		}
		return granted(r, r.Want), nil
	}
	if _, r := w.admit(t, hello); r.GetRequestBody() == nil || w.ledger.reserved() != 2 {
		t.Errorf("%v after %d questions", r, w.ledger.reserved())
	}

	w = newWorld(t)
	w.ledger.reserve = always(alfred.ReserveReply{Verdict: alfred.VerdictStale, Now: next})
	if _, r := w.admit(t, hello); refusedWith(r) != "503 unavailable" || w.ledger.reserved() != 2 {
		t.Errorf("a clock that cannot be right: %v after %d questions", r, w.ledger.reserved())
	}
}

func TestRefusals(t *testing.T) {
	rate := blocked(alfred.VerdictRate, alfred.CodeRateLimited, "", 0)
	rate.RetryIn, rate.Blocker.Bucket = 1500*time.Millisecond, alfred.Bucket{Scope: alfred.ScopeUser, Subject: "usr_1", Metric: alfred.MetricRequestsPerMinute, PerMinute: 60}
	for _, c := range []struct {
		name       string
		reply      alfred.ReserveReply
		want       string
		retry      string
		retryAfter string
	}{
		{"spent", blocked(alfred.VerdictSpent, alfred.CodeUserQuota, alfred.CountPersonal, 5*alfred.Credit), "429 user_quota_exceeded", "false", "648000"},
		{"held", blocked(alfred.VerdictHeld, alfred.CodeUserQuota, alfred.CountPersonal, 5*alfred.Credit), "429 quota_held", "true", "1"},
		{"rate", rate, "429 rate_limited", "true", "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.ledger.reserve = always(c.reply)
			_, r := w.admit(t, hello)
			h := r.GetImmediateResponse().GetHeaders()
			if refusedWith(r) != c.want || replyHeader(h, "x-should-retry") != c.retry || replyHeader(h, "retry-after") != c.retryAfter {
				t.Errorf("%s, retry %s after %s", refusedWith(r), replyHeader(h, "x-should-retry"), replyHeader(h, "retry-after"))
			}
			w.close()
			if len(w.ledger.appended) != 1 || w.ledger.appended[0].Refused == nil || w.ledger.appended[0].Kind != alfred.EventDecision {
				t.Errorf("recorded %+v", w.ledger.appended)
			}
		})
	}
}

func TestADenialIsRememberedOnlyWhereNothingCouldPass(t *testing.T) {
	// The cheapest request is a token in and a token out, two credits; the quota is a million.
	spent := func(kind alfred.CounterKind, left alfred.Credits) alfred.ReserveReply {
		r := blocked(alfred.VerdictSpent, alfred.CodeUserQuota, kind, 0)
		settled := 1_000_000*alfred.Credit - left
		r.Balances = []alfred.Balance{{Committed: 1_000_000 * alfred.Credit, Settled: settled}}
		return r
	}
	for _, c := range []struct {
		name  string
		reply alfred.ReserveReply
		then  func(*world)
		extra []string
		asks  int
	}{
		{"spent", spent(alfred.CountPersonal, 2*alfred.Credit-1), nil, nil, 1},
		{"something could pass, once what is held comes back", spent(alfred.CountPersonal, 2*alfred.Credit), nil, nil, 2},
		{"it is not known what is spent", blocked(alfred.VerdictSpent, alfred.CodeUserQuota, alfred.CountPersonal, 0), nil, nil, 2},
		{"held", blocked(alfred.VerdictHeld, alfred.CodeUserQuota, alfred.CountPersonal, 0), nil, nil, 2},
		{"rate", blocked(alfred.VerdictRate, alfred.CodeRateLimited, "", 0), nil, nil, 2},
		{"another model could pass", spent(alfred.CountModel, 0), nil, nil, 2},
		{"another priority", spent(alfred.CountPersonal, 0), nil, []string{"x-priority", "high"}, 2},
		{"a second later", spent(alfred.CountPersonal, 0), func(w *world) { w.clock.advance(time.Second) }, nil, 2},
		{"after a change", spent(alfred.CountPersonal, 0), func(w *world) { w.directory.forget(Change{Org: "org_2"}) }, nil, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.awaitWatch()
			w.ledger.reserve = func(_ context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
				reply := c.reply
				if len(reply.Balances) > 0 {
					reply.Balances = append(make([]alfred.Balance, len(r.Caps)), reply.Balances...)
				}
				return reply, nil
			}
			_, first := w.admit(t, hello)
			if c.then != nil {
				c.then(w)
			}
			x := w.begin(t)
			r := x.send(w.post(c.extra...))
			if r.GetRequestHeaders() != nil {
				r = x.send(requestBody(hello))
			}
			if refusedWith(r) != refusedWith(first) || w.ledger.reserved() != c.asks {
				t.Errorf("%s after %d questions, want %s after %d", refusedWith(r), w.ledger.reserved(), refusedWith(first), c.asks)
			}
			if a, b := replyHeader(first.GetImmediateResponse().GetHeaders(), "x-alfred-decision-id"), replyHeader(r.GetImmediateResponse().GetHeaders(), "x-alfred-decision-id"); a == b {
				t.Errorf("two decisions are called %s", a)
			}
		})
	}
}

func (w *world) awaitWatch() { <-w.source.watching }

var errDown = &alfred.Error{Code: alfred.CodeUnavailable, Message: "down"}

func TestAReservationOfUnknownFateIsVoided(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Gate.Timeout = 20 * time.Millisecond })
	w.ledger.reserve = func(ctx context.Context, _ alfred.ReserveRequest) (alfred.ReserveReply, error) {
		<-ctx.Done()
		return alfred.ReserveReply{}, ctx.Err()
	}
	failures := 3
	w.ledger.void = func(alfred.HoldRecord) error {
		if failures--; failures >= 0 {
			return errDown
		}
		return nil
	}
	_, r := w.admit(t, hello)
	h := r.GetImmediateResponse().GetHeaders()
	if refusedWith(r) != "503 unavailable" || replyHeader(h, "x-alfred-degraded") != "deny" || replyHeader(h, "x-should-retry") != "true" || replyHeader(h, "retry-after") != "1" {
		t.Errorf("%v", r)
	}
	w.close()
	if len(w.ledger.voids) != 1 || w.ledger.voids[0].Hold != w.ledger.reserves[0].Hold || w.ledger.voids[0].Org != testOrg || len(w.ledger.voids[0].Legs) != 0 {
		t.Errorf("voided %+v", w.ledger.voids)
	}
}

func TestAMistakeOfOurOwnIsNoOutage(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Gate.FailMode = alfred.FailAllow })
	w.ledger.reserve = failing(alfred.Errorf(alfred.CodeInternal, "counter twice"))
	for range 2 * breakerMin {
		if _, r := w.admit(t, hello); refusedWith(r) != "503 unavailable" {
			t.Fatalf("%v", r)
		}
	}
	if w.gate.breaker.isOpen() {
		t.Error("the breaker opened")
	}
}

func TestFailAllowAdmitsAndBooksLater(t *testing.T) {
	for _, c := range []struct {
		name     string
		process  alfred.FailMode
		org      alfred.FailMode
		admitted bool
	}{
		{"neither", alfred.FailDeny, alfred.FailDeny, false},
		{"the organisation", alfred.FailDeny, alfred.FailAllow, true},
		{"the process", alfred.FailAllow, alfred.FailDeny, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(f *Config) { f.Gate.FailMode = c.process })
			w.catalog.Settings.FailMode = c.org
			w.ledger.reserve = failing(errDown)
			down := true
			w.ledger.settle = func(alfred.Settlement) error {
				if down {
					down = false
					return errDown
				}
				return nil
			}
			x, r := w.admit(t, hello)
			if !c.admitted {
				if refusedWith(r) != "503 unavailable" {
					t.Errorf("%v", r)
				}
				return
			}
			h := x.send(responseHeaders("200")).GetResponseHeaders().GetResponse().GetHeaderMutation()
			if replyHeader(h, "x-alfred-degraded") != "allow" || replyHeader(h, "x-alfred-remaining") != "" {
				t.Errorf("told %v", h)
			}
			x.send(responseBody(answerJSON, true))
			w.close()
			if len(w.ledger.settles) != 1 || len(w.ledger.voids) != 0 {
				t.Fatalf("settled %d times, voided %d times", len(w.ledger.settles), len(w.ledger.voids))
			}
			s := w.ledger.settles[0]
			if s.Cost != tenCredits || s.Event.Degraded != "allow" || s.Record.Granted != 0 || len(s.Record.Legs) == 0 || s.Record.Due.IsZero() {
				t.Errorf("settlement %+v", s)
			}
		})
	}
}

func TestTheBreakerSparesAStoreThatIsDown(t *testing.T) {
	w := newWorld(t)
	w.ledger.reserve = failing(errDown)
	for range breakerMin + 10 {
		if _, r := w.admit(t, hello); refusedWith(r) != "503 unavailable" {
			t.Fatalf("%v", r)
		}
	}
	if got := w.ledger.reserved(); got != breakerMin {
		t.Errorf("asked %d times, want %d", got, breakerMin)
	}
	w.ledger.mu.Lock()
	w.ledger.reserve = nil
	w.ledger.mu.Unlock()
	if _, r := w.admit(t, hello); refusedWith(r) != "503 unavailable" {
		t.Errorf("asked before the rest was over: %v", r)
	}
	w.clock.advance(breakerRest)
	for range 2 {
		if _, r := w.admit(t, hello); r.GetRequestBody() == nil {
			t.Errorf("after the rest: %v", r)
		}
	}
}

func TestBreaker(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	t.Run("less than half failing keeps it closed", func(t *testing.T) {
		var b breaker
		for i := range 100 {
			b.report(now, 0, i%5 < 3)
		}
		if _, ok := b.allow(now); !ok {
			t.Error("open")
		}
	})
	t.Run("old failures do not count", func(t *testing.T) {
		var b breaker
		for range breakerMin - 1 {
			b.report(now, 0, false)
		}
		b.report(now.Add(breakerSpan*time.Second), 0, false)
		if b.isOpen() {
			t.Error("open")
		}
	})
	t.Run("one probe at a time, and a failed one waits again", func(t *testing.T) {
		var b breaker
		for range breakerMin {
			b.report(now, 0, false)
		}
		later := now.Add(breakerRest)
		may := func(now time.Time) bool { _, ok := b.allow(now); return ok }
		if may(now) {
			t.Error("asked at once")
		}
		probe, ok := b.allow(later)
		if !ok || may(later) {
			t.Error("not one probe")
		}
		b.report(later, 0, false) // began before it opened
		if may(later.Add(breakerRest)) {
			t.Error("a call from before the outage made room for a second probe")
		}
		b.report(later, probe, false)
		if may(later) {
			t.Error("a failed probe does not wait")
		}
		probe, ok = b.allow(later.Add(breakerRest))
		if !ok {
			t.Error("no second probe")
		}
		b.report(later, probe, true)
		if b.isOpen() || !may(later) {
			t.Error("open after a success")
		}
	})
}

func TestASettlementThatFailsIsTriedUntilItSucceeds(t *testing.T) {
	w := newWorld(t)
	failures := 4
	w.ledger.settle = func(alfred.Settlement) error {
		if failures--; failures >= 0 {
			return errDown
		}
		return nil
	}
	x, _ := w.admit(t, hello)
	x.send(responseHeaders("200"))
	x.send(responseBody(answerJSON, true))
	w.close()
	if len(w.ledger.settles) != 1 || w.ledger.settles[0].Cost != tenCredits {
		t.Errorf("settled %+v", w.ledger.settles)
	}
}

func TestASettlementThatIsTooLateIsStillRecorded(t *testing.T) {
	w := newWorld(t)
	w.ledger.settle = func(alfred.Settlement) error { return alfred.Errorf(alfred.CodeNotFound, "too late") }
	x, _ := w.admit(t, hello)
	x.send(responseHeaders("200"))
	x.send(responseBody(answerJSON, true))
	w.close()
	if len(w.ledger.appended) != 1 || !w.ledger.appended[0].Late || w.ledger.appended[0].Cost != tenCredits || len(w.ledger.appended[0].Charges) == 0 {
		t.Errorf("appended %+v", w.ledger.appended)
	}
}

func TestRunningRequestsExtendTheirHolds(t *testing.T) {
	w := newWorld(t)
	w.admit(t, hello)
	w.gate.extendDue(t.Context())
	if w.ledger.extends != 0 {
		t.Error("extended at once")
	}
	w.clock.advance(30 * time.Second)
	eventually(t, func() error { // the upkeep may be first
		w.gate.extendDue(t.Context())
		w.ledger.mu.Lock()
		defer w.ledger.mu.Unlock()
		if w.ledger.extends != 1 {
			return fmt.Errorf("extended %d times", w.ledger.extends)
		}
		return nil
	})
	w.ledger.mu.Lock()
	w.ledger.extend = func() (bool, error) { return false, nil }
	w.ledger.mu.Unlock()
	w.clock.advance(30 * time.Second)
	eventually(t, func() error {
		w.gate.extendDue(t.Context())
		if w.gate.holds.len() != 0 {
			return errors.New("a hold that is gone is still extended")
		}
		return nil
	})
}

func TestRefusalsBeyondTheQueueAreDroppedAndCounted(t *testing.T) {
	l := &fakeLedger{}
	m := newWorld(t).metrics
	j := newJournal(l, m, newWorld(t).log)
	for range journalSize + 7 {
		j.add(alfred.UsageEvent{Org: testOrg})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j.run(ctx)
	if len(l.appended) != journalSize {
		t.Errorf("recorded %d of %d", len(l.appended), journalSize)
	}
}
