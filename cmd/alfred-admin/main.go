// Command alfred-admin is the control plane: the API, the recorder that books
// usage, the publisher that tells the data plane what changed, and the jobs.
// It reads its settings from the environment and .env.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // time zones on machines that have none

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/admin/web"
	"github.com/alfred-envoy/alfred/config"
	"github.com/alfred-envoy/alfred/store/postgres"
	"github.com/alfred-envoy/alfred/store/redis"
)

const usage = `usage: alfred-admin [command]

  serve               the API and everything behind it (the default)
  migrate             bring the database's schema up to this version
  republish           publish everything to the data plane again
  bootstrap-recover   make a new key for an owner: -email picks one of several
  seed                fill an empty installation with a made-up organisation:
                      -people 200 -events 20000 -days 90 -seed 1
  version             print the version
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	getenv, err := config.Getenv(".env")
	if err == nil {
		err = run(ctx, os.Args[1:], getenv, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "alfred-admin:", err)
		os.Exit(1)
	}
}

// run runs one command until it is done or ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	command := "serve"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "version", "--version":
		_, err := fmt.Fprintln(stdout, alfred.Version)
		return err
	case "help", "-h", "--help":
		_, err := io.WriteString(stdout, usage)
		return err
	case "serve", "migrate", "republish", "bootstrap-recover", "seed":
	default:
		return fmt.Errorf("%q is not a command\n\n%s", command, usage)
	}
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	email, size := "", seedSize{People: 200, Events: 20_000, Days: 90, Seed: 1}
	switch command {
	case "bootstrap-recover":
		flags.StringVar(&email, "email", "", "address of the owner")
	case "seed":
		size.flags(flags)
	}
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return fmt.Errorf("%s does not take %v\n\n%s", command, args, usage)
	}

	c, err := config.LoadAdmin(getenv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: c.LogLevel()})).With("program", "alfred-admin")
	records, err := postgres.Open(ctx, c.DatabaseURL.Reveal())
	if err != nil {
		return err
	}
	defer records.Close()
	if command == "migrate" || command == "serve" || command == "seed" {
		if err := records.Migrate(ctx); err != nil {
			return err
		}
	}
	live, err := redis.Open(ctx, redis.Options{URL: c.RedisURL.Reveal(), TLS: redis.TLS(c.RedisTLS), Timeout: redisTimeout})
	if err != nil {
		return err
	}
	defer func() { _ = live.Close() }() // the process ends

	app := admin.Config{
		Records: records, Live: live, Pepper: []byte(c.SecretKey.Reveal()), PublicURL: c.PublicURL,
		Development: c.Environment == config.Development, BootstrapToken: c.BootstrapToken.Reveal(), Now: time.Now, Entropy: rand.Reader, Log: log,
		Getenv: getenv, Providers: providers(c.Providers),
	}
	for _, p := range c.TrustedProxies {
		app.TrustedProxies = append(app.TrustedProxies, p.String())
	}
	if command == "serve" {
		files, err := web.Open(c.UIDir)
		if err != nil {
			return err
		}
		if files != nil {
			app.UI = web.Handler(files)
		}
	}
	app.Webhooks = admin.Webhooks{Off: !c.NotificationsEnabled, Slack: c.SlackWebhookURL.Reveal(), Private: c.PrivateWebhooks}
	switch command {
	case "republish":
		return republish(ctx, app, live, records)
	case "bootstrap-recover":
		owner, secret, err := admin.RecoverOwner(ctx, app, email)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "A new key for %s. It is shown once:\n%s\n", owner.Email, secret)
		return err
	case "seed":
		return seed(ctx, app, records, size, firstSettings(c.Quotas), stdout)
	case "serve":
		return serve(ctx, c, app, live, records)
	default:
		return nil
	}
}

// republish publishes everything by itself: the process that serves, which
// would do it, may be away.
func republish(ctx context.Context, app admin.Config, live *redis.Store, records *postgres.Store) error {
	if err := admin.Republish(ctx, records, time.Now()); err != nil {
		return err
	}
	publisher := admin.Publisher{
		Records: records, Live: live, Now: app.Now, Log: app.Log,
		Ledger: &admin.Rebuilder{Records: records, Live: live, Now: app.Now, Log: app.Log},
	}
	for {
		if n, err := publisher.Step(ctx); err != nil || n == 0 {
			return err
		}
	}
}

// providers are those that the data plane uses with the same settings: the
// mock stands in for OpenAI.
func providers(c config.Providers) []admin.Provider {
	var list []admin.Provider
	switch {
	case c.OpenAI.Key != "":
		list = append(list, admin.Provider{ID: "openai", BaseURL: c.OpenAI.BaseURL, Header: http.Header{"Authorization": {"Bearer " + c.OpenAI.Key.Reveal()}}})
	case c.MockURL != "":
		list = append(list, admin.Provider{ID: "mock", BaseURL: c.MockURL})
	}
	if c.Anthropic.Key != "" {
		list = append(list, admin.Provider{ID: "anthropic", BaseURL: c.Anthropic.BaseURL, Header: http.Header{
			"X-Api-Key": {c.Anthropic.Key.Reveal()}, "Anthropic-Version": {"2023-06-01"},
		}})
	}
	return list
}

// redisTimeout is more patient than the data plane's: a person waits, not a
// completion.
const redisTimeout = 2 * time.Second
