package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// CreateUser makes a person with a first key. The first person of an
// installation becomes owner.
func (s *server) CreateUser(ctx context.Context, r api.CreateUserRequestObject) (api.CreateUserResponseObject, error) {
	c := callOf(ctx)
	org, err := s.orgOf(ctx)
	if err != nil {
		return nil, err
	}
	access := value(r.Body.AccessRole)
	switch {
	case c.bootstrap:
		access = alfred.RoleOwner
	case access == "":
		access = alfred.RoleMember
	case access != alfred.RoleMember && c.actor.Access != alfred.RoleOwner:
		return nil, &alfred.Error{Code: alfred.CodeForbidden, Field: "access_role", Message: "access_role: only owners give roles."}
	}
	id, err := s.newID("usr")
	if err != nil {
		return nil, err
	}
	now := s.Now()
	user := alfred.User{
		ID: alfred.UserID(id), Org: org, Email: strings.TrimSpace(r.Body.Email), Name: strings.TrimSpace(r.Body.Name), Status: alfred.Active, Access: access,
		Department: alfred.DepartmentID(value(given(r.Body.DepartmentId))), Quota: given(r.Body.PersonalQuota),
		MaxPriority: value(given(r.Body.MaxPriority)), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if user.Name == "" {
		return nil, alfred.Invalid("name", "expected a name")
	}
	key, secret, err := s.newKey(user, "first key", time.Time{})
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, org, func(ctx context.Context, w *change) error {
		if c.bootstrap {
			if err := s.bootstrap(ctx, now); err != nil {
				return err
			}
		}
		if err := s.checkDepartment(ctx, org, user.Department); err != nil {
			return err
		}
		if err := s.Records.CreateUser(ctx, user); err != nil {
			return sayConflict(err, "email", "%s belongs to somebody already.", user.Email)
		}
		if err := s.Records.CreateKey(ctx, key); err != nil {
			return err
		}
		w.audit("user.create", id, nil, auditedUser(user))
		w.audit("key.create", string(key.ID), nil, auditedKey(key))
		w.publishUsers(user.ID)
		if t := alfred.TeamID(value(r.Body.TeamId)); t != "" {
			return s.join(ctx, w, alfred.Member{Team: t, User: user.ID, JoinedAt: now})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.secret = secret
	out, err := s.describe(ctx, org, user.ID)
	if err != nil {
		return nil, err
	}
	setETag(ctx, user.Version)
	out.ApiKey, out.ApiKeyPrefix = nullable.NewNullableWithValue(secret), &key.Prefix
	return api.CreateUser201JSONResponse(out), nil
}

// bootstrap closes the door that it came through. Two at once are put in a
// row by the lock, and the second finds it closed.
func (s *server) bootstrap(ctx context.Context, now time.Time) error {
	if err := s.Records.Lock(ctx, "bootstrap"); err != nil {
		return err
	}
	done, err := s.Records.Bootstrapped(ctx)
	if err != nil {
		return err
	}
	if done {
		return alfred.Errorf(alfred.CodeMissingKey, "The first person exists: send an API key.")
	}
	return s.Records.MarkBootstrapped(ctx, now)
}

// orgOf is the actor's organisation; while bootstrapping, the only one.
func (s *server) orgOf(ctx context.Context) (alfred.OrgID, error) {
	c := callOf(ctx)
	if !c.bootstrap {
		return c.actor.Org, nil
	}
	orgs, err := s.Records.Organizations(ctx)
	if err != nil {
		return "", err
	}
	if len(orgs) == 0 {
		return "", alfred.Errorf(alfred.CodeUnavailable, "The organisation has not been set up yet.")
	}
	return orgs[0].ID, nil
}

// membersOf lists the people in the teams that the actor administers.
func (s *server) membersOf(ctx context.Context, actor alfred.Actor) ([]alfred.UserID, error) {
	ids := []alfred.UserID{actor.User}
	for _, t := range actor.TeamsAdmin {
		members, err := s.Records.Members(ctx, actor.Org, t)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if !slices.Contains(ids, m.User) {
				ids = append(ids, m.User)
			}
		}
	}
	return ids, nil
}

// GetUser reads one person.
func (s *server) GetUser(ctx context.Context, r api.GetUserRequestObject) (api.GetUserResponseObject, error) {
	user, err := s.seen(ctx, alfred.UserID(r.UserId))
	if err != nil {
		return nil, err
	}
	q, err := s.directoryQuery(ctx, listed{})
	if err != nil {
		return nil, err
	}
	q.IDs = []alfred.UserID{user.ID}
	rows, _, err := s.Records.Directory(ctx, user.Org, q)
	if err != nil {
		return nil, err
	}
	out, err := s.describeRows(ctx, user.Org, rows)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, notFound("user", string(user.ID))
	}
	setETag(ctx, user.Version)
	return api.GetUser200JSONResponse(out[0]), nil
}

// DeleteUser ends a person: keys die with the next publication, holds settle.
func (s *server) DeleteUser(ctx context.Context, r api.DeleteUserRequestObject) (api.DeleteUserResponseObject, error) {
	actor, id := callOf(ctx).actor, alfred.UserID(r.UserId)
	user, err := s.Records.User(ctx, actor.Org, id)
	if err != nil {
		return nil, err
	}
	if err := personAlone(user); err != nil {
		return nil, err
	}
	if err := matches(r.Params.IfMatch, user.Version); err != nil {
		return nil, err
	}
	if err := mayManage(actor, user); err != nil {
		return nil, err
	}
	// What was released and is unspent goes back first; then it ends with the person.
	of := func(r alfred.Release) bool { return r.User == id }
	err = s.ending(ctx, actor.Org, of, func(ctx context.Context) error { return s.comeBack(ctx, user, "") }, func(ctx context.Context, w *change) error {
		if err := s.protectLastOwner(ctx, user, user.Access, alfred.RoleMember); err != nil {
			return err
		}
		memberships, err := s.Records.Memberships(ctx, actor.Org, id)
		if err != nil {
			return err
		}
		for _, m := range memberships {
			w.publishMember(m)
		}
		w.publishUsers(id)
		w.audit("user.delete", string(id), auditedUser(user), nil)
		return s.Records.DeleteUser(ctx, actor.Org, id, user.Version, w.now)
	})
	if err != nil {
		return nil, err
	}
	return api.DeleteUser204Response{}, nil
}

// protectLastOwner refuses to take the role from the only owner.
func (s *server) protectLastOwner(ctx context.Context, u alfred.User, from, to alfred.AccessRole) error {
	if from != alfred.RoleOwner || to == alfred.RoleOwner {
		return nil
	}
	if err := s.Records.Lock(ctx, "owners:"+string(u.Org)); err != nil {
		return err
	}
	n, err := s.Records.CountOwners(ctx, u.Org)
	if err != nil {
		return err
	}
	if n <= 1 {
		return alfred.Errorf(alfred.CodeConflict, "%s is the last owner: make somebody else an owner first.", u.Email)
	}
	return nil
}

func (s *server) checkDepartment(ctx context.Context, org alfred.OrgID, id alfred.DepartmentID) error {
	if id == "" {
		return nil
	}
	_, err := s.Records.Department(ctx, org, id)
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return alfred.Invalid("department_id", "there is no department %s", id)
	}
	return err
}

