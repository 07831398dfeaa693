package extproc

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alfred-envoy/alfred"
)

// pupil is a learner on a clock that the test moves, beside a ledger whose
// epoch the test sets.
type pupil struct {
	*learner
	t      *testing.T
	clock  *clock
	ledger *fakeLedger
	log    bytes.Buffer
	resent int
	unsent bool
}

func newPupil(t *testing.T) *pupil {
	p := &pupil{t: t, clock: &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}, ledger: &fakeLedger{}}
	p.learner = &learner{
		ledger: p.ledger, timeout: time.Second, now: p.clock.Now, log: slog.New(slog.NewTextHandler(&p.log, nil)),
		resend: func() { p.resent++ }, behind: func() bool { return p.unsent },
		lessons: make(map[alfred.OrgID]*lesson), believed: make(map[alfred.OrgID]string),
	}
	return p
}

// built is a ledger that was built on one run and is met on another.
func built(on, met string) alfred.Epoch {
	return alfred.Epoch{Built: true, Number: 3, Lineage: on + ".history", Server: met + ".history"}
}

func (p *pupil) sees(e alfred.Epoch) {
	p.t.Helper()
	p.ledger.mu.Lock()
	p.ledger.epoch = &e
	p.ledger.mu.Unlock()
	if _, err := p.look(p.t.Context(), testOrg); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pupil) is(learning bool) {
	p.t.Helper()
	if got, n := p.learning(testOrg), p.count(); got != learning || (n > 0) != learning {
		p.t.Errorf("learning is %t, of %d organisations; expected %t", got, n, learning)
	}
}

func (p *pupil) told(times int, what string) {
	p.t.Helper()
	if n := strings.Count(p.log.String(), what); n != times {
		p.t.Errorf("%q was logged %d times, expected %d:\n%s", what, n, times, p.log.String())
	}
}

const (
	cannotBelieve  = "cannot be believed now"
	isBuilt        = "is built: requests are decided by it again"
	withoutCompare = "is believed without a comparison"
)

func TestALedgerThatWasNeverWrongIsBelieved(t *testing.T) {
	p := newPupil(t)
	p.is(false)
	p.sees(built("a", "a"))
	p.is(false)
	p.told(0, "level=")
	if p.resent != 0 {
		t.Error("the spool was sent again")
	}
}

// One that is empty is waited for without a bound: it would grant everything
// once more.
func TestAnEmptyLedgerIsWaitedForWithoutABound(t *testing.T) {
	p := newPupil(t)
	p.sees(built("a", "a"))
	p.met(testOrg)
	p.is(true)
	for range 3 {
		p.clock.advance(time.Hour)
		p.sees(alfred.Epoch{Server: "a.history"})
		p.is(true)
	}
	p.sees(alfred.Epoch{Mark: "B0|0|0|token", Server: "a.history"}) // being built
	p.is(true)
	p.told(1, cannotBelieve)
	if p.resent != 1 {
		t.Errorf("the spool was sent again %d times", p.resent)
	}
	p.sees(built("a", "a"))
	p.is(false)
	p.told(1, isBuilt)
	p.met(testOrg) // emptied once more
	p.is(true)
	p.told(2, cannotBelieve)
}

// One that has its counters is waited for no longer than it says: the control
// plane may be away.
func TestARestartedLedgerIsWaitedForAMoment(t *testing.T) {
	p := newPupil(t)
	p.sees(built("a", "a"))
	p.sees(built("a", "b"))
	p.is(true)
	p.clock.advance(learnAtMost - time.Millisecond)
	p.sees(built("a", "b"))
	p.is(true)
	p.told(0, withoutCompare)
	p.clock.advance(time.Millisecond)
	p.is(false) // before anybody has looked
	p.sees(built("a", "b"))
	p.sees(built("a", "b"))
	p.is(false)
	p.told(1, withoutCompare)
	p.clock.advance(time.Hour)
	p.sees(built("a", "b"))
	p.is(false)
	p.sees(built("b", "b")) // compared at last
	p.is(false)
	p.told(0, isBuilt) // it was told that it is believed
	if len(p.lessons) != 0 {
		t.Error("the lesson is kept for ever")
	}
	p.sees(built("b", "c")) // and restarted again
	p.is(true)
	p.told(2, cannotBelieve)
	p.sees(built("c", "c"))
	p.is(false)
	p.told(1, isBuilt)
}

