package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// Ledger test 16, of an entry that cannot be booked: it is kept with its
// reason, does not stop the others, its spool is told, and a person has it
// booked after all, once.
func TestLedger16_APoisonEntryIsKeptAndBookedOnDemand(t *testing.T) {
	w := started(t)
	p := w.user("p@company.com", "")
	good, poison := w.event(p, alfred.Credit, "hold_good"), w.event(p, 2*alfred.Credit, "hold_poison")
	poison.Kind, poison.Instance, poison.Spooled = "gift", "spool", 7
	raw, err := json.Marshal(poison)
	w.must(err)
	f := &fakeStream{entries: []admin.Entry{{ID: "5-0", Event: poison, Raw: raw}, {ID: "6-0", Event: good, Raw: []byte("{}")}}}
	recorder := admin.Recorder{Records: w.records, Events: f, Consumer: "test", Log: w.config.Log}
	if n, err := recorder.Step(w.ctx, w.org, 0); err != nil || n != 2 || len(f.acked) != 2 {
		t.Fatalf("acknowledged %d (%v): %v", n, err, f.acked)
	}
	if len(f.confirmed) != 1 || !strings.HasPrefix(f.confirmed[0], "spool 7 ") {
		t.Errorf("confirmed %v: the spool would send it for ever", f.confirmed)
	}

	const list, retry = "/v1/admin/ledger/set-aside", "/v1/admin/ledger/set-aside/5-0/retry"
	rows := w.do("GET", list, w.owner.key, "").list()
	if len(rows) != 1 || rows[0].(map[string]any)["reason"] == "" || rows[0].(map[string]any)["entry"] != string(raw) {
		t.Fatalf("set aside: %v", rows)
	}
	still := w.do("POST", retry, w.owner.key, "").is(http.StatusOK)
	if still["recorded_at"] != nil || still["attempts"] != float64(1) || !strings.Contains(text(still["reason"]), "unknown kind") {
		t.Fatalf("tried in vain: %v", still)
	}
	w.do("POST", list+"/9-9/retry", w.owner.key, "").is(http.StatusNotFound)

	// What stood in its way is mended: here, the entry itself.
	poison.Kind = alfred.EventSettle
	raw, err = json.Marshal(poison)
	w.must(err)
	w.must(w.records.SetAside(w.ctx, w.org, "7-0", raw, "an older version did not know it"))
	again := strings.Replace(retry, "5-0", "7-0", 1)
	if dry := w.do("POST", again+"?dry_run=true", w.owner.key, "").is(http.StatusOK); dry["dry_run"] != true {
		t.Fatalf("a dry run: %v", dry)
	}
	for range 2 {
		if done := w.do("POST", again, w.owner.key, "").is(http.StatusOK); done["recorded_at"] == nil || done["attempts"] != float64(1) {
			t.Fatalf("not booked: %v", done)
		}
	}
	events, _, err := w.records.Usage(w.ctx, w.org, alfred.UsageFilter{User: alfred.UserID(p.id)})
	w.must(err)
	if len(events) != 2 {
		t.Errorf("%d events are recorded, want the good one and the mended one", len(events))
	}
	if rows := w.do("GET", list+"?state=all", w.owner.key, "").list(); len(rows) != 2 {
		t.Errorf("of all there are %d", len(rows))
	}
	if rows := w.do("GET", list, w.owner.key, "").list(); len(rows) != 1 {
		t.Errorf("%d wait", len(rows))
	}
	registry := prometheus.NewRegistry()
	jobs := admin.Jobs{Config: w.config}
	jobs.Metrics = admin.NewMetrics(registry)
	w.must(jobs.CountSetAside(w.ctx))
	figures, err := registry.Gather()
	w.must(err)
	waiting := -1.0
	for _, f := range figures {
		if f.GetName() == "alfred_admin_entries_aside" {
			waiting = f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	if waiting != 1 {
		t.Errorf("the gauge says that %v wait", waiting)
	}
	audits := w.do("GET", "/v1/admin/audit?action=ledger.", w.owner.key, "").list()
	if len(audits) != 2 {
		t.Errorf("%d attempts are in the audit log", len(audits))
	}
}
