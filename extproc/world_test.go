package extproc

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/alfred-envoy/alfred"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testOrg = alfred.OrgID("org_1")
	hello   = `{"model":"m","messages":[{"role":"user","content":"Hi"}]}`
)

var testPepper = []byte("pepper")

// unbounded lists calls that could wait for ever.
type unbounded struct {
	mu    sync.Mutex
	calls []string
}

func (u *unbounded) note(ctx context.Context, call string) {
	if _, ok := ctx.Deadline(); !ok {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.calls = append(u.calls, call)
	}
}

func (u *unbounded) check(t testing.TB) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.calls) > 0 {
		t.Errorf("the store is asked without a deadline: %v", u.calls)
	}
}

// fakeLedger grants everything and writes down what it is asked, unless a
// test gives it other answers.
type fakeLedger struct {
	mu       sync.Mutex
	reserves []alfred.ReserveRequest
	settles  []alfred.Settlement
	voids    []alfred.HoldRecord
	voided   []alfred.UsageEvent
	appended []alfred.UsageEvent
	extends  int
	waits    unbounded

	reserve func(context.Context, alfred.ReserveRequest) (alfred.ReserveReply, error)
	settle  func(alfred.Settlement) error
	void    func(alfred.HoldRecord) error
	extend  func() (bool, error)
	append  func() error
	state   alfred.EndState // that a settlement finds; "" is settled
	epoch   *alfred.Epoch
}

func granted(r alfred.ReserveRequest, amount alfred.Credits) alfred.ReserveReply {
	record := alfred.HoldRecord{Org: r.Org, Hold: r.Hold, Granted: amount, Buckets: r.Buckets, Due: time.Now().Add(r.TTL), Terms: r.Terms}
	for _, c := range r.Caps {
		record.Caps = append(record.Caps, c.Counter)
	}
	for i, l := range r.Legs {
		leg := alfred.HeldLeg{Kind: l.Kind}
		for _, c := range l.Group {
			leg.Counters = append(leg.Counters, c.Counter)
		}
		if i == 0 {
			leg.Taken = amount
		}
		record.Legs = append(record.Legs, leg)
	}
	return alfred.ReserveReply{Verdict: alfred.VerdictGranted, Record: record, Remaining: 100 * alfred.Credit}
}

func (f *fakeLedger) Reserve(ctx context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
	f.waits.note(ctx, "reserve")
	f.mu.Lock()
	f.reserves = append(f.reserves, r)
	answer := f.reserve
	f.mu.Unlock()
	if answer != nil {
		return answer(ctx, r)
	}
	return granted(r, r.Want), nil
}

func (f *fakeLedger) Extend(ctx context.Context, _ alfred.HoldRecord, _ time.Duration) (bool, error) {
	f.waits.note(ctx, "extend")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.extends++
	if f.extend != nil {
		return f.extend()
	}
	return true, nil
}

func (f *fakeLedger) Settle(ctx context.Context, s alfred.Settlement) (alfred.EndState, error) {
	f.waits.note(ctx, "settle")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.settle != nil {
		if err := f.settle(s); err != nil {
			return "", err
		}
	}
	f.settles = append(f.settles, s)
	return cmp.Or(f.state, alfred.EndSettled), nil
}

func (f *fakeLedger) Void(ctx context.Context, r alfred.HoldRecord, e alfred.UsageEvent) (alfred.EndState, error) {
	f.waits.note(ctx, "void")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.void != nil {
		if err := f.void(r); err != nil {
			return "", err
		}
	}
	f.voids, f.voided = append(f.voids, r), append(f.voided, e)
	return alfred.EndVoided, nil
}

func (f *fakeLedger) Epoch(context.Context, alfred.OrgID) (alfred.Epoch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.epoch != nil {
		return *f.epoch, nil
	}
	return alfred.Epoch{Built: true, Number: 1}, nil
}

func (f *fakeLedger) Reap(ctx context.Context, _ alfred.OrgID, _ int) (int, error) {
	f.waits.note(ctx, "reap")
	return 0, nil
}

