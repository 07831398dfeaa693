package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
	"github.com/alfred-envoy/alfred/envoy/faults"
)

// Each alarm of the operations page that needs a whole installation: it is provoked, the metric and /readyz say what the page says,
// what the page says is done, and the alarm ends. They follow each other on one installation, which has to be well after each.
func TestAlarms(t *testing.T) {
	t.Parallel()
	postgres, err := parts.StartPostgres(t.Context(), parts.PostgresConfig{Dir: t.TempDir()})
	if err != nil {
		envoytest.Missing(t, "Postgres", err)
	}
	t.Cleanup(postgres.Stop)
	var proxy *faults.Proxy
	r := newRig(t, plan{
		postgres: postgres,
		toRedis: func(address string) string {
			proxy = newProxy(t, address)
			proxy.Reply = func([]byte) faults.Fault { return faults.Fault{Hold: 200 * time.Millisecond} }
			return proxy.Address()
		},
		env: []string{"ALFRED_REDIS_TIMEOUT=300ms", "ALFRED_SPOOL_MAX_BYTES=1048576", "ALFRED_ALLOWANCE=0"},
	})
	a := &alarms{rig: r, proxy: proxy, postgres: postgres}
	if err := r.connect(t).QueryRow(t.Context(), `SELECT id FROM organizations`).Scan(&a.org); err != nil {
		t.Fatal(err)
	}
	t.Run("redis_stops", a.redisStops)
	t.Run("redis_is_slow", a.redisIsSlow)
	t.Run("directory_is_missing", a.directoryIsMissing)
	t.Run("ledger_is_emptied", a.ledgerIsEmptied)
	t.Run("counter_is_too_high", a.counterIsTooHigh)
	t.Run("entry_is_refused", a.entryIsRefused)
	t.Run("postgres_stops", a.postgresStops)
	t.Run("process_dies", a.processDies)
	t.Run("usage_is_missing", a.usageIsMissing)
	t.Run("answer_is_longer_than_its_bound", a.answerIsLonger)
	t.Run("nothing_is_set_aside", a.nothingIsSetAside)
}

type alarms struct {
	*rig
	proxy    *faults.Proxy
	postgres *parts.PostgresServer
	org      string
}

func (a *alarms) admin() string { return strings.TrimSuffix(a.admins[0].ready, "/readyz") }

// series reads all series of a metric, by their labels as they are printed.
func series(t *testing.T, base, name string) (map[string]float64, error) {
	t.Helper()
	text, err := get(t.Context(), base+"/metrics")
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		labels, ok := strings.CutPrefix(strings.TrimSpace(line), name)
		at := strings.LastIndex(labels, " ")
		if !ok || at < 0 || labels[0] != ' ' && labels[0] != '{' {
			continue
		}
		if out[labels[:at]], err = strconv.ParseFloat(labels[at+1:], 64); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sum is of all series whose labels contain some text. What was never counted is 0.
func sum(t *testing.T, base, name, label string) float64 {
	t.Helper()
	all, err := series(t, base, name)
	if err != nil {
		t.Fatal(err)
	}
	n := 0.0
	for labels, v := range all {
		if strings.Contains(labels, label) {
			n += v
		}
	}
	return n
}

// shows waits until a metric of a program is what is expected.
func (a *alarms) shows(t *testing.T, base, name, label string, is func(float64) bool) {
	t.Helper()
	await(t, name, func() error {
		all, err := series(t, base, name)
		if err != nil {
			return err
		}
		n := 0.0
		for labels, v := range all {
			if strings.Contains(labels, label) {
				n += v
			}
		}
		if !is(n) {
			return fmt.Errorf("%v", all)
		}
		return nil
	})
}

func above(than float64) func(float64) bool { return func(n float64) bool { return n > than } }

func zero(n float64) bool { return n == 0 }

// ready is what /readyz says, and whether it is 200.
func ready(t *testing.T, base string) (status int, body map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = res.Body.Close() }()
	_ = json.NewDecoder(res.Body).Decode(&body) // what is no JSON says nothing
	return res.StatusCode, body
}

