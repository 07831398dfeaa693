package admin_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

const november23 = "2026-11-23T12:00:00Z"

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) settings(change string) map[string]any {
	w.Helper()
	out, _ := w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":`+change+`}`).is(http.StatusOK)["settings"].(map[string]any)
	return out
}

// planned is the window that a change is planned to begin, or "".
func planned(settings map[string]any) string {
	next, _ := settings["next_window"].(map[string]any)
	return text(next["from"])
}

// A change in mid-window waits for the window's end. Usage stays until then,
// and the data plane and the API change at the same instant, whether or not
// the job has been there.
func TestAChangeOfTheWindowWaitsForItsEnd(t *testing.T) {
	for _, job := range []bool{false, true} {
		w := started(t)
		a := w.user("a@company.com", "")
		w.spend(a, 300*alfred.Credit, alfred.PriorityNormal)
		got := w.settings(`{"zone":"America/New_York","window":{"kind":"weekly"}}`)
		if planned(got) != "2026-12-01T00:00:00Z" || got["zone"] != "UTC" {
			t.Fatalf("settings: %v", got)
		}
		look := func(at, start, end string, used float64) {
			t.Helper()
			w.clock.Set(instant(t, at))
			if job {
				w.must(w.jobs.KeepCalendars(w.ctx))
			}
			w.publish()
			q := w.quota(a)
			if q["window_start"] != start || q["resets_at"] != end || number(q["used_tokens"]) != used {
				t.Errorf("at %s: %v", at, q)
			}
			c, err := w.live.Catalog(w.ctx, w.org)
			w.must(err)
			if live, err := c.Settings.WindowAt(w.clock.Now()); err != nil || !live.Start.Equal(instant(t, start)) || !live.End.Equal(instant(t, end)) {
				t.Errorf("at %s the data plane is in %v, %v", at, live, err)
			}
		}
		look("2026-11-30T23:59:59Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", 300)
		look("2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-07T05:00:00Z", 0)
		w.spend(a, 70*alfred.Credit, alfred.PriorityNormal)
		look("2026-12-07T04:59:59Z", "2026-12-01T00:00:00Z", "2026-12-07T05:00:00Z", 70)
		look("2026-12-07T05:00:00Z", "2026-12-07T05:00:00Z", "2026-12-14T05:00:00Z", 0)
		w.clock.Set(instant(t, "2026-12-02T00:00:00Z"))
		before := w.do("GET", "/v1/admin/overview?window=previous", w.owner.key, "").is(http.StatusOK)["window"].(map[string]any)
		if before["name"] != "2026-11" || before["end"] != "2026-12-01T00:00:00Z" || before["tz"] != "UTC" {
			t.Errorf("the window before: %v", before)
		}
		org := w.do("GET", "/v1/admin/organization", w.owner.key, "").is(http.StatusOK)["settings"].(map[string]any)
		if org["zone"] != "America/New_York" || planned(org) != "" || org["window_since"] != "2026-12-01T00:00:00Z" {
			t.Errorf("what stands: %v", org)
		}
		if events, err := w.records.Audit(w.ctx, w.org, alfred.AuditFilter{Action: "organization.window"}); err != nil || (len(events) == 1) != job {
			t.Errorf("%d changes in the log, %v", len(events), err)
		}
	}
}

