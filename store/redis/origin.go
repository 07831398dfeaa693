package redis

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// origin is the server behind a client, as its newest connection has found it:
// of a cluster, behind the client of one server.
//
// A server that was restarted, or that another has taken the place of, can be
// reached by new connections alone. Each asks which run of a server it leads
// to before it carries its first command, so that whatever is answered can be
// told to come from a server that nobody has looked at yet. One that may not
// be asked changes nothing.
type origin struct{ run atomic.Pointer[string] }

// connected asks the server of a new connection for its run.
func (o *origin) connected(ctx context.Context, c *redis.Conn) error {
	text, err := c.Info(ctx, "server").Result()
	if err != nil && !refused(err) {
		return err
	}
	found := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			found[name] = value
		}
	}
	// The client that finds a primary asks Sentinels too.
	if run := found["run_id"]; run != "" && found["redis_mode"] != "sentinel" {
		o.run.Store(&run)
	}
	return nil
}

// answeredBy is where a call wants to be told which server has answered it.
type answeredBy struct{}

// answering is a context of a call that notes the run of the server that answered.
func answering(ctx context.Context) (context.Context, *string) {
	run := new(string)
	return context.WithValue(ctx, answeredBy{}, run), run
}

// DialHook changes nothing.
func (o *origin) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook tells who has answered.
func (o *origin) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if to, ok := ctx.Value(answeredBy{}).(*string); ok {
			if run := o.run.Load(); run != nil {
				*to = *run
			}
		}
		return err
	}
}

// ProcessPipelineHook changes nothing: nothing is granted by a pipeline.
func (o *origin) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
