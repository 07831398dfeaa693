package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
	"github.com/alfred-envoy/alfred/envoy/faults"
)

// soakFor is how long the soak goes on: ALFRED_SOAK_MINUTES, which `make soak MINUTES=10` sets. Without it the soak is a dozen faults.
func soakFor(t *testing.T) (time.Duration, bool) {
	t.Helper()
	text := os.Getenv("ALFRED_SOAK_MINUTES")
	if text == "" {
		return 0, false
	}
	minutes, err := strconv.ParseFloat(text, 64)
	if err != nil || minutes <= 0 {
		t.Fatalf("ALFRED_SOAK_MINUTES is %q, not a number of minutes", text)
	}
	return time.Duration(minutes * float64(time.Minute)), true
}

// Ledger test 20, peers test 11. Mixed load, and faults that dice choose: parts killed and restarted, the live ledger stopped,
// connections cut and replies swallowed, the database killed. Then everything adds up, to the micro-credit: no counter drifts from
// the record, and all users are all keys, the team, the department, the organisation, and what the usage API tells.
func TestLedger20Peers11_SoakAddsUp(t *testing.T) {
	t.Parallel()
	limit, long := soakFor(t)
	postgres, err := parts.StartPostgres(t.Context(), parts.PostgresConfig{Dir: t.TempDir()})
	if err != nil {
		envoytest.Missing(t, "Postgres", err)
	}
	t.Cleanup(postgres.Stop)
	var proxy *faults.Proxy
	dice := chance(t)
	r := newRig(t, plan{postgres: postgres, extprocs: 2, admins: 2, departments: true, toRedis: func(address string) string {
		proxy = newProxy(t, address)
		proxy.Reply = func(piece []byte) (f faults.Fault) {
			if !dice.hit(0.2) {
				return f
			}
			switch dice.n(3) {
			case 0:
				f.Cut, f.Keep = true, dice.n(len(piece))
			default:
				f.Hold = time.Duration(dice.n(500)) * time.Millisecond
			}
			return f
		}
		return proxy.Address()
	}, env: []string{"ALFRED_REDIS_TIMEOUT=300ms", "ALFRED_SHUTDOWN_PAUSE=1s"}})
	wait := func(d time.Duration) { // the fault's length
		timer := time.NewTimer(d)
		defer timer.Stop()
		<-timer.C
	}
	harm := map[string]func(){
		"kill -9 alfred-extproc": func() { c := r.extprocs[dice.n(2)]; c.Kill(); c.start(t) },
		"restart alfred-extproc": func() { r.extprocs[dice.n(2)].restart(t) },
		"kill -9 alfred-admin":   func() { c := r.admins[dice.n(2)]; c.Kill(); c.start(t) },
		"kill -9 Postgres": func() {
			postgres.Kill()
			wait(time.Duration(dice.n(2000)) * time.Millisecond)
			if err := postgres.Resume(context.WithoutCancel(t.Context())); err != nil {
				t.Fatal(err)
			}
		},
		"restart Valkey": func() { r.redis.Stop(); r.startRedis(t) },
		"SIGSTOP Valkey": func() {
			for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
				if err := syscall.Kill(r.redis.PID(), s); err != nil {
					t.Fatal(err)
				}
				wait(time.Duration(dice.n(1500)) * time.Millisecond)
			}
		},
		"bad network to Valkey": func() { proxy.Break(); wait(time.Duration(dice.n(4000)) * time.Millisecond); proxy.Heal() },
	}
	kinds := slices.Sorted(maps.Keys(harm))
	l := r.spend(t, 8)
	done, began := map[string]int{}, time.Now()
	for n := 0; long && time.Since(began) < limit || n < times(len(kinds), 2*len(kinds)); n++ {
		l.progress(t, 5+dice.n(40))
		kind := kinds[n%len(kinds)]
		if n >= len(kinds) { // each once, then as it falls
			kind = kinds[dice.n(len(kinds))]
		}
		harm[kind]()
		done[kind]++
	}
	took := time.Since(began).Round(time.Second)
	l.progress(t, 20)
	l.stop()
	refusedOnly(t, l.seen(), true)
	total, note := 0, []string{took.String()}
	for _, kind := range kinds {
		total += done[kind]
		note = append(note, fmt.Sprintf("%s ×%d", kind, done[kind]))
	}
	r.audit(t, result{fault: "13 soak", times: total, note: strings.Join(note, ", ")}, l)
	r.usageAddsUp(t)
}

// usageAddsUp compares what the API tells each person with the record's counters, and the department with the organisation.
func (r *rig) usageAddsUp(t *testing.T) {
	t.Helper()
	var told alfred.Credits
	for _, key := range r.keys {
		status, text := r.call(t, key, http.MethodGet, "/v1/users/me/usage?limit=1", nil)
		if status != http.StatusOK {
			t.Fatalf("%d: %s", status, text)
		}
		var page struct {
			Totals []struct {
				Cost alfred.Credits `json:"cost"`
			} `json:"totals"`
		}
		if err := json.Unmarshal(text, &page); err != nil {
			t.Fatal(err)
		}
		for _, total := range page.Totals {
			told += total.Cost
		}
	}
	sums := map[string]int64{}
	for name, n := range r.sums(t, `SELECT kind, subject, extract(epoch FROM window_start)::bigint, settled FROM counter_usage`) {
		kind, _, _ := strings.Cut(name, ":")
		sums[kind] += n
	}
	if told == 0 || int64(told) != sums["org"] || sums["dept"] != sums["org"] {
		t.Errorf("the usage API tells %d, the department has spent %d and the organisation %d", int64(told), sums["dept"], sums["org"])
	}
	t.Logf("users = keys = team = department = organisation = ledger = usage API = %s credits", told)
}
