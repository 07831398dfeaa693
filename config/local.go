package config

import (
	"fmt"
	"maps"
	"slices"
)

// Local is the settings of `alfred up`, which runs everything on one machine. Each port is of 127.0.0.1.
type Local struct {
	Port          int // the front door
	AdminPort     int
	ExtprocPort   int // health and metrics
	EnvoyPort     int // Envoy's own administration
	MockPort      int
	PostgresPort  int
	ValkeyPort    int
	DatabaseURL   Secret // replaces the embedded Postgres
	RedisURL      Secret // replaces the embedded Valkey
	OpenAIKey     Secret // replaces the mock provider
	OpenAIURL     string
	AnthropicKey  Secret // takes claude-* away from the mock provider
	AnthropicURL  string
	PublicURL     string // default: localhost at Port
	SecretKeyFrom string // the variable that gives the key; "" means that one is made and kept
}

func defaultLocal() Local {
	extproc := defaultExtproc()
	return Local{
		Port: 8000, AdminPort: 8080, ExtprocPort: 9090, EnvoyPort: 9901, MockPort: 8081, PostgresPort: 5433, ValkeyPort: 6380,
		OpenAIURL: extproc.OpenAI.BaseURL, AnthropicURL: extproc.Anthropic.BaseURL,
	}
}

// LoadLocal reads the settings of `alfred up`.
func LoadLocal(getenv func(string) string) (Local, error) {
	c, r := defaultLocal(), &reader{getenv: getenv}
	ports := map[int]string{}
	for _, p := range []struct {
		name string
		to   *int
	}{
		{"ALFRED_PORT", &c.Port},
		{"ALFRED_ADMIN_PORT", &c.AdminPort},
		{"ALFRED_EXTPROC_PORT", &c.ExtprocPort},
		{"ALFRED_ENVOY_PORT", &c.EnvoyPort},
		{"ALFRED_MOCK_PORT", &c.MockPort},
		{"ALFRED_POSTGRES_PORT", &c.PostgresPort},
		{"ALFRED_VALKEY_PORT", &c.ValkeyPort},
	} {
		r.whole(p.name, 1, 65535, p.to)
		if other, taken := ports[*p.to]; taken {
			r.bad(p.name, "is %d, and so is %s: give each a port of its own", *p.to, other)
		}
		ports[*p.to] = p.name
	}
	r.secret("DATABASE_URL", &c.DatabaseURL)
	if c.DatabaseURL != "" {
		checkDatabaseURL(r, c.DatabaseURL)
	}
	r.secret("REDIS_URL", &c.RedisURL)
	if c.RedisURL != "" {
		checkRedisURL(r, c.RedisURL)
	}
	r.secret("OPENAI_API_KEY", &c.OpenAIKey)
	r.link("OPENAI_BASE_URL", &c.OpenAIURL)
	r.secret("ANTHROPIC_API_KEY", &c.AnthropicKey)
	r.link("ANTHROPIC_BASE_URL", &c.AnthropicURL)
	c.PublicURL = fmt.Sprintf("http://localhost:%d", c.Port)
	r.link("ALFRED_PUBLIC_URL", &c.PublicURL)
	for _, name := range []string{"ALFRED_SECRET_KEY", "ALFRED_SECRET_KEY_FILE"} {
		if getenv(name) != "" {
			c.SecretKeyFrom = name
		}
	}
	return c, r.err()
}

// ExtprocNames is every variable that LoadExtproc asks for, in order.
func ExtprocNames() []string {
	return asked(func(getenv func(string) string) { _, _ = LoadExtproc(getenv) })
}

// AdminNames is every variable that LoadAdmin asks for, in order.
func AdminNames() []string {
	return asked(func(getenv func(string) string) { _, _ = LoadAdmin(getenv) })
}

// Names is every variable that any loader asks for, in order.
func Names() []string {
	return asked(func(getenv func(string) string) {
		_, _ = LoadExtproc(getenv)
		_, _ = LoadAdmin(getenv)
		_, _ = LoadLocal(getenv)
	})
}

func asked(load func(getenv func(string) string)) []string {
	names := map[string]bool{}
	load(func(name string) string { names[name] = true; return "" })
	return slices.Sorted(maps.Keys(names))
}
