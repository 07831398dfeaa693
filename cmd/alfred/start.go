package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/config"
	"github.com/alfred-envoy/alfred/envoy"
)

// start brings the parts up in the order in which they need each other, each healthy before the next one starts.
func (l launch) start(ctx context.Context, s *stack, local config.Local, f found, env map[string]string) error {
	if local.DatabaseURL == "" {
		since := time.Now()
		p, err := parts.StartPostgres(ctx, parts.PostgresConfig{
			BinDir: f.postgres, Dir: l.path("data", "postgres"), Port: local.PostgresPort, Log: l.log("postgres"),
		})
		if err != nil {
			return err
		}
		s.push("postgres", p.Process, p.Stop)
		s.say("postgres", loopback(local.PostgresPort), since)
		env["DATABASE_URL"] = p.DSN()
	}
	if local.RedisURL == "" {
		since := time.Now()
		password, err := l.valkeyPassword()
		if err != nil {
			return err
		}
		r, err := parts.StartValkey(ctx, parts.RedisConfig{
			Binary: f.redis, Dir: l.path("data", "valkey"), Port: local.ValkeyPort, Password: password, AppendOnly: true, Log: l.log("valkey"),
		})
		if err != nil {
			return err
		}
		s.push("valkey", r.Process, r.Stop)
		s.say("valkey", loopback(local.ValkeyPort), since)
		env["REDIS_URL"] = r.URL()
	}
	if local.OpenAIKey == "" {
		err := l.run(ctx, s, part{
			name: "mock provider", log: "mock", path: l.self, args: []string{"mock", "--listen", loopback(local.MockPort)},
			where: "http://" + loopback(local.MockPort) + "/v1", ready: "http://" + loopback(local.MockPort) + "/healthz",
		})
		if err != nil {
			return err
		}
	}
	// alfred-admin makes the tables and publishes what alfred-extproc reads; extproc waits for nothing but Redis.
	if err := l.run(ctx, s, part{
		name: "alfred-extproc", log: "extproc", path: filepath.Join(l.bin, "alfred-extproc"), env: pick(env, config.ExtprocNames()),
		where: env["ALFRED_EXTPROC_LISTEN"], ready: "http://" + loopback(local.ExtprocPort) + "/readyz",
	}); err != nil {
		return err
	}
	if err := l.keepAdminSettings(env); err != nil {
		return err
	}
	if err := l.run(ctx, s, part{
		name: "alfred-admin", log: "admin", path: filepath.Join(l.bin, "alfred-admin"), env: pick(env, config.AdminNames()),
		where: "http://" + loopback(local.AdminPort), ready: "http://" + loopback(local.AdminPort) + "/readyz",
	}); err != nil {
		return err
	}
	bootstrap, err := l.bootstrap(local, env["ALFRED_EXTPROC_LISTEN"])
	if err != nil {
		return err
	}
	return l.run(ctx, s, part{
		name: "envoy", log: "envoy", path: f.envoy, args: []string{"-c", bootstrap, "--log-level", "warn", "--disable-hot-restart"},
		where: "http://" + loopback(local.Port), ready: "http://" + loopback(local.EnvoyPort) + "/ready",
	})
}

// part is a child that tells over HTTP when it is ready.
type part struct {
	name, log, path string
	args            []string
	env             map[string]string
	where           string // shown
	ready           string // URL that answers 200
}

func (l launch) run(ctx context.Context, s *stack, p part) error {
	since := time.Now()
	child, err := parts.Start(parts.Command{Name: p.name, Path: p.path, Args: p.args, Env: environ(p.env), Dir: l.path("run"), Log: l.log(p.log)})
	if err != nil {
		return err
	}
	s.push(p.name, child, func() { child.Stop(30 * time.Second) })
	if err := child.Await(ctx, time.Minute, answers200(p.ready)); err != nil {
		return err
	}
	where := p.where
	if rest, ok := strings.CutPrefix(where, "unix:"+l.home); ok {
		where = "unix:" + filepath.Base(l.home) + rest
	}
	s.say(p.name, where, since)
	return nil
}

