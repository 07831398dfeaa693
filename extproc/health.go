package extproc

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readiness says whether requests should be sent here.
type readiness struct{ draining atomic.Bool }

func (r *readiness) drain() { r.draining.Store(true) }

// unready returns why requests should not be sent here, or "". A store that
// stops answering later does not make the process unready: every process
// would be, and callers would lose the answer that says why.
func (s *Server) unready() string {
	switch {
	case s.ready.draining.Load():
		return "shutting down"
	case !s.directory.read.Load():
		return "the directory has not been read yet: is Redis reachable?"
	}
	if why := s.gate.refusal(); why != nil {
		return why.Error()
	}
	return ""
}

// Handler serves /healthz (the process lives), /readyz (it can serve) and
// /metrics, for operators; it must not be reachable from outside.
func (s *Server) Handler(metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeStatus(w, http.StatusOK, map[string]any{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := s.unready(); why != "" {
			writeStatus(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "reason": why})
			return
		}
		learning := s.gate.learner.count() > 0
		body := map[string]any{"status": "ready", "degraded": learning || s.gate.breaker.isOpen()}
		if learning {
			body["reason"] = "the live ledger is being built anew: the fail mode decides about new requests"
		}
		state, why := s.directory.state.state(s.now())
		if body["directory"] = state; why != "" {
			body["directory_reason"] = why
		}
		if s.warnings != nil {
			body["warnings"] = s.warnings()
		}
		writeStatus(w, http.StatusOK, body)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
}

func writeStatus(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader has gone
}
