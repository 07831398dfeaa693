package extproc

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

// misfortune is one step of a history: somebody asks or is answered, time
// passes, the store goes away and comes back, a process dies and starts again.
type misfortune struct {
	kind    string
	process int
	person  int
	tokens  int
	part    int // of the grant that is used, in percent
	seconds int
}

func (m misfortune) String() string {
	return fmt.Sprintf("%s{p%d u%d %d tokens %d%% %ds}", m.kind, m.process, m.person, m.tokens, m.part, m.seconds)
}

const townProcesses, townPeople = 3, 2

// misfortunes are a time of peace, an outage, and a rush afterwards, in which
// whatever was set aside and given back too early is taken by others.
func misfortunes() *rapid.Generator[[]misfortune] {
	some := func(least, most int, kinds ...string) *rapid.Generator[[]misfortune] {
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) misfortune {
			return misfortune{
				kind: rapid.SampledFrom(kinds).Draw(t, "kind"), process: rapid.IntRange(0, townProcesses-1).Draw(t, "process"),
				person: rapid.IntRange(0, townPeople-1).Draw(t, "person"), tokens: rapid.IntRange(1, 1500).Draw(t, "tokens"),
				part: rapid.SampledFrom([]int{0, 30, 100}).Draw(t, "part"), seconds: rapid.SampledFrom([]int{1, 1, 2, 3, 10, 60, 200}).Draw(t, "seconds"),
			}
		}), least, most)
	}
	return rapid.Custom(func(t *rapid.T) []misfortune {
		history := some(0, 8, "ask", "end", "wait", "crash", "isolate").Draw(t, "peace")
		for range rapid.IntRange(1, 2).Draw(t, "outages") {
			history = append(history, misfortune{kind: "outage"})
			history = append(history, some(2, 16, "ask", "ask", "ask", "end", "wait", "crash").Draw(t, "outage")...)
			history = append(history, misfortune{kind: "heal"})
			history = append(history, some(2, 12, "grab", "wait", "end", "crash", "ask").Draw(t, "rush")...)
		}
		return history
	})
}

// Ledger test 12, invariants 1 to 3 and 7: whatever happens to the store and
// to processes, and however long it takes, nobody spends beyond a limit whose
// fail mode is local; what was acknowledged is charged, once; and in the end
// nothing is held.
func TestLedger12_LocalNeverOverspends(t *testing.T) {
	local := 0
	rapid.Check(t, func(rt *rapid.T) {
		history := misfortunes().Draw(rt, "history")
		var err error
		var admitted int
		synctest.Test(t, func(t *testing.T) { admitted, err = live(t, history) })
		if local += admitted; err != nil {
			rt.Fatalf("%v\nin %v", err, history)
		}
	})
	if local == 0 {
		t.Error("nothing was ever admitted in an outage: the test shows nothing")
	}
	t.Logf("%d requests were admitted in outages", local)
}

// life is a town with what it owes.
type life struct {
	*town
	open  [townProcesses][]*Hold
	owed  alfred.Credits // acknowledged
	local int

	seconds int
}

func live(t *testing.T, history []misfortune) (local int, err error) {
	w := &life{town: newTown(t, 0, func(w *town) {
		w.clock = nil
		w.catalog.Limits = []alfred.Limit{{Scope: alfred.ScopeOrganization, Subject: string(testOrg), Metric: alfred.MetricCredits, Credits: 9000 * alfred.Credit, Mode: alfred.Enforce}}
		w.people = nil
		for i := range townPeople {
			w.people = append(w.people, &alfred.Principal{
				Version: 1, Org: testOrg, Key: alfred.KeyID(fmt.Sprintf("key_%d", i)), KeyStatus: alfred.KeyActive, User: alfred.UserID(fmt.Sprintf("usr_%d", i)),
				UserStatus: alfred.Active, Personal: alfred.Allowance{Base: 6000 * alfred.Credit},
			})
		}
	})}
	for range townProcesses {
		w.start(t.TempDir())
	}
	defer func() {
		for _, p := range w.gates {
			p.die()
		}
	}()
	for i := range townProcesses { // everybody is known everywhere
		for person := range townPeople {
			if h, d := w.ask(w.gates[i], person, 1); d.Allowed {
				w.open[i] = append(w.open[i], h)
				w.end(misfortune{process: i})
			}
		}
	}
	w.pass(2)
	down := false
	for i, m := range history {
		p := w.gates[m.process]
		switch m.kind {
		case "ask":
			h, d := w.ask(p, m.person, m.tokens)
			if d.Allowed {
				w.open[m.process] = append(w.open[m.process], h)
			}
			if d.Allowed && d.Degraded != "" {
				w.local++
			}
		case "end":
			w.end(m)
		case "grab":
			for range 8 {
				h, d := w.ask(p, m.person, 3000)
				if !d.Allowed {
					break
				}
				w.open[m.process] = append([]*Hold{h}, w.open[m.process]...)
				m.part = 100
				w.end(m)
			}
		case "wait":
			w.pass(m.seconds)
		case "outage":
			down = true
			w.cut(true)
		case "heal":
			down = false
			w.cut(false)
		case "crash":
			p.die()
			w.open[m.process] = nil
			w.gates[m.process] = w.restart(p, down)
		case "isolate":
			if !down && m.seconds <= 60 {
				p.way.set(true)
				w.pass(m.seconds)
				p.way.set(false)
			}
		}
		if err := w.within(); err != nil {
			return w.local, fmt.Errorf("after step %d, %v: %w", i, m, err)
		}
	}
	w.cut(false)
	for i := range w.open {
		for len(w.open[i]) > 0 {
			w.end(misfortune{process: i, part: 100})
		}
	}
	w.pass(30)
	if err := w.within(); err != nil {
		return w.local, fmt.Errorf("after the last outage: %w", err)
	}
	w.pass(300)
	return w.local, w.settled()
}

