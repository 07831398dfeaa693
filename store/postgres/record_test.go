package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// settled is an event of a person who paid with the personal quota.
func (w *world) settled(hold string, at time.Time, cost alfred.Credits) alfred.UsageEvent {
	return alfred.UsageEvent{
		Kind: alfred.EventSettle, Org: w.org, Reservation: alfred.HoldID(hold), Request: "req_1", Decision: alfred.DecisionID("dec_" + hold), At: at,
		User: "usr_ana", Key: "key_ana", Team: "team_t", Department: "dep_d", Project: "prj_p", Model: "gpt-4o", Provider: "mock",
		Priority: alfred.PriorityHigh, Private: true, Stream: true, Usage: alfred.Usage{Input: 1, CachedInput: 2, CacheWrite: 3, Output: 4, Reasoning: 5},
		Estimated: true, Overrun: true, Late: true, Degraded: "allow", Held: 2 * cost, Cost: cost,
		Charges:     []alfred.CounterAmount{{Counter: personal, Amount: cost}, {Counter: alfred.Counter{Kind: alfred.CountUser, Subject: "usr_ana", Window: november}, Amount: cost}},
		Legs:        []alfred.LegAmount{{Kind: alfred.LegPersonal, Subject: "usr_ana", Amount: cost}},
		CardVersion: 3, InputBound: 9, OutputLimit: 100, Shrunk: true, Status: 200, Outcome: alfred.OutcomeCompleted,
		Shadow: []alfred.Code{alfred.CodeTeamBudget, alfred.CodeModelBudget}, Millis: 1234,
	}
}

var personal = alfred.Counter{Kind: alfred.CountPersonal, Subject: "usr_ana", Window: november}

func (w *world) record(want int, events ...alfred.UsageEvent) {
	w.Helper()
	got, err := w.RecordEvents(w.ctx, events)
	w.must(err)
	w.same(got, want)
}

func (w *world) used(c alfred.Counter) alfred.Credits {
	w.Helper()
	n, err := w.CounterUsage(w.ctx, w.org, c)
	w.must(err)
	return n
}

func TestAnEventComesBackAsRecorded(t *testing.T) {
	w := newWorld(t)
	full := w.settled("hold_1", noon.Add(time.Microsecond), 10)
	bare := alfred.UsageEvent{Kind: alfred.EventVoid, Org: w.org, Reservation: "hold_2", At: noon}
	w.record(2, bare, full)
	got, next, err := w.Usage(w.ctx, w.org, alfred.UsageFilter{})
	w.must(err)
	w.same(got, []alfred.UsageEvent{full, bare})
	w.same(next, "")
	w.stays("UPDATE usage_events SET cost = 0")
	w.stays("DELETE FROM usage_events")
}

func TestAnEventCountsOnceHoweverOftenItComes(t *testing.T) {
	w := newWorld(t)
	a, b := w.settled("hold_1", noon, 10), w.settled("hold_2", noon, 5)
	w.record(1, a, a)
	w.record(1, a, b, b)
	w.record(0, b, a)
	w.record(0)
	w.same(w.used(personal), alfred.Credits(15))
	totals, err := w.UsageTotals(w.ctx, w.org, alfred.UsageFilter{})
	w.must(err)
	w.same(totals, []alfred.UsageTotal{{Model: "gpt-4o", Requests: 2, Cost: 15, Usage: alfred.Usage{Input: 2, CachedInput: 4, CacheWrite: 6, Output: 8, Reasoning: 10}}})
}

func TestWhatCameAfterExpiryIsTheDifference(t *testing.T) {
	w := newWorld(t)
	expired := w.settled("hold_1", noon, 10)
	expired.Kind, expired.Usage = alfred.EventExpired, alfred.Usage{}
	truth := w.settled("hold_1", noon.Add(time.Hour), -7)
	truth.Kind, truth.Usage, truth.Late = alfred.EventAdjust, alfred.Usage{Output: 3}, false
	void := alfred.UsageEvent{Kind: alfred.EventVoid, Org: w.org, Reservation: "hold_2", At: noon, Model: "gpt-4o"}
	w.record(3, expired, truth, void)
	w.same(w.used(personal), alfred.Credits(3))
	totals, err := w.UsageTotals(w.ctx, w.org, alfred.UsageFilter{})
	w.must(err)
	w.same(totals, []alfred.UsageTotal{{Model: "gpt-4o", Requests: 1, Cost: 3, Usage: alfred.Usage{Output: 3}}})
}

