package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Setting is one thing that the servers should be set to, and how they are.
type Setting struct {
	Name    string
	Verdict SettingVerdict
	Found   string // what the servers say; on a cluster, of the first that is worst
	Advice  string // what to do, when it is wrong
}

// SettingVerdict says how a setting is.
type SettingVerdict string

// The verdicts. Unknown is what the servers do not tell, or may not tell this
// user.
const (
	SettingOK      SettingVerdict = "ok"
	SettingWrong   SettingVerdict = "wrong"
	SettingUnknown SettingVerdict = "unknown"
)

// settingCheck looks at one server.
type settingCheck struct {
	name   string
	advice string
	look   func(facts) (SettingVerdict, string)
}

// facts is what one server says of itself.
type facts struct {
	info     map[string]string
	fsync    string // appendfsync, "" when it is not told
	replicas int    // how many there should be
	watched  bool   // by Sentinels
}

// settingChecks are what the ledger's promise needs of a server.
var settingChecks = []settingCheck{
	{"version", "run Redis 7 or Valkey 8, or newer", func(f facts) (SettingVerdict, string) {
		if v := f.info["valkey_version"]; v != "" {
			return known(major(v) >= 8), "Valkey " + v
		}
		v := f.info["redis_version"]
		return told(v, major(v) >= 7), "Redis " + v
	}},
	{"role", "REDIS_URL names a replica: give the primary's address, or that of the Sentinels", func(f facts) (SettingVerdict, string) {
		v := f.info["role"]
		return told(v, v == "master"), v
	}},
	{"eviction", "CONFIG SET maxmemory-policy noeviction: a counter that is evicted is credit from nowhere", func(f facts) (SettingVerdict, string) {
		v := f.info["maxmemory_policy"]
		return told(v, v == "noeviction"), v
	}},
	{"append_only", "CONFIG SET appendonly yes, and see that its disk takes it: without the file a restart loses the open window", func(f facts) (SettingVerdict, string) {
		v := f.info["aof_enabled"]
		if v == "1" && f.info["aof_last_write_status"] == "err" {
			return SettingWrong, "on, and its last write failed"
		}
		return told(v, v == "1"), map[string]string{"0": "off", "1": "on"}[v]
	}},
	{"append_fsync", "CONFIG SET appendfsync everysec, or always", func(f facts) (SettingVerdict, string) {
		return told(f.fsync, f.fsync == "everysec" || f.fsync == "always"), f.fsync
	}},
	{"replicas", "start a replica of it, or look why its replica is not connected: nothing can take over", func(f facts) (SettingVerdict, string) {
		v := f.info["connected_slaves"]
		n, _ := strconv.Atoi(v)
		return told(v, n >= f.replicas), fmt.Sprintf("%s of %d needed", v, f.replicas)
	}},
	{"min_replicas", "CONFIG SET min-replicas-to-write 1: a primary that is cut off from its Sentinels goes on granting otherwise", func(f facts) (SettingVerdict, string) {
		v, set := f.info["min_slaves_good_slaves"]
		switch {
		case f.info["role"] == "":
			return SettingUnknown, ""
		case set:
			return SettingOK, "set; in step: " + v
		default:
			return known(!f.watched), "not set"
		}
	}},
}

// known is the verdict on what was told.
func known(ok bool) SettingVerdict {
	if ok {
		return SettingOK
	}
	return SettingWrong
}

func told(value string, ok bool) SettingVerdict {
	if value == "" {
		return SettingUnknown
	}
	return known(ok)
}

func major(v string) int {
	text, _, _ := strings.Cut(v, ".")
	n, _ := strconv.Atoi(text)
	return n
}

// Settings looks how the servers are set: every one that has keys of its own.
// An error means that one did not answer.
func (s *Store) Settings(ctx context.Context) ([]Setting, error) {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	out := make([]Setting, len(settingChecks))
	for i, c := range settingChecks {
		out[i] = Setting{Name: c.name}
	}
	err := s.servers(ctx, func(ctx context.Context, c *redis.Client) error {
		f, err := s.facts(ctx, c)
		if err != nil {
			return err
		}
		for i, check := range settingChecks {
			v, found := check.look(f)
			if worse(v, out[i].Verdict) {
				out[i].Verdict, out[i].Found, out[i].Advice = v, found, ""
				if s.shape == Cluster && v != SettingOK {
					out[i].Found = c.Options().Addr + ": " + found
				}
				if v == SettingWrong {
					out[i].Advice = check.advice
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look at the settings of the live ledger: %w", unavailable(err))
	}
	return out, nil
}

func worse(a, b SettingVerdict) bool {
	rank := map[SettingVerdict]int{"": 0, SettingOK: 1, SettingUnknown: 2, SettingWrong: 3}
	return rank[a] > rank[b]
}

func (s *Store) facts(ctx context.Context, c *redis.Client) (facts, error) {
	f := facts{info: map[string]string{}, replicas: s.wait.Replicas, watched: s.shape == Sentinel}
	if s.shape != Single {
		f.replicas = max(1, f.replicas)
	}
	text, err := c.Info(ctx).Result()
	if err != nil && !refused(err) {
		return f, err
	}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			f.info[name] = value
		}
	}
	values, err := c.ConfigGet(ctx, "appendfsync").Result()
	if err != nil && !refused(err) {
		return f, err
	}
	f.fsync = values["appendfsync"]
	return f, nil
}

// refused says that the server answered, and does not tell this user.
func refused(err error) bool {
	var said redis.Error
	return errors.As(err, &said) && !passes(err)
}
