package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// dying is a record whose process ends at one of its calls, as a process that
// is killed does: nothing that it would do afterwards happens.
type dying struct {
	admin.Records
	beforeWrite, beforeAnswer bool
}

var errKilled = errors.New("killed")

func (d *dying) CreateTransfer(ctx context.Context, t alfred.Transfer) error {
	if d.beforeWrite {
		return errKilled
	}
	return d.Records.CreateTransfer(ctx, t)
}

func (d *dying) FinishIdempotent(ctx context.Context, org alfred.OrgID, actor, key string, r alfred.IdempotentReply, now time.Time) error {
	if d.beforeAnswer {
		return errKilled
	}
	return d.Records.FinishIdempotent(ctx, org, actor, key, r, now)
}

func (d *dying) AbandonIdempotent(ctx context.Context, org alfred.OrgID, actor, key string, written bool) error {
	if d.beforeWrite || d.beforeAnswer {
		return errKilled
	}
	return d.Records.AbandonIdempotent(ctx, org, actor, key, written)
}

// A process that dies in a request leaves its key behind: for two minutes if
// it had not written, and for good, without a second transfer, if it had.
func TestAKeyOutlivesItsProcess(t *testing.T) {
	records := &dying{}
	w := started(t, func(c *admin.Config) { records.Records, c.Records = c.Records, records })
	w.user("a@company.com", "")
	transfer := func(key string) reply {
		return w.do("POST", "/v1/users/me/transfer", w.owner.key, `{"recipient_email":"a@company.com","amount":100}`, "Idempotency-Key: "+key)
	}
	quota := func(want float64) {
		t.Helper()
		if q := w.quota(w.owner); number(q["personal_quota"]) != want {
			t.Errorf("quota %v, want %v", q["personal_quota"], want)
		}
	}

	records.beforeWrite = true
	transfer("one").is(http.StatusServiceUnavailable)
	records.beforeWrite = false
	transfer("one").refused(http.StatusConflict, alfred.CodeInFlight)
	quota(10000)
	w.clock.Set(w.clock.Now().Add(2 * time.Minute))
	transfer("one").is(http.StatusCreated)
	quota(9900)

	records.beforeAnswer = true
	transfer("two").is(http.StatusCreated)
	records.beforeAnswer = false
	quota(9800)
	for range 2 {
		w.clock.Set(w.clock.Now().Add(2 * time.Minute))
		transfer("two").refused(http.StatusConflict, alfred.CodeConflict)
	}
	quota(9800)
}

// Totals are of all transfers, however many are listed.
func TestTotalsOfTransfers(t *testing.T) {
	w := started(t)
	a := w.user("a@company.com", "")
	for i := range 205 {
		w.must(w.records.CreateTransfer(w.ctx, alfred.Transfer{
			ID: alfred.TransferID(fmt.Sprintf("trf_%03d", i)), Org: w.org, Move: alfred.MoveID(fmt.Sprintf("mov_%03d", i)), Kind: alfred.TransferGiven, Sender: alfred.UserID(w.owner.id),
			Recipient: alfred.UserID(a.id), Amount: 2 * alfred.Credit, Window: alfred.Window{Start: w.clock.Now(), End: w.clock.Now().Add(time.Hour)},
			CreatedAt: w.clock.Now().Add(time.Duration(i) * time.Second),
		}))
	}
	got := w.do("GET", "/v1/users/me/transfers", w.owner.key, "").is(http.StatusOK)
	if n := len(got["sent"].([]any)); n != 200 || number(got["total_sent"]) != 410 || number(got["total_received"]) != 0 {
		t.Errorf("%d sent, totals %v and %v", n, got["total_sent"], got["total_received"])
	}
	from := w.clock.Now().Add(200 * time.Second).Format(time.RFC3339)
	got = w.do("GET", "/v1/users/me/transfers?from="+from, a.key, "").is(http.StatusOK)
	if n := len(got["received"].([]any)); n != 5 || number(got["total_received"]) != 10 {
		t.Errorf("%d received, %v", n, got["total_received"])
	}
}
