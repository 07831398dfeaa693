package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// watching is a record that something happens to meanwhile, or that fails for
// one organisation.
type watching struct {
	admin.Records
	levels   func()
	delivery func() // before what came of an attempt is stored
	broken   alfred.OrgID
}

func (r *watching) InTx(ctx context.Context, fn func(context.Context) error) error {
	if f := r.delivery; f != nil {
		r.delivery = nil
		f()
	}
	return r.Records.InTx(ctx, fn)
}

func (r *watching) AlertLevels(ctx context.Context, org alfred.OrgID, start time.Time) ([]alfred.AlertLevel, error) {
	if f := r.levels; f != nil {
		r.levels = nil
		f()
	}
	return r.Records.AlertLevels(ctx, org, start)
}

func (r *watching) Limits(ctx context.Context, org alfred.OrgID) ([]alfred.Limit, error) {
	if org == r.broken {
		return nil, errors.New("broken")
	}
	return r.Records.Limits(ctx, org)
}

func (w *world) alerts() (all []string) {
	w.Helper()
	for _, a := range w.do("GET", "/v1/admin/alerts?limit=200", w.owner.key, "").list() {
		a := a.(map[string]any)
		all = append(all, fmt.Sprintf("%v %v%%", a["name"], a["threshold"]))
	}
	return all
}

// exec writes to the database past the store.
func (w *world) exec(statement string, args ...any) {
	w.Helper()
	address, _ := addresses.Load(w.records)
	db, err := pgx.Connect(w.ctx, address.(string))
	w.must(err)
	defer func() { w.must(db.Close(w.ctx)) }()
	_, err = db.Exec(w.ctx, statement, args...)
	w.must(err)
}

// Who has read the budgets before somebody else told of them neither tells
// again nor takes a level back.
func TestAnOldLookTellsNothingAgain(t *testing.T) {
	w := started(t)
	ana, bob := w.user("ana@company.com", `,"personal_quota":0`), w.user("bob@company.com", `,"personal_quota":0`)
	w.team("A", "1000", ana)
	w.team("B", "1000", bob)
	w.spend(ana, 500*alfred.Credit, alfred.PriorityNormal)
	w.record()
	slow := &watching{Records: w.records, levels: func() {
		w.spend(bob, 500*alfred.Credit, alfred.PriorityNormal)
		w.record()
		w.must(w.jobs.WatchBudgets(w.ctx)) // of both, before the slow one has the lock
		w.spend(ana, 250*alfred.Credit, alfred.PriorityNormal)
		w.record()
	}}
	config := w.config
	config.Records = slow
	w.must((&admin.Jobs{Config: config}).WatchBudgets(w.ctx))
	for range 2 {
		w.must(w.jobs.WatchBudgets(w.ctx))
	}
	if got := w.alerts(); len(got) != 3 {
		t.Errorf("told %q", got)
	}
}

