package admin

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the control plane's figures. A nil *Metrics counts nothing.
type Metrics struct {
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	published prometheus.Counter
	recorded  prometheus.Counter
	setAside  prometheus.Counter
	retries   *prometheus.CounterVec
	failures  *prometheus.CounterVec
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
	r.MustRegister(m.requests, m.seconds, m.published, m.recorded, m.setAside, m.retries, m.failures)
	return m
}

func (m *Metrics) request(operation string, status int, took time.Duration) {
	if m == nil || operation == "" {
		return
	}
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(operation).Observe(took.Seconds())
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
