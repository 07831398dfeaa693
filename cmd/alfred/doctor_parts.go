package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/config"
	"github.com/alfred-envoy/alfred/store/postgres"
	"github.com/alfred-envoy/alfred/store/redis"
)

// lookFor is how long one part may take to tell of itself.
const lookFor = 5 * time.Second

// examine looks at every part. What a part that does not answer would have
// told is left out, or unknown.
func examine(ctx context.Context, local config.Local, getenv func(string) string, at addresses) []finding {
	records, out := examinePostgres(ctx, local)
	var orgs []alfred.Organization
	if records != nil {
		defer records.Close()
		found, err := records.Organizations(ctx)
		if err != nil {
			out = append(out, finding{"organisations", unwell, err.Error(), "Start alfred-admin once: it makes the tables and the first organisation."})
		}
		orgs = found
		for _, org := range orgs {
			out = append(out, setAside(ctx, records, org.ID))
		}
	}
	live, more := examineRedis(ctx, local, getenv)
	out = append(out, more...)
	if live != nil {
		defer func() { _ = live.Close() }() // nothing was written
		for _, org := range orgs {
			out = append(out, ledgerOf(ctx, live, org.ID), backlogOf(ctx, live, org.ID))
		}
	}
	out = append(out, driftOf(ctx, at.admin), spoolOf(ctx, at.extproc))
	for _, p := range []struct{ part, url, remedy string }{
		{"alfred-extproc", at.extproc + "/readyz", "Start it, or read its log; --extproc names another address."},
		{"alfred-admin", at.admin + "/readyz", "Start it, or read its log; --admin names another address."},
		{"Envoy", at.envoy + "/ready", "Start it, or read its log; --envoy names another address. While Envoy is not ready no request is served."},
	} {
		out = append(out, answering(ctx, p.part, p.url, p.remedy))
	}
	return append(out, providerKeys(local)...)
}

