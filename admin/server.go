package admin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/gin-gonic/gin"
	middleware "github.com/oapi-codegen/nethttp-middleware"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// Config is what the API needs. Records, Live and Pepper are required.
type Config struct {
	Records        Records
	Live           Live
	Ledger         *Rebuilder // compares and reconciles the live ledger; nil: this process cannot
	Pepper         []byte     // that API keys are hashed with
	PublicURL      string     // where people reach Alfred, without a slash at the end
	Development    bool       // the first person may be created without a token
	BootstrapToken string     // what the first person must be created with, if set
	TrustedProxies []string   // whose word is taken for a client's address
	Providers      []Provider // that can be asked whether they answer
	Webhooks       Webhooks   // how channels are reached
	Now            func() time.Time
	Getenv         func(name string) string // to show it beside what counts; nil: nothing is set
	Closing        <-chan struct{}          // ends streams when the process is to end; nil: never
	Entropy        io.Reader
	Metrics        *Metrics
	UI             http.Handler // the web app below /static/; nil: a page that says how to build it
	Log            *slog.Logger
}

// server answers the operations of the API.
type server struct {
	Config
	router    routers.Router
	spec      []byte
	origins   *http.CrossOriginProtection
	byAddress *attempts // to sign in
	byPrefix  *attempts
	compared  recent[comparedThrift]
	pools     recent[[]api.Team]
}

// requestLimit bounds how long a request may wait for the stores: a store that
// has stopped answering is a 503 and not a connection that hangs. What goes
// through a whole history takes longer.
const (
	requestLimit = 10 * time.Second
	historyLimit = 5 * time.Minute
)

// maxBody bounds a request to the API. The data plane has its own bound.
const maxBody = 1 << 20

// NewHandler returns the whole HTTP surface of the control plane but health
// and metrics.
//
// A request is named, recovered and logged; routed by the OpenAPI document;
// authenticated and authorised; read strictly; answered from an earlier reply
// if it is a repetition; validated against the document; and then handled by
// gin.
func NewHandler(c Config) (http.Handler, error) {
	document, err := api.Document()
	if err != nil {
		return nil, fmt.Errorf("load the API document: %w", err)
	}
	document.Servers = nil
	spec, err := document.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("write the API document: %w", err)
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		return nil, fmt.Errorf("route the API document: %w", err)
	}
	s := &server{
		Config: c, router: router, spec: spec, origins: http.NewCrossOriginProtection(),
		byAddress: newAttempts(20, 3*time.Second), byPrefix: newAttempts(5, 12*time.Second),
	}
	public, err := url.Parse(c.PublicURL)
	if err == nil {
		err = s.origins.AddTrustedOrigin(public.Scheme + "://" + public.Host)
	}
	if err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	engine, err := s.engine()
	if err != nil {
		return nil, err
	}
	validate := middleware.OapiRequestValidatorWithOptions(document, &middleware.Options{
		Options:              openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		ErrorHandlerWithOpts: s.refuseInvalid,
	})
	versioned := s.explained(s.admit(s.strict(s.once(validate(engine)))))
	return s.named(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			versioned.ServeHTTP(w, r)
			return
		}
		engine.ServeHTTP(w, r)
	})), nil
}

// call is what is known of one request to the API.
type call struct {
	request   string // its id
	operation string // operationId, "" outside the API
	actor     alfred.Actor
	user      alfred.User    // who asks; zero while bootstrapping
	session   alfred.Session // that they ask with; zero with a key
	bootstrap bool
	ip        string
	dryRun    bool
	secret    string // shown in the reply, and to be removed from what is kept of it
	claim     claim
	row       *bulkRow // of a job that is carried out; nil: a request
}

type callKey struct{}

// callOf returns the request's call. Outside a request, in a job, it is the
// system's own.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// named gives the request its id, answers a panic, and logs the request once.
func (s *server) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Now()
		id := r.Header.Get("X-Request-ID")
		if !plainToken(id) {
			id, _ = alfred.NewID("req", start, s.Entropy)
		}
		c := &call{request: id}
		c.dryRun, _ = dryRunOf(r.URL.Query()) // an error is told before anything is written
		w.Header().Set("X-Request-ID", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		seen := &statusWriter{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == http.ErrAbortHandler { //nolint:errorlint // a panic's value
				defer panic(p) // cuts the connection
			} else if p != nil {
				s.Log.Error("request panicked", "request_id", id, "operation", c.operation, "panic", p, "stack", string(debug.Stack()))
				if seen.status == 0 {
					s.refuse(seen, c, alfred.Errorf(alfred.CodeInternal, "Something went wrong. The request id is %s.", id))
				}
			}
			s.Metrics.request(c.operation, seen.status, s.Now().Sub(start))
			s.Log.Info("request", "request_id", id, "operation", c.operation, "method", r.Method, "path", r.URL.Path, "status", seen.status,
				"user", c.actor.User, "millis", s.Now().Sub(start).Milliseconds())
		}()
		r.Body = http.MaxBytesReader(seen, r.Body, maxBody)
		next.ServeHTTP(seen, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	})
}

// plainToken says whether a request id that a client sent may be echoed.
func plainToken(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Flush serves streams, through the frames between.
func (w *statusWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() } // the client may be gone

// Unwrap serves http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// engine returns gin with every route.
func (s *server) engine() (*gin.Engine, error) {
	engine := gin.New()
	engine.ContextWithFallback = true
	engine.HandleMethodNotAllowed = true
	if err := engine.SetTrustedProxies(s.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted proxies: %w", err)
	}
	engine.Use(func(c *gin.Context) { callOf(c).ip = c.ClientIP() })
	s.routes(engine)
	return engine, nil
}
