package admin_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

const (
	driftPath     = "/v1/admin/ledger/drift"
	reconcilePath = "/v1/admin/ledger/reconcile"
)

// liveLedger is all that these tests ask of a live store.
type liveLedger interface {
	admin.Live
	admin.Ledger
	plane
}

// ledgerWorld is a world whose live ledger a test may damage, and what makes
// the ledger one that has to be built again.
type ledgerWorld struct {
	*world
	ledger liveLedger
	lose   func()
}

// onLedgers runs a test on the reference ledger and on a real Valkey.
func onLedgers(t *testing.T, test func(w *ledgerWorld)) {
	t.Run("memory", func(t *testing.T) {
		w := started(t)
		test(&ledgerWorld{w, w.live, func() { w.live.Restore(w.live.Snapshot()) }})
	})
	t.Run("Valkey", func(t *testing.T) {
		run, live := valkey(t)
		w := started(t, func(c *admin.Config) { c.Live, c.Ledger.Live = live, live })
		w.clock.Set(time.Now())
		w.plane, w.publisher.Live = live, live
		storetest.Open(t, live, w.org)
		test(&ledgerWorld{w, live, func() {
			o, err := goredis.ParseURL(run.URL())
			w.must(err)
			c := goredis.NewClient(o)
			w.must(c.FlushAll(w.ctx).Err())
			w.must(c.Close())
		}})
	})
}

