package redis

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Entry and Change are those of package store.
type (
	Entry  = store.Entry
	Change = store.Change
)

// Options say where the server is and how long a call may take.
type Options struct {
	URL      string        // redis://, rediss:// or unix://, as REDIS_URL
	Timeout  time.Duration // of one call on the path of a request; 50 ms when 0
	PoolSize int           // connections; the client's default when 0
}

// background is the least time that calls off the path of a request get:
// publishing, reading and trimming the stream.
const background = 2 * time.Second

// quiet stops the client library from writing to standard error: every failure
// that it would tell there is returned as an error.
var quiet = sync.OnceFunc(func() { redis.SetLogger(discard{}) })

type discard struct{}

func (discard) Printf(context.Context, string, ...any) {}

// Store is a client of the live ledger. It is safe for concurrent use.
type Store struct {
	client  *redis.Client
	timeout time.Duration
	scripts scripts
}

// Open makes a client. It does not need the server: a call that finds none
// fails with alfred.CodeUnavailable, and a later one may succeed.
func Open(_ context.Context, o Options) (*Store, error) {
	options, err := redis.ParseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("read REDIS_URL: %w", err)
	}
	quiet()
	if o.Timeout <= 0 {
		o.Timeout = 50 * time.Millisecond
	}
	if o.PoolSize > 0 {
		options.PoolSize = o.PoolSize
	}
	// The deadline of each call bounds everything, dialling included. One
	// retry is safe because every script is idempotent.
	options.ContextTimeoutEnabled = true
	options.DialerRetries = 1
	options.DialTimeout = max(o.Timeout, background)
	options.ReadTimeout = max(o.Timeout, background)
	options.WriteTimeout = max(o.Timeout, background)
	options.MaxRetries = 1
	options.MinRetryBackoff = time.Millisecond
	options.MaxRetryBackoff = 5 * time.Millisecond
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Store{client: redis.NewClient(options), timeout: o.Timeout, scripts: loadScripts()}, nil
}

// Ping says whether the server answers.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping the live ledger: %w", unavailable(err))
	}
	return nil
}

// Close closes the connections.
func (s *Store) Close() error { return s.client.Close() }

// slow is the deadline of calls off the path of a request.
func (s *Store) slow(ctx context.Context, extra time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, max(s.timeout, background)+extra)
}

// unavailable marks an error of the server or of the way to it.
func unavailable(err error) error {
	return &alfred.Error{Code: alfred.CodeUnavailable, Message: "the live ledger did not answer", Err: err}
}

// malformed marks a reply or a record that this version cannot read.
func malformed(format string, args ...any) error {
	return alfred.Errorf(alfred.CodeInternal, format, args...)
}