// planesEnv is the settings of both planes: the person's own, and over them what this launch decides.
func (l launch) planesEnv(local config.Local) (map[string]string, error) {
	env := map[string]string{}
	for _, name := range config.Names() {
		if v := l.getenv(name); v != "" && !strings.HasPrefix(name, "ALFRED_TLS_") { // a socket needs no TLS
			env[name] = v
		}
	}
	if env["ENVIRONMENT"] == "" {
		env["ENVIRONMENT"] = string(config.Development)
	}
	switch local.SecretKeyFrom {
	case "ALFRED_SECRET_KEY":
	case "ALFRED_SECRET_KEY_FILE":
		path, err := filepath.Abs(env["ALFRED_SECRET_KEY_FILE"])
		if err != nil {
			return nil, fmt.Errorf("find the secret key: %w", err)
		}
		env["ALFRED_SECRET_KEY_FILE"] = path
	default:
		path, err := l.secretKey()
		if err != nil {
			return nil, err
		}
		env["ALFRED_SECRET_KEY_FILE"] = path
	}
	socket, err := l.socket("extproc.sock")
	if err != nil {
		return nil, err
	}
	env["ALFRED_EXTPROC_LISTEN"] = "unix:" + socket
	env["ALFRED_EXTPROC_HTTP"] = loopback(local.ExtprocPort)
	if env["ALFRED_SPOOL_DIR"] == "" {
		env["ALFRED_SPOOL_DIR"] = l.path("data", "spool")
	}
	if env["ALFRED_SPOOL_DIR"], err = filepath.Abs(env["ALFRED_SPOOL_DIR"]); err != nil {
		return nil, fmt.Errorf("find the spool: %w", err)
	}
	env["ALFRED_ADMIN_LISTEN"] = loopback(local.AdminPort)
	env["ALFRED_MOCK_URL"] = "http://" + loopback(local.MockPort) + "/v1"
	env["ALFRED_PUBLIC_URL"] = local.PublicURL
	if dir := env["ALFRED_UI_DIR"]; dir != "" {
		if env["ALFRED_UI_DIR"], err = filepath.Abs(dir); err != nil {
			return nil, fmt.Errorf("find the web app: %w", err)
		}
	} else if dir := uiDir(); dir != "" {
		env["ALFRED_UI_DIR"] = dir
	}
	return env, nil
}

func (l launch) valkeyPassword() (string, error) {
	path := l.path("data", "valkey.password")
	if err := l.once(path, 16); err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read Valkey's password: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// bootstrap writes Envoy's configuration and returns its path.
func (l launch) bootstrap(local config.Local, extproc string) (string, error) {
	text, err := envoy.Render(envoy.Config{
		Listen: loopback(local.Port), AdminListen: loopback(local.EnvoyPort), ExtProc: extproc, Admin: loopback(local.AdminPort),
		Providers: providers(local, "http://"+loopback(local.MockPort)+"/v1"), PublicURL: local.PublicURL,
	})
	if err != nil {
		return "", fmt.Errorf("render Envoy's configuration: %w", err)
	}
	path := l.path("run", "envoy.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", fmt.Errorf("write Envoy's configuration: %w", err)
	}
	return path, nil
}

// settled reports what the planes would find wrong with their settings, before anything is started. The addresses of embedded parts
// are not known yet.
func settled(env map[string]string) error {
	getenv := func(name string) string {
		v := env[name]
		switch {
		case v != "":
		case name == "REDIS_URL":
			v = "redis://127.0.0.1"
		case name == "DATABASE_URL":
			v = "postgres://127.0.0.1/alfred"
		}
		return v
	}
	if _, err := config.LoadExtproc(getenv); err != nil {
		return err
	}
	_, err := config.LoadAdmin(getenv)
	return err
}

// pick is the part of env that one plane asks for: the data plane never sees the database's address. Both get the providers: the admin
// app asks them whether they answer.
func pick(env map[string]string, names []string) map[string]string {
	picked := map[string]string{}
	for _, name := range names {
		if v, ok := env[name]; ok {
			picked[name] = v
		}
	}
	return picked
}

// environ is this process's environment without any setting of Alfred's, and with those of own.
func environ(own map[string]string) []string {
	ours := map[string]bool{}
	for _, name := range config.Names() {
		ours[name] = true
	}
	var env []string
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); !ours[name] {
			env = append(env, e)
		}
	}
	for name, v := range own {
		env = append(env, name+"="+v)
	}
	return env
}
