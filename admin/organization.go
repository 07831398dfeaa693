package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// GetOrganization reads the settings.
func (s *server) GetOrganization(ctx context.Context, _ api.GetOrganizationRequestObject) (api.GetOrganizationResponseObject, error) {
	org, err := s.Records.Organization(ctx, callOf(ctx).actor.Org)
	org.Settings = org.Settings.At(s.Now())
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
	now := s.Now()
	before.Settings = before.Settings.At(now)
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
	if after.Settings, err = s.dateCalendar(ctx, before, after, now); err != nil {
		return nil, err
	}
	err = s.write(ctx, after.ID, func(ctx context.Context, w *change) error {
		after.UpdatedAt = w.now
		w.audit("organization.update", string(after.ID), before, after)
		if err := s.Records.UpdateOrganization(ctx, after); err != nil {
			return err
		}
		if err := s.forgetPlans(ctx, w, before.Settings, after.Settings); err != nil {
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
// half of one rule and half of another is neither. Where a change of the
// calendar is planned, zone and window are given over what is planned, and
// take its place.
func mergeSettings(base alfred.Settings, given json.RawMessage) (alfred.Settings, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(given, &fields); err != nil {
		return base, unreadable(err)
	}
	_, zone := fields["zone"]
	_, window := fields["window"]
	if next := base.NextWindow; next != nil && (zone || window) {
		base.Zone, base.Window, base.NextWindow = next.Zone, next.Window, nil
	}
	if window {
		base.Window = alfred.WindowRule{}
	}
	base.AlertThresholds = slices.Clone(base.AlertThresholds) // what is given would be decoded over what stood
	d := json.NewDecoder(bytes.NewReader(given))
	d.DisallowUnknownFields()
	if err := d.Decode(&base); err != nil {
		return base, unreadable(err)
	}
	return base, nil
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
