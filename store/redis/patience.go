package redis

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience sends again, until the deadline of its call, what a server refused
// for the moment and has not executed: one that is loading its file, that was
// made a replica, or whose slots are on the move. Only calls with a deadline
// are repeated.
//
// On a cluster, a server that does not answer makes it ask who serves the
// slots now: the library does so by itself only when it is redirected.
type patience struct {
	reload func(context.Context) // nil without a cluster
}

const (
	patienceFirst = 2 * time.Millisecond
	patienceMost  = 25 * time.Millisecond
)

// passing are the refusals that pass by themselves.
var passing = []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK"}

func passes(err error) bool {
	return err != nil && slices.ContainsFunc(passing, func(prefix string) bool { return redis.HasErrorPrefix(err, prefix) })
}

// DialHook changes nothing.
func (p patience) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook repeats one command.
func (p patience) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return p.repeat(ctx, func(int) error {
			cmd.SetErr(nil)
			return next(ctx, cmd)
		})
	}
}

// ProcessPipelineHook repeats those commands of a pipeline that were refused.
func (p patience) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		refused := cmds
		return p.repeat(ctx, func(turn int) error {
			for _, c := range refused {
				c.SetErr(nil)
			}
			err := next(ctx, refused)
			refused = slices.DeleteFunc(slices.Clone(refused), func(c redis.Cmder) bool { return !passes(c.Err()) })
			if len(refused) > 0 {
				return refused[0].Err()
			}
			if turn == 0 || err != nil && !passes(err) {
				return err
			}
			for _, c := range cmds {
				if c.Err() != nil {
					return c.Err()
				}
			}
			return nil
		})
	}
}

// repeat tries until the answer is final or the deadline would pass.
func (p patience) repeat(ctx context.Context, try func(turn int) error) error {
	deadline, bounded := ctx.Deadline()
	pause := patienceFirst
	for turn := 0; ; turn++ {
		err := try(turn)
		if p.reload != nil && (passes(err) || lost(err)) {
			p.reload(ctx)
		}
		if !passes(err) || !bounded || time.Until(deadline) <= pause {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		pause = min(2*pause, patienceMost)
	}
}

// lost says that a server did not answer.
func lost(err error) bool {
	var said redis.Error
	return err != nil && !errors.Is(err, context.Canceled) && !errors.As(err, &said)
}
