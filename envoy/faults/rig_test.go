package faults_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred/cmd/alfred/mock"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// plan says what a rig is made of.
type plan struct {
	redis7      bool                                         // a Redis 7 in Valkey's place
	postgres    *parts.PostgresServer                        // of the story's own; nil is the shared one
	toRedis     func(address string) string                  // where alfred-extproc finds Redis; nil is at its address
	toData      func(dsn *url.URL)                           // changes where alfred-admin finds Postgres
	place       func(t *testing.T, binary, dir string) place // Redis in another shape than one server
	unspooled   bool                                         // alfred-extproc writes nothing down
	admins      int                                          // how many alfred-admin; 0 is one
	extprocs    int                                          // how many alfred-extproc; 0 is one
	departments bool                                         // everybody belongs to one
	env         []string                                     // for all programs
}

// place is where Redis is.
type place struct {
	url   string // REDIS_URL of alfred-extproc, and of alfred-admin unless it has its own
	admin string
	live  redis.UniversalClient
}

// rig is an installation of one story's own, with people who have credits without end.
type rig struct {
	*envoytest.Envoy
	provider *httptest.Server
	redis    *parts.Redis
	config   parts.RedisConfig
	live     redis.UniversalClient // straight to the server, past every proxy
	spooled  bool
	dsn      string // straight to the database
	admins   []*child
	extproc  *child   // the first
	extprocs []*child // all
	health   []string // of each alfred-extproc, as a URL

	dir    string
	owner  string // a key
	keys   []string
	people []string // whose keys they are
}

// child is one of our own processes, that a story can stop, kill and start again.
type child struct {
	*parts.Process
	command parts.Command
	ready   string
}

const people = 4

func newRig(t *testing.T, p plan) *rig {
	t.Helper()
	envoytest.Binary(t)
	if err := shared.programs(); err != nil {
		t.Fatal(err)
	}
	find, what := parts.Valkey, "Valkey"
	if p.redis7 {
		find, what = parts.Redis7, "Redis 7"
	}
	binary, err := find(t.Context(), os.Stderr)
	if err != nil {
		envoytest.Missing(t, what, err)
	}
	if p.postgres == nil {
		if p.postgres, err = shared.postgres(); err != nil {
			envoytest.Missing(t, "Postgres", err)
		}
	}
	r := &rig{dir: t.TempDir()}
	r.config = parts.RedisConfig{Binary: binary, Dir: filepath.Join(r.dir, "redis"), Port: freePort(t), AppendOnly: true}
	r.spooled = !p.unspooled
	at := r.settleRedis(t, p, binary)
	r.live = at.live
	t.Cleanup(func() { _ = r.live.Close() })
	r.provider = httptest.NewServer(mock.NewHandler())
	t.Cleanup(r.provider.Close)

	r.dsn = r.database(t, p.postgres)
	data, err := url.Parse(r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	if p.toData != nil {
		p.toData(data)
	}
	port := freePort(t)
	base := append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "TMPDIR=" + os.TempDir(), "ENVIRONMENT=development",
		fmt.Sprintf("ALFRED_PUBLIC_URL=http://127.0.0.1:%d", port),
		"ALFRED_SECRET_KEY=" + strings.Repeat("0123456789abcdef", 4),
		"ALFRED_HOLD_TTL=5s", "ALFRED_HOLD_EXTEND=1s",
		"ALFRED_REDIS_TIMEOUT=2s", // the machine of a test is slower than production
	}, p.env...)
	var admins, sockets []string
	for range max(1, p.admins) {
		address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
		admins = append(admins, address)
		r.admins = append(r.admins, r.spawn(t, "alfred-admin", "http://"+address+"/readyz",
			append([]string{"REDIS_URL=" + cmp.Or(at.admin, at.url), "DATABASE_URL=" + data.String(), "ALFRED_ADMIN_LISTEN=" + address}, base...)))
	}
	reached := at.url
	if p.toRedis != nil {
		reached = "redis://" + p.toRedis(fmt.Sprintf("127.0.0.1:%d", r.config.Port)) + "/0"
	}
	dir, err := os.MkdirTemp("", "alfred-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	spoolDir := ""
	if r.spooled {
		spoolDir = filepath.Join(r.dir, "spool")
	}
	for i := range max(1, p.extprocs) {
		socket := "unix:" + filepath.Join(dir, strconv.Itoa(i)+".sock")
		sockets = append(sockets, socket)
		health := fmt.Sprintf("127.0.0.1:%d", freePort(t))
		r.health = append(r.health, "http://"+health)
		r.extprocs = append(r.extprocs, r.spawn(t, "alfred-extproc", r.health[i]+"/readyz", append([]string{
			"REDIS_URL=" + reached, "ALFRED_EXTPROC_LISTEN=" + socket, "ALFRED_EXTPROC_HTTP=" + health, "ALFRED_MOCK_URL=" + r.provider.URL + "/v1",
			"ALFRED_SPOOL_DIR=" + spoolDir,
		}, base...)))
	}
	r.extproc = r.extprocs[0]
	r.Envoy = envoytest.Start(t, envoy.Config{
		Listen: fmt.Sprintf("127.0.0.1:%d", port), ExtProc: strings.Join(sockets, ","), Admin: strings.Join(admins, ","),
		Providers: []envoy.Provider{{Name: "mock", BaseURL: r.provider.URL + "/v1"}},
		PublicURL: fmt.Sprintf("http://127.0.0.1:%d", port),
	})
	r.populate(t, p.departments)
	return r
}

