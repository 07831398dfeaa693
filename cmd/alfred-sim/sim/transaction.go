package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
)

// transaction is one of the permanent record. What it writes is seen when it
// has committed: at once, or never. Whether it has, its host may not learn.
type transaction struct {
	writes []func(*record)
	over   bool // committed, or rolled back
}

type transactionKey struct{}

func within(ctx context.Context) *transaction {
	t, _ := ctx.Value(transactionKey{}).(*transaction)
	return t
}

var (
	errOver   = errors.New("the transaction is over")
	errLocked = errors.New("somebody else has the lock")
)

// lockedFor is how long a lock is waited for.
const lockedFor = 2 * time.Second

// InTx commits over the network. A host that dies, or gives up, leaves a
// transaction that the server rolls back, with its locks.
func (r remote) InTx(ctx context.Context, fn func(context.Context) error) error {
	if within(ctx) != nil {
		return fn(ctx)
	}
	if _, err := at(r.world, r.host, r.world.postgres, func() (struct{}, error) { return struct{}{}, nil }); err != nil {
		return err
	}
	t := &transaction{}
	defer r.end(t)
	if err := fn(context.WithValue(ctx, transactionKey{}, t)); err != nil || len(t.writes) == 0 {
		return err
	}
	_, err := call(r.world, r.world.postgres, "commit", func() (struct{}, error) {
		if t.over {
			return struct{}{}, errOver
		}
		for _, write := range t.writes {
			write(r.record)
		}
		r.end(t)
		return struct{}{}, nil
	})
	return err
}

func (r remote) end(t *transaction) {
	t.over = true
	if r.record.locked == t {
		r.record.locked = nil
	}
}

// write is done when the transaction commits, or at once where there is none.
func (r *record) write(ctx context.Context, what func(*record)) {
	if t := within(ctx); t != nil {
		t.writes = append(t.writes, what)
		return
	}
	what(r)
}

// LockUsage keeps recorders and moves out until the transaction ends.
func (r remote) LockUsage(ctx context.Context, org alfred.OrgID) (time.Time, error) {
	t := within(ctx)
	for waited := time.Duration(0); r.record.locked != nil && r.record.locked != t; waited += lockedPause {
		if waited > lockedFor {
			return time.Time{}, fmt.Errorf("lock the usage of %s: %w", org, errLocked)
		}
		r.world.wait(lockedPause)
	}
	r.record.locked = t
	return r.world.now, nil
}

const lockedPause = 5 * time.Millisecond

// RecordEvents waits for the lock, as the server does.
func (r remote) RecordEvents(ctx context.Context, events []alfred.UsageEvent) (int, error) {
	t := within(ctx)
	for waited := time.Duration(0); ; waited += lockedPause {
		n, err := call(r.world, r.world.postgres, "record", func() (int, error) {
			if r.record.locked != nil && r.record.locked != t {
				return 0, errLocked
			}
			return r.record.RecordEvents(ctx, events)
		})
		if !errors.Is(err, errLocked) || waited > lockedFor {
			return n, err
		}
		r.world.wait(lockedPause)
	}
}
