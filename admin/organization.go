package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// GetOrganization reads the settings.
func (s *server) GetOrganization(ctx context.Context, _ api.GetOrganizationRequestObject) (api.GetOrganizationResponseObject, error) {
	org, err := s.Records.Organization(ctx, callOf(ctx).actor.Org)
	setETag(ctx, org.Version)
	return api.GetOrganization200JSONResponse(describeOrganization(org)), err
}

// UpdateOrganization merges settings over those that stand. Everyone's record
// is published again, since settings reach into all of them.
func (s *server) UpdateOrganization(ctx context.Context, r api.UpdateOrganizationRequestObject) (api.UpdateOrganizationResponseObject, error) {
	before, err := s.Records.Organization(ctx, callOf(ctx).actor.Org)
	if err != nil {
		return nil, err
	}
	if err := matches(r.Params.IfMatch, before.Version); err != nil {
		return nil, err
	}
	after := before
	if r.Body.Name != nil {
		after.Name = *r.Body.Name
	}
	if r.Body.Settings != nil {
		if after.Settings, err = mergeSettings(after.Settings, *r.Body.Settings); err != nil {
			return nil, err
		}
	}
	if err := after.Settings.Validate(); err != nil {
		return nil, err
	}
	if err := s.notMyQuota(ctx, before, after); err != nil {
		return nil, err
	}
	if err := s.keepsUsage(ctx, before, after); err != nil {
		return nil, err
	}
	err = s.write(ctx, after.ID, func(ctx context.Context, w *change) error {
		after.UpdatedAt = w.now
		w.audit("organization.update", string(after.ID), before, after)
		if err := s.Records.UpdateOrganization(ctx, after); err != nil {
			return err
		}
		return w.publishEveryone(ctx)
	})
	if err != nil {
		return nil, err
	}
	setETag(ctx, before.Version+1)
	return api.UpdateOrganization200JSONResponse(describeOrganization(after)), nil
}

// mergeSettings puts what is given over settings. A window is replaced whole:
// half of one rule and half of another is neither.
func mergeSettings(base alfred.Settings, given json.RawMessage) (alfred.Settings, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(given, &fields); err != nil {
		return base, unreadable(err)
	}
	if _, ok := fields["window"]; ok {
		base.Window = alfred.WindowRule{}
	}
	d := json.NewDecoder(bytes.NewReader(given))
	d.DisallowUnknownFields()
	if err := d.Decode(&base); err != nil {
		return base, unreadable(err)
	}
	return base, nil
}

// keepsUsage refuses a zone or a window that would begin the current window
// anew: what was spent in it would be forgotten, and every quota given twice.
// While nothing is spent there is nothing to forget.
func (s *server) keepsUsage(ctx context.Context, before, after alfred.Organization) error {
	now := s.Now()
	windows := [2]alfred.Window{}
	for i, settings := range []alfred.Settings{before.Settings, after.Settings} {
		zone, err := alfred.Zone(settings.Zone)
		if err != nil {
			return err
		}
		if windows[i], err = settings.Window.At(now, zone); err != nil {
			return err
		}
	}
	if windows[0].Start.Equal(windows[1].Start) {
		return nil
	}
	all, err := s.balances(ctx, before.ID, []alfred.Counter{{Kind: alfred.CountOrg, Subject: string(before.ID), Window: windows[0]}})
	if err != nil {
		return err
	}
	moved, err := s.movedNow(ctx, before.ID, now)
	if err != nil || (all[0].Committed == 0 && !moved) {
		return err
	}
	return &alfred.Error{
		Code: alfred.CodeConflict, Field: "settings.window",
		Message: "settings.window: credits were spent or moved in this window, and another zone or window would begin it anew. Change it while nothing is spent.",
	}
}

// movedNow says whether credits have left a budget on its live counter, which
// another window would not know of, while what they became stays.
func (s *server) movedNow(ctx context.Context, org alfred.OrgID, now time.Time) (bool, error) {
	all, err := s.Records.Adjustments(ctx, org, alfred.AdjustmentFilter{EndAfter: now})
	return slices.ContainsFunc(all, func(a alfred.Adjustment) bool { return a.OnCounter }), err
}

// notMyQuota lets only owners raise the default that is their own quota too:
// nobody raises his own quota, and an organisation needs someone who may set
// its defaults.
func (s *server) notMyQuota(ctx context.Context, before, after alfred.Organization) error {
	c := callOf(ctx)
	if c.actor.Access == alfred.RoleOwner || c.user.Quota != nil || after.Settings.DefaultPersonalQuota <= before.Settings.DefaultPersonalQuota {
		return nil
	}
	return &alfred.Error{
		Code: alfred.CodeForbidden, Field: "settings.default_personal_quota",
		Message: "settings.default_personal_quota: it is your own quota too, and nobody raises his own; ask an owner.",
	}
}

func describeOrganization(o alfred.Organization) api.Organization {
	return api.Organization{Id: string(o.ID), Name: o.Name, Settings: o.Settings, CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt}
}
