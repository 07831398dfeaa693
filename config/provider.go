package config

// Provider is an upstream with its credential. Without a key it is not used.
type Provider struct {
	Key     Secret
	BaseURL string // without a slash at the end
}

// Providers is where requests can be sent. The data plane needs them; the control plane asks them whether they answer, when it is
// given them too.
type Providers struct {
	OpenAI    Provider
	Anthropic Provider
	MockURL   string // stands in for OpenAI without a key; "" is none
}

func defaultProviders() Providers {
	return Providers{
		OpenAI:    Provider{BaseURL: "https://api.openai.com/v1"},
		Anthropic: Provider{BaseURL: "https://api.anthropic.com/v1"},
		MockURL:   "http://127.0.0.1:8081/v1",
	}
}

func (p *Providers) read(r *reader) {
	r.secret("OPENAI_API_KEY", &p.OpenAI.Key)
	r.link("OPENAI_BASE_URL", &p.OpenAI.BaseURL)
	r.secret("ANTHROPIC_API_KEY", &p.Anthropic.Key)
	r.link("ANTHROPIC_BASE_URL", &p.Anthropic.BaseURL)
	r.link("ALFRED_MOCK_URL", &p.MockURL)
}
