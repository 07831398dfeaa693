package admin

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Setup makes the organisation at the first start, with the settings of the
// environment. Afterwards the record wins: an organisation that exists is
// left as it is.
func Setup(ctx context.Context, r Records, settings alfred.Settings, now time.Time, entropy io.Reader) error {
	if err := settings.Validate(); err != nil {
		return fmt.Errorf("first settings: %w", err)
	}
	return r.InTx(ctx, func(ctx context.Context) error {
		if err := r.Lock(ctx, "setup"); err != nil {
			return err
		}
		orgs, err := r.Organizations(ctx)
		if err != nil || len(orgs) > 0 {
			return err
		}
		id, err := alfred.NewID("org", now, entropy)
		if err != nil {
			return err
		}
		org := alfred.Organization{ID: alfred.OrgID(id), Name: "Organisation", Settings: settings, Version: 1, CreatedAt: now, UpdatedAt: now}
		if err := r.CreateOrganization(ctx, org); err != nil {
			return fmt.Errorf("make the organisation: %w", err)
		}
		card := alfred.DefaultRateCard()
		card.Effective = time.Unix(0, 0).UTC()
		return r.AddRateCard(ctx, org.ID, card)
	})
}

// RecoverOwner makes a new key for an owner: for somebody who runs it on the
// host, after all keys were lost. email picks one of several owners; "" is
// the first.
func RecoverOwner(ctx context.Context, c Config, email string) (owner alfred.User, secret string, err error) {
	s := &server{Config: c}
	orgs, err := c.Records.Organizations(ctx)
	if err != nil {
		return owner, "", err
	}
	if len(orgs) == 0 {
		return owner, "", alfred.Errorf(alfred.CodeNotFound, "there is no organisation yet: start alfred-admin serve first")
	}
	owners, err := c.Records.Users(ctx, orgs[0].ID, alfred.UserFilter{Access: alfred.RoleOwner})
	if err != nil {
		return owner, "", err
	}
	for _, u := range owners {
		if email == "" || alfred.NormalEmail(u.Email) == alfred.NormalEmail(email) {
			owner = u
			break
		}
	}
	if owner.ID == "" {
		return owner, "", alfred.Errorf(alfred.CodeNotFound, "there is no such owner; the first person is created with POST /v1/admin/users")
	}
	key, secret, err := s.newKey(owner, "recovered on the host", time.Time{})
	if err != nil {
		return owner, "", err
	}
	err = s.write(ctx, owner.Org, func(ctx context.Context, w *change) error {
		if owner.Status == alfred.Suspended {
			before := owner
			owner.Status = alfred.Active
			w.audit("user.update", string(owner.ID), auditedUser(before), auditedUser(owner))
			if err := s.Records.UpdateUser(ctx, owner); err != nil {
				return err
			}
		}
		w.auditWhy("key.create", string(key.ID), "recovered on the host", nil, auditedKey(key))
		w.publishUsers(owner.ID)
		return s.Records.CreateKey(ctx, key)
	})
	return owner, secret, err
}
