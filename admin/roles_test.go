package admin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// roles are the people of the table, in its order.
var roles = []string{"owner", "admin", "team admin", "member", "outsider", "suspended", "nobody"}

// rights says what each role is answered, by operation: ok, 403 or 404. The
// operations are about a member of the team that the team admin administers;
// the outsider is in no team. Whoever is suspended gets 403, and nobody 401.
var rights = map[string]struct {
	body     string
	owner    string
	admin    string
	lead     string
	member   string
	outsider string
}{
	"createUser":          {`{"email":"NEW","name":"New"}`, "ok", "ok", "403", "403", "403"},
	"listUsers":           {"", "ok", "ok", "ok", "403", "403"},
	"getUser":             {"", "ok", "ok", "ok", "ok", "404"},
	"replaceUser":         {`{"status":"active"}`, "ok", "ok", "ok", "403", "403"},
	"updateUser":          {`{"name":"Other"}`, "ok", "ok", "403", "403", "403"},
	"deleteUser":          {"", "ok", "ok", "403", "403", "403"},
	"createUserKey":       {"", "ok", "ok", "403", "403", "403"},
	"listUserKeys":        {"", "ok", "ok", "ok", "403", "403"},
	"revokeUserKey":       {"", "ok", "ok", "ok", "403", "403"},
	"createTeam":          {`{"name":"NEW"}`, "ok", "ok", "403", "403", "403"},
	"listTeams":           {"", "ok", "ok", "ok", "ok", "ok"},
	"getTeam":             {"", "ok", "ok", "ok", "ok", "404"},
	"replaceTeam":         {`{"description":"d"}`, "ok", "ok", "403", "403", "403"},
	"updateTeam":          {`{"description":"d"}`, "ok", "ok", "403", "403", "403"},
	"deleteTeam":          {"", "ok", "ok", "403", "403", "403"},
	"listTeamMembers":     {"", "ok", "ok", "ok", "ok", "404"},
	"addTeamMember":       {"", "ok", "ok", "ok", "403", "403"},
	"removeTeamMember":    {"", "ok", "ok", "ok", "403", "403"},
	"getMe":               {"", "ok", "ok", "ok", "ok", "ok"},
	"updateMe":            {`{"name":"Me"}`, "ok", "ok", "ok", "ok", "ok"},
	"getMyQuota":          {"", "ok", "ok", "ok", "ok", "ok"},
	"getMyUsage":          {"", "ok", "ok", "ok", "ok", "ok"},
	"transferCredits":     {`{"recipient_email":"friend@company.com","amount":1}`, "ok", "ok", "ok", "ok", "ok"},
	"listMyTransfers":     {"", "ok", "ok", "ok", "ok", "ok"},
	"listMyKeys":          {"", "ok", "ok", "ok", "ok", "ok"},
	"createMyKey":         {`{"name":"laptop"}`, "ok", "ok", "ok", "ok", "ok"},
	"revokeMyKey":         {"", "404", "404", "404", "ok", "404"},
	"setMyVacation":       {`{"on_vacation":true}`, "ok", "ok", "ok", "ok", "ok"},
	"listMyInbox":         {"", "ok", "ok", "ok", "ok", "ok"},
	"markMyInboxRead":     {"", "ok", "ok", "ok", "ok", "ok"},
	"getOrganization":     {"", "ok", "ok", "403", "403", "403"},
	"updateOrganization":  {`{"settings":{"unit_name":"tokens"}}`, "ok", "ok", "403", "403", "403"},
	"listLimits":          {"", "ok", "ok", "403", "403", "403"},
	"putLimits":           {`{"data":[{"scope":"organization","metric":"credits","credits":100000}]}`, "ok", "ok", "403", "403", "403"},
	"listDepartments":     {"", "ok", "ok", "403", "403", "403"},
	"createDepartment":    {`{"name":"NEW"}`, "ok", "ok", "403", "403", "403"},
	"replaceDepartment":   {`{"name":"NEW"}`, "ok", "ok", "403", "403", "403"},
	"listProjects":        {"", "ok", "ok", "ok", "ok", "ok"},
	"getProject":          {"", "ok", "ok", "404", "ok", "404"},
	"createProject":       {`{"code":"NEW","name":"New"}`, "ok", "ok", "403", "403", "403"},
	"updateProject":       {`{"name":"Other"}`, "ok", "ok", "403", "403", "403"},
	"listProjectMembers":  {"", "ok", "ok", "404", "ok", "404"},
	"addProjectMember":    {"", "ok", "ok", "403", "403", "403"},
	"removeProjectMember": {"", "ok", "ok", "403", "403", "403"},
	"listTransfers":       {"", "ok", "ok", "403", "403", "403"},
	"exportTransfers":     {"", "ok", "ok", "403", "403", "403"},
	"listAudit":           {"", "ok", "ok", "ok", "ok", "ok"},
	"listSetAside":        {"", "ok", "ok", "403", "403", "403"},
	"retrySetAside":       {"", "ok", "ok", "403", "403", "403"},
	"getLedgerDrift":      {"", "ok", "ok", "403", "403", "403"},
	"reconcileLedger":     {`{"reason":"test"}`, "ok", "ok", "403", "403", "403"},
	"verifyAudit":         {"", "ok", "ok", "403", "403", "403"},
	"getDecision":         {"", "ok", "ok", "ok", "ok", "404"},
	"getOpenAPI":          {"", "ok", "ok", "ok", "ok", "ok"},
	"createSession":       {`{"api_key":"NEW"}`, "401", "401", "401", "401", "401"},
	"getSession":          {"", "ok", "ok", "ok", "ok", "ok"},
	"deleteSession":       {"", "ok", "ok", "ok", "ok", "ok"},
	"deleteSessions":      {"", "ok", "ok", "ok", "ok", "ok"},
	"getOverview":         {"", "ok", "ok", "ok", "403", "403"},
	"queryUsage":          {"", "ok", "ok", "ok", "403", "403"},
	"exportUsageQuery":    {"", "ok", "ok", "ok", "403", "403"},
	"getEfficiency":       {"", "ok", "ok", "ok", "403", "403"},
	"streamAdmin":         {"", "ok", "ok", "ok", "403", "403"},
	"search":              {"", "ok", "ok", "ok", "403", "403"},
	"listRequests":        {"", "ok", "ok", "ok", "403", "403"},
	"exportRequests":      {"", "ok", "ok", "ok", "403", "403"},
	"getRequest":          {"", "ok", "ok", "ok", "403", "403"},
	"listDecisions":       {"", "ok", "ok", "ok", "403", "403"},
	"exportDecisions":     {"", "ok", "ok", "ok", "403", "403"},
	"exportTeams":         {"", "ok", "ok", "ok", "ok", "ok"},
	"exportUsers":         {"", "ok", "ok", "ok", "403", "403"},
	"explainUserQuota":    {"", "ok", "ok", "ok", "403", "403"},
	"getUserBurn":         {"", "ok", "ok", "ok", "403", "403"},
	"exportAudit":         {"", "ok", "ok", "ok", "ok", "ok"},
	"queryMyUsage":        {"", "ok", "ok", "ok", "ok", "ok"},
	"streamMe":            {"", "ok", "ok", "ok", "ok", "ok"},
	"listMyRequests":      {"", "ok", "ok", "ok", "ok", "ok"},
	"exportMyRequests":    {"", "ok", "ok", "ok", "ok", "ok"},
	"listMyDecisions":     {"", "ok", "ok", "ok", "ok", "ok"},
	"listMyViews":         {"", "ok", "ok", "ok", "ok", "ok"},
	"deleteMyView":        {"", "ok", "ok", "ok", "ok", "ok"},
	"explainMyQuota":      {"", "ok", "ok", "ok", "ok", "ok"},
	"getMyBurn":           {"", "ok", "ok", "ok", "ok", "ok"},
	"getMyRequest":        {"", "404", "404", "404", "ok", "404"},
	"putMyView":           {`{"page":"users","name":"Active","query":"status=active"}`, "ok", "ok", "ok", "ok", "ok"},
	"rotateMyKey":         {"", "404", "404", "404", "ok", "404"},
	"rotateUserKey":       {"", "ok", "ok", "403", "403", "403"},
	"getTeamShares":       {"", "ok", "ok", "ok", "ok", "404"},
	"createReallocation":  {`{"entries":[{"user_id":"MEMBER","amount":-1},{"team_id":"TEAM","amount":1}],"reason":"r"}`, "ok", "ok", "ok", "403", "403"},
	"createJob":           {`{"kind":"activate","selection":{"ids":["MEMBER"]}}`, "ok", "ok", "403", "403", "403"},
	"listJobs":            {"", "ok", "ok", "403", "403", "403"},
	"getJob":              {"", "ok", "ok", "403", "403", "403"},
	"listJobRows":         {"", "ok", "ok", "403", "403", "403"},
	"listProviders":       {"", "ok", "ok", "403", "403", "403"},
	"testProvider":        {"", "ok", "ok", "403", "403", "403"},
	"listModels":          {"", "ok", "ok", "403", "403", "403"},
	"getSettings":         {"", "ok", "ok", "403", "403", "403"},
	"getOnboarding":       {"", "ok", "ok", "403", "403", "403"},
	"getDemo":             {"", "ok", "ok", "403", "403", "403"},
	"createDemo":          {"", "ok", "ok", "403", "403", "403"},
	"deleteDemo":          {"", "ok", "ok", "403", "403", "403"},
	"putOnboarding":       {`{"dismissed":true}`, "ok", "ok", "403", "403", "403"},
	"listChannels":        {"", "ok", "ok", "403", "403", "403"},
	"createChannel":       {`{"name":"NEW","address":"https://hooks.slack.com/services/T/B/NEW"}`, "ok", "ok", "403", "403", "403"},
	"getChannel":          {"", "ok", "ok", "403", "403", "403"},
	"updateChannel":       {`{"from_percent":75}`, "ok", "ok", "403", "403", "403"},
	"deleteChannel":       {"", "ok", "ok", "403", "403", "403"},
	"testChannel":         {"", "ok", "ok", "403", "403", "403"},
	"listDeliveries":      {"", "ok", "ok", "403", "403", "403"},
	"resendDelivery":      {"", "ok", "ok", "403", "403", "403"},
	"listAlerts":          {"", "ok", "ok", "403", "403", "403"},

	"listServiceAccounts":     {"", "ok", "ok", "ok", "403", "403"},
	"createServiceAccount":    {`{"name":"NEW","team_id":"TEAM"}`, "ok", "ok", "403", "403", "403"},
	"getServiceAccount":       {"", "ok", "ok", "ok", "403", "403"},
	"updateServiceAccount":    {`{"name":"Other"}`, "ok", "ok", "403", "403", "403"},
	"deleteServiceAccount":    {"", "ok", "ok", "403", "403", "403"},
	"listServiceAccountKeys":  {"", "ok", "ok", "ok", "403", "403"},
	"createServiceAccountKey": {"", "ok", "ok", "403", "403", "403"},
	"rotateServiceAccountKey": {"", "ok", "ok", "403", "403", "403"},
	"revokeServiceAccountKey": {"", "ok", "ok", "ok", "403", "403"},
}

