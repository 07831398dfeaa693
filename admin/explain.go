package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// explain tells a person why a request was admitted or refused: what was
// checked, what it would have passed with, and what to do next.
func (s *server) explain(ctx context.Context, d alfred.Decision) (api.GetDecisionResponseObject, error) {
	org, err := s.Records.Organization(ctx, d.Org)
	if err != nil {
		return nil, err
	}
	n, err := s.names(ctx, d.Org, wanted{[]alfred.UserID{d.User}, []alfred.KeyID{d.Key}})
	if err != nil {
		return nil, err
	}
	org.Settings = org.Settings.At(s.Now())
	if n.users[d.User].Kind == alfred.KindService {
		org.Settings.OverdraftLimit = 0 // it has none, so it is promised none
	}
	out := api.DecisionExplained{
		Id: string(d.ID), RequestId: string(d.Request), User: string(d.User), Key: string(d.Key), At: d.At, Allowed: d.Allowed, Detail: d.Detail,
		Person: n.person(d.User), Model: d.Model, Priority: string(d.Priority), PriorityLowered: d.Lowered, KeyPrefix: optional(n.keys[d.Key].Prefix),
		Need: d.Need, Want: d.Want, Limit: d.Limit, Remaining: d.Remaining, ResetsAt: orNull(d.ResetsAt), RetryAfter: orNull(d.RetryAfter), Retry: d.Retry,
		Unit: org.Settings.UnitName, Tz: org.Settings.Zone, Code: optional(string(d.Code)), Param: optional(d.Field), Blocking: optional(d.Blocking),
		Ask: optional(d.Ask), Degraded: optional(d.Degraded), Cost: nullable.NewNullNullable[alfred.Credits](), Title: "Admitted",
		ChecksKnown: len(d.Checks) > 0, Checks: explainChecks(d, n), Passes: []api.Counterfactual{}, NextSteps: []api.NextStep{}, AskWhom: []api.DecisionAsk{},
	}
	if d.Allowed {
		events, err := s.Records.RequestEvents(ctx, d.Org, d.ID)
		if err != nil {
			return nil, err
		}
		if len(events) > 0 {
			e := asItStands(events)
			out.Cost = nullable.NewNullableWithValue(e.Cost)
			out.Checks, out.ChecksKnown = paidChecks(e, n), true
		}
		return api.GetDecision200JSONResponse(out), nil
	}
	x := alfred.Explain(d.Code)
	out.Title, out.Remedy = x.Title, &x.Remedy
	out.Passes = passes(d, org.Settings)
	out.NextSteps = nextSteps(d)
	if d.Ask != "" {
		if out.AskWhom, err = s.whomToAsk(ctx, d, n); err != nil {
			return nil, err
		}
	}
	return api.GetDecision200JSONResponse(out), nil
}

