package faults_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func (a *alarms) redisStops(t *testing.T) {
	l := a.spend(t, 8)
	l.progress(t, 20)
	a.redis.Kill()
	a.shows(t, a.health[0], "alfred_endings_waiting", "", above(0))
	a.shows(t, a.health[0], "alfred_breaker_open", "", above(0))
	a.shows(t, a.health[0], "alfred_degraded_total", `mode="deny"`, above(0))
	a.says(t, "degraded", true)
	a.startRedis(t) // on its data
	a.shows(t, a.health[0], "alfred_breaker_open", "", zero)
	a.says(t, "degraded", false)
	a.shows(t, a.health[0], "alfred_endings_waiting", "", zero)
	if n := sum(t, a.health[0], "alfred_endings_lost_total", ""); n != 0 {
		t.Errorf("%v endings were given up, with a spool", n)
	}
	l.progress(t, 10)
	l.stop()
	refusedOnly(t, l.seen(), false)
}

// slowest is the 99th percentile of reservations since a reading before, as a Prometheus would show it: the bucket that it is in.
func slowest(t *testing.T, base string, before map[string]float64) (after map[string]float64, p99 float64) {
	t.Helper()
	all, err := series(t, base, "alfred_redis_seconds_bucket")
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(all, func(labels string, _ float64) bool { return !strings.Contains(labels, `op="reserve"`) })
	bounds, counts := []float64{}, map[float64]float64{}
	for labels, n := range all {
		_, le, _ := strings.Cut(labels, `le="`)
		bound, err := strconv.ParseFloat(strings.TrimSuffix(le, `"}`), 64)
		if err != nil {
			t.Fatal(err)
		}
		bounds, counts[bound] = append(bounds, bound), n-before[labels]
	}
	slices.Sort(bounds)
	for _, bound := range bounds {
		if counts[bound] >= 0.99*counts[bounds[len(bounds)-1]] {
			return all, bound
		}
	}
	return all, 0
}

func (a *alarms) redisIsSlow(t *testing.T) {
	many := func() { // enough for a percentile
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				for range 3 {
					a.complete(t, "gpt-4", 20)
				}
			})
		}
		wg.Wait()
	}
	before, _ := slowest(t, a.health[0], nil)
	a.proxy.Break()
	many()
	before, p99 := slowest(t, a.health[0], before)
	if p99 < 0.2 {
		t.Errorf("the 99th percentile is %v while each reply takes 0.2 s", p99)
	}
	a.proxy.Heal() // moved closer
	a.says(t, "degraded", false)
	a.served(t)
	await(t, "the 99th percentile is far from the deadline", func() error {
		many()
		if before, p99 = slowest(t, a.health[0], before); p99 > 0.15 {
			return fmt.Errorf("%v", p99)
		}
		return nil
	})
}

func (a *alarms) directoryIsMissing(t *testing.T) {
	admin := a.admins[0]
	admin.Stop(10 * time.Second)
	if err := a.live.Del(t.Context(), "a:{"+a.org+"}:dir:catalog", "a:dir:orgs").Err(); err != nil {
		t.Fatal(err)
	}
	a.shows(t, a.health[0], "alfred_directory_faulty", "", above(0))
	if body := a.says(t, "directory", "missing"); body["directory_reason"] == "" || body["status"] != "ready" {
		t.Errorf("/readyz: %v", body)
	}
	a.served(t) // with what was read last
	command := exec.CommandContext(t.Context(), admin.command.Path, "republish")
	command.Env, command.Dir = admin.command.Env, admin.command.Dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("alfred-admin republish: %v\n%s", err, out)
	}
	a.shows(t, a.health[0], "alfred_directory_faulty", "", zero)
	a.says(t, "directory", "current")
	admin.start(t)
}

func (a *alarms) ledgerIsEmptied(t *testing.T) {
	admin := a.admins[0]
	admin.Stop(10 * time.Second)
	a.served(t) // the key is known: one that nobody has read is refused meanwhile
	if err := a.live.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	a.shows(t, a.health[0], "alfred_learning", "", above(0))
	if body := a.says(t, "degraded", true); !strings.Contains(fmt.Sprint(body["reason"]), "being built") {
		t.Errorf("/readyz: %v", body)
	}
	if status, body := ready(t, a.admin()); status == http.StatusOK {
		t.Errorf("/readyz of alfred-admin, which is away: %v", body)
	}
	if status, text := a.complete(t, "gpt-4", 20); status != http.StatusServiceUnavailable {
		t.Errorf("while nobody builds: %d %s", status, text)
	}
	admin.start(t)
	a.shows(t, a.health[0], "alfred_learning", "", zero)
	a.shows(t, a.admin(), "alfred_ledger_rebuilds_total", "", above(0))
	a.says(t, "degraded", false)
	a.served(t)
	text, err := os.ReadFile(admin.command.Log)
	if err != nil || !strings.Contains(string(text), "the live ledger was built from the record") {
		t.Errorf("the log does not tell: %v", err)
	}
}
