package extproc

import (
	"context"

	"github.com/alfred-envoy/alfred"
)

// Steps drive a server without Envoy and without its loops: one request and
// one turn of the upkeep at a time. They are for who keeps the time himself,
// with a [Tempo] of his own. Run takes the same steps in loops.
type Steps struct{ server *Server }

// Steps returns them. The server is not to be run as well.
func (s *Server) Steps() Steps { return Steps{s} }

// Call is one request as the gate sees it, when its body has been read.
type Call struct {
	KeyHash  string
	Model    string
	Priority alfred.Priority
	Team     string // to charge, "" for all
	Input    int64  // upper bound, in tokens
	Limit    int64  // of the output; 0: the client set none
	Stream   bool
}

// Admit decides about a call as a stream does: who asks, then how much. The
// hold is nil when it is refused.
func (p Steps) Admit(ctx context.Context, c Call) (*Hold, alfred.Decision) {
	s := &stream{server: p.server, keyHash: c.KeyHash}
	var err error
	if s.identity, err = newIdentity(p.server.now(), p.server.entropy); err != nil {
		return nil, unavailable(alfred.Decision{}, "no entropy")
	}
	if d, ok := s.snapshot(ctx); !ok {
		return nil, d
	}
	a := s.admission
	a.Model, a.Priority, a.Team, a.Input, a.Limit, a.Choices, a.Stream = c.Model, c.Priority, c.Team, c.Input, c.Limit, 1, c.Stream
	if d, ok := p.server.gate.exhausted(a); ok {
		p.server.gate.refused(d, a.Private)
		return nil, d
	}
	hold, d := p.server.gate.Admit(ctx, a)
	if !d.Allowed {
		p.server.gate.refused(d, a.Private)
	}
	return hold, d
}

// Settle ends a hold with what the request used. When it returns, the client
// may have the end of its answer.
func (p Steps) Settle(ctx context.Context, h *Hold, e End) { p.server.gate.Settle(ctx, h, e) }

// Release gives a hold back.
func (p Steps) Release(ctx context.Context, h *Hold, e End) { p.server.gate.Release(ctx, h, e) }

// Changed tells of a publication. The zero Change says that some may have
// been missed.
func (p Steps) Changed(c Change) { p.server.directory.forget(c) }

// Extend prolongs the holds of running requests that are due for it.
func (p Steps) Extend(ctx context.Context) { p.server.gate.extendDue(ctx) }

// Reap ends the holds that nobody ended in time, of every organisation.
func (p Steps) Reap(ctx context.Context) { p.server.gate.reapAll(ctx, p.server.directory.orgs) }

// Keep takes one turn of the spool: what may be lost is sent again, what is
// recorded is dropped.
func (p Steps) Keep(ctx context.Context) {
	if k := p.server.gate.endings.keeper; k != nil {
		k.step(ctx)
	}
}

// SetAside takes one turn of what is set aside for outages.
func (p Steps) SetAside(ctx context.Context) { p.server.gate.allowances.step(ctx) }

// Journal writes the refusals that wait.
func (p Steps) Journal() { p.server.gate.journal.step() }

// Busy counts the holds that are open here and the endings that wait.
func (p Steps) Busy() int {
	return p.server.gate.holds.len() + int(p.server.gate.endings.waiting.Load())
}

// ID names the hold in the ledger.
func (h *Hold) ID() alfred.HoldID { return h.record.Hold }

// Held is what the ledger holds for it; ok is false when it was admitted
// without asking the ledger.
func (h *Hold) Held() (amount alfred.Credits, ok bool) { return h.record.Granted, h.reserved }

// Aside is the allowance that it is spent from, and how much of it; ok is
// false when it is spent from none.
func (h *Hold) Aside() (id alfred.HoldID, amount alfred.Credits, ok bool) {
	if h.from == nil {
		return "", 0, false
	}
	return h.from.record.Hold, h.record.Granted, true
}

// Output is how many tokens the answer may have.
func (h *Hold) Output() int64 { return h.output }
