package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	goredis "github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
	"github.com/alfred-envoy/alfred/store/redis"
)

const asProgram = "ALFRED_TEST_AS_PROGRAM"

// TestMain lets a test start the program as a process of its own, to kill it.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// spoolWorld is Valkey and the program as a process, with the test in Envoy's
// place.
type spoolWorld struct {
	world
	env     []string
	socket  string
	process *exec.Cmd
}

func newSpoolWorld(t *testing.T, spooled bool, settings ...string) *spoolWorld {
	t.Helper()
	binary, err := parts.RedisServer(t.Context(), os.Stderr)
	if err != nil {
		envoytest.Missing(t, "Valkey or Redis", err)
	}
	port, err := parts.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	w := &spoolWorld{}
	w.logs = new(buffer)
	w.redis = parts.RedisConfig{Binary: binary, Dir: t.TempDir(), Port: port, AppendOnly: true}
	w.restartValkey(t)
	t.Cleanup(func() { w.valkey.Kill() })
	if w.store, err = redis.Open(t.Context(), redis.Options{URL: w.valkey.URL(), Timeout: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	w.publish(t, 1_000_000*alfred.Credit)
	dir, err := os.MkdirTemp("", "alfred-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w.socket, w.http = "unix:"+filepath.Join(dir, "x.sock"), freeAddress(t)
	w.env = append(os.Environ(), asProgram+"=1", "REDIS_URL="+w.valkey.URL(), "ALFRED_SECRET_KEY="+pepper, "ALFRED_EXTPROC_LISTEN="+w.socket,
		"ALFRED_EXTPROC_HTTP="+w.http, "ALFRED_REDIS_TIMEOUT=500ms", "ALFRED_SPOOL_DIR=")
	if spooled {
		w.env = append(w.env, "ALFRED_SPOOL_DIR="+filepath.Join(dir, "spool"))
	}
	w.env = append(w.env, settings...)
	t.Cleanup(func() {
		w.kill()
		if t.Failed() {
			t.Logf("alfred-extproc's log:\n%s", w.logs)
		}
	})
	w.start(t)
	return w
}

func (w *spoolWorld) start(t *testing.T) {
	t.Helper()
	w.process = exec.CommandContext(context.Background(), os.Args[0])
	w.process.Env, w.process.Stdout, w.process.Stderr = w.env, w.logs, w.logs
	if err := w.process.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		text, err := w.get("/readyz")
		if err == nil && !strings.Contains(text, `"ready"`) {
			err = fmt.Errorf("readyz: %s", text)
		}
		return err
	})
}

// kill is kill -9.
func (w *spoolWorld) kill() {
	_ = w.process.Process.Kill()
	_ = w.process.Wait()
}

func (w *spoolWorld) get(path string) (string, error) {
	r, err := http.Get("http://" + w.http + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	return string(b), err
}

// admit opens n requests up to the provider's first answer.
func (w *spoolWorld) admit(t *testing.T, n int) []extprocv3.ExternalProcessor_ProcessClient {
	t.Helper()
	conn, err := grpc.NewClient(w.socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	headers := func(pairs ...string) *extprocv3.HttpHeaders {
		m := &corev3.HeaderMap{}
		for i := 0; i < len(pairs); i += 2 {
			m.Headers = append(m.Headers, &corev3.HeaderValue{Key: pairs[i], RawValue: []byte(pairs[i+1])})
		}
		return &extprocv3.HttpHeaders{Headers: m}
	}
	var streams []extprocv3.ExternalProcessor_ProcessClient
	for range n {
		s, err := extprocv3.NewExternalProcessorClient(conn).Process(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []*extprocv3.ProcessingRequest{
			{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: headers(":method", "POST", ":path", "/v1/chat/completions", "authorization", "Bearer "+w.key)}},
			{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{Body: []byte(hello), EndOfStream: true}}},
			{Request: &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: headers(":status", "200", "content-type", "application/json")}},
		} {
			if r := exchange(t, s, m); r.GetImmediateResponse() != nil {
				t.Fatalf("refused: %s", r.GetImmediateResponse().GetBody())
			}
		}
		streams = append(streams, s)
	}
	return streams
}

func exchange(t *testing.T, s extprocv3.ExternalProcessor_ProcessClient, m *extprocv3.ProcessingRequest) *extprocv3.ProcessingResponse {
	t.Helper()
	if err := s.Send(m); err != nil {
		t.Fatal(err)
	}
	r, err := s.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// cost is what each answer of answer costs.
const cost = 7 * alfred.Credit

// answerAll ends the requests; each is acknowledged in full.
func answerAll(t *testing.T, streams []extprocv3.ExternalProcessor_ProcessClient) {
	t.Helper()
	for _, s := range streams {
		exchange(t, s, &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseBody{ResponseBody: &extprocv3.HttpBody{
			Body: []byte(`{"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`), EndOfStream: true,
		}}})
	}
}

// record takes all events from the stream, as the recorder does, into what is
// there by reservation and kind; confirm says whether it tells the spool.
func (w *spoolWorld) record(t *testing.T, into map[string]alfred.UsageEvent, confirm bool) {
	t.Helper()
	for {
		entries, err := w.store.ReadEvents(t.Context(), org, "test", 100, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			return
		}
		var ids []string
		for _, e := range entries {
			ids = append(ids, e.ID)
			id := string(e.Event.Reservation) + " " + string(e.Event.Kind)
			if _, ok := into[id]; !ok {
				into[id] = e.Event
			}
			if confirm && e.Event.Spooled > 0 {
				if err := w.store.ConfirmSpool(t.Context(), e.Event.Instance, []int64{e.Event.Spooled}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.store.AckEvents(t.Context(), org, ids); err != nil {
			t.Fatal(err)
		}
	}
}

// chargedOnce waits until the counter and the record agree that each of n
// answers cost what it did, and the spool is empty.
func (w *spoolWorld) chargedOnce(t *testing.T, n int, booked map[string]alfred.UsageEvent) {
	t.Helper()
	eventually(t, func() error {
		if b := w.balance(t); b.Held() != 0 || b.Settled != alfred.Credits(n)*cost {
			return fmt.Errorf("settled %s and held %s, want %s settled", b.Settled, b.Held(), alfred.Credits(n)*cost)
		}
		return nil
	})
	w.recordedOnce(t, n, booked)
}

// recordedOnce waits until every answer is recorded, and the spool is empty.
func (w *spoolWorld) recordedOnce(t *testing.T, n int, booked map[string]alfred.UsageEvent) {
	t.Helper()
	eventually(t, func() error {
		w.record(t, booked, true)
		var sum alfred.Credits
		for _, e := range booked {
			sum += e.Cost
		}
		if len(booked) != n || sum != alfred.Credits(n)*cost {
			return fmt.Errorf("%d events over %s, want %d over %s", len(booked), sum, n, alfred.Credits(n)*cost)
		}
		text, err := w.get("/metrics")
		if err == nil && !strings.Contains(text, "alfred_spool_entries 0\n") {
			err = fmt.Errorf("the spool is not empty")
		}
		return err
	})
	w.record(t, booked, true)
	if len(booked) != n {
		t.Errorf("%d events of %d answers", len(booked), n)
	}
}

// TestKillWithRedisAwayLosesNothing is test 8 of the reliability list with its
// worst case: the store goes away before the answers end, and the process is
// killed before it is back. Without the spool the truth is gone: the reaper
// charges an estimate instead.
func TestKillWithRedisAwayLosesNothing(t *testing.T) {
	const n = 20
	lose := func(t *testing.T, w *spoolWorld) {
		streams := w.admit(t, n)
		w.valkey.Kill()
		answerAll(t, streams)
		w.kill()
		w.restartValkey(t)
		w.start(t)
	}
	t.Run("with the spool", func(t *testing.T) {
		w := newSpoolWorld(t, true)
		lose(t, w)
		w.chargedOnce(t, n, make(map[string]alfred.UsageEvent))
	})
	t.Run("without it the same is lost", func(t *testing.T) {
		w := newSpoolWorld(t, false, "ALFRED_HOLD_TTL=2s", "ALFRED_HOLD_EXTEND=1s")
		lose(t, w)
		booked := make(map[string]alfred.UsageEvent)
		eventually(t, func() error {
			if _, err := w.store.Reap(t.Context(), org, 100); err != nil {
				return err
			}
			if w.record(t, booked, false); len(booked) < n {
				return fmt.Errorf("%d of %d holds have ended", len(booked), n)
			}
			return nil
		})
		for id, e := range booked {
			if e.Kind != alfred.EventExpired || e.Cost == cost {
				t.Errorf("%s: %s charged; this test would pass without a spool", id, e.Cost)
			}
		}
		if got := w.balance(t).Settled; got == n*cost {
			t.Errorf("%s are settled: this test would pass without a spool", got)
		}
	})
}

// TestAReplacedRedisIsSentEverythingAgain loses what Redis had acknowledged,
// while the process runs.
func TestAReplacedRedisIsSentEverythingAgain(t *testing.T) {
	const n = 20
	for name, lose := range map[string]func(*testing.T, *spoolWorld){
		"FLUSHALL": func(t *testing.T, w *spoolWorld) {
			o, err := goredis.ParseURL(w.valkey.URL())
			if err != nil {
				t.Fatal(err)
			}
			c := goredis.NewClient(o)
			defer func() { _ = c.Close() }()
			if err := c.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		},
		"an empty server in its place": func(t *testing.T, w *spoolWorld) {
			w.valkey.Kill()
			w.redis.Dir = t.TempDir()
			w.restartValkey(t)
		},
	} {
		for _, recorded := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, recorded before: %v", name, recorded), func(t *testing.T) {
				w := newSpoolWorld(t, true)
				answerAll(t, w.admit(t, n))
				booked := make(map[string]alfred.UsageEvent)
				if recorded { // and the word of it is lost
					w.record(t, booked, false)
				}
				lose(t, w)
				w.recordedOnce(t, n, booked)
				// A ledger that is empty cannot tell what it had charged: its counters come from the record.
				if b := w.balance(t); b != (alfred.Balance{}) {
					t.Errorf("charged without a record of the hold: %+v", b)
				}
			})
		}
	}
}
