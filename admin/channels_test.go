package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
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

func TestChannels(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.reachable, s.environment)
	add := func(body string) reply { return w.do("POST", "/v1/admin/channels", w.owner.key, body) }
	for address, why := range map[string]string{
		"hooks.slack.com/services/x": "expected the address", "ftp://hooks.slack.com/x": "expected https", "https://": "expected the address", "https://me:pw@hooks.slack.com/x": "expected the address",
		":": "expected the address",
	} {
		got := add(fmt.Sprintf(`{"name":"A","address":%q}`, address)).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
		if !strings.Contains(text(got["detail"]), why) {
			t.Errorf("%s: %v", address, got["detail"])
		}
	}
	add(`{"name":" ","address":"https://hooks.slack.com/services/T/B/xxxxxxxxxxxxxxx"}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	add(`{"name":"A","address":"https://hooks.slack.com/services/T/B/xxxxxxxxxxxxxxx","from_percent":101}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)

	made := add(fmt.Sprintf(`{"name":"#llm-costs","address":%q,"transfers":true}`, s.URL))
	c := made.is(http.StatusCreated)
	id := text(c["id"])
	if c["state"] != "untested" || c["from_percent"] != 90.0 || c["source"] != "record" || !strings.HasSuffix(text(c["address"]), "/…x7Yq") || c["last_delivery"] != nil {
		t.Errorf("made %s", made.body)
	}
	add(fmt.Sprintf(`{"name":"#LLM-costs","address":%q}`, s.URL)).refused(http.StatusConflict, alfred.CodeConflict)

	// A test is sent while one waits, and says what came of it.
	test := func(id string) map[string]any {
		w.clock.Set(w.clock.Now().Add(time.Second)) // ids are in the order of their times
		return w.do("POST", "/v1/admin/channels/"+id+"/test", w.owner.key, "").is(http.StatusOK)
	}
	state := func(id string) any {
		return w.do("GET", "/v1/admin/channels/"+id, w.owner.key, "").is(http.StatusOK)["state"]
	}
	if d := test(id); d["state"] != "delivered" || d["attempts"] != 1.0 || state(id) != "working" || len(s.heard()) != 1 {
		t.Errorf("tested: %v", d)
	}
	if d := test("environment"); d["state"] != "delivered" || state("environment") != "working" {
		t.Errorf("tested the environment's: %v", d)
	}
	for _, bad := range []struct {
		status int
		told   string
	}{
		{http.StatusNotFound, "404 no_service: it does not take the message"}, {http.StatusFound, "another address"}, {http.StatusTooManyRequests, "takes no more now"}, {http.StatusBadGateway, "a problem of its own"},
	} {
		s.answer, s.header = bad.status, http.Header{"Location": {s.URL + "/elsewhere"}}
		if d := test(id); d["state"] != "failed" || !strings.Contains(text(d["detail"]), bad.told) || state(id) != "failing" {
			t.Errorf("%d: %v", bad.status, d)
		}
	}
	failed := w.do("GET", "/v1/admin/deliveries?limit=1&channel="+id, w.owner.key, "").list()[0].(map[string]any)
	s.answer = http.StatusOK
	if d := w.do("POST", "/v1/admin/deliveries/"+text(failed["id"])+"/resend", w.owner.key, "").is(http.StatusOK); d["state"] != "pending" {
		t.Errorf("sent again: %v", d)
	}
	if w.deliver(); len(s.heard()) != 2 || state(id) != "working" { // the test of the environment's, and this
		t.Error("it was not sent again")
	}

	// The address is nowhere: not in answers, nor in the audit log, nor in the
	// database, of which a copy tells nothing.
	audit := w.do("GET", "/v1/admin/audit?limit=200", w.owner.key, "")
	sealed, err := w.records.Channel(w.ctx, w.org, id)
	w.must(err)
	for _, where := range [][]byte{audit.body, made.body, sealed.Address, w.do("GET", "/v1/admin/channels", w.owner.key, "").body, w.do("GET", "/v1/admin/deliveries", w.owner.key, "").body} {
		if bytes.Contains(where, []byte("a-secret-of-slacks")) {
			t.Errorf("the address is told: %s", where)
		}
	}
	// Sealed for one row, it is of no use in another, and under another key it is none.
	other := w.channel("other", s.URL)
	moved, err := w.records.Channel(w.ctx, w.org, other)
	w.must(err)
	moved.Address = sealed.Address
	w.must(w.records.PutChannel(w.ctx, moved))
	if d := test(other); d["state"] != "failed" || !strings.Contains(text(d["detail"]), "ALFRED_SECRET_KEY") {
		t.Errorf("an address of another row: %v", d)
	}

	// Two who change one.
	w.do("PATCH", "/v1/admin/channels/"+id, w.owner.key, `{"from_percent":50}`, `If-Match: "v1"`).is(http.StatusOK)
	w.do("PATCH", "/v1/admin/channels/"+id, w.owner.key, `{"from_percent":75}`, `If-Match: "v1"`).refused(http.StatusPreconditionFailed, alfred.CodeStaleVersion)
	w.do("PATCH", "/v1/admin/channels/"+id, w.owner.key, `{"name":"other"}`).refused(http.StatusConflict, alfred.CodeConflict)
	if c := w.do("PATCH", "/v1/admin/channels/"+id, w.owner.key, `{"name":"renamed","transfers":false}`).is(http.StatusOK); c["name"] != "renamed" || c["transfers"] != false || c["from_percent"] != 50.0 {
		t.Errorf("changed: %v", c)
	}
	if d := test(id); d["state"] != "delivered" {
		t.Errorf("the address has not stayed: %v", d)
	}
	for _, method := range []string{"PATCH", "DELETE"} {
		body := map[string]string{"PATCH": `{"name":"x"}`}[method]
		w.do(method, "/v1/admin/channels/environment", w.owner.key, body).refused(http.StatusConflict, alfred.CodeConflict)
	}
	w.do("DELETE", "/v1/admin/channels/"+id, w.owner.key, "").is(http.StatusNoContent)
	w.do("GET", "/v1/admin/channels/"+id, w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	if d := w.do("GET", "/v1/admin/deliveries?channel="+id, w.owner.key, "").list(); len(d) != 0 {
		t.Errorf("messages of a channel that is gone: %v", d)
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

// Nobody gets to see what lies behind the firewall by naming it as a channel.
func TestAChannelIsOnTheInternet(t *testing.T) {
	s := newSlack(t)
	w := started(t)
	for _, ip := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "224.0.0.1", "198.18.0.1", "255.255.255.255"} {
		got := w.do("POST", "/v1/admin/channels", w.owner.key, fmt.Sprintf(`{"name":"x","address":"https://%s/services/xxxxxxxxxxxx"}`, ip)).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
		if !strings.Contains(text(got["detail"]), "ALFRED_PRIVATE_WEBHOOKS") {
			t.Errorf("%s: %v", ip, got["detail"])
		}
	}
	w.do("POST", "/v1/admin/channels", w.owner.key, `{"name":"x","address":"http://hooks.slack.com/services/xxxxxxxxxxxx"}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)

	// A name that leads inside is noticed when it is looked up.
	port := s.URL[strings.LastIndex(strings.TrimSuffix(s.URL, "/services/T0000/B0000/a-secret-of-slacks-x7Yq"), ":"):]
	id := w.channel("inside", "https://localhost"+port)
	d := w.do("POST", "/v1/admin/channels/"+id+"/test", w.owner.key, "").is(http.StatusOK)
	if d["state"] != "failed" || !strings.Contains(text(d["detail"]), "not public") || len(s.heard()) != 0 {
		t.Errorf("a name that leads inside: %v", d)
	}
}

// Budgets are told of once for each threshold and window.
func TestAlerts(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.reachable)
	ana, lead := w.user("ana@company.com", `,"personal_quota":0`), w.user("lead@company.com", "")
	team := w.team("Core", "1000", ana, lead)
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"pool_sharing":"open"}}`).is(http.StatusOK)
	w.do("POST", "/v1/admin/teams/"+team+"/members/"+lead.id+"?is_admin=true", w.owner.key, "").is(http.StatusOK)
	w.do("POST", "/v1/admin/demo", w.owner.key, "").is(http.StatusCreated)                                                       // its pools are nobody's
	w.do("POST", "/v1/admin/channels", w.owner.key, fmt.Sprintf(`{"name":"nearly","address":%q}`, s.URL)).is(http.StatusCreated) // 90 % and above
	look := func() (alerts []string, heard []string) {
		t.Helper()
		w.clock.Set(w.clock.Now().Add(time.Second)) // ids are in the order of their times
		w.record()
		w.jobs.Step(w.ctx)
		w.deliver()
		for _, a := range w.do("GET", "/v1/admin/alerts?limit=200", w.owner.key, "").list() {
			a := a.(map[string]any)
			alerts = append(alerts, fmt.Sprintf("%v %v %v%%", a["kind"], a["name"], a["threshold"]))
		}
		return alerts, s.heard()
	}
	spend := func(n alfred.Credits) { t.Helper(); w.spend(ana, n*alfred.Credit, alfred.PriorityNormal) }
	expect := func(step string, n, heard int, last string) {
		t.Helper()
		alerts, said := look()
		if len(alerts) != n || len(said) != heard || n > 0 && alerts[0] != last {
			t.Fatalf("%s: alerts %q, said %q; want %d of which the last is %q, and %d said", step, alerts, said, n, last, heard)
		}
	}
	expect("nothing", 0, 0, "")
	spend(499)
	expect("below half", 0, 0, "")
	spend(1)
	expect("half", 1, 0, "pool Core 50%")
	expect("half, still", 1, 0, "pool Core 50%")
	spend(401) // over 75 and 90 in one step
	alerts, said := look()
	if len(alerts) != 2 || alerts[0] != "pool Core 90%" || len(said) != 1 || !strings.Contains(said[0], "The pool of Core has reached 90 %\n901 of 1,000 credits used, until 1 December 2026 00:00 UTC.") {
		t.Fatalf("two thresholds in one step: %q, said %q", alerts, said)
	}
	// Raised: what is not reached any more is told again, and nothing else.
	w.do("PATCH", "/v1/admin/teams/"+team, w.owner.key, `{"common_pool":1100}`).is(http.StatusOK) // 81.9 %
	expect("raised", 2, 0, "pool Core 90%")
	spend(90) // 991 of 1100
	expect("reached again", 3, 1, "pool Core 90%")
	spend(109)
	expect("used up", 4, 1, "pool Core 100%")
	spend(0)
	expect("used up, still", 4, 0, "pool Core 100%")

	// The admin of the team is told, nobody else; the owner is of what is all's.
	inbox := func(p person) (titles []string) {
		for _, i := range w.do("GET", "/v1/users/me/inbox", p.key, "").list() {
			if i := i.(map[string]any); i["kind"] == "budget_threshold" {
				titles = append(titles, text(i["title"]))
			}
		}
		return titles
	}
	if got := inbox(lead); len(got) != 4 || got[0] != "The pool of Core has reached 100 %" {
		t.Errorf("the team's admin was told %q", got)
	}
	if len(inbox(w.owner)) != 0 || len(inbox(ana)) != 0 {
		t.Errorf("the owner was told %q, a member %q", inbox(w.owner), inbox(ana))
	}
	w.do("PUT", "/v1/admin/limits", w.owner.key, fmt.Sprintf(`{"data":[
		{"scope":"organization","metric":"credits","credits":2000,"mode":"shadow"},
		{"scope":"user","subject":%q,"metric":"credits","credits":1000,"mode":"shadow"},
		{"scope":"organization","metric":"requests_per_minute","rate":10}]}`, ana.id)).is(http.StatusOK)
	alerts, said = look()
	if len(alerts) != 6 || len(said) != 1 || !strings.Contains(said[0], "The cap of ana@company.com (in shadow mode) has reached 100 %") { // 55 % of the organisation's is not for this channel
		t.Errorf("caps: %q, said %q", alerts, said)
	}
	if got := inbox(w.owner); len(got) != 1 || got[0] != "2 budgets have reached a threshold" || len(inbox(ana)) != 1 {
		t.Errorf("caps: the owner was told %q, who has one %q", got, inbox(ana))
	}
	// A cap that is taken away and set again begins anew; another window too.
	off := fmt.Sprintf(`{"data":[{"scope":"user","subject":%q,"metric":"credits","mode":"off"}]}`, ana.id)
	w.do("PUT", "/v1/admin/limits", w.owner.key, off).is(http.StatusOK)
	expect("a cap is gone", 6, 0, alerts[0])
	w.clock.Set(time.Date(2026, 12, 1, 0, 5, 0, 0, time.UTC))
	expect("another window", 6, 0, alerts[0])
	spend(560)
	expect("half of another window", 7, 0, "pool Core 50%")

	// Without thresholds nothing is told.
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"alert_thresholds":[90,50]}}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"alert_thresholds":[]}}`).is(http.StatusOK)
	spend(440)
	expect("no thresholds", 7, 0, "pool Core 50%")
}

// Two processes that look at once tell once.
func TestTwoThatWatchTellOnce(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.environment)
	ana := w.user("ana@company.com", `,"personal_quota":0`)
	w.team("Core", "1000", ana)
	w.spend(ana, 950*alfred.Credit, alfred.PriorityNormal)
	w.record()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := (&admin.Jobs{Config: w.config}).WatchBudgets(context.WithoutCancel(w.ctx)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.deliver()
	if n := len(w.do("GET", "/v1/admin/alerts", w.owner.key, "").list()); n != 1 || len(s.heard()) != 1 {
		t.Errorf("told %d times", n)
	}
}