// A model may have a name of 200 characters of four bytes.
func TestACapOfALongNameIsToldOnce(t *testing.T) {
	w := started(t)
	model := strings.Repeat("\U0001F9E0", 150)
	w.do("PUT", "/v1/admin/limits", w.owner.key, fmt.Sprintf(`{"data":[{"scope":"model","subject":%q,"metric":"credits","credits":10,"mode":"shadow"}]}`, model)).is(http.StatusOK)
	w.exec(`INSERT INTO counter_usage (org_id, kind, subject, window_start, window_end, settled) VALUES ($1, 'model', $2, '2026-11-01Z', '2026-12-01Z', 9000000)`, w.org, model[:256])
	for range 3 {
		w.must(w.jobs.WatchBudgets(w.ctx))
	}
	if n := len(w.alerts()); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// An organisation that cannot be looked at does not keep others from being told.
func TestOneBrokenOrganisationDoesNotSilenceOthers(t *testing.T) {
	w := started(t)
	ana := w.user("ana@company.com", `,"personal_quota":0`)
	w.team("A", "1000", ana)
	w.spend(ana, 500*alfred.Credit, alfred.PriorityNormal)
	w.record()
	w.must(w.records.CreateOrganization(w.ctx, alfred.Organization{ID: "org_0", Name: "Broken", Settings: alfred.DefaultSettings(), CreatedAt: w.clock.Now()}))
	config := w.config
	config.Records = &watching{Records: w.records, broken: "org_0"}
	if err := (&admin.Jobs{Config: config}).WatchBudgets(w.ctx); err == nil || !strings.Contains(err.Error(), "org_0") {
		t.Errorf("the failure is not told: %v", err)
	}
	if got := w.alerts(); len(got) != 1 {
		t.Errorf("told %q", got)
	}
}

// A team whose only admin is suspended has nobody who would hear.
func TestASuspendedTeamAdminIsNobodyToTell(t *testing.T) {
	w := started(t)
	ana, lead := w.user("ana@company.com", `,"personal_quota":0`), w.user("lead@company.com", "")
	team := w.team("Core", "1000", ana, lead)
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"pool_sharing":"open"}}`).is(http.StatusOK)
	w.do("POST", "/v1/admin/teams/"+team+"/members/"+lead.id+"?is_admin=true", w.owner.key, "").is(http.StatusOK)
	w.do("PATCH", "/v1/admin/users/"+lead.id, w.owner.key, `{"status":"suspended"}`).is(http.StatusOK)
	w.spend(ana, 500*alfred.Credit, alfred.PriorityNormal)
	w.record()
	w.must(w.jobs.WatchBudgets(w.ctx))
	if got := w.do("GET", "/v1/users/me/inbox", w.owner.key, "").list(); len(got) != 1 {
		t.Errorf("the owner was told %v", got)
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

// What a change was from stays what it was.
func TestThresholdsInTheAuditLog(t *testing.T) {
	w := started(t)
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"alert_thresholds":[10,20]}}`).is(http.StatusOK)
	e := w.do("GET", "/v1/admin/audit?action=organization.update", w.owner.key, "").list()[0].(map[string]any)
	if got := fmt.Sprint(e["before"].(map[string]any)["settings"].(map[string]any)["alert_thresholds"], e["after"].(map[string]any)["settings"].(map[string]any)["alert_thresholds"]); got != "[50 75 90 100] [10 20]" {
		t.Error(got)
	}
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"alert_thresholds":null}}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	// A process of an earlier version writes settings without them.
	w.exec(`UPDATE organizations SET settings = settings - 'alert_thresholds'`)
	if got := w.do("GET", "/v1/admin/organization", w.owner.key, "").is(http.StatusOK)["settings"].(map[string]any)["alert_thresholds"]; fmt.Sprint(got) != "[50 75 90 100]" {
		t.Error(got)
	}
}

// Where nobody is, or only who is inside, no channel is.
func TestAddressesThatAreNotPublic(t *testing.T) {
	w := started(t)
	for _, host := range []string{"[::127.0.0.1]", "[fec0::1]", "[2001:db8::1]", "[100::1]", "[3fff::1]", "[5f00::1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[fe80::1%25eth0]", "192.0.2.1", "192.88.99.1", "198.51.100.1", "203.0.113.1", ":443"} {
		w.do("POST", "/v1/admin/channels", w.owner.key, fmt.Sprintf(`{"name":"x","address":"https://%s/services/xxxxxxxxxxxx"}`, host)).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	}
	for _, host := range []string{"8.8.8.8", "[2606:4700::1111]", "[64:ff9b::8.8.8.8]"} { // the last is how an IPv6 network reaches the one before (RFC 6052)
		w.channel(host, fmt.Sprintf("https://%s/services/xxxxxxxxxxxx", host))
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

// A range ends, and no window follows it: what was told of it is forgotten one
// day, and it is not told again.
func TestARangeThatIsOverIsNotToldOf(t *testing.T) {
	w := started(t)
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"window":{"kind":"range","start":"2026-11-01T00:00:00Z","end":"2026-12-01T00:00:00Z"}}}`).is(http.StatusOK)
	w.clock.Set(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	ana := w.user("ana@company.com", `,"personal_quota":0`)
	team := w.team("A", "1000", ana)
	w.exec(`INSERT INTO counter_usage (org_id, kind, subject, window_start, window_end, settled) VALUES ($1, 'pool', $2, '2026-11-01Z', '2026-12-01Z', 900000000)`, w.org, team)
	for range 3 {
		w.clock.Set(w.clock.Now().AddDate(0, 0, 60))
		w.must(w.jobs.WatchBudgets(w.ctx))
		w.must(w.jobs.ForgetDeliveries(w.ctx))
	}
	if got := w.alerts(); len(got) != 0 {
		t.Errorf("told %q", got)
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
