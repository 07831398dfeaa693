package admin

import (
	"context"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListDecisions lists refusals: all for an admin, those of members for a team
// admin.
func (s *server) ListDecisions(ctx context.Context, r api.ListDecisionsRequestObject) (api.ListDecisionsResponseObject, error) {
	p := r.Params
	f := alfred.DecisionFilter{User: alfred.UserID(value(p.User)), Codes: codesOf(p.Code), From: value(p.From), Until: value(p.Until)}
	out, err := s.listDecisions(ctx, f, p.Team, p.Cursor, p.Limit)
	return api.ListDecisions200JSONResponse(out), err
}

// ListMyDecisions lists the actor's own.
func (s *server) ListMyDecisions(ctx context.Context, r api.ListMyDecisionsRequestObject) (api.ListMyDecisionsResponseObject, error) {
	p := r.Params
	f := alfred.DecisionFilter{User: callOf(ctx).actor.User, Codes: codesOf(p.Code), From: value(p.From), Until: value(p.Until)}
	out, err := s.listDecisions(ctx, f, nil, p.Cursor, p.Limit)
	return api.ListMyDecisions200JSONResponse(out), err
}

func codesOf(codes *[]string) []alfred.Code {
	var out []alfred.Code
	for _, c := range value(codes) {
		out = append(out, alfred.Code(c))
	}
	return out
}

func (s *server) listDecisions(ctx context.Context, f alfred.DecisionFilter, team, cursor *string, limit *int) (api.DecisionPage, error) {
	actor := callOf(ctx).actor
	pg, err := newPage(cursor, limit, "decisions", f, team)
	if err != nil {
		return api.DecisionPage{}, err
	}
	if f.Teams, err = within(actor, f.User, team); err != nil {
		return api.DecisionPage{}, err
	}
	f.After, f.Limit = pg.after, pg.limit
	rows, next, err := s.decisionRows(ctx, actor.Org, f)
	if err != nil {
		return api.DecisionPage{}, err
	}
	out := api.DecisionPage{Data: rows, HasMore: next != "", NextCursor: nullable.NewNullNullable[string]()}
	if next != "" {
		out.NextCursor = pg.cursor(next)
	}
	return out, nil
}

// decisionRows reads refusals with the names of their people.
func (s *server) decisionRows(ctx context.Context, org alfred.OrgID, f alfred.DecisionFilter) (rows []api.DecisionRow, next string, err error) {
	decisions, next, err := s.Records.Decisions(ctx, org, f)
	if err != nil || len(decisions) == 0 {
		return []api.DecisionRow{}, "", err
	}
	ids := make([]alfred.UserID, len(decisions))
	for i, d := range decisions {
		ids[i] = d.User
	}
	people, err := s.people(ctx, org, ids)
	if err != nil {
		return nil, "", err
	}
	for _, d := range decisions {
		rows = append(rows, decisionRow(d, people[d.User]))
	}
	return rows, next, nil
}

// people reads whom some ids stand for.
func (s *server) people(ctx context.Context, org alfred.OrgID, ids []alfred.UserID) (map[alfred.UserID]alfred.User, error) {
	users, err := s.Records.Users(ctx, org, alfred.UserFilter{IDs: ids})
	out := make(map[alfred.UserID]alfred.User, len(users))
	for _, u := range users {
		out[u.ID] = u
	}
	return out, err
}

func decisionRow(d alfred.Decision, u alfred.User) api.DecisionRow {
	return api.DecisionRow{
		Id: string(d.ID), RequestId: string(d.Request), At: d.At, User: api.PersonRef{Id: string(d.User), Name: u.Name, Email: u.Email},
		Code: string(d.Code), Title: alfred.Explain(d.Code).Title, Detail: d.Detail, Model: d.Model, Priority: string(d.Priority), Need: d.Need,
		Blocking: d.Blocking, Retry: d.Retry,
	}
}

// ExportDecisions writes refusals as a file.
func (s *server) ExportDecisions(ctx context.Context, r api.ExportDecisionsRequestObject) (api.ExportDecisionsResponseObject, error) {
	p, actor := r.Params, callOf(ctx).actor
	f := alfred.DecisionFilter{User: alfred.UserID(value(p.User)), Codes: codesOf(p.Code), From: value(p.From), Until: value(p.Until), Limit: exportPage}
	var err error
	if f.Teams, err = within(actor, f.User, p.Team); err != nil {
		return nil, err
	}
	header := []string{"decision_id", "request_id", "at", "user", "code", "title", "model", "priority", "need", "blocking", "detail"}
	return csvFile{"refusals.csv", header, func(yield func(...string) error) error {
		for {
			rows, next, err := s.decisionRows(ctx, actor.Org, f)
			if err != nil {
				return err
			}
			for _, d := range rows {
				err := yield(d.Id, d.RequestId, d.At.UTC().Format(time.RFC3339Nano), d.User.Email, d.Code, d.Title, d.Model, d.Priority, d.Need.String(), d.Blocking, d.Detail)
				if err != nil {
					return err
				}
			}
			if next == "" {
				return nil
			}
			f.After = next
		}
	}}, nil
}