// A live ledger that came back older than it was ends reservations again that
// were settled.
func TestASettlementIsFinal(t *testing.T) {
	w := newWorld(t)
	settle := w.settled("hold_1", noon, 10)
	expired, truth := w.settled("hold_1", noon.Add(30*time.Hour), 17), w.settled("hold_1", noon.Add(31*time.Hour), -7)
	expired.Kind, truth.Kind = alfred.EventExpired, alfred.EventAdjust
	w.record(1, settle)
	w.record(0, expired)
	w.record(0, truth, expired)
	w.same(w.used(personal), alfred.Credits(10))

	other := w.settled("hold_2", noon, 5)
	expired.Reservation = "hold_2"
	w.record(1, expired, other)
	w.same(w.used(personal), alfred.Credits(15))
}

func TestARefusalBecomesADecision(t *testing.T) {
	w := newWorld(t)
	d := alfred.Decision{
		ID: "dec_1", Request: "req_1", Org: w.org, User: "usr_ana", Key: "key_ana", At: noon, Code: alfred.CodeUserQuota, Detail: "no", Model: "gpt-4o",
		Need: 7, Want: alfred.Unlimited, Blocking: "personal:usr_ana", Limit: 5, ResetsAt: november.End, RetryAfter: 3, Ask: "boss@example.com",
	}
	e := alfred.UsageEvent{Kind: alfred.EventDecision, Org: w.org, At: noon, User: "usr_ana", Refused: &d}
	w.record(1, e, e)
	w.record(0, e)
	got, err := w.Decision(w.ctx, w.org, "dec_1")
	w.must(err)
	w.same(got, d)
	_, err = w.Decision(w.ctx, "org_other", "dec_1")
	w.refused(err, alfred.CodeNotFound)
	events, _, err := w.Usage(w.ctx, w.org, alfred.UsageFilter{})
	w.must(err)
	w.same(len(events), 0)
}

func TestAnAdmittedRequestExplainsItselfFromItsEvents(t *testing.T) {
	w := newWorld(t)
	e := w.settled("hold_1", noon, 10*alfred.Credit)
	e.Degraded, e.Shrunk, e.Kind = "", false, alfred.EventExpired
	truth := e
	truth.Kind, truth.At, truth.Cost, truth.Charges, truth.Late = alfred.EventAdjust, noon.Add(time.Minute), -4*alfred.Credit, nil, false
	w.record(2, e, truth)
	got, err := w.Decision(w.ctx, w.org, e.Decision)
	w.must(err)
	w.same(got, alfred.Decision{
		ID: e.Decision, Request: e.Request, Org: w.org, User: e.User, Key: e.Key, At: noon, Allowed: true,
		Detail: "Admitted: up to 20 credits were held and 6 were charged.", Model: e.Model, Priority: e.Priority, Want: e.Held,
	})
	_, err = w.Decision(w.ctx, w.org, "dec_none")
	w.refused(err, alfred.CodeNotFound)
}

func TestAKeyKnowsWhenItWasUsedLast(t *testing.T) {
	w := newWorld(t)
	k := w.key(w.person("ana@example.com", nil).ID)
	late, early := w.settled("hold_1", noon.Add(time.Hour), 1), w.settled("hold_2", noon, 1)
	late.Key, early.Key = k.ID, k.ID
	w.record(1, late)
	w.record(1, early)
	got, err := w.KeyByHash(w.ctx, k.Hash)
	w.must(err)
	w.same(got.LastUsedAt, noon.Add(time.Hour))
}

func TestWhatAClientWroteDoesNotStopTheRecorder(t *testing.T) {
	w := newWorld(t)
	e := w.settled("hold_1", noon, 10)
	e.Model = "nul\x00, broken \xff, long " + strings.Repeat("å", 100_000)
	counter := alfred.Counter{Kind: alfred.CountModel, Subject: e.Model, Window: november}
	e.Charges = append(e.Charges, alfred.CounterAmount{Counter: counter, Amount: 10})
	refusal := alfred.UsageEvent{Kind: alfred.EventDecision, Org: w.org, At: noon, Refused: &alfred.Decision{
		ID: "dec_1", Model: e.Model, Detail: "model " + e.Model, Blocking: e.Model, Field: e.Model,
	}}
	w.record(2, e, refusal)
	w.same(w.used(counter), alfred.Credits(10))
	got, _, err := w.Usage(w.ctx, w.org, alfred.UsageFilter{})
	w.must(err)
	if m := got[0].Model; !strings.HasPrefix(m, "nul\uFFFD, broken \uFFFD, long åå") || len(m) > 256 {
		t.Errorf("model %q of %d bytes", m, len(m))
	}
}

func TestAnEventThatCannotBeOneIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, spoil := range map[string]func(*alfred.UsageEvent){
		"no organisation":      func(e *alfred.UsageEvent) { e.Org = "" },
		"no reservation":       func(e *alfred.UsageEvent) { e.Reservation = "" },
		"no time":              func(e *alfred.UsageEvent) { e.At = time.Time{} },
		"no such kind":         func(e *alfred.UsageEvent) { e.Kind = "gift" },
		"a gift":               func(e *alfred.UsageEvent) { e.Cost = -1 },
		"a refusal of nothing": func(e *alfred.UsageEvent) { e.Kind = alfred.EventDecision },
	} {
		e := w.settled("hold_1", noon, 10)
		spoil(&e)
		if _, err := w.RecordEvents(w.ctx, []alfred.UsageEvent{w.settled("hold_2", noon, 1), e}); alfred.ErrorCode(err) != alfred.CodeValidation {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.same(w.used(personal), alfred.Credits(0)) // nothing of the batch was stored
}

func TestABatchThatFailsLeavesNothing(t *testing.T) {
	w := newWorld(t)
	e := w.settled("hold_1", noon, 10)
	w.must(w.sql("ALTER TABLE usage_hourly RENAME TO away"))
	if _, err := w.RecordEvents(w.ctx, []alfred.UsageEvent{e}); err == nil {
		t.Fatal("recorded without its aggregate")
	}
	w.must(w.sql("ALTER TABLE away RENAME TO usage_hourly"))
	w.same(w.used(personal), alfred.Credits(0))
	w.record(1, e)
	w.same(w.used(personal), alfred.Credits(10))
}

func TestTwoRecordersWithTheSameEventsCountThemOnce(t *testing.T) {
	w := newWorld(t)
	other, err := postgres.Open(t.Context(), w.address)
	w.must(err)
	defer other.Close()
	const batches, each = 10, 40
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for i, s := range []*postgres.Store{w.Store, other, w.Store, other} {
		wg.Go(func() {
			for b := range batches {
				var events []alfred.UsageEvent
				for e := range each {
					// Everyone has the same events, in another order, on four days.
					n := (e*7 + i*11) % each
					events = append(events, w.settled(fmt.Sprintf("hold_%d_%d", b, n), noon.AddDate(0, 0, n%4), alfred.Credits(n)))
				}
				n, err := s.RecordEvents(w.ctx, events)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				total += n
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	w.same(total, batches*each)
	w.same(w.used(personal), alfred.Credits(batches*each*(each-1)/2))
	w.same(w.count("SELECT count(*) FROM usage_events"), int64(batches*each))
	w.same(w.count("SELECT sum(requests)::bigint FROM usage_hourly"), int64(batches*each))
	w.same(w.count("SELECT count(*) FROM pg_inherits WHERE inhparent = 'usage_events'::regclass"), int64(4))
}

func TestPartitionsAreMadeAheadByAnyone(t *testing.T) {
	w := newWorld(t)
	var days []time.Time
	for i := range 10 {
		days = append(days, time.Date(2030, 1, 1+i, 0, 0, 0, 0, time.UTC))
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := w.EnsurePartitions(w.ctx, days...); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.same(w.count("SELECT count(*) FROM pg_inherits WHERE inhparent = 'usage_events'::regclass"), int64(10))
	w.record(1, w.settled("hold_1", days[3].Add(23*time.Hour+59*time.Minute), 1))
	w.same(w.count("SELECT count(*) FROM usage_events_20300104"), int64(1))
	// The day's own table keeps the rules.
	w.stays("DELETE FROM usage_events_20300104")
	w.breaks("usage_events_20300104_occurred_on_reservation_id_kind_key",
		"INSERT INTO usage_events SELECT * FROM usage_events")
}

func TestAnEntryThatCannotBeReadIsKept(t *testing.T) {
	w := newWorld(t)
	w.must(w.SetAside(w.ctx, w.org, "1-0", []byte{0xff, 0}, "not JSON \x00"))
	w.must(w.SetAside(w.ctx, w.org, "1-0", nil, "again"))
	w.must(w.SetAside(w.ctx, w.org, "2-0", nil, "empty"))
	w.same(w.count("SELECT count(*) FROM stream_set_aside"), int64(2))
	w.same(w.count("SELECT octet_length(raw)::bigint FROM stream_set_aside WHERE entry = '1-0'"), int64(2))
}