// sayConflict puts a duplicate into words and leaves other errors alone.
func sayConflict(err error, field, format string, args ...any) error {
	if alfred.ErrorCode(err) != alfred.CodeConflict {
		return err
	}
	e := alfred.Errorf(alfred.CodeConflict, format, args...)
	e.Field = field
	return e
}

// describe returns one person as the API shows them.
func (s *server) describe(ctx context.Context, org alfred.OrgID, id alfred.UserID) (api.User, error) {
	out, err := s.describeAll(ctx, org, []alfred.User{{ID: id}})
	if err != nil {
		return api.User{}, err
	}
	if len(out) == 0 {
		return api.User{}, notFound("user", string(id))
	}
	return out[0], nil
}

// describeAll returns people as the API shows them, in the order given.
func (s *server) describeAll(ctx context.Context, org alfred.OrgID, users []alfred.User) ([]api.User, error) {
	out := make([]api.User, 0, len(users))
	if len(users) == 0 {
		return out, nil
	}
	ids := make([]alfred.UserID, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	found, err := s.Records.UserDirectory(ctx, org, ids, s.Now())
	if err != nil {
		return nil, err
	}
	snap, err := s.snapshotOf(ctx, org, teamsOf(found...))
	if err != nil {
		return nil, err
	}
	byID := make(map[alfred.UserID]alfred.UserDirectory, len(found))
	for _, d := range found {
		byID[d.User.ID] = d
	}
	for _, id := range ids {
		if d, ok := byID[id]; ok {
			out = append(out, snap.describe(d))
		}
	}
	return out, nil
}

func (p *snapshot) describe(d alfred.UserDirectory) api.User {
	u := d.User
	base, source := p.quota(d)
	out := api.User{
		Id: string(u.ID), Email: u.Email, Name: u.Name, Status: u.Status, VacationUntil: nullable.NewNullNullable[time.Time](), AccessRole: u.Access,
		DepartmentId: orNull(string(u.Department)), PersonalQuota: pointed(u.Quota),
		EffectiveQuota: alfred.Effective(base, adjustmentsOf(d.Adjustments, alfred.BudgetPersonal), p.now), Source: source,
		MaxPriority: p.principal(d).MaxPriority, Teams: []api.Membership{}, Kind: &u.Kind, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if !u.VacationUntil.IsZero() {
		out.VacationUntil = nullable.NewNullableWithValue(u.VacationUntil)
	}
	for _, m := range d.Memberships {
		out.Teams = append(out.Teams, api.Membership{TeamId: string(m.Team), Name: optional(p.teams[m.Team].Team.Name), IsAdmin: m.IsAdmin})
	}
	return out
}

// auditedUser is what the audit log keeps of a person.
func auditedUser(u alfred.User) map[string]any {
	return map[string]any{
		"email": u.Email, "name": u.Name, "status": u.Status, "access_role": u.Access, "department_id": orNull(u.Department), "personal_quota": u.Quota,
		"max_priority": orNull(u.MaxPriority), "vacation_until": orNull(u.VacationUntil),
	}
}