// Each server is a lesson of its own, told once while one is under way. One
// that was emptied, built elsewhere and replaced is a single lesson.
func TestServersThatFollowEachOther(t *testing.T) {
	p := newPupil(t)
	p.sees(built("a", "b"))
	p.clock.advance(learnAtMost - time.Second)
	p.sees(built("a", "c"))
	p.clock.advance(2 * time.Second)
	p.sees(built("a", "c"))
	p.is(true)
	p.told(1, cannotBelieve)
	if p.resent != 2 {
		t.Errorf("the spool was sent again %d times for two servers", p.resent)
	}

	p = newPupil(t)
	p.met(testOrg)
	p.clock.advance(learnAtMost - time.Second)
	p.sees(built("a", "b"))
	p.is(true)
	p.clock.advance(time.Second)
	p.sees(built("a", "b"))
	p.is(false)
	p.told(1, withoutCompare)
}

// A ledger that was built lacks what this process has in its spool: that is
// waited for too, within the bound.
func TestOurOwnSettlementsAreWaitedFor(t *testing.T) {
	p := newPupil(t)
	p.unsent = true
	p.met(testOrg)
	p.sees(built("a", "a"))
	p.is(true)
	p.told(0, isBuilt)
	p.unsent = false
	p.sees(built("a", "a"))
	p.is(false)
	p.told(1, isBuilt)

	p.unsent = true
	p.met(testOrg)
	p.sees(built("a", "a"))
	p.is(true)
	p.clock.advance(learnAtMost)
	p.is(false) // one that does not get rid of them stops nobody for ever
}

// A clock that is set back makes nobody wait longer than the server lasts.
func TestAClockThatIsSetBack(t *testing.T) {
	p := newPupil(t)
	p.sees(built("a", "b"))
	p.clock.advance(-time.Hour)
	p.is(true)
	p.sees(built("b", "b"))
	p.is(false)
}

// A store that does not say who it is, or does not answer, is no lesson.
func TestWhatIsNotToldIsNoLesson(t *testing.T) {
	p := newPupil(t)
	p.sees(alfred.Epoch{Built: true, Number: 1, Lineage: "a.history"})
	p.is(false)
	p.learner.ledger = silent{p.ledger}
	if _, err := p.look(t.Context(), testOrg); err == nil {
		t.Error("an outage is no error")
	}
	p.is(false)
}

type silent struct{ Ledger }

func (silent) Epoch(context.Context, alfred.OrgID) (alfred.Epoch, error) {
	return alfred.Epoch{}, errors.New("away")
}

// What a server answers counts when its ledger had been built by then.
func TestWhoIsVouchedFor(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	on := func(e alfred.Epoch, at time.Time) alfred.Epoch { e.BuiltAt = at; return e }
	for _, c := range []struct {
		name   string
		before *alfred.Epoch // as it was seen last; nil: never
		now    alfred.Epoch
		server string
		want   bool
		looks  int
	}{
		{"a server that does not tell", nil, built("a", "a"), "", true, 0},
		{"the first since the start", nil, built("a", "a"), "a", true, 1},
		{"the first since the start, restarted just before", nil, built("a", "b"), "b", false, 1},
		{"the same as ever", new(built("a", "a")), built("a", "a"), "a", true, 0},
		{"restarted", new(built("a", "a")), built("a", "b"), "b", false, 1},
		{"restarted, and built since, before it answered", new(built("a", "a")), on(built("b", "b"), at.Add(-time.Second)), "b", true, 1},
		{"restarted, and built after it answered", new(built("a", "a")), on(built("b", "b"), at.Add(time.Microsecond)), "b", false, 1},
		{"another than the one that is looked at", new(built("a", "a")), built("a", "a"), "b", false, 1},
		{"emptied, and on another", new(built("a", "a")), alfred.Epoch{Server: "b.history"}, "b", false, 1},
		{"one whose history is another, and who is the same", new(built("a", "a")), alfred.Epoch{Built: true, Lineage: "a.history", Server: "a.other"}, "a", true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPupil(t)
			if c.before != nil {
				p.sees(*c.before)
			}
			p.ledger.epoch = &c.now
			looked := &looks{Ledger: p.ledger}
			p.learner.ledger = looked
			got := p.vouches(t.Context(), testOrg, alfred.ReserveReply{Verdict: alfred.VerdictGranted, Server: c.server, Now: at})
			if got != c.want || looked.n != c.looks {
				t.Errorf("vouched for: %t after %d looks, expected %t after %d", got, looked.n, c.want, c.looks)
			}
			if !got && c.server == "b" && c.now.Server == "b.history" && !c.now.Current() {
				p.is(true)
			}
		})
	}
	p := newPupil(t)
	p.learner.ledger = silent{p.ledger}
	if p.vouches(t.Context(), testOrg, alfred.ReserveReply{Server: "a", Now: at}) {
		t.Error("vouched for although nobody could look")
	}
}

type looks struct {
	Ledger
	n int
}

func (l *looks) Epoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	l.n++
	return l.Ledger.Epoch(ctx, org)
}

