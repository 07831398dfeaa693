package extproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/extproc/spool"
)

// Config is what a server is made of. Every field is required but those that
// say otherwise.
type Config struct {
	Ledger    Ledger
	Directory Directory
	Pepper    []byte // what keys are hashed with
	Backends  []Backend
	PublicURL string // error types are URLs under it
	Gate      GateSettings
	Spool     *spool.Spool // nil: settlements are not written down before they are sent
	Marks     SpoolMarks   // required with a spool
	Metrics   prometheus.Registerer
	Log       *slog.Logger
	Entropy   io.Reader        // of identifiers: crypto/rand.Reader
	Now       func() time.Time // nil: time.Now
	Tempo     Tempo
	// Warnings are told beside the readiness and change nothing of it: what is
	// wrong by name. May be nil.
	Warnings func() map[string]string
}

// Server is the external processor. Run it before it serves, and close it
// after the last stream has ended.
type Server struct {
	extprocv3.UnimplementedExternalProcessorServer

	gate      *Gate
	directory *directory
	keys      keychain
	backends  backends
	publicURL string
	metrics   *Metrics
	log       *slog.Logger
	entropy   io.Reader
	now       func() time.Time
	warnings  func() map[string]string

	ready    readiness
	stopping atomic.Bool
	readers  sync.WaitGroup
}

// New returns a server that has not read anything yet.
func New(c Config) (*Server, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	switch {
	case len(c.Pepper) == 0:
		return nil, errors.New("extproc: no secret to check keys with")
	case c.Gate.Timeout <= 0, c.Gate.HoldTTL <= 0, c.Gate.HoldExtend <= 0:
		return nil, errors.New("extproc: a timeout, a hold's life and its extension have to be above 0")
	}
	b, err := newBackends(c.Backends)
	if err != nil {
		return nil, fmt.Errorf("extproc: %w", err)
	}
	m := NewMetrics(c.Metrics)
	g := &Gate{
		ledger: c.Ledger, settings: c.Gate, metrics: m, log: c.Log, now: c.Now,
		denials: newDenials(), holds: newHolds(),
		endings: newEndings(c.Ledger, c.Gate.Timeout+c.Gate.Wait, c.Tempo, m, c.Log),
		journal: newJournal(c.Ledger, m, c.Log),
	}
	g.away.at.Store(c.Now().UnixNano())
	g.allowances = newAllowances(c.Ledger, c.Gate, func(now time.Time) (identity, error) { return newIdentity(now, c.Entropy) }, c.Now, &g.away, m, c.Log)
	watchGauge(c.Metrics, "allowances", "What is set aside for outages: holds.", func() float64 { n, _ := g.allowances.kept(); return float64(n) })
	watchGauge(c.Metrics, "allowance_credits", "What is set aside for outages, in credits.", func() float64 {
		_, amount := g.allowances.kept()
		return float64(amount) / float64(alfred.Credit)
	})
	g.learner = &learner{ledger: c.Ledger, timeout: retryTimeout, now: c.Now, log: c.Log, lessons: make(map[alfred.OrgID]*lesson), believed: make(map[alfred.OrgID]string)}
	g.allowances.vouches = g.learner.vouches
	watchGauge(c.Metrics, "learning", "Organisations whose live ledger is being built anew: the fail mode decides their requests.", func() float64 { return float64(g.learner.count()) })
	if c.Spool != nil {
		if c.Marks == nil {
			return nil, errors.New("extproc: nobody tells the spool what is recorded")
		}
		k := newKeeper(c.Spool, c.Marks, g.endings, c.Log)
		g.endings.keeper, g.learner.resend, g.learner.behind = k, k.again, k.unsent
		watchGauge(c.Metrics, "spool_bytes", "Size of the spool of settlements.", func() float64 { return float64(c.Spool.Bytes()) })
		watchGauge(c.Metrics, "spool_entries", "Settlements that the record has not confirmed.", func() float64 { return float64(c.Spool.Pending()) })
		watchGauge(c.Metrics, "spool_full", "1 while new requests are refused because the spool is full or cannot be written.", func() float64 {
			if c.Spool.Refusal() != nil {
				return 1
			}
			return 0
		})
	}
	s := &Server{
		gate: g, keys: keychain{c.Pepper}, backends: b, publicURL: c.PublicURL, metrics: m, log: c.Log, entropy: c.Entropy, now: c.Now, warnings: c.Warnings,
		directory: newDirectory(c.Directory, c.Now, c.Gate.Timeout, g.breaker.resting, m, c.Log, g.denials.clear),
	}
	watchGauge(c.Metrics, "directory_age_seconds", "Time since the directory was last read; NaN when it never was.", func() float64 { return s.directory.state.age(s.now()) })
	watchGauge(c.Metrics, "directory_faulty", "1 while the directory is missing, old or half-written: /readyz says which, and why.", func() float64 {
		if state, _ := s.directory.state.state(s.now()); state != directoryCurrent {
			return 1
		}
		return 0
	})
	watchGauge(c.Metrics, "holds_open", "Holds of requests in flight.", func() float64 { return float64(g.holds.len()) })
	watchGauge(c.Metrics, "endings_waiting", "Holds that wait to be ended.", func() float64 { return float64(g.endings.waiting.Load()) })
	watchGauge(c.Metrics, "breaker_open", "1 while the live store is given a rest.", func() float64 {
		if g.breaker.isOpen() {
			return 1
		}
		return 0
	})
	return s, nil
}

