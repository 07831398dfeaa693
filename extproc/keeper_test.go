package extproc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/extproc/spool"
)

// fakeMarks is a live store that was replaced when the test says so.
type fakeMarks struct {
	mu        sync.Mutex
	lineage   string
	confirmed []int64
	waits     unbounded
}

func (f *fakeMarks) Lineage(ctx context.Context, _ string) (string, error) {
	f.waits.note(ctx, "Lineage")
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lineage, nil
}

func (f *fakeMarks) Confirmed(ctx context.Context, _ string, _ int) ([]int64, error) {
	f.waits.note(ctx, "Confirmed")
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]int64(nil), f.confirmed...), nil
}

func (f *fakeMarks) ForgetConfirmed(ctx context.Context, _ string, _ []int64) error {
	f.waits.note(ctx, "ForgetConfirmed")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.confirmed = nil
	return nil
}

type spooledWorld struct {
	*world
	marks *fakeMarks
	spool *spool.Spool
	full  atomic.Bool // the disk
}

// fullDisk is a file of a disk that fills.
type fullDisk struct {
	*os.File
	full *atomic.Bool
}

func (f fullDisk) Write(b []byte) (int, error) {
	if f.full.Load() {
		return 0, syscall.ENOSPC
	}
	return f.File.Write(b)
}