func valkey(t *testing.T) (*parts.Redis, *redis.Store) {
	t.Helper()
	binary, err := parts.Valkey(t.Context(), os.Stderr)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	run, err := parts.StartValkey(t.Context(), parts.RedisConfig{Binary: binary, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Kill)
	live, err := redis.Open(t.Context(), redis.Options{URL: run.URL(), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = live.Close() })
	return run, live
}

// counter finds a counter of the live ledger.
func (w *ledgerWorld) counter(kind alfred.CounterKind, subject string) (found alfred.Counter) {
	w.Helper()
	err := w.records.InTx(w.ctx, func(ctx context.Context) error {
		all, err := w.records.OpenCounters(ctx, w.org, alfred.Counter{}, w.clock.Now(), 1000)
		for _, c := range all {
			if c.Kind == kind && (subject == "" || c.Subject == subject) {
				found = c
			}
		}
		return err
	})
	w.must(err)
	if found.Kind == "" {
		w.Fatalf("there is no counter %s %s", kind, subject)
	}
	return found
}

// damage adds to a counter what nobody has spent.
func (w *ledgerWorld) damage(c alfred.Counter, by alfred.Credits) {
	w.Helper()
	for {
		e, err := w.ledger.Epoch(w.ctx, w.org)
		w.must(err)
		done, err := w.ledger.Correct(w.ctx, w.org, e, []alfred.CounterChange{{Counter: c, Committed: by, Settled: by}})
		w.must(err)
		if done {
			return
		}
	}
}

func (w *ledgerWorld) drift(query string) (rows []any, totals map[string]any) {
	w.Helper()
	got := w.do("GET", driftPath+query, w.owner.key, "").is(http.StatusOK)
	return got["data"].([]any), got["totals"].(map[string]any)
}

func (w *ledgerWorld) audited(action string) []any {
	w.Helper()
	return w.do("GET", "/v1/admin/audit?limit=200&action="+action, w.owner.key, "").list()
}

func TestDriftIsShownAndReconciledOnceWithItsAudit(t *testing.T) {
	onLedgers(t, func(w *ledgerWorld) {
		t := w.TB
		p := w.user("p@company.com", `,"personal_quota":1000`)
		w.spend(p, 10*alfred.Credit, alfred.PriorityNormal)
		if rows, totals := w.drift(""); len(rows) != 0 || number(totals["drifting"]) != 0 || number(totals["counters"]) < 2 {
			t.Fatalf("a ledger that agrees: %v, %v", rows, totals)
		}
		all, totals := w.drift("?all=true")
		seen, cursor := map[string]bool{}, ""
		for {
			got := w.do("GET", driftPath+"?all=true&limit=2"+cursor, w.owner.key, "").is(http.StatusOK)
			for _, row := range got["data"].([]any) {
				r := row.(map[string]any)
				seen[text(r["kind"])+text(r["subject"])+text(r["window_start"])] = true
			}
			if got["has_more"] != true {
				break
			}
			cursor = "&cursor=" + text(got["next_cursor"])
		}
		if len(all) != len(seen) || float64(len(all)) != number(totals["counters"]) {
			t.Fatalf("%d counters in one page, %d in pages of two, %v in all", len(all), len(seen), totals["counters"])
		}

		personal, org := w.counter(alfred.CountPersonal, p.id), w.counter(alfred.CountOrg, "")
		w.damage(personal, 3*alfred.Credit)
		w.damage(org, -alfred.Credit)
		rows, totals := w.drift("")
		if len(rows) != 2 || number(totals["above"]) != 3 || number(totals["below"]) != 1 || number(totals["max"]) != 3 || number(totals["drifting"]) != 2 {
			t.Fatalf("two counters are damaged: %v, %v", rows, totals)
		}
		if r := rows[1].(map[string]any); r["kind"] != "personal" || r["name"] != "p@company.com" || number(r["settled"]) != 10 || number(r["live"]) != 13 ||
			number(r["held"]) != 0 || number(r["drift"]) != 3 {
			t.Errorf("the damaged counter: %v", r)
		}

		for _, body := range []string{``, `{}`, `{"reason":""}`, `{"reason":"r","force":true}`, `{"reason":"r","reason":"s"}`} {
			if got := w.do("POST", reconcilePath, w.owner.key, body); got.status < 400 || got.status > 422 {
				t.Errorf("%s: %d", body, got.status)
			}
		}
		w.do("POST", reconcilePath+"?dry-run=true", w.owner.key, `{"reason":"r"}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
		dry := w.do("POST", reconcilePath+"?dry_run=true", w.owner.key, `{"reason":"r"}`).is(http.StatusOK)
		changes, _ := dry["changes"].([]any)
		if dry["dry_run"] != true || len(changes) != 1 || changes[0].(map[string]any)["action"] != "ledger.reconcile" {
			t.Fatalf("a dry run: %v", dry)
		}
		if _, after := w.drift(""); number(after["drifting"]) != 2 || len(w.audited("ledger.")) != 0 {
			t.Fatalf("a dry run has changed the ledger or the audit log: %v", after)
		}

		for i := range 2 {
			got := w.do("POST", reconcilePath, w.owner.key, `{"reason":"a drill"}`, "Idempotency-Key: one")
			if b := got.is(http.StatusOK); number(b["corrected"]) != 2 || number(b["raised"]) != 1 || number(b["lowered"]) != 3 || number(b["left"]) != 0 {
				t.Fatalf("reconciled: %v", b)
			}
			if replayed := got.header.Get("Idempotency-Replayed") == "true"; replayed != (i == 1) {
				t.Errorf("attempt %d: replayed %t", i, replayed)
			}
		}
		if rows, _ := w.drift(""); len(rows) != 0 {
			t.Errorf("drift is left: %v", rows)
		}
		audits := w.audited("ledger.")
		if len(audits) != 1 {
			t.Fatalf("%d audit events", len(audits))
		}
		a := audits[0].(map[string]any)
		before := a["before"].(map[string]any)["counters"].([]any)
		after := a["after"].(map[string]any)["counters"].([]any)
		lowered := 0
		for i := range before {
			was, is := before[i].(map[string]any), after[i].(map[string]any)
			if was["kind"] == "personal" && number(was["committed"]) == 13 && number(is["committed"]) == 10 && number(is["settled"]) == 10 {
				lowered++
			}
		}
		if a["reason"] != "a drill" || len(before) != 2 || len(after) != 2 || lowered != 1 {
			t.Errorf("audited: %v", a)
		}
		if b := w.do("POST", reconcilePath, w.owner.key, `{"reason":"nothing"}`).is(http.StatusOK); number(b["corrected"]) != 0 || len(w.audited("ledger.")) != 1 {
			t.Errorf("nothing to do: %v", b)
		}
	})
}

// What people spend while the ledger is reconciled is neither lost nor
// lowered away.
func TestReconcileUnderTraffic(t *testing.T) {
	onLedgers(t, func(w *ledgerWorld) {
		t := w.TB
		p := w.user("p@company.com", `,"personal_quota":100000`)
		w.spend(p, alfred.Credit, alfred.PriorityNormal)
		w.drift("")
		personal := w.counter(alfred.CountPersonal, p.id)
		const spent = 61
		var wg sync.WaitGroup
		wg.Go(func() {
			for range spent - 1 {
				w.spend(p, alfred.Credit, alfred.PriorityNormal)
			}
		})
		for range 3 {
			w.damage(personal, 5*alfred.Credit)
			b := w.do("POST", reconcilePath, w.owner.key, `{"reason":"drill"}`).is(http.StatusOK)
			if number(b["corrected"]) != 1 || number(b["lowered"]) != 5 || number(b["raised"]) != 0 {
				t.Errorf("reconciled: %v", b)
			}
		}
		wg.Wait()
		rows, totals := w.drift("?all=true")
		if number(totals["drifting"]) != 0 {
			t.Errorf("drift is left: %v", totals)
		}
		for _, row := range rows {
			if r := row.(map[string]any); r["kind"] == "personal" && r["subject"] == p.id && number(r["live"]) != spent {
				t.Errorf("%v credits stand on the ledger, %d were spent", r["live"], spent)
			}
		}
	})
}

// A ledger that is not built is built first.
func TestReconcileIsRefusedWhileTheLedgerIsBuilt(t *testing.T) {
	onLedgers(t, func(w *ledgerWorld) {
		p := w.user("p@company.com", "")
		w.spend(p, alfred.Credit, alfred.PriorityNormal)
		w.drift("")
		w.lose()
		if got := w.do("GET", driftPath, w.owner.key, "").is(http.StatusOK); got["built"] != false {
			w.Errorf("a ledger that is not built: %v", got)
		}
		for _, dry := range []string{"", "?dry_run=true"} {
			w.do("POST", reconcilePath+dry, w.owner.key, `{"reason":"r"}`).refused(http.StatusConflict, alfred.CodeConflict)
		}
		w.must(w.config.Ledger.Ensure(w.ctx, w.org))
		if got := w.do("GET", driftPath, w.owner.key, "").is(http.StatusOK); got["built"] != true || len(got["data"].([]any)) != 0 {
			w.Errorf("built again: %v", got)
		}
		w.do("POST", reconcilePath, w.owner.key, `{"reason":"r"}`).is(http.StatusOK)
	})
}

// meddled is a ledger that somebody else corrects before each of the first
// corrections.
type meddled struct {
	admin.Ledger
	before []func() error // one for each correction; an error ends it
}

func (m *meddled) Correct(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, changes []alfred.CounterChange) (bool, error) {
	if len(m.before) > 0 {
		before := m.before[0]
		m.before = m.before[1:]
		if err := before(); err != nil {
			return false, err
		}
	}
	return m.Ledger.Correct(ctx, org, seen, changes)
}

// What was announced and not done is withdrawn in the audit log.
func TestReconcileThatFindsTheLedgerChangedIsWithdrawnAndDoneAnew(t *testing.T) {
	w := started(t)
	l := &ledgerWorld{w, w.live, nil}
	p := w.user("p@company.com", "")
	w.spend(p, alfred.Credit, alfred.PriorityNormal)
	l.drift("")
	personal := l.counter(alfred.CountPersonal, p.id)
	l.damage(personal, 3*alfred.Credit)
	m := &meddled{Ledger: w.live, before: []func() error{func() error { l.damage(personal, alfred.Credit); return nil }}}
	w.config.Ledger.Live = m
	if b := w.do("POST", reconcilePath, w.owner.key, `{"reason":"r"}`).is(http.StatusOK); number(b["lowered"]) != 4 {
		t.Errorf("reconciled: %v", b)
	}
	actions := func() string {
		var out []string
		for _, a := range l.audited("ledger.") {
			out = append(out, text(a.(map[string]any)["action"]))
		}
		return strings.Join(out, " ")
	}
	if got := actions(); got != "ledger.reconcile ledger.reconcile.withdrawn ledger.reconcile" {
		t.Errorf("the audit log has %s", got)
	}
	if rows, _ := l.drift(""); len(rows) != 0 {
		t.Errorf("drift is left: %v", rows)
	}

	// Redis goes away between the announcement and the correction.
	l.damage(personal, 3*alfred.Credit)
	m.before = []func() error{func() error { return alfred.Errorf(alfred.CodeUnavailable, "gone") }}
	w.do("POST", reconcilePath, w.owner.key, `{"reason":"r"}`).refused(http.StatusServiceUnavailable, alfred.CodeUnavailable)
	if got := actions(); !strings.HasPrefix(got, "ledger.reconcile.withdrawn ledger.reconcile ") {
		t.Errorf("the audit log has %s", got)
	}
	if rows, _ := l.drift(""); len(rows) != 1 {
		t.Errorf("the drift has gone by itself: %v", rows)
	}
}
