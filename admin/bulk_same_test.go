package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/admin/api"
)

// oneByOne refuses to read a batch at once, so that each row is carried out by
// itself.
type oneByOne struct{ admin.Records }

func (o oneByOne) Users(ctx context.Context, org alfred.OrgID, f alfred.UserFilter) ([]alfred.User, error) {
	if f.IDs != nil {
		return nil, alfred.Invalid("ids", "one by one")
	}
	return o.Records.Users(ctx, org, f)
}

func (o oneByOne) UsersByEmail(context.Context, alfred.OrgID, ...string) ([]alfred.User, error) {
	return nil, alfred.Invalid("emails", "one by one")
}

// staff is a random organisation: the same seed makes the same one, with the
// same ids.
type staff struct {
	*world
	*rand.Rand
	people []person // the owner, another one, an admin, and who is anything
	teams  []string
	repeat bool // a line may be about somebody whom another is about
}

func newStaff(t testing.TB, seed uint64) *staff {
	t.Helper()
	c := &staff{Rand: rand.New(rand.NewPCG(seed, 1))}
	c.world = started(t, func(a *admin.Config) { a.Entropy = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}) })
	c.do("POST", "/v1/admin/departments", c.owner.key, `{"name":"Research"}`).is(http.StatusCreated)
	c.people = []person{c.owner, c.user("second@company.com", `,"access_role":"owner"`), c.user("boss@company.com", `,"access_role":"admin"`)}
	for i := range 9 {
		more := ""
		if c.IntN(2) == 0 {
			more = fmt.Sprintf(`,"personal_quota":%d`, 10*c.IntN(4))
		}
		c.people = append(c.people, c.user(fmt.Sprintf("Person%d@company.com", i), more))
	}
	for i := range 3 {
		var members []person
		for _, p := range c.people {
			if c.IntN(2) == 0 {
				members = append(members, p)
			}
		}
		c.teams = append(c.teams, c.team(fmt.Sprint("Team ", i), "1000", members...))
		for _, m := range members {
			if c.IntN(4) == 0 {
				c.do("POST", "/v1/admin/teams/"+c.teams[i]+"/members/"+m.id+"?is_admin=true", c.owner.key, "").is(http.StatusOK)
			}
		}
	}
	bot := c.service("robot", c.teams[0], "")
	for _, p := range c.people[3:] {
		path := "/v1/admin/users/" + p.id
		switch c.IntN(6) {
		case 0, 1:
			c.do("PATCH", path, c.owner.key, `{"status":"on_vacation"}`).is(http.StatusOK)
		case 2:
			c.do("PATCH", path, c.owner.key, `{"status":"suspended"}`).is(http.StatusOK)
		case 3:
			if c.IntN(2) == 0 {
				c.do("DELETE", path, c.owner.key, "").is(http.StatusNoContent)
			}
		}
	}
	if c.IntN(2) == 0 {
		c.must(c.jobs.KeepVacations(c.ctx))
	}
	c.people = append(c.people, bot)
	c.publish()
	return c
}

// request is a random job, made by the key of an owner or of an admin.
func (c *staff) request() (key, body string) {
	key = c.owner.key
	if c.IntN(4) == 0 {
		key = c.people[2].key
	}
	job := map[string]any{"dry_run": false}
	kinds := []string{"suspend", "activate", "quota", "team_add", "team_remove", "import_people", "import_people", "import_people"}
	kind := kinds[c.IntN(len(kinds))]
	job["kind"] = kind
	switch kind {
	case "quota":
		job["personal_quota"] = 10 * c.IntN(4)
	case "team_add", "team_remove":
		job["team_id"] = c.teams[c.IntN(len(c.teams))]
	case "import_people":
		job["csv"] = c.list()
	}
	if kind != "import_people" {
		ids := []string{"usr_nobody"}
		for _, p := range c.people {
			if c.IntN(3) > 0 {
				ids = append(ids, p.id)
			}
		}
		job["selection"] = map[string]any{"ids": append(ids, ids[c.IntN(len(ids))], "usr_nobody")}
		if c.IntN(3) == 0 {
			job["selection"] = map[string]any{"filter": map[string]any{}}
		}
	}
	out, err := json.Marshal(job)
	c.must(err)
	return key, string(out)
}

func (c *staff) one(of ...string) string { return of[c.IntN(len(of))] }