func newSpooledWorld(t *testing.T) *spooledWorld {
	t.Helper()
	w := &spooledWorld{marks: &fakeMarks{lineage: "first"}}
	var err error
	w.spool, err = spool.Open(spool.Config{Dir: t.TempDir(), MaxBytes: 1 << 20, Create: func(path string) (spool.File, error) {
		f, err := os.Create(path)
		return fullDisk{f, &w.full}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.spool.Close()
		w.marks.waits.check(t)
	})
	w.world = newWorld(t, func(c *Config) { c.Spool, c.Marks = w.spool, w.marks })
	t.Cleanup(w.close) // before the spool
	return w
}

// answered lets the provider answer an admitted request.
func answered(x *exchange) {
	x.send(responseHeaders("200", "content-type", "application/json"))
	x.send(responseBody(`{"usage":{"prompt_tokens":3,"completion_tokens":4}}`, true))
}

func TestASettlementIsKeptUntilItIsConfirmed(t *testing.T) {
	w := newSpooledWorld(t)
	var owed int
	w.ledger.settle = func(alfred.Settlement) error { owed = w.spool.Pending(); return nil }
	x, _ := w.admit(t, hello)
	answered(x)
	if settled, _ := w.ledger.ended(); settled != 1 || owed != 1 {
		t.Fatalf("settled %d times, %d entries on the disk when it was sent", settled, owed)
	}
	first := w.ledger.settles[0]
	if first.Event.Instance != w.spool.Instance() || first.Event.Spooled == 0 {
		t.Fatalf("the event does not say where it is kept: %+v", first.Event)
	}
	w.marks.mu.Lock()
	w.marks.lineage = "second"
	w.marks.mu.Unlock()
	eventually(t, func() error {
		if settled, _ := w.ledger.ended(); settled != 2 {
			return fmt.Errorf("settled %d times after the store was replaced", settled)
		}
		return nil
	})
	w.ledger.mu.Lock()
	second := w.ledger.settles[1]
	w.ledger.mu.Unlock()
	if second.Record.Hold != first.Record.Hold || second.Cost != first.Cost || second.Event.Spooled != first.Event.Spooled {
		t.Errorf("sent again was %+v, at first %+v", second, first)
	}
	w.marks.mu.Lock()
	w.marks.confirmed = []int64{first.Event.Spooled}
	w.marks.mu.Unlock()
	eventually(t, func() error {
		if n := w.spool.Pending(); n != 0 {
			return fmt.Errorf("%d entries stay", n)
		}
		return nil
	})
}

func TestADiskThatIsFullRefusesNewRequestsAndStillSettles(t *testing.T) {
	w := newSpooledWorld(t)
	x, _ := w.admit(t, hello)
	w.full.Store(true)
	answered(x)
	if settled, _ := w.ledger.ended(); settled != 1 {
		t.Fatalf("settled %d times", settled)
	}
	w.catalog.Settings.FailMode = alfred.FailAllow
	_, r := w.admit(t, hello)
	if got := refusedWith(r); got != "503 unavailable" || w.ledger.reserved() != 1 {
		t.Errorf("refused with %q, reserved %d times", got, w.ledger.reserved())
	}
	ready := httptest.NewRecorder()
	w.Handler(prometheus.NewRegistry()).ServeHTTP(ready, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if ready.Code != http.StatusServiceUnavailable || !strings.Contains(ready.Body.String(), "write the spool") {
		t.Errorf("readyz says %d %s", ready.Code, ready.Body)
	}
	w.full.Store(false)
	eventually(t, func() error { return w.spool.Refusal() })
	if _, r := w.admit(t, hello); refusedWith(r) != "" {
		t.Errorf("still refused: %s", refusedWith(r))
	}
}

func TestWhatTheStoreDidNotTakeIsSentByTheNextProcess(t *testing.T) {
	w := newSpooledWorld(t)
	w.ledger.settle = func(alfred.Settlement) error { return errors.New("away") }
	w.ledger.void = func(alfred.HoldRecord) error { return errors.New("away") }
	x, _ := w.admit(t, hello)
	answered(x)
	y, _ := w.admit(t, hello)
	y.send(responseHeaders("500"))
	w.close()
	if n := w.spool.Pending(); n != 2 {
		t.Fatalf("%d entries are kept", n)
	}
	next := newWorld(t, func(c *Config) { c.Spool, c.Marks = w.spool, w.marks })
	t.Cleanup(next.close)
	eventually(t, func() error {
		if settled, voided := next.ledger.ended(); settled != 1 || voided != 1 {
			return fmt.Errorf("settled %d, voided %d", settled, voided)
		}
		return nil
	})
}

// Of what had ended already the store writes no event again; the record is
// asked all the same, so that it confirms.
func TestWhatHadEndedIsToldToTheRecord(t *testing.T) {
	w := newSpooledWorld(t)
	w.ledger.settle = func(alfred.Settlement) error { return errors.New("the answer is lost") }
	x, _ := w.admit(t, hello)
	answered(x)
	w.close()
	next := newWorld(t, func(c *Config) { c.Spool, c.Marks = w.spool, w.marks })
	t.Cleanup(next.close)
	next.ledger.mu.Lock()
	next.ledger.state = alfred.EndDuplicate
	next.ledger.mu.Unlock()
	w.marks.mu.Lock()
	w.marks.lineage = "second"
	w.marks.mu.Unlock()
	eventually(t, func() error {
		next.ledger.mu.Lock()
		defer next.ledger.mu.Unlock()
		if n := len(next.ledger.appended); n == 0 || next.ledger.appended[0].Kind != alfred.EventSettle || next.ledger.appended[0].Spooled == 0 {
			return fmt.Errorf("appended %+v", next.ledger.appended)
		}
		return nil
	})
}

// A process that shares the folder sends what one that died left there, until
// it is confirmed.
func TestWhatADeadProcessLeftIsAdopted(t *testing.T) {
	dir := t.TempDir()
	open := func() *spool.Spool {
		s, err := spool.Open(spool.Config{Dir: dir, MaxBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	living, dying := open(), open()
	t.Cleanup(func() { _ = living.Close() })
	hold := alfred.HoldRecord{Org: "org_1", Hold: "hold_1", Legs: []alfred.HeldLeg{{Kind: alfred.LegPersonal, Counters: []alfred.Counter{{Kind: alfred.CountPersonal, Subject: "ann"}}}}}
	seq, err := dying.Append(t.Context(), spool.Entry{Settlement: alfred.Settlement{Record: hold, Cost: 7}})
	if err != nil {
		t.Fatal(err)
	}
	dead := dying.Instance()
	if err := dying.Close(); err != nil { // its lock goes with it
		t.Fatal(err)
	}
	marks := &fakeMarks{lineage: "first"}
	w := newWorld(t, func(c *Config) { c.Spool, c.Marks = living, marks })
	t.Cleanup(w.close)
	eventually(t, func() error {
		w.ledger.mu.Lock()
		defer w.ledger.mu.Unlock()
		if len(w.ledger.settles) == 0 {
			return errors.New("not sent")
		}
		return nil
	})
	w.ledger.mu.Lock()
	sent := w.ledger.settles[0]
	w.ledger.mu.Unlock()
	if sent.Cost != 7 || sent.Event.Instance != dead || sent.Event.Spooled != int64(seq) {
		t.Errorf("sent %+v; it is entry %d of %s", sent, seq, dead)
	}
	eventually(t, func() error { // and given back, with nothing in it
		marks.mu.Lock()
		marks.confirmed = []int64{int64(seq)} // every spool of the test may hear it
		marks.mu.Unlock()
		s, err := spool.Open(spool.Config{Dir: dir, MaxBytes: 1 << 20})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		if s.Instance() != dead || s.Pending() != 0 {
			return fmt.Errorf("%s has %d entries; %s is still adopted", s.Instance(), s.Pending(), dead)
		}
		return nil
	})
}
