package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/cmd/ledgerwatch"
	"github.com/alfred-envoy/alfred/config"
	"github.com/alfred-envoy/alfred/store/postgres"
	"github.com/alfred-envoy/alfred/store/redis"
)

// drainFor is how long running requests get to end by themselves.
const drainFor = 10 * time.Second

// serve runs the API, the publisher, the recorder and the jobs until ctx
// ends, and then waits for each of them.
func serve(ctx context.Context, c config.Admin, app admin.Config, live *redis.Store, records *postgres.Store) error {
	log := app.Log
	if err := admin.Setup(ctx, records, firstSettings(c.Quotas), time.Now(), rand.Reader); err != nil {
		return err
	}
	if err := bootstrapToken(ctx, &app); err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	app.Metrics = admin.NewMetrics(registry)
	watch := ledgerwatch.New(live, registry, log)
	rebuilder := &admin.Rebuilder{Records: records, Live: live, Now: app.Now, Log: log, Metrics: app.Metrics}
	app.Closing, app.Ledger = ctx.Done(), rebuilder
	api, err := admin.NewHandler(app)
	if err != nil {
		return err
	}
	orgs, err := records.Organizations(ctx)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	var leaving atomic.Bool
	web := &http.Server{
		Handler: handler(api, registry, live, records, watch.Warnings, &leaving), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}

	// What runs beside the API stops after it, so that what the last request
	// changed is still published.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { rebuilder.Run(background) })
	publisher := admin.Publisher{Records: records, Live: live, Now: app.Now, Log: log, Metrics: app.Metrics, Ledger: rebuilder}
	wg.Go(func() { publisher.Run(background) })
	recorder := admin.Recorder{Records: records, Events: events{live}, Consumer: consumer(), Log: log, Metrics: app.Metrics, Ledger: rebuilder}
	for _, org := range orgs {
		wg.Go(func() { recorder.Run(background, org.ID) })
	}
	jobs := admin.Jobs{Config: app}
	wg.Go(func() { jobs.Run(background) })
	wg.Go(func() { jobs.RunBulk(background) })
	wg.Go(func() { jobs.RunDeliveries(background) })
	wg.Go(func() { watch.Run(background) })
	failed := make(chan error, 1)
	wg.Go(func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	log.Info("serving", "address", listener.Addr().String(), "public_url", c.PublicURL, "version", alfred.Version)

	select {
	case <-ctx.Done():
		leaving.Store(true)
		time.Sleep(c.ShutdownPause) //nolint:forbidigo // a pause is what is set: whoever asks for the health has time to hear
	case err = <-failed:
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	defer cancel()
	if shutdown := web.Shutdown(drain); shutdown != nil {
		err = errors.Join(err, fmt.Errorf("end requests: %w", shutdown), web.Close())
	}
	if _, last := publisher.Step(drain); last != nil {
		log.Error("last publication", "err", last)
	}
	stop()
	wg.Wait()
	log.Info("stopped")
	return err
}

// firstSettings are the guide's settings of the environment over the
// defaults. They count at the first start only.
func firstSettings(q config.Quotas) alfred.Settings {
	s := alfred.DefaultSettings()
	s.DefaultPersonalQuota, s.DefaultTeamPool = q.DefaultPersonalQuota, q.DefaultTeamPool
	s.VacationSharePercent, s.OverdraftLimit = q.VacationSharePercentage, q.CriticalOverdraftLimit
	return s
}

// bootstrapToken makes a token for the first person where none is set and
// none may be done without, and says it once.
func bootstrapToken(ctx context.Context, app *admin.Config) error {
	if app.Development || app.BootstrapToken != "" {
		return nil
	}
	done, err := app.Records.Bootstrapped(ctx)
	if err != nil || done {
		return err
	}
	app.BootstrapToken = rand.Text() + rand.Text()
	app.Log.Warn("nobody exists yet: create the first person with POST /v1/admin/users and this token, which is valid until then or until a restart",
		"header", "Authorization: Bearer "+app.BootstrapToken)
	return nil
}

// consumer names this process in the usage stream's group. A name that comes
// back finds what it has not acknowledged.
func consumer() string {
	if host, err := os.Hostname(); err == nil {
		return "admin-" + host
	}
	return "admin"
}

// events adapts the stream to the recorder.
type events struct{ live *redis.Store }

func (e events) ReadEvents(ctx context.Context, org alfred.OrgID, consumer string, max int, block time.Duration) ([]admin.Entry, error) {
	entries, err := e.live.ReadEvents(ctx, org, consumer, max, block)
	out := make([]admin.Entry, len(entries))
	for i, entry := range entries {
		out[i] = admin.Entry(entry)
	}
	return out, err
}

func (e events) AckEvents(ctx context.Context, org alfred.OrgID, ids []string) error {
	return e.live.AckEvents(ctx, org, ids)
}

func (e events) ConfirmSpool(ctx context.Context, instance string, seqs []int64) error {
	return e.live.ConfirmSpool(ctx, instance, seqs)
}

// pinger is a store that says whether it answers.
type pinger interface{ Ping(context.Context) error }

// handler puts health and metrics beside the API. They are not behind the
// front door.
func handler(api http.Handler, registry *prometheus.Registry, live, records pinger, warnings func() map[string]string, leaving *atomic.Bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		status := "ok"
		if leaving.Load() { // of several, requests go to the others
			status = "shutting down"
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(`{"status":"` + status + `"}` + "\n")) // the asker may be gone
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		status, body := http.StatusOK, map[string]any{"postgres": "ok", "redis": "ok", "warnings": warnings()}
		for name, p := range map[string]pinger{"postgres": records, "redis": live} {
			if err := p.Ping(ctx); err != nil {
				status, body[name] = http.StatusServiceUnavailable, "unavailable"
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // the asker may be gone
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/", api)
	return mux
}
