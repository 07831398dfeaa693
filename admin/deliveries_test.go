package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

func TestSlackHearsOfATransfer(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.environment)
	w.user("b@company.com", `,"personal_quota":5`)
	w.do("POST", "/v1/users/me/transfer?dry_run=true", w.owner.key, `{"recipient_email":"b@company.com","amount":25}`).is(http.StatusOK)
	w.do("POST", "/v1/users/me/transfer", w.owner.key, `{"recipient_email":"b@company.com","amount":25,"reason":"<!channel> & more"}`).is(http.StatusCreated)
	if w.deliver(); len(s.said) != 1 || s.said[0] != "Owner gave 25 credits to b@company.com “&lt;!channel&gt; &amp; more”" {
		t.Errorf("said %q", s.said)
	}
	s.heard()

	// Slack being away stops nobody, and nothing is lost: it is told later, once.
	s.answer = http.StatusInternalServerError
	w.transfer(w.owner, "b@company.com", "26").is(http.StatusCreated)
	w.transfer(w.owner, "b@company.com", "27").is(http.StatusCreated)
	if n := w.deliver(); n != 1 || len(s.heard()) != 0 {
		t.Errorf("asked %d times: a channel that does not answer is asked with one message", n)
	}
	s.answer = http.StatusOK
	w.clock.Set(w.clock.Now().Add(10 * time.Second))
	w.deliver()
	if got := s.heard(); len(got) != 2 || !strings.Contains(got[0]+got[1], "gave 26") || !strings.Contains(got[0]+got[1], "gave 27") {
		t.Errorf("said %q", got)
	}
	if w.deliver() != 0 {
		t.Error("something is sent twice")
	}
}