// restart starts a process on the disk of one that died, with the store as
// it is.
func (w *life) restart(dead *process, down bool) *process {
	rest := w.gates
	p := w.start(dead.dir)
	w.gates = rest
	p.way.set(down)
	p.endings.keeper.behind.Store(true)
	return p
}

// end settles the oldest request of a process.
func (w *life) end(m misfortune) {
	open := w.open[m.process]
	if len(open) == 0 {
		return
	}
	h := open[0]
	w.open[m.process] = open[1:]
	tokens := int64(h.record.Granted/alfred.Credit-10) * int64(m.part) / 100
	w.owed += alfred.Credits(tokens+10) * alfred.Credit
	w.settle(w.gates[m.process], h, tokens)
}

// pass lets time pass, with the upkeep of every process in it.
func (w *life) pass(seconds int) {
	for range seconds {
		time.Sleep(time.Second) //nolint:forbidigo // of a bubble's clock
		w.seconds++
		for i, p := range w.gates {
			if k := p.endings.keeper; k.behind.Swap(false) && !k.resend(context.Background()) {
				k.behind.Store(true)
			}
			p.extendDue(context.Background())
			p.allowances.step(context.Background())
			if (w.seconds+3*i)%10 == 0 {
				p.reapAll(context.Background(), p.way.orgs)
			}
		}
	}
	synctest.Wait()
}

func (w *life) counters() map[alfred.Counter]alfred.Credits {
	org := w.personal(0)
	org.Kind, org.Subject = alfred.CountOrg, string(testOrg)
	return map[alfred.Counter]alfred.Credits{w.personal(0): 6000 * alfred.Credit, w.personal(1): 6000 * alfred.Credit, org: 9000 * alfred.Credit}
}

// within says whether anybody has spent more than a limit.
func (w *life) within() error {
	for c, limit := range w.counters() {
		if b := w.balance(c); b.Settled > limit {
			return fmt.Errorf("%s %s has spent %s of %s", c.Kind, c.Subject, b.Settled, limit)
		}
	}
	return nil
}

// settled says whether in the end nothing is held, the counters are what the
// events say, and everything acknowledged is among it.
func (w *life) settled() error {
	if err := w.within(); err != nil {
		return err
	}
	var sum alfred.Credits
	seen := map[string]bool{}
	for {
		entries, err := w.store.ReadEvents(w.t.Context(), testOrg, "test", 1000, 0)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			if once := string(e.Event.Reservation) + string(e.Event.Kind); !seen[once] {
				seen[once] = true
				sum += e.Event.Cost
			}
			if err := w.store.AckEvents(w.t.Context(), testOrg, []string{e.ID}); err != nil {
				return err
			}
		}
	}
	for c := range w.counters() {
		b := w.balance(c)
		// What a process keeps for the next outage is all that may be held.
		var kept alfred.Credits
		for _, p := range w.gates {
			p.allowances.mu.Lock()
			p.allowances.wanted.oldest(func(_ allowanceKey, x *wanted) bool {
				if x.current != nil && x.current.holds(c) {
					kept += x.current.record.Granted
				}
				return true
			})
			for a := range p.allowances.retired {
				if a.holds(c) {
					kept += a.record.Granted
				}
			}
			p.allowances.mu.Unlock()
		}
		if b.Held() != kept {
			return fmt.Errorf("%s %s: %s are held, %s of that for outages", c.Kind, c.Subject, b.Held(), kept)
		}
		if c.Kind == alfred.CountOrg && (b.Settled != sum || sum < w.owed) {
			return fmt.Errorf("settled %s, events sum to %s, acknowledged were %s", b.Settled, sum, w.owed)
		}
	}
	return nil
}
