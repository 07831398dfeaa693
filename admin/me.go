package admin

import (
	"context"
	"strings"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// GetMe answers who asks.
func (s *server) GetMe(ctx context.Context, _ api.GetMeRequestObject) (api.GetMeResponseObject, error) {
	u := callOf(ctx).user
	out, err := s.describe(ctx, u.Org, u.ID)
	setETag(ctx, u.Version)
	return api.GetMe200JSONResponse(out), err
}

// UpdateMe changes the actor's own profile.
func (s *server) UpdateMe(ctx context.Context, r api.UpdateMeRequestObject) (api.UpdateMeResponseObject, error) {
	before := callOf(ctx).user
	if err := matches(r.Params.IfMatch, before.Version); err != nil {
		return nil, err
	}
	after := before
	if r.Body.Name != nil {
		if after.Name = strings.TrimSpace(*r.Body.Name); after.Name == "" {
			return nil, alfred.Invalid("name", "expected a name")
		}
	}
	if err := s.saveUser(ctx, before, after); err != nil {
		return nil, err
	}
	out, err := s.changed(ctx, before)
	return api.UpdateMe200JSONResponse(out), err
}

// GetMyUsage lists what the actor spent, by default in this window.
func (s *server) GetMyUsage(ctx context.Context, r api.GetMyUsageRequestObject) (api.GetMyUsageResponseObject, error) {
	actor, p := callOf(ctx).actor, r.Params
	pg, err := newPage(p.Cursor, p.Limit, "usage", p.From, p.Until)
	if err != nil {
		return nil, err
	}
	f := alfred.UsageFilter{User: actor.User, From: value(p.From), Until: value(p.Until), After: pg.after, Limit: pg.limit}
	if f.From.IsZero() {
		snap, err := s.snapshotOf(ctx, actor.Org, nil)
		if err != nil {
			return nil, err
		}
		f.From = snap.window.Start
	}
	totals, err := s.Records.UsageTotals(ctx, actor.Org, f)
	if err != nil {
		return nil, err
	}
	events, next, err := s.Records.Usage(ctx, actor.Org, f)
	if err != nil {
		return nil, err
	}
	out := api.GetMyUsage200JSONResponse{Totals: totals, Data: make([]api.UsageRecord, len(events)), HasMore: next != "", NextCursor: orNull("")}
	if out.Totals == nil {
		out.Totals = []alfred.UsageTotal{}
	}
	if next != "" {
		out.NextCursor = pg.cursor(next)
	}
	for i, e := range events {
		out.Data[i] = describeUsage(e)
	}
	return out, nil
}

func describeUsage(e alfred.UsageEvent) api.UsageRecord {
	kind, project, team := string(e.Kind), string(e.Project), string(e.Team)
	return api.UsageRecord{
		RequestId: string(e.Request), DecisionId: string(e.Decision), Kind: &kind, At: e.At, Model: e.Model, Provider: e.Provider, Priority: e.Priority,
		ProjectId: &project, TeamId: &team, Usage: e.Usage, Cost: e.Cost, Status: e.Status, Outcome: string(e.Outcome), Estimated: e.Estimated, Stream: &e.Stream,
	}
}

// ListMyInbox lists what happened to the actor.
func (s *server) ListMyInbox(ctx context.Context, r api.ListMyInboxRequestObject) (api.ListMyInboxResponseObject, error) {
	actor, limit := callOf(ctx).actor, defaultPage
	if r.Params.Limit != nil {
		limit = *r.Params.Limit
	}
	items, err := s.Records.Inbox(ctx, actor.Org, actor.User, value(r.Params.Unread), limit)
	return api.ListMyInbox200JSONResponse{Data: append([]alfred.InboxItem{}, items...)}, err
}

// MarkMyInboxRead marks everything in the actor's inbox as read.
func (s *server) MarkMyInboxRead(ctx context.Context, _ api.MarkMyInboxReadRequestObject) (api.MarkMyInboxReadResponseObject, error) {
	actor := callOf(ctx).actor
	err := s.write(ctx, actor.Org, func(ctx context.Context, w *change) error {
		return s.Records.MarkInboxRead(ctx, actor.Org, actor.User, w.now)
	})
	return api.MarkMyInboxRead204Response{}, err
}
