package ledgerwatch

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Short counts settlements for which fewer replicas answered in time than
// were asked for. It is what redis.Wait tells.
func Short(r prometheus.Registerer) func(acknowledged int) {
	c := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "alfred_redis_wait_short_total",
		Help: "Settlements that were booked before as many replicas had them as are waited for.",
	})
	r.MustRegister(c)
	return func(int) { c.Inc() }
}