func (f *fakeLedger) AppendEvents(ctx context.Context, _ alfred.OrgID, events []alfred.UsageEvent) error {
	f.waits.note(ctx, "append")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.append != nil {
		if err := f.append(); err != nil {
			return err
		}
	}
	f.appended = append(f.appended, events...)
	return nil
}

// ended counts how often holds were ended.
func (f *fakeLedger) ended() (settled, voided int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.settles), len(f.voids)
}

func (f *fakeLedger) reserved() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.reserves)
}

// fakeDirectory is a directory in memory that counts how often it is asked.
type fakeDirectory struct {
	mu         sync.Mutex
	catalogs   map[alfred.OrgID]*alfred.Catalog
	principals map[string]*alfred.Principal
	asked      map[string]int
	err        error
	changed    func(Change)
	watching   chan struct{}
	waits      unbounded
}

func (f *fakeDirectory) Catalog(ctx context.Context, org alfred.OrgID) (*alfred.Catalog, error) {
	f.waits.note(ctx, "catalog")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked["catalog"]++
	return f.catalogs[org], f.err
}

func (f *fakeDirectory) Principal(ctx context.Context, hash string) (*alfred.Principal, error) {
	f.waits.note(ctx, "principal")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked["principal"]++
	return f.principals[hash], f.err
}

func (f *fakeDirectory) Orgs(ctx context.Context) ([]alfred.OrgID, error) {
	f.waits.note(ctx, "orgs")
	f.mu.Lock()
	defer f.mu.Unlock()
	return []alfred.OrgID{testOrg}, f.err
}

func (f *fakeDirectory) Watch(ctx context.Context, changed func(Change)) error {
	f.mu.Lock()
	f.changed = changed
	close(f.watching)
	f.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeDirectory) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[what]
}

// world is a server with fakes around it, and a client that plays Envoy.
type world struct {
	*Server
	ledger    *fakeLedger
	source    *fakeDirectory
	key       string
	principal *alfred.Principal
	catalog   *alfred.Catalog
	client    extprocv3.ExternalProcessorClient
	service   *Service
	clock     *clock
	close     func() // ends everything and waits for it; may be called twice
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{
		ledger: &fakeLedger{},
		source: &fakeDirectory{catalogs: make(map[alfred.OrgID]*alfred.Catalog), principals: make(map[string]*alfred.Principal), asked: make(map[string]int), watching: make(chan struct{})},
		clock:  &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)},
	}
	w.key = newKey(t)
	w.catalog = &alfred.Catalog{Org: testOrg, Version: 1, Settings: alfred.DefaultSettings(), Card: alfred.DefaultRateCard()}
	w.principal = &alfred.Principal{
		Version: 1, Org: testOrg, Key: "key_1", KeyStatus: alfred.KeyActive, User: "usr_1", UserStatus: alfred.Active,
		Personal: alfred.Allowance{Base: 1_000_000 * alfred.Credit},
	}
	w.source.catalogs[testOrg] = w.catalog
	w.source.principals[alfred.HashSecret(w.key, testPepper)] = w.principal

	c := Config{
		Ledger: w.ledger, Directory: w.source, Pepper: testPepper, PublicURL: "http://alfred.test",
		Backends: []Backend{{Name: "openai", BaseURL: "https://openai.test/v1", Authorization: "Bearer provider"}},
		Gate:     GateSettings{Timeout: time.Second, FailMode: alfred.FailDeny, HoldTTL: 2 * time.Minute, HoldExtend: 30 * time.Second},
		Metrics:  prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Entropy: rand.Reader, Now: w.clock.Now,
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	if w.Server, err = New(c); err != nil {
		t.Fatal(err)
	}
	upkeep, endUpkeep := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { w.Run(upkeep) })

	listener := bufconn.Listen(1 << 20)
	w.service = NewService(w.Server, nil)
	wg.Go(func() { _ = w.service.Serve(listener) })
	conn, err := grpc.NewClient("passthrough:///alfred", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	w.client = extprocv3.NewExternalProcessorClient(conn)
	w.close = sync.OnceFunc(func() {
		_ = conn.Close()
		now, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		w.service.Shutdown(now)
		w.Close(now)
		endUpkeep()
		wg.Wait()
	})
	t.Cleanup(func() {
		w.close()
		w.ledger.waits.check(t)
		w.source.waits.check(t)
	})
	return w
}

