package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

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