// list is a list of people with lines of all sorts.
func (c *staff) list() string {
	out := "email,name,personal_quota,department,team,access_role,max_priority\n"
	addresses := []string{"new0@company.com", "new1@company.com", "no address", "new2@company.com", "@", "new3@company.com"}
	for _, p := range c.people[:len(c.people)-1] {
		addresses = append(addresses, p.email)
	}
	c.repeat = c.IntN(2) == 0
	c.Shuffle(len(addresses), func(i, j int) { addresses[i], addresses[j] = addresses[j], addresses[i] })
	for i := range 12 {
		address := addresses[i]
		if c.repeat {
			address = addresses[c.IntN(12)]
		}
		switch c.IntN(4) {
		case 0:
			address = strings.ToUpper(address)
		case 1:
			address = " " + address + " "
		}
		department, team := c.one("", "", "", "research", "Nowhere"), c.one("", "", "Team 0", "team 1", "TEAM 2", c.teams[0], c.teams[1], "Team 9")
		out += fmt.Sprintf("%s,%s,%s,%s,%s,%s,%s\n", address, c.one("", "", "Ana", "Bo"), c.one("", "", "10", "20", "lots"), department, team,
			c.one("", "", "", "", "member", "Admin", "owner", "boss"), c.one("", "", "", "low", "High", "top"))
	}
	return out
}

var anyID = regexp.MustCompile(`(usr|job|mov|adj|ibx|inb|aud|key)_[0-9A-Za-z]+`)

// newcomer is whoever has an address: by a dry run nobody new has one.
var newcomer = regexp.MustCompile(`<[^>]*>`)

// tables is what a staff has on record, with people by their addresses, and
// without times and ids.
func (c *staff) tables(job string) map[string][]string {
	c.Helper()
	address, _ := addresses.Load(c.records)
	conn, err := pgx.Connect(c.ctx, fmt.Sprint(address))
	c.must(err)
	defer func() { _ = conn.Close(c.ctx) }()
	read := func(query string) []string {
		rows, err := conn.Query(c.ctx, query)
		c.must(err)
		out, err := pgx.CollectRows(rows, pgx.RowTo[string])
		c.must(err)
		return out
	}
	named := []string{string(c.org), "ORG"}
	for _, line := range read(`SELECT id || ' ' || email || '/' || (deleted_at IS NULL) FROM users`) {
		id, email, _ := strings.Cut(line, " ")
		named = append(named, id, "<"+strings.ToLower(email)+">")
	}
	names := strings.NewReplacer(named...)
	out := map[string][]string{}
	for table, query := range map[string]string{
		"users":        `SELECT to_jsonb(t)::text FROM users t`,
		"team_members": `SELECT (to_jsonb(t) - 'updated_at')::text FROM team_members t`,
		"releases":     `SELECT (to_jsonb(t) - 'created_at' - 'updated_at')::text FROM releases t`,
		"adjustments":  `SELECT to_jsonb(t)::text FROM adjustments t`,
		"inbox":        `SELECT to_jsonb(t)::text FROM inbox t`,
		"outbox":       `SELECT DISTINCT kind || ' ' || subject FROM outbox t`,
		"audit_events": `SELECT (to_jsonb(t) - 'hash' - 'prev_hash' - 'seq')::text FROM audit_events t WHERE request_id = '` + job + `' ORDER BY seq`,
	} {
		all := read(query)
		for i := range all {
			all[i] = anyID.ReplaceAllString(names.Replace(all[i]), "$1")
		}
		if table != "audit_events" {
			slices.Sort(all)
		}
		out[table] = all
	}
	return out
}

// told is what the data plane knows once everything was published.
func (c *staff) told() string {
	c.publish()
	catalog, err := c.live.Catalog(c.ctx, c.org)
	c.must(err)
	catalog.Version = 0
	out := []any{catalog}
	for _, p := range c.people {
		who, err := c.live.Principal(c.ctx, alfred.HashSecret(p.key, c.config.Pepper))
		c.must(err)
		if who != nil {
			who.Version = 0
			if !slices.ContainsFunc(who.Teams, func(t alfred.TeamID) bool { return catalog.Teams[t].Ask == who.Ask }) {
				who.Ask = "" // some owner, who is told anew only with everything else
			}
		}
		out = append(out, who)
	}
	text, err := json.MarshalIndent(out, "", " ")
	c.must(err)
	return string(text)
}

