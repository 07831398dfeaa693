package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/store/memory"
)

// tape writes down what reaches the data plane, in order.
type tape struct {
	admin.Live
	mu      sync.Mutex
	seen    []string
	keys    map[string]*alfred.Principal
	changed chan struct{}
	broken  error
}

func (l *tape) PublishCatalog(ctx context.Context, c *alfred.Catalog) error {
	if err := l.fault(); err != nil {
		return err
	}
	err := l.Live.PublishCatalog(ctx, c)
	l.note(fmt.Sprintf("catalog %d", c.Version), nil)
	return err
}

func (l *tape) PublishPrincipals(ctx context.Context, byHash map[string]*alfred.Principal) error {
	if err := l.fault(); err != nil {
		return err
	}
	err := l.Live.PublishPrincipals(ctx, byHash)
	l.note("people", byHash)
	return err
}

func (l *tape) fault() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

func (l *tape) note(what string, byHash map[string]*alfred.Principal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, what)
	for hash, p := range byHash {
		l.keys[hash] = p
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// until waits for a condition that a publication brings about.
func (l *tape) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		done := ok()
		l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-l.changed:
		case <-deadline:
			t.Fatalf("%s was not published; seen %v", what, l.seen)
		}
	}
}

// A change is published by the signal of its own commit, not by a timer: the
// figure is printed, the order is what is asserted.
func TestChangesArePublished(t *testing.T) {
	var l *tape
	w := started(t, func(c *admin.Config) {
		l = &tape{Live: c.Live, keys: map[string]*alfred.Principal{}, changed: make(chan struct{}, 1)}
		c.Live = l
	})
	p := w.user("p@company.com", "")
	hash := alfred.HashSecret(p.key, w.config.Pepper)
	ctx, stop := context.WithCancel(w.ctx)
	var wg sync.WaitGroup
	publisher := admin.Publisher{Records: w.records, Live: l, Now: w.clock.Now, Log: w.config.Log}
	wg.Go(func() { publisher.Run(ctx) })
	defer wg.Wait()
	defer stop()
	who := func() *alfred.Principal { return l.keys[hash] }
	l.until(t, "the first state", func() bool { return who() != nil && who().Personal.Base == 1000*alfred.Credit })

	steps := []struct {
		what, method, path, body string
		ok                       func() bool
	}{
		{"a quota", "PATCH", "/v1/admin/users/" + p.id, `{"personal_quota":77}`, func() bool { return who().Personal.Base == 77*alfred.Credit }},
		{"a suspension", "PATCH", "/v1/admin/users/" + p.id, `{"status":"suspended"}`, func() bool { return who().UserStatus == alfred.Suspended }},
		{"its end", "PATCH", "/v1/admin/users/" + p.id, `{"status":"active","personal_quota":null}`, func() bool { return who().UserStatus == alfred.Active }},
		{"a setting", "PATCH", "/v1/admin/organization", `{"settings":{"default_personal_quota":5}}`, func() bool { return who().Personal.Base == 5*alfred.Credit }},
		{"a revoked key", "DELETE", "/v1/admin/users/" + p.id, ``, func() bool { return who().KeyStatus == alfred.KeyRevoked }},
	}
	if ask := who().Ask; ask != "owner@company.com" {
		t.Errorf("somebody without a team asks %q", ask)
	}
	for _, s := range steps {
		start := time.Now()
		if r := w.do(s.method, s.path, w.owner.key, s.body); r.status >= 300 {
			t.Fatalf("%s: %d %s", s.what, r.status, r.body)
		}
		l.until(t, s.what, s.ok)
		t.Logf("%s was published %s after it was asked for", s.what, time.Since(start).Round(time.Millisecond))
	}
}

// Nothing is forgotten while the live store is away, and versions only grow.
func TestPublishingSurvivesAnOutage(t *testing.T) {
	w := started(t)
	l := &tape{Live: w.live, keys: map[string]*alfred.Principal{}, changed: make(chan struct{}, 1), broken: errors.New("no route to host")}
	publisher := admin.Publisher{Records: w.records, Live: l, Now: w.clock.Now, Log: w.config.Log}
	p := w.user("p@company.com", "")
	if n, err := publisher.Step(w.ctx); err == nil || n != 0 {
		t.Fatalf("published %d to a store that is away: %v", n, err)
	}
	l.broken = nil
	if n, err := publisher.Step(w.ctx); err != nil || n == 0 {
		t.Fatalf("published %d: %v", n, err)
	}
	hash := alfred.HashSecret(p.key, w.config.Pepper)
	first := l.keys[hash].Version
	if n, err := publisher.Step(w.ctx); err != nil || n != 0 {
		t.Fatalf("published %d again: %v", n, err)
	}
	w.must(admin.Republish(w.ctx, w.records, w.clock.Now()))
	if _, err := publisher.Step(w.ctx); err != nil {
		t.Fatal(err)
	}
	if again := l.keys[hash].Version; again <= first {
		t.Errorf("version %d after %d", again, first)
	}
}

