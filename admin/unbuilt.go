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

// ExportAudit is not built.
func (unbuilt) ExportAudit(context.Context, api.ExportAuditRequestObject) (api.ExportAuditResponseObject, error) {
	return nil, errNotBuilt
}

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

// Search is not built.
func (unbuilt) Search(context.Context, api.SearchRequestObject) (api.SearchResponseObject, error) {
	return nil, errNotBuilt
}

// GetSettings is not built.
func (unbuilt) GetSettings(context.Context, api.GetSettingsRequestObject) (api.GetSettingsResponseObject, error) {
	return nil, errNotBuilt
}
