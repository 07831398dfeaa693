package envoy_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/alfred-envoy/alfred/envoy"
)

var update = flag.Bool("update", false, "write the golden files anew")

func local() envoy.Config {
	return envoy.Config{
		Listen:      "127.0.0.1:8000",
		AdminListen: "127.0.0.1:9901",
		ExtProc:     "unix:/run/alfred/extproc.sock",
		Admin:       "127.0.0.1:8080",
		Providers:   []envoy.Provider{{Name: "mock", BaseURL: "http://127.0.0.1:8081/v1"}},
		PublicURL:   "http://localhost:8000",
		CAFile:      "/etc/ssl/certs/ca-certificates.crt",
	}
}

// variants are the shapes in which people run it; each is rendered, compared with its golden file, and shown to Envoy.
func variants() map[string]envoy.Config {
	all := local()
	all.Providers = []envoy.Provider{
		{Name: "openai", BaseURL: "https://api.openai.com/v1"},
		{Name: "anthropic", BaseURL: "https://api.anthropic.com/v1"},
		{Name: "mock", BaseURL: "http://127.0.0.1:8081/v1"},
	}
	pairs := local()
	pairs.ExtProc, pairs.Admin = "unix:/run/alfred/1.sock,unix:/run/alfred/2.sock", "127.0.0.1:8080,127.0.0.1:8081"
	loopback := local()
	loopback.ExtProc = "127.0.0.1:9002"
	loopback.Providers = []envoy.Provider{{Name: "openai", BaseURL: "http://llm.internal:8443/api/v3"}}
	container := all
	container.Listen = "0.0.0.0:8000"
	container.ExtProc = "extproc:9002"
	container.ExtProcTLS = &envoy.TLS{CertFile: "/etc/alfred/tls.crt", KeyFile: "/etc/alfred/tls.key", CAFile: "/etc/alfred/ca.crt", ServerName: "extproc.alfred.example"}
	container.Admin = "admin:8080"
	container.PublicURL = "https://alfred.example/50%25/"
	container.LogPath = "/var/log/alfred/access.log"
	return map[string]envoy.Config{"local": local(), "providers": all, "loopback": loopback, "container": container, "pairs": pairs}
}

func TestRenderMatchesItsGoldenFile(t *testing.T) {
	for name, c := range variants() {
		t.Run(name, func(t *testing.T) {
			got, err := envoy.Render(c)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".yaml")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("run with -update if this is meant (-golden +rendered):\n%s", diff)
			}
		})
	}
}

// The YAML is made from JSON; what it says must be what the messages said.
func TestRenderedYAMLReadsBackAsABootstrap(t *testing.T) {
	for name, c := range variants() {
		t.Run(name, func(t *testing.T) {
			text, err := envoy.Render(c)
			if err != nil {
				t.Fatal(err)
			}
			asJSON, err := yaml.YAMLToJSON(text)
			if err != nil {
				t.Fatal(err)
			}
			var boot bootstrapv3.Bootstrap
			if err := protojson.Unmarshal(asJSON, &boot); err != nil {
				t.Fatal(err)
			}
			if err := boot.ValidateAll(); err != nil {
				t.Error(err)
			}
			if got, want := len(boot.GetStaticResources().GetClusters()), 2+len(c.Providers); got != want {
				t.Errorf("%d clusters, want %d", got, want)
			}
		})
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*envoy.Config)
		want string
	}{
		{"front door without a port", func(c *envoy.Config) { c.Listen = "127.0.0.1" }, "envoy Listen: \"127.0.0.1\" is not ip:port"},
		{"front door by name", func(c *envoy.Config) { c.Listen = "localhost:8000" }, "envoy Listen: \"localhost:8000\" is not ip:port"},
		{"administration open to the network", func(c *envoy.Config) { c.AdminListen = "0.0.0.0:9901" }, "is not loopback"},
		{"socket with a relative path", func(c *envoy.Config) { c.ExtProc = "unix:run/x.sock" }, "absolute path"},
		{"socket with too long a path", func(c *envoy.Config) { c.ExtProc = "unix:/" + strings.Repeat("x", 120) }, "at most 107 bytes"},
		{"plaintext ext_proc on another machine", func(c *envoy.Config) { c.ExtProc = "10.0.0.7:9002" }, "ExtProcTLS is required"},
		{"plaintext ext_proc by name", func(c *envoy.Config) { c.ExtProc = "extproc:9002" }, "ExtProcTLS is required"},
		{"half of a TLS configuration", func(c *envoy.Config) { c.ExtProc, c.ExtProcTLS = "extproc:9002", &envoy.TLS{CAFile: "/ca"} }, "needs CertFile, KeyFile and CAFile"},
		{"no admin app", func(c *envoy.Config) { c.Admin = "" }, "envoy Admin: \"\" is not host:port"},
		{"port out of range", func(c *envoy.Config) { c.Admin = "admin:70000" }, "not between 1 and 65535"},
		{"no provider", func(c *envoy.Config) { c.Providers = nil }, "none given"},
		{"provider twice", func(c *envoy.Config) { c.Providers = append(c.Providers, c.Providers[0]) }, "\"mock\" is given twice"},
		{"provider in the name of a part", func(c *envoy.Config) { c.Providers[0].Name = "alfred_admin" }, "lower-case letters"},
		{"provider without a scheme", func(c *envoy.Config) { c.Providers[0].BaseURL = "api.openai.com/v1" }, "must be http or https"},
		{"provider with a key in its URL", func(c *envoy.Config) { c.Providers[0].BaseURL = "https://u:sk-1@h/v1" }, "carries a credential"},
		{"provider with a query", func(c *envoy.Config) { c.Providers[0].BaseURL = "https://h/v1?key=sk-1" }, "query"},
		{"public URL without a host", func(c *envoy.Config) { c.PublicURL = "/alfred" }, "not an absolute"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := local()
			tc.edit(&c)
			err := c.Validate()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "sk-1") {
				t.Errorf("the message repeats the credential: %v", err)
			}
			if _, err := envoy.Render(c); err == nil {
				t.Error("Render accepted it")
			}
		})
	}
}
