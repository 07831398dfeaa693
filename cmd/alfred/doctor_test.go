package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// running answers as the programs do: paths and what they say.
func running(t *testing.T, pages map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := pages[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func examined(t *testing.T, args ...string) (code int, byPart map[string]finding, text string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(append([]string{"doctor", "--json"}, args...), &out, &errs)
	var reply struct{ Parts []finding }
	if err := json.Unmarshal(out.Bytes(), &reply); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), errs.String())
	}
	byPart = map[string]finding{}
	for _, f := range reply.Parts {
		byPart[f.Part] = f
		if f.State == unwell && f.Remedy == "" {
			t.Errorf("%s is wrong, and nothing says what to do: %s", f.Part, f.Found)
		}
	}
	return code, byPart, out.String()
}

// Where nothing runs, each part is named with what to do, and no secret is
// shown.
func TestTheDoctorNamesWhatDoesNotRun(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("DATABASE_URL", "postgres://alfred:verysecret@127.0.0.1:1/alfred?sslmode=disable")
	t.Setenv("REDIS_URL", "redis://:verysecret@127.0.0.1:1/0")
	nobody := "http://127.0.0.1:1"
	code, found, text := examined(t, "--extproc", nobody, "--admin", nobody, "--envoy", nobody)
	if code != 1 {
		t.Errorf("exit %d", code)
	}
	for _, part := range []string{"Postgres", "Redis", "alfred-extproc", "alfred-admin", "Envoy"} {
		if found[part].State != unwell {
			t.Errorf("%s: %+v", part, found[part])
		}
	}
	for _, part := range []string{"drift", "spool"} {
		if found[part].State != unknown {
			t.Errorf("%s: %+v", part, found[part])
		}
	}
	if strings.Contains(text, "verysecret") {
		t.Errorf("it shows a password: %s", text)
	}
}

func TestTheDoctorReadsDriftAndSpool(t *testing.T) {
	at := running(t, map[string]string{
		"/metrics": "# HELP x\nalfred_ledger_drift{figure=\"measured\",org=\"o\"} 1.7e+09\nalfred_ledger_drift{figure=\"counters\",org=\"o\"} 2\n" +
			"alfred_ledger_drift{figure=\"max\",org=\"o\"} 3.5\nalfred_spool_full 1\nalfred_spool_bytes 70\n",
	})
	if f := driftOf(t.Context(), at); f.State != unwell || !strings.Contains(f.Found, "2 counters") || !strings.Contains(f.Found, "3.5 credits") {
		t.Errorf("%+v", f)
	}
	if f := spoolOf(t.Context(), at); f.State != unwell {
		t.Errorf("%+v", f)
	}
	at = running(t, map[string]string{"/metrics": "alfred_ledger_drift{figure=\"measured\",org=\"o\"} 1.7e+09\nalfred_spool_full 0\nalfred_spool_bytes 70\n"})
	if f := driftOf(t.Context(), at); f.State != well {
		t.Errorf("%+v", f)
	}
	if f := spoolOf(t.Context(), at); f.State != well || !strings.Contains(f.Found, "70 bytes") {
		t.Errorf("%+v", f)
	}
}

// On real servers the doctor reads the schema and the settings, and changes
// neither.
func TestTheDoctorReadsRealServers(t *testing.T) {
	need := func(err error) {
		t.Helper()
		switch {
		case err == nil:
		case os.Getenv("CI") == "true":
			t.Fatal(err)
		default:
			t.Skip(err)
		}
	}
	binary, err := parts.Valkey(t.Context(), os.Stderr)
	need(err)
	pg, err := parts.StartPostgres(t.Context(), parts.PostgresConfig{})
	need(err)
	t.Cleanup(pg.Stop)
	valkey, err := parts.StartValkey(t.Context(), parts.RedisConfig{Binary: binary, Dir: t.TempDir(), AppendOnly: true})
	need(err)
	t.Cleanup(valkey.Kill)
	t.Chdir(t.TempDir())
	t.Setenv("DATABASE_URL", pg.DSN())
	t.Setenv("REDIS_URL", valkey.URL())
	ready := running(t, map[string]string{"/readyz": "{}", "/ready": "LIVE", "/metrics": "alfred_spool_full 0\n"})
	args := []string{"--extproc", ready, "--admin", ready, "--envoy", ready}

	code, found, _ := examined(t, args...)
	if code != 1 || found["Postgres"].State != unwell || found["Redis"].State != well {
		t.Errorf("before the tables are made: exit %d, %+v", code, found)
	}
	records, err := postgres.Open(t.Context(), pg.DSN())
	need(err)
	defer records.Close()
	need(records.Migrate(t.Context()))
	if _, found, _ = examined(t, args...); found["Postgres"].State != well || found["Envoy"].State != well || found["spool"].State != well {
		t.Errorf("after: %+v", found)
	}
}
