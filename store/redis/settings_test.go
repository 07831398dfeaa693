package redis_test

import (
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/redis"
)

func settingsOf(t *testing.T, url string) map[string]redis.Setting {
	t.Helper()
	found, err := openStore(t, redis.Options{URL: url}).Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]redis.Setting{}
	for _, s := range found {
		out[s.Name] = s
		if (s.Advice != "") != (s.Verdict == redis.SettingWrong) {
			t.Errorf("%+v", s)
		}
	}
	return out
}

// Each setting is found as it is, and what this user may not read is unknown.
func TestSettingsAreFound(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		run := s.own(t, parts.RedisConfig{Dir: t.TempDir()})
		raw := open(t, run.URL())
		config := func(name, value string) func(*testing.T) {
			return func(t *testing.T) {
				if err := raw.ConfigSet(t.Context(), name, value).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		user := func(rights ...any) func(*testing.T) {
			return func(t *testing.T) {
				if err := raw.Do(t.Context(), append([]any{"ACL", "SETUSER", "looker", "reset", "on", ">pw"}, rights...)...).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		looker := strings.Replace(run.URL(), "redis://", "redis://looker:pw@", 1)
		for _, c := range []struct {
			what    string
			set     func(*testing.T)
			url     string
			setting string
			want    redis.SettingVerdict
		}{
			{"as started", config("appendonly", "no"), run.URL(), "version", redis.SettingOK},
			{"as started", config("appendonly", "no"), run.URL(), "role", redis.SettingOK},
			{"as started", config("appendonly", "no"), run.URL(), "eviction", redis.SettingOK},
			{"a single server needs none", config("appendonly", "no"), run.URL(), "replicas", redis.SettingOK},
			{"a single server needs none", config("appendonly", "no"), run.URL(), "min_replicas", redis.SettingOK},
			{"no file", config("appendonly", "no"), run.URL(), "append_only", redis.SettingWrong},
			{"a file", config("appendonly", "yes"), run.URL(), "append_only", redis.SettingOK},
			{"a file that is synced", config("appendfsync", "everysec"), run.URL(), "append_fsync", redis.SettingOK},
			{"a file that is not", config("appendfsync", "no"), run.URL(), "append_fsync", redis.SettingWrong},
			{"it evicts", config("maxmemory-policy", "allkeys-lru"), run.URL(), "eviction", redis.SettingWrong},
			{"without CONFIG", user("+info"), looker, "append_fsync", redis.SettingUnknown},
			{"without CONFIG", user("+info"), looker, "eviction", redis.SettingWrong},
			{"without INFO", user("+config|get"), looker, "eviction", redis.SettingUnknown},
			{"without INFO", user("+config|get"), looker, "min_replicas", redis.SettingUnknown},
			{"without INFO", user("+config|get"), looker, "version", redis.SettingUnknown},
		} {
			c.set(t)
			if got := settingsOf(t, c.url)[c.setting]; got.Verdict != c.want {
				t.Errorf("%s: %+v, expected %s", c.what, got, c.want)
			}
		}
	})
}

// Where a failover is meant to happen there is somebody to take over.
func TestSettingsOfTheOtherShapes(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		w := s.watched(t)
		got := settingsOf(t, w.URL())
		if got["replicas"].Verdict != redis.SettingOK || got["min_replicas"].Verdict != redis.SettingWrong || got["append_fsync"].Verdict != redis.SettingOK {
			t.Errorf("Sentinels: %+v", got)
		}
		if err := w.Primary.Client.ConfigSet(t.Context(), "min-replicas-to-write", "1").Err(); err != nil {
			t.Fatal(err)
		}
		if got := settingsOf(t, w.URL())["min_replicas"]; got.Verdict != redis.SettingOK {
			t.Errorf("%+v", got)
		}
		if got := settingsOf(t, "redis://"+w.Replica.Address())["role"]; got.Verdict != redis.SettingWrong || got.Found != "slave" {
			t.Errorf("the replica's address: %+v", got)
		}
		c := s.cluster(t, 3, false)
		if err := c.Masters[1].Client.ConfigSet(t.Context(), "maxmemory-policy", "volatile-lru").Err(); err != nil {
			t.Fatal(err)
		}
		got = settingsOf(t, c.URL())
		if e := got["eviction"]; e.Verdict != redis.SettingWrong || e.Found != c.Masters[1].Address()+": volatile-lru" {
			t.Errorf("one of three evicts: %+v", e)
		}
		if got["replicas"].Verdict != redis.SettingWrong || got["min_replicas"].Verdict != redis.SettingOK {
			t.Errorf("a cluster without replicas: %+v", got)
		}
	})
}