// settleRedis runs Redis in the shape that the story has.
func (r *rig) settleRedis(t *testing.T, p plan, binary string) place {
	t.Helper()
	if p.place != nil {
		return p.place(t, binary, r.config.Dir)
	}
	r.startRedis(t)
	t.Cleanup(func() { r.redis.Kill() })
	options, err := redis.ParseURL(r.redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	return place{url: r.redis.URL(), live: redis.NewClient(options)}
}

// startRedis runs it, again if it ran before, on the same data and port.
func (r *rig) startRedis(t *testing.T) {
	t.Helper()
	var err error
	if r.redis, err = parts.StartValkey(t.Context(), r.config); err != nil {
		t.Fatal(err)
	}
}

// database makes an empty one.
func (r *rig) database(t *testing.T, server *parts.PostgresServer) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	name := fmt.Sprintf("faults_%d", r.config.Port)
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// spawn runs one of our programs with nothing in its environment but what is given here, and waits until it is ready.
func (r *rig) spawn(t *testing.T, name, ready string, env []string) *child {
	t.Helper()
	dir := filepath.Join(r.dir, fmt.Sprintf("%s-%d", name, freePort(t)))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := &child{ready: ready, command: parts.Command{Name: name, Path: program(name), Dir: dir, Log: filepath.Join(dir, "log"), Env: env}}
	t.Cleanup(func() {
		c.Stop(10 * time.Second)
		if t.Failed() {
			text, _ := os.ReadFile(c.command.Log)
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			t.Logf("%s, last lines:\n%s", name, strings.Join(lines[max(0, len(lines)-8):], "\n"))
		}
	})
	c.start(t)
	return c
}

// start runs it, again if it ran before.
func (c *child) start(t *testing.T) {
	t.Helper()
	var err error
	if c.Process, err = parts.Start(c.command); err != nil {
		t.Fatal(err)
	}
	err = c.Await(t.Context(), time.Minute, func(ctx context.Context) error {
		_, err := get(ctx, c.ready)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// populate makes an owner, a team and its members, and waits until all keys work.
func (r *rig) populate(t *testing.T, departments bool) {
	t.Helper()
	type person struct {
		ID  string `json:"id"`
		Key string `json:"api_key"`
	}
	var owner person
	r.manage(t, http.MethodPost, "/v1/admin/users", map[string]any{"email": "owner@company.com", "name": "Owner", "personal_quota": 1000}, &owner)
	r.owner = owner.Key
	r.awaitKey(t, owner.Key)
	var team struct {
		ID string `json:"id"`
	}
	r.manage(t, http.MethodPost, "/v1/admin/teams", map[string]any{"name": "Everybody", "common_pool": 1000}, &team)
	var department any // none
	if departments {
		var d struct {
			ID string `json:"id"`
		}
		r.manage(t, http.MethodPost, "/v1/admin/departments", map[string]any{"name": "All of it"}, &d)
		department = d.ID
	}
	for i := range people {
		var p person
		r.manage(t, http.MethodPost, "/v1/admin/users", map[string]any{
			"email": fmt.Sprintf("person%d@company.com", i), "name": "Person", "personal_quota": 1_000_000_000, "department_id": department,
		}, &p)
		r.keys, r.people = append(r.keys, p.Key), append(r.people, p.ID)
	}
	for i, k := range r.keys {
		r.join(t, team.ID, r.people[i], k)
	}
}

// join makes somebody a member of a team, and waits until what he spends is the team's. The control plane knows at once that he is
// a member; the data plane, when it is published.
func (r *rig) join(t *testing.T, team, person, key string) {
	t.Helper()
	r.manage(t, http.MethodPost, "/v1/admin/teams/"+team+"/members/"+person+"?is_admin=false", nil, nil)
	r.awaitKey(t, key)
	await(t, "a member spends for the team", func() error {
		body := map[string]any{"model": "gpt-4", "max_tokens": 1, "messages": []any{map[string]any{"role": "user", "content": "Hello!"}}}
		if status, text := r.call(t, key, http.MethodPost, "/v1/chat/completions", body, "X-Team-ID", team); status != http.StatusOK {
			return fmt.Errorf("%d: %s", status, text)
		}
		return nil
	})
}

func (r *rig) awaitKey(t *testing.T, key string) {
	t.Helper()
	await(t, "the key works", func() error {
		if status, text := r.call(t, key, http.MethodGet, "/v1/models", nil); status != http.StatusOK {
			return fmt.Errorf("%d: %s", status, text)
		}
		return nil
	})
}

// manage asks the admin API, as the owner once there is one.
func (r *rig) manage(t *testing.T, method, path string, body, into any) {
	t.Helper()
	status, text := r.call(t, r.owner, method, path, body)
	if status != http.StatusOK && status != http.StatusCreated {
		t.Fatalf("%s %s: %d: %s", method, path, status, text)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *rig) call(t *testing.T, key, method, path string, body any, header ...string) (status int, text []byte) {
	t.Helper()
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if text, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, text
}

// metric reads one number of alfred-extproc's own, of all together.
func (r *rig) metric(t *testing.T, name string) (sum float64, err error) {
	t.Helper()
	for _, health := range r.health {
		text, err := get(t.Context(), health+"/metrics")
		if err != nil {
			return 0, err
		}
		n, found := 0.0, false
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, name+" "); ok {
				n, err = strconv.ParseFloat(strings.TrimSpace(value), 64)
				found = err == nil
			}
		}
		if !found {
			return 0, fmt.Errorf("no metric %s", name)
		}
		sum += n
	}
	return sum, nil
}

func get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, text)
	}
	return text, err
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := parts.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// await polls until check is content, for what has no signal of its own to wait for.
func await(t *testing.T, what string, check func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(2 * time.Minute); ; {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s: %v", what, err)
		}
	}
}
