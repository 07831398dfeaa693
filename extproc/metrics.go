package extproc

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
)

// Metrics are what operators watch. Labels take values from fixed lists only:
// never a person, a key, a model or a path.
type Metrics struct {
	decisions    *prometheus.CounterVec
	settled      *prometheus.CounterVec
	admission    prometheus.Histogram
	redis        *prometheus.HistogramVec
	redisErrors  *prometheus.CounterVec
	degraded     *prometheus.CounterVec
	streams      prometheus.Gauge
	usageMissing prometheus.Counter
	overruns     prometheus.Counter
	shrunk       prometheus.Counter
	reaped       prometheus.Counter
	holdsLost    prometheus.Counter
	retries      prometheus.Counter
	endingsLost  prometheus.Counter
	resent       prometheus.Counter
	adopted      prometheus.Counter
	recordsLost  prometheus.Counter
	directory    *prometheus.CounterVec
	denialHits   prometheus.Counter
	panics       prometheus.Counter

	allowanceRefusals *prometheus.CounterVec
	allowancesLost    prometheus.Counter
}

// NewMetrics registers the data plane's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "alfred_" + name, Help: help})
		r.MustRegister(c)
		return c
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "alfred_" + name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	m := &Metrics{
		decisions:    counters("decisions_total", "Requests decided, by verdict (allow, deny) and code.", "verdict", "code"),
		settled:      counters("holds_ended_total", "Holds ended, by act (settle, void), outcome of the request and state found.", "act", "outcome", "state"),
		redisErrors:  counters("redis_errors_total", "Calls to the live store that failed, by operation.", "op"),
		degraded:     counters("degraded_total", "Requests decided without the live store, by fail mode.", "mode"),
		usageMissing: counter("usage_missing_total", "Answers that reported no usage and were settled by an estimate."),
		overruns:     counter("overruns_total", "Settlements above what was held."),
		shrunk:       counter("shrunk_total", "Requests whose output limit was lowered to fit."),
		reaped:       counter("holds_reaped_total", "Expired holds that this process charged by policy."),
		holdsLost:    counter("holds_lost_total", "Running requests whose hold was gone when it was extended."),
		retries:      counter("ending_retries_total", "Attempts to end a hold beyond the first."),
		endingsLost:  counter("endings_lost_total", "Holds given up because too many wait to be ended; the reaper charges them."),
		resent:       counter("spool_resent_total", "Settlements that were sent again from the spool."),
		adopted:      counter("spool_adopted_total", "Parts of the spool that a process that died left, and this one sends."),
		recordsLost:  counter("denials_dropped_total", "Refusals that were not recorded because too many waited."),
		directory:    counters("directory_lookups_total", "Lookups of keys, by where the answer came from.", "from"),
		denialHits:   counter("denial_cache_hits_total", "Requests refused from memory."),
		panics:       counter("panics_total", "Handlers that panicked."),

		allowanceRefusals: counters("allowance_refusals_total", "Requests refused in an outage for want of an allowance, by reason (none, used_up, expired, rate).", "reason"),
		allowancesLost:    counter("allowances_lost_total", "Allowances that were reaped before they were given back."),
		admission: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "alfred_admission_seconds",
			Help: "Time from a request's body to the decision.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14),
		}),
		redis: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "alfred_redis_seconds",
			Help: "Time of calls to the live store, by operation.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14),
		}, []string{"op"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "alfred_streams_open", Help: "Requests in flight."}),
	}
	r.MustRegister(m.admission, m.redis, m.streams)
	return m
}

// watch registers what is read when somebody asks.
func watchGauge(r prometheus.Registerer, name, help string, read func() float64) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "alfred_" + name, Help: help}, read))
}

func (m *Metrics) decided(d alfred.Decision) {
	if d.Allowed {
		m.decisions.WithLabelValues("allow", "").Inc()
		return
	}
	m.decisions.WithLabelValues("deny", string(d.Code)).Inc()
}

// called records one call to the live store.
func (m *Metrics) called(op string, began time.Time, err error) {
	m.redis.WithLabelValues(op).Observe(time.Since(began).Seconds())
	if err != nil {
		m.redisErrors.WithLabelValues(op).Inc()
	}
}
