package extproc

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/extproc/spool"
)

// SpoolMarks is what the live store says to a spool.
type SpoolMarks interface {
	// Lineage changes when the store may have lost what it had acknowledged.
	Lineage(ctx context.Context, instance string) (string, error)
	// Confirmed lists entries that the permanent record has, until
	// ForgetConfirmed removes them.
	Confirmed(ctx context.Context, instance string, max int) ([]int64, error)
	ForgetConfirmed(ctx context.Context, instance string, seqs []int64) error
}

// keeper sends what the spool holds again whenever it may have been lost: at
// the start, after the live store was replaced, and after more waited than fit
// into memory. It drops what is confirmed, and nothing else.
type keeper struct {
	spool   *spool.Spool
	marks   SpoolMarks
	endings *endings
	log     *slog.Logger

	behind  atomic.Bool // something was left to the spool alone
	turns   int
	lineage string
	refused bool // as it was logged last
	wake    chan struct{}
	sending atomic.Bool
}

func newKeeper(s *spool.Spool, marks SpoolMarks, q *endings, log *slog.Logger) *keeper {
	k := &keeper{spool: s, marks: marks, endings: q, log: log, wake: make(chan struct{}, 1)}
	k.behind.Store(true) // what an earlier process left
	return k
}

const (
	keepEvery    = time.Second
	lineageEvery = 2 // turns
	confirmBatch = 5000
	resendSlots  = 16
	resendErrors = 32 // after that the store is taken to be away
	spoolTimeout = time.Second
)

// run keeps the spool until ctx ends.
func (k *keeper) run(ctx context.Context) {
	for ; ctx.Err() == nil; k.rest(ctx) {
		k.step(ctx)
	}
}

// step looks at the disk and at the store once, sends again what has to be,
// and drops what is confirmed.
func (k *keeper) step(ctx context.Context) {
	k.watchDisk(ctx)
	if k.turns%lineageEvery == 0 {
		k.watchStore(ctx)
	}
	k.turns++
	if k.lineage != "" && k.behind.Load() {
		k.sending.Store(true)
		if k.behind.Store(false); !k.resend(ctx) {
			k.behind.Store(true)
		}
		k.sending.Store(false)
	}
	k.confirm(ctx)
}

// rest waits for the next turn, or until somebody asks for one.
func (k *keeper) rest(ctx context.Context) {
	next := time.NewTimer(keepEvery)
	defer next.Stop()
	select {
	case <-next.C:
	case <-k.wake:
	case <-ctx.Done():
	}
}

// again asks for everything to be sent again, soon.
func (k *keeper) again() {
	k.behind.Store(true)
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// unsent says whether something that may have been lost was not sent again yet.
func (k *keeper) unsent() bool { return k.behind.Load() || k.sending.Load() }

// watchDisk finds out whether a spool that could not be written can be again,
// and logs each change once.
func (k *keeper) watchDisk(ctx context.Context) {
	why := k.spool.Refusal()
	if why != nil && !errors.Is(why, spool.ErrFull) {
		attempt, cancel := context.WithTimeout(ctx, spoolTimeout)
		_ = k.spool.Probe(attempt) // Refusal says how it went
		cancel()
		why = k.spool.Refusal()
	}
	switch {
	case why != nil && !k.refused:
		k.log.Error("no new requests are taken: settlements cannot be kept safe", "spool", k.spool.Dir(), "error", why)
	case why == nil && k.refused:
		k.log.Info("the spool takes settlements again", "spool", k.spool.Dir())
	}
	k.refused = why != nil
}

func (k *keeper) watchStore(ctx context.Context) {
	attempt, cancel := context.WithTimeout(ctx, retryTimeout)
	defer cancel()
	lineage, err := k.marks.Lineage(attempt, k.spool.Instance())
	if err != nil || lineage == k.lineage {
		return // an outage is told where a request meets it
	}
	if k.lineage != "" {
		k.log.Warn("the live store was restarted or replaced: settlements are sent again", "entries", k.spool.Pending())
		k.behind.Store(mutant != "ignores_failover")
	}
	k.lineage = lineage
}

// resend sends every entry that is not confirmed, and says whether all were
// taken.
func (k *keeper) resend(ctx context.Context) bool {
	if k.spool.Pending() == 0 {
		return true
	}
	var sent, failed atomic.Int64
	senders := k.endings.tempo.crew(resendSlots)
	err := k.spool.Each(func(e spool.Entry) bool {
		senders.work(func() {
			attempt, cancel := context.WithTimeout(ctx, retryTimeout)
			defer cancel()
			if err := k.endings.again(attempt, k.ending(e)); err != nil {
				failed.Add(1)
				return
			}
			sent.Add(1)
		})
		return ctx.Err() == nil && failed.Load() < resendErrors
	})
	senders.wait()
	if err != nil {
		k.log.Error("send again what the spool holds", "error", err)
	}
	k.log.Info("settlements were sent again from the spool", "sent", sent.Load(), "failed", failed.Load())
	return err == nil && failed.Load() == 0 && ctx.Err() == nil
}

// confirm drops what the record has. The store forgets a confirmation only
// when the spool has noted it for good.
func (k *keeper) confirm(ctx context.Context) {
	for ctx.Err() == nil && k.confirmSome(ctx) {
	}
}

// confirmSome says whether there may be more.
func (k *keeper) confirmSome(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*retryTimeout)
	defer cancel()
	found, err := k.marks.Confirmed(ctx, k.spool.Instance(), confirmBatch)
	if err != nil || len(found) == 0 || !k.drop(found...) {
		return false
	}
	return k.marks.ForgetConfirmed(ctx, k.spool.Instance(), found) == nil && len(found) == confirmBatch
}

func (k *keeper) drop(seqs ...int64) bool {
	list := make([]spool.Seq, len(seqs))
	for i, n := range seqs {
		list[i] = spool.Seq(n)
	}
	if err := k.spool.Confirm(list); err != nil {
		k.log.Error("note what the record has", "spool", k.spool.Dir(), "error", err)
		return false
	}
	return true
}

// keep makes an ending durable before it is sent. An ending that could not be
// kept is sent all the same.
func (k *keeper) keep(ctx context.Context, e *ending) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), spoolTimeout)
	defer cancel()
	s := e.settlement
	s.Record.Terms = alfred.Terms{} // what ends a hold does not need them
	seq, err := k.spool.Append(ctx, spool.Entry{Void: e.void, Settlement: s})
	if seq != 0 {
		e.settlement.Event.Instance, e.settlement.Event.Spooled = k.spool.Instance(), int64(seq)
	}
	e.kept, e.keeper = err == nil, k // a failure is told by watchDisk
}

func (k *keeper) ending(e spool.Entry) ending {
	e.Settlement.Event.Instance, e.Settlement.Event.Spooled = k.spool.Instance(), int64(e.Seq)
	return ending{void: e.Void, settlement: e.Settlement, kept: true, keeper: k}
}
