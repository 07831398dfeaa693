package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// disturbed runs something between what a batch has read and what it writes.
type disturbed struct {
	admin.Records
	gone   alfred.TeamID // that is deleted as soon as it was found
	store  func() error  // before people are changed
	join   func() error  // before people join
	refuse alfred.UserID // who cannot be changed
	why    error
	audit  func() error // before events are appended
	finish func() error // before rows are finished
}

func (d *disturbed) UpdateUser(ctx context.Context, users ...alfred.User) error {
	if d.store != nil && len(users) > 0 {
		if err := d.store(); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(users, func(u alfred.User) bool { return u.ID == d.refuse }) {
		return d.why
	}
	return d.Records.UpdateUser(ctx, users...)
}

func (d *disturbed) Team(ctx context.Context, org alfred.OrgID, id alfred.TeamID) (alfred.Team, error) {
	if id == d.gone {
		return alfred.Team{}, alfred.Errorf(alfred.CodeNotFound, "no team")
	}
	return d.Records.Team(ctx, org, id)
}

func (d *disturbed) AppendAudit(ctx context.Context, org alfred.OrgID, events ...alfred.AuditEvent) ([]alfred.AuditEvent, error) {
	if d.audit != nil {
		if err := d.audit(); err != nil {
			return nil, err
		}
	}
	return d.Records.AppendAudit(ctx, org, events...)
}

func (d *disturbed) FinishBulkRows(ctx context.Context, org alfred.OrgID, job string, rows ...alfred.BulkRow) error {
	if d.finish != nil {
		if err := d.finish(); err != nil {
			return err
		}
	}
	return d.Records.FinishBulkRows(ctx, org, job, rows...)
}

// crowd makes people by an import, and returns a list that changes them.
func (w *world) crowd(n int) {
	w.Helper()
	list := "email,personal_quota\n"
	for i := range n {
		list += fmt.Sprintf("p%03d@company.com,10\n", i)
	}
	id := w.imports(list, false)
	w.finish()
	w.jobIs(id, n, 0, 0)
}

func (w *world) imports(list string, dry bool) string {
	w.Helper()
	body, err := json.Marshal(map[string]any{"kind": "import_people", "csv": list, "dry_run": dry})
	w.must(err)
	return w.job(string(body))
}

// outcomes are the rows of a job, in their order.
func (w *world) outcomes(id string) []alfred.BulkRow {
	w.Helper()
	rows, err := w.records.BulkRows(w.ctx, w.org, id, "", 0, 10_000)
	w.must(err)
	return rows
}

// audited are the events of what a job has changed, of which the chain holds.
func (w *world) audited(job string) []alfred.AuditEvent {
	w.Helper()
	all, err := w.records.Audit(w.ctx, w.org, alfred.AuditFilter{})
	w.must(err)
	slices.Reverse(all)
	if at := alfred.VerifyAudit("", all); at != 0 {
		w.Fatalf("the audit chain breaks at %d", at)
	}
	return slices.DeleteFunc(all, func(e alfred.AuditEvent) bool { return e.RequestID != job })
}

// Two processes are at a job of some hundred lines, one of which in seven is
// wrong: each line is carried out once, and each person who was changed has one
// event and is published.
func TestTwoRunnersCarryOutEachRowOnce(t *testing.T) {
	w := started(t)
	const n = 700
	w.crowd(n)
	w.publish()
	list := "email,personal_quota,department\n"
	for i := range n {
		department := ""
		if i%7 == 3 {
			department = "Nowhere"
		}
		list += fmt.Sprintf("p%03d@company.com,20,%s\n", i, department)
	}
	id := w.imports(list, false)
	other := *w.jobs
	var wg sync.WaitGroup
	for _, j := range []*admin.Jobs{w.jobs, &other} {
		wg.Go(func() {
			for {
				if _, err := j.StepBulk(w.ctx); err != nil {
					w.Error(err)
					return
				}
				if job, err := w.records.BulkJob(w.ctx, w.org, id); err != nil || !job.FinishedAt.IsZero() {
					return
				}
			}
		})
	}
	wg.Wait()
	w.jobIs(id, n-n/7, 0, n/7)
	changed := map[string]bool{}
	for i, row := range w.outcomes(id) {
		want := alfred.BulkChanged
		if i%7 == 3 {
			want = alfred.BulkFailed
		}
		if row.Outcome != want || (want == alfred.BulkFailed) != (row.Error != nil) {
			t.Fatalf("row %+v, want %s", row, want)
		}
		if want == alfred.BulkChanged {
			changed[string(row.Subject)] = true
			if u, err := w.records.User(w.ctx, w.org, row.Subject); err != nil || *u.Quota != 20*alfred.Credit || u.Version != 2 {
				t.Fatalf("%+v %v was changed otherwise than once", u, err)
			}
		}
	}
	touched := map[string]bool{}
	topics, err := w.records.Touched(w.ctx, 0)
	w.must(err)
	for _, topic := range topics {
		touched[topic.ID] = true
	}
	for _, e := range w.audited(id) {
		if !changed[e.Subject] {
			t.Fatalf("%s of %s is in the audit log twice, or was not made", e.Action, e.Subject)
		}
		if !touched[e.Subject] {
			t.Errorf("%s is not published", e.Subject)
		}
		delete(changed, e.Subject)
	}
	if len(changed) > 0 {
		t.Errorf("%d changes are not in the audit log", len(changed))
	}
}

// Whatever a batch finds in its way, its rows are carried out once, and what is
// at fault fails alone.
func TestABatchIsAllOfItsRowsOrNone(t *testing.T) {
	serialization := &pgconn.PgError{Code: "40001"}
	away := alfred.Errorf(alfred.CodeUnavailable, "away")
	for _, c := range []struct {
		name      string
		disturb   func(w *world, d *disturbed, p123 alfred.User)
		failed    int
		unchanged int
		errs      int
	}{
		{name: "the database cannot store a row", failed: 1, disturb: func(_ *world, d *disturbed, p123 alfred.User) {
			d.refuse, d.why = p123.ID, alfred.Invalid("x", "outside")
		}},
		{name: "a row that nobody has thought of", failed: 1, disturb: func(_ *world, d *disturbed, p123 alfred.User) {
			d.refuse, d.why = p123.ID, fmt.Errorf("a bug")
		}},
		{name: "somebody else changes a person", disturb: func(w *world, d *disturbed, u alfred.User) {
			d.store = once(func() error {
				u.Name = "Another"
				return w.records.UpdateUser(w.ctx, u)
			})
		}},
		{name: "somebody else makes the same change", unchanged: 1, disturb: func(w *world, d *disturbed, u alfred.User) {
			d.store = once(func() error {
				quota := 20 * alfred.Credit
				u.Quota = &quota
				return w.records.UpdateUser(w.ctx, u)
			})
		}},
		{name: "the transaction is tried again", disturb: func(_ *world, d *disturbed, _ alfred.User) {
			d.finish = once(func() error { return serialization })
		}},
		{name: "the store goes away at the end", errs: 1, disturb: func(_ *world, d *disturbed, _ alfred.User) {
			d.audit = once(func() error { return away })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := started(t)
			w.crowd(300)
			id := w.job(`{"kind":"quota","personal_quota":20,"reason":"spring","selection":{"filter":{"access_role":"member"}}}`)
			d := &disturbed{Records: w.records}
			p123, err := w.records.UserByEmail(w.ctx, w.org, "p123@company.com")
			w.must(err)
			c.disturb(w, d, p123)
			jobs := *w.jobs
			jobs.Records = d
			errs := 0
			for {
				worked, err := jobs.StepBulk(w.ctx)
				if err != nil {
					errs++
				}
				if !worked && err == nil {
					break
				}
			}
			if errs != c.errs {
				t.Errorf("%d steps failed, want %d", errs, c.errs)
			}
			w.jobIs(id, 300-c.failed-c.unchanged, c.unchanged, c.failed)
			for _, row := range w.outcomes(id) {
				if (row.Outcome == alfred.BulkFailed) != (row.Error != nil) || row.Outcome == alfred.BulkFailed && (row.Label != "p123@company.com" || len(row.Changes) > 0 || row.Action != "") {
					t.Errorf("row %+v", row)
				}
			}
			events := w.audited(id)
			if len(events) != 300-c.failed-c.unchanged {
				t.Errorf("%d events, want one for each who was changed", len(events))
			}
			if events[0].Reason != "spring" {
				t.Errorf("event %+v has no reason", events[0])
			}
		})
	}
}

// once runs something the first time.
func once(fn func() error) func() error {
	done := false
	return func() error {
		if done {
			return nil
		}
		done = true
		return fn()
	}
}

// What a dry run says of each line is what the real run does, and it writes
// nothing.
func TestADryRunSaysWhatTheRealRunDoes(t *testing.T) {
	w := started(t)
	w.team("Core", "1000")
	w.crowd(210)
	w.publish()
	list := "email,name,personal_quota,team,access_role\n"
	for i := range 210 {
		switch i % 7 {
		case 0:
			list += fmt.Sprintf("p%03d@company.com,,10,,\n", i) // is so already
		case 1:
			list += fmt.Sprintf("p%03d@company.com,Name %d,20,Core,\n", i, i) // is changed, and joins
		case 2:
			list += fmt.Sprintf("p%03d@company.com,,,core,\n", i)
		case 3:
			list += fmt.Sprintf("p%03d@company.com,,,Nowhere,\n", i)
		case 4:
			list += fmt.Sprintf("new%d@company.com,New,5,Core,admin\n", i)
		case 5:
			list += fmt.Sprintf("p%03d@company.com,,lots,,\n", i)
		case 6:
			list += fmt.Sprintf("p%03d@company.com,,,,admin\n", i)
		}
	}
	before, err := w.records.Users(w.ctx, w.org, alfred.UserFilter{})
	w.must(err)
	dry := w.imports(list, true)
	w.finish()
	after, err := w.records.Users(w.ctx, w.org, alfred.UserFilter{})
	w.must(err)
	topics, err := w.records.Touched(w.ctx, 0)
	w.must(err)
	if diff := cmp.Diff(before, after); diff != "" || len(topics) > 0 || len(w.audited(dry)) > 0 {
		t.Fatalf("a dry run has written: %s %v", diff, topics)
	}
	real := w.imports(list, false)
	w.finish()
	w.jobIs(dry, 120, 30, 60)
	w.jobIs(real, 120, 30, 60)
	isNew := cmpopts.IgnoreFields(alfred.BulkRow{}, "Subject")
	joined := cmp.FilterPath(func(p cmp.Path) bool { return strings.Contains(p.String(), "Changes") }, cmp.Comparer(func(a, b json.RawMessage) bool {
		return string(a) == string(b) || len(a) == len(b) && strings.Contains(string(a), "usr_") && strings.Contains(string(b), "usr_") // another id
	}))
	if diff := cmp.Diff(w.outcomes(dry), w.outcomes(real), isNew, joined); diff != "" {
		t.Errorf("the real run does something else: %s", diff)
	}
	if row := w.outcomes(real)[1]; row.Action != "user.update" || len(row.Changes) < 4 {
		t.Errorf("a line that changes somebody and puts them into a team: %+v", row)
	}
}

// Within a batch later lines see what earlier ones did.
func TestLinesOfABatchFollowEachOther(t *testing.T) {
	w := started(t)
	w.team("Core", "1000")
	w.user("second@company.com", `,"access_role":"owner"`)
	id := w.imports("email,name,team,access_role\n"+
		"new@company.com,One,,\n"+
		"NEW@company.com,Two,Core,\n"+
		"new@company.com,Two,core,\n"+
		"second@company.com,,,member\n"+
		"owner@company.com,,,member\n", false)
	w.finish()
	w.jobIs(id, 3, 1, 1) // the last owner stays
	rows := w.outcomes(id)
	if e := rows[4].Error; e == nil || e.Code != alfred.CodeConflict || rows[2].Outcome != alfred.BulkUnchanged {
		t.Errorf("rows %+v", rows)
	}
	u, err := w.records.UserByEmail(w.ctx, w.org, "new@company.com")
	w.must(err)
	if u.Name != "Two" || u.Version != 2 || len(w.audited(id)) != 4 {
		t.Errorf("%+v, %d events", u, len(w.audited(id)))
	}
}

// Of a line that fails when a part of it was done nothing is left, and what a job
// changes for others is told.
func TestALineThatFailsLeavesNothing(t *testing.T) {
	w := started(t)
	mate := w.user("mate@company.com", "")
	ana := w.user("ana@company.com", "")
	team := alfred.TeamID(w.team("Core", "1000", mate))
	d := &disturbed{Records: w.records, gone: team}
	jobs := *w.jobs
	jobs.Records = d
	id := w.imports("email,name,team\nana@company.com,Ana,Core\nmate@company.com,Mate,\n", false)
	w.finish(&jobs)
	w.jobIs(id, 1, 0, 1)
	if u := w.do("GET", "/v1/admin/users/"+ana.id, w.owner.key, "").is(http.StatusOK); u["name"] == "Ana" || len(w.audited(id)) != 1 {
		t.Errorf("%v, %d events", u, len(w.audited(id)))
	}

	// A share is in the catalog; a member is told of an admin of the team alone.
	for _, kind := range []string{"suspend", "activate"} {
		admin := kind == "activate"
		w.do("POST", fmt.Sprintf("/v1/admin/teams/%s/members/%s?is_admin=%t", team, ana.id, admin), w.owner.key, "")
		w.publish()
		w.job(`{"kind":"` + kind + `","selection":{"ids":["` + ana.id + `"]}}`)
		w.finish()
		topics, err := w.records.Touched(w.ctx, 0)
		w.must(err)
		told := func(id string) bool {
			return slices.ContainsFunc(topics, func(t alfred.Topic) bool { return t.ID == id })
		}
		if !told("") || !told(ana.id) || told(mate.id) != admin {
			t.Errorf("%s: told are %v", kind, topics)
		}
	}
}

// Credits that a person on vacation has released come back before a job ends
// the vacation, or the membership.
func TestAJobReturnsWhatWasReleased(t *testing.T) {
	for _, body := range []string{`{"kind":"activate"`, `{"kind":"suspend"`, `{"kind":"team_remove","team_id":"TEAM"`} {
		w := started(t)
		people := []person{w.owner}
		for i := range 4 {
			people = append(people, w.user(fmt.Sprintf("p%d@company.com", i), `,"personal_quota":100`))
		}
		team := w.team("Core", "1000", people...)
		w.publish()
		for _, p := range people[1:3] {
			w.vacation(p, true).is(http.StatusOK)
		}
		if n := w.standing(); n != 2 {
			t.Fatalf("%d releases", n)
		}
		members := `,"selection":{"filter":{"access_role":"member"}}}`
		dry := w.job(strings.Replace(body, "TEAM", team, 1) + `,"dry_run":true` + members)
		w.finish()
		if n := w.standing(); n != 2 {
			t.Errorf("%s: a dry run has returned credits: %d releases", body, n)
		}
		id := w.job(strings.Replace(body, "TEAM", team, 1) + members)
		w.finish()
		changed := 4
		if strings.Contains(body, "activate") {
			changed = 2
		}
		w.jobIs(dry, changed, 4-changed, 0)
		w.jobIs(id, changed, 4-changed, 0)
		if n := w.standing(); n != 0 {
			t.Errorf("%s: %d releases are left", body, n)
		}
		events := func(action string) int {
			return len(w.do("GET", "/v1/admin/audit?action="+action, w.owner.key, "").list())
		}
		if gone, back := events("vacation.release"), events("vacation.return"); gone == 0 || gone != back {
			t.Errorf("%s: %d releases and %d returns are in the audit log", body, gone, back)
		}
		w.publish()
		for _, p := range people[1:3] {
			if !strings.Contains(body, "activate") {
				continue
			}
			if q := w.quota(p); number(q["personal_quota"]) != 100 {
				t.Errorf("%s: quota %v", body, q)
			}
		}
	}
}

// standing counts the releases of this window.
func (w *world) standing() int {
	w.Helper()
	window, err := alfred.DefaultSettings().Window.At(w.clock.Now(), time.UTC)
	w.must(err)
	all, err := w.records.Releases(w.ctx, w.org, window)
	w.must(err)
	return len(all)
}

// A job whose maker loses the right stops within a batch.
func TestAJobStopsWithinABatch(t *testing.T) {
	w := started(t)
	w.crowd(500)
	boss := w.user("boss@company.com", `,"access_role":"admin"`)
	id := text(w.do("POST", "/v1/admin/jobs", boss.key, `{"kind":"suspend","selection":{"filter":{"access_role":"member"}}}`).is(http.StatusAccepted)["id"])
	if _, err := w.jobs.StepBulk(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.do("PATCH", "/v1/admin/users/"+boss.id, w.owner.key, `{"access_role":"member"}`).is(http.StatusOK)
	w.finish()
	j := w.do("GET", "/v1/admin/jobs/"+id, w.owner.key, "").is(http.StatusOK)
	if n := number(j["changed"]); j["state"] != "failed" || n == 0 || n > 200 || int(n) != len(w.audited(id)) {
		t.Errorf("%v, %d events", j, len(w.audited(id)))
	}
}

// One list makes another owner and takes the role from whoever made it: that line
// sees the other, and those after it are not carried out.
func TestAListHandsOwnershipOver(t *testing.T) {
	w := started(t)
	w.user("ana@company.com", "")
	w.user("bo@company.com", "")
	id := w.imports("email,access_role,name\nana@company.com,owner,\nowner@company.com,member,\nbo@company.com,,Bo\n", false)
	w.finish()
	j, err := w.records.BulkJob(w.ctx, w.org, id)
	w.must(err)
	rows := w.outcomes(id)
	if rows[1].Outcome != alfred.BulkChanged || rows[2].Outcome != alfred.BulkPending || j.Error == "" {
		t.Errorf("%+v %+v", j, rows)
	}
}
