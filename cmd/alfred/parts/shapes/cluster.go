package shapes

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

const slots = 16384

// Cluster is some masters that share the slots, and a replica of each when
// that was asked for.
type Cluster struct {
	Masters  []*Server
	Replicas []*Server // of the master at the same place
}

// StartCluster runs masters, each with a replica or all without, and waits
// until they agree on who serves what.
func StartCluster(ctx context.Context, binary, dir string, masters int, replicas bool) (*Cluster, error) {
	c := &Cluster{}
	if err := c.start(ctx, binary, dir, masters, replicas); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, binary, dir string, masters int, replicas bool) error {
	var bus []int
	run := func(name string) (*Server, error) {
		port, err := parts.FreePort()
		if err != nil {
			return nil, err
		}
		bus = append(bus, port)
		return StartServer(ctx, binary, dir, name, "cluster-enabled yes", "cluster-node-timeout 1000",
			fmt.Sprintf("cluster-port %d", port), "cluster-require-full-coverage no", "cluster-replica-validity-factor 0")
	}
	for i := range masters {
		s, err := run(fmt.Sprintf("master%d", i))
		if err != nil {
			return err
		}
		c.Masters = append(c.Masters, s)
	}
	if replicas {
		for i := range masters {
			s, err := run(fmt.Sprintf("replica%d", i))
			if err != nil {
				return err
			}
			c.Replicas = append(c.Replicas, s)
		}
	}
	for i, s := range c.all() {
		if err := s.Client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			return fmt.Errorf("make a cluster: %w", err)
		}
		if i > 0 {
			if err := s.Client.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", c.Masters[0].Port, bus[0]).Err(); err != nil {
				return fmt.Errorf("make a cluster: %w", err)
			}
		}
	}
	for i, s := range c.Masters {
		from, to := i*slots/masters, (i+1)*slots/masters-1
		if err := s.Client.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
			return fmt.Errorf("make a cluster: %w", err)
		}
	}
	for i, s := range c.Replicas {
		err := await(ctx, "a replica is taken", func() error {
			id, err := c.Masters[i].ID(ctx)
			if err != nil {
				return err
			}
			return s.Client.ClusterReplicate(ctx, id).Err()
		})
		if err != nil {
			return err
		}
	}
	return c.Agreed(ctx)
}

func (c *Cluster) all() []*Server { return append(append([]*Server(nil), c.Masters...), c.Replicas...) }

// Agreed waits until every server that runs serves or knows all slots, and
// every replica that runs is in step.
func (c *Cluster) Agreed(ctx context.Context) error {
	return await(ctx, "the cluster agrees", func() error {
		for _, s := range c.all() {
			info, err := s.Client.ClusterInfo(ctx).Result()
			if err != nil {
				return err
			}
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d", slots)) ||
				!strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", len(c.all()))) {
				return errors.New("not yet")
			}
		}
		for _, s := range c.Replicas {
			if err := field(ctx, s.Client, "replication", "master_link_status", "up"); err != nil {
				return err
			}
		}
		return nil
	})
}

// ID is what the cluster calls a server.
func (s *Server) ID(ctx context.Context) (string, error) {
	return s.Client.Do(ctx, "CLUSTER", "MYID").Text()
}

// Owner is the place of the master that serves a key.
func (c *Cluster) Owner(ctx context.Context, key string) (int, error) {
	for i, s := range c.Masters {
		// A key of another's slot is redirected; one that is missing is not.
		err := s.Client.Get(ctx, key).Err()
		if err == nil || errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE") {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no master serves %s", key)
}

// MoveSlot moves the slot of a key from one master to another as a person
// would who has nothing but commands: marked on both sides, keys in steps of
// batch, handed over. Between steps it calls pause.
func (c *Cluster) MoveSlot(ctx context.Context, key string, from, to, batch int, pause func()) error {
	source, target := c.Masters[from], c.Masters[to]
	slot, err := source.Client.ClusterKeySlot(ctx, key).Result()
	if err != nil {
		return fmt.Errorf("move a slot: %w", err)
	}
	sourceID, err := source.ID(ctx)
	if err != nil {
		return fmt.Errorf("move slot %d: %w", slot, err)
	}
	targetID, err := target.ID(ctx)
	if err != nil {
		return fmt.Errorf("move slot %d: %w", slot, err)
	}
	if err := target.Client.Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", sourceID).Err(); err != nil {
		return fmt.Errorf("move slot %d: %w", slot, err)
	}
	if err := source.Client.Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", targetID).Err(); err != nil {
		return fmt.Errorf("move slot %d: %w", slot, err)
	}
	for {
		keys, err := source.Client.ClusterGetKeysInSlot(ctx, int(slot), batch).Result()
		if err != nil {
			return fmt.Errorf("move slot %d: %w", slot, err)
		}
		if len(keys) == 0 {
			break
		}
		args := []any{"MIGRATE", "127.0.0.1", target.Port, "", 0, 5000, "KEYS"}
		for _, k := range keys {
			args = append(args, k)
		}
		if err := source.Client.Do(ctx, args...).Err(); err != nil {
			return fmt.Errorf("move keys of slot %d: %w", slot, err)
		}
		pause()
	}
	for _, s := range append([]*Server{target, source}, c.Masters...) {
		if err := s.Client.Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", targetID).Err(); err != nil {
			return fmt.Errorf("hand over slot %d: %w", slot, err)
		}
	}
	return nil
}

// Fail kills a master, waits until its replica serves, and starts it again as
// a replica of that.
func (c *Cluster) Fail(ctx context.Context, master int) error {
	c.Masters[master].Kill()
	err := await(ctx, "the replica is promoted", func() error { return field(ctx, c.Replicas[master].Client, "replication", "role", "master") })
	if err != nil {
		return err
	}
	c.Masters[master], c.Replicas[master] = c.Replicas[master], c.Masters[master]
	if err := c.Replicas[master].Again(ctx); err != nil {
		return err
	}
	return c.Agreed(ctx)
}

// URL is what REDIS_URL says of it.
func (c *Cluster) URL() string {
	var hosts []string
	for _, s := range c.Masters {
		hosts = append(hosts, s.Address())
	}
	return "redis+cluster://" + strings.Join(hosts, ",")
}

// Close kills all of it.
func (c *Cluster) Close() {
	for _, s := range c.all() {
		s.Close()
	}
}

// field checks one line of INFO.
func field(ctx context.Context, c *redis.Client, section, name, want string) error {
	text, err := c.Info(ctx, section).Result()
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if got, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok && got == want {
			return nil
		}
	}
	return fmt.Errorf("%s is not %s", name, want)
}
