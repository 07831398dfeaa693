package mock

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tiktoken-go/tokenizer"
)

const bodyLimit = 64 << 20

// NewHandler returns a provider with nothing received yet.
func NewHandler() http.Handler {
	codec, err := tokenizer.Get(tokenizer.O200kBase)
	if err != nil {
		panic("mock: the tokenizer's vocabulary is not compiled in: " + err.Error())
	}
	p := &provider{codec: codec, gate: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", p.completions)
	mux.HandleFunc("GET /v1/models", models)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /_received", p.showReceived)
	mux.HandleFunc("DELETE /_received", p.forgetReceived)
	mux.HandleFunc("POST /_release", p.release)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.record(r, nil)
		refuse(w, http.StatusNotFound, "invalid_request_error", "", "unknown_url", "Unknown request URL: "+r.Method+" "+r.URL.Path)
	})
	return mux
}

type provider struct {
	codec tokenizer.Codec

	mu       sync.Mutex
	received []received
	gate     chan struct{} // closed, and replaced, by release
}

// received is one request as it arrived.
type received struct {
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Header  http.Header `json:"headers"`
	Body    string      `json:"body"` // at most the first MiB
	Size    int         `json:"size"`
	Arrived time.Time   `json:"arrived"`
}

func (p *provider) record(r *http.Request, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	header := r.Header.Clone()
	header.Set("Host", r.Host)
	p.received = append(p.received, received{
		Method: r.Method, Path: r.URL.RequestURI(), Header: header, Body: string(body[:min(len(body), 1<<20)]), Size: len(body), Arrived: time.Now().UTC(),
	})
	const kept = 200
	if len(p.received) > kept {
		p.received = append([]received(nil), p.received[len(p.received)-kept:]...)
	}
}

func (p *provider) showReceived(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	list := p.received
	p.mu.Unlock()
	if n, err := strconv.Atoi(r.URL.Query().Get("last")); err == nil && n >= 0 && n < len(list) {
		list = list[len(list)-n:]
	}
	if list == nil {
		list = []received{}
	}
	answer(w, http.StatusOK, list)
}

func (p *provider) forgetReceived(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	p.received = nil
	p.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (p *provider) release(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	close(p.gate)
	p.gate = make(chan struct{})
	p.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// held waits for a release, or for the client to leave.
func (p *provider) held(r *http.Request) {
	p.mu.Lock()
	gate := p.gate
	p.mu.Unlock()
	select {
	case <-gate:
	case <-r.Context().Done():
	}
}

func models(w http.ResponseWriter, _ *http.Request) {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int    `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	var list []model
	for _, id := range []string{"gpt-4", "gpt-4o", "gpt-4o-mini", "mock-long", "mock-slow"} {
		list = append(list, model{ID: id, Object: "model", Created: 1_700_000_000, OwnedBy: "mock"})
	}
	answer(w, http.StatusOK, map[string]any{"object": "list", "data": list})
}

func answer(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(body); err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// fault is OpenAI's error object.
type fault struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func newFault(kind, param, code, message string) map[string]fault {
	f := fault{Message: message, Type: kind}
	if param != "" {
		f.Param = &param
	}
	if code != "" {
		f.Code = &code
	}
	return map[string]fault{"error": f}
}

func refuse(w http.ResponseWriter, status int, kind, param, code, message string) {
	answer(w, status, newFault(kind, param, code, message))
}
