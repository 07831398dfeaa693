package admin_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// What blocks is what a request would be refused with.
func TestBlockedByIsTheCodeOfTheRefusal(t *testing.T) {
	limit := func(scope, subject string) string {
		return `{"data":[{"scope":"` + scope + `","subject":"` + subject + `","metric":"credits","credits":100}]}`
	}
	for _, c := range []struct {
		rule string
		team string // common pool, "" without a team
		cap  func(w *world, p person, team string) string
		want alfred.Code
	}{
		{"nobody else pays", "", nil, alfred.CodeUserQuota},
		{"the share is used up too", "200", nil, alfred.CodeTeamPool},
		{"a cap of the person", "5000", func(_ *world, p person, _ string) string { return limit("user", p.id) }, alfred.CodeUserQuota},
		{"a cap of the team", "5000", func(_ *world, _ person, team string) string { return limit("team", team) }, alfred.CodeTeamBudget},
		{"a cap of the organisation", "5000", func(w *world, _ person, _ string) string { return limit("organization", string(w.org)) }, alfred.CodeOrganization},
	} {
		w := started(t)
		p, other := w.user("a@company.com", `,"personal_quota":100`), w.user("b@company.com", "")
		team := ""
		if c.team != "" {
			team = w.team("Engineering", c.team, p, other)
		}
		if q := w.quota(p); q["blocked_by"] != nil {
			t.Errorf("%s: blocked from the start: %v", c.rule, q)
		}
		w.spend(p, 100*alfred.Credit, alfred.PriorityNormal)
		if c.cap != nil {
			w.do("PUT", "/v1/admin/limits", w.owner.key, c.cap(w, p, team)).is(http.StatusOK)
		} else if c.team != "" {
			w.spend(p, 100*alfred.Credit, alfred.PriorityNormal)
		}
		got := w.spend(p, alfred.Credit, alfred.PriorityNormal)
		if q := w.quota(p); got.Blocker.Code != c.want || q["blocked_by"] != string(c.want) {
			t.Errorf("%s: refused with %s and shown %v, want %s", c.rule, got.Blocker.Code, q["blocked_by"], c.want)
		}
	}
}

// frozen is a live store that does not answer.
type frozen struct{ admin.Live }

func (frozen) Balances(ctx context.Context, _ alfred.OrgID, _ []alfred.Counter) ([]alfred.Balance, error) {
	deadline, bounded := ctx.Deadline()
	if !bounded || time.Until(deadline) > time.Minute {
		panic("this would wait for ever")
	}
	return nil, context.DeadlineExceeded
}

func TestAStoreThatDoesNotAnswerIs503(t *testing.T) {
	w := started(t, func(c *admin.Config) { c.Live = frozen{c.Live} })
	w.do("GET", "/v1/users/me/quota", w.owner.key, "").refused(http.StatusServiceUnavailable, alfred.CodeUnavailable)
}