// Everything is published once by who has just started, and when the live
// store comes back empty or without the last that was published; one that has
// lost nothing is left alone.
func TestDirectoryIsRestored(t *testing.T) {
	w := started(t)
	w.must(w.jobs.RestoreDirectory(w.ctx))
	w.publish()
	w.must(w.jobs.RestoreDirectory(w.ctx))
	if topics, err := w.records.Touched(w.ctx, 1); err != nil || len(topics) != 0 {
		t.Fatalf("published again without need: %v, %v", topics, err)
	}
	live := memory.New(w.clock.Now)
	w.jobs.Live, w.publisher.Live = live, live
	nothing := live.Snapshot()
	w.must(w.jobs.RestoreDirectory(w.ctx))
	w.publish()
	older := live.Snapshot()
	p := w.user("p@company.com", "")
	w.publish()
	live.Restore(older)
	w.must(w.jobs.RestoreDirectory(w.ctx))
	w.publish()
	if who, err := live.Principal(w.ctx, alfred.HashSecret(p.key, w.config.Pepper)); err != nil || who == nil {
		t.Fatalf("what a replica lacked is not there: %v", err)
	}
	live.Restore(nothing)
	w.must(w.jobs.RestoreDirectory(w.ctx))
	w.publish()
	who, err := live.Principal(w.ctx, alfred.HashSecret(w.owner.key, w.config.Pepper))
	if err != nil || who == nil {
		t.Fatalf("the owner's key is not there: %v", err)
	}
}

// A change of a team, or of who is its admin, reaches all of its members and
// nobody else; of another member only the catalog tells.
func TestWhoIsPublished(t *testing.T) {
	w := started(t)
	a, b, other := w.user("a@company.com", ""), w.user("b@company.com", ""), w.user("other@company.com", "")
	team := w.team("Engineering", "1000", a, b)
	w.publish()
	for _, c := range []struct {
		what, method, path, body string
		catalog                  bool
		people                   []person
	}{
		{"a person", "PATCH", "/v1/admin/users/" + other.id, `{"personal_quota":5}`, false, []person{other}},
		{"a pool", "PATCH", "/v1/admin/teams/" + team, `{"common_pool":7}`, true, []person{a, b}},
		{"a status", "PATCH", "/v1/admin/users/" + a.id, `{"status":"suspended"}`, true, []person{a}},
		{"a member", "POST", "/v1/admin/teams/" + team + "/members/" + other.id, ``, true, []person{other}},
		{"a member who leaves", "DELETE", "/v1/admin/teams/" + team + "/members/" + other.id, ``, true, []person{other}},
		{"an admin of the team", "POST", "/v1/admin/teams/" + team + "/members/" + b.id + "?is_admin=true", ``, true, []person{a, b}},
		{"the admin's status", "PATCH", "/v1/admin/users/" + b.id, `{"status":"suspended"}`, true, []person{a, b}},
		{"an admin no more", "POST", "/v1/admin/teams/" + team + "/members/" + b.id, ``, true, []person{a, b}},
		{"a setting", "PATCH", "/v1/admin/organization", `{"settings":{"unit_name":"x"}}`, true, []person{w.owner, a, b, other}},
	} {
		if r := w.do(c.method, c.path, w.owner.key, c.body); r.status >= 300 {
			t.Fatalf("%s: %d %s", c.what, r.status, r.body)
		}
		l := &tape{Live: w.live, keys: map[string]*alfred.Principal{}, changed: make(chan struct{}, 1)}
		publisher := admin.Publisher{Records: w.records, Live: l, Now: w.clock.Now, Log: w.config.Log}
		_, err := publisher.Step(w.ctx)
		w.must(err)
		catalog := len(l.seen) > 0 && l.seen[0] != "people"
		if catalog != c.catalog || len(l.keys) != len(c.people) {
			t.Errorf("%s: catalog %t, %d people; want %t, %d", c.what, catalog, len(l.keys), c.catalog, len(c.people))
		}
		for _, p := range c.people {
			if l.keys[alfred.HashSecret(p.key, w.config.Pepper)] == nil {
				t.Errorf("%s: %s was not published", c.what, p.email)
			}
		}
	}
}

// fakeStream hands out entries until they are acknowledged.
type fakeStream struct {
	entries []admin.Entry
	acked   []string

	confirmed []string
}

func (f *fakeStream) ReadEvents(context.Context, alfred.OrgID, string, int, time.Duration) ([]admin.Entry, error) {
	return f.entries, nil
}

func (f *fakeStream) ConfirmSpool(_ context.Context, instance string, seqs []int64) error {
	for _, n := range seqs {
		f.confirmed = append(f.confirmed, fmt.Sprintf("%s %d after %d acknowledged", instance, n, len(f.acked)))
	}
	return nil
}

