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

// DeleteDemo is not built.
func (unbuilt) DeleteDemo(context.Context, api.DeleteDemoRequestObject) (api.DeleteDemoResponseObject, error) {
	return nil, errNotBuilt
}

// GetDemo is not built.
func (unbuilt) GetDemo(context.Context, api.GetDemoRequestObject) (api.GetDemoResponseObject, error) {
	return nil, errNotBuilt
}

// CreateDemo is not built.
func (unbuilt) CreateDemo(context.Context, api.CreateDemoRequestObject) (api.CreateDemoResponseObject, error) {
	return nil, errNotBuilt
}

// ListJobs is not built.
func (unbuilt) ListJobs(context.Context, api.ListJobsRequestObject) (api.ListJobsResponseObject, error) {
	return nil, errNotBuilt
}

// CreateJob is not built.
func (unbuilt) CreateJob(context.Context, api.CreateJobRequestObject) (api.CreateJobResponseObject, error) {
	return nil, errNotBuilt
}

// GetJob is not built.
func (unbuilt) GetJob(context.Context, api.GetJobRequestObject) (api.GetJobResponseObject, error) {
	return nil, errNotBuilt
}

// ListJobRows is not built.
func (unbuilt) ListJobRows(context.Context, api.ListJobRowsRequestObject) (api.ListJobRowsResponseObject, error) {
	return nil, errNotBuilt
}

// ListModels is not built.
func (unbuilt) ListModels(context.Context, api.ListModelsRequestObject) (api.ListModelsResponseObject, error) {
	return nil, errNotBuilt
}

// GetOnboarding is not built.
func (unbuilt) GetOnboarding(context.Context, api.GetOnboardingRequestObject) (api.GetOnboardingResponseObject, error) {
	return nil, errNotBuilt
}

// PutOnboarding is not built.
func (unbuilt) PutOnboarding(context.Context, api.PutOnboardingRequestObject) (api.PutOnboardingResponseObject, error) {
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

// CreateReallocation is not built.
func (unbuilt) CreateReallocation(context.Context, api.CreateReallocationRequestObject) (api.CreateReallocationResponseObject, error) {
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

// GetTeamShares is not built.
func (unbuilt) GetTeamShares(context.Context, api.GetTeamSharesRequestObject) (api.GetTeamSharesResponseObject, error) {
	return nil, errNotBuilt
}

// GetUserBurn is not built.
func (unbuilt) GetUserBurn(context.Context, api.GetUserBurnRequestObject) (api.GetUserBurnResponseObject, error) {
	return nil, errNotBuilt
}

// RotateUserKey is not built.
func (unbuilt) RotateUserKey(context.Context, api.RotateUserKeyRequestObject) (api.RotateUserKeyResponseObject, error) {
	return nil, errNotBuilt
}

// ExplainUserQuota is not built.
func (unbuilt) ExplainUserQuota(context.Context, api.ExplainUserQuotaRequestObject) (api.ExplainUserQuotaResponseObject, error) {
	return nil, errNotBuilt
}

// GetMyBurn is not built.
func (unbuilt) GetMyBurn(context.Context, api.GetMyBurnRequestObject) (api.GetMyBurnResponseObject, error) {
	return nil, errNotBuilt
}

// RotateMyKey is not built.
func (unbuilt) RotateMyKey(context.Context, api.RotateMyKeyRequestObject) (api.RotateMyKeyResponseObject, error) {
	return nil, errNotBuilt
}

// ExplainMyQuota is not built.
func (unbuilt) ExplainMyQuota(context.Context, api.ExplainMyQuotaRequestObject) (api.ExplainMyQuotaResponseObject, error) {
	return nil, errNotBuilt
}

// ListMyViews is not built.
func (unbuilt) ListMyViews(context.Context, api.ListMyViewsRequestObject) (api.ListMyViewsResponseObject, error) {
	return nil, errNotBuilt
}

// DeleteMyView is not built.
func (unbuilt) DeleteMyView(context.Context, api.DeleteMyViewRequestObject) (api.DeleteMyViewResponseObject, error) {
	return nil, errNotBuilt
}

// PutMyView is not built.
func (unbuilt) PutMyView(context.Context, api.PutMyViewRequestObject) (api.PutMyViewResponseObject, error) {
	return nil, errNotBuilt
}
