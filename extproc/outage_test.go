package extproc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/extproc/spool"
	"github.com/alfred-envoy/alfred/store/memory"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// cut is the way of one process to the live store, which a test can cut.
type cut struct {
	Ledger
	mu    sync.Mutex
	down  bool
	waits unbounded
}

var errCut = errors.New("the way to the store is cut")

func (c *cut) set(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func (c *cut) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return errCut
	}
	return nil
}

func (c *cut) Reserve(ctx context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
	c.waits.note(ctx, "Reserve")
	if err := c.err(); err != nil {
		return alfred.ReserveReply{}, err
	}
	return c.Ledger.Reserve(ctx, r)
}

func (c *cut) Extend(ctx context.Context, r alfred.HoldRecord, ttl time.Duration) (bool, error) {
	c.waits.note(ctx, "Extend")
	if err := c.err(); err != nil {
		return false, err
	}
	return c.Ledger.Extend(ctx, r, ttl)
}

func (c *cut) Settle(ctx context.Context, s alfred.Settlement) (alfred.EndState, error) {
	c.waits.note(ctx, "Settle")
	if err := c.err(); err != nil {
		return "", err
	}
	return c.Ledger.Settle(ctx, s)
}

func (c *cut) Void(ctx context.Context, r alfred.HoldRecord, e alfred.UsageEvent) (alfred.EndState, error) {
	c.waits.note(ctx, "Void")
	if err := c.err(); err != nil {
		return "", err
	}
	return c.Ledger.Void(ctx, r, e)
}

func (c *cut) Reap(ctx context.Context, org alfred.OrgID, limit int) (int, error) {
	c.waits.note(ctx, "Reap")
	if err := c.err(); err != nil {
		return 0, err
	}
	return c.Ledger.Reap(ctx, org, limit)
}

func (c *cut) AppendEvents(ctx context.Context, org alfred.OrgID, events []alfred.UsageEvent) error {
	c.waits.note(ctx, "AppendEvents")
	if err := c.err(); err != nil {
		return err
	}
	return c.Ledger.AppendEvents(ctx, org, events)
}

func (c *cut) orgs(context.Context) ([]alfred.OrgID, error) { return []alfred.OrgID{testOrg}, c.err() }

// town is an organisation whose people ask several processes that share one
// live store. Its clock moves when the test says so.
type town struct {
	t       testing.TB
	clock   *clock // nil: time as it is
	store   *memory.Store
	catalog *alfred.Catalog
	people  []*alfred.Principal
	gates   []*process
	change  func(*GateSettings)
}

// process is one gate, its way to the store and its disk.
type process struct {
	*Gate
	way   *cut
	dir   string
	spool *spool.Spool
}

func (p *process) now() time.Time { return p.Gate.now() }

func newTown(t testing.TB, processes int, change func(*town)) *town {
	t.Helper()
	w := &town{
		t: t, clock: &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)},
		catalog: &alfred.Catalog{Org: testOrg, Version: 1, Settings: alfred.DefaultSettings(), Card: alfred.DefaultRateCard()},
		people: []*alfred.Principal{{
			Version: 1, Org: testOrg, Key: "key_1", KeyStatus: alfred.KeyActive, User: "usr_1", UserStatus: alfred.Active,
			Personal: alfred.Allowance{Base: 10_000 * alfred.Credit},
		}},
		change: func(*GateSettings) {},
	}
	w.catalog.Settings.FailMode = alfred.FailLocal
	if change != nil {
		change(w)
	}
	w.store = memory.New(w.now)
	storetest.Open(t, w.store, testOrg)
	for range processes {
		w.start("")
	}
	return w
}

func (w *town) now() time.Time {
	if w.clock == nil {
		return time.Now()
	}
	return w.clock.Now()
}

// start adds a process. A folder that another left is taken over.
func (w *town) start(dir string) *process { return w.startWith(dir, 0) }