func (f *fakeStream) AckEvents(_ context.Context, _ alfred.OrgID, ids []string) error {
	f.acked, f.entries = append(f.acked, ids...), nil
	return nil
}

// downRecords cannot take events.
type downRecords struct {
	admin.Records
	err error
}

func (d downRecords) RecordEvents(ctx context.Context, events []alfred.UsageEvent) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	return d.Records.RecordEvents(ctx, events)
}

func TestRecorder(t *testing.T) {
	w := started(t)
	good := w.event(w.owner, 7*alfred.Credit, "hold_01ARZ3NDEKTSV4RRFFQ69G5FAV")
	bad := w.event(w.owner, 7*alfred.Credit, "hold_01ARZ3NDEKTSV4RRFFQ69G5FAW")
	bad.Kind = "nonsense"
	last := w.event(w.owner, 5*alfred.Credit, "hold_01ARZ3NDEKTSV4RRFFQ69G5FAX")
	good.Instance, good.Spooled, bad.Instance, bad.Spooled = "spool", 7, "spool", 8
	entries := []admin.Entry{
		{ID: "1-0", Event: good, Raw: []byte(`{}`)},
		{ID: "2-0", Raw: []byte("torn"), Err: errors.New("it is torn")},
		{ID: "3-0", Event: bad, Raw: []byte(`{"kind":"nonsense"}`)},
		{ID: "4-0", Event: last, Raw: []byte(`{}`)},
	}

	// Nothing is acknowledged that the record does not have.
	f := &fakeStream{entries: entries}
	down := admin.Recorder{Records: downRecords{w.records, errors.New("connection refused")}, Events: f, Consumer: "test", Log: w.config.Log}
	if n, err := down.Step(w.ctx, w.org, 0); err == nil || n != 0 || len(f.acked) != 0 || len(f.confirmed) != 0 {
		t.Fatalf("acknowledged %v without a record: %v", f.acked, err)
	}
	up := admin.Recorder{Records: w.records, Events: f, Consumer: "test", Log: w.config.Log}
	if n, err := up.Step(w.ctx, w.org, 0); err != nil || n != 4 || len(f.acked) != 4 {
		t.Fatalf("acknowledged %v: %v", f.acked, err)
	}
	// Both are kept: one in the record, one aside. The spool hears of it before the stream forgets.
	if want := []string{"spool 7 after 0 acknowledged", "spool 8 after 0 acknowledged"}; !slices.Equal(f.confirmed, want) {
		t.Errorf("confirmed %v, want %v", f.confirmed, want)
	}
	// What is delivered twice is stored once.
	f.entries = entries
	if _, err := up.Step(w.ctx, w.org, 0); err != nil {
		t.Fatal(err)
	}
	usage := w.do("GET", "/v1/users/me/usage", w.owner.key, "").is(http.StatusOK)
	if n := len(usage["data"].([]any)); n != 2 {
		t.Errorf("%d requests are recorded: %v", n, usage)
	}
	if totals := usage["totals"].([]any); len(totals) != 1 || number(totals[0].(map[string]any)["cost"]) != 12 {
		t.Errorf("totals: %v", usage["totals"])
	}
	d := w.do("GET", "/v1/decisions/"+string(good.Decision), w.owner.key, "").is(http.StatusOK)
	if d["allowed"] != true {
		t.Errorf("decision: %v", d)
	}
}

// A record that was restored from an older copy counts from a lower number
// than the live store has seen: it goes on above that.
func TestARestoredRecordPublishesAgain(t *testing.T) {
	w := started(t)
	a := w.user("a@company.com", `,"personal_quota":100`)
	w.publish()
	hash := alfred.HashSecret(a.key, w.config.Pepper)
	catalog, err := w.live.Catalog(w.ctx, w.org)
	w.must(err)
	who, err := w.live.Principal(w.ctx, hash)
	w.must(err)
	newer, later := *catalog, *who
	newer.Version += 1000
	later.Version += 5000
	w.must(w.live.PublishCatalog(w.ctx, &newer))
	w.must(w.live.PublishPrincipals(w.ctx, map[string]*alfred.Principal{hash: &later}))

	w.do("PATCH", "/v1/admin/organization", w.owner.key, `{"name":"Restored"}`).is(http.StatusOK)
	w.do("PATCH", "/v1/admin/users/"+a.id, w.owner.key, `{"personal_quota":7}`).is(http.StatusOK)
	w.publish()
	catalog, err = w.live.Catalog(w.ctx, w.org)
	w.must(err)
	who, err = w.live.Principal(w.ctx, hash)
	w.must(err)
	if catalog.Name != "Restored" || who.Personal.Base != 7*alfred.Credit {
		t.Errorf("published: %s with a quota of %s", catalog.Name, who.Personal.Base)
	}

	// A version that another process has published is no reason to begin again.
	raised, err := w.records.RaiseTopics(w.ctx, catalog.Version)
	w.must(err)
	if raised {
		t.Error("the numbers were raised again")
	}
}
