package faults_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// answer is one call as its client saw it.
type answer struct {
	request      string // Alfred's id of it, "" when none was told
	status       int    // 0 when no answer came
	acknowledged bool   // a completion that was read to its end
	tokens       int64  // what an acknowledged one says it used
	began, ended time.Time
	body         string // of a refusal
	person       int
	degraded     string // what x-alfred-degraded said
}

// load is people who keep calling until stop.
type load struct {
	rig    *rig
	client *http.Client
	cancel chan struct{}
	wg     sync.WaitGroup

	acknowledged, under atomic.Int64
	mu                  sync.Mutex
	answers             []answer
	hung                int
}

// hangs is far beyond every deadline of the product: a call that takes so long waits for something that does not come.
const hangs = time.Minute

// spend starts the load. Every third call is plain, every third streams, and every third streams slowly.
func (r *rig) spend(t *testing.T, workers int) *load {
	t.Helper()
	l := &load{rig: r, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}, Timeout: hangs}, cancel: make(chan struct{})}
	for w := range workers {
		l.wg.Go(func() {
			for n := w; ; n++ {
				select {
				case <-l.cancel:
					return
				default:
				}
				a := l.call(r.keys[w%len(r.keys)], n%3)
				a.person = w % len(r.keys)
				l.mu.Lock()
				l.answers = append(l.answers, a)
				l.mu.Unlock()
				if a.acknowledged {
					l.acknowledged.Add(1)
					continue
				}
				select { // a client that is refused waits a little
				case <-l.cancel:
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

// stop ends the load and waits for what is under way.
func (l *load) stop() {
	l.mu.Lock()
	select {
	case <-l.cancel:
	default:
		close(l.cancel)
	}
	l.mu.Unlock()
	l.wg.Wait()
	l.client.CloseIdleConnections()
}

// progress waits until n more answers are acknowledged, so that a fault meets a system at work.
func (l *load) progress(t *testing.T, n int) {
	t.Helper()
	want := l.acknowledged.Load() + int64(n)
	await(t, "the load goes on", func() error {
		if l.acknowledged.Load() < want {
			return errors.New("too few answers")
		}
		return nil
	})
}

var totals = regexp.MustCompile(`"total_tokens":(\d+)`)

// Kinds of a call.
const (
	plain = iota
	streamed
	slow
	hang // until the provider is told to go on
)

func (l *load) call(key string, kind int) (a answer) {
	body := `{"model":"gpt-4","max_tokens":20,"messages":[{"role":"user","content":"Hello!"}]}`
	if kind == streamed || kind == slow {
		body = `{"model":"gpt-4","stream":true,"stream_options":{"include_usage":true},"max_tokens":12,"messages":[{"role":"user","content":"Hello!"}]}`
	}
	switch kind {
	case slow:
		body = strings.Replace(body, "gpt-4", "mock-slow", 1)
	case hang:
		body = strings.Replace(body, "gpt-4", "mock-hang", 1)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, l.rig.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return a
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("X-Mock-Delay", "20ms")
	a.began = time.Now()
	l.under.Add(1)
	defer func() {
		l.under.Add(-1)
		a.ended = time.Now()
		if a.ended.Sub(a.began) >= hangs {
			l.mu.Lock()
			l.hung++
			l.mu.Unlock()
		}
	}()
	res, err := l.client.Do(req)
	if err != nil {
		return a
	}
	defer func() { _ = res.Body.Close() }()
	a.status, a.request, a.degraded = res.StatusCode, res.Header.Get("X-Alfred-Request-Id"), res.Header.Get("X-Alfred-Degraded")
	text, err := io.ReadAll(res.Body)
	if a.status != http.StatusOK {
		a.body = string(text)
		return a
	}
	if err != nil || kind != plain && kind != hang && !bytes.Contains(text, []byte("[DONE]")) {
		return a
	}
	if m := totals.FindAllSubmatch(text, -1); m != nil {
		a.tokens, err = strconv.ParseInt(string(m[len(m)-1][1]), 10, 64)
		a.acknowledged = err == nil
	}
	return a
}

// seen are all answers until now.
func (l *load) seen() []answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]answer(nil), l.answers...)
}