func (w *town) startWith(dir string, skew time.Duration) *process {
	w.t.Helper()
	p := &process{way: &cut{Ledger: w.store}, dir: dir}
	settings := GateSettings{
		Timeout: time.Second, FailMode: alfred.FailDeny, HoldTTL: 2 * time.Minute, HoldExtend: 30 * time.Second,
		Allowance: 5000 * alfred.Credit, Processes: 1,
	}
	w.change(&settings)
	c := Config{
		Ledger: p.way, Directory: &fakeDirectory{}, Pepper: testPepper, Backends: []Backend{{Name: "mock", BaseURL: "http://mock"}},
		Gate: settings, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Entropy: rand.Reader, Now: func() time.Time { return w.now().Add(skew) },
	}
	if dir != "" {
		var err error
		if p.spool, err = spool.Open(spool.Config{Dir: dir, MaxBytes: 16 << 20}); err != nil {
			w.t.Fatal(err)
		}
		c.Spool, c.Marks = p.spool, &fakeMarks{lineage: "first"}
	}
	s, err := New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	p.Gate = s.gate
	w.gates = append(w.gates, p)
	w.t.Cleanup(func() {
		p.die()
		p.way.waits.check(w.t)
	})
	return p
}

// die is what a kill leaves: the disk, and nothing that waits in memory.
func (p *process) die() {
	p.way.set(true)
	p.endings.stop()
	p.endings.wg.Wait()
	if p.spool != nil {
		_ = p.spool.Close()
	}
}

func (w *town) cut(down bool) {
	for _, p := range w.gates {
		p.way.set(down)
	}
}

