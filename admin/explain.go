package admin

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// explain tells a person why a request was admitted or refused.
func (s *server) explain(ctx context.Context, d alfred.Decision) (api.GetDecisionResponseObject, error) {
	user, err := s.Records.User(ctx, d.Org, d.User)
	if err != nil && alfred.ErrorCode(err) != alfred.CodeNotFound {
		return nil, err
	}
	org, err := s.Records.Organization(ctx, d.Org)
	if err != nil {
		return nil, err
	}
	out := api.DecisionExplained{
		Id: string(d.ID), RequestId: string(d.Request), User: string(d.User), Key: string(d.Key), At: d.At, Allowed: d.Allowed, Detail: d.Detail,
		Person: api.PersonRef{Id: string(d.User), Name: user.Name, Email: user.Email}, Model: d.Model, Priority: string(d.Priority), PriorityLowered: d.Lowered,
		Need: d.Need, Want: d.Want, Limit: d.Limit, Remaining: d.Remaining, ResetsAt: orNull(d.ResetsAt), RetryAfter: orNull(d.RetryAfter), Retry: d.Retry,
		Unit: org.Settings.UnitName, Tz: org.Settings.Zone, Checks: []api.DecisionCheck{}, Passes: []api.Counterfactual{}, NextSteps: []api.NextStep{},
		AskWhom: []api.DecisionAsk{}, Code: optional(string(d.Code)), Param: optional(d.Field), Blocking: optional(d.Blocking), Ask: optional(d.Ask),
		Degraded: optional(d.Degraded), Cost: orNull(alfred.Credits(0)), Title: "Admitted",
	}
	if !d.Allowed {
		x := alfred.Explain(d.Code)
		out.Title, out.Remedy = x.Title, &x.Remedy
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
