package admin_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// Whatever has happened to the live ledger, a building raises each counter to
// what the record, the moves under way and the open holds say, and lowers
// none; and when nothing is under way any more, every counter is exactly what
// was spent and moved.
func TestRebuildOfRandomHistories(t *testing.T) {
	records := openRecords(t)
	onBackends(t, func(t *testing.T, b *backend) {
		rapid.Check(t, func(rt *rapid.T) {
			p := newPast(rt, records, b)
			amount := rapid.Custom(func(rt *rapid.T) alfred.Credits {
				return alfred.Credits(rapid.IntRange(1, 12).Draw(rt, "credits")) * alfred.Credit
			})
			who := rapid.IntRange(0, len(p.people)-1)
			build := func(rt *rapid.T) {
				before := p.look()
				p.must(p.rebuild.Ensure(p.ctx, p.org))
				if before.epoch.Current() {
					return
				}
				if err := p.raised(before, p.look()); err != nil {
					rt.Fatal(err)
				}
			}
			one := func(rt *rapid.T) *pastHold {
				all := p.running()
				if len(all) == 0 {
					rt.Skip("nothing runs")
				}
				return all[rapid.IntRange(0, len(all)-1).Draw(rt, "hold")]
			}
			rt.Repeat(map[string]func(*rapid.T){
				"reserve": func(rt *rapid.T) { p.reserve(who.Draw(rt, "who"), amount.Draw(rt, "amount")) },
				"settle":  func(rt *rapid.T) { p.end(one(rt), false, amount.Draw(rt, "cost")) },
				"void":    func(rt *rapid.T) { p.end(one(rt), true, 0) },
				"send again": func(rt *rapid.T) {
					if len(p.holds) == 0 {
						rt.Skip("nothing was asked")
					}
					if h := p.holds[rapid.IntRange(0, len(p.holds)-1).Draw(rt, "hold")]; h.ended {
						p.send(h)
					}
				},
				"move": func(rt *rapid.T) {
					p.move(who.Draw(rt, "who"), amount.Draw(rt, "amount"), rapid.IntRange(0, 2).Draw(rt, "dies") > 0)
				},
				"record": func(*rapid.T) { p.record() },
				"copy": func(rt *rapid.T) { // it gets old
					if p.copy == nil || rapid.IntRange(0, 3).Draw(rt, "newer") == 0 {
						p.copy = b.older(p.org)
					}
				},
				"end, and lose it": func(rt *rapid.T) {
					h := one(rt)
					if p.copy == nil {
						rt.Skip("there is no copy")
					}
					p.end(h, rapid.Bool().Draw(rt, "void"), amount.Draw(rt, "cost"))
					p.record()
					p.copy()
				},
				"lose": func(*rapid.T) { b.empty(p.org) },
				"lose to the copy": func(rt *rapid.T) {
					if p.copy == nil {
						rt.Skip("there is none")
					}
					p.copy()
				},
				"build": build,
			})
			build(rt)
			if err := p.rest(); err != nil {
				rt.Fatal(err)
			}
		})
	})
}

// errGone is how a process ends in these tests: nothing that it would have
// done afterwards happens.
var errGone = errors.New("killed")

// mortal counts the calls of a rebuilder to both of its stores, and lets none
// pass from one of them on: before that call is made, or after it.
type mortal struct {
	mu    sync.Mutex
	calls int
	last  int // 0: immortal
	after bool
	dead  bool
	where string
}

func (m *mortal) call(what string, do func() error) error {
	m.mu.Lock()
	if m.dead {
		m.mu.Unlock()
		return errGone
	}
	m.calls++
	dies := m.calls == m.last
	if dies {
		m.where = what
	}
	if dies && !m.after {
		m.dead = true
		m.mu.Unlock()
		return errGone
	}
	m.mu.Unlock()
	err := do()
	if dies {
		m.mu.Lock()
		m.dead = true
		m.mu.Unlock()
		return errGone
	}
	return err
}

// asked is one call with an answer.
func asked[T any](m *mortal, what string, do func() (T, error)) (out T, err error) {
	err = m.call(what, func() (err error) { out, err = do(); return err })
	return out, err
}

