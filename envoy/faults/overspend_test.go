package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// overspender is somebody with a small quota who is in the middle of requests when the live ledger is emptied.
type overspender struct {
	rig             *rig
	id, key, window string
	allowed, over   int64 // micro-credits: held when it was emptied; spent above the quota in the end
}

const (
	overspenderQuota = 400
	overspenderHolds = 4
)

func (r *rig) overspender(t *testing.T, n int) *overspender {
	t.Helper()
	var p struct {
		ID  string `json:"id"`
		Key string `json:"api_key"`
	}
	r.manage(t, http.MethodPost, "/v1/admin/users", map[string]any{
		"email": fmt.Sprintf("overspender%d@company.com", n), "name": "Overspender", "personal_quota": overspenderQuota,
	}, &p)
	var team struct {
		ID string `json:"id"`
	}
	// A team of its own, with nothing to give: everybody's spending is some team's.
	r.manage(t, http.MethodPost, "/v1/admin/teams", map[string]any{"name": p.ID, "common_pool": 0}, &team)
	r.join(t, team.ID, p.ID, p.Key)
	now := time.Now().UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	return &overspender{rig: r, id: p.ID, key: p.Key, window: strconv.FormatInt(month.Unix(), 10)}
}

// hold begins requests that go on until the provider is told, and waits until they are held.
func (o *overspender) hold(t *testing.T, l *load, under *sync.WaitGroup) {
	t.Helper()
	for range overspenderHolds {
		under.Go(func() { l.keep(l.call(o.key, hang)) })
	}
	await(t, "all that hangs is held", func() error {
		n := 0
		for _, holder := range o.rig.holders(t) {
			if holder == o.id {
				n++
			}
		}
		if n < overspenderHolds {
			return fmt.Errorf("%d holds", n)
		}
		return nil
	})
}

// spend goes on until the quota is used up, as far as the ledger knows.
func (o *overspender) spend(t *testing.T, l *load) {
	t.Helper()
	refusals := 0
	await(t, "the quota is used up", func() error {
		a := l.call(o.key, plain)
		l.keep(a)
		if a.status == http.StatusTooManyRequests || a.status == http.StatusForbidden || a.status == http.StatusPaymentRequired {
			refusals++
		}
		if refusals < 2 {
			return errors.New(a.body)
		}
		return nil
	})
}

// keep adds an answer to those that are audited.
func (l *load) keep(a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, a)
}

// holders are the people whose open holds stand in the live ledger, one for each.
func (r *rig) holders(t *testing.T) (out []string) {
	t.Helper()
	values := r.snapshot(t)
	for i := 0; i < len(values); i += 2 {
		if strings.HasPrefix(values[i+1], "R1|") {
			l := ledger{held: map[string]int64{}}
			l.hold(t, values[i+1])
			for name := range l.held {
				if kind, rest, _ := strings.Cut(name, ":"); kind == "personal" {
					id, _, _ := strings.Cut(rest, ":")
					out = append(out, id)
				}
			}
		}
	}
	return out
}

// flush empties the live ledger and returns what it was at that instant.
func (r *rig) flush(t *testing.T) ledger {
	t.Helper()
	var was *redis.Cmd
	_, err := r.live.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		was = snapshot.Eval(t.Context(), p, nil)
		p.FlushAll(t.Context())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	values, err := was.StringSlice()
	if err != nil {
		t.Fatal(err)
	}
	return read(t, values)
}

// release lets the provider answer what hangs.
func (r *rig) release(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.provider.URL+"/_release", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}
