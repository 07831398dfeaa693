package shapes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// Watched is a primary and its replica, and the Sentinels that promote the
// replica when the primary is gone.
type Watched struct {
	Primary, Replica *Server
	sentinels        []*parts.Process
	addresses        []string
}

// WatchedName is what the Sentinels call the pair.
const WatchedName = "ledger"

// StartWatched runs the pair and three Sentinels. With link, the replica
// finds its primary at the address that link returns for the primary's.
func StartWatched(ctx context.Context, binary, dir string, link func(address string) string) (*Watched, error) {
	w := &Watched{}
	if err := w.start(ctx, binary, dir, link); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *Watched) start(ctx context.Context, binary, dir string, link func(string) string) (err error) {
	if w.Primary, err = StartServer(ctx, binary, dir, "primary"); err != nil {
		return err
	}
	if w.Replica, err = Follow(ctx, binary, dir, w.Primary, link); err != nil {
		return err
	}
	for i := range 3 {
		port, err := parts.FreePort()
		if err != nil {
			return err
		}
		folder := filepath.Join(dir, fmt.Sprintf("sentinel%d", i))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		conf := filepath.Join(folder, "sentinel.conf") // it writes what it learns there
		text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %q\nsentinel monitor %[3]s 127.0.0.1 %[4]d 2\nsentinel down-after-milliseconds %[3]s 500\nsentinel failover-timeout %[3]s 3000\n",
			port, folder, WatchedName, w.Primary.Port)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			return err
		}
		p, err := parts.Start(parts.Command{Name: "sentinel", Path: binary, Args: []string{conf, "--sentinel"}, Dir: folder, Log: filepath.Join(folder, "log")})
		if err != nil {
			return err
		}
		w.sentinels = append(w.sentinels, p)
		w.addresses = append(w.addresses, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return w.awaitSentinels(ctx)
}

// Follow runs a replica of a server and waits until it has all of its data.
func Follow(ctx context.Context, binary, dir string, of *Server, link func(string) string) (*Server, error) {
	at := of.Address()
	if link != nil {
		at = link(at)
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return nil, fmt.Errorf("make a replica: %w", err)
	}
	s, err := StartServer(ctx, binary, dir, fmt.Sprintf("replica%d", of.Port))
	if err != nil {
		return nil, err
	}
	if err := s.Client.Do(ctx, "REPLICAOF", host, port).Err(); err != nil {
		s.Close()
		return nil, fmt.Errorf("make a replica: %w", err)
	}
	err = await(ctx, "the replica is in step", func() error { return field(ctx, s.Client, "replication", "master_link_status", "up") })
	if err != nil {
		s.Close()
	}
	return s, err
}

func (w *Watched) awaitSentinels(ctx context.Context) error {
	for _, address := range w.addresses {
		c := redis.NewSentinelClient(&redis.Options{Addr: address})
		raw := redis.NewClient(&redis.Options{Addr: address, DisableIdentity: true})
		err := await(ctx, "a Sentinel knows the others and the replica", func() error {
			// It asks every ten seconds otherwise.
			if err := raw.Do(ctx, "SENTINEL", "DEBUG", "info-period", 200, "publish-period", 200, "ping-period", 100).Err(); err != nil {
				return err
			}
			m, err := c.Master(ctx, WatchedName).Result()
			if err != nil {
				return err
			}
			if m["num-slaves"] != "1" || m["num-other-sentinels"] != "2" {
				return errors.New("not yet")
			}
			return nil
		})
		_, _ = c.Close(), raw.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// Promoted waits until the Sentinels have made the replica the primary.
func (w *Watched) Promoted(ctx context.Context) error {
	return await(ctx, "the replica is promoted", func() error { return field(ctx, w.Replica.Client, "replication", "role", "master") })
}

// Swap starts the old primary again, which the Sentinels make a replica, and
// returns when the pair is whole, with the roles changed.
func (w *Watched) Swap(ctx context.Context) error {
	if err := w.Primary.Again(ctx); err != nil {
		return err
	}
	w.Primary, w.Replica = w.Replica, w.Primary
	if err := await(ctx, "the old primary follows", func() error { return field(ctx, w.Replica.Client, "replication", "master_link_status", "up") }); err != nil {
		return err
	}
	return w.awaitSentinels(ctx)
}

// URL is what REDIS_URL says of it.
func (w *Watched) URL() string {
	url := "redis+sentinel://"
	for i, a := range w.addresses {
		if i > 0 {
			url += ","
		}
		url += a
	}
	return url + "/" + WatchedName
}

// Sentinels are their addresses.
func (w *Watched) Sentinels() []string { return w.addresses }

// Close kills all of it.
func (w *Watched) Close() {
	for _, s := range w.sentinels {
		s.Stop(5 * time.Second)
	}
	for _, s := range []*Server{w.Primary, w.Replica} {
		if s != nil {
			s.Close()
		}
	}
}
