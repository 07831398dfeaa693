package admin_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

func (w *world) transfer(from person, to string, amount string) reply {
	w.Helper()
	return w.do("POST", "/v1/users/me/transfer", from.key, `{"recipient_email":"`+to+`","amount":`+amount+`,"reason":"why"}`)
}

func TestTransferRules(t *testing.T) {
	w := started(t)
	a, b := w.user("a@company.com", ""), w.user("b@company.com", "")
	gone := w.user("gone@company.com", "")
	w.do("PATCH", "/v1/admin/users/"+gone.id, w.owner.key, `{"status":"suspended"}`).is(http.StatusOK)
	for _, c := range []struct {
		rule, to, amount string
		status           int
		code             alfred.Code
	}{
		{"nothing", "b@company.com", "0", 422, alfred.CodeValidation},
		{"less than nothing", "b@company.com", "-5", 422, alfred.CodeValidation},
		{"less than a credit", "b@company.com", "0.5", 422, alfred.CodeValidation},
		{"to oneself", "A@company.com", "5", 422, alfred.CodeValidation},
		{"to nobody", "nobody@company.com", "5", 404, alfred.CodeNotFound},
		{"to the suspended", "gone@company.com", "5", 409, alfred.CodeRecipient},
		{"more than there is", "b@company.com", "1000.000001", 409, alfred.CodeInsufficient},
		{"above the free limit", "b@company.com", "5001", 403, alfred.CodeNeedsApproval},
	} {
		got := w.transfer(a, c.to, c.amount)
		if body := got.refused(c.status, c.code); c.code == alfred.CodeInsufficient && !strings.Contains(text(body["detail"]), "1,000 credits are available") {
			t.Errorf("%s: it does not say what is available: %s", c.rule, body["detail"])
		}
	}
	w.spend(a, 400*alfred.Credit, alfred.PriorityNormal)
	w.transfer(a, "b@company.com", "600.5").refused(http.StatusConflict, alfred.CodeInsufficient)
	w.transfer(a, "b@company.com", "600").is(http.StatusCreated)
	w.transfer(a, "b@company.com", "1").refused(http.StatusConflict, alfred.CodeInsufficient)
	w.transfer(b, "a@company.com", "100.25").is(http.StatusCreated)

	mine := w.do("GET", "/v1/users/me/transfers", a.key, "").is(http.StatusOK)
	if number(mine["total_sent"]) != 600 || number(mine["total_received"]) != 100.25 || len(mine["sent"].([]any)) != 1 {
		t.Errorf("my transfers: %v", mine)
	}
	if all := w.do("GET", "/v1/admin/transfers?min_amount=200", w.owner.key, "").list(); len(all) != 1 {
		t.Errorf("%d transfers of 200 and more", len(all))
	}
	if all := w.do("GET", "/v1/admin/transfers?min_amount=100.25&max_amount=100.25&user="+a.id, w.owner.key, "").list(); len(all) != 1 {
		t.Errorf("%d transfers of exactly 100.25", len(all))
	}
	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"settings":{"transfers_by":"admins"}}`).is(http.StatusOK)
	w.transfer(b, "a@company.com", "1").refused(http.StatusForbidden, alfred.CodeForbidden)

	// What was given ends with the window.
	w.clock.Set(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	for _, p := range []person{a, b} {
		if q := w.quota(p); number(q["available_quota"]) != 1000 {
			t.Errorf("in the next window: %v", q)
		}
	}
}

func TestTransfersAtOnce(t *testing.T) {
	w := started(t)
	a := w.user("a@company.com", "")
	w.user("b@company.com", "")
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 20 {
		wg.Go(func() {
			r := w.transfer(a, "b@company.com", "100")
			mu.Lock()
			defer mu.Unlock()
			if r.status == http.StatusCreated {
				made++
			} else if r.status != http.StatusConflict {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
	wg.Wait()
	if q := w.quota(a); made != 10 || number(q["available_quota"]) != 0 {
		t.Errorf("%d transfers of 100 out of 1000, %v left", made, q["available_quota"])
	}
}

func TestTransfersAsCSV(t *testing.T) {
	w := started(t)
	w.user("b@company.com", "")
	w.do("POST", "/v1/users/me/transfer", w.owner.key, `{"recipient_email":"b@company.com","amount":1.5,"reason":"=cmd|' /C calc'!A0"}`).is(http.StatusCreated)
	r := w.do("GET", "/v1/admin/transfers.csv", w.owner.key, "")
	rows, err := csv.NewReader(strings.NewReader(string(r.body))).ReadAll()
	w.must(err)
	if len(rows) != 2 || rows[1][4] != "1.5" || rows[1][5] != "'=cmd|' /C calc'!A0" {
		t.Errorf("got %q", rows)
	}
}

// brokenRecords fails where a test wants the record to fail.
type brokenRecords struct {
	admin.Records
	transfer error // of CreateTransfer
}

func (b *brokenRecords) CreateTransfer(ctx context.Context, t alfred.Transfer) error {
	if b.transfer != nil {
		return b.transfer
	}
	return b.Records.CreateTransfer(ctx, t)
}

// What is taken from the sender comes back when the booking fails; what
// nobody could settle is settled by the job.
func TestTransferIsUndone(t *testing.T) {
	broken := &brokenRecords{}
	w := started(t, func(c *admin.Config) { broken.Records = c.Records; c.Records = broken })
	a, b := w.user("a@company.com", ""), w.user("b@company.com", "")
	broken.transfer = errors.New("the disk is full")
	w.transfer(a, "b@company.com", "300").refused(http.StatusServiceUnavailable, alfred.CodeUnavailable)
	if qa, qb := w.quota(a), w.quota(b); number(qa["available_quota"]) != 1000 || number(qb["available_quota"]) != 1000 {
		t.Errorf("after a failure: %v and %v", qa, qb)
	}
	broken.transfer = nil

	// The process died after it took the credits.
	out := alfred.Outflow{Org: w.org, Move: "mov_01ARZ3NDEKTSV4RRFFQ69G5FAV", Amount: 400 * alfred.Credit, Source: []alfred.Charge{{
		Counter: alfred.Counter{Kind: alfred.CountPersonal, Subject: a.id, Window: alfred.Window{
			Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		}}, Ceiling: 1000 * alfred.Credit,
	}}}
	w.must(w.records.CreateMove(w.ctx, alfred.Move{ID: out.Move, Org: w.org, Outflow: plain(t, out), State: "pending", CreatedAt: w.clock.Now()}))
	_, err := w.live.TakeOutflow(w.ctx, out)
	w.must(err)
	if q := w.quota(a); number(q["available_quota"]) != 600 {
		t.Fatalf("taken: %v", q)
	}
	w.jobs.Step(w.ctx) // too early: its maker may be at it
	if q := w.quota(a); number(q["available_quota"]) != 600 {
		t.Errorf("settled too early: %v", q)
	}
	w.clock.Set(w.clock.Now().Add(2 * time.Minute))
	for range 2 {
		w.jobs.Step(w.ctx)
		if q := w.quota(a); number(q["available_quota"]) != 1000 || number(q["personal_quota"]) != 1000 {
			t.Errorf("settled: %v", q)
		}
	}
}

func TestLimits(t *testing.T) {
	w := started(t)
	p := w.user("p@company.com", "")
	key := text(w.do("GET", "/v1/users/me/keys", p.key, "").list()[0].(map[string]any)["id"])
	team := w.team("T", "100", p)
	rows := fmt.Sprintf(`{"data":[
		{"scope":"user","subject":%q,"metric":"requests_per_minute","rate":10},
		{"scope":"key","subject":%q,"metric":"credits","credits":500,"mode":"shadow"},
		{"scope":"team","subject":%q,"metric":"tokens_per_minute","rate":1000},
		{"scope":"model","subject":"gpt-4","metric":"credits","credits":9,"fail_mode":"local"},
		{"scope":"organization","metric":"credits","credits":0}]}`, p.id, key, team)
	if set := w.do("PUT", "/v1/admin/limits", w.owner.key, rows).list(); len(set) != 5 {
		t.Fatalf("set %v", set)
	}
	if got := w.do("GET", "/v1/admin/limits?scope=key&subject="+key, w.owner.key, "").list(); len(got) != 1 || number(got[0].(map[string]any)["credits"]) != 500 {
		t.Errorf("of the key: %v", got)
	}
	w.publish()
	who, err := w.live.Principal(w.ctx, alfred.HashSecret(p.key, w.config.Pepper))
	w.must(err)
	c, err := w.live.Catalog(w.ctx, w.org)
	w.must(err)
	if len(who.Limits) != 2 || len(c.Limits) != 3 {
		t.Errorf("published %v and %v", who.Limits, c.Limits)
	}
	local := slices.ContainsFunc(c.Limits, func(l alfred.Limit) bool { return l.Scope == alfred.ScopeModel && l.FailMode == alfred.FailLocal })
	if got := w.do("GET", "/v1/admin/limits?scope=model", w.owner.key, "").list(); len(got) != 1 || got[0].(map[string]any)["fail_mode"] != "local" || !local {
		t.Errorf("fail mode of the model's cap: shown %v, published %v", got, c.Limits)
	}
	// An admin's own limit is tightened by a mode, and nobody loosens his own.
	admin := w.user("admin@company.com", `,"access_role":"admin"`)
	own := func(mode string) reply {
		return w.do("PUT", "/v1/admin/limits", admin.key, fmt.Sprintf(`{"data":[{"scope":"user","subject":%q,"metric":"credits","credits":9,"fail_mode":%s}]}`, admin.id, mode))
	}
	own(`"deny"`).is(http.StatusOK)
	own(`null`).refused(http.StatusForbidden, alfred.CodeForbidden)
	w.do("PUT", "/v1/admin/limits", w.owner.key, fmt.Sprintf(`{"data":[{"scope":"user","subject":%q,"metric":"credits","credits":null}]}`, admin.id)).is(http.StatusOK)
	// A row is set whole: what is left out follows the organisation again.
	follows := w.do("PUT", "/v1/admin/limits", w.owner.key, `{"data":[{"scope":"model","subject":"gpt-4","metric":"credits","credits":9}]}`).list()
	if mode, set := follows[0].(map[string]any)["fail_mode"]; set {
		t.Errorf("the model's cap still has the fail mode %v", mode)
	}
	w.do("PUT", "/v1/admin/limits", w.owner.key, fmt.Sprintf(`{"data":[{"scope":"user","subject":%q,"metric":"requests_per_minute","rate":null},
		{"scope":"organization","metric":"credits","mode":"off"}]}`, p.id)).is(http.StatusOK)
	if got := w.do("GET", "/v1/admin/limits", w.owner.key, "").list(); len(got) != 3 {
		t.Errorf("left: %v", got)
	}
	w.publish()
	who, err = w.live.Principal(w.ctx, alfred.HashSecret(p.key, w.config.Pepper))
	w.must(err)
	if len(who.Limits) != 1 {
		t.Errorf("published %v", who.Limits)
	}
}
