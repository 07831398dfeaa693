package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// GetOnboarding tells what is left to set up, as it is now.
func (s *server) GetOnboarding(ctx context.Context, _ api.GetOnboardingRequestObject) (api.GetOnboardingResponseObject, error) {
	out, err := s.onboarding(ctx)
	return api.GetOnboarding200JSONResponse(out), err
}

// PutOnboarding puts the steps away or brings them back.
func (s *server) PutOnboarding(ctx context.Context, r api.PutOnboardingRequestObject) (api.PutOnboardingResponseObject, error) {
	org := callOf(ctx).actor.Org
	before, err := s.Records.Dismissed(ctx, org)
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, org, func(ctx context.Context, w *change) error {
		at := time.Time{}
		if r.Body.Dismissed {
			at = w.now
		}
		w.audit("onboarding.update", string(org), map[string]any{"dismissed": before}, map[string]any{"dismissed": r.Body.Dismissed})
		return s.Records.Dismiss(ctx, org, at)
	})
	if err != nil {
		return nil, err
	}
	out, err := s.onboarding(ctx)
	return api.PutOnboarding200JSONResponse(out), err
}

// onboarding checks each step. Only steps whose feature exists are there.
func (s *server) onboarding(ctx context.Context) (out api.Onboarding, err error) {
	snap, err := s.snapshotOf(ctx, callOf(ctx).actor.Org, nil)
	if err != nil {
		return out, err
	}
	org := snap.org
	if out.Dismissed, err = s.Records.Dismissed(ctx, org.ID); err != nil {
		return out, err
	}
	step := func(id api.OnboardingStepId, title string, done bool, yes, no string) {
		detail := no
		if done {
			detail = yes
		}
		out.Steps = append(out.Steps, api.OnboardingStep{Id: id, Title: title, Done: done, Detail: detail, At: orNull(time.Time{}), CheckedAt: snap.now})
	}
	step(api.OnboardingStepIdOrganization, "Name the organisation, and choose its time zone and window", org.Version > 1,
		fmt.Sprintf("%s, in %s, with %s windows.", org.Name, org.Settings.Zone, org.Settings.Window.Kind), "It still has the name and the settings that it was made with.")
	demo, err := s.demo(ctx)
	if err != nil {
		return out, err
	}
	seen, at, err := s.firstRequest(ctx, snap, demo.Requests)
	if err != nil {
		return out, err
	}
	step(api.OnboardingStepIdFirstRequest, "Send a first request through Envoy", seen != "", seen, "No request has been recorded yet.")
	out.Steps[len(out.Steps)-1].At = orNull(at)
	_, people, err := s.Records.Directory(ctx, org.ID, alfred.DirectoryQuery{UserFilter: alfred.UserFilter{Kind: alfred.KindPerson, Limit: 1}})
	if err != nil {
		return out, err
	}
	people -= demo.People
	step(api.OnboardingStepIdPeople, "Bring people in", people > 1, alfred.Figure(people)+" people, and you are one of them.", "There is nobody but you.")
	teams, err := s.Records.Teams(ctx, org.ID, "", "", 0)
	if err != nil {
		return out, err
	}
	teams = slices.DeleteFunc(teams, func(t alfred.Team) bool { return isDemo(string(t.ID)) })
	step(api.OnboardingStepIdTeam, "Make a team with a pool", len(teams) > 0, describePools(teams, org.Settings.UnitName), "There is no team yet.")
	limits, err := s.Records.Limits(ctx, org.ID)
	if err != nil {
		return out, err
	}
	step(api.OnboardingStepIdPolicy, "Watch a limit in shadow mode", len(limits) > 0, describeLimits(limits),
		"No limit is set beside quotas and pools. In shadow mode it refuses nothing, and tells whom it would.")
	told, at, err := s.toldOutside(ctx, org.ID)
	if err != nil {
		return out, err
	}
	step(api.OnboardingStepIdAlerts, "Choose where alerts go, and send a test", told != "", told,
		"No channel has taken a message yet. An incoming webhook of Slack is one; people have their inbox without it.")
	out.Steps[len(out.Steps)-1].At = orNull(at)
	out.Done = true
	for _, step := range out.Steps {
		out.Done = out.Done && step.Done
	}
	return out, nil
}

// describePools says which teams there are, and what they share.
func describePools(teams []alfred.Team, unit string) string {
	if len(teams) == 0 {
		return ""
	}
	first := slices.MaxFunc(teams, func(a, b alfred.Team) int { return cmp.Compare(a.CommonPool, b.CommonPool) })
	if len(teams) == 1 {
		return fmt.Sprintf("%s has a pool of %s %s.", first.Name, alfred.Figure(first.CommonPool), unit)
	}
	return fmt.Sprintf("%s teams. The largest pool is that of %s, of %s %s.", alfred.Figure(len(teams)), first.Name, alfred.Figure(first.CommonPool), unit)
}

// describeLimits says how many limits there are, and how many only watch.
func describeLimits(limits []alfred.Limit) string {
	shadow := 0
	for _, l := range limits {
		if l.Mode == alfred.Shadow {
			shadow++
		}
	}
	return fmt.Sprintf("Limits set: %d, in shadow mode %d.", len(limits), shadow)
}

// toldOutside says which channel has taken its last message and when, or "".
func (s *server) toldOutside(ctx context.Context, org alfred.OrgID) (told string, at time.Time, err error) {
	all, err := s.channels(ctx, org)
	if err != nil || s.Webhooks.Off {
		return "", at, err
	}
	last, err := s.lastMessages(ctx, org, all)
	for _, c := range all {
		if d := last[c.ID]; d.State == alfred.DeliveryDelivered && d.EndedAt.After(at) {
			told, at = c.Name+" has taken a message", d.EndedAt
		}
	}
	return told, at, err
}

// firstRequest says what was seen of requests that are real and when, or "". The
// demo data may be newer than they are.
func (s *server) firstRequest(ctx context.Context, snap *snapshot, demo int64) (seen string, at time.Time, err error) {
	latest, _, err := s.Records.Usage(ctx, snap.org.ID, alfred.UsageFilter{Limit: 1})
	if err != nil || len(latest) == 0 {
		return "", at, err
	}
	if e := latest[0]; !isDemo(string(e.User)) {
		return fmt.Sprintf("The last request went to %s of %s", e.Model, e.Provider), e.At, nil
	}
	all, err := s.Records.UsageQuery(ctx, snap.org.ID, alfred.UsageQuery{From: snap.org.CreatedAt.AddDate(-1, 0, 0), Until: snap.now.AddDate(0, 0, 1), Zone: snap.zone})
	if err != nil || len(all) == 0 || all[0].Requests <= demo {
		return "", at, err
	}
	return "A request was seen before the demo data was added.", at, nil
}