// A store that was emptied lists no organisation; those that were known are
// looked at all the same, more often while something is learned.
func TestRunLooksAtWhomItHasKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPupil(t)
		p.learner.now = time.Now
		counted := &looks{Ledger: p.ledger}
		p.learner.ledger = counted
		listed := []alfred.OrgID{testOrg}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.run(ctx, func(context.Context) ([]alfred.OrgID, error) { return listed, nil })
		}()
		pause(ctx, 10*lookEvery)
		synctest.Wait()
		quiet := counted.n
		if quiet < 9 || quiet > 12 {
			t.Errorf("%d looks in ten turns", quiet)
		}
		listed = nil
		p.ledger.mu.Lock()
		p.ledger.epoch = &alfred.Epoch{}
		p.ledger.mu.Unlock()
		pause(ctx, lookEvery)
		synctest.Wait()
		p.is(true)
		before := counted.n
		pause(ctx, 10*lookSoon)
		synctest.Wait()
		if n := counted.n - before; n < 9 || n > 12 {
			t.Errorf("%d looks in ten turns while it is learned", n)
		}
		e := built("a", "a")
		p.ledger.mu.Lock()
		p.ledger.epoch = &e
		p.ledger.mu.Unlock()
		pause(ctx, lookSoon)
		synctest.Wait()
		p.is(false)
		stop()
		<-done
	})
}

// A request that a server has granted of which nobody knows how old its
// ledger is, is not admitted, and its hold is given back; the next ones are
// not even asked for, until the ledger is built.
func TestAGrantOfAServerThatNobodyKnowsIsGivenBack(t *testing.T) {
	first := built("a", "a")
	w := newWorld(t, func(c *Config) { c.Ledger.(*fakeLedger).epoch = &first }) // before anybody looks: a store that does not tell its server is believed
	set := func(server string, e alfred.Epoch) {
		w.ledger.mu.Lock()
		defer w.ledger.mu.Unlock()
		w.ledger.epoch = &e
		w.ledger.reserve = func(_ context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
			reply := granted(r, r.Want)
			reply.Server = server
			return reply, nil
		}
	}
	set("a", first)
	if _, r := w.admit(t, hello); r.GetRequestBody() == nil {
		t.Fatalf("not admitted: %v", r)
	}
	set("b", built("a", "b"))
	if _, r := w.admit(t, hello); r.GetImmediateResponse().GetStatus().GetCode() != 503 {
		t.Fatalf("admitted by a ledger that may be older: %v", r)
	}
	if w.ledger.reserved() != 2 {
		t.Fatalf("%d questions: somebody else has noticed before", w.ledger.reserved())
	}
	if _, r := w.admit(t, hello); r.GetRequestBody() != nil || w.ledger.reserved() != 2 {
		t.Errorf("asked while it is learned: %v", r)
	}
	set("b", built("b", "b"))
	if _, err := w.gate.learner.look(t.Context(), testOrg); err != nil {
		t.Fatal(err)
	}
	if _, r := w.admit(t, hello); r.GetRequestBody() == nil {
		t.Errorf("not admitted by a ledger that was built: %v", r)
	}
	w.close()
	unknown := w.ledger.reserves[1].Hold
	for _, v := range w.ledger.voids {
		if v.Hold == unknown {
			return
		}
	}
	t.Errorf("the hold %s was not given back: %v", unknown, w.ledger.voids)
}

// What is set aside for an outage comes from a ledger that is believed, too.
func TestNothingIsSetAsideByAServerThatNobodyKnows(t *testing.T) {
	w := newTown(t, 1, nil)
	a := w.gates[0].allowances
	e, err := w.store.Epoch(t.Context(), testOrg)
	if err != nil {
		t.Fatal(err)
	}
	r := alfred.ReserveRequest{
		Org: testOrg, Hold: "hold_1", Need: 1, Want: 1, TTL: time.Minute, Window: around(e.Now),
		Legs: []alfred.Leg{{Group: []alfred.Charge{{Counter: alfred.Counter{Kind: alfred.CountPersonal, Subject: "p", Window: around(e.Now)}, Ceiling: 100}}}},
	}
	for _, known := range []bool{true, false} {
		a.vouches = func(context.Context, alfred.OrgID, alfred.ReserveReply) bool { return known }
		if _, err := a.reserve(t.Context(), r); errors.Is(err, errReplaced) == known {
			t.Errorf("a server that is known (%t): %v", known, err)
		}
	}
}

func around(now time.Time) alfred.Window {
	return alfred.Window{Start: now.Add(-time.Hour).Truncate(time.Hour), End: now.Add(time.Hour).Truncate(time.Hour)}
}
