package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/config"
)

const key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// with is a lookup over what both planes need, and more or other values.
func with(values map[string]string) func(string) string {
	all := map[string]string{
		"REDIS_URL": "redis://localhost:6379/0", "ALFRED_SECRET_KEY": key, "DATABASE_URL": "postgres://alfred:p@localhost/alfred",
	}
	for name, v := range values {
		all[name] = v
	}
	return func(name string) string { return all[name] }
}

func TestTheDefaultsAreTheGuides(t *testing.T) {
	a, err := config.LoadAdmin(with(nil))
	if err != nil {
		t.Fatal(err)
	}
	const credit = alfred.Credits(1_000_000)
	want := config.Quotas{DefaultPersonalQuota: 1000 * credit, DefaultTeamPool: 10000 * credit, VacationSharePercentage: 10, CriticalOverdraftLimit: 5000 * credit}
	if diff := cmp.Diff(want, a.Quotas); diff != "" {
		t.Error(diff)
	}
	if a.Environment != config.Production || a.Debug || !a.NotificationsEnabled || a.Listen != "127.0.0.1:8080" || a.PublicURL != "http://localhost:8000" {
		t.Errorf("defaults %+v", a)
	}
	for env, private := range map[string]bool{"": false, "production": false, "development": true} {
		if a, err := config.LoadAdmin(with(map[string]string{"ENVIRONMENT": env})); err != nil || a.PrivateWebhooks != private {
			t.Errorf("in %q: private webhooks %v, %v", env, a.PrivateWebhooks, err)
		}
	}
	if a, err := config.LoadAdmin(with(map[string]string{"ENVIRONMENT": "development", "ALFRED_PRIVATE_WEBHOOKS": "false"})); err != nil || a.PrivateWebhooks {
		t.Errorf("what is said does not count: %v", err)
	}
	e, err := config.LoadExtproc(with(nil))
	if err != nil {
		t.Fatal(err)
	}
	if e.SpoolDir != "" || e.SpoolMaxBytes != 256<<20 {
		t.Errorf("defaults of the spool: %q, %d bytes", e.SpoolDir, e.SpoolMaxBytes)
	}
	if _, err := config.LoadExtproc(with(map[string]string{"ALFRED_SPOOL_MAX_BYTES": "256MB"})); err == nil || !strings.Contains(err.Error(), "ALFRED_SPOOL_MAX_BYTES") {
		t.Errorf("a size that is no number: %v", err)
	}
	if e.FailMode != config.Deny || e.RedisTimeout != 50*time.Millisecond || e.HoldTTL != 2*time.Minute || e.OpenAI.BaseURL != "https://api.openai.com/v1" {
		t.Errorf("defaults %+v", e)
	}
}

