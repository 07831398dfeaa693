package redis

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// said is an error of a server.
type said string

func (s said) Error() string { return string(s) }
func (said) RedisError()     {}

// A refusal that passes is sent again, one that does not is returned at once,
// and without a deadline nothing is repeated.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []error // the last one stays
		bounded bool
		calls   int // 0 is until the deadline
		reloads bool
		ok      bool
	}{
		{"fine", []error{nil}, true, 1, false, true},
		{"a value that is missing", []error{redis.Nil}, true, 1, false, false},
		{"loading", []error{said("LOADING x"), said("LOADING x"), nil}, true, 3, true, true},
		{"replica", []error{said("READONLY x"), nil}, true, 2, true, true},
		{"slots on the move", []error{said("TRYAGAIN x"), said("ASK 1 a:1"), said("MOVED 1 a:1"), nil}, true, 4, true, true},
		{"a cluster that is down", []error{said("CLUSTERDOWN x"), nil}, true, 2, true, true},
		{"a link that is down", []error{said("MASTERDOWN x"), nil}, true, 2, true, true},
		{"for ever", []error{said("TRYAGAIN x")}, true, 0, true, false},
		{"no deadline", []error{said("LOADING x"), nil}, false, 1, true, false},
		{"no right", []error{said("NOPERM x"), nil}, true, 1, false, false},
		{"no memory", []error{said("OOM x"), nil}, true, 1, false, false},
		{"cut off", []error{io.EOF, nil}, true, 1, true, false},
		{"too late", []error{context.DeadlineExceeded, nil}, true, 1, true, false},
		{"nobody waits any more", []error{context.Canceled, nil}, true, 1, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			reloads, calls := 0, 0
			p := patience{reload: func(context.Context) { reloads++ }}
			ctx := context.Background()
			if c.bounded {
				limit := time.Minute
				if c.calls == 0 {
					limit = 100 * time.Millisecond
				}
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, limit)
				defer cancel()
			}
			cmd := redis.NewCmd(ctx, "ping")
			err := p.ProcessHook(func(_ context.Context, cmd redis.Cmder) error {
				e := c.answers[min(calls, len(c.answers)-1)]
				calls++
				cmd.SetErr(e)
				return e
			})(ctx, cmd)
			if (err == nil) != c.ok || !errors.Is(cmd.Err(), err) && err != nil {
				t.Errorf("%v, the command has %v", err, cmd.Err())
			}
			if c.calls > 0 && calls != c.calls || c.calls == 0 && calls < 3 {
				t.Errorf("%d calls", calls)
			}
			if (reloads > 0) != c.reloads {
				t.Errorf("asked %d times who serves the slots", reloads)
			}
		})
	}
}

// Of a pipeline only what was refused is sent again, and the first error that
// stays is the pipeline's.
func TestPatienceWithAPipeline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	names := []string{"a", "b", "c"}
	for _, c := range []struct {
		name    string
		answers map[string][]error // in turn; then nil
		calls   [][]string
		want    string
	}{
		{"fine", nil, [][]string{names}, ""},
		{"one is refused twice", map[string][]error{"b": {said("TRYAGAIN x"), said("TRYAGAIN x")}}, [][]string{names, {"b"}, {"b"}}, ""},
		{"one is wrong, one refused", map[string][]error{"a": {said("WRONGTYPE x")}, "c": {said("LOADING x")}}, [][]string{names, {"c"}}, "WRONGTYPE x"},
		{"one is wrong", map[string][]error{"b": {said("WRONGTYPE x")}}, [][]string{names}, "WRONGTYPE x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var cmds []redis.Cmder
			for _, n := range names {
				cmds = append(cmds, redis.NewCmd(ctx, n))
			}
			turn := map[string]int{}
			var calls [][]string
			err := patience{}.ProcessPipelineHook(func(_ context.Context, cmds []redis.Cmder) (first error) {
				var sent []string
				for _, cmd := range cmds {
					n := cmd.Name()
					sent = append(sent, n)
					if turn[n] < len(c.answers[n]) {
						cmd.SetErr(c.answers[n][turn[n]])
					}
					turn[n]++
					if first == nil {
						first = cmd.Err()
					}
				}
				calls = append(calls, sent)
				return first
			})(ctx, cmds)
			if (c.want == "") != (err == nil) || err != nil && err.Error() != c.want {
				t.Errorf("error %v, expected %q", err, c.want)
			}
			if len(calls) != len(c.calls) {
				t.Fatalf("sent %v, expected %v", calls, c.calls)
			}
			for i := range calls {
				if len(calls[i]) != len(c.calls[i]) || calls[i][0] != c.calls[i][0] {
					t.Errorf("sent %v, expected %v", calls[i], c.calls[i])
				}
			}
		})
	}
}
