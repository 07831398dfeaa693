package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts/shapes"
	"github.com/alfred-envoy/alfred/store"
	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// controlled is a store whose calls are made by the user of the plane that
// makes them in an installation: the data plane's, where nothing else is said.
type controlled struct {
	*redis.Store
	admin    *redis.Store
	onlooker *redis.Store // who may do all: neither plane counts holds
}

func (c controlled) OpenHolds(ctx context.Context, org alfred.OrgID) (int64, error) {
	return c.onlooker.OpenHolds(ctx, org)
}

func (c controlled) Balances(ctx context.Context, org alfred.OrgID, counters []alfred.Counter) ([]alfred.Balance, error) {
	return c.admin.Balances(ctx, org, counters)
}

func (c controlled) TakeOutflow(ctx context.Context, o alfred.Outflow) (alfred.OutflowReply, error) {
	return c.admin.TakeOutflow(ctx, o)
}

func (c controlled) UndoOutflow(ctx context.Context, o alfred.Outflow) error {
	return c.admin.UndoOutflow(ctx, o)
}

func (c controlled) BeginEpoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	return c.admin.BeginEpoch(ctx, org)
}

func (c controlled) FinishEpoch(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, number int64, at time.Time) (bool, error) {
	return c.admin.FinishEpoch(ctx, org, seen, number, at)
}

func (c controlled) Survey(ctx context.Context, org alfred.OrgID, counters []alfred.Counter, moves []alfred.MoveID, holds int) (alfred.Survey, error) {
	return c.admin.Survey(ctx, org, counters, moves, holds)
}

func (c controlled) Correct(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, changes []alfred.CounterChange) (bool, error) {
	return c.admin.Correct(ctx, org, seen, changes)
}

func (c controlled) Forget(ctx context.Context, r alfred.HoldRecord, end alfred.HoldEnd) (bool, error) {
	return c.admin.Forget(ctx, r, end)
}

func (c controlled) PeekEvents(ctx context.Context, org alfred.OrgID, after, last string, max int) ([]alfred.UsageEvent, string, error) {
	return c.admin.PeekEvents(ctx, org, after, last, max)
}

func (c controlled) EachOpen(ctx context.Context, org alfred.OrgID, each func([]alfred.HoldRecord) error) error {
	return c.admin.EachOpen(ctx, org, each)
}

func (c controlled) EachCounter(ctx context.Context, org alfred.OrgID, each func([]alfred.Counter) error) error {
	return c.admin.EachCounter(ctx, org, each)
}

func (c controlled) ReadEvents(ctx context.Context, org alfred.OrgID, consumer string, max int, block time.Duration) ([]store.Entry, error) {
	return c.admin.ReadEvents(ctx, org, consumer, max, block)
}

func (c controlled) AckEvents(ctx context.Context, org alfred.OrgID, ids []string) error {
	return c.admin.AckEvents(ctx, org, ids)
}

func (c controlled) PublishCatalog(ctx context.Context, catalog *alfred.Catalog) error {
	return c.admin.PublishCatalog(ctx, catalog)
}

func (c controlled) PublishPrincipals(ctx context.Context, p map[string]*alfred.Principal) error {
	return c.admin.PublishPrincipals(ctx, p)
}

// documented are the commands that the page tells people to paste, as words,
// for one user: those of every installation, and those of a cluster alone.
func documented(t *testing.T, user string) (all, cluster []string) {
	t.Helper()
	b, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		switch {
		case !strings.HasPrefix(line, "ACL SETUSER "+user+" "):
		case words[3] == "on":
			all = words
		case slices.Contains(words, "+cluster|slots"):
			cluster = words
		}
	}
	if all == nil || cluster == nil {
		t.Fatalf("docs/operations.md has no commands for %s", user)
	}
	return all, cluster
}

// line is a command of the page.
func line(t *testing.T, start string) []string {
	t.Helper()
	b, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(b)) {
		if strings.HasPrefix(text, start) {
			return strings.Fields(text)
		}
	}
	t.Fatalf("docs/operations.md has no line %q", start)
	return nil
}

