package admin_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/admin/api"
	"github.com/alfred-envoy/alfred/store/memory"
	"github.com/alfred-envoy/alfred/store/postgres"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// clock is the time of a test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// world is a whole control plane: the API over a real Postgres and the
// reference ledger.
type world struct {
	testing.TB
	ctx       context.Context
	clock     *clock
	records   *postgres.Store
	live      *memory.Store
	plane     plane // what spends: live, unless a test puts another there
	config    admin.Config
	handler   http.Handler
	router    routers.Router
	publisher *admin.Publisher
	jobs      *admin.Jobs
	org       alfred.OrgID
	owner     person
}

// plane is a live ledger as the data plane sees it.
type plane interface {
	Catalog(ctx context.Context, org alfred.OrgID) (*alfred.Catalog, error)
	Principal(ctx context.Context, keyHash string) (*alfred.Principal, error)
	Reserve(ctx context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error)
	Settle(ctx context.Context, s alfred.Settlement) (alfred.EndState, error)
}

// person is somebody with a key.
type person struct{ id, key, email string }

func newWorld(t testing.TB, edit ...func(*admin.Config)) *world {
	t.Helper()
	w := &world{TB: t, ctx: t.Context(), clock: &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}, records: openRecords(t)}
	w.live = memory.New(w.clock.Now)
	w.plane = w.live
	w.config = admin.Config{
		Records: w.records, Live: w.live, Pepper: []byte("a pepper of thirty-two characters"), PublicURL: "http://localhost:8000", Development: true,
		TrustedProxies: []string{"127.0.0.0/8"}, Now: w.clock.Now, Entropy: rand.Reader, Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
	w.config.Ledger = &admin.Rebuilder{Records: w.records, Live: w.live, Now: w.clock.Now, Log: w.config.Log}
	for _, e := range edit {
		e(&w.config)
	}
	w.must(admin.Setup(w.ctx, w.records, alfred.DefaultSettings(), w.clock.Now(), rand.Reader))
	w.must(admin.Republish(w.ctx, w.records, w.clock.Now()))
	orgs, err := w.records.Organizations(w.ctx)
	w.must(err)
	w.org = orgs[0].ID
	storetest.Open(t, w.live, w.org)
	w.handler, err = admin.NewHandler(w.config)
	w.must(err)
	doc, err := api.Document()
	w.must(err)
	w.router, err = gorillamux.NewRouter(doc)
	w.must(err)
	w.publisher = &admin.Publisher{Records: w.records, Live: w.live, Now: w.clock.Now, Log: w.config.Log, Ledger: w.config.Ledger}
	w.jobs = &admin.Jobs{Config: w.config}
	return w
}

