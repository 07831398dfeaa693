package faults_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
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