type mortalLedger struct {
	*mortal
	admin.Ledger
}

func (l mortalLedger) Epoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	return asked(l.mortal, "Epoch", func() (alfred.Epoch, error) { return l.Ledger.Epoch(ctx, org) })
}

func (l mortalLedger) BeginEpoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	return asked(l.mortal, "BeginEpoch", func() (alfred.Epoch, error) { return l.Ledger.BeginEpoch(ctx, org) })
}

func (l mortalLedger) FinishEpoch(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, number int64, at time.Time) (bool, error) {
	return asked(l.mortal, "FinishEpoch", func() (bool, error) { return l.Ledger.FinishEpoch(ctx, org, seen, number, at) })
}

func (l mortalLedger) Correct(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, changes []alfred.CounterChange) (bool, error) {
	return asked(l.mortal, "Correct", func() (bool, error) { return l.Ledger.Correct(ctx, org, seen, changes) })
}

func (l mortalLedger) Survey(ctx context.Context, org alfred.OrgID, counters []alfred.Counter, moves []alfred.MoveID, holds int) (alfred.Survey, error) {
	return asked(l.mortal, "Survey", func() (alfred.Survey, error) { return l.Ledger.Survey(ctx, org, counters, moves, holds) })
}

func (l mortalLedger) PeekEvents(ctx context.Context, org alfred.OrgID, after, last string, max int) (events []alfred.UsageEvent, next string, err error) {
	err = l.call("PeekEvents", func() (err error) { events, next, err = l.Ledger.PeekEvents(ctx, org, after, last, max); return err })
	return events, next, err
}

func (l mortalLedger) Forget(ctx context.Context, r alfred.HoldRecord, end alfred.HoldEnd) (bool, error) {
	return asked(l.mortal, "Forget", func() (bool, error) { return l.Ledger.Forget(ctx, r, end) })
}

type mortalRecords struct {
	*mortal
	admin.Records
}

func (r mortalRecords) LockUsage(ctx context.Context, org alfred.OrgID) (time.Time, error) {
	return asked(r.mortal, "LockUsage", func() (time.Time, error) { return r.Records.LockUsage(ctx, org) })
}

func (r mortalRecords) TryLock(ctx context.Context, name string) (bool, error) {
	return asked(r.mortal, "TryLock", func() (bool, error) { return r.Records.TryLock(ctx, name) })
}

func (r mortalRecords) OpenCounters(ctx context.Context, org alfred.OrgID, after alfred.Counter, now time.Time, max int) ([]alfred.Counter, error) {
	return asked(r.mortal, "OpenCounters", func() ([]alfred.Counter, error) { return r.Records.OpenCounters(ctx, org, after, now, max) })
}

func (r mortalRecords) CounterTotals(ctx context.Context, org alfred.OrgID, counters []alfred.Counter) ([]alfred.CounterTotal, error) {
	return asked(r.mortal, "CounterTotals", func() ([]alfred.CounterTotal, error) { return r.Records.CounterTotals(ctx, org, counters) })
}

func (r mortalRecords) HoldEnds(ctx context.Context, holds []alfred.HoldRecord, now time.Time) (map[alfred.HoldID]alfred.HoldEnd, error) {
	return asked(r.mortal, "HoldEnds", func() (map[alfred.HoldID]alfred.HoldEnd, error) { return r.Records.HoldEnds(ctx, holds, now) })
}

func (r mortalRecords) RecordEvents(ctx context.Context, events []alfred.UsageEvent) (int, error) {
	return asked(r.mortal, "RecordEvents", func() (int, error) { return r.Records.RecordEvents(ctx, events) })
}

func (r mortalRecords) PutLedgerEpoch(ctx context.Context, org alfred.OrgID, e alfred.Epoch) error {
	return r.call("PutLedgerEpoch", func() error { return r.Records.PutLedgerEpoch(ctx, org, e) })
}

