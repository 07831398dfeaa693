package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Ledger test 22, as an operator meets it. Two alfred-extproc and two alfred-admin stand behind one Envoy; one after the other is
// asked to stop, ends with success, and starts again, while people call models and the API. Nobody notices: no connection breaks,
// nothing but 200 is answered, nothing is lost and nothing is counted twice.
func TestLedger22_RollingRestartIsNoticedByNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{extprocs: 2, admins: 2, env: []string{"ALFRED_SHUTDOWN_PAUSE=1500ms"}})
	l := r.spend(t, 8)
	ask := r.askQuotas(t, 2)
	restarts := times(4, 20)
	for i := range restarts {
		l.progress(t, 10)
		c := r.extprocs[i/2%2]
		if i%2 == 1 {
			c = r.admins[i/2%2]
		}
		c.restart(t)
	}
	l.progress(t, 20)
	l.stop()
	asked := ask()
	for _, a := range l.seen() {
		if a.status != http.StatusOK || !a.acknowledged {
			t.Errorf("a completion noticed: %+v", a)
		}
	}
	note := fmt.Sprintf("all %d completions and %d API calls answered 200", len(l.seen()), asked)
	r.audit(t, result{fault: "12 rolling restart of two alfred-extproc and two alfred-admin", times: restarts, note: note}, l)
}

// restart asks a program to stop, as an operator does, and starts it again once it has ended, which it has to do with success.
func (c *child) restart(t *testing.T) {
	t.Helper()
	c.Stop(time.Minute)
	if failure := c.Failure(); !strings.Contains(failure.Error(), "ended by itself") {
		t.Error(failure)
	}
	c.start(t)
}

// askQuotas lets people ask what they have left, until the returned function is called, which says how often they were told.
func (r *rig) askQuotas(t *testing.T, workers int) (stop func() int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	var answered atomic.Int64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}, Timeout: hangs}
	for w := range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				status, err := r.quota(ctx, client, r.keys[w%len(r.keys)])
				switch {
				case errors.Is(err, context.Canceled):
				case err != nil || status != http.StatusOK:
					t.Errorf("the quota: %d %v", status, err)
				default:
					answered.Add(1)
				}
				select { // as often as a page that is open
				case <-ctx.Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	t.Cleanup(cancel)
	return func() int64 {
		cancel()
		wg.Wait()
		return answered.Load()
	}
}

func (r *rig) quota(ctx context.Context, client *http.Client, key string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/v1/users/me/quota", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