// Whoever sends a message may die before it is noted that it arrived: then it
// is sent again when its lease has ended, by somebody else.
func TestAMessageOfADeadSenderIsSentAgain(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.environment)
	w.user("b@company.com", "")
	w.transfer(w.owner, "b@company.com", "25").is(http.StatusCreated)
	if _, err := w.records.ClaimDelivery(w.ctx, w.clock.Now(), w.clock.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n := w.deliver(); n != 0 {
		t.Errorf("%d sent while somebody else is at it", n)
	}
	w.clock.Set(w.clock.Now().Add(time.Minute))
	if w.deliver(); len(s.heard()) != 1 {
		t.Error("the message is lost")
	}

	// Four at once send each message once.
	for range 8 {
		w.transfer(w.owner, "b@company.com", "1").is(http.StatusCreated)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for worked := true; worked; {
				var err error
				if worked, err = w.jobs.StepDelivery(w.ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := s.heard(); len(got) != 8 {
		t.Errorf("%d of 8 messages arrived", len(got))
	}
}

func TestNothingIsSentWhileNotificationsAreOff(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.environment, func(c *admin.Config) { c.Webhooks.Off = true })
	w.user("b@company.com", "")
	w.transfer(w.owner, "b@company.com", "25").is(http.StatusCreated)
	w.deliver()
	d := w.do("GET", "/v1/admin/deliveries", w.owner.key, "").list()
	if len(s.heard()) != 0 || len(d) != 1 || text(d[0].(map[string]any)["state"]) != "off" {
		t.Errorf("recorded %v", d)
	}
	w.do("POST", "/v1/admin/channels/environment/test", w.owner.key, "").refused(http.StatusConflict, alfred.CodeConflict)
	if list := w.do("GET", "/v1/admin/channels", w.owner.key, "").is(http.StatusOK); list["sending"] != false {
		t.Errorf("%v", list)
	}
	// It is not sent later either, unless somebody says so.
	w.jobs.Webhooks.Off = false
	if w.deliver() != 0 {
		t.Error("what was not sent is sent later")
	}
}

// A channel that takes nothing any more is told of in the app, once until it works again.
func TestAChannelThatTakesNothing(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.reachable)
	registry := prometheus.NewRegistry()
	w.jobs.Metrics = admin.NewMetrics(registry)
	id := text(w.do("POST", "/v1/admin/channels", w.owner.key, fmt.Sprintf(`{"name":"gifts","address":%q,"transfers":true}`, s.URL)).is(http.StatusCreated)["id"])
	w.user("b@company.com", "")
	give := func(answer int) {
		t.Helper()
		s.mu.Lock()
		s.answer = answer
		s.mu.Unlock()
		w.clock.Set(w.clock.Now().Add(time.Second))
		w.transfer(w.owner, "b@company.com", "1").is(http.StatusCreated)
		w.deliver()
	}
	told := func() (n int) {
		for _, i := range w.do("GET", "/v1/users/me/inbox", w.owner.key, "").list() {
			if i := i.(map[string]any); i["kind"] == "channel_failing" && i["ref"] == id && strings.Contains(text(i["title"]), "gifts") && strings.Contains(text(i["body"]), "410 no_service") {
				n++
			}
		}
		return n
	}
	for i, step := range []struct{ answer, told int }{{200, 0}, {410, 1}, {410, 1}, {200, 1}, {410, 2}} {
		if give(step.answer); told() != step.told {
			t.Fatalf("step %d: told %d times, want %d", i, told(), step.told)
		}
	}
	figures, err := registry.Gather()
	w.must(err)
	counted := map[string]float64{}
	for _, f := range figures {
		for _, m := range f.GetMetric() {
			if f.GetName() == "alfred_admin_deliveries_total" {
				counted[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if len(counted) != 2 || counted["delivered"] != 2 || counted["failed"] != 3 {
		t.Errorf("counted %v", counted)
	}
	// What to do: another address, and what failed is sent again.
	s.heard()
	s.answer = http.StatusOK
	w.do("PATCH", "/v1/admin/channels/"+id, w.owner.key, fmt.Sprintf(`{"address":%q}`, s.URL+"-new")).is(http.StatusOK)
	for _, d := range w.do("GET", "/v1/admin/deliveries?channel="+id, w.owner.key, "").list() {
		if d := d.(map[string]any); d["state"] == "failed" {
			w.do("POST", "/v1/admin/deliveries/"+text(d["id"])+"/resend", w.owner.key, "").is(http.StatusOK)
		}
	}
	if w.deliver(); len(s.heard()) != 3 {
		t.Error("what failed is not sent again")
	}
}

// A channel may go while a message to it is written down.
func TestAMessageToAChannelThatIsGoneEnds(t *testing.T) {
	w := started(t)
	d := alfred.Delivery{ID: "dlv_1", Org: w.org, Channel: "chn_gone", About: alfred.AboutAlert, Text: "x", State: alfred.DeliveryPending, NextAt: w.clock.Now(), CreatedAt: w.clock.Now()}
	w.must(w.records.AddDeliveries(w.ctx, d))
	w.deliver()
	w.clock.Set(w.clock.Now().Add(2 * time.Minute))
	if n := w.deliver(); n != 0 {
		t.Errorf("tried %d times more", n)
	}
}

// A test that failed was seen by one person; that messages do not arrive since
// is told to all who answer for it.
func TestAFailedTestDoesNotHideASilentChannel(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.environment)
	w.user("b@company.com", "")
	s.answer = http.StatusNotFound
	w.do("POST", "/v1/admin/channels/environment/test", w.owner.key, "").is(http.StatusOK)
	for range 2 {
		w.clock.Set(w.clock.Now().Add(time.Second))
		w.transfer(w.owner, "b@company.com", "1").is(http.StatusCreated)
		w.deliver()
	}
	if got := w.do("GET", "/v1/users/me/inbox", w.owner.key, "").list(); len(got) != 1 {
		t.Errorf("told %v", got)
	}
}

// Somebody may ask for a message to be sent again while it is being sent. What
// has arrived is not sent once more because the other attempt failed.
func TestWhatHasArrivedIsNotTriedAgain(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.environment)
	w.user("b@company.com", "")
	w.transfer(w.owner, "b@company.com", "1").is(http.StatusCreated)
	slow := &watching{Records: w.records, delivery: func() {
		id := text(w.do("GET", "/v1/admin/deliveries", w.owner.key, "").list()[0].(map[string]any)["id"])
		w.do("POST", "/v1/admin/deliveries/"+id+"/resend", w.owner.key, "").is(http.StatusOK)
		s.mu.Lock()
		s.answer = http.StatusOK
		s.mu.Unlock()
		w.deliver()
	}}
	config := w.config
	config.Records = slow
	s.answer = http.StatusInternalServerError
	if worked, err := (&admin.Jobs{Config: config}).StepDelivery(w.ctx); err != nil || !worked {
		t.Fatal(worked, err)
	}
	if d := w.do("GET", "/v1/admin/deliveries", w.owner.key, "").list()[0].(map[string]any); d["state"] != "delivered" || len(s.heard()) != 1 {
		t.Errorf("it stands as %v", d)
	}
}

// What has waited for a silent channel for a day is given up at once, and not
// asked for one by one, for which others would wait.
func TestWhatWaitsForASilentChannelIsGivenUpTogether(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.environment)
	w.user("b@company.com", "")
	s.answer = http.StatusInternalServerError
	for range 20 {
		w.clock.Set(w.clock.Now().Add(time.Second))
		w.transfer(w.owner, "b@company.com", "1").is(http.StatusCreated)
	}
	asked := 0
	for end := w.clock.Now().Add(25 * time.Hour); w.clock.Now().Before(end); w.clock.Set(w.clock.Now().Add(10 * time.Minute)) {
		n := w.deliver()
		asked = max(asked, n)
	}
	for _, d := range w.do("GET", "/v1/admin/deliveries", w.owner.key, "").list() {
		if d := d.(map[string]any); d["state"] != "failed" || !strings.Contains(text(d["detail"]), "500") {
			t.Errorf("it stands as %v", d)
		}
	}
	if asked > 2 { // the one that is given up, and the next
		t.Errorf("asked %d times at once", asked)
	}
	if got := w.do("GET", "/v1/users/me/inbox", w.owner.key, "").list(); len(got) != 1 {
		t.Errorf("told %v", got)
	}
}

// A channel that works again, since a test arrived, say, gets what waits for it.
func TestAChannelThatWorksAgainGetsWhatWaits(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.environment)
	w.user("b@company.com", "")
	s.answer, s.header = http.StatusTooManyRequests, http.Header{"Retry-After": {"3000"}}
	for range 3 {
		w.clock.Set(w.clock.Now().Add(time.Second))
		w.transfer(w.owner, "b@company.com", "1").is(http.StatusCreated)
	}
	if n := w.deliver(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	s.answer = http.StatusOK
	w.clock.Set(w.clock.Now().Add(time.Minute))
	w.do("POST", "/v1/admin/channels/environment/test", w.owner.key, "").is(http.StatusOK)
	if n := w.deliver(); n != 2 { // the first waits as long as was asked for
		t.Errorf("sent %d of what waits", n)
	}
	w.clock.Set(w.clock.Now().Add(50 * time.Minute))
	if w.deliver(); len(s.heard()) != 4 {
		t.Error("not everything has arrived")
	}
}

// Who may write a name, or a reason, writes no message of Alfred's, and wakes nobody.
func TestNamesInMessages(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.environment)
	w.user("b@all.com", "")
	w.do("POST", "/v1/users/me/transfer", w.owner.key, `{"recipient_email":"b@all.com","amount":1,"reason":"x”\nOrganisation: The pool of Core has reached 100 % \u202e @channel @Everyone"}`).is(http.StatusCreated)
	w.deliver()
	if got := strings.Join(s.heard(), "|"); strings.ContainsAny(got, "\n\u202e") || strings.Contains(got, "@channel") || strings.Contains(got, "@Everyone") || !strings.Contains(got, "b@all.com") {
		t.Errorf("said %q", got)
	}
}