// TestEveryRouteForEveryRole calls every operation of the document as
// everyone. Writes are dry runs, so that the order does not matter.
func TestEveryRouteForEveryRole(t *testing.T) {
	w := started(t)
	keys := map[string]string{"owner": w.owner.key, "nobody": ""}
	admin := w.user("admin@company.com", `,"access_role":"admin"`)
	lead, member := w.user("lead@company.com", ""), w.user("member@company.com", "")
	outsider, suspended := w.user("outsider@company.com", ""), w.user("suspended@company.com", "")
	w.user("friend@company.com", "")
	keys["admin"], keys["team admin"], keys["member"], keys["outsider"], keys["suspended"] = admin.key, lead.key, member.key, outsider.key, suspended.key
	team := w.team("Engineering", "1000", member)
	w.do("POST", "/v1/admin/teams/"+team+"/members/"+lead.id+"?is_admin=true", w.owner.key, "").is(http.StatusCreated)
	w.do("PATCH", "/v1/admin/users/"+suspended.id, w.owner.key, `{"status":"suspended"}`).is(http.StatusOK)
	department := text(w.do("POST", "/v1/admin/departments", w.owner.key, `{"name":"R&D"}`).is(http.StatusCreated)["id"])
	project := text(w.do("POST", "/v1/admin/projects", w.owner.key, `{"code":"apollo","name":"Apollo"}`).is(http.StatusCreated)["id"])
	w.do("POST", "/v1/admin/projects/"+project+"/members/"+member.id, w.owner.key, "").is(http.StatusNoContent)
	key := text(w.do("GET", "/v1/users/me/keys", member.key, "").list()[0].(map[string]any)["id"])
	event := w.event(member, alfred.Credit, "hold_01ARZ3NDEKTSV4RRFFQ69G5FAV")
	_, err := w.records.RecordEvents(w.ctx, []alfred.UsageEvent{event})
	w.must(err)
	job := text(w.do("POST", "/v1/admin/jobs", w.owner.key, `{"kind":"activate","selection":{"filter":{}}}`).is(http.StatusAccepted)["id"])
	for _, k := range []string{w.owner.key, admin.key, lead.key, member.key, outsider.key} {
		w.do("PUT", "/v1/users/me/views/active", k, `{"page":"users","name":"Active","query":"status=active"}`).is(http.StatusOK)
	}
	channel := w.channel("costs", "https://hooks.slack.com/services/T/B/xxxxxxxxxxxx")
	w.must(w.records.AddDeliveries(w.ctx, alfred.Delivery{ID: "dlv_1", Org: w.org, Channel: channel, About: alfred.AboutAlert, Text: "x", State: alfred.DeliveryFailed, CreatedAt: w.clock.Now(), EndedAt: w.clock.Now()}))
	fill := strings.NewReplacer("{channel_id}", channel, "{delivery_id}", "dlv_1", "{user_id}", member.id, "{team_id}", team, "{key_id}", key, "{department_id}", department, "{project_id}", project,
		"{decision_id}", string(event.Decision), "{request_id}", string(event.Request), "{view_id}", "active", "{provider_id}", "mock", "{job_id}", job, "{entry_id}", "1-0")
	w.must(w.records.SetAside(w.ctx, w.org, "1-0", []byte("{}"), "test"))

	owner := w.team("Programs", "1000") // not the other one, which is deleted
	w.do("POST", "/v1/admin/teams/"+owner+"/members/"+lead.id+"?is_admin=true", w.owner.key, "").is(http.StatusCreated)
	service := w.service("Nightly", owner, "")
	serviceKey := text(w.do("GET", "/v1/admin/service-accounts/"+service.id+"/keys", w.owner.key, "").list()[0].(map[string]any)["id"])

	doc, err := api.Document()
	w.must(err)
	left := map[string]bool{}
	for id := range rights {
		left[id] = true
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			row, ok := rights[op.OperationID]
			if !ok {
				t.Errorf("%s %s (%s) is in the document and not in this table", method, path, op.OperationID)
				continue
			}
			delete(left, op.OperationID)
			for i, want := range []string{row.owner, row.admin, row.lead, row.member, row.outsider, "suspended", "nobody"} {
				target := fill.Replace(strings.NewReplacer("{account_id}/keys/{key_id}", service.id+"/keys/"+serviceKey, "{account_id}", service.id).Replace(path))
				if op.OperationID == "search" {
					target += "?q=member"
				}
				if method != http.MethodGet && op.OperationID != "createSession" {
					target += "?dry_run=true"
				}
				body := strings.NewReplacer("MEMBER", member.id, "TEAM", team).Replace(row.body)
				body = strings.ReplaceAll(body, "NEW", "new"+strings.ReplaceAll(roles[i], " ", "")+"@company.com")
				if op.OperationID == "createProject" {
					body = strings.ReplaceAll(body, "@company.com", "")
				}
				got := w.do(method, target, keys[roles[i]], body)
				if !answers(got, want, op.OperationID) {
					t.Errorf("%s as %s: got %d %s, want %s", op.OperationID, roles[i], got.status, got.body, want)
				}
			}
		}
	}
	for id := range left {
		t.Errorf("%s is in this table and not in the document", id)
	}
}

