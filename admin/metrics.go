package admin

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
)

// Metrics are the control plane's figures. A nil *Metrics counts nothing.
type Metrics struct {
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	published prometheus.Counter
	recorded  prometheus.Counter
	setAside  prometheus.Counter
	waiting   *prometheus.GaugeVec
	retries   *prometheus.CounterVec
	failures  *prometheus.CounterVec
	rebuilds  prometheus.Counter
	drift     *prometheus.GaugeVec
	delivered *prometheus.CounterVec
}

// NewMetrics registers the figures.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "alfred_admin_requests_total", Help: "Requests to the API, by operation and status."}, []string{"operation", "status"}),
		seconds:   prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "alfred_admin_request_seconds", Help: "Time of a request to the API."}, []string{"operation"}),
		published: prometheus.NewCounter(prometheus.CounterOpts{Name: "alfred_admin_published_topics_total", Help: "Changes told to the data plane."}),
		recorded:  prometheus.NewCounter(prometheus.CounterOpts{Name: "alfred_admin_recorded_entries_total", Help: "Entries of the usage stream that were acknowledged."}),
		setAside:  prometheus.NewCounter(prometheus.CounterOpts{Name: "alfred_admin_entries_set_aside_total", Help: "Entries of the usage stream that could not be booked."}),
		retries:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "alfred_admin_entries_retried_total", Help: "Entries that were set aside and tried again, by result (recorded, refused)."}, []string{"result"}),
		failures:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "alfred_admin_background_failures_total", Help: "Failed steps beside the API."}, []string{"what"}),
	}
	m.rebuilds = prometheus.NewCounter(prometheus.CounterOpts{Name: "alfred_ledger_rebuilds_total", Help: "Live ledgers that were built from the record because they were empty or may have come back older."})
	m.drift = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "alfred_ledger_drift",
		Help: "Live counters against the record, by organisation and figure: max and sum in credits, counters that drift, when it was measured (Unix time).",
	}, []string{"org", "figure"})
	m.waiting = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "alfred_admin_entries_aside",
		Help: "Entries of the usage stream that are set aside and wait to be booked, by organisation, counted up to 1000.",
	}, []string{"org"})
	m.delivered = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "alfred_admin_deliveries_total",
		Help: "Attempts to deliver a message to a channel, by what they came to (delivered, pending: to be tried again, failed: given up).",
	}, []string{"state"})
	r.MustRegister(m.delivered, m.waiting, m.requests, m.seconds, m.published, m.recorded, m.setAside, m.retries, m.failures, m.rebuilds, m.drift)
	return m
}

func (m *Metrics) request(operation string, status int, took time.Duration) {
	if m == nil || operation == "" {
		return
	}
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(operation).Observe(took.Seconds())
}

func (m *Metrics) deliver(state alfred.DeliveryState) {
	if m != nil {
		m.delivered.WithLabelValues(string(state)).Inc()
	}
}

func (m *Metrics) publish(n int) {
	if m != nil {
		m.published.Add(float64(n))
	}
}

func (m *Metrics) record(n int) {
	if m != nil {
		m.recorded.Add(float64(n))
	}
}

func (m *Metrics) aside() {
	if m != nil {
		m.setAside.Inc()
	}
}

func (m *Metrics) waits(org alfred.OrgID, n int) {
	if m != nil {
		m.waiting.WithLabelValues(string(org)).Set(float64(n))
	}
}

func (m *Metrics) retried(recorded bool) {
	switch {
	case m == nil:
	case recorded:
		m.retries.WithLabelValues("recorded").Inc()
	default:
		m.retries.WithLabelValues("refused").Inc()
	}
}

func (m *Metrics) failed(what string) {
	if m != nil {
		m.failures.WithLabelValues(what).Inc()
	}
}

func (m *Metrics) rebuilt() {
	if m != nil {
		m.rebuilds.Inc()
	}
}

func (m *Metrics) drifted(org alfred.OrgID, d drift) {
	if m == nil {
		return
	}
	for figure, n := range map[string]float64{
		"max": float64(d.max) / float64(alfred.Credit), "sum": float64(d.sum) / float64(alfred.Credit),
		"counters": float64(d.drifting), "measured": float64(d.at.Unix()),
	} {
		m.drift.WithLabelValues(string(org), figure).Set(n)
	}
}
