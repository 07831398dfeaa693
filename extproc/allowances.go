package extproc

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/alfred-envoy/alfred"
)

// allowances keeps what is set aside for outages. Requests tell it who is
// active and under which plan; step, once a second, takes, extends and gives
// back. A request waits for none of that.
//
// An allowance serves one outage. When the store answers again, and all that
// was spent is booked or half of it is gone, it serves nobody else; once all is
// booked it is given back, and another is taken. It is also given back when
// its person was idle, when much less is left than when it was taken, when its
// window is over, and when it stands in the way of a request.
type allowances struct {
	ledger   Ledger
	settings GateSettings
	name     func(now time.Time) (identity, error)
	now      func() time.Time
	away     *away
	metrics  *Metrics
	log      *slog.Logger
	vouches  func(context.Context, alfred.OrgID, alfred.ReserveReply) bool // as of learner

	stepping sync.Mutex // held while the store is asked

	mu      sync.Mutex
	wanted  *lru[allowanceKey, *wanted]
	retired map[*allowance]time.Time // since when; given back when all that was spent is booked
	pace    *pace
	closed  bool // none is taken any more
}

// allowanceKey is what the counters of a plan follow from. The model is empty
// unless it has a cap of its own.
type allowanceKey struct {
	key                  alfred.KeyID
	team, project, model string
}

// wanted is one person's activity, and the allowance that goes with it.
type wanted struct {
	principal *alfred.Principal
	catalog   *alfred.Catalog
	ask       alfred.Ask
	need      alfred.Credits // of the last request
	left      alfred.Credits // of the legs, after it
	active    time.Time
	retry     time.Time // take none before
	current   *allowance
	forgotten bool // it is in no list any more
}

const (
	maxAllowances  = 1_000
	allowanceEvery = time.Second
	idleAfter      = 2 * time.Minute
	retakeAfter    = 30 * time.Second // after one was refused, or stood in the way
	retireFor      = 15 * time.Minute // after that it is left to expire
	yieldMost      = 8
)

func newAllowances(l Ledger, s GateSettings, name func(time.Time) (identity, error), now func() time.Time, w *away, m *Metrics, log *slog.Logger) *allowances {
	return &allowances{
		ledger: l, settings: s, name: name, now: now, away: w, metrics: m, log: log,
		wanted: newLRU[allowanceKey, *wanted](maxAllowances), retired: make(map[*allowance]time.Time), pace: newPace(s.Processes),
	}
}

// keyFor names the allowance that a request would spend from.
func keyFor(a Admission, p alfred.Plan) allowanceKey {
	k := allowanceKey{key: a.Principal.Key, team: a.Team, project: a.Project}
	for _, c := range p.Caps {
		if c.Counter.Kind == alfred.CountModel {
			k.model = c.Counter.Subject
		}
	}
	return k
}

// touch notes that a request was admitted under a plan whose fail mode is
// local, and what the legs have left after it.
func (s *allowances) touch(a Admission, t terms, left alfred.Credits, now time.Time) {
	if s.settings.Allowance <= 0 {
		return
	}
	k := keyFor(a, t.plan)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	w, ok := s.wanted.get(k)
	if !ok {
		w = &wanted{}
		if gone, full := s.wanted.put(k, w); full {
			s.retire(gone, now)
			gone.forgotten = true
		}
	}
	w.principal, w.catalog = a.Principal, a.Catalog
	w.ask = alfred.Ask{Model: a.Model, Priority: alfred.PriorityNormal, Project: a.Project, Team: a.Team}
	w.need, w.left, w.active = t.need, left, now
	if w.current != nil && !w.current.covers(t.plan) {
		s.retire(w, now)
	}
}

// retire lets an allowance serve nobody else.
func (s *allowances) retire(w *wanted, now time.Time) {
	if w.current != nil {
		s.retired[w.current] = now
		w.current = nil
	}
}

// forget ends a person's activity.
func (s *allowances) forget(k allowanceKey, w *wanted, now time.Time) {
	s.retire(w, now)
	w.forgotten = true
	s.wanted.remove(k)
}

// spending is what a request got from an allowance, or why it got nothing.
type spending struct {
	from    *allowance
	legs    []alfred.HeldLeg // what each pays
	granted alfred.Credits

	refusal string
	rate    alfred.Bucket // that has to be waited for
	wait    time.Duration // for it
}

// Why a request got nothing: values of a metric's label.
const (
	refusedNone    = "none"
	refusedUsedUp  = "used_up"
	refusedExpired = "expired"
	refusedRate    = "rate"
)

// spend grants between need and want from what is set aside, or says why not
// and changes nothing. It has to be the allowance's window by the store's clock,
// and by ours before anybody can have reaped it.
func (s *allowances) spend(a Admission, t terms, now, storeNow time.Time) spending {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.wanted.get(keyFor(a, t.plan))
	switch {
	case !ok || w.current == nil || !w.current.covers(t.plan) || !w.current.window.Contains(storeNow):
		return spending{refusal: refusedNone}
	case !now.Before(w.current.safe) && mutant != "allowance_outlives_its_hold":
		return spending{refusal: refusedExpired}
	case w.current.room() < t.need:
		return spending{refusal: refusedUsedUp}
	}
	if bucket, wait := s.pace.admit(a.Catalog.Org, t.plan.Buckets, now); wait > 0 {
		return spending{refusal: refusedRate, rate: bucket, wait: wait}
	}
	taken, granted := w.current.spend(t.need, t.want)
	out := spending{from: w.current, granted: granted}
	for i, l := range w.current.record.Legs {
		out.legs = append(out.legs, alfred.HeldLeg{Kind: l.Kind, Counters: l.Counters, Taken: taken[i]})
	}
	return out
}

// cost notes what a request that spent from an allowance cost.
func (s *allowances) cost(a *allowance, legs []alfred.HeldLeg, cost alfred.Credits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.cost(legs, cost)
	a.owner.left -= cost
}

// booked notes that the counters have it.
func (s *allowances) booked(a *allowance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.open--
}

// kept is how many allowances there are, and of how many credits.
func (s *allowances) kept() (count int, credits alfred.Credits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted.oldest(func(_ allowanceKey, w *wanted) bool {
		if w.current != nil {
			count, credits = count+1, credits+w.current.record.Granted
		}
		return true
	})
	for a := range s.retired {
		count, credits = count+1, credits+a.record.Granted
	}
	return count, credits
}
