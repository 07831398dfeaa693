package faults_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Ledger test 12 again: the organisation admits everybody in an outage, one person's limit refuses, two people's limits let them
// spend what is set aside. While the live ledger stands still each gets the answer of the strictest limit, and says so; what is
// set aside is never overdrawn; and all of it is booked once.
func TestLedger12_StoppedLiveLedgerHonoursEachFailMode(t *testing.T) {
	t.Parallel()
	const aside = 600 // credits
	r := newRig(t, plan{env: []string{"ALFRED_REDIS_TIMEOUT=50ms", "ALFRED_HOLD_TTL=20s", "ALFRED_HOLD_EXTEND=2s", fmt.Sprintf("ALFRED_ALLOWANCE=%d", aside)}})
	modes := []string{"deny", "local", "local", "allow"}
	r.manage(t, http.MethodPatch, "/v1/admin/organization", map[string]any{"settings": map[string]any{"fail_mode": "allow"}}, nil)
	var rows []any
	for i, mode := range modes[:3] {
		rows = append(rows, map[string]any{"scope": "user", "subject": r.people[i], "metric": "credits", "credits": 1_000_000_000, "fail_mode": mode})
	}
	r.manage(t, http.MethodPut, "/v1/admin/limits", map[string]any{"data": rows}, nil)
	l := r.spend(t, 8)
	kept := func() {
		await(t, "something is set aside for two people", func() error {
			n, err := r.metric(t, "alfred_allowances")
			if err == nil && n != 2 {
				err = fmt.Errorf("%v allowances", n)
			}
			return err
		})
	}
	idle, err := r.metric(t, "go_goroutines")
	if err != nil {
		t.Fatal(err)
	}
	stops, most := times(1, 10), 0.0
	var refused []time.Duration
	served := map[string]int{}
	for range stops {
		kept()
		l.progress(t, 20)
		before := len(l.seen())
		if err := syscall.Kill(r.redis.PID(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		stopped := time.Now()
		timer := time.NewTimer(3 * time.Second) // the fault's length
		<-timer.C
		if n, err := r.metric(t, "go_goroutines"); err == nil {
			most = max(most, n)
		}
		continued := time.Now()
		if err := syscall.Kill(r.redis.PID(), syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		l.progress(t, 20)
		spent := make([]int64, len(modes))
		for _, a := range l.seen()[before:] {
			if a.began.Before(stopped) || a.ended.After(continued) {
				continue
			}
			mode := modes[a.person]
			outcome := fmt.Sprintf("%s %d", mode, a.status)
			served[outcome]++
			switch {
			case a.degraded != mode:
				t.Errorf("%s: x-alfred-degraded is %q", outcome, a.degraded)
			case outcome != "deny 503" && outcome != "local 200" && outcome != "local 503" && outcome != "allow 200":
				t.Errorf("%s: %s", outcome, a.body)
			case outcome == "local 503" && !strings.Contains(a.body, "set aside"):
				t.Errorf("%s without its reason: %s", outcome, a.body)
			}
			spent[a.person] += a.tokens
			if a.status == http.StatusServiceUnavailable {
				refused = append(refused, a.ended.Sub(a.began))
			}
		}
		for person, n := range spent {
			if modes[person] == "local" && n > aside {
				t.Errorf("%d credits were spent of %d that were set aside", n, aside)
			}
		}
	}
	for _, outcome := range []string{"deny 503", "local 200", "local 503", "allow 200"} {
		if served[outcome] == 0 {
			t.Errorf("nobody got %s: the story does not show it", outcome)
		}
	}
	l.stop()
	refusedOnly(t, l.seen(), false)
	await(t, "as many goroutines as before", func() error {
		if n, err := r.metric(t, "go_goroutines"); err != nil {
			return err
		} else if n > idle+20 {
			return fmt.Errorf("%v; %v before", n, idle)
		}
		return nil
	})
	// What is set aside is given back on the way out.
	r.extproc.Stop(10 * time.Second)
	r.extproc.start(t)
	slices.Sort(refused)
	note := fmt.Sprintf("refusals %s; goroutines %.0f before, %.0f at the end of a stop; %v", against(50*time.Millisecond, refused), idle, most, served)
	r.audit(t, result{fault: "5 SIGSTOP Valkey 3 s, deny, local and allow", times: stops, note: note}, l)
	if n := len(r.ledger(t).open); n > 0 {
		t.Errorf("%d holds are open", n)
	}
}

// Ledger tests 8 and 12 together: the process that spends what it has set aside is killed in the outage. What its clients have had
// the whole answer of is on its disk and charged once; what it had set aside expires and costs nobody anything.
func TestLedger12_KilledInAnOutageWhatWasSetAsideIsChargedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{env: []string{"ALFRED_REDIS_TIMEOUT=50ms", "ALFRED_HOLD_TTL=6s", "ALFRED_HOLD_EXTEND=1s", "ALFRED_ALLOWANCE=5000"}})
	r.manage(t, http.MethodPatch, "/v1/admin/organization", map[string]any{"settings": map[string]any{"fail_mode": "local"}}, nil)
	l := r.spend(t, 8)
	kills, local := times(1, 10), 0
	for range kills {
		await(t, "something is set aside for everybody", func() error {
			n, err := r.metric(t, "alfred_allowances")
			if err == nil && n < people {
				err = fmt.Errorf("%v allowances", n)
			}
			return err
		})
		before := len(l.seen())
		if err := syscall.Kill(r.redis.PID(), syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		l.progress(t, 10) // nothing but what was set aside lets anybody pass
		r.extproc.Kill()
		for _, a := range l.seen()[before:] {
			if a.acknowledged && a.degraded == "local" {
				local++
			}
		}
		if err := syscall.Kill(r.redis.PID(), syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		r.extproc.start(t)
		l.progress(t, 20)
	}
	if local == 0 {
		t.Error("nobody was served in an outage: the story proves nothing")
	}
	l.stop()
	refusedOnly(t, l.seen(), true)
	r.extproc.Stop(10 * time.Second)
	r.extproc.start(t)
	r.audit(t, result{fault: "5 kill -9 alfred-extproc while Valkey is stopped, local", times: kills, note: fmt.Sprintf("%d answers from what was set aside", local)}, l)
	conn := r.connect(t)
	var charged int64
	if err := conn.QueryRow(t.Context(), "SELECT coalesce(sum(cost), 0)::bigint FROM usage_events WHERE outcome = 'allowance'").Scan(&charged); err != nil || charged != 0 {
		t.Errorf("%d micro-credits were charged for what was set aside: %v", charged, err)
	}
}