// optional leaves an empty text out.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// explainChecks shows the recorded checks after what every request that got as
// far has passed; without a record of them, the one that refused.
func explainChecks(d alfred.Decision, n *names) []api.DecisionCheck {
	if len(d.Checks) == 0 {
		kind := api.DecisionCheckKindUser
		switch d.Code { //nolint:exhaustive // everything else is about the person
		case alfred.CodeModel, alfred.CodeNotMetered:
			kind = api.DecisionCheckKindModel
		case alfred.CodeProject:
			kind = api.DecisionCheckKindProject
		case alfred.CodeTeamNotAllowed:
			kind = api.DecisionCheckKindTeam
		case alfred.CodeRateLimited:
			kind = api.DecisionCheckKindRate
		case alfred.CodeUserQuota, alfred.CodeTeamPool, alfred.CodeQuotaHeld:
			kind = api.DecisionCheckKindLeg
		case alfred.CodeTeamBudget, alfred.CodeDepartment, alfred.CodeProjectBudget, alfred.CodeKeyBudget, alfred.CodeModelBudget, alfred.CodeOrganization:
			kind = api.DecisionCheckKindCap
		}
		if d.Allowed {
			return []api.DecisionCheck{}
		}
		scope, subject, _ := strings.Cut(d.Blocking, ":")
		c := check(kind, api.Fail, alfred.Explain(d.Code).Title, d.Detail)
		c.Scope, c.Subject, c.Name, c.Code = optional(scope), subject, n.subject(scope, subject), optional(string(d.Code))
		return []api.DecisionCheck{c}
	}
	out := []api.DecisionCheck{
		check(api.DecisionCheckKindKey, api.Pass, "Key", "The key is active."),
		check(api.DecisionCheckKindUser, api.Pass, "Account", "The account may make requests."),
		check(api.DecisionCheckKindModel, api.Pass, "Model", "The model may be used."),
	}
	for _, k := range d.Checks {
		title := titleOf(k)
		c := check(api.DecisionCheckKind(k.Kind), api.DecisionCheckOutcome(k.Outcome), title, "")
		c.Scope, c.Subject, c.Name, c.Code = &k.Scope, k.Subject, n.subject(k.Scope, k.Subject), optional(string(k.Code))
		if k.Kind == "rate" {
			c.Rate = nullable.NewNullableWithValue(k.Rate)
			c.Detail = fmt.Sprintf("%s per minute.", alfred.Figure(k.Rate))
		} else {
			c.Limit, c.Held, c.Left = nullable.NewNullableWithValue(k.Limit), pointed(k.Held), pointed(k.Left)
			c.Detail = fmt.Sprintf("The limit is %s.", alfred.Figure(k.Limit))
			if k.Left != nil {
				c.Detail = fmt.Sprintf("%s of %s left.", alfred.Figure(*k.Left), alfred.Figure(k.Limit))
			}
			if k.Held != nil && *k.Held > 0 {
				c.Detail = strings.TrimSuffix(c.Detail, ".") + fmt.Sprintf(", %s held by requests in flight.", alfred.Figure(*k.Held))
			}
		}
		out = append(out, c)
	}
	return out
}

func check(kind api.DecisionCheckKind, outcome api.DecisionCheckOutcome, title, detail string) api.DecisionCheck {
	none := nullable.NewNullNullable[alfred.Credits]()
	return api.DecisionCheck{
		Kind: kind, Outcome: outcome, Title: title, Detail: detail, Limit: none, Settled: none, Held: none, Left: none, Rate: nullable.NewNullNullable[int64](),
	}
}

// titleOf names a check for people.
func titleOf(k alfred.Check) string {
	switch k.Kind + ":" + k.Scope {
	case "leg:" + string(alfred.LegPersonal):
		return "Personal quota"
	case "leg:" + string(alfred.LegTeam):
		return "Team share"
	case "leg:" + string(alfred.LegOverdraft):
		return "Overdraft"
	case "cap:" + string(alfred.CountOrg):
		return "Organisation cap"
	case "cap:" + string(alfred.CountDept):
		return "Department cap"
	case "cap:" + string(alfred.CountUser):
		return "Personal cap"
	}
	words := map[string]string{"cap": " cap", "rate": " rate limit"}
	return strings.ToUpper(k.Scope[:1]) + k.Scope[1:] + words[k.Kind]
}

// paidChecks explains an admitted request from its usage event: who paid.
func paidChecks(e alfred.UsageEvent, n *names) []api.DecisionCheck {
	out := []api.DecisionCheck{
		check(api.DecisionCheckKindKey, api.Pass, "Key", "The key is active."),
		check(api.DecisionCheckKindUser, api.Pass, "Account", "The account may make requests."),
		check(api.DecisionCheckKindModel, api.Pass, "Model", "The model may be used."),
	}
	for _, l := range e.Legs {
		c := check(api.DecisionCheckKindLeg, api.Pass, titleOf(alfred.Check{Kind: "leg", Scope: string(l.Kind)}), fmt.Sprintf("It paid %s.", alfred.Figure(l.Amount)))
		scope := string(l.Kind)
		c.Scope, c.Subject, c.Name = &scope, l.Subject, n.subject(scope, l.Subject)
		out = append(out, c)
	}
	return out
}

