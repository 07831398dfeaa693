package shapes

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// Server is one process, with a client that goes straight to it.
type Server struct {
	*parts.Redis
	Client *redis.Client
	Port   int
	config parts.RedisConfig
}

// Address is host:port.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// Close kills the process.
func (s *Server) Close() {
	_ = s.Client.Close()
	s.Kill()
}

// Again starts a server that was killed, on its data and port.
func (s *Server) Again(ctx context.Context) (err error) {
	s.Redis, err = parts.StartValkey(ctx, s.config)
	return err
}

// StartServer runs one with an append-only file.
func StartServer(ctx context.Context, binary, dir, name string, more ...string) (*Server, error) {
	port, err := parts.FreePort()
	if err != nil {
		return nil, err
	}
	s := &Server{Port: port, config: parts.RedisConfig{Binary: binary, Dir: filepath.Join(dir, name), Port: port, AppendOnly: true, More: append(more, "repl-diskless-sync-delay 0")}}
	if err := s.Again(ctx); err != nil {
		return nil, err
	}
	s.Client = redis.NewClient(&redis.Options{Addr: s.Address(), DisableIdentity: true})
	return s, nil
}

// await polls until check is content. Sentinels that were held up by a busy
// machine look on for half a minute before they act again.
func await(ctx context.Context, what string, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("never: %s: %w", what, err)
		case <-tick.C:
		}
	}
}
