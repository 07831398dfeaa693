package alfred_test

import (
	"testing"

	"github.com/alfred-envoy/alfred"
)

func TestModels(t *testing.T) {
	catalog := &alfred.Catalog{Settings: alfred.DefaultSettings(), Models: []alfred.Model{{Name: "house-7b", MaxOutput: 2048}, {Name: "gpt-4o-mini", MaxOutput: 1000}}}
	for name, want := range map[string]alfred.Model{
		"gpt-4":                      {MaxOutput: 8192, OutputLimitField: "max_tokens"},
		"gpt-4-0613":                 {MaxOutput: 8192, OutputLimitField: "max_tokens"},
		"gpt-4o-2024-08-06":          {MaxOutput: 16384, OutputLimitField: "max_tokens"},
		"gpt-4o-mini":                {MaxOutput: 1000, OutputLimitField: "max_tokens"}, // the organisation's word counts
		"gpt-4-vision":               {MaxOutput: 16384, OutputLimitField: "max_tokens"},
		"o3-mini-2025-01-31":         {MaxOutput: 100000, OutputLimitField: "max_completion_tokens"},
		"claude-3-5-sonnet-latest":   {MaxOutput: 8192, OutputLimitField: "max_tokens"},
		"house-7b":                   {MaxOutput: 2048, OutputLimitField: "max_tokens"},
		"something-nobody-heard-of":  {MaxOutput: 16384, OutputLimitField: "max_tokens"},
		"claude-3-5-sonnet-20241022": {MaxOutput: 8192, OutputLimitField: "max_tokens"},
	} {
		want.Name, want.PartBound = name, alfred.DefaultPartBound
		if got := catalog.Model(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	seen := map[string]bool{}
	for _, m := range alfred.KnownModels() {
		if seen[m.Name] || m.MaxOutput <= 0 {
			t.Errorf("%s stands twice or has no limit", m.Name)
		}
		seen[m.Name] = true
	}
}
