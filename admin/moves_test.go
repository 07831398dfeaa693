package admin_test

import (
	"net/http"
	"testing"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/store/memory"
)

// A move took, could not be booked and was undone; the ledger comes back as it
// was between the two. What it has taken again is given back when the ledger is
// compared with the record, and not left to a person.
func TestAMoveThatWasUndoneStaysUndoneInAnOlderLedger(t *testing.T) {
	inner := started(t)
	w := &ledgerWorld{world: inner, ledger: inner.live}
	l := &losing{Live: w.config.Live}
	w.config.Live = l
	var err error
	w.handler, err = admin.NewHandler(w.config)
	w.must(err)
	a, b := w.user("a@company.com", `,"personal_quota":1000`), w.user("b@company.com", `,"personal_quota":1000`)
	w.spend(a, 10*alfred.Credit, alfred.PriorityNormal)
	w.drift("") // recorded
	var older *memory.Snapshot
	l.after = func() {
		older = w.live.Snapshot()
		w.do("PATCH", "/v1/admin/users/"+b.id, w.owner.key, `{"status":"suspended"}`).is(http.StatusOK)
	}
	w.transfer(a, "b@company.com", "100").refused(http.StatusConflict, alfred.CodeRecipient)
	if older == nil {
		t.Fatal("nothing was taken")
	}
	w.live.Restore(older)
	w.must(w.config.Ledger.Ensure(w.ctx, w.org))
	if rows, _ := w.drift(""); len(rows) != 0 {
		t.Errorf("drift: %v", rows)
	}
	w.must(admin.Republish(w.ctx, w.records, w.clock.Now()))
	w.publish()
	if q := w.quota(a); number(q["available_quota"]) != 990 {
		t.Errorf("%v credits are left", q["available_quota"])
	}
}