// eventful is a past in which a building has everything to do: holds that came
// back although they have ended, events that wait, moves on their way.
func eventful(t *testing.T, p *past) (lose func()) {
	t.Helper()
	for i := range 3 {
		p.reserve(i%2, 5*alfred.Credit)
	}
	p.end(p.holds[0], false, 4*alfred.Credit)
	p.record()
	p.copyNow()
	p.end(p.holds[1], false, 7*alfred.Credit)
	p.record() // its hold comes back with the copy
	p.reserve(0, 3*alfred.Credit)
	p.end(p.holds[3], false, 2*alfred.Credit)
	p.record()
	p.move(1, 6*alfred.Credit, true)
	return func() {
		p.copy()
		p.end(p.holds[2], false, 5*alfred.Credit) // waits in the stream
		p.reserve(1, 2*alfred.Credit)             // granted by an older ledger that nobody has noticed
		p.move(0, 2*alfred.Credit, false)
	}
}

func (p *past) copyNow() { p.copy = p.backend.older(p.org) }

// A rebuilder is killed between any two of its calls, or a store goes away
// there: the next one builds the ledger as if nothing had been done, or all.
func TestRebuilderKilledAtAnyCall(t *testing.T) {
	records := openRecords(t)
	onBackends(t, func(t *testing.T, b *backend) {
		places := map[string]bool{}
		for _, after := range []bool{false, true} {
			for last := 1; ; last++ {
				p := newPast(t, records, b)
				eventful(t, p)()
				before := p.look()
				m := &mortal{last: last, after: after}
				dying := &admin.Rebuilder{Records: mortalRecords{m, records}, Live: mortalLedger{m, b.live}, Now: time.Now, Log: p.log()}
				err := dying.Ensure(p.ctx, p.org)
				if m.calls < last { // it was done before
					if err != nil {
						t.Fatal(err)
					}
					t.Logf("%d calls", m.calls)
					break
				}
				places[m.where] = true
				if !errors.Is(err, errGone) {
					t.Errorf("killed at call %d, %s: %v", last, m.where, err)
				}
				p.must(p.rebuilder().Ensure(p.ctx, p.org))
				if err := p.raised(before, p.look()); err != nil {
					t.Errorf("killed at call %d, %s (after it: %t): %v", last, m.where, after, err)
				}
				if err := p.rest(); err != nil {
					t.Errorf("killed at call %d, %s (after it: %t), at rest: %v", last, m.where, after, err)
				}
			}
		}
		if len(places) < 12 {
			t.Errorf("it was killed in few places: %v", places)
		}
	})
}

// Several rebuilders notice the loss at once, while requests end. One of them
// builds, or one after another, and nothing is added twice.
func TestRebuildersAtOnce(t *testing.T) {
	records := openRecords(t)
	onBackends(t, func(t *testing.T, b *backend) {
		for round := range 10 {
			p := newPast(t, records, b)
			for i := range 8 {
				p.reserve(i%2, 5*alfred.Credit)
			}
			for _, h := range p.holds[:3] {
				p.end(h, false, 3*alfred.Credit)
			}
			p.record()
			p.copyNow()
			for _, h := range p.holds[3:5] {
				p.end(h, false, 6*alfred.Credit)
			}
			p.record()
			if round%2 == 0 {
				p.copy()
			} else {
				b.empty(p.org)
			}
			var wg sync.WaitGroup
			failed := make(chan error, 3)
			for range 3 {
				wg.Go(func() {
					r := p.rebuilder()
					for {
						if err := r.Ensure(p.ctx, p.org); err != nil {
							failed <- err
							return
						}
						if e, err := b.live.Epoch(p.ctx, p.org); err != nil || e.Current() {
							return
						}
					}
				})
			}
			for _, h := range p.holds[5:] {
				p.end(h, false, 4*alfred.Credit)
			}
			wg.Wait()
			close(failed)
			for err := range failed {
				t.Error(err)
			}
			e, err := records.LedgerEpoch(p.ctx, p.org)
			p.must(err)
			live, err := b.live.Epoch(p.ctx, p.org)
			p.must(err)
			// One that was emptied does not know its number, and the first has none in the record.
			if want := int64(2 - round%2); !live.Current() || live.Number != e.Number || live.Number != want {
				t.Errorf("round %d: the ledger is number %d, in the record %d", round, live.Number, e.Number)
			}
			if err := p.rest(); err != nil {
				t.Error(fmt.Errorf("round %d: %w", round, err))
			}
		}
	})
}
