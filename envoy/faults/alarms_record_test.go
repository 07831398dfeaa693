package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func (a *alarms) counterIsTooHigh(t *testing.T) {
	a.settle(t)
	key := ""
	for _, k := range a.live.Keys(t.Context(), "a:{"+a.org+"}:c:personal:"+a.people[0]+":*").Val() {
		key = k
	}
	if err := a.live.IncrBy(t.Context(), key, 5_000_000).Err(); err != nil || key == "" {
		t.Fatalf("%q: %v", key, err)
	}
	a.admins[0].restart(t) // it compares at once, and then once a minute
	a.shows(t, a.admin(), "alfred_ledger_drift", `figure="max"`, func(n float64) bool { return n == 5 })
	if text, err := os.ReadFile(a.admins[0].command.Log); err != nil || !strings.Contains(string(text), "live counters drift from the record") {
		t.Errorf("the log does not tell: %v", err)
	}
	var page struct {
		Data []struct {
			Subject string  `json:"subject"`
			Drift   float64 `json:"drift"`
		} `json:"data"`
	}
	a.manage(t, http.MethodGet, "/v1/admin/ledger/drift", nil, &page)
	if len(page.Data) != 1 || page.Data[0].Subject != a.people[0] || page.Data[0].Drift != 5 {
		t.Errorf("drift: %+v", page)
	}
	why := map[string]any{"reason": "somebody wrote to Redis"}
	var plan struct {
		Changes []any `json:"changes"`
	}
	a.manage(t, http.MethodPost, "/v1/admin/ledger/reconcile?dry_run=true", why, &plan)
	if len(plan.Changes) != 1 {
		t.Errorf("a dry run: %+v", plan)
	}
	var done struct {
		Corrected int     `json:"corrected"`
		Lowered   float64 `json:"lowered"`
	}
	a.manage(t, http.MethodPost, "/v1/admin/ledger/reconcile", why, &done)
	if done.Corrected != 1 || done.Lowered != 5 {
		t.Errorf("reconciled: %+v", done)
	}
	a.shows(t, a.admin(), "alfred_ledger_drift", `figure="max"`, zero)
	a.ledger(t).whole(t)
}

func (a *alarms) entryIsRefused(t *testing.T) {
	conn := a.connect(t)
	if _, err := conn.Exec(t.Context(), `ALTER TABLE usage_events ADD CONSTRAINT no_such_model CHECK (model <> 'gpt-4o') NOT VALID`); err != nil {
		t.Fatal(err)
	}
	if status, text := a.complete(t, "gpt-4o", 20); status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	a.shows(t, a.admin(), "alfred_admin_entries_set_aside_total", "", above(0))
	a.admins[0].restart(t) // it counts what waits at once, and then twice a minute
	var list struct {
		Data []struct {
			ID     string `json:"id"`
			Reason string `json:"reason"`
		} `json:"data"`
	}
	a.manage(t, http.MethodGet, "/v1/admin/ledger/set-aside", nil, &list)
	if len(list.Data) != 1 || !strings.Contains(list.Data[0].Reason, "no_such_model") {
		t.Fatalf("set aside: %+v", list)
	}
	a.shows(t, a.admin(), "alfred_admin_entries_aside", "", func(n float64) bool { return n == 1 })
	if _, err := conn.Exec(t.Context(), `ALTER TABLE usage_events DROP CONSTRAINT no_such_model`); err != nil { // what it names is mended
		t.Fatal(err)
	}
	var booked struct {
		RecordedAt *time.Time `json:"recorded_at"`
	}
	a.manage(t, http.MethodPost, "/v1/admin/ledger/set-aside/"+list.Data[0].ID+"/retry", nil, &booked)
	if booked.RecordedAt == nil {
		t.Errorf("not booked: %+v", booked)
	}
	a.admins[0].restart(t) // counts again
	a.shows(t, a.admin(), "alfred_admin_entries_aside", "", zero)
}

// Without Postgres the record confirms nothing: steps of alfred-admin fail, and when the spool is full, nobody is admitted.
func (a *alarms) postgresStops(t *testing.T) {
	l := a.spend(t, 16)
	a.postgres.Kill()
	a.shows(t, a.admin(), "alfred_admin_background_failures_total", "what=", above(0))
	if status, body := ready(t, a.admin()); status == http.StatusOK {
		t.Errorf("/readyz of alfred-admin: %v", body)
	}
	a.shows(t, a.health[0], "alfred_spool_bytes", "", above(100_000))
	a.shows(t, a.health[0], "alfred_spool_full", "", above(0))
	status, body := ready(t, a.health[0])
	if status != http.StatusServiceUnavailable || !strings.Contains(fmt.Sprint(body["reason"]), "spool is full") {
		t.Errorf("/readyz: %d %v", status, body)
	}
	l.stop()
	if status, text := a.complete(t, "gpt-4", 20); status != http.StatusServiceUnavailable {
		t.Errorf("with a full spool: %d %s", status, text)
	}
	if err := a.postgres.Resume(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	a.shows(t, a.health[0], "alfred_spool_full", "", zero)
	a.served(t)
	if status, body := ready(t, a.health[0]); status != http.StatusOK {
		t.Errorf("/readyz: %d %v", status, body)
	}
	a.settle(t) // it is empty
	refusedOnly(t, l.seen(), false)
}
