package extproc

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Backend is a provider that requests can be sent to.
type Backend struct {
	Name          string // the value of x-alfred-backend
	BaseURL       string // its path is where the API begins; the host is Envoy's matter
	Authorization string // the header's value; "" sends none

	path string
}

// backends are those that are configured.
type backends struct {
	all map[string]Backend
}

func newBackends(list []Backend) (backends, error) {
	b := backends{all: make(map[string]Backend)}
	for _, p := range list {
		u, err := url.Parse(p.BaseURL)
		if err != nil {
			return b, fmt.Errorf("base URL of %s: %w", p.Name, err)
		}
		p.path = strings.TrimRight(u.EscapedPath(), "/")
		b.all[p.Name] = p
	}
	if len(b.all) == 0 {
		return b, errors.New("no provider is configured")
	}
	return b, nil
}

// choose picks the provider of a model: the one that the catalog names, if it
// is configured; Anthropic for its own models; else OpenAI, else the mock.
func (b backends) choose(model, provider string) (Backend, bool) {
	if p, ok := b.all[provider]; ok {
		return p, true
	}
	if p, ok := b.all["anthropic"]; ok && strings.HasPrefix(model, "claude-") {
		return p, true
	}
	for _, name := range []string{"openai", "mock", "anthropic"} {
		if p, ok := b.all[name]; ok {
			return p, true
		}
	}
	return Backend{}, false
}
