package admin

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListMyViews lists what the actor has saved.
func (s *server) ListMyViews(ctx context.Context, r api.ListMyViewsRequestObject) (api.ListMyViewsResponseObject, error) {
	actor := callOf(ctx).actor
	views, err := s.Records.Views(ctx, actor.Org, actor.User, value(r.Params.Page))
	data := make([]api.View, len(views))
	for i, v := range views {
		data[i] = describeView(v)
	}
	return api.ListMyViews200JSONResponse{Data: data}, err
}

// PutMyView saves a view. It concerns nobody else, so it is not audited.
func (s *server) PutMyView(ctx context.Context, r api.PutMyViewRequestObject) (api.PutMyViewResponseObject, error) {
	actor := callOf(ctx).actor
	v := alfred.View{ID: r.ViewId, Page: r.Body.Page, Name: r.Body.Name, Query: r.Body.Query, UpdatedAt: s.Now()}
	err := s.write(ctx, actor.Org, func(ctx context.Context, w *change) error {
		w.changes = append(w.changes, dryChange{Action: "view.put", Subject: v.ID})
		return s.Records.PutView(ctx, actor.Org, actor.User, v)
	})
	if err != nil {
		return nil, err
	}
	return api.PutMyView200JSONResponse(describeView(v)), nil
}

// DeleteMyView deletes a view.
func (s *server) DeleteMyView(ctx context.Context, r api.DeleteMyViewRequestObject) (api.DeleteMyViewResponseObject, error) {
	actor := callOf(ctx).actor
	err := s.write(ctx, actor.Org, func(ctx context.Context, w *change) error {
		w.changes = append(w.changes, dryChange{Action: "view.delete", Subject: r.ViewId})
		return s.Records.DeleteView(ctx, actor.Org, actor.User, r.ViewId)
	})
	if err != nil {
		return nil, err
	}
	return api.DeleteMyView204Response{}, nil
}

func describeView(v alfred.View) api.View {
	return api.View{Id: v.ID, Page: v.Page, Name: v.Name, Query: v.Query, UpdatedAt: v.UpdatedAt}
}
