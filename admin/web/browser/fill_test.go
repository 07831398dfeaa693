package browser

import (
	"fmt"
	"net/http"
)

// world is what the TypeScript side is told.
type world struct {
	Base     string            `json:"base"`
	Chromium string            `json:"chromium"`
	Keys     map[string]string `json:"keys"` // by role: owner, admin, teamAdmin, member, suspended, revoked
	User     string            `json:"user"`
	Team     string            `json:"team"`
	Decision string            `json:"decision"`
	Request  string            `json:"request"`
	Fresh    bool              `json:"fresh"` // nothing has happened yet
}

// xss is in every free text: whatever shows it as markup would run it, which the policy and the console's watch would tell.
const xss = `<img src=x onerror="alert(1)"><script>alert(2)</script>`

var names = []string{
	"Ada Lovelace", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov", "Donald Knuth", "Margaret Hamilton", "Dennis Ritchie", "Radia Perlman",
	"Leslie Lamport", "Frances Allen", "Ken Thompson", "Karen Spärck Jones", "Niklaus Wirth", "Wilhelmina Featherstonehaugh-Cholmondeley von und zu Liechtenstein", xss,
}

// fill makes people, teams, transfers, usage and a refusal, over the API and the front door alone.
func (s *stack) fill() world {
	s.Helper()
	w := world{Base: s.base, Keys: map[string]string{}}
	first := s.must("POST", "/v1/admin/users", map[string]any{"email": "owner@company.com", "name": "Olivia Owner", "personal_quota": 250_000})
	s.key = str(first, "api_key")
	w.Keys["owner"] = s.key
	s.must("PATCH", "/v1/admin/organization", map[string]any{"name": "Company AS", "settings": map[string]any{"zone": "Europe/Oslo"}})
	var teams []string
	for _, t := range []struct {
		name string
		pool int
	}{{"Engineering", 400_000}, {"Research & Development " + xss, 250_000}, {"Support", 90_000}} {
		teams = append(teams, str(s.must("POST", "/v1/admin/teams", map[string]any{"name": t.name, "description": "What this team does " + xss, "common_pool": t.pool}), "id"))
	}
	w.Team = teams[0]
	models := []string{"gpt-4", "gpt-4o", "gpt-4o-mini", "claude-3-haiku", "o1"}
	var users []string
	for i, name := range names {
		quota := 20_000 + 3_000*i
		if i == 2 {
			quota = 40 // soon refused
		}
		p := s.must("POST", "/v1/admin/users", map[string]any{"email": fmt.Sprintf("person%d@company.com", i), "name": name, "personal_quota": quota})
		id, key := str(p, "id"), str(p, "api_key")
		users = append(users, id)
		if i != 2 {
			s.must("POST", fmt.Sprintf("/v1/admin/teams/%s/members/%s?is_admin=%v", teams[i%3], id, i == 1), nil)
		}
		switch i {
		case 0:
			s.must("PATCH", "/v1/admin/users/"+id, map[string]any{"access_role": "admin"})
			w.Keys["admin"] = key
		case 1:
			w.Keys["teamAdmin"] = key
		case 2:
			w.User = id
			w.Keys["refused"] = key
		case 3:
			w.Keys["member"] = key
		case 4:
			w.Keys["suspended"] = key
		}
		if i == 5 {
			extra := s.must("POST", "/v1/admin/users/"+id+"/keys", map[string]any{"name": "old laptop " + xss})
			s.must("DELETE", "/v1/admin/users/"+id+"/keys/"+str(extra, "id"), nil)
			w.Keys["revoked"] = str(extra, "api_key")
		}
		if i < 9 {
			s.chat(key, models[i%len(models)], 1+i%3)
		}
	}
	s.must("PATCH", "/v1/admin/users/"+users[4], map[string]any{"status": "suspended"})
	s.must("PATCH", "/v1/admin/users/"+users[6], map[string]any{"status": "on_vacation"})
	for i, amount := range []int{500, 1_200, 75} {
		s.must("POST", "/v1/users/me/transfer", map[string]any{"recipient_email": fmt.Sprintf("person%d@company.com", 3+i*2), "amount": amount, "reason": "Project deadline support " + xss})
	}
	s.until("a refusal", func() bool {
		status, refused := s.call("POST", "/v1/chat/completions", w.Keys["refused"], completion("gpt-4o", 4_000))
		w.Decision = decisionOf(refused)
		return status == http.StatusTooManyRequests
	})
	s.until("its explanation", func() bool {
		status, _ := s.call("GET", "/v1/decisions/"+w.Decision, s.key, nil)
		return status == http.StatusOK
	})
	s.until("usage is recorded", func() bool {
		_, mine := s.call("GET", "/v1/users/me/usage", w.Keys["member"], nil)
		rows, _ := mine["data"].([]any)
		if len(rows) == 0 {
			return false
		}
		row, _ := rows[0].(map[string]any)
		w.Request = str(row, "request_id")
		return true
	})
	return w
}

// chat asks for completions through the front door; the first ones may come before the key is published.
func (s *stack) chat(key, model string, times int) {
	s.Helper()
	for range times {
		s.until("a completion of "+model, func() bool {
			status, _ := s.call("POST", "/v1/chat/completions", key, completion(model, 60))
			return status == http.StatusOK || status == http.StatusTooManyRequests
		})
	}
}

func completion(model string, limit int) map[string]any {
	return map[string]any{"model": model, "max_tokens": limit, "messages": []map[string]any{{"role": "user", "content": "Say something about credit pools, and not too short."}}}
}

// decisionOf reads the decision's id from a refusal of the data plane.
func decisionOf(body map[string]any) string {
	if e, ok := body["error"].(map[string]any); ok {
		if id, ok := e["decision_id"].(string); ok {
			return id
		}
	}
	return str(body, "decision_id")
}