func examinePostgres(ctx context.Context, local config.Local) (*postgres.Store, []finding) {
	const part = "Postgres"
	address := local.DatabaseURL.Reveal()
	if address == "" {
		home, err := parts.Home()
		if err == nil {
			address, err = parts.EmbeddedDSN(state{home}.path("data", "postgres"), local.PostgresPort)
		}
		if err != nil {
			return nil, []finding{{part, unwell, err.Error(), "Start everything with `make up`, or set DATABASE_URL."}}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	records, err := postgres.Open(ctx, address)
	if err != nil {
		return nil, []finding{{part, unwell, err.Error(), "Start Postgres, or correct DATABASE_URL. Requests go on meanwhile, and what they use waits in Redis."}}
	}
	have, want, err := records.Schema(ctx)
	switch {
	case err != nil:
		return records, []finding{{part, unwell, "reachable; its schema cannot be read: " + err.Error(), "Start alfred-admin, which makes the tables."}}
	case have < want:
		return records, []finding{{part, unwell, fmt.Sprintf("reachable; schema %d, this program knows %d", have, want), "Start alfred-admin of this version: it migrates."}}
	default:
		return records, []finding{{part, well, fmt.Sprintf("reachable; schema %d", have), ""}}
	}
}

func examineRedis(ctx context.Context, local config.Local, getenv func(string) string) (*redis.Store, []finding) {
	const part = "Redis"
	address := local.RedisURL.Reveal()
	if address == "" {
		home, err := parts.Home()
		if err == nil {
			var password []byte
			if password, err = os.ReadFile(state{home}.path("data", "valkey.password")); err == nil {
				address = fmt.Sprintf("redis://:%s@%s/0", strings.TrimSpace(string(password)), loopback(local.ValkeyPort))
			}
		}
		if err != nil {
			return nil, []finding{{part, unwell, "nothing was ever started here: " + err.Error(), "Start everything with `make up`, or set REDIS_URL."}}
		}
	}
	live, err := redis.Open(ctx, redis.Options{URL: address, Timeout: lookFor, TLS: redis.TLS{
		CA: getenv("ALFRED_REDIS_CA"), Cert: getenv("ALFRED_REDIS_CERT"), Key: getenv("ALFRED_REDIS_KEY"),
	}})
	if err == nil {
		err = live.Ping(ctx)
	}
	if err != nil {
		return nil, []finding{{part, unwell, err.Error(), "Start Redis, or correct REDIS_URL. Until then requests are answered by the fail mode."}}
	}
	out := []finding{{part, well, "reachable", ""}}
	found, err := live.Settings(ctx)
	if err != nil {
		return live, append(out, finding{"Redis settings", unknown, err.Error(), ""})
	}
	for _, s := range found {
		f := finding{Part: "Redis " + s.Name, State: verdict(s.Verdict), Found: s.Found}
		if s.Verdict == redis.SettingWrong {
			f.Remedy = s.Advice
		}
		out = append(out, f)
	}
	return live, out
}

func setAside(ctx context.Context, records *postgres.Store, org alfred.OrgID) finding {
	const part, most = "set aside", 100
	rows, err := records.EntriesSetAside(ctx, org, true, "", most)
	switch {
	case err != nil:
		return finding{part, unknown, err.Error(), ""}
	case len(rows) == 0:
		return finding{part, well, "no usage waits for a person", ""}
	default:
		return finding{
			part, unwell, fmt.Sprintf("%d usage events (counted to %d) could not be booked; the last because: %s", len(rows), most, rows[0].Reason),
			"GET /v1/admin/ledger/set-aside shows them; mend the cause, then POST …/{id}/retry.",
		}
	}
}

func ledgerOf(ctx context.Context, live *redis.Store, org alfred.OrgID) finding {
	const part = "live ledger"
	e, err := live.Epoch(ctx, org)
	switch {
	case err != nil:
		return finding{part, unknown, err.Error(), ""}
	case !e.Current():
		return finding{
			part, unwell, "it is empty or may be older than it was, and grants nothing until it is built from Postgres",
			"This takes seconds. If it stays, look whether alfred-admin runs and reaches Postgres.",
		}
	default:
		return finding{part, well, fmt.Sprintf("built, epoch %d", e.Number), ""}
	}
}

func backlogOf(ctx context.Context, live *redis.Store, org alfred.OrgID) finding {
	const part, patience = "recorder", time.Minute
	oldest, waiting, err := live.Unrecorded(ctx, org)
	age := time.Since(oldest).Truncate(time.Second)
	switch {
	case err != nil:
		return finding{part, unknown, err.Error(), ""}
	case waiting == 0:
		return finding{part, well, "nothing waits to be recorded", ""}
	case age > patience:
		return finding{part, unwell, fmt.Sprintf("%d usage events wait to be recorded, the oldest for %s", waiting, age), "Look whether alfred-admin runs and reaches Postgres. Nothing is lost meanwhile."}
	default:
		return finding{part, well, fmt.Sprintf("%d usage events wait to be recorded, the oldest for %s", waiting, age), ""}
	}
}

// driftOf reads what alfred-admin measured last, so that looking locks nothing.
func driftOf(ctx context.Context, admin string) finding {
	const part = "drift"
	m, err := metrics(ctx, admin+"/metrics")
	if err != nil {
		return finding{part, unknown, "alfred-admin measures it, and does not answer: " + err.Error(), ""}
	}
	at, counters, largest := m[`figure="measured"`], m[`figure="counters"`], m[`figure="max"`]
	switch {
	case at == 0:
		return finding{part, unknown, "not measured yet", ""}
	case counters > 0:
		return finding{
			part, unwell, fmt.Sprintf("%.0f counters differ from the record, the largest by %g credits; measured %s", counters, largest, ago(at)),
			"GET /v1/admin/ledger/drift shows them; POST /v1/admin/ledger/reconcile?dry_run=true what would be corrected.",
		}
	default:
		return finding{part, well, "every live counter is what the record says; measured " + ago(at), ""}
	}
}

func ago(unix float64) string {
	return time.Since(time.Unix(int64(unix), 0)).Truncate(time.Second).String() + " ago"
}

func spoolOf(ctx context.Context, extproc string) finding {
	const part = "spool"
	m, err := metrics(ctx, extproc+"/metrics")
	full, has := m["alfred_spool_full"]
	switch {
	case err != nil:
		return finding{part, unknown, "alfred-extproc does not answer: " + err.Error(), ""}
	case !has:
		return finding{part, unknown, "alfred-extproc keeps none", "Set ALFRED_SPOOL_DIR: without it, what cannot be booked is lost with the process."}
	case full > 0:
		return finding{part, unwell, "full: new requests are refused", "Look whether alfred-admin and Postgres run, and for room on the disk of ALFRED_SPOOL_DIR."}
	default:
		return finding{part, well, fmt.Sprintf("%.0f bytes wait to be confirmed", m["alfred_spool_bytes"]), ""}
	}
}

// metrics reads the figures of one page: by name, and those of the drift by
// figure, the largest of all organisations.
func metrics(ctx context.Context, url string) (map[string]float64, error) {
	text, err := fetched(ctx, url)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil || strings.HasPrefix(key, "#") {
			continue
		}
		name, labels, _ := strings.Cut(strings.TrimSuffix(key, "}"), "{")
		if name == "alfred_ledger_drift" {
			name, _, _ = strings.Cut(labels, ",")
		}
		out[name] = max(out[name], n)
	}
	return out, lines.Err()
}

func fetched(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %.300s", url, r.Status, strings.TrimSpace(string(text)))
	}
	return string(text), err
}

func answering(ctx context.Context, part, url, remedy string) finding {
	text, err := fetched(ctx, url)
	if err != nil {
		return finding{part, unwell, err.Error(), remedy}
	}
	return finding{part, well, fmt.Sprintf("%.300s", strings.TrimSpace(text)), ""}
}

// providerKeys says which keys there are. They are not tried: a call may cost.
func providerKeys(local config.Local) []finding {
	var out []finding
	for _, p := range []struct {
		name string
		key  config.Secret
	}{{"OPENAI_API_KEY", local.OpenAIKey}, {"ANTHROPIC_API_KEY", local.AnthropicKey}} {
		found := "set; not tried here"
		if p.key == "" {
			found = "not set: under `make up` the mock provider answers instead"
		}
		out = append(out, finding{p.name, well, found, ""})
	}
	return out
}