func grant(t *testing.T, raw *goredis.Client, words []string) {
	t.Helper()
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = w
	}
	if err := raw.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%v: %v", words, err)
	}
}

// as is a URL with a user of the page.
func as(t *testing.T, address, user string) string {
	t.Helper()
	words, _ := documented(t, user)
	scheme, rest, _ := strings.Cut(address, "://")
	return scheme + "://" + url.UserPassword(user, strings.TrimPrefix(words[4], ">")).String() + "@" + rest
}

const dataPlane, controlPlane = "alfred-extproc", "alfred-admin"

// The whole contract holds for users that have the rights of the page, alone
// and on a cluster.
func TestContractWithTheLeastRights(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		cluster := s.cluster(t, 3, false)
		alone := s.own(t, parts.RedisConfig{Dir: t.TempDir()})
		for _, user := range []string{dataPlane, controlPlane} {
			all, more := documented(t, user)
			grant(t, open(t, alone.URL()), all)
			for _, m := range cluster.Masters {
				grant(t, m.Client, all)
				grant(t, m.Client, more)
			}
		}
		for name, address := range map[string]string{"alone": alone.URL(), "cluster": cluster.URL()} {
			t.Run(name, func(t *testing.T) {
				extproc := openStore(t, redis.Options{URL: as(t, address, dataPlane)})
				both := controlled{extproc, openStore(t, redis.Options{URL: as(t, address, controlPlane)}), openStore(t, redis.Options{URL: address})}
				t.Run("Ledger", func(t *testing.T) { storetest.RunLedger(t, func(testing.TB) storetest.Ledger { return both }) })
				t.Run("Directory", func(t *testing.T) {
					storetest.RunDirectory(t, func(testing.TB) storetest.Directory { return both })
				})
				t.Run("Stream", func(t *testing.T) { storetest.RunStream(t, func(testing.TB) storetest.Stream { return both }) })
				t.Run("Tape", func(t *testing.T) {
					storetest.RunTape(t, func(testing.TB) map[string]storetest.Ledger {
						return map[string]storetest.Ledger{"memory": newModel(time.Now()), "rights": both}
					}, "memory")
				})
			})
		}
	})
}

