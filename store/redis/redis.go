package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

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
	URL      string        // as REDIS_URL; its forms are told at address
	TLS      TLS           // of rediss
	Timeout  time.Duration // of one call on the path of a request; 50 ms when 0
	Wait     Wait          // of settlements, for replicas
	PoolSize int           // connections to each server; the client's default when 0
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
	client  redis.UniversalClient
	shape   Shape
	wait    Wait
	timeout time.Duration
	scripts scripts
}

// Open makes a client. It does not need the server: a call that finds none
// fails with alfred.CodeUnavailable, and a later one may succeed.
func Open(_ context.Context, o Options) (*Store, error) {
	quiet()
	if o.Timeout <= 0 {
		o.Timeout = 50 * time.Millisecond
	}
	if o.Wait.Replicas <= 0 {
		o.Wait = Wait{}
	}
	client, shape, err := dial(o)
	if err != nil {
		return nil, err
	}
	return &Store{client: client, shape: shape, wait: o.Wait, timeout: o.Timeout, scripts: loadScripts()}, nil
}

// Shape is what REDIS_URL has said.
func (s *Store) Shape() Shape { return s.shape }

// server is a client of the one server that has a key. It follows no
// redirection.
func (s *Store) server(ctx context.Context, key string) (*redis.Client, error) {
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		return c.MasterForKey(ctx, key)
	case *redis.Client:
		return c, nil
	default:
		return nil, fmt.Errorf("no client of this package: %T", c)
	}
}

// servers calls fn with a client of every server that has keys of its own, one
// after the other, in the order of their addresses.
func (s *Store) servers(ctx context.Context, fn func(context.Context, *redis.Client) error) error {
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		one, err := s.server(ctx, "")
		if err != nil {
			return err
		}
		return fn(ctx, one)
	}
	var mu sync.Mutex
	var all []*redis.Client
	err := cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, c)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *redis.Client) int { return strings.Compare(a.Options().Addr, b.Options().Addr) })
	for _, c := range all {
		if err := fn(ctx, c); err != nil {
			cluster.ReloadState(ctx)
			return err
		}
	}
	return nil
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
