package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// Wait makes a settlement wait until replicas have it, so that a failover
// which promotes one of them does not lose it. It is a wait, not a vote: a
// settlement that fewer replicas have in time is booked all the same.
type Wait struct {
	Replicas int                    // how many; 0 does not wait
	Timeout  time.Duration          // for them to answer, on top of the call's own
	Short    func(acknowledged int) // told when fewer answered; may be nil
}

// runAndWait runs a script, and then waits on the same connection: a server
// counts only what that connection has written. It leaves time for the reply
// to come back before the deadline of ctx.
func (s *Store) runAndWait(ctx context.Context, script *redis.Script, keys []string, args []any) ([]any, error) {
	server, err := s.server(ctx, keys[0])
	if err != nil {
		return nil, err
	}
	most := s.wait.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(deadline)*3/4)
	}
	var reply, waited *redis.Cmd
	for _, send := range []func(context.Context, redis.Scripter, []string, ...any) *redis.Cmd{script.EvalSha, script.Eval} {
		pipe := server.Pipeline()
		reply = send(ctx, pipe, keys, args...)
		waited = pipe.Do(ctx, "WAIT", s.wait.Replicas, max(1, most.Milliseconds())) // 0 would be for ever
		_, _ = pipe.Exec(ctx)                                                       // the errors that matter are those of the commands
		if !redis.HasErrorPrefix(reply.Err(), "NOSCRIPT") {
			break
		}
	}
	values, err := reply.Slice()
	acknowledged := 0
	switch {
	case err == nil:
		if n, failed := waited.Int(); failed == nil {
			acknowledged = n
		}
	case s.shape == Cluster && (passes(err) || lost(err)):
		// The slot is elsewhere, or on its way there: the client of the whole
		// cluster follows it, and nobody waits for replicas this once.
		values, err = script.Run(ctx, s.client, keys, args...).Slice()
	}
	if err == nil && acknowledged < s.wait.Replicas && s.wait.Short != nil {
		s.wait.Short(acknowledged)
	}
	return values, err
}
