package admin

import (
	"context"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ReplaceUser merges what is given, as the guide does with PUT.
func (s *server) ReplaceUser(ctx context.Context, r api.ReplaceUserRequestObject) (api.ReplaceUserResponseObject, error) {
	out, err := s.updateUser(ctx, alfred.UserID(r.UserId), r.Params.IfMatch, *r.Body)
	return api.ReplaceUser200JSONResponse(out), err
}

// UpdateUser merges what is given.
func (s *server) UpdateUser(ctx context.Context, r api.UpdateUserRequestObject) (api.UpdateUserResponseObject, error) {
	out, err := s.updateUser(ctx, alfred.UserID(r.UserId), r.Params.IfMatch, *r.Body)
	return api.UpdateUser200JSONResponse(out), err
}

func (s *server) updateUser(ctx context.Context, id alfred.UserID, ifMatch *string, b api.UserUpdate) (api.User, error) {
	before, err := s.seen(ctx, id)
	if err == nil {
		err = matches(ifMatch, before.Version)
	}
	if err == nil {
		err = s.changeUser(ctx, before, b)
	}
	if err != nil {
		return api.User{}, err
	}
	return s.changed(ctx, before)
}

// changed answers with a person who was changed since they were read.
func (s *server) changed(ctx context.Context, before alfred.User) (api.User, error) {
	out, err := s.describe(ctx, before.Org, before.ID)
	setETag(ctx, before.Version+1)
	return out, err
}

// changeUser merges what is given into a person whom the actor sees, as far as
// they may.
func (s *server) changeUser(ctx context.Context, before alfred.User, b api.UserUpdate) error {
	if err := personAlone(before); err != nil {
		return err
	}
	after, err := merged(before, b)
	if err != nil {
		return err
	}
	if err := s.mayUpdate(ctx, callOf(ctx).actor, before, after, b); err != nil {
		return err
	}
	return s.saveUser(ctx, before, after)
}

// merged puts the fields that were given over a person.
func merged(u alfred.User, b api.UserUpdate) (alfred.User, error) {
	if b.Email != nil {
		u.Email = strings.TrimSpace(*b.Email)
	}
	if b.Name != nil {
		if u.Name = strings.TrimSpace(*b.Name); u.Name == "" {
			return u, alfred.Invalid("name", "expected a name")
		}
	}
	if b.PersonalQuota.IsSpecified() {
		u.Quota = given(b.PersonalQuota)
	}
	if b.DepartmentId.IsSpecified() {
		u.Department = alfred.DepartmentID(value(given(b.DepartmentId)))
	}
	if b.MaxPriority.IsSpecified() {
		u.MaxPriority = value(given(b.MaxPriority))
	}
	if b.AccessRole != nil {
		u.Access = *b.AccessRole
	}
	if b.Status != nil {
		u.Status = *b.Status
	}
	if b.VacationUntil.IsSpecified() {
		u.VacationUntil = value(given(b.VacationUntil))
		if !u.VacationUntil.IsZero() && u.Status != alfred.OnVacation {
			return u, alfred.Invalid("vacation_until", "expected only with status on_vacation")
		}
	}
	return u, nil
}

// mayUpdate holds the rights that belong to fields rather than to the route.
func (s *server) mayUpdate(ctx context.Context, actor alfred.Actor, before, after alfred.User, b api.UserUpdate) error {
	refuse := func(field, format string, args ...any) error {
		e := alfred.Errorf(alfred.CodeForbidden, field+": "+format, args...)
		e.Field = field
		return e
	}
	if !before.Status.MayChange(after.Status, actor.Access.Administers()) {
		return refuse("status", "only an admin may suspend or reactivate.")
	}
	if !actor.Access.Administers() {
		if before.ID != actor.User && before.Access.Administers() {
			return refuse("status", "a team admin may not send an owner or an admin on vacation.")
		}
		b.Status = nil
		b.VacationUntil = nil
		if given := givenFields(b); len(given) > 0 {
			return refuse(given[0], "a team admin may only set the vacation of members.")
		}
		return nil
	}
	if before.ID == actor.User {
		switch {
		case b.PersonalQuota.IsSpecified():
			if err := s.notRaised(ctx, before, after); err != nil {
				return err
			}
		case b.MaxPriority.IsSpecified() && raises(before.MaxPriority, after.MaxPriority):
			return refuse("max_priority", "nobody raises his own ceiling.")
		case after.Status == alfred.Suspended:
			return refuse("status", "nobody suspends himself.")
		}
	}
	if after.Access != before.Access && actor.Access != alfred.RoleOwner {
		return refuse("access_role", "only owners give and take roles.")
	}
	return mayManage(actor, before)
}

// notRaised refuses a quota of one's own above what counts now.
func (s *server) notRaised(ctx context.Context, before, after alfred.User) error {
	snap, d, err := s.snapshotOfPerson(ctx, before.Org, before.ID)
	if err != nil {
		return err
	}
	old, _ := snap.quota(d)
	d.User = after
	if now, _ := snap.quota(d); now > old {
		e := alfred.Errorf(alfred.CodeForbidden, "personal_quota: nobody raises his own quota; ask another admin.")
		e.Field = "personal_quota"
		return e
	}
	return nil
}

// raises says whether a ceiling of priority goes up. No ceiling of one's own
// counts as the highest.
func raises(before, after alfred.Priority) bool {
	if after == "" {
		return before != ""
	}
	return before != "" && after.AtMost(before) != after
}

func givenFields(b api.UserUpdate) []string {
	var out []string
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"email", b.Email != nil},
		{"name", b.Name != nil},
		{"personal_quota", b.PersonalQuota.IsSpecified()},
		{"status", b.Status != nil},
		{"vacation_until", b.VacationUntil.IsSpecified()},
		{"department_id", b.DepartmentId.IsSpecified()},
		{"access_role", b.AccessRole != nil},
		{"max_priority", b.MaxPriority.IsSpecified()},
	} {
		if f.given {
			out = append(out, f.name)
		}
	}
	return out
}

