package envoy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/alfred-envoy/alfred/envoy"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// world is a real Envoy between parts that a test scripts: a provider, an admin app, and a stand-in for alfred-extproc.
type world struct {
	*envoytest.Envoy
	alfred   *processor
	provider *upstream
	admin    *upstream
}

// newWorld starts everything. edit, if given, changes Envoy's configuration first.
func newWorld(t *testing.T, edit func(*envoy.Config)) *world {
	t.Helper()
	w := &world{provider: newUpstream(t), admin: newUpstream(t)}
	socket := filepath.Join(t.TempDir(), "x.sock")
	w.alfred = newProcessor(t, "unix", socket)
	c := local()
	c.Listen, c.AdminListen, c.ExtProc = "", "", "unix:"+socket
	c.Admin = w.admin.address()
	c.Providers = []envoy.Provider{{Name: "mock", BaseURL: w.provider.URL + "/v1"}}
	if edit != nil {
		edit(&c)
	}
	w.Envoy = envoytest.Start(t, c)
	return w
}

// upstream is an HTTP server that remembers what it received and answers as the test says.
type upstream struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []*seen
	answer atomic.Pointer[http.HandlerFunc]
}

type seen struct {
	*http.Request
	body []byte
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{}
	u.answers(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, `{"id":"ok"}`) })
	u.Server = httptest.NewServer(http.HandlerFunc(u.serve))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	u.seen = append(u.seen, &seen{r, body})
	u.mu.Unlock()
	(*u.answer.Load())(w, r)
}

func (u *upstream) answers(f http.HandlerFunc) { u.answer.Store(&f) }

func (u *upstream) address() string { return strings.TrimPrefix(u.URL, "http://") }

func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.seen)
}

// last is what arrived last, or nil.
func (u *upstream) last() *seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.seen) == 0 {
		return nil
	}
	return u.seen[len(u.seen)-1]
}

// processor stands in for alfred-extproc. A request says in x-script what is to happen to it; without one it is admitted, and
// sent to the provider "mock".
type processor struct {
	extprocv3.UnimplementedExternalProcessorServer
	server  *grpc.Server
	streams atomic.Int64
	ended   chan ending // what the server saw of a stream, for requests that ask with x-report
}

// ending is how a stream looked to the server.
type ending struct {
	chunks    []string // bodies of the response, as they came
	responded bool     // response headers were seen
	err       error    // what Recv returned at last
}

func newProcessor(t *testing.T, network, address string, options ...grpc.ServerOption) *processor {
	t.Helper()
	p := &processor{ended: make(chan ending, 2000)}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	p.server = grpc.NewServer(append(options, grpc.MaxRecvMsgSize(envoy.BodyLimit+2<<20))...)
	extprocv3.RegisterExternalProcessorServer(p.server, p)
	served := make(chan error, 1)
	go func() { served <- p.server.Serve(l) }()
	t.Cleanup(func() {
		p.server.Stop()
		<-served //nolint:errcheck // that it ends is what counts
	})
	return p
}

func (p *processor) Process(stream extprocv3.ExternalProcessor_ProcessServer) error {
	p.streams.Add(1)
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if first.GetRequestHeaders() == nil {
		// A request that Envoy refused before any filter saw it: only its own answer passes here.
		return acknowledge(stream, first)
	}
	head := header(first.GetRequestHeaders())
	var end ending
	if head("x-report") != "" {
		defer func() { p.ended <- end }()
	}
	switch head("x-script") {
	case "return nil at headers":
		return nil
	case "return error at headers":
		return status.Error(codes.Internal, "on purpose")
	case "silent":
		<-stream.Context().Done()
		return stream.Context().Err()
	case "deny":
		return stream.Send(denial(head))
	case "set host":
		return stream.Send(headersReply(set(":authority", "elsewhere.example")))
	}
	if err := stream.Send(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: &extprocv3.HeadersResponse{}}}); err != nil {
		return err
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			end.err = err
			return nil
		}
		var reply *extprocv3.ProcessingResponse
		switch m := message.Request.(type) {
		case *extprocv3.ProcessingRequest_RequestBody:
			switch head("x-script") {
			case "return nil at body":
				return nil
			case "deny at body":
				reply = denial(head)
			case "undecided":
				reply = bodyReply(nil)
			default:
				reply = admit(m.RequestBody.GetBody(), head)
			}
		case *extprocv3.ProcessingRequest_ResponseHeaders:
			end.responded = true
			reply = &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: &extprocv3.HeadersResponse{
				Response: &extprocv3.CommonResponse{HeaderMutation: set("x-alfred-request-id", "req_ours", "x-alfred-remaining", "42")},
			}}}
		case *extprocv3.ProcessingRequest_ResponseBody:
			end.chunks = append(end.chunks, string(m.ResponseBody.GetBody()))
			reply = &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: &extprocv3.BodyResponse{}}}
		}
		if err := stream.Send(reply); err != nil {
			end.err = err
			return err
		}
	}
}

