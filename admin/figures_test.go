package admin_test

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/admin/sample"
	"github.com/alfred-envoy/alfred/store/memory"
	"github.com/alfred-envoy/alfred/store/postgres"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// TestPeers12_PagesOverMillionsOfEvents makes the calls of each page, as its first
// visit does, and prints how long each took, the first time and the best of
// five. It makes a small organisation; ALFRED_FIGURES_DATABASE_URL names the
// database of an installation that seed has filled, in which it makes a key of
// an owner. The live ledger is one in memory, so that figures are those of the
// record: make figures.
func TestPeers12_PagesOverMillionsOfEvents(t *testing.T) {
	w := filled(t)
	for _, page := range w.pages() {
		for _, path := range page.calls {
			var first, best time.Duration
			size := 0
			for i := range 6 {
				start := time.Now()
				size = w.get(path)
				took := time.Since(start)
				switch {
				case i == 0:
					first = took
				case best == 0 || took < best:
					best = took
				}
			}
			t.Logf("%-20s first %7.1f ms, best %7.1f ms, %6.1f kB  %s", page.name, 1000*first.Seconds(), 1000*best.Seconds(), float64(size)/1000, path)
		}
	}
}

// figures is a server over a filled record.
type figures struct {
	testing.TB
	records *postgres.Store
	handler http.Handler
	key     string
	now     time.Time
	org     alfred.OrgID
}

func filled(t *testing.T) *figures {
	t.Helper()
	w := &figures{TB: t, now: time.Now()}
	address := os.Getenv("ALFRED_FIGURES_DATABASE_URL")
	var err error
	if address == "" {
		w.records = openRecords(t)
	} else {
		if w.records, err = postgres.Open(t.Context(), address); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.records.Close)
		if err := w.records.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := admin.Setup(t.Context(), w.records, alfred.DefaultSettings(), w.now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	orgs, err := w.records.Organizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.org = orgs[0].ID
	if address == "" {
		made := sample.New(sample.Shape{Org: w.org, People: 200, Events: 4000, Days: 40, Until: w.now.UTC().Truncate(time.Minute), Seed: 1, Domain: "example.com"})
		crowd := postgres.Crowd{Departments: made.Departments, Teams: made.Teams, Projects: made.Projects, Members: made.Members(), Transfers: made.Transfers, Adjustments: made.Adjustments()}
		for _, p := range made.People {
			crowd.Users, crowd.Keys = append(crowd.Users, p.User), append(crowd.Keys, p.Key)
		}
		crowd.Users[0].Access, crowd.Users[0].Status = alfred.RoleOwner, alfred.Active
		if err := w.records.LoadPeople(t.Context(), w.org, crowd); err != nil {
			t.Fatal(err)
		}
		if err := w.records.LoadHistory(t.Context(), w.org, made.Days(), func(int) {}); err != nil {
			t.Fatal(err)
		}
	}
	live := memory.New(time.Now)
	storetest.Open(t, live, w.org)
	c := admin.Config{
		Records: w.records, Live: live, Pepper: []byte("a pepper of thirty-two characters"), PublicURL: "http://localhost:8000",
		TrustedProxies: []string{"127.0.0.0/8"}, Now: time.Now, Entropy: rand.Reader, Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
	c.Ledger = &admin.Rebuilder{Records: w.records, Live: live, Now: c.Now, Log: c.Log}
	if w.handler, err = admin.NewHandler(c); err != nil {
		t.Fatal(err)
	}
	if _, w.key, err = admin.RecoverOwner(t.Context(), c, ""); err != nil {
		t.Fatal(err)
	}
	return w
}

// get makes a call and returns the size of its answer.
func (w *figures) get(path string) int {
	w.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+w.key)
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		w.Errorf("%s: %d %s", path, answer.Code, answer.Body)
	}
	return answer.Body.Len()
}

type pageCalls struct {
	name  string
	calls []string
}

