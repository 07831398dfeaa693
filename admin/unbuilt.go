package admin

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// unbuilt answers the operations that the document promises and nobody has
// built yet. One that is built moves from here to server.
type unbuilt struct{}

var errNotBuilt = alfred.Errorf(alfred.CodeNotBuilt, "This operation is described and does not answer yet.")

// ListModels is not built.
func (unbuilt) ListModels(context.Context, api.ListModelsRequestObject) (api.ListModelsResponseObject, error) {
	return nil, errNotBuilt
}

// ListProviders is not built.
func (unbuilt) ListProviders(context.Context, api.ListProvidersRequestObject) (api.ListProvidersResponseObject, error) {
	return nil, errNotBuilt
}

// TestProvider is not built.
func (unbuilt) TestProvider(context.Context, api.TestProviderRequestObject) (api.TestProviderResponseObject, error) {
	return nil, errNotBuilt
}
