package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/alfred-envoy/alfred/config"
	"github.com/alfred-envoy/alfred/envoy"
)

func envoyCommand() *cobra.Command {
	var cfg envoy.Config
	var mockURL, output string
	c := &cobra.Command{
		Use: "envoy", Short: "Print a bootstrap configuration for Envoy", Args: cobra.NoArgs,
		Long: "Print a bootstrap configuration for a standalone Envoy 1.37 or newer. The providers are those that OPENAI_API_KEY and\n" +
			"ANTHROPIC_API_KEY (or .env) name, and the mock provider where there is no OPENAI_API_KEY.",
		RunE: func(c *cobra.Command, _ []string) error {
			getenv, err := settings()
			if err != nil {
				return err
			}
			local, err := config.LoadLocal(getenv)
			if err != nil {
				return err
			}
			if cfg.PublicURL == "" {
				cfg.PublicURL = local.PublicURL
			}
			cfg.Providers = providers(local, mockURL)
			text, err := envoy.Render(cfg)
			if err != nil {
				return fmt.Errorf("render Envoy's configuration: %w", err)
			}
			if output == "" {
				_, err = c.OutOrStdout().Write(text)
				return err
			}
			if err := os.WriteFile(output, text, 0o644); err != nil {
				return fmt.Errorf("write Envoy's configuration: %w", err)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:8000", "the front door, ip:port")
	f.StringVar(&cfg.AdminListen, "admin-listen", "127.0.0.1:9901", "Envoy's own administration, loopback only")
	f.StringVar(&cfg.ExtProc, "extproc", "127.0.0.1:9002", "where alfred-extproc listens: unix:/path or host:port; several with commas")
	f.StringVar(&cfg.Admin, "admin", "127.0.0.1:8080", "where alfred-admin listens, host:port; several with commas")
	f.StringVar(&cfg.PublicURL, "public-url", "", "what people call this place (default: ALFRED_PUBLIC_URL, else http://localhost:8000)")
	f.StringVar(&cfg.CAFile, "ca-file", "", "authorities that providers are verified against (default: the system's)")
	f.StringVar(&output, "output", "", "file to write instead of standard output")
	f.StringVar(&mockURL, "mock-url", "http://127.0.0.1:8081/v1", "where the mock provider listens")
	return c
}

// providers is the upstreams that requests can be routed to: claude-* to Anthropic when it has a key; the rest to OpenAI when it
// has one, otherwise to the mock.
func providers(local config.Local, mockURL string) []envoy.Provider {
	var list []envoy.Provider
	if local.AnthropicKey != "" {
		list = append(list, envoy.Provider{Name: "anthropic", BaseURL: local.AnthropicURL})
	}
	if local.OpenAIKey != "" {
		return append(list, envoy.Provider{Name: "openai", BaseURL: local.OpenAIURL})
	}
	return append(list, envoy.Provider{Name: "mock", BaseURL: mockURL})
}