// carriedOut is what became of a job: how it ended and its rows.
func (c *staff) carriedOut(id string) []string {
	c.Helper()
	job, err := c.records.BulkJob(c.ctx, c.org, id)
	c.must(err)
	out := []string{job.Error}
	users, err := c.records.Users(c.ctx, c.org, alfred.UserFilter{})
	c.must(err)
	var named []string
	for _, u := range users {
		named = append(named, string(u.ID), "<"+strings.ToLower(u.Email)+">")
	}
	for _, row := range c.outcomes(id) {
		if job.Kind != string(api.JobKindImportPeople) {
			row.Row = 0 // people are by their ids, and of those who are new they differ
		}
		line, err := json.Marshal(row)
		c.must(err)
		out = append(out, anyID.ReplaceAllString(strings.NewReplacer(named...).Replace(string(line)), "$1"))
	}
	if job.Kind != string(api.JobKindImportPeople) {
		slices.Sort(out[1:])
	}
	c.audited(id) // whose chain holds
	return out
}

// A batch does what its rows would do one by one, everything that it changes is
// told, and a dry run says what comes of it and writes nothing. More organisations
// with ALFRED_BULK_SEEDS.
func TestABatchDoesWhatItsRowsDo(t *testing.T) {
	seeds := uint64(4)
	if more := os.Getenv("ALFRED_BULK_SEEDS"); more != "" {
		_, err := fmt.Sscan(more, &seeds)
		if err != nil {
			t.Fatal(err)
		}
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			batch, single := newStaff(t, seed), newStaff(t, seed)
			if diff := cmp.Diff(batch.tables("none"), single.tables("none")); diff != "" {
				t.Fatalf("the organisations differ: %s", diff)
			}
			alone := *single.jobs
			alone.Records = oneByOne{single.records}
			for range 4 {
				key, body := batch.request()
				if k, b := single.request(); k != key || b != body {
					t.Fatalf("the jobs differ: %s %s", body, b)
				}
				if batch.do("GET", "/v1/admin/jobs", key, "").status != http.StatusOK {
					return // whoever makes it may not any more
				}
				before := batch.tables("none")
				made := func(c *staff, body string) string {
					return text(c.do("POST", "/v1/admin/jobs", key, body).is(http.StatusAccepted)["id"])
				}
				dryBody := strings.Replace(body, `"dry_run":false`, `"dry_run":true`, 1)
				dry, dryAlone := made(batch, dryBody), made(single, dryBody)
				batch.finish()
				single.finish(&alone)
				said := batch.carriedOut(dry)
				if diff := cmp.Diff(said, single.carriedOut(dryAlone)); diff != "" {
					t.Errorf("dry run of %s: %s", body, diff)
				}
				if diff := cmp.Diff(before, batch.tables(dry)); diff != "" {
					t.Errorf("dry run of %s has written: %s", body, diff)
				}
				real, realAlone := made(batch, body), made(single, body)
				batch.finish()
				single.finish(&alone)
				got := batch.carriedOut(real)
				if diff := cmp.Diff(got, single.carriedOut(realAlone)); diff != "" {
					t.Errorf("%s: %s", body, diff)
				}
				a, b := batch.tables(real), single.tables(realAlone)
				if strings.Contains(body, "selection") { // a row whose credits come back first is carried out after its batch
					slices.Sort(a["audit_events"])
					slices.Sort(b["audit_events"])
				}
				if diff := cmp.Diff(a, b); diff != "" {
					t.Errorf("%s: %s", body, diff)
				}
				if got[0] == "" && (!strings.Contains(body, "csv") || !batch.repeat) { // else a line sees what one before has done
					for _, rows := range [][]string{said, got} {
						for i := range rows {
							rows[i] = newcomer.ReplaceAllString(rows[i], "usr")
						}
					}
					if diff := cmp.Diff(said, got); diff != "" {
						t.Errorf("dry run, and run, of %s: %s", body, diff)
					}
				}
				told := batch.told()
				batch.must(admin.Republish(batch.ctx, batch.records, batch.clock.Now()))
				if diff := cmp.Diff(told, batch.told()); diff != "" {
					t.Errorf("what %s changes is not all told: %s", body, diff)
				}
				single.publish()
				if t.Failed() {
					t.FailNow()
				}
				if got[0] != "" {
					return
				}
			}
		})
	}
}
