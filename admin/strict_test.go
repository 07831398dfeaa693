package admin_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
)

// What one reader could take for something else than the next is refused,
// with a sentence for people.
func TestBodiesAreReadStrictly(t *testing.T) {
	w := started(t)
	p := w.user("a@company.com", "")
	path := "/v1/admin/users/" + p.id
	before := w.do("GET", path, w.owner.key, "").is(http.StatusOK)
	for _, c := range []struct{ body, param, says string }{
		{`{"personal_quota":5} x`, "", "more after the first JSON document"},
		{`{"personal_quota":5}{"personal_quota":6}`, "", "more after the first JSON document"},
		{`{"personal_quota":5,"personal_quota":7}`, "personal_quota", "twice"},
		{"{\"name\":\"\xff\xfe\"}", "name", "not valid UTF-8"},
		{`{"name":"\ud800"}`, "name", "not valid UTF-8"},
		{`{"name":"a\u0000b"}`, "name", "NUL"},
		{`{"name":`, "", "ends too early"},
		{`{'name':1}`, "", "not JSON at byte 1"},
		{`[]`, "", "a JSON object"},
		{`{"nome":"x"}`, "nome", "no such field"},
		{`{"personal_quota":1e400}`, "personal_quota", "1e400"},
		{`{"personal_quota":1e10}`, "personal_quota", "from 0 to 9000000000"},
		{`{"personal_quota":1e-7}`, "personal_quota", "6 decimals"},
		{`{"status":"asleep"}`, "status", "active, on_vacation, suspended"},
		{`{"vacation_until":"soon"}`, "vacation_until", "a time such as"},
	} {
		got := w.do("PATCH", path, w.owner.key, c.body).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
		if param := text(got["error"].(map[string]any)["param"]); param != c.param || !strings.Contains(text(got["detail"]), c.says) {
			t.Errorf("%s: param %q, %v", c.body, param, got["detail"])
		}
		if got["code"] != string(alfred.CodeValidation) {
			t.Errorf("%s: code %v beside the message", c.body, got["code"])
		}
	}
	if after := w.do("GET", path, w.owner.key, "").is(http.StatusOK); after["updated_at"] != before["updated_at"] {
		t.Errorf("something was changed: %v", after)
	}
	for body, want := range map[string]float64{
		`{"personal_quota":1e9}`: 1e9, `{"personal_quota":1.5E+3}`: 1500, `{"personal_quota":25e-1}`: 2.5, `{"personal_quota":1e-05}`: 0.00001, `{"personal_quota":0e5}`: 0,
	} {
		if got := w.do("PATCH", path, w.owner.key, body).is(http.StatusOK); number(got["personal_quota"]) != want {
			t.Errorf("%s: %v", body, got["personal_quota"])
		}
	}
}

func TestQueriesAreReadStrictly(t *testing.T) {
	w := started(t)
	broken := base64.RawURLEncoding.EncodeToString([]byte("\xff\xfe\x00"))
	for _, c := range []struct {
		query  string
		status int
		says   string
	}{
		{"limit=0", 422, "from 1 to 200"},
		{"limit=201", 422, "from 1 to 200"},
		{"limit=-1", 422, "from 1 to 200"},
		{"limit=many", 422, "a whole number"},
		{"limit=1&limit=2", 422, "2 times"},
		{"q=%00", 422, "NUL"},
		{"q=%ff", 422, "UTF-8"},
		{"q=a;b", 422, "cannot be read"},
		{"cursor=%00", 400, "not a cursor of ours"},
		{"cursor=AAAA", 400, "not a cursor of ours"},
		{"cursor=" + broken, 400, "not a cursor of ours"},
	} {
		if got := w.do("GET", "/v1/admin/users?"+c.query, w.owner.key, "").is(c.status); !strings.Contains(text(got["detail"]), c.says) {
			t.Errorf("%s: %v", c.query, got["detail"])
		}
	}
	cursor := text(w.do("GET", "/v1/admin/users?limit=1", w.owner.key, "").is(http.StatusOK)["next_cursor"])
	if cursor == "" {
		w.user("a@company.com", "")
		cursor = text(w.do("GET", "/v1/admin/users?limit=1", w.owner.key, "").is(http.StatusOK)["next_cursor"])
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	w.must(err)
	raw[len(raw)-1] = 0xff
	w.do("GET", "/v1/admin/users?limit=1&cursor="+base64.RawURLEncoding.EncodeToString(raw), w.owner.key, "").refused(http.StatusBadRequest, alfred.CodeInvalidRequest)
	w.do("GET", "/v1/admin/users/%00", w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
}

// Whatever is taken for a yes is a dry run, and nothing else writes by
// mistake.
func TestDryRunIsNeverMistaken(t *testing.T) {
	w := started(t)
	body := `{"email":"dry@company.com","name":"Dry"}`
	for _, yes := range []string{"true", "True", "TRUE", "T", "t", "1"} {
		if got := w.do("POST", "/v1/admin/users?dry_run="+yes, w.owner.key, body).is(http.StatusOK); got["dry_run"] != true {
			t.Errorf("%s: %v", yes, got)
		}
	}
	if n := len(w.do("GET", "/v1/admin/users", w.owner.key, "").list()); n != 1 {
		t.Fatalf("a dry run made somebody: %d people", n)
	}
	for _, query := range []string{"dry_run=", "dry_run", "dry_run=yes", "dry_run=true;x", "dry_run=false&dry_run=true", "dryrun=true", "Dry_Run=true", "dry_run=%74rue%00"} {
		w.do("POST", "/v1/admin/users?"+query, w.owner.key, body).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	}
	w.do("POST", "/v1/admin/users?dry_run=False", w.owner.key, body).is(http.StatusCreated)
}
