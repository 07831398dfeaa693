// Command alfred-extproc is the data plane: the external processor that Envoy
// asks about every request. It reads its settings from the environment and
// .env, talks to Redis alone, and stops on SIGTERM after it has booked what
// its requests cost.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
	_ "time/tzdata" // time zones on machines that have none

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc/credentials"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/ledgerwatch"
	"github.com/alfred-envoy/alfred/config"
	"github.com/alfred-envoy/alfred/extproc"
	"github.com/alfred-envoy/alfred/extproc/spool"
	"github.com/alfred-envoy/alfred/store/redis"
)

const (
	drainFor = 20 * time.Second // for running requests to end by themselves
	closeFor = 5 * time.Second  // for Redis to take what they cost
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	getenv, err := config.Getenv(".env")
	if err == nil {
		err = run(ctx, os.Args[1:], getenv, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "alfred-extproc:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	if len(args) == 1 && args[0] == "--version" {
		_, err := fmt.Fprintln(stdout, alfred.Version)
		return err
	}
	if len(args) > 0 {
		return fmt.Errorf("%q: no arguments are taken, settings come from the environment", args[0])
	}
	c, err := config.LoadExtproc(getenv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: c.LogLevel()})).With("program", "alfred-extproc")

	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	live, err := redis.Open(ctx, redis.Options{
		URL: c.RedisURL.Reveal(), TLS: redis.TLS(c.RedisTLS), Timeout: c.RedisTimeout,
		Wait: redis.Wait{Replicas: c.RedisWaitReplicas, Timeout: c.RedisWaitTimeout, Short: ledgerwatch.Short(registry)},
	})
	if err != nil {
		return err
	}
	defer func() { _ = live.Close() }() // the process ends

	kept, err := openSpool(c, log)
	if err != nil {
		return err
	}
	if kept != nil {
		defer func() { _ = kept.Close() }() // everything in it is durable
	}
	watch := ledgerwatch.New(live, registry, log)
	wait := c.RedisWaitTimeout
	if c.RedisWaitReplicas == 0 {
		wait = 0
	}
	server, err := extproc.New(extproc.Config{
		Ledger: live, Directory: directory{live},
		Pepper: []byte(c.SecretKey.Reveal()), Backends: backends(c), PublicURL: c.PublicURL,
		Gate: extproc.GateSettings{
			Timeout: c.RedisTimeout, Wait: wait, FailMode: alfred.FailMode(c.FailMode), HoldTTL: c.HoldTTL, HoldExtend: c.HoldExtend,
			Allowance: c.Allowance, Processes: c.Processes,
		},
		Spool: kept, Marks: live, Warnings: watch.Warnings,
		Metrics: registry, Log: log, Entropy: rand.Reader,
	})
	if err != nil {
		return err
	}
	return serve(ctx, c, server, watch, registry, log)
}

// serve opens both listeners and keeps them until ctx ends or one fails. On
// the way out: no new requests, running ones drained or broken off, every
// hold ended, every refusal recorded.
func serve(ctx context.Context, c config.Extproc, server *extproc.Server, watch *ledgerwatch.Watch, registry *prometheus.Registry, log *slog.Logger) error {
	var creds credentials.TransportCredentials
	if c.TLS != nil {
		var err error
		if creds, err = (extproc.TLS{Cert: c.TLS.Cert, Key: c.TLS.Key, ClientCA: c.TLS.ClientCA, AllowedSANs: c.TLS.AllowedSANs}).Credentials(); err != nil {
			return err
		}
	}
	grpcListener, err := extproc.Listen(ctx, c.Listen.Network, c.Listen.Address, creds != nil)
	if err != nil {
		return err
	}
	httpListener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.HTTP)
	if err != nil {
		return errors.Join(err, grpcListener.Close())
	}
	service := extproc.NewService(server, creds)
	web := &http.Server{Handler: server.Handler(registry), ReadHeaderTimeout: 5 * time.Second}

	upkeep, endUpkeep := context.WithCancel(context.WithoutCancel(ctx))
	defer endUpkeep()
	var wg sync.WaitGroup
	failed := make(chan error, 2)
	wg.Go(func() { server.Run(upkeep) })
	wg.Go(func() { watch.Run(upkeep) })
	wg.Go(func() { failed <- service.Serve(grpcListener) })
	wg.Go(func() {
		if err := web.Serve(httpListener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	log.Info("listening", "extproc", c.Listen.String(), "http", c.HTTP, "version", alfred.Version)

	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
	}
	log.Info("stopping", "pause", c.ShutdownPause.String(), "drain", drainFor.String())
	service.Leave()
	if err == nil {
		time.Sleep(c.ShutdownPause) //nolint:forbidigo // a pause is what is set: whoever asks for the health has time to hear
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	service.Shutdown(drain)
	cancel()
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeFor)
	defer cancel()
	server.Close(rest)
	endUpkeep()
	err = errors.Join(err, web.Shutdown(rest))
	wg.Wait()
	log.Info("stopped")
	return err
}

// openSpool opens the folder in which settlements are kept, if there is one.
func openSpool(c config.Extproc, log *slog.Logger) (*spool.Spool, error) {
	if c.SpoolDir == "" {
		log.Warn("settlements are not written to disk before they are sent: what Redis loses in a failover is lost (set ALFRED_SPOOL_DIR)")
		return nil, nil
	}
	s, err := spool.Open(spool.Config{Dir: c.SpoolDir, MaxBytes: c.SpoolMaxBytes, Log: log})
	if err != nil {
		return nil, err
	}
	log.Info("settlements are spooled", "dir", s.Dir(), "instance", s.Instance(), "left", s.Pending())
	return s, nil
}

// backends are the providers that have a key; the mock stands in for OpenAI.
func backends(c config.Extproc) []extproc.Backend {
	var b []extproc.Backend
	bearer := func(key config.Secret) string { return "Bearer " + key.Reveal() }
	if c.OpenAI.Key != "" {
		b = append(b, extproc.Backend{Name: "openai", BaseURL: c.OpenAI.BaseURL, Authorization: bearer(c.OpenAI.Key)})
	} else {
		b = append(b, extproc.Backend{Name: "mock", BaseURL: c.MockURL})
	}
	if c.Anthropic.Key != "" {
		b = append(b, extproc.Backend{Name: "anthropic", BaseURL: c.Anthropic.BaseURL, Authorization: bearer(c.Anthropic.Key)})
	}
	return b
}

// directory lets the data plane watch without knowing the store.
type directory struct{ *redis.Store }

func (d directory) Watch(ctx context.Context, changed func(extproc.Change)) error {
	return d.Store.Watch(ctx, func(c redis.Change) { changed(extproc.Change(c)) })
}
