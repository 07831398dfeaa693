package admin

import (
	"context"
	"strings"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// Search finds what the actor may see by a part of its name, and requests and
// decisions by their id.
func (s *server) Search(ctx context.Context, r api.SearchRequestObject) (api.SearchResponseObject, error) {
	actor, text := callOf(ctx).actor, strings.TrimSpace(r.Params.Q)
	out := api.Search200JSONResponse{Data: []api.SearchHit{}}
	if id, ok := strings.CutPrefix(text, "req_"); ok || strings.HasPrefix(text, "dec_") {
		if !ok {
			id = strings.TrimPrefix(text, "dec_")
		}
		hits, err := s.searchRequest(ctx, alfred.DecisionID("dec_"+id))
		out.Data = append(out.Data, hits...)
		return out, err
	}
	if text == "" {
		return out, nil
	}
	var teams []alfred.TeamID
	if !actor.Access.Administers() {
		teams = append([]alfred.TeamID{}, actor.TeamsAdmin...)
	}
	hits, err := s.Records.Search(ctx, actor.Org, text, teams, orDefault(r.Params.Limit, 6))
	for _, h := range hits {
		out.Data = append(out.Data, api.SearchHit{
			Kind: api.SearchHitKind(h.Kind), Id: h.ID, Title: h.Title, Detail: h.Detail, UserId: optional(string(h.User)), Status: optional(h.Status),
		})
	}
	return out, err
}

// searchRequest finds a request, or the refusal of one, by the id that both
// share.
func (s *server) searchRequest(ctx context.Context, id alfred.DecisionID) ([]api.SearchHit, error) {
	actor := callOf(ctx).actor
	d, err := s.Records.Decision(ctx, actor.Org, id)
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	covered, err := s.covers(ctx, actor, d.User)
	if err != nil || !covered && d.User != actor.User {
		return nil, err
	}
	user := string(d.User)
	hit := api.SearchHit{Kind: "decision", Id: string(d.ID), Title: "Refused: " + alfred.Explain(d.Code).Title, Detail: d.Detail, UserId: &user}
	if d.Allowed {
		hit = api.SearchHit{Kind: "request", Id: string(d.Request), Title: "Request to " + d.Model, Detail: d.Detail, UserId: &user}
	}
	return []api.SearchHit{hit}, nil
}
