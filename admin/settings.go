package admin

import (
	"context"
	"strconv"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// variable is one of the guide's settings of the environment.
type variable struct {
	name, description string
	otherwise         string // what counts when it is not set
	secret            bool
	setting           string                        // the organisation's, which counts since the first start
	inForce           func(alfred.Settings) *string // of such a setting
}

func variables() []variable {
	credits := func(of func(alfred.Settings) alfred.Credits) func(alfred.Settings) *string {
		return func(s alfred.Settings) *string { text := of(s).String(); return &text }
	}
	return []variable{
		{
			name: "DEFAULT_PERSONAL_QUOTA", description: "The quota of people who have none of their own.", otherwise: "1000", setting: "default_personal_quota",
			inForce: credits(func(s alfred.Settings) alfred.Credits { return s.DefaultPersonalQuota }),
		},
		{
			name: "DEFAULT_TEAM_POOL", description: "The pool of teams that are created without one.", otherwise: "10000", setting: "default_team_pool",
			inForce: credits(func(s alfred.Settings) alfred.Credits { return s.DefaultTeamPool }),
		},
		{
			name: "VACATION_SHARE_PERCENTAGE", description: "How much of its pool a team gets from people who are away, in percent.", otherwise: "10", setting: "vacation_share_percentage",
			inForce: func(s alfred.Settings) *string { text := strconv.Itoa(s.VacationSharePercent); return &text },
		},
		{
			name: "CRITICAL_OVERDRAFT_LIMIT", description: "How far a critical request may overdraw.", otherwise: "5000", setting: "critical_overdraft_limit",
			inForce: credits(func(s alfred.Settings) alfred.Credits { return s.OverdraftLimit }),
		},
		{name: "ENVIRONMENT", description: "Whose machine this is: development or production.", otherwise: "production"},
		{name: "DEBUG", description: "Log more.", otherwise: "false"},
		{name: "ALFRED_PUBLIC_URL", description: "Where people reach Alfred.", otherwise: "http://localhost:8000"},
		{name: "NOTIFICATIONS_ENABLED", description: "Send messages to channels; false writes them down alone.", otherwise: "true"},
		{name: "SLACK_WEBHOOK_URL", description: "A channel that hears of alerts and transfers, beside those set here.", secret: true},
		{name: "DATABASE_URL", description: "The record.", secret: true},
		{name: "OPENAI_API_KEY", description: "Of the provider OpenAI; the data plane sends it, and this program when it tests the provider.", secret: true},
		{name: "ANTHROPIC_API_KEY", description: "Of the provider Anthropic; the data plane sends it, and this program when it tests the provider.", secret: true},
	}
}

// GetSettings shows what the environment says beside what counts.
func (s *server) GetSettings(ctx context.Context, _ api.GetSettingsRequestObject) (api.GetSettingsResponseObject, error) {
	org, err := s.Records.Organization(ctx, callOf(ctx).actor.Org)
	if err != nil {
		return nil, err
	}
	r, err := s.GetOrganization(ctx, api.GetOrganizationRequestObject{})
	if err != nil {
		return nil, err
	}
	out := api.EffectiveSettings{PublicUrl: s.PublicURL, Environment: "production", Variables: []api.SettingVariable{}}
	if o, ok := r.(api.GetOrganization200JSONResponse); ok {
		out.Organization = api.Organization(o)
	}
	if s.Development {
		out.Environment = "development"
	}
	for _, v := range variables() {
		out.Variables = append(out.Variables, s.effective(v, org.Settings))
	}
	return api.GetSettings200JSONResponse(out), nil
}

// effective tells the value of one variable; of a secret only whether it is set.
func (s *server) effective(v variable, settings alfred.Settings) api.SettingVariable {
	out := api.SettingVariable{
		Name: v.name, Description: v.description, Secret: v.secret, Setting: optional(v.setting), Source: "default",
		Environment: nullable.NewNullNullable[string](), InForce: orNull(v.otherwise),
	}
	given := ""
	if s.Getenv != nil {
		given = s.Getenv(v.name)
	}
	if v.secret && given != "" {
		given = "set"
	}
	if given != "" {
		out.Environment, out.InForce, out.Source = nullable.NewNullableWithValue(given), nullable.NewNullableWithValue(given), "environment"
	}
	if v.inForce != nil {
		out.InForce, out.Source = nullable.NewNullableWithValue(*v.inForce(settings)), "record"
	}
	return out
}
