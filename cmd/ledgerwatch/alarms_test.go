package ledgerwatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts/shapes"
	"github.com/alfred-envoy/alfred/cmd/ledgerwatch"
	"github.com/alfred-envoy/alfred/store/redis"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// The alarms of the operations page that need a server alone: each is
// provoked, says what the page says, and ends when what it says is done.

func binary(t *testing.T) string {
	t.Helper()
	path, err := parts.Valkey(t.Context(), os.Stderr)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return path
}

func openLedger(t *testing.T, o redis.Options) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// value is of one series: with a label of that value, or without labels.
func value(t *testing.T, r *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no %s of %q", name, label)
	return 0
}

var advised = regexp.MustCompile(`CONFIG SET ([a-z-]+) ([a-z]+)`)

func TestAlarmSettingIsWrong(t *testing.T) {
	run, err := parts.StartValkey(t.Context(), parts.RedisConfig{Binary: binary(t), Dir: t.TempDir(), AppendOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Kill)
	options, err := goredis.ParseURL(run.URL())
	if err != nil {
		t.Fatal(err)
	}
	raw := goredis.NewClient(options)
	t.Cleanup(func() { _ = raw.Close() })
	registry := prometheus.NewRegistry()
	w := ledgerwatch.New(openLedger(t, redis.Options{URL: run.URL(), Timeout: 5 * time.Second}), registry, slog.New(slog.DiscardHandler))
	is := func(setting string, want float64) {
		t.Helper()
		w.Look(t.Context())
		if got := value(t, registry, "alfred_redis_setting_ok", setting); got != want {
			t.Errorf("%s: the metric is %v, expected %v; %v", setting, got, want, w.Warnings())
		}
	}
	for setting, wrong := range map[string][2]string{
		"eviction": {"maxmemory-policy", "allkeys-lru"}, "append_only": {"appendonly", "no"}, "append_fsync": {"appendfsync", "no"},
	} {
		is(setting, 1)
		if err := raw.ConfigSet(t.Context(), wrong[0], wrong[1]).Err(); err != nil {
			t.Fatal(err)
		}
		is(setting, 0)
		told := w.Warnings()[setting] // as /readyz has it
		command := advised.FindStringSubmatch(told)
		if command == nil || command[1] != wrong[0] {
			t.Fatalf("%s: /readyz says %q, which is no command", setting, told)
		}
		if err := raw.ConfigSet(t.Context(), command[1], command[2]).Err(); err != nil {
			t.Fatal(err)
		}
		is(setting, 1)
		if told := w.Warnings()[setting]; told != "" {
			t.Errorf("%s: /readyz says %q still", setting, told)
		}
	}
}

func TestAlarmReplicaIsGone(t *testing.T) {
	dir, server := t.TempDir(), binary(t)
	primary, err := shapes.StartServer(t.Context(), server, dir, "primary")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(primary.Close)
	follow := func() *shapes.Server {
		replica, err := shapes.Follow(t.Context(), server, dir, primary, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(replica.Close)
		return replica
	}
	registry := prometheus.NewRegistry()
	s := openLedger(t, redis.Options{
		URL: "redis://" + primary.Address(), Timeout: 5 * time.Second,
		Wait: redis.Wait{Replicas: 1, Timeout: 300 * time.Millisecond, Short: ledgerwatch.Short(registry)},
	})
	org := alfred.OrgID("org_1")
	storetest.Open(t, s, org)
	n := 0
	settle := func() float64 {
		t.Helper()
		n++
		now := time.Now().UTC()
		window := alfred.Window{Start: now.Truncate(time.Hour).Add(-time.Hour), End: now.Truncate(time.Hour).Add(2 * time.Hour)}
		leg := alfred.Leg{Kind: alfred.LegPersonal, Group: []alfred.Charge{{Counter: alfred.Counter{Kind: alfred.CountPersonal, Subject: "p", Window: window}, Ceiling: alfred.Credit}}}
		reply, err := s.Reserve(t.Context(), alfred.ReserveRequest{
			Org: org, Hold: alfred.HoldID(fmt.Sprintf("hold_%d", n)), Need: 1, Want: 1, TTL: time.Minute, Window: window, Legs: []alfred.Leg{leg},
		})
		if err != nil || reply.Verdict != alfred.VerdictGranted {
			t.Fatalf("%+v, %v", reply, err)
		}
		if _, err := s.Settle(t.Context(), alfred.Settlement{Record: reply.Record, Cost: 1}); err != nil {
			t.Fatal(err) // nobody is refused
		}
		return value(t, registry, "alfred_redis_wait_short_total", "")
	}
	replica := follow()
	if short := settle(); short != 0 {
		t.Errorf("%v settlements were short, with a replica", short)
	}
	replica.Kill()
	if short := settle(); short != 1 {
		t.Errorf("%v settlements were short, of one without a replica", short)
	}
	if text := primary.Client.Info(context.WithoutCancel(t.Context()), "replication").Val(); !strings.Contains(text, "connected_slaves:0") {
		t.Errorf("INFO replication does not show it:\n%s", text)
	}
	if err := replica.Again(t.Context()); err != nil { // mended
		t.Fatal(err)
	}
	if err := replica.Client.Do(t.Context(), "REPLICAOF", "127.0.0.1", primary.Port).Err(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for before := 1.0; ; { // it answers when it has caught up
		short := settle()
		if short == before {
			return
		}
		if before = short; time.Now().After(deadline) {
			t.Fatal("it grows, with the replica back")
		}
	}
}