func TestEverythingWrongIsReportedAtOnceWithWhatToDo(t *testing.T) {
	_, err := config.LoadAdmin(with(map[string]string{
		"REDIS_URL": "http://x", "ALFRED_SECRET_KEY": "short", "DATABASE_URL": "sqlite:///./alfred.db", "ENVIRONMENT": "prod",
		"DEBUG": "maybe", "VACATION_SHARE_PERCENTAGE": "101", "DEFAULT_TEAM_POOL": "-1", "DEFAULT_PERSONAL_QUOTA": "1.5",
	}))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		`REDIS_URL has the scheme "http"`, "ALFRED_SECRET_KEY is 5 bytes", "embedded Postgres", "postgres://alfred:password@", `ENVIRONMENT is "prod": say production or development`,
		`DEBUG is "maybe"`, `VACATION_SHARE_PERCENTAGE is "101"`, `DEFAULT_TEAM_POOL is "-1"`, `DEFAULT_PERSONAL_QUOTA is "1.5"`, "8 error(s)",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestDatabaseURL(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://a@db/alfred":                 "",
		"postgresql://a@db/alfred":               "",
		"sqlite:///./alfred.db":                  "SQLite",
		"sqlite+aiosqlite:///x":                  "SQLite",
		"postgresql+asyncpg://a@db/alfred":       "postgres:// alone",
		"mysql://a@db/alfred":                    "not a postgres:// address",
		"postgres://a:s3cret@db":                 "database's name",
		"postgres://a:s3cret/%zz@db:5432/alfred": "cannot be read",
	} {
		_, err := config.LoadAdmin(with(map[string]string{"DATABASE_URL": url}))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", url, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want one about %q", url, err, want)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestRedisURL(t *testing.T) {
	for url, want := range map[string]string{
		"redis://a:p@b:6379/1":               "",
		"unix:///run/redis.sock":             "",
		"redis+sentinel://a:26379,b:26379/m": "",
		"rediss+cluster://u:p@a:6379,b:6379": "",
		"redis://":                           "not a URL",
		"redis://u:s3cret@host:port":         "not a URL",
		"redis+cluster://":                   "names no host",
		"memcached://u:s3cret@a":             `has the scheme "memcached"`,
		"u:s3cret@localhost":                 "has no scheme",
	} {
		_, err := config.LoadExtproc(with(map[string]string{"REDIS_URL": url}))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", url, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want one about %q", url, err, want)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestCertificatesForRedis(t *testing.T) {
	for _, c := range []struct {
		url, ca, cert, key string
		want               string // in the error; "" = accepted
	}{
		{"rediss://a", "ca", "", "", ""},
		{"rediss+cluster://a", "ca", "c", "k", ""},
		{"rediss://a", "", "c", "", "belong together"},
	} {
		got, err := config.LoadAdmin(with(map[string]string{"REDIS_URL": c.url, "ALFRED_REDIS_CA": c.ca, "ALFRED_REDIS_CERT": c.cert, "ALFRED_REDIS_KEY": c.key}))
		switch {
		case c.want == "" && (err != nil || got.RedisTLS != config.RedisTLS{CA: c.ca, Cert: c.cert, Key: c.key}):
			t.Errorf("%+v: %+v, %v", c, got.RedisTLS, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

func TestOnlyASocketOrLoopbackMayBePlain(t *testing.T) {
	tls := map[string]string{"ALFRED_TLS_CERT": "c", "ALFRED_TLS_KEY": "k", "ALFRED_TLS_CLIENT_CA": "ca", "ALFRED_TLS_ALLOWED_SANS": "envoy.internal, spiffe://a/envoy"}
	for _, c := range []struct {
		listen string
		tls    bool
		want   string // in the error; "" = accepted
	}{
		{"unix:/run/alfred/extproc.sock", false, ""},
		{"unix:///run/alfred/extproc.sock", false, ""},
		{"127.0.0.1:9002", false, ""},
		{"[::1]:9002", false, ""},
		{"localhost:9002", false, ""},
		{"0.0.0.0:9002", true, ""},
		{"127.0.0.1:9002", true, ""},
		{"0.0.0.0:9002", false, "carry the provider's key"},
		{":9002", false, "carry the provider's key"},
		{"10.1.2.3:9002", false, "carry the provider's key"},
		{"unix:/run/alfred/extproc.sock", true, "needs no TLS"},
		{"unix:extproc.sock", false, "absolute path"},
		{"unix:/" + strings.Repeat("d", 107), false, "at most 107"},
		{"extproc", false, "host:port"},
	} {
		values := map[string]string{"ALFRED_EXTPROC_LISTEN": c.listen}
		if c.tls {
			for name, v := range tls {
				values[name] = v
			}
		}
		got, err := config.LoadExtproc(with(values))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s, TLS %v: %v", c.listen, c.tls, err)
		case c.want == "" && c.tls != (got.TLS != nil):
			t.Errorf("%s: TLS %+v", c.listen, got.TLS)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s, TLS %v: error %v, want one about %q", c.listen, c.tls, err, c.want)
		}
	}
	_, err := config.LoadExtproc(with(map[string]string{"ALFRED_TLS_CERT": "c"}))
	if err == nil || !strings.Contains(err.Error(), "set ALFRED_TLS_KEY, ALFRED_TLS_CLIENT_CA, ALFRED_TLS_ALLOWED_SANS too") {
		t.Errorf("half of TLS: error %v", err)
	}
}

func TestTheSecretKeyIsHexBase64OrText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		values map[string]string
		bytes  int // 0 = refused
	}{
		"hex":       {map[string]string{"ALFRED_SECRET_KEY": key}, 32},
		"base64":    {map[string]string{"ALFRED_SECRET_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}, 32},
		"text":      {map[string]string{"ALFRED_SECRET_KEY": "a long sentence that only we two know!"}, 38},
		"file":      {map[string]string{"ALFRED_SECRET_KEY": "", "ALFRED_SECRET_KEY_FILE": file}, 32},
		"short hex": {map[string]string{"ALFRED_SECRET_KEY": key[:62]}, 0},
		"no file":   {map[string]string{"ALFRED_SECRET_KEY": "", "ALFRED_SECRET_KEY_FILE": file + "x"}, 0},
		"both":      {map[string]string{"ALFRED_SECRET_KEY_FILE": file}, 0},
		"none":      {map[string]string{"ALFRED_SECRET_KEY": ""}, 0},
	} {
		got, err := config.LoadExtproc(with(c.values))
		if (err != nil) != (c.bytes == 0) || err == nil && len(got.SecretKey.Reveal()) != c.bytes {
			t.Errorf("%s: %d bytes, error %v; want %d bytes", name, len(got.SecretKey.Reveal()), err, c.bytes)
		}
	}
}

func TestASecretNeverPrints(t *testing.T) {
	c, err := config.LoadExtproc(with(map[string]string{"OPENAI_API_KEY": "sk-hunter2", "REDIS_URL": "redis://:hunter2@localhost"}))
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("started", "config", c, "key", c.OpenAI.Key)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d", c, c, c, c.OpenAI.Key, c.OpenAI.Key, c.OpenAI.Key, c.OpenAI.Key) + log.String() + string(encoded)
	if strings.Contains(all, "hunter2") || strings.Contains(all, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("a secret shows: %s", all)
	}
	if c.OpenAI.Key.Reveal() != "sk-hunter2" {
		t.Error("Reveal does not reveal")
	}
}

func TestTheRealEnvironmentBeatsTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	text := `
# a comment
DEFAULT_PERSONAL_QUOTA = 2000  # tokens
export DATABASE_URL='postgres://a:b#c@db/alfred'
OPENAI_API_KEY="sk-file"
DEBUG=
SLACK_WEBHOOK_URL=https://hooks.example/a#b
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OPENAI_API_KEY", "sk-real")
	getenv, err := config.Getenv(file)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range []string{"DEFAULT_PERSONAL_QUOTA", "DATABASE_URL", "OPENAI_API_KEY", "SLACK_WEBHOOK_URL"} {
		got[name] = getenv(name)
	}
	want := map[string]string{
		"DEFAULT_PERSONAL_QUOTA": "2000", "DATABASE_URL": "postgres://a:b#c@db/alfred", "OPENAI_API_KEY": "sk-real", "SLACK_WEBHOOK_URL": "https://hooks.example/a#b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := config.Getenv(filepath.Join(t.TempDir(), "absent")); err != nil {
		t.Errorf("a file that does not exist: %v", err)
	}
	_, err = config.ParseDotenv("A=1\nmy secret words")
	if err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v, want one that names line 2 and does not show it", err)
	}
}

func TestTwoPartsCannotShareAPort(t *testing.T) {
	_, err := config.LoadLocal(with(map[string]string{"ALFRED_ADMIN_PORT": "8000"}))
	if err == nil || !strings.Contains(err.Error(), "ALFRED_ADMIN_PORT is 8000, and so is ALFRED_PORT") {
		t.Errorf("error %v", err)
	}
}

// The example file and the code name the same variables; what it sets is valid as it stands.
func TestTheExampleFileIsWhole(t *testing.T) {
	text, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^#? ?([A-Z][A-Z0-9_]+)=`).FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, m[1])
	}
	slices.Sort(listed)
	if diff := cmp.Diff(append(config.Names(), readElsewhere()...), listed, cmp.Transformer("sort", func(s []string) []string {
		s = slices.Clone(s)
		slices.Sort(s)
		return s
	})); diff != "" {
		t.Errorf("code (-) and .env.example (+) differ:\n%s", diff)
	}
	uncommented := regexp.MustCompile(`(?m)^# ([A-Z][A-Z0-9_]+=)`).ReplaceAllString(string(text), "$1")
	values, err := config.ParseDotenv(uncommented)
	if err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string {
		if strings.HasPrefix(name, "ALFRED_TLS") || name == "ALFRED_SECRET_KEY_FILE" {
			return "" // alternatives to other lines of the file
		}
		return values[name]
	}
	if _, err := config.LoadExtproc(getenv); err != nil {
		t.Error(err)
	}
	if _, err := config.LoadAdmin(getenv); err != nil {
		t.Error(err)
	}
	if _, err := config.LoadLocal(getenv); err != nil {
		t.Error(err)
	}
}

// readElsewhere is what the search for servers asks of the environment, in cmd/alfred/parts.
func readElsewhere() []string {
	return []string{"ALFRED_HOME", "ENVOY_PATH", "VALKEY_PATH", "POSTGRES_BIN"}
}
