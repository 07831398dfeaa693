package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred/config"
)

// The control plane knows the providers that the data plane uses with the
// same settings, and no mock that it was not told of.
func TestProvidersOfTheEnvironment(t *testing.T) {
	for _, c := range []struct{ env, want string }{
		{"", ""},
		{"ALFRED_MOCK_URL=http://mock/v1", "mock http://mock/v1"},
		{"ALFRED_MOCK_URL=http://mock/v1 OPENAI_API_KEY=sk-1 OPENAI_BASE_URL=http://other/v1/", "openai http://other/v1"},
		{"ALFRED_MOCK_URL=http://mock/v1 ANTHROPIC_API_KEY=sk-2", "mock http://mock/v1, anthropic https://api.anthropic.com/v1"},
	} {
		env := map[string]string{"DATABASE_URL": "postgres://h/db", "REDIS_URL": "redis://h", "ALFRED_SECRET_KEY": strings.Repeat("k", 32)}
		for _, pair := range strings.Fields(c.env) {
			name, v, _ := strings.Cut(pair, "=")
			env[name] = v
		}
		read, err := config.LoadAdmin(func(name string) string { return env[name] })
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range providers(read.Providers) {
			got = append(got, p.ID+" "+p.BaseURL)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %s, want %s", c.env, got, c.want)
		}
		if said := fmt.Sprintf("%v %+v %#v", read, read, read); strings.Contains(said, "sk-") {
			t.Errorf("the settings print a key: %s", said)
		}
	}
}