// dataPlaneDay does once whatever the data plane does.
func dataPlaneDay(ctx context.Context, c *redis.Store, org alfred.OrgID) error {
	r := request(org, 1, 10, 1_000_000)
	r.Buckets = []alfred.BucketCharge{{Bucket: alfred.Bucket{Scope: alfred.ScopeUser, Subject: "a", Metric: alfred.MetricRequestsPerMinute, PerMinute: 60}, Units: 1}}
	reply, err := c.Reserve(ctx, r)
	if err != nil {
		return err
	}
	r = request(org, 2, 10, 1_000_000)
	r.TTL = time.Millisecond
	if _, err := c.Reserve(ctx, r); err != nil {
		return err
	}
	told, stop := context.WithCancel(ctx)
	watching := false
	_ = c.Watch(told, func(redis.Change) { watching = true; stop() })
	for what, do := range map[string]func() error{
		"ping": func() error { return c.Ping(ctx) },
		"epoch": func() error {
			e, err := c.Epoch(ctx, org)
			if err == nil && e.Server == "" {
				err = errors.New("a restart would not be noticed")
			}
			return err
		},
		"extend": func() error { _, err := c.Extend(ctx, reply.Record, time.Minute); return err },
		"settle": func() error { _, err := c.Settle(ctx, alfred.Settlement{Record: reply.Record, Cost: 3}); return err },
		"void": func() error {
			_, err := c.Void(ctx, alfred.HoldRecord{Org: org, Hold: "hold_9"}, alfred.UsageEvent{})
			return err
		},
		"reap": func() error { _, err := c.Reap(ctx, org, 10); return err },
		"append": func() error {
			return c.AppendEvents(ctx, org, []alfred.UsageEvent{{Kind: alfred.EventDecision, Org: org}})
		},
		"catalog":   func() error { _, err := c.Catalog(ctx, org); return err },
		"key":       func() error { _, err := c.Principal(ctx, "hash"); return err },
		"orgs":      func() error { _, err := c.Orgs(ctx); return err },
		"confirmed": func() error { _, err := c.Confirmed(ctx, "one", 3); return err },
		"forget":    func() error { return c.ForgetConfirmed(ctx, "one", []int64{1}) },
		"lineage": func() error {
			text, err := c.Lineage(ctx, "one")
			if err == nil && len(strings.Fields(text)) < 3 {
				err = errors.New("a restart would not be noticed")
			}
			return err
		},
		"watch": func() error {
			if !watching {
				return errors.New("nothing is watched")
			}
			return nil
		},
	} {
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// controlPlaneDay does once whatever the control plane does.
func controlPlaneDay(ctx context.Context, c *redis.Store, org alfred.OrgID) error {
	counter := alfred.Counter{Kind: alfred.CountUser, Subject: "a", Window: month()}
	out := alfred.Outflow{Org: org, Move: "move_1", Amount: 3, Source: []alfred.Charge{{Counter: counter, Ceiling: 10}}}
	for what, do := range map[string]func() error{
		"ping": func() error { return c.Ping(ctx) },
		"build": func() error {
			e, err := c.BeginEpoch(ctx, org)
			if err == nil && e.Server == "" {
				err = errors.New("a restart would not be noticed")
			}
			if err == nil {
				_, err = c.Correct(ctx, org, e, []alfred.CounterChange{{Counter: counter, Settled: 1}})
			}
			return err
		},
		"compare": func() error {
			_, err := c.Survey(ctx, org, []alfred.Counter{counter}, []alfred.MoveID{"move_1"}, 10)
			if err == nil {
				_, _, err = c.PeekEvents(ctx, org, "", "9-9", 10)
			}
			return err
		},
		"counters": func() error { return c.EachCounter(ctx, org, func([]alfred.Counter) error { return nil }) },
		"forget": func() error {
			return c.EachOpen(ctx, org, func(holds []alfred.HoldRecord) error {
				if len(holds) != 1 {
					return fmt.Errorf("%d open holds", len(holds))
				}
				_, err := c.Forget(ctx, holds[0], alfred.HoldEnd{Kind: alfred.EventVoid})
				return err
			})
		},
		"balances": func() error { _, err := c.Balances(ctx, org, []alfred.Counter{counter}); return err },
		"move": func() error {
			if _, err := c.TakeOutflow(ctx, out); err != nil {
				return err
			}
			return c.UndoOutflow(ctx, out)
		},
		"publish": func() error { return c.PublishCatalog(ctx, &alfred.Catalog{Org: org, Version: 1}) },
		"keys": func() error {
			return c.PublishPrincipals(ctx, map[string]*alfred.Principal{string(org): {Org: org, Version: 1}})
		},
		"catalog": func() error { _, err := c.Catalog(ctx, org); return err },
		"lineage": func() error { _, err := c.Lineage(ctx, "admin"); return err },
		"confirm": func() error { return c.ConfirmSpool(ctx, "one", []int64{1}) },
		"settings": func() error {
			found, err := c.Settings(ctx)
			if err == nil && slices.ContainsFunc(found, func(s redis.Setting) bool { return s.Name == "eviction" && s.Verdict == redis.SettingUnknown }) {
				err = errors.New("a server that evicts would not be noticed")
			}
			return err
		},
		"read": func() error {
			if _, err := c.ReadEvents(ctx, org, "a", 10, 0); err != nil {
				return err
			}
			return c.AckEvents(ctx, org, []string{"1-1"})
		},
	} {
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// Every right of the page is needed: without it something that the plane does
// is refused.
func TestEachRightIsNeeded(t *testing.T) {
	for user, day := range map[string]func(context.Context, *redis.Store, alfred.OrgID) error{dataPlane: dataPlaneDay, controlPlane: controlPlaneDay} {
		t.Run(user, func(t *testing.T) {
			onServers(t, func(t *testing.T, s *server) {
				run := s.own(t, parts.RedisConfig{Dir: t.TempDir()})
				raw := open(t, run.URL())
				words, _ := documented(t, user)
				try := func(words []string) error {
					grant(t, raw, words)
					if err := raw.ScriptFlush(t.Context()).Err(); err != nil { // so that EVAL is needed
						t.Fatal(err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
					defer cancel()
					whole := openStore(t, redis.Options{URL: run.URL()})
					org := fresh(t, whole)
					if _, err := whole.Reserve(t.Context(), request(org, 5, 10, 1_000_000)); err != nil {
						t.Fatal(err)
					}
					return day(ctx, openStore(t, redis.Options{URL: as(t, run.URL(), user)}), org)
				}
				for i, w := range words {
					if !strings.ContainsAny(w[:1], "+~%&") {
						continue
					}
					if try(slices.Delete(slices.Clone(words), i, i+1)) == nil {
						t.Errorf("%s can do without %s", user, w)
					}
				}
				if err := try(words); err != nil {
					t.Errorf("%s lacks a right: %v", user, err)
				}
			})
		})
	}
}

// The two rights that only some settings need.
func TestOptionalRights(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		w := s.watched(t)
		all, _ := documented(t, dataPlane)
		more := line(t, "ACL SETUSER "+dataPlane+" +config|get")
		grant(t, w.Primary.Client, all)
		short := 0
		client := openStore(t, redis.Options{URL: as(t, w.URL(), dataPlane), Wait: redis.Wait{Replicas: 1, Timeout: 5 * time.Second, Short: func(int) { short++ }}})
		fsync := func() redis.SettingVerdict {
			found, err := client.Settings(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return found[slices.IndexFunc(found, func(s redis.Setting) bool { return s.Name == "append_fsync" })].Verdict
		}
		settle(t, client, fresh(t, openStore(t, redis.Options{URL: w.URL()})), 1, 7)
		if short != 1 || fsync() != redis.SettingUnknown {
			t.Errorf("without them: short %d, %s", short, fsync())
		}
		grant(t, w.Primary.Client, more)
		settle(t, client, fresh(t, openStore(t, redis.Options{URL: w.URL()})), 1, 7)
		if short != 1 || fsync() != redis.SettingOK {
			t.Errorf("with them: short %d, %s", short, fsync())
		}
	})
}

// What a cluster needs beyond that: to find the slots, and to follow a key
// that is just moving.
func TestEachRightIsNeededOnACluster(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		c := s.cluster(t, 2, false)
		org := newOrg()
		catalog := "a:{" + string(org) + "}:dir:catalog"
		from, err := c.Owner(t.Context(), catalog)
		if err != nil {
			t.Fatal(err)
		}
		halfMoved(t, c, catalog, from, 1-from)
		for _, user := range []string{dataPlane, controlPlane} {
			all, more := documented(t, user)
			try := func(words []string) error {
				for _, m := range c.Masters {
					grant(t, m.Client, all)
					grant(t, m.Client, words)
				}
				client := openStore(t, redis.Options{URL: as(t, c.URL(), user), Timeout: 2 * time.Second})
				_, err := client.Catalog(t.Context(), org) // it is not there, so the source sends to the target
				return err
			}
			for i := 3; i < len(more); i++ {
				if try(slices.Delete(slices.Clone(more), i, i+1)) == nil {
					t.Errorf("%s can do without %s", user, more[i])
				}
			}
			if err := try(more); err != nil {
				t.Errorf("%s lacks a right: %v", user, err)
			}
		}
	})
}

// halfMoved marks the slot of a key as on its way, with nothing in it.
func halfMoved(t *testing.T, c *shapes.Cluster, key string, from, to int) {
	t.Helper()
	slot, err := c.Masters[from].Client.ClusterKeySlot(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, side := range []struct {
		at, other *shapes.Server
		state     string
	}{{c.Masters[to], c.Masters[from], "IMPORTING"}, {c.Masters[from], c.Masters[to], "MIGRATING"}} {
		id, err := side.other.ID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := side.at.Client.Do(t.Context(), "CLUSTER", "SETSLOT", slot, side.state, id).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
