package config

import (
	"log/slog"
	"net/url"
	"strings"
)

// Environment says whether this is somebody's own machine or a real installation.
type Environment string

// The environments. Development opens what only a loopback installation may open, such as the first admin without a token.
const (
	Production  Environment = "production"
	Development Environment = "development"
)

// Shared is what both planes are told alike.
type Shared struct {
	RedisURL    Secret // one server, Sentinels or a cluster
	RedisTLS    RedisTLS
	SecretKey   Secret // at least 32 bytes; keys are hashed with it
	PublicURL   string // what people call this place, without a slash at the end
	Environment Environment
	Debug       bool
}

// RedisTLS is files, PEM, for a Redis that has its own authority or wants to know its clients.
type RedisTLS struct{ CA, Cert, Key string }

func defaultShared() Shared {
	return Shared{PublicURL: "http://localhost:8000", Environment: Production}
}

func (s *Shared) read(r *reader) {
	r.secret("REDIS_URL", &s.RedisURL)
	checkRedisURL(r, s.RedisURL)
	s.readRedisTLS(r)
	r.key("ALFRED_SECRET_KEY", &s.SecretKey)
	r.link("ALFRED_PUBLIC_URL", &s.PublicURL)
	oneOf(r, "ENVIRONMENT", &s.Environment, Production, Development)
	r.truth("DEBUG", &s.Debug)
}

// LogLevel is debug with DEBUG=true, else info.
func (s Shared) LogLevel() slog.Level {
	if s.Debug {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func checkRedisURL(r *reader, v Secret) {
	const example = "redis://localhost:6379/0"
	if v == "" {
		r.bad("REDIS_URL", "is not set: give the address of Redis 7 or Valkey 8, such as %s; make up runs one by itself", example)
		return
	}
	scheme, rest, found := strings.Cut(v.Reveal(), "://")
	if !found {
		r.bad("REDIS_URL", "has no scheme: give one such as %s", example)
		return
	}
	switch scheme {
	case "redis", "rediss", "unix":
		u, err := url.Parse(v.Reveal())
		if err != nil || scheme == "unix" && u.Path == "" || scheme != "unix" && u.Hostname() == "" {
			r.bad("REDIS_URL", "is not a URL: give one such as %s, special characters of the password as %%XX", example)
		}
	case "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster":
		if hosts, _, _ := strings.Cut(rest, "/"); hosts == "" {
			r.bad("REDIS_URL", "names no host: give redis+sentinel://host:26379,host:26379/name or redis+cluster://host:6379,host:6379")
		}
	default:
		r.bad("REDIS_URL", "has the scheme %q: give redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://, such as %s", scheme, example)
	}
}

func (s *Shared) readRedisTLS(r *reader) {
	t := &s.RedisTLS
	r.text("ALFRED_REDIS_CA", &t.CA)
	r.text("ALFRED_REDIS_CERT", &t.Cert)
	r.text("ALFRED_REDIS_KEY", &t.Key)
	if (t.Cert == "") != (t.Key == "") {
		r.bad("ALFRED_REDIS_CERT", "and ALFRED_REDIS_KEY belong together: set both or none")
	}
}