// says waits until /readyz of alfred-extproc has a value, and returns it all.
func (a *alarms) says(t *testing.T, name string, value any) (body map[string]any) {
	t.Helper()
	await(t, fmt.Sprintf("/readyz says %s: %v", name, value), func() error {
		if _, body = ready(t, a.health[0]); body[name] != value {
			return fmt.Errorf("%v", body)
		}
		return nil
	})
	return body
}

// served waits until somebody gets a completion.
func (a *alarms) served(t *testing.T) {
	t.Helper()
	await(t, "calls are served", func() error {
		if status, text := a.complete(t, "gpt-4", 20); status != http.StatusOK {
			return fmt.Errorf("%d: %s", status, text)
		}
		return nil
	})
}

// complete asks for one; tokens 0 sets no limit.
func (a *alarms) complete(t *testing.T, model string, tokens int) (int, []byte) {
	t.Helper()
	body := map[string]any{"model": model, "messages": []any{map[string]any{"role": "user", "content": "Hello!"}}}
	if tokens > 0 {
		body["max_tokens"] = tokens
	}
	return a.call(t, a.keys[0], http.MethodPost, "/v1/chat/completions", body)
}

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

func (a *alarms) counterIsTooHigh(t *testing.T) {
	a.settle(t)
	key := ""
	for _, k := range a.live.Keys(t.Context(), "a:{"+a.org+"}:c:personal:"+a.people[0]+":*").Val() {
		key = k
	}
	if err := a.live.IncrBy(t.Context(), key, 5_000_000).Err(); err != nil || key == "" {
		t.Fatalf("%q: %v", key, err)
	}
	a.admins[0].restart(t) // it compares at once, and then once a minute
	a.shows(t, a.admin(), "alfred_ledger_drift", `figure="max"`, func(n float64) bool { return n == 5 })
	if text, err := os.ReadFile(a.admins[0].command.Log); err != nil || !strings.Contains(string(text), "live counters drift from the record") {
		t.Errorf("the log does not tell: %v", err)
	}
	var page struct {
		Data []struct {
			Subject string  `json:"subject"`
			Drift   float64 `json:"drift"`
		} `json:"data"`
	}
	a.manage(t, http.MethodGet, "/v1/admin/ledger/drift", nil, &page)
	if len(page.Data) != 1 || page.Data[0].Subject != a.people[0] || page.Data[0].Drift != 5 {
		t.Errorf("drift: %+v", page)
	}
	why := map[string]any{"reason": "somebody wrote to Redis"}
	var plan struct {
		Changes []any `json:"changes"`
	}
	a.manage(t, http.MethodPost, "/v1/admin/ledger/reconcile?dry_run=true", why, &plan)
	if len(plan.Changes) != 1 {
		t.Errorf("a dry run: %+v", plan)
	}
	var done struct {
		Corrected int     `json:"corrected"`
		Lowered   float64 `json:"lowered"`
	}
	a.manage(t, http.MethodPost, "/v1/admin/ledger/reconcile", why, &done)
	if done.Corrected != 1 || done.Lowered != 5 {
		t.Errorf("reconciled: %+v", done)
	}
	a.shows(t, a.admin(), "alfred_ledger_drift", `figure="max"`, zero)
	a.ledger(t).whole(t)
}

func (a *alarms) entryIsRefused(t *testing.T) {
	conn := a.connect(t)
	if _, err := conn.Exec(t.Context(), `ALTER TABLE usage_events ADD CONSTRAINT no_such_model CHECK (model <> 'gpt-4o') NOT VALID`); err != nil {
		t.Fatal(err)
	}
	if status, text := a.complete(t, "gpt-4o", 20); status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	a.shows(t, a.admin(), "alfred_admin_entries_set_aside_total", "", above(0))
	a.admins[0].restart(t) // it counts what waits at once, and then twice a minute
	var list struct {
		Data []struct {
			ID     string `json:"id"`
			Reason string `json:"reason"`
		} `json:"data"`
	}
	a.manage(t, http.MethodGet, "/v1/admin/ledger/set-aside", nil, &list)
	if len(list.Data) != 1 || !strings.Contains(list.Data[0].Reason, "no_such_model") {
		t.Fatalf("set aside: %+v", list)
	}
	a.shows(t, a.admin(), "alfred_admin_entries_aside", "", func(n float64) bool { return n == 1 })
	if _, err := conn.Exec(t.Context(), `ALTER TABLE usage_events DROP CONSTRAINT no_such_model`); err != nil { // what it names is mended
		t.Fatal(err)
	}
	var booked struct {
		RecordedAt *time.Time `json:"recorded_at"`
	}
	a.manage(t, http.MethodPost, "/v1/admin/ledger/set-aside/"+list.Data[0].ID+"/retry", nil, &booked)
	if booked.RecordedAt == nil {
		t.Errorf("not booked: %+v", booked)
	}
	a.admins[0].restart(t) // counts again
	a.shows(t, a.admin(), "alfred_admin_entries_aside", "", zero)
}

