package config

import (
	"log/slog"
	"net/url"
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
	RedisURL    Secret // redis://, rediss:// or unix://
	SecretKey   Secret // at least 32 bytes; keys are hashed with it
	PublicURL   string // what people call this place, without a slash at the end
	Environment Environment
	Debug       bool
}

func defaultShared() Shared {
	return Shared{PublicURL: "http://localhost:8000", Environment: Production}
}

func (s *Shared) read(r *reader) {
	r.secret("REDIS_URL", &s.RedisURL)
	checkRedisURL(r, s.RedisURL)
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
	u, err := url.Parse(v.Reveal())
	if err != nil {
		r.bad("REDIS_URL", "is not a URL: give one such as %s, special characters of the password as %%XX", example)
		return
	}
	switch {
	case (u.Scheme == "redis" || u.Scheme == "rediss") && u.Hostname() != "":
	case u.Scheme == "unix" && u.Path != "":
	default:
		r.bad("REDIS_URL", "has the scheme %q: give redis://, rediss:// or unix://, such as %s", u.Scheme, example)
	}
}