// A planned change is shown, replaced, taken back by name or by asking for
// what stands, and left alone by every other change.
func TestAPlannedChangeIsTakenBack(t *testing.T) {
	w := started(t)
	a := w.user("a@company.com", "")
	w.spend(a, alfred.Credit, alfred.PriorityNormal)
	w.settings(`{"zone":"Europe/Oslo"}`)
	got := w.settings(`{"window":{"kind":"weekly"}}`)
	if next := got["next_window"].(map[string]any); next["zone"] != "Europe/Oslo" || next["window"].(map[string]any)["kind"] != "weekly" {
		t.Errorf("both changes: %v", next)
	}
	if got := w.settings(`{"default_personal_quota":70}`); planned(got) == "" {
		t.Errorf("another change took it back: %v", got)
	}
	if got := w.settings(`{"next_window":null}`); planned(got) != "" || got["zone"] != "UTC" {
		t.Errorf("not taken back: %v", got)
	}
	w.settings(`{"zone":"Europe/Oslo"}`)
	if got := w.settings(`{"zone":"UTC"}`); planned(got) != "" || got["zone"] != "UTC" {
		t.Errorf("not taken back: %v", got)
	}
	for _, body := range []string{`{"next_window":{"zone":"UTC","window":{"kind":"daily"}}}`, `{"window_since":"2026-01-01T00:00:00Z"}`} {
		w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":`+body+`}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	}
	dry := w.do("PATCH", "/v1/admin/organization?dry_run=true", w.owner.key, `{"settings":{"zone":"Europe/Oslo"}}`).is(http.StatusOK)
	after := dry["changes"].([]any)[0].(map[string]any)["after"].(map[string]any)["settings"].(map[string]any)
	if planned(after) != "2026-12-01T00:00:00Z" {
		t.Errorf("a look before: %v", after)
	}
	if got := w.settings(`{"default_personal_quota":80}`); planned(got) != "" {
		t.Errorf("the look has changed something: %v", got)
	}
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"window":{"kind":"lifetime"}}}`).is(http.StatusOK)
}

// Releases that were planned for the next window follow it: those of a window
// that will not be are cancelled, and the new one has its own.
func TestPlannedReleasesFollowTheCalendar(t *testing.T) {
	w := started(t)
	a, b := w.user("a@company.com", ""), w.user("b@company.com", "")
	w.team("Core", "10000", a, b)
	w.spend(b, alfred.Credit, alfred.PriorityNormal)
	w.do("POST", "/v1/users/me/vacation", a.key, `{"on_vacation":true}`).is(http.StatusOK)
	w.must(w.jobs.KeepVacations(w.ctx))
	pool := func(at string, want, own float64) {
		t.Helper()
		w.clock.Set(instant(t, at))
		if q := w.quota(a); number(q["personal_quota"]) != own {
			t.Errorf("at %s the person away has %v", at, q["personal_quota"])
		}
		if q := w.quota(b); number(q["team_pool_available"]) != want {
			t.Errorf("at %s the pool gives %v, want %v", at, q["team_pool_available"], want)
		}
	}
	w.settings(`{"window":{"kind":"weekly"}}`) // from 1 December, a Tuesday, to Monday
	w.must(w.jobs.KeepVacations(w.ctx))
	pool("2026-11-30T12:00:00Z", 11000, 0)
	pool("2026-12-02T12:00:00Z", 11000, 0)
	pool("2026-12-08T12:00:00Z", 10000, 1000) // the plan reaches one window ahead, and no further
	w.clock.Set(instant(t, november23))
	w.settings(`{"next_window":null}`)
	pool("2026-12-02T12:00:00Z", 10000, 1000)
	w.clock.Set(instant(t, november23))
	w.must(w.jobs.KeepVacations(w.ctx))
	pool("2026-12-02T12:00:00Z", 11000, 0)
	pool("2026-12-30T12:00:00Z", 11000, 0)
}

// What was overdrawn before the change is repaid after it, once, and a change
// at once does not lose the windows of before.
func TestDebtsCrossAChangeOfTheCalendar(t *testing.T) {
	w := started(t)
	a := w.user("a@company.com", "")
	w.spend(a, 1400*alfred.Credit, alfred.PriorityCritical)
	w.record()
	w.settings(`{"zone":"America/New_York","window":{"kind":"weekly"}}`)
	owes := func(at string, want float64) {
		t.Helper()
		w.clock.Set(instant(t, at))
		w.jobs.Step(w.ctx)
		w.jobs.Step(w.ctx)
		if q := w.quota(a); number(q["personal_quota"]) != want {
			t.Errorf("at %s: %v", at, q)
		}
	}
	owes("2026-12-02T12:00:00Z", 600)
	owes("2026-12-08T12:00:00Z", 1000)

	w = started(t)
	a = w.user("a@company.com", "")
	w.spend(a, 1400*alfred.Credit, alfred.PriorityCritical)
	w.record()
	w.clock.Set(instant(t, "2026-12-01T00:00:30Z"))
	w.settings(`{"zone":"Europe/Oslo"}`)
	q := w.quota(a)
	if q["window_start"] != "2026-12-01T00:00:00Z" || q["resets_at"] != "2026-12-31T23:00:00Z" {
		t.Errorf("nothing spent, so at once, and not over November: %v", q)
	}
	owes("2026-12-02T12:00:00Z", 600)
}
