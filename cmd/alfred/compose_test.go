package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/config"
)

func compose(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yaml"},
		cli.WithEnv(append(env, "ALFRED_SECRET_KEY="+strings.Repeat("0123456789abcdef", 4))), cli.WithInterpolation(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func lookup(s types.ServiceConfig) func(string) string {
	return func(name string) string {
		if v := s.Environment[name]; v != nil {
			return *v
		}
		return ""
	}
}

func TestComposeHasEveryPartPinnedAndHealthChecked(t *testing.T) {
	project := compose(t)
	names := project.ServiceNames()
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "admin envoy envoy-config extproc mock postgres valkey" {
		t.Errorf("services %s", got)
	}
	images := map[string]string{
		"envoy": "envoyproxy/envoy:v" + parts.EnvoyVersion, "valkey": "valkey/valkey:" + parts.ValkeyVersion,
		"postgres": "postgres:" + strings.TrimSuffix(parts.PostgresVersion, ".0") + "-bookworm",
	}
	for name, s := range project.Services {
		if want := images[name]; want != "" && s.Image != want {
			t.Errorf("%s: image %s, want %s as make up runs it", name, s.Image, want)
		} else if want == "" && (s.Image != "alfred:local" || s.Build == nil) {
			t.Errorf("%s: image %s is not built here", name, s.Image)
		}
		if name != "envoy-config" && (s.HealthCheck == nil || len(s.HealthCheck.Test) < 2) {
			t.Errorf("%s has no health check", name)
		}
		for needed, d := range s.DependsOn {
			if d.Condition == types.ServiceConditionStarted {
				t.Errorf("%s does not wait for %s to be healthy", name, needed)
			}
		}
	}
	if got := project.Services["admin"].ContainerName; got != "alfred-server" {
		t.Errorf("the admin app's container is %q; the guide says docker logs alfred-server", got)
	}
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(dockerfile), -1) {
		if !strings.Contains(m[1], ":") || strings.HasSuffix(m[1], ":latest") {
			t.Errorf("the Dockerfile starts from %s, which is not pinned", m[1])
		}
	}
}

// Without a token for the first admin nothing may be reachable from elsewhere.
func TestComposePublishesTheFrontDoorAloneAndOnLoopback(t *testing.T) {
	for name, s := range compose(t).Services {
		for _, p := range s.Ports {
			if name != "envoy" || p.HostIP != "127.0.0.1" || p.Published != "8000" || p.Target != 8000 {
				t.Errorf("%s publishes %s:%s -> %d", name, p.HostIP, p.Published, p.Target)
			}
		}
	}
	if len(compose(t).Services["envoy"].Ports) != 1 {
		t.Error("the front door is not published")
	}
}

func TestComposeSettingsAreThoseThatTheCodeReads(t *testing.T) {
	project := compose(t, "OPENAI_API_KEY=sk-1", "ANTHROPIC_API_KEY=sk-2")
	extproc, admin := project.Services["extproc"], project.Services["admin"]
	known := map[string][]string{"extproc": config.ExtprocNames(), "admin": config.AdminNames(), "envoy-config": config.Names(), "mock": nil}
	for name, names := range known {
		for variable := range project.Services[name].Environment {
			if !slices.Contains(names, variable) {
				t.Errorf("%s sets %s, which it does not read", name, variable)
			}
		}
	}
	data, err := config.LoadExtproc(lookup(extproc))
	if err != nil {
		t.Fatal(err)
	}
	control, err := config.LoadAdmin(lookup(admin))
	if err != nil {
		t.Fatal(err)
	}
	if data.Environment != config.Development || control.Environment != config.Development {
		t.Error("not in development: the first admin would need a token")
	}
	if data.SecretKey != control.SecretKey {
		t.Error("the planes have different secret keys")
	}
	if _, set := admin.Environment["OPENAI_API_KEY"]; set {
		t.Error("the admin app gets a provider's key")
	}
	if _, set := extproc.Environment["DATABASE_URL"]; set {
		t.Error("the data plane gets the database's address")
	}
	envoy := project.Services["envoy"]
	if at := envoy.Networks["default"].Ipv4Address; len(control.TrustedProxies) != 1 || control.TrustedProxies[0].Addr().String() != at {
		t.Errorf("trusted proxies %v, want Envoy's address %s alone", control.TrustedProxies, at)
	}
	// They meet on the socket: same folder, same account.
	folder := filepath.Dir(data.Listen.Address)
	if v := extproc.Volumes; len(v) != 2 || v[1].Type != "volume" || !strings.HasPrefix(data.SpoolDir, v[1].Target+"/") {
		t.Errorf("the spool %q does not outlive its container: %+v", data.SpoolDir, v)
	}
	for _, s := range []types.ServiceConfig{extproc, envoy, project.Services["envoy-config"]} {
		if len(s.Volumes) < 1 || s.Volumes[0].Target != folder || s.Volumes[0].Source != "run" || s.User != "65532:65532" {
			t.Errorf("%s: user %s, volumes %+v; want the socket's folder %s", s.Name, s.User, s.Volumes, folder)
		}
	}
}

func TestComposeRendersEnvoysConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "envoy.yaml")
	args := slices.Clone(compose(t).Services["envoy-config"].Command)
	for i, a := range args {
		if strings.HasPrefix(a, "--output=") {
			args[i] = "--output=" + file
		}
	}
	var out bytes.Buffer
	if code := run(args, &out, &out); code != 0 {
		t.Fatalf("exit code %d: %s", code, &out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/run/alfred/extproc.sock", "address: admin", "address: mock", "port_value: 8000"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the configuration lacks %q", want)
		}
	}
}