// passes lists what the request would have passed with, the nearest first.
func passes(d alfred.Decision, settings alfred.Settings) []api.Counterfactual {
	out := []api.Counterfactual{}
	zone, err := alfred.Zone(settings.Zone)
	if err != nil {
		zone = time.UTC
	}
	when := d.ResetsAt.In(zone).Format("2 Jan 15:04")
	switch alfred.Explain(d.Code).Type {
	case "rate_limit_error":
		at := d.ResetsAt
		return append(out, api.Counterfactual{Kind: api.CounterfactualKindAfter, At: &at, Detail: "after " + d.ResetsAt.In(zone).Format("15:04:05")})
	case "insufficient_quota":
	default:
		return out
	}
	if d.Code == alfred.CodeQuotaHeld {
		out = append(out, api.Counterfactual{Kind: api.CounterfactualKindInFlight, Detail: "when the requests in flight have ended, in a moment"})
	}
	room := d.Remaining
	if bound := (alfred.Bound{Fixed: d.InputCost, PerToken: d.PerToken}); d.PerToken > 0 {
		if tokens := bound.Tokens(room); tokens >= 1 {
			out = append(out, api.Counterfactual{Kind: api.CounterfactualKindMaxTokens, MaxTokens: &tokens, Detail: fmt.Sprintf("with max_tokens ≤ %d", tokens)})
		}
	}
	if !d.ResetsAt.IsZero() && afresh(d) >= d.Need {
		at := d.ResetsAt
		out = append(out, api.Counterfactual{Kind: api.CounterfactualKindAfter, At: &at, Detail: "after " + when})
	}
	if missing := d.Need - room; missing > 0 {
		out = append(out, api.Counterfactual{Kind: api.CounterfactualKindCredits, Credits: &missing, Detail: fmt.Sprintf("with %s more credits", alfred.Figure(missing))})
	}
	paid := d.Code == alfred.CodeUserQuota || d.Code == alfred.CodeTeamPool
	if paid && d.Priority != alfred.PriorityCritical && !d.Lowered && settings.OverdraftLimit > 0 && room+settings.OverdraftLimit >= d.Need {
		critical := alfred.PriorityCritical
		out = append(out, api.Counterfactual{
			Kind: api.CounterfactualKindPriority, Priority: &critical,
			Detail: fmt.Sprintf("with X-Priority: critical, as long as the overdraft of %s lasts", alfred.Figure(settings.OverdraftLimit)),
		})
	}
	return out
}

// afresh is the most that a request could have held of a window in which
// nothing is used yet, by the limits that are known of it.
func afresh(d alfred.Decision) alfred.Credits {
	if len(d.Checks) == 0 {
		return d.Limit
	}
	caps, legs := alfred.Unlimited, alfred.Credits(0)
	for _, k := range d.Checks {
		switch k.Kind {
		case "cap":
			caps = min(caps, k.Limit)
		case "leg":
			legs = min(legs+min(k.Limit, alfred.MaxCredits), alfred.MaxCredits)
		}
	}
	return min(caps, legs)
}

// nextSteps says what the person can do, the most useful first.
func nextSteps(d alfred.Decision) []api.NextStep {
	out := []api.NextStep{}
	add := func(action api.NextStepAction, text string) {
		out = append(out, api.NextStep{Action: action, Text: text})
	}
	x := alfred.Explain(d.Code)
	switch {
	case d.Retry:
		add("retry", "Try again in a moment.")
	case d.PerToken > 0 && (alfred.Bound{Fixed: d.InputCost, PerToken: d.PerToken}).Tokens(d.Remaining) >= 1:
		add("shorten", "Ask for a shorter answer.")
	}
	if d.Ask != "" {
		add("ask", "Ask "+d.Ask+" for more.")
	}
	switch x.Type {
	case "insufficient_quota":
		add("see_usage", "See what you used.")
		if !d.ResetsAt.IsZero() && !d.Retry && afresh(d) >= d.Need {
			add("wait", "Wait until the window resets.")
		}
	case "rate_limit_error":
	default:
		add("change_request", x.Remedy)
	}
	return out
}

// whomToAsk finds the person behind the address that the decision names.
func (s *server) whomToAsk(ctx context.Context, d alfred.Decision, n *names) ([]api.DecisionAsk, error) {
	u, err := s.Records.UserByEmail(ctx, d.Org, d.Ask)
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return []api.DecisionAsk{}, nil
	}
	if err != nil {
		return nil, err
	}
	why := "is an admin"
	if u.Access == alfred.RoleOwner {
		why = "owns the organisation"
	}
	memberships, err := s.Records.Memberships(ctx, d.Org, u.ID)
	for _, m := range memberships {
		if m.IsAdmin && (d.Team == "" || m.Team == d.Team) {
			why = "administers " + n.teams[m.Team]
		}
	}
	return []api.DecisionAsk{{Name: u.Name, Email: u.Email, Why: why}}, err
}