// pages are the web app's, with the calls that a first visit makes, and those
// of a visitor who then sorts, searches and filters.
func (w *figures) pages() []pageCalls {
	w.Helper()
	ctx := w.Context()
	window, err := alfred.WindowRule{Kind: alfred.Monthly}.At(w.now, time.UTC)
	if err != nil {
		w.Fatal(err)
	}
	most, _, err := w.records.Directory(ctx, w.org, alfred.DirectoryQuery{UserFilter: alfred.UserFilter{Limit: 1}, Sort: alfred.SortUsed, Descending: true, Window: window, Now: w.now})
	if err != nil || len(most) == 0 {
		w.Fatal("nobody is there: ", err)
	}
	user := string(most[0].User)
	latest, _, err := w.records.Requests(ctx, w.org, alfred.RequestFilter{Limit: 200, Outcomes: []alfred.Outcome{alfred.OutcomeCompleted}})
	if err != nil || len(latest) == 0 {
		w.Fatal("nothing was used: ", err)
	}
	request := latest[max(0, slices.IndexFunc(latest, func(e alfred.UsageEvent) bool { return e.Team != "" }))]
	model, team := url.QueryEscape(request.Model), string(request.Team)
	month := "&from=" + url.QueryEscape(w.now.AddDate(0, 0, -30).UTC().Format(time.RFC3339)) + "&until=" + url.QueryEscape(w.now.UTC().Format(time.RFC3339))
	return []pageCalls{
		{"shell", []string{
			"/v1/users/me", "/v1/users/me/inbox?unread=true&limit=100", "/v1/admin/departments", "/v1/admin/teams?limit=50", "/v1/admin/teams?limit=50&q=ing",
			"/v1/admin/search?q=ing", "/v1/admin/search?q=gri", "/v1/admin/search?q=nobody.here", "/v1/admin/search?q=e",
		}},
		{"Overview", []string{
			"/v1/admin/overview?window=current", "/v1/admin/overview?window=previous", "/v1/admin/efficiency?by=team&window=current&top=8",
			"/v1/admin/efficiency?by=user&window=current&top=8", "/v1/admin/onboarding",
		}},
		{"Manage Users", []string{
			"/v1/users/me/views?page=users", "/v1/admin/users?limit=50&sort=name", "/v1/admin/users?limit=50&sort=-created", "/v1/admin/users?limit=50&sort=email",
			"/v1/admin/users?limit=50&sort=-used", "/v1/admin/users?limit=50&sort=used", "/v1/admin/users?limit=50&sort=-used_percent", "/v1/admin/users?limit=50&sort=-quota",
			"/v1/admin/users?limit=50&sort=-last_seen", "/v1/admin/users?limit=50&sort=last_seen", "/v1/admin/users?limit=50&sort=name&q=ingrid",
			"/v1/admin/users?limit=50&sort=-used&status=suspended", "/v1/admin/users?limit=50&sort=-used&team=" + team, "/v1/admin/users?limit=50&sort=-used&used_over=80",
		}},
		{"User detail", []string{
			"/v1/admin/users/" + user, "/v1/admin/users/" + user + "/quota-explanation", "/v1/admin/users/" + user + "/burn", "/v1/admin/users/" + user + "/keys",
			"/v1/admin/usage/query?group_by=model&measures=credits,requests&top=6&user=" + user, "/v1/admin/transfers?limit=20&user=" + user,
			"/v1/admin/decisions?limit=20&user=" + user, "/v1/admin/audit?limit=20&about=" + user, "/v1/admin/requests?limit=20&user=" + user,
		}},
		{"Manage Teams", []string{"/v1/admin/teams?limit=50&sort=name", "/v1/admin/teams?limit=50&sort=-used", "/v1/admin/teams?limit=50&sort=efficiency&q=ing"}},
		{"Team detail", []string{
			"/v1/admin/teams/" + team, "/v1/admin/teams/" + team + "/shares", "/v1/admin/teams/" + team + "/members", "/v1/admin/efficiency?by=user&top=50&team=" + team,
			"/v1/admin/overview?team=" + team,
		}},
		{"Credit Reallocation", []string{"/v1/admin/transfers?limit=50"}},
		{"Requests", []string{
			"/v1/admin/requests?limit=50", "/v1/admin/requests?limit=50&outcome=broken", "/v1/admin/requests?limit=50&model=" + model,
			"/v1/admin/requests?limit=50&team=" + team, "/v1/admin/requests?limit=50&min_cost=3000", "/v1/admin/decisions?limit=50", "/v1/admin/models",
			"/v1/admin/requests/" + string(request.Request),
		}},
		{"Explain", []string{"/v1/decisions/" + string(request.Decision)}},
		{"My usage", []string{
			"/v1/users/me/quota", "/v1/users/me/burn", "/v1/users/me/quota-explanation", "/v1/users/me/usage/query?group_by=model&measures=credits,requests&top=6",
			"/v1/users/me/requests?limit=20", "/v1/users/me/decisions?limit=5", "/v1/users/me/transfers?limit=20", "/v1/users/me/keys",
		}},
		{"Providers and models", []string{"/v1/admin/providers", "/v1/admin/models"}},
		{"Audit", []string{"/v1/admin/audit?limit=50"}},
		{"Settings", []string{"/v1/admin/settings", "/v1/admin/limits", "/v1/admin/demo", "/v1/admin/channels", "/v1/admin/alerts?limit=20"}},
		{"the usage API", []string{
			"/v1/admin/usage/query?interval=day", "/v1/admin/usage/query?interval=day&group_by=model&top=6", "/v1/admin/usage/query?group_by=team",
			"/v1/admin/usage/query?group_by=user", "/v1/admin/usage/query?group_by=key", "/v1/admin/usage/query?group_by=user&interval=day" + month,
			"/v1/admin/usage/query?group_by=department&interval=day" + month, "/v1/admin/usage/query?group_by=team&interval=day" + month,
		}},
	}
}