// acknowledge answers a response that is none of ours with nothing to change.
func acknowledge(stream extprocv3.ExternalProcessor_ProcessServer, message *extprocv3.ProcessingRequest) error {
	for {
		reply := &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: &extprocv3.BodyResponse{}}}
		if message.GetResponseHeaders() != nil {
			reply.Response = &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: &extprocv3.HeadersResponse{}}
		}
		if err := stream.Send(reply); err != nil {
			return err
		}
		var err error
		if message, err = stream.Recv(); err != nil {
			return nil
		}
	}
}

// admit sends the request to a provider with an edited body, path and credential, all in one reply.
func admit(body []byte, head func(string) string) *extprocv3.ProcessingResponse {
	edited := bytes.Replace(body, []byte("hello"), []byte("hello, edited"), 1)
	backend := "mock"
	if b := head("x-backend"); b != "" {
		backend = b
	}
	mutation := set(
		":path", "/base/v1/chat/completions", "authorization", "Bearer provider-key", envoy.BackendHeader, backend,
		"accept-encoding", "identity", "content-length", fmt.Sprint(len(edited)),
	)
	mutation.RemoveHeaders = []string{"x-api-key"}
	return bodyReply(&extprocv3.CommonResponse{
		HeaderMutation:  mutation,
		BodyMutation:    &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: edited}},
		ClearRouteCache: true,
	})
}

func denial(head func(string) string) *extprocv3.ProcessingResponse {
	var code int32
	_, _ = fmt.Sscan(head("x-status"), &code)
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ImmediateResponse{ImmediateResponse: &extprocv3.ImmediateResponse{
		Status:  &typev3.HttpStatus{Code: typev3.StatusCode(code)},
		Headers: set("content-type", "application/json", "x-should-retry", "false"),
		Body:    []byte(`{"from":"alfred"}`),
		Details: head("x-details"),
	}}}
}

func bodyReply(r *extprocv3.CommonResponse) *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestBody{RequestBody: &extprocv3.BodyResponse{Response: r}}}
}

func headersReply(m *extprocv3.HeaderMutation) *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: &extprocv3.HeadersResponse{
		Response: &extprocv3.CommonResponse{HeaderMutation: m},
	}}}
}

func set(pairs ...string) *extprocv3.HeaderMutation {
	m := &extprocv3.HeaderMutation{}
	for i := 0; i < len(pairs); i += 2 {
		m.SetHeaders = append(m.SetHeaders, &corev3.HeaderValueOption{
			Header:       &corev3.HeaderValue{Key: pairs[i], RawValue: []byte(pairs[i+1])},
			AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
		})
	}
	return m
}

func header(h *extprocv3.HttpHeaders) func(string) string {
	return func(name string) string {
		for _, v := range h.GetHeaders().GetHeaders() {
			if v.GetKey() == name {
				return string(v.GetRawValue()) + v.GetValue()
			}
		}
		return ""
	}
}

// reply is what a client got, body read.
type reply struct {
	*http.Response
	body string
}

// call sends a request; headers are name, value pairs.
func (w *world) call(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{res, string(text)}
}

// complete sends a chat completion.
func (w *world) complete(t *testing.T, headers ...string) reply {
	t.Helper()
	return w.call(t, http.MethodPost, "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hello"}]}`, headers...)
}

// client follows no redirects.
var client = &http.Client{
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// wantError checks an answer of Envoy's own to a caller of models.
func (r reply) wantError(t *testing.T, code int, name string) {
	t.Helper()
	r.want(t, "application/json", code, name)
}

// wantProblem checks an answer of Envoy's own to a user of the control plane.
func (r reply) wantProblem(t *testing.T, code int, name string) {
	t.Helper()
	r.want(t, "application/problem+json", code, name)
}

func (r reply) want(t *testing.T, contentType string, code int, name string) {
	t.Helper()
	if r.StatusCode != code || r.Header.Get("Content-Type") != contentType {
		t.Fatalf("got %s, %s: %s; want %d, %s", r.Status, r.Header.Get("Content-Type"), r.body, code, contentType)
	}
	var got struct {
		Type, Title, Detail string
		Status              int
		Error               struct {
			Message, Type, Code string
			Param               *string
		}
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	if got.Status != code || got.Type != "http://localhost:8000/errors/"+name || got.Error.Code != name ||
		got.Title == "" || got.Detail == "" || got.Error.Message != got.Detail || got.Error.Type == "" {
		t.Errorf("body %s does not say %d %s", r.body, code, name)
	}
}