// Run does the upkeep until ctx ends: the directory's changes, the holds of
// running requests, what is set aside for outages, the holds of dead
// processes, the record of refusals. It
// ends only when the last refusal is written.
func (s *Server) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { s.directory.warm(ctx) })
	wg.Go(func() { s.directory.watch(ctx) })
	wg.Go(func() { s.gate.extend(ctx) })
	wg.Go(func() { s.gate.allowances.run(ctx) })
	wg.Go(func() { s.gate.learner.run(ctx, s.directory.orgs) })
	wg.Go(func() { s.gate.reap(ctx, s.directory.orgs) })
	wg.Go(func() { s.gate.journal.run(ctx) })
	if k := s.gate.endings.keeper; k != nil {
		wg.Go(func() { k.run(ctx) })
		wg.Go(func() { k.adopt(ctx, k.spool.Orphan) })
	}
	wg.Wait()
}

// stop makes requests that end from now on end as shut down.
func (s *Server) stop() { s.stopping.Store(true) }

// Close waits until every hold is ended, at most until ctx ends. No stream
// may be open any more.
func (s *Server) Close(ctx context.Context) {
	s.readers.Wait()
	s.gate.endings.close(ctx)
	s.gate.allowances.close(ctx)
}

// Process serves one request: the loop that feeds its messages to it. On
// every way out its hold is ended, and it never returns without an error
// before the request was decided.
func (s *Server) Process(g extprocv3.ExternalProcessor_ProcessServer) (err error) {
	s.metrics.streams.Inc()
	defer s.metrics.streams.Dec()
	ctx := g.Context()
	done := make(chan struct{})
	defer close(done)
	in := s.receive(g, done)
	r := &stream{server: s, send: g.Send, left: in.ended}
	defer func() {
		if p := recover(); p != nil {
			s.metrics.panics.Inc()
			s.log.ErrorContext(ctx, "a handler panicked", "request", r.request, "state", int(r.state), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, "internal error")
			if r.hold != nil {
				s.afterPanic(ctx, r)
			}
		}
	}()
	for {
		m, ok := in.next()
		if !ok {
			outcome := alfred.OutcomeClientGone
			if s.stopping.Load() {
				outcome = alfred.OutcomeShutdown
			}
			return r.close(ctx, outcome)
		}
		if err := r.step(ctx, m); err != nil {
			_ = r.close(ctx, alfred.OutcomeInternal)
			return err
		}
		if r.state == over {
			return nil
		}
	}
}

// afterPanic ends the hold of a request whose handler failed, without the
// reader that may have been what failed: by the input if it was forwarded,
// by nothing if not.
func (s *Server) afterPanic(ctx context.Context, r *stream) {
	end := End{Outcome: alfred.OutcomeInternal, Status: r.answer.status, At: s.now()}
	if r.state < sent {
		s.gate.Release(ctx, r.hold, end)
		return
	}
	end.Usage, end.Estimated = r.hold.estimate(0), true
	s.gate.Settle(ctx, r.hold, end)
}

// inbox holds what has arrived and was not handled yet. A cancelled stream
// drops what nobody has received, so it is received at once.
type inbox struct {
	messages chan *extprocv3.ProcessingRequest
	early    *extprocv3.ProcessingRequest
}

// inboxSize is enough for what Envoy sends before it waits for a reply.
const inboxSize = 64

// receive reads until the stream ends, or its handler has.
func (s *Server) receive(g extprocv3.ExternalProcessor_ProcessServer, done <-chan struct{}) *inbox {
	in := &inbox{messages: make(chan *extprocv3.ProcessingRequest, inboxSize)}
	s.readers.Go(func() {
		defer close(in.messages)
		for {
			m, err := g.Recv()
			if err != nil {
				return
			}
			select {
			case in.messages <- m:
			case <-done:
				return
			}
		}
	})
	return in
}

// next waits for a message. It is false after the last one.
func (in *inbox) next() (*extprocv3.ProcessingRequest, bool) {
	if m := in.early; m != nil {
		in.early = nil
		return m, true
	}
	m, ok := <-in.messages
	return m, ok
}

// ended says whether the stream is known to have ended with nothing unread.
func (in *inbox) ended() bool {
	if in.early != nil {
		return false
	}
	select {
	case m, ok := <-in.messages:
		in.early = m
		return !ok
	default:
		return false
	}
}
