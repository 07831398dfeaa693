package faults_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

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
