package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// What an admin moved between others stands in the history, pair by pair, and
// every filter, page and export has it.
func TestAReallocationIsInTheHistory(t *testing.T) {
	w := started(t)
	ana, bo, cy := w.user("ana@company.com", ""), w.user("bo@company.com", ""), w.user("cy@company.com", "")
	team := w.team("Core", "500", ana)
	w.publish()
	w.do("POST", "/v1/users/me/transfer", ana.key, `{"recipient_email":"bo@company.com","amount":10,"reason":"thanks"}`).is(http.StatusCreated)
	w.clock.Set(w.clock.Now().Add(24 * time.Hour))
	moved := w.do("POST", "/v1/admin/reallocations", w.owner.key, fmt.Sprintf(`{"reason":"=balance","entries":[
		{"user_id":%q,"amount":-300},{"team_id":%q,"amount":-100},{"user_id":%q,"amount":250},{"user_id":%q,"amount":150}]}`, ana.id, team, bo.id, cy.id)).is(http.StatusCreated)

	rows := func(query string) (out []string) {
		t.Helper()
		for _, r := range w.do("GET", "/v1/admin/transfers?"+query, w.owner.key, "").list() {
			row := r.(map[string]any)
			out = append(out, fmt.Sprintf("%s %s→%s %v", row["kind"], row["sender_name"], row["recipient_name"], row["amount"]))
			if row["kind"] == "reallocation" && (row["made_by"] != w.owner.id || row["move_id"] != moved["id"] || row["reason"] != "=balance") {
				t.Errorf("a row of the reallocation: %v", row)
			}
		}
		return out
	}
	has := func(query string, want ...string) {
		t.Helper()
		got := strings.Join(rows(query), "; ")
		for _, x := range want {
			if !strings.Contains(got, x) {
				t.Errorf("%s: %q is not in %q", query, x, got)
			}
		}
		if n := strings.Count(got, "→"); n != len(want) {
			t.Errorf("%s: %d rows, want %d: %s", query, n, len(want), got)
		}
	}
	gift, one, two, three := "transfer ana@company.com→bo@company.com 10", "reallocation ana@company.com→bo@company.com 250",
		"reallocation ana@company.com→cy@company.com 50", "reallocation Core→cy@company.com 100"
	has("", gift, one, two, three)
	has("user="+cy.id, two, three)
	has("user="+bo.id, gift, one)
	has("min_amount=100", one, three)
	has("max_amount=50", gift, two)
	has("from="+w.clock.Now().Add(-time.Hour).Format(time.RFC3339), one, two, three)
	has("until="+w.clock.Now().Add(-time.Hour).Format(time.RFC3339), gift)
	page := w.do("GET", "/v1/admin/transfers?limit=2", w.owner.key, "").is(http.StatusOK)
	has("limit=2&cursor="+text(page["next_cursor"]), rows("limit=4")[2:]...)

	file := string(w.do("GET", "/v1/admin/transfers.csv?min_amount=100", w.owner.key, "").body)
	if strings.Count(file, "\n") != 3 || !strings.Contains(file, "Core,cy@company.com,100,'=balance") || !strings.Contains(file, ",reallocation,"+w.owner.id) {
		t.Errorf("the export: %s", file)
	}
	mine := w.do("GET", "/v1/users/me/transfers", ana.key, "").is(http.StatusOK)
	if number(mine["total_sent"]) != 310 || len(mine["sent"].([]any)) != 3 {
		t.Errorf("what ana gave: %v", mine)
	}
}

// A list of limits that changed since it was read is not written over.
func TestLimitsHaveATag(t *testing.T) {
	w := started(t)
	team := w.team("Core", "500")
	set := func(body string, headers ...string) reply {
		return w.do("PUT", "/v1/admin/limits", w.owner.key, `{"data":[`+body+`]}`, headers...)
	}
	tag := func(query string) string {
		return "If-Match: " + w.do("GET", "/v1/admin/limits?"+query, w.owner.key, "").header.Get("ETag")
	}
	capped := func(credits int) string {
		return fmt.Sprintf(`{"scope":"team","subject":%q,"metric":"credits","credits":%d}`, team, credits)
	}
	of, whole, wrong := tag("scope=team&subject="+team), tag(""), tag("scope=user")
	first := set(capped(100), of)
	first.is(http.StatusOK)
	for _, stale := range []string{of, whole} {
		set(capped(200), stale).refused(http.StatusPreconditionFailed, alfred.CodeStaleVersion)
	}
	set(capped(200), "If-Match: "+first.header.Get("ETag")).is(http.StatusOK)
	set(capped(300), tag("scope=team")).is(http.StatusOK)
	// What others are bound by does not matter to the list of this team.
	of = tag("scope=team&subject=" + team)
	set(`{"scope":"organization","metric":"credits","credits":900}`, tag("")).is(http.StatusOK)
	set(capped(400), of).is(http.StatusOK)
	set(capped(500), wrong).refused(http.StatusPreconditionFailed, alfred.CodeStaleVersion)
	set(capped(500)).is(http.StatusOK)
	if got := w.do("GET", "/v1/admin/limits?scope=team", w.owner.key, "").list(); number(got[0].(map[string]any)["credits"]) != 500 {
		t.Errorf("the limits: %v", got)
	}
}

func TestAPersonsTeamsHaveNames(t *testing.T) {
	w := started(t)
	ana := w.user("ana@company.com", "")
	w.team("Core", "500", ana)
	for _, path := range []string{"/v1/users/me", "/v1/admin/users/" + ana.id} {
		key := ana.key
		if strings.Contains(path, "admin") {
			key = w.owner.key
		}
		teams := w.do("GET", path, key, "").is(http.StatusOK)["teams"].([]any)
		if len(teams) != 1 || teams[0].(map[string]any)["name"] != "Core" {
			t.Errorf("%s: %v", path, teams)
		}
	}
}