// Without Postgres the record confirms nothing: steps of alfred-admin fail, and when the spool is full, nobody is admitted.
func (a *alarms) postgresStops(t *testing.T) {
	l := a.spend(t, 16)
	a.postgres.Kill()
	a.shows(t, a.admin(), "alfred_admin_background_failures_total", "what=", above(0))
	if status, body := ready(t, a.admin()); status == http.StatusOK {
		t.Errorf("/readyz of alfred-admin: %v", body)
	}
	a.shows(t, a.health[0], "alfred_spool_bytes", "", above(100_000))
	a.shows(t, a.health[0], "alfred_spool_full", "", above(0))
	status, body := ready(t, a.health[0])
	if status != http.StatusServiceUnavailable || !strings.Contains(fmt.Sprint(body["reason"]), "spool is full") {
		t.Errorf("/readyz: %d %v", status, body)
	}
	l.stop()
	if status, text := a.complete(t, "gpt-4", 20); status != http.StatusServiceUnavailable {
		t.Errorf("with a full spool: %d %s", status, text)
	}
	if err := a.postgres.Resume(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	a.shows(t, a.health[0], "alfred_spool_full", "", zero)
	a.served(t)
	if status, body := ready(t, a.health[0]); status != http.StatusOK {
		t.Errorf("/readyz: %d %v", status, body)
	}
	a.settle(t) // it is empty
	refusedOnly(t, l.seen(), false)
}

func (a *alarms) processDies(t *testing.T) {
	l := a.spend(t, 0)
	var under sync.WaitGroup
	under.Go(func() { l.call(a.keys[0], hang) })
	await(t, "a request is held", func() error {
		if len(a.holders(t)) == 0 {
			return errors.New("not yet")
		}
		return nil
	})
	a.extproc.Kill()
	a.extproc.start(t)
	a.shows(t, a.health[0], "alfred_holds_reaped_total", "", func(n float64) bool { return n == 1 })
	a.release(t)
	under.Wait()
	a.settle(t)
	var charged int
	if err := a.connect(t).QueryRow(t.Context(), `SELECT count(*) FROM usage_events WHERE kind = 'expired' AND cost > 0`).Scan(&charged); err != nil || charged == 0 {
		t.Errorf("%d were charged by policy: %v", charged, err)
	}
}

func (a *alarms) usageIsMissing(t *testing.T) {
	before := sum(t, a.health[0], "alfred_usage_missing_total", "")
	if status, text := a.complete(t, "mock-no-usage", 20); status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	a.shows(t, a.health[0], "alfred_usage_missing_total", "", above(before))
	a.settle(t)
	var page struct {
		Groups []map[string]any `json:"groups"`
	}
	a.manage(t, http.MethodGet, "/v1/admin/usage/query?group_by=model&measures=estimated,requests", nil, &page)
	told := slices.ContainsFunc(page.Groups, func(g map[string]any) bool {
		text := fmt.Sprint(g)
		return strings.Contains(text, "id:mock-no-usage") && strings.Contains(text, "estimated:1")
	})
	if !told {
		t.Errorf("the usage does not say which model it is: %v", page.Groups)
	}
	before = sum(t, a.health[0], "alfred_usage_missing_total", "")
	a.served(t) // by a model that reports it
	if n := sum(t, a.health[0], "alfred_usage_missing_total", ""); n != before {
		t.Errorf("it grows: %v", n)
	}
}

func (a *alarms) answerIsLonger(t *testing.T) {
	bound := func(tokens int) {
		a.manage(t, http.MethodPatch, "/v1/admin/organization", map[string]any{"settings": map[string]any{"unknown_model_max_output_tokens": tokens}}, nil)
	}
	overruns := func() float64 { return sum(t, a.health[0], "alfred_overruns_total", "") }
	bound(1)
	before := overruns()
	await(t, "an answer is longer than what was held", func() error {
		if status, text := a.complete(t, "house", 0); status != http.StatusOK || overruns() <= before {
			return fmt.Errorf("%d: %s", status, text)
		}
		return nil
	})
	bound(16_384)
	await(t, "none is any more", func() error {
		n := overruns()
		if status, text := a.complete(t, "house", 0); status != http.StatusOK || overruns() > n {
			return fmt.Errorf("%d: %s", status, text)
		}
		return nil
	})
}

func (a *alarms) nothingIsSetAside(t *testing.T) {
	a.manage(t, http.MethodPatch, "/v1/admin/organization", map[string]any{"settings": map[string]any{"fail_mode": "local"}}, nil)
	stop := func(during func()) {
		if err := syscall.Kill(a.redis.PID(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		during()
		if err := syscall.Kill(a.redis.PID(), syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		a.says(t, "degraded", false)
	}
	await(t, "the mode is known", func() error {
		var err error
		stop(func() {
			if status, text := a.complete(t, "gpt-4", 20); status != http.StatusServiceUnavailable || !strings.Contains(string(text), "set aside") {
				err = fmt.Errorf("%d: %s", status, text)
			}
		})
		a.served(t)
		return err
	})
	if n := sum(t, a.health[0], "alfred_allowance_refusals_total", `reason="none"`); n == 0 {
		t.Error("the refusals are not told with their reason")
	}
	a.setting("ALFRED_ALLOWANCE=5000")
	a.extproc.restart(t)
	a.served(t)
	a.shows(t, a.health[0], "alfred_allowances", "", above(0))
	stop(func() {
		if status, text := a.complete(t, "gpt-4", 20); status != http.StatusOK {
			t.Errorf("with something set aside: %d %s", status, text)
		}
	})
	if n := sum(t, a.health[0], "alfred_allowance_refusals_total", ""); n != 0 {
		t.Errorf("%v refusals, with something set aside", n)
	}
	if !full() {
		return // what follows waits until holds expire
	}
	// Another process finds what this one does not extend in time.
	health := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	a.spawn(t, "alfred-extproc", "http://"+health+"/readyz", with(a.extproc.command.Env, "ALFRED_EXTPROC_HTTP="+health, fmt.Sprintf("ALFRED_EXTPROC_LISTEN=127.0.0.1:%d", freePort(t))))
	held := func() int { return len(a.ledger(t).open) }
	halt := func(until func() error) {
		await(t, "something is set aside", func() error {
			if held() == 0 {
				return errors.New("nothing is")
			}
			return nil
		})
		signal(t, a.extproc, syscall.SIGSTOP)
		await(t, "it was halted for long enough", until)
		signal(t, a.extproc, syscall.SIGCONT)
	}
	a.extproc.restart(t) // what was spent from is given back
	a.served(t)
	a.shows(t, a.health[0], "alfred_allowances", "", above(0))
	halt(func() error {
		if n := held(); n > 0 {
			return fmt.Errorf("%d holds", n)
		}
		return nil
	})
	a.shows(t, a.health[0], "alfred_allowances_lost_total", "", above(0))
	a.setting("ALFRED_HOLD_TTL=60s")
	a.extproc.restart(t)
	a.served(t)
	a.shows(t, a.health[0], "alfred_allowances", "", above(0))
	halted := time.Now()
	halt(func() error {
		if time.Since(halted) < 12*time.Second { // longer than it took before
			return errors.New("not yet")
		}
		return nil
	})
	a.says(t, "degraded", false)
	a.served(t)
	if n := sum(t, a.health[0], "alfred_allowances_lost_total", ""); n != 0 || held() == 0 {
		t.Errorf("%v allowances were lost although holds live long enough", n)
	}
}

// setting changes one of alfred-extproc for its next start.
func (a *alarms) setting(text string) {
	a.extproc.command.Env = with(a.extproc.command.Env, text)
}

// with is an environment with some variables in the place of what they were.
func with(env []string, more ...string) []string {
	env = slices.Clone(env)
	for _, text := range more {
		name, _, _ := strings.Cut(text, "=")
		env = append(slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }), text)
	}
	return env
}