// ask asks for an answer of so many tokens, and at least so many.
func (w *town) ask(p *process, person, tokens int) (*Hold, alfred.Decision) {
	w.t.Helper()
	id, err := newIdentity(p.now(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Admit(w.t.Context(), Admission{
		identity: id, Principal: w.people[person], Catalog: w.catalog, Model: "m", Backend: "mock", Priority: alfred.PriorityNormal,
		Input: 10, Limit: int64(tokens), Choices: 1,
	})
}

func (w *town) settle(p *process, h *Hold, tokens int64) {
	p.Settle(w.t.Context(), h, End{Outcome: alfred.OutcomeCompleted, Status: 200, Usage: alfred.Usage{Input: 10, Output: tokens}, At: p.now()})
}

func (w *town) personal(person int) alfred.Counter {
	zone, _ := alfred.Zone(w.catalog.Settings.Zone)
	window, err := w.catalog.Settings.Window.At(w.now(), zone)
	if err != nil {
		w.t.Fatal(err)
	}
	return alfred.Counter{Kind: alfred.CountPersonal, Subject: string(w.people[person].User), Window: window}
}

func (w *town) balance(c alfred.Counter) alfred.Balance {
	w.t.Helper()
	b, err := w.store.Balances(w.t.Context(), testOrg, []alfred.Counter{c})
	if err != nil {
		w.t.Fatal(err)
	}
	return b[0]
}

func (w *town) stands(committed, settled int64) {
	w.t.Helper()
	want := alfred.Balance{Committed: alfred.Credits(committed) * alfred.Credit, Settled: alfred.Credits(settled) * alfred.Credit}
	eventually(w.t, func() error {
		if got := w.balance(w.personal(0)); got != want {
			return fmt.Errorf("committed %s and settled %s, want %s and %s", got.Committed, got.Settled, want.Committed, want.Settled)
		}
		return nil
	})
}

func TestAnAllowanceIsSpentInAnOutageAndBookedBeforeItIsGivenBack(t *testing.T) {
	w := newTown(t, 1, nil)
	p := w.gates[0]
	h, d := w.ask(p, 0, 990)
	if !d.Allowed {
		t.Fatal(d.Detail)
	}
	w.settle(p, h, 990)
	w.stands(1000, 1000)
	p.allowances.step(t.Context()) // 9,000 left when it was asked: a quarter
	w.stands(3250, 1000)

	w.cut(true)
	h, d = w.ask(p, 0, 990)
	if !d.Allowed || d.Degraded != "local" || h.event.Degraded != "local" || h.record.Granted != 1000*alfred.Credit {
		t.Fatalf("in the outage: %+v", d)
	}
	// 1,250 are left, and half of that is more than the 266 that it needs at least.
	shrunk, d := w.ask(p, 0, 4990)
	if !d.Allowed || shrunk.record.Granted != 625*alfred.Credit || shrunk.limit != 615 {
		t.Fatalf("granted %s, limited to %d: %+v", shrunk.record.Granted, shrunk.limit, d)
	}
	last, d := w.ask(p, 0, 610)
	if !d.Allowed || last.record.Granted != 620*alfred.Credit {
		t.Fatalf("%+v", d)
	}
	_, d = w.ask(p, 0, 100)
	if d.Allowed || d.Code != alfred.CodeUnavailable || d.Degraded != "local" || !d.Retry {
		t.Fatalf("beyond the allowance: %+v", d)
	}
	w.settle(p, h, 490) // 500 come back
	p.Release(t.Context(), shrunk, End{Outcome: alfred.OutcomeUpstreamError, At: w.now()})
	h, d = w.ask(p, 0, 990)
	if !d.Allowed {
		t.Fatalf("what was not used was not there again: %+v", d)
	}
	w.settle(p, h, 990)
	p.allowances.step(t.Context())
	w.stands(3250, 1000)

	w.cut(false)
	w.stands(3250+1500, 2500) // the allowance is held until the last of it is booked
	p.allowances.step(t.Context())
	w.stands(3250+1500, 2500)
	w.settle(p, last, 600)
	w.stands(3250+1500+610, 3110)
	p.allowances.step(t.Context())
	p.allowances.step(t.Context())
	got := w.balance(w.personal(0))
	if got.Settled != 3110*alfred.Credit || got.Held() >= 2250*alfred.Credit {
		t.Errorf("afterwards settled %s, held %s", got.Settled, got.Held())
	}
	p.allowances.close(t.Context())
	w.stands(3110, 3110)
}

func TestWhatIsNotSetAsideIsRefused(t *testing.T) {
	refused := func(t *testing.T, w *town, reason string) {
		t.Helper()
		if _, d := w.ask(w.gates[0], 0, 100); d.Allowed || d.Degraded != "local" {
			t.Errorf("%s: %+v", reason, d)
		}
	}
	ready := func(t *testing.T, change func(*town)) *town {
		t.Helper()
		w := newTown(t, 1, change)
		h, d := w.ask(w.gates[0], 0, 90)
		if !d.Allowed {
			t.Fatal(d.Detail)
		}
		w.settle(w.gates[0], h, 90)
		w.gates[0].allowances.step(t.Context())
		w.cut(true)
		return w
	}
	t.Run("nothing was taken yet", func(t *testing.T) {
		w := newTown(t, 1, nil)
		w.cut(true)
		refused(t, w, "none")
	})
	t.Run("switched off", func(t *testing.T) {
		w := ready(t, func(w *town) { w.change = func(s *GateSettings) { s.Allowance = 0 } })
		refused(t, w, "none")
	})
	t.Run("too little is left to be worth it", func(t *testing.T) {
		w := ready(t, func(w *town) { w.people[0].Personal.Base = 400 * alfred.Credit })
		refused(t, w, "none")
	})
	t.Run("the hold may have been reaped", func(t *testing.T) {
		w := ready(t, nil)
		w.clock.advance(2*time.Minute - time.Nanosecond)
		if _, d := w.ask(w.gates[0], 0, 100); !d.Allowed {
			t.Errorf("before: %+v", d)
		}
		w.clock.advance(time.Nanosecond)
		refused(t, w, "expired")
	})
	t.Run("another window", func(t *testing.T) {
		w := ready(t, func(w *town) { w.clock.now = time.Date(2026, 11, 30, 23, 59, 30, 0, time.UTC) })
		w.clock.advance(30 * time.Second)
		refused(t, w, "none")
	})
	t.Run("a limit that it does not stand on", func(t *testing.T) {
		w := ready(t, nil)
		w.catalog.Limits = []alfred.Limit{{Scope: alfred.ScopeModel, Subject: "m", Metric: alfred.MetricCredits, Credits: alfred.MaxCredits, Mode: alfred.Enforce}}
		refused(t, w, "none")
	})
	t.Run("faster than this process's part of a rate", func(t *testing.T) {
		w := ready(t, func(w *town) {
			w.catalog.Limits = []alfred.Limit{{Scope: alfred.ScopeOrganization, Subject: string(testOrg), Metric: alfred.MetricRequestsPerMinute, Rate: 6, Mode: alfred.Enforce}}
			w.change = func(s *GateSettings) { s.Processes = 3 }
		})
		for range 2 {
			if _, d := w.ask(w.gates[0], 0, 100); !d.Allowed {
				t.Fatalf("%+v", d)
			}
		}
		_, d := w.ask(w.gates[0], 0, 100)
		if d.Allowed || d.Code != alfred.CodeRateLimited || d.RetryAfter != 30 || d.Degraded != "local" {
			t.Errorf("%+v", d)
		}
	})
}

// What is set aside is for outages: it never refuses anybody whom the store
// could have served.
func TestAnAllowanceStandsInNobodysWay(t *testing.T) {
	w := newTown(t, 1, func(w *town) { w.catalog.Settings.MinOutput = 4000 })
	p := w.gates[0]
	for range 2 {
		h, d := w.ask(p, 0, 90)
		if !d.Allowed {
			t.Fatal(d.Detail)
		}
		w.settle(p, h, 90)
		p.allowances.step(t.Context())
	}
	w.stands(200+2475, 200)
	h, d := w.ask(p, 0, 4990)
	if !d.Allowed {
		t.Fatalf("%+v", d)
	}
	// 2,325 are left beside the allowance, 4,800 without it.
	other, d := w.ask(p, 0, 4000)
	if !d.Allowed {
		t.Fatalf("the allowance stood in the way: %+v", d)
	}
	w.settle(p, h, 10)
	w.settle(p, other, 10)
	w.stands(240, 240)
}

// The last quarter of a limit is not set aside, whoever used the rest.
func TestAllowancesDoNotFillALimit(t *testing.T) {
	w := newTown(t, 1, func(w *town) {
		w.catalog.Limits = []alfred.Limit{{Scope: alfred.ScopeOrganization, Subject: string(testOrg), Metric: alfred.MetricCredits, Credits: 10_000 * alfred.Credit, Mode: alfred.Enforce}}
		w.people = nil
		for i := range 20 {
			w.people = append(w.people, &alfred.Principal{
				Version: 1, Org: testOrg, Key: alfred.KeyID(fmt.Sprintf("key_%d", i)), KeyStatus: alfred.KeyActive, User: alfred.UserID(fmt.Sprintf("usr_%d", i)),
				UserStatus: alfred.Active, Personal: alfred.Allowance{Base: 4000 * alfred.Credit},
			})
		}
	})
	p := w.gates[0]
	for i := range w.people {
		h, d := w.ask(p, i, 10)
		if !d.Allowed {
			t.Fatal(d.Detail)
		}
		w.settle(p, h, 10)
	}
	p.allowances.step(t.Context())
	org := w.personal(0)
	org.Kind, org.Subject = alfred.CountOrg, string(testOrg)
	got := w.balance(org)
	if got.Settled != 400*alfred.Credit || got.Held() < 6000*alfred.Credit || got.Committed > 7500*alfred.Credit {
		t.Errorf("settled %s, set aside %s", got.Settled, got.Held())
	}
	// Whoever is idle gives his back.
	w.clock.advance(idleAfter)
	p.allowances.step(t.Context())
	if got := w.balance(org); got.Held() != 0 {
		t.Errorf("%s are set aside for nobody", got.Held())
	}
}

func TestAllowancesAreFewAndForThoseWhoAskedLast(t *testing.T) {
	s := newAllowances(&fakeLedger{}, GateSettings{Allowance: alfred.Credit}, nil, time.Now, &away{}, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	now := time.Unix(1_000_000, 0)
	for i := range maxAllowances + 10 {
		a := Admission{Principal: &alfred.Principal{Key: alfred.KeyID(fmt.Sprint(i))}}
		s.touch(a, terms{}, 0, now)
		w, _ := s.wanted.get(allowanceKey{key: a.Principal.Key})
		w.current = &allowance{owner: w}
	}
	if _, ok := s.wanted.get(allowanceKey{key: "9"}); ok || s.wanted.len() != maxAllowances || len(s.retired) != 10 {
		t.Errorf("%d are active, %d are to be given back", s.wanted.len(), len(s.retired))
	}
}

// A process that dies leaves an allowance that costs nobody anything.
func TestAnAllowanceThatExpiresCostsNothing(t *testing.T) {
	w := newTown(t, 2, nil)
	h, d := w.ask(w.gates[0], 0, 990)
	if !d.Allowed {
		t.Fatal(d.Detail)
	}
	w.settle(w.gates[0], h, 990)
	w.gates[0].allowances.step(t.Context())
	w.stands(3250, 1000)
	w.gates[0].die()
	w.clock.advance(2 * time.Minute)
	w.gates[1].reapAll(t.Context(), w.gates[1].way.orgs)
	w.stands(1000, 1000)
	entries, err := w.store.ReadEvents(t.Context(), testOrg, "test", 10, 0)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	if e := entries[1].Event; e.Kind != alfred.EventExpired || e.Outcome != alfred.OutcomeAllowance || e.Cost != 0 || e.User != "" {
		t.Errorf("event %+v", e)
	}
}

// A ledger that came back older may hold what has ended: however long the
// comparison with the record takes, nothing in it expires before. Requests are
// not kept waiting so long.
func TestNothingExpiresInALedgerThatWasNotCompared(t *testing.T) {
	w := newTown(t, 2, nil)
	a, b := w.gates[0], w.gates[1]
	if _, d := w.ask(a, 0, 990); !d.Allowed {
		t.Fatal(d.Detail)
	}
	a.die()
	w.store.Restore(w.store.Snapshot())
	_, _ = b.learner.look(t.Context(), testOrg)
	w.clock.advance(3 * time.Minute)
	for range 2 {
		b.reapAll(t.Context(), b.way.orgs)
		w.stands(1000, 0)
		w.clock.advance(learnAtMost)
	}
	if b.learner.learning(testOrg) {
		t.Error("requests still wait for the comparison")
	}
	e, err := w.store.Epoch(t.Context(), testOrg)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := w.store.FinishEpoch(t.Context(), testOrg, e, e.Number+1, e.Now); err != nil || !done {
		t.Fatalf("compared: %t, %v", done, err)
	}
	b.reapAll(t.Context(), b.way.orgs)
	w.stands(1000, 1000)
}

// In an outage everything falls due. After it those who live extend first.
func TestNobodyIsReapedRightAfterAnOutage(t *testing.T) {
	w := newTown(t, 2, nil)
	a, b := w.gates[0], w.gates[1]
	h, d := w.ask(a, 0, 990)
	if !d.Allowed {
		t.Fatal(d.Detail)
	}
	w.clock.advance(time.Minute)
	w.cut(true)
	w.clock.advance(2 * time.Minute)
	b.reapAll(t.Context(), b.way.orgs)
	w.cut(false)
	b.reapAll(t.Context(), b.way.orgs)
	w.stands(1000, 0)
	a.extendDue(t.Context())
	w.clock.advance(2*time.Minute - time.Second)
	a.extendDue(t.Context())
	w.clock.advance(time.Second)
	b.reapAll(t.Context(), b.way.orgs)
	w.stands(1000, 0)
	w.settle(a, h, 90)
	w.stands(100, 100)
	// One that nobody extends is charged in the end.
	if _, d = w.ask(a, 0, 990); !d.Allowed {
		t.Fatal(d.Detail)
	}
	w.clock.advance(2 * time.Minute)
	b.reapAll(t.Context(), b.way.orgs)
	w.stands(1100, 1100)
}
