package extproc

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/alfred-envoy/alfred"
)

// errLearning means that the live store does not know yet what was spent: it
// is empty and being built, or it may have come back older than it was.
var errLearning = errors.New("the live ledger is being built anew")

// errReplaced means that a server has answered of which nobody knows that its
// ledger is not older than the one before.
var errReplaced = errors.New("another server answered, and its ledger may be older")

const (
	// learnAtMost bounds how long new requests wait for a ledger that was
	// restarted or replaced, and has its counters, to be compared with the
	// record: the control plane may be away. One that is empty is waited for
	// without a bound, since it would grant everything once more.
	learnAtMost = 5 * time.Second
	lookEvery   = 500 * time.Millisecond
	lookSoon    = 100 * time.Millisecond // while something is learned
)

// learner knows the organisations whose live ledger may not be believed. While
// it may not, the fail mode decides about new requests, nothing is reaped, and
// what the spool holds is sent again; what runs is ended as ever.
type learner struct {
	ledger  Ledger
	timeout time.Duration
	now     func() time.Time
	log     *slog.Logger
	resend  func()      // asks for the spool to be sent again; nil without one
	behind  func() bool // whether that is under way

	mu       sync.Mutex
	lessons  map[alfred.OrgID]*lesson
	believed map[alfred.OrgID]string // the run of the server whose ledger is
}

// lesson is one organisation's.
type lesson struct {
	empty  bool      // there is no epoch
	server string    // which one it is learned for
	until  time.Time // of a ledger that has its counters
	told   bool
	over   bool // learned, or waited long enough for
}

// learning says whether nothing may be reserved now.
func (l *learner) learning(org alfred.OrgID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.lessons[org]
	return s != nil && !s.over && (s.empty || l.now().Before(s.until))
}

// count is how many organisations are learned.
func (l *learner) count() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, s := range l.lessons {
		if !s.over && (s.empty || now.Before(s.until)) {
			n++
		}
	}
	return n
}

// met notes that the store itself has said that it is empty.
func (l *learner) met(org alfred.OrgID) { l.note(org, alfred.Epoch{}) }

// look asks the store how the ledger of an organisation stands.
func (l *learner) look(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	e, err := l.ledger.Epoch(ctx, org)
	if err == nil { // an outage is told where a request meets it
		l.note(org, e)
	}
	return e, err
}

// vouches says whether an answer came from the server whose ledger is
// believed. When another server has answered, the first since the start
// among them, its ledger is looked at before anybody acts upon the answer:
// it counts when the ledger had been built by then, on this very server. So
// not one grant of a ledger that came back older passes, however soon after
// a restart it is made.
func (l *learner) vouches(ctx context.Context, org alfred.OrgID, answer alfred.ReserveReply) bool {
	if answer.Server == "" || l.believes(org, answer.Server) {
		return true
	}
	e, err := l.look(ctx, org)
	return err == nil && !l.learning(org) && l.believes(org, answer.Server) && !answer.Now.Before(e.BuiltAt)
}

func (l *learner) believes(org alfred.OrgID, server string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	run, known := l.believed[org]
	return known && (run == server || run == "") // "": the store does not tell
}

func (l *learner) note(org alfred.OrgID, e alfred.Epoch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, s := l.now(), l.lessons[org]
	defer func() {
		if s := l.lessons[org]; s == nil || s.over {
			l.believed[org] = e.Run()
		} else {
			delete(l.believed, org)
		}
	}()
	switch {
	case !e.Built && (s == nil || s.over || !s.empty):
		l.begin(org, &lesson{empty: true, until: now.Add(learnAtMost)}, "it is empty and is being built from the record")
	case !e.Built:
	case !e.Current() && (s == nil || s.server != e.Server):
		until := now.Add(learnAtMost)
		if s != nil && s.empty {
			until = s.until // a server that was emptied and replaced is one lesson
		}
		l.begin(org, &lesson{server: e.Server, until: until, told: s != nil && !s.over},
			"its server was restarted or replaced: it may have come back older, and is compared with the record")
	case !e.Current():
		if !s.over && !now.Before(s.until) {
			s.over = true
			l.log.Warn("the live ledger is believed without a comparison with the record: the control plane did not make one in time", "org", org, "waited", learnAtMost)
		}
	case s == nil || s.over:
		delete(l.lessons, org)
	case l.behind != nil && l.behind() && now.Before(s.until):
		s.empty = false // built; our own settlements are on their way
	default:
		delete(l.lessons, org)
		l.log.Info("the live ledger is built: requests are decided by it again", "org", org, "epoch", e.Number)
	}
}

func (l *learner) begin(org alfred.OrgID, s *lesson, why string) {
	l.lessons[org] = s
	if !s.told {
		s.told = true
		l.log.Warn("the live ledger cannot be believed now: new requests are decided by the fail mode", "org", org, "reason", why)
	}
	if l.resend != nil {
		l.resend()
	}
}

// run looks at every organisation until ctx ends.
func (l *learner) run(ctx context.Context, orgs func(context.Context) ([]alfred.OrgID, error)) {
	known := make(map[alfred.OrgID]bool) // an emptied store lists none
	for ctx.Err() == nil {
		if all, err := orgs(ctx); err == nil {
			for _, org := range all {
				known[org] = true
			}
		}
		for org := range known {
			_, _ = l.look(ctx, org)
		}
		every := lookEvery
		if l.count() > 0 {
			every = lookSoon
		}
		pause(ctx, every)
	}
}

// doubts says whether the ledger was not built, or not compared with the record
// since its server was restarted or replaced, however long that takes.
func (l *learner) doubts(org alfred.OrgID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.lessons[org]
	return s != nil && (mutant != "reaps_in_doubt" || !s.over)
}