// testLog shows failures of the server in the test's own log.
type testLog struct{ testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("level=ERROR")) {
		l.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// started is a world with its owner.
func started(t testing.TB, edit ...func(*admin.Config)) *world {
	t.Helper()
	w := newWorld(t, edit...)
	w.owner = w.created(w.do("POST", "/v1/admin/users", "", `{"email":"owner@company.com","name":"Owner","personal_quota":10000}`))
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// reply is an answer of the API.
type reply struct {
	world  *world
	what   string
	status int
	header http.Header
	body   []byte
}

// do asks the API, with headers as "Name: value", and checks the answer
// against the document.
func (w *world) do(method, path, key, body string, headers ...string) reply {
	w.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body == "" {
		r = httptest.NewRequest(method, path, nil)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	if strings.HasSuffix(r.URL.Path, "/stream") { // it would go on for ever
		ctx, leave := context.WithCancel(r.Context())
		defer leave()
		w.handler.ServeHTTP(firstWords{rec, leave}, r.WithContext(ctx))
	} else {
		w.handler.ServeHTTP(rec, r)
	}
	out := reply{w, method + " " + path, rec.Code, rec.Header(), rec.Body.Bytes()}
	if dry, _ := strconv.ParseBool(r.URL.Query().Get("dry_run")); !dry {
		out.conforms(r)
	}
	return out
}

func (r reply) conforms(request *http.Request) {
	r.world.Helper()
	route, params, err := r.world.router.FindRoute(request)
	if err != nil {
		return // an answer to a path outside the document
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route},
		Status:                 r.status, Header: r.header, Body: io.NopCloser(bytes.NewReader(r.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		r.world.Errorf("%s: the answer is not what the document says: %v\n%s", r.what, err, r.body)
	}
}

// is checks the status and returns the body's fields.
func (r reply) is(status int) map[string]any {
	r.world.Helper()
	if r.status != status {
		r.world.Fatalf("%s: got %d, want %d: %s", r.what, r.status, status, r.body)
	}
	out := map[string]any{}
	if len(r.body) > 0 && strings.Contains(r.header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(r.body, &out); err != nil {
			r.world.Fatalf("%s: %v: %s", r.what, err, r.body)
		}
	}
	return out
}

// refused checks the code of a problem and returns it.
func (r reply) refused(status int, code alfred.Code) map[string]any {
	r.world.Helper()
	body := r.is(status)
	e, ok := body["error"].(map[string]any)
	if !ok || e["code"] != string(code) {
		r.world.Fatalf("%s: got %s, want code %s", r.what, r.body, code)
	}
	if r.header.Get("Content-Type") != "application/problem+json" {
		r.world.Fatalf("%s: content type %q", r.what, r.header.Get("Content-Type"))
	}
	return body
}

// list is the data of a list.
func (r reply) list() []any {
	r.world.Helper()
	data, ok := r.is(http.StatusOK)["data"].([]any)
	if !ok {
		r.world.Fatalf("%s: no data: %s", r.what, r.body)
	}
	return data
}

func (w *world) created(r reply) person {
	w.Helper()
	b := r.is(http.StatusCreated)
	return person{text(b["id"]), text(b["api_key"]), text(b["email"])}
}

func text(v any) string { s, _ := v.(string); return s }

func number(v any) float64 { f, _ := v.(float64); return f }

// user makes a person; more is more of the body, as `,"field":value`.
func (w *world) user(email, more string) person {
	w.Helper()
	return w.created(w.do("POST", "/v1/admin/users", w.owner.key, `{"email":"`+email+`","name":"`+email+`"`+more+`}`))
}

// team makes a team and puts people into it.
func (w *world) team(name, pool string, members ...person) string {
	w.Helper()
	id := text(w.do("POST", "/v1/admin/teams", w.owner.key, `{"name":"`+name+`","common_pool":`+pool+`}`).is(http.StatusCreated)["id"])
	for _, m := range members {
		w.clock.Set(w.clock.Now().Add(time.Second))
		w.do("POST", "/v1/admin/teams/"+id+"/members/"+m.id, w.owner.key, "").is(http.StatusCreated)
	}
	return id
}

func (w *world) quota(p person) map[string]any {
	w.Helper()
	return w.do("GET", "/v1/users/me/quota", p.key, "").is(http.StatusOK)
}

// publish tells the data plane everything that is waiting.
func (w *world) publish() {
	w.Helper()
	for {
		n, err := w.publisher.Step(w.ctx)
		w.must(err)
		if n == 0 {
			return
		}
	}
}

// spend charges a request of a person to the live counters, as the data plane
// does: from the published directory, held and settled.
func (w *world) spend(p person, credits alfred.Credits, priority alfred.Priority) alfred.ReserveReply {
	w.Helper()
	w.publish()
	c, err := w.plane.Catalog(w.ctx, w.org)
	w.must(err)
	who, err := w.plane.Principal(w.ctx, alfred.HashSecret(p.key, w.config.Pepper))
	w.must(err)
	plan, refusal, err := alfred.NewPlan(c, who, alfred.Ask{Model: "gpt-4", Priority: priority}, w.clock.Now())
	w.must(err)
	if refusal != nil {
		w.Fatalf("refused: %+v", refusal)
	}
	hold, err := alfred.NewID("hold", w.clock.Now(), rand.Reader)
	w.must(err)
	legs := plan.Legs
	if plan.Overdraft != nil {
		legs = append(legs, *plan.Overdraft)
	}
	out, err := w.plane.Reserve(w.ctx, alfred.ReserveRequest{
		Org: w.org, Hold: alfred.HoldID(hold), Need: credits, Want: credits, Caps: plan.Caps, Legs: legs, Window: plan.Window, TTL: time.Minute,
	})
	w.must(err)
	if out.Verdict == alfred.VerdictGranted {
		_, err := w.plane.Settle(w.ctx, alfred.Settlement{Record: out.Record, Cost: credits, Event: w.event(p, credits, hold)})
		w.must(err)
	}
	return out
}

func (w *world) event(p person, cost alfred.Credits, hold string) alfred.UsageEvent {
	return alfred.UsageEvent{
		Kind: alfred.EventSettle, Org: w.org, Reservation: alfred.HoldID(hold), Request: alfred.RequestID("req" + strings.TrimPrefix(hold, "hold")),
		Decision: alfred.DecisionID("dec" + strings.TrimPrefix(hold, "hold")), At: w.clock.Now(), User: alfred.UserID(p.id), Model: "gpt-4", Provider: "mock",
		Priority: alfred.PriorityNormal, Cost: cost, Status: 200, Outcome: alfred.OutcomeCompleted,
	}
}

func plain(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stream adapts the reference ledger's usage stream.
type stream struct{ *memory.Store }

func (s stream) ReadEvents(ctx context.Context, org alfred.OrgID, consumer string, max int, block time.Duration) ([]admin.Entry, error) {
	entries, err := s.Store.ReadEvents(ctx, org, consumer, max, block)
	out := make([]admin.Entry, len(entries))
	for i, e := range entries {
		out[i] = admin.Entry(e)
	}
	return out, err
}

func (s stream) ConfirmSpool(context.Context, string, []int64) error { return nil }

// record books everything that is in the usage stream.
func (w *world) record() {
	w.Helper()
	r := admin.Recorder{Records: w.records, Events: stream{w.live}, Consumer: "test", Log: w.config.Log}
	for {
		n, err := r.Step(w.ctx, w.org, 0)
		w.must(err)
		if n == 0 {
			return
		}
	}
}

// firstWords is a client that leaves as soon as an answer has begun.
type firstWords struct {
	*httptest.ResponseRecorder
	leave func()
}

func (f firstWords) Write(b []byte) (int, error) {
	defer f.leave()
	return f.ResponseRecorder.Write(b)
}

func (f firstWords) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

func (f firstWords) Flush() {
	defer f.leave()
	f.ResponseRecorder.Flush()
}