// saveUser stores a person who was read as before, with what follows from
// the change of status: credits come back before the person does, and are
// released after the person has left, so that a crash in between leaves a
// state that the jobs complete.
func (s *server) saveUser(ctx context.Context, before, after alfred.User) error {
	now := s.Now()
	leaves := before.Status != alfred.OnVacation && after.Status == alfred.OnVacation
	returns := before.Status == alfred.OnVacation && after.Status != alfred.OnVacation
	switch {
	case leaves:
		after.VacationStart = now
	case returns:
		after.VacationStart, after.VacationUntil = time.Time{}, time.Time{}
	}
	if !after.VacationUntil.IsZero() && !after.VacationUntil.After(now) {
		return alfred.Invalid("vacation_until", "expected a time to come")
	}
	save := func(ctx context.Context, w *change) error {
		if err := s.protectLastOwner(ctx, before, before.Access, roleIfLive(after)); err != nil {
			return err
		}
		if after.Department != before.Department {
			if err := s.checkDepartment(ctx, after.Org, after.Department); err != nil {
				return err
			}
		}
		after.UpdatedAt = w.now
		if err := s.Records.UpdateUser(ctx, after); err != nil {
			return sayConflict(err, "email", "%s belongs to somebody already.", after.Email)
		}
		w.audit("user.update", string(after.ID), auditedUser(before), auditedUser(after))
		w.publishUsers(after.ID)
		if before.Status != after.Status {
			w.publishTeamsOf(after.ID)
		}
		return nil
	}
	var err error
	if returns {
		of := func(r alfred.Release) bool { return r.User == before.ID }
		err = s.ending(ctx, after.Org, of, func(ctx context.Context) error { return s.comeBack(ctx, before, "") }, save)
	} else {
		err = s.write(ctx, after.Org, save)
	}
	if err == nil && leaves {
		// The person is away whatever happens now: what cannot be released at
		// once is released by the job.
		if err := s.goAway(ctx, after); err != nil {
			s.Log.Error("release credits", "user", after.ID, "err", err)
		}
	}
	return err
}

// roleIfLive is the role that a person can use: none while suspended.
func roleIfLive(u alfred.User) alfred.AccessRole {
	if u.Status == alfred.Suspended {
		return alfred.RoleMember
	}
	return u.Access
}