func answers(r reply, want, operation string) bool {
	if operation == "createSession" {
		return r.status == http.StatusUnauthorized
	}
	switch want {
	case "ok":
		return r.status >= 200 && r.status < 300
	case "403":
		return r.status == http.StatusForbidden
	case "404":
		return r.status == http.StatusNotFound
	case "suspended":
		return r.status == http.StatusForbidden && strings.Contains(string(r.body), string(alfred.CodeUserSuspended)) || operation == "getOpenAPI"
	default:
		return r.status == http.StatusUnauthorized || operation == "getOpenAPI"
	}
}

// Rights that belong to a field rather than to a route.
func TestFieldRights(t *testing.T) {
	w := started(t)
	admin := w.user("admin@company.com", `,"access_role":"admin","personal_quota":100`)
	lead, member, other := w.user("lead@company.com", ""), w.user("member@company.com", ""), w.user("other@company.com", "")
	team := w.team("Engineering", "1000", member)
	w.do("POST", "/v1/admin/teams/"+team+"/members/"+lead.id+"?is_admin=true", w.owner.key, "").is(http.StatusCreated)
	w.team("Sales", "1000", other)

	for _, c := range []struct {
		rule, key, id, body string
		status              int
	}{
		{"an admin gives no roles", admin.key, member.id, `{"access_role":"admin"}`, 403},
		{"an admin does not make himself owner", admin.key, admin.id, `{"access_role":"owner"}`, 403},
		{"an admin does not raise his own quota", admin.key, admin.id, `{"personal_quota":200}`, 403},
		{"nor by inheriting more", admin.key, admin.id, `{"personal_quota":null}`, 403},
		{"but he may lower it", admin.key, admin.id, `{"personal_quota":50}`, 200},
		{"not even the owner raises his own quota", w.owner.key, w.owner.id, `{"personal_quota":20000}`, 403},
		{"an admin does not touch an owner", admin.key, w.owner.id, `{"name":"Mine"}`, 403},
		{"an owner gives roles", w.owner.key, member.id, `{"access_role":"member"}`, 200},
		{"the last owner stays one", w.owner.key, w.owner.id, `{"access_role":"member"}`, 409},
		{"a team admin sets vacation", lead.key, member.id, `{"status":"on_vacation"}`, 200},
		{"and ends it", lead.key, member.id, `{"status":"active"}`, 200},
		{"but does not suspend", lead.key, member.id, `{"status":"suspended"}`, 403},
		{"nor rename", lead.key, member.id, `{"name":"X"}`, 403},
		{"nor give quota", lead.key, member.id, `{"personal_quota":5}`, 403},
		{"nor see another team's member", lead.key, other.id, `{"status":"on_vacation"}`, 404},
		{"an admin suspends", admin.key, other.id, `{"status":"suspended"}`, 200},
		{"and reactivates", admin.key, other.id, `{"status":"active"}`, 200},
	} {
		if got := w.do("PATCH", "/v1/admin/users/"+c.id, c.key, c.body); got.status != c.status {
			t.Errorf("%s: got %d %s, want %d", c.rule, got.status, got.body, c.status)
		}
	}
	w.do("DELETE", "/v1/admin/users/"+w.owner.id, w.owner.key, "").refused(http.StatusConflict, alfred.CodeConflict)
	w.do("POST", "/v1/admin/users/"+w.owner.id+"/keys", admin.key, "").refused(http.StatusForbidden, alfred.CodeForbidden)
	w.do("POST", "/v1/admin/users", admin.key, `{"email":"x@company.com","name":"X","access_role":"admin"}`).refused(http.StatusForbidden, alfred.CodeForbidden)
	w.do("POST", "/v1/admin/teams/"+team+"/members/"+member.id+"?is_admin=true", lead.key, "").refused(http.StatusForbidden, alfred.CodeForbidden)

	// Nobody comes into a team admin's scope by his own hand, and an owner who
	// is in it keeps his credits.
	free := w.user("free@company.com", "")
	for _, p := range []person{free, other, w.owner} {
		w.do("POST", "/v1/admin/teams/"+team+"/members/"+p.id, lead.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	}
	second := w.team("Design", "1000")
	w.do("POST", "/v1/admin/teams/"+second+"/members/"+lead.id+"?is_admin=true", w.owner.key, "").is(http.StatusCreated)
	w.do("POST", "/v1/admin/teams/"+second+"/members/"+member.id, lead.key, "").is(http.StatusCreated)
	w.do("POST", "/v1/admin/teams/"+second+"/members/"+w.owner.id, w.owner.key, "").is(http.StatusCreated)
	w.do("PATCH", "/v1/admin/users/"+w.owner.id, lead.key, `{"status":"on_vacation"}`).refused(http.StatusForbidden, alfred.CodeForbidden)
	w.do("DELETE", "/v1/admin/teams/"+second+"/members/"+w.owner.id, w.owner.key, "").is(http.StatusNoContent)
	if seen := w.do("GET", "/v1/admin/users", lead.key, "").list(); len(seen) != 2 {
		t.Errorf("a team admin sees %d people, want himself and his member", len(seen))
	}
	if seen := w.do("GET", "/v1/admin/teams", other.key, "").list(); len(seen) != 1 {
		t.Errorf("a member sees %d teams, want his own", len(seen))
	}
}

// The router and the document know the same routes, and both know who may
// call them.
func TestRouterAndDocumentAgree(t *testing.T) {
	w := started(t)
	doc, err := api.Document()
	w.must(err)
	var documented []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+path)
		}
	}
	slices.Sort(documented)
	if len(documented) != len(rights) {
		t.Errorf("%d operations are documented, %d are in the table of rights", len(documented), len(rights))
	}
	for _, route := range documented {
		method, path, _ := strings.Cut(route, " ")
		got := w.do(method, path, w.owner.key, "")
		if got.status == http.StatusMethodNotAllowed || strings.Contains(string(got.body), "The API is described at") || got.status >= 500 {
			t.Errorf("%s is documented and not routed: %d %s", route, got.status, got.body)
		}
	}
	w.do("GET", "/v1/nothing", w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	wrong := w.do("DELETE", "/v1/admin/users", w.owner.key, "")
	wrong.refused(http.StatusMethodNotAllowed, alfred.CodeMethod)
	if allow := wrong.header.Get("Allow"); allow != "GET, POST" {
		t.Errorf("allow: %q", allow)
	}
}
