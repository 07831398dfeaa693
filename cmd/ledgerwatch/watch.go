package ledgerwatch

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred/store/redis"
)

// Every is how often the settings are looked at.
const Every = time.Minute

// Source is a live ledger that tells how it is set.
type Source interface {
	Settings(context.Context) ([]redis.Setting, error)
}

// Watch looks at the settings at the start and every minute. A setting is
// logged when its verdict changes, so that what is wrong is said once and not
// every minute. A wrong setting makes nobody unready: the ledger works, with
// less than what is promised.
type Watch struct {
	source Source
	log    *slog.Logger
	ok     *prometheus.GaugeVec

	mu   sync.Mutex
	last map[string]redis.Setting
}

// New registers the metrics. It needs no server.
func New(source Source, r prometheus.Registerer, log *slog.Logger) *Watch {
	w := &Watch{source: source, log: log, last: map[string]redis.Setting{}}
	w.ok = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "alfred_redis_setting_ok",
		Help: "Whether the live store's servers are set as they should be, by setting: 1 is so, 0 is not, NaN is unknown.",
	}, []string{"setting"})
	r.MustRegister(w.ok)
	return w
}

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		w.Look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Look does it once. A ledger that does not answer leaves everything as it
// was: that is told elsewhere.
func (w *Watch) Look(ctx context.Context) {
	found, err := w.source.Settings(ctx)
	if err != nil {
		w.log.DebugContext(ctx, "the settings of Redis cannot be read", "error", err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range found {
		before, known := w.last[s.Name]
		w.last[s.Name] = s
		switch s.Verdict {
		case redis.SettingOK:
			w.ok.WithLabelValues(s.Name).Set(1)
			if known && before.Verdict == redis.SettingWrong {
				w.log.InfoContext(ctx, "Redis is set as it should be again", "setting", s.Name, "found", s.Found)
			}
		case redis.SettingWrong:
			w.ok.WithLabelValues(s.Name).Set(0)
			if before.Verdict != redis.SettingWrong {
				w.log.ErrorContext(ctx, "Redis is not set as the ledger needs it", "setting", s.Name, "found", s.Found, "do", s.Advice)
			}
		case redis.SettingUnknown:
			w.ok.WithLabelValues(s.Name).Set(math.NaN())
			if before.Verdict != redis.SettingUnknown {
				w.log.WarnContext(ctx, "Redis does not tell how it is set, or not to this user", "setting", s.Name, "found", s.Found)
			}
		}
	}
}

// Warnings are the settings that are not known to be right, by name, in words.
func (w *Watch) Warnings() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]string{}
	for name, s := range w.last {
		switch s.Verdict {
		case redis.SettingOK:
		case redis.SettingWrong:
			out[name] = "is " + s.Found + ": " + s.Advice
		case redis.SettingUnknown:
			out[name] = "unknown"
		}
	}
	return out
}