func newKey(t testing.TB) string {
	t.Helper()
	key, err := alfred.NewSecret(rand.Reader, testPepper)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// exchange is one request as Envoy plays it.
type exchange struct {
	t      testing.TB
	stream extprocv3.ExternalProcessor_ProcessClient
	cancel context.CancelFunc
}

func (w *world) begin(t testing.TB) *exchange {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := w.client.Process(ctx)
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange{t, s, cancel}
	t.Cleanup(cancel)
	return x
}

// send sends a message and returns the reply to it.
func (x *exchange) send(m *extprocv3.ProcessingRequest) *extprocv3.ProcessingResponse {
	x.t.Helper()
	if err := x.stream.Send(m); err != nil {
		x.t.Fatalf("send: %v", err)
	}
	r, err := x.stream.Recv()
	if err != nil {
		x.t.Fatalf("receive: %v", err)
	}
	return r
}

// end half-closes the stream, as Envoy does, and returns how the server ended.
func (x *exchange) end() error {
	_ = x.stream.CloseSend()
	for {
		_, err := x.stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func headerMap(pairs ...string) *corev3.HeaderMap {
	m := &corev3.HeaderMap{}
	for i := 0; i < len(pairs); i += 2 {
		m.Headers = append(m.Headers, &corev3.HeaderValue{Key: pairs[i], RawValue: []byte(pairs[i+1])})
	}
	return m
}

func requestHeaders(end bool, pairs ...string) *extprocv3.ProcessingRequest {
	return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{Headers: headerMap(pairs...), EndOfStream: end}}}
}

func (w *world) post(extra ...string) *extprocv3.ProcessingRequest {
	return requestHeaders(false, append([]string{":method", "POST", ":path", "/v1/chat/completions", "authorization", "Bearer " + w.key}, extra...)...)
}

func requestBody(body string) *extprocv3.ProcessingRequest {
	return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: &extprocv3.HttpBody{Body: []byte(body), EndOfStream: true}}}
}

func responseHeaders(status string, pairs ...string) *extprocv3.ProcessingRequest {
	return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: &extprocv3.HttpHeaders{Headers: headerMap(append([]string{":status", status}, pairs...)...)}}}
}

func responseBody(body string, end bool) *extprocv3.ProcessingRequest {
	return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseBody{ResponseBody: &extprocv3.HttpBody{Body: []byte(body), EndOfStream: end}}}
}

// admit plays a request up to the reply to its body.
func (w *world) admit(t testing.TB, body string, extra ...string) (*exchange, *extprocv3.ProcessingResponse) {
	t.Helper()
	x := w.begin(t)
	if r := x.send(w.post(extra...)); r.GetRequestHeaders() == nil {
		t.Fatalf("the headers were answered by %v", r)
	}
	return x, x.send(requestBody(body))
}

// refused says with which status and code a reply refuses, "" if it does not.
func refusedWith(r *extprocv3.ProcessingResponse) string {
	i := r.GetImmediateResponse()
	if i == nil {
		return ""
	}
	return fmt.Sprintf("%d %s", i.GetStatus().GetCode(), strings.TrimPrefix(i.GetDetails(), "alfred_"))
}

func replyHeader(m *extprocv3.HeaderMutation, name string) string {
	for _, h := range m.GetSetHeaders() {
		if h.GetHeader().GetKey() == name {
			return string(h.GetHeader().GetRawValue())
		}
	}
	return ""
}

func eventually(t testing.TB, check func() error) {
	t.Helper()
	deadline, tick := time.After(10*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}
