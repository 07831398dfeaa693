package envoy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/envoy"
)

// A body of the limit passes whole, one byte more is refused before a provider is reached.
func TestTheBodyLimit(t *testing.T) {
	w := newWorld(t, nil)
	body := func(n int) string {
		const frame = `{"model":"m","pad":""}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("x", n-len(frame))+`"`, 1)
	}
	for _, n := range []int{32 << 10, 5 << 20, envoy.BodyLimit - 1} {
		t.Run(fmt.Sprintf("%d bytes pass", n), func(t *testing.T) {
			got := w.call(t, http.MethodPost, "/v1/chat/completions", body(n))
			if got.StatusCode != 200 || len(w.provider.last().body) != n {
				t.Errorf("got %s; %d bytes arrived", got.Status, len(w.provider.last().body))
			}
		})
	}
	before := w.provider.count()
	for _, n := range []int{envoy.BodyLimit + 1, envoy.BodyLimit + 1<<20} {
		t.Run(fmt.Sprintf("%d bytes do not", n), func(t *testing.T) {
			w.call(t, http.MethodPost, "/v1/chat/completions", body(n)).wantError(t, 413, "payload_too_large")
		})
	}
	t.Run("nor without a declared length", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v1/chat/completions", io.LimitReader(zeros{}, envoy.BodyLimit+1))
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		reply{res, string(text)}.wantError(t, 413, "payload_too_large")
	})
	if n := w.provider.count(); n != before {
		t.Errorf("%d requests that were too large reached the provider", n-before)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Envoy's own limits would refuse the 1025th slow completion; they are out of the way.
func TestMoreSlowCallsThanEnvoysDefaultLimits(t *testing.T) {
	const calls = 1100
	w := newWorld(t, nil)
	release := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Add(calls)
	w.provider.answers(func(rw http.ResponseWriter, _ *http.Request) {
		waiting.Done()
		<-release
		_, _ = rw.Write([]byte("{}"))
	})
	var once sync.Once
	open := func() { once.Do(func() { close(release) }) }
	t.Cleanup(open) // before the provider waits for its requests

	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: calls}, Timeout: 2 * time.Minute}
	results := make(chan error, calls)
	for range calls {
		go func() {
			res, err := c.Post(w.URL+"/v1/chat/completions", "application/json", strings.NewReader("{}"))
			if err == nil {
				text, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if res.StatusCode != 200 {
					err = fmt.Errorf("%s: %s", res.Status, text)
				}
			}
			results <- err
		}()
	}
	all := make(chan struct{})
	go func() {
		waiting.Wait()
		close(all)
	}()
	done := 0
	for held := false; !held; {
		select {
		case <-all:
			held = true
		case err := <-results:
			t.Fatalf("a call ended while the provider held all of them: %v", err)
		case <-time.After(time.Minute):
			t.Fatal("not every call reached the provider")
		}
	}
	open()
	for ; done < calls; done++ {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
	if n := w.Stat(t, "cluster.alfred_ext_proc.upstream_rq_pending_overflow"); n != 0 {
		t.Errorf("%d streams overflowed", n)
	}
}

// Every chunk is passed on when it comes, not when the next one does.
func TestAnEventStreamPassesChunkByChunk(t *testing.T) {
	w := newWorld(t, nil)
	next := make(chan string)
	w.provider.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		for chunk := range next {
			_, _ = io.WriteString(rw, chunk)
			rw.(http.Flusher).Flush()
		}
	})
	w.admin.answers(*w.provider.answer.Load())
	for name, path := range map[string]string{"from a provider": "/v1/chat/completions", "from the admin app": "/v1/users/me/events"} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", "text/event-stream")
			started := make(chan struct{})
			var res *http.Response
			go func() {
				defer close(started)
				res, err = client.Do(req)
			}()
			send(t, next, "data: 0\n\n")
			<-started
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			expect(t, res.Body, "data: 0\n\n")
			for i := 1; i < 20; i++ {
				chunk := fmt.Sprintf("data: %d\n\n", i)
				send(t, next, chunk)
				expect(t, res.Body, chunk)
			}
			ended := next
			next = make(chan string)
			close(ended)
			if rest, err := io.ReadAll(res.Body); err != nil || len(rest) != 0 {
				t.Errorf("after the end: %q, %v", rest, err)
			}
		})
	}
}

func send(t *testing.T, to chan<- string, s string) {
	t.Helper()
	select {
	case to <- s:
	case <-time.After(time.Minute):
		t.Fatal("the provider was not asked for more")
	}
}

func expect(t *testing.T, from io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, []byte(want)) {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// When the caller hangs up, Alfred still gets everything that was read from the provider, and then a plain end: it charges
// what was spent.
func TestAlfredSeesEverythingAClientLeftBehind(t *testing.T) {
	w := newWorld(t, nil)
	sent := make(chan int, 1)
	w.provider.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		for i := range 50 {
			_, _ = fmt.Fprintf(rw, "data: %d\n\n", i)
		}
		rw.(http.Flusher).Flush()
		sent <- 50
		<-r.Context().Done()
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v1/chat/completions", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Report", "1")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	<-sent
	expect(t, res.Body, "data: 0\n\n")
	_ = res.Body.Close()

	end := ended(t, w)
	if !errors.Is(end.err, io.EOF) {
		t.Errorf("the stream ended with %v, want a plain end", end.err)
	}
	if all := strings.Join(end.chunks, ""); !end.responded || strings.Count(all, "data: ") != 50 {
		t.Errorf("Alfred saw %d of 50 events: %q", strings.Count(all, "data: "), all)
	}
}

func TestAClientThatLeavesBeforeTheAnswerIsAnEndWithoutResponse(t *testing.T) {
	w := newWorld(t, nil)
	arrived := make(chan struct{})
	w.provider.answers(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v1/chat/completions", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Report", "1")
	gone := make(chan error, 1)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		_, err := client.Do(req.WithContext(ctx))
		gone <- err
	}()
	<-arrived
	leave()
	if err := <-gone; err == nil {
		t.Fatal("the call was answered")
	}
	if end := ended(t, w); !errors.Is(end.err, io.EOF) || end.responded {
		t.Errorf("got %+v, want a plain end without a response", end)
	}
}

func ended(t *testing.T, w *world) ending {
	t.Helper()
	select {
	case e := <-w.alfred.ended:
		return e
	case <-time.After(time.Minute):
		t.Fatal("the stream never ended")
		return ending{}
	}
}
