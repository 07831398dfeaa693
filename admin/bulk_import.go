package admin

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// importPerson changes the person with the line's address, or makes one.
// Fields that are empty are left alone.
func (r *bulkRow) importPerson(ctx context.Context) error {
	line, err := r.readLine(ctx)
	if err != nil {
		return err
	}
	s, org, now := r.batch.on, r.batch.job.Org, r.batch.on.Now()
	before, err := s.Records.UserByEmail(ctx, org, line.user.Email)
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		id, err := s.newID("usr")
		if err != nil {
			return err
		}
		u := line.user
		u.ID, u.Org, u.Status, u.Version, u.CreatedAt, u.UpdatedAt = alfred.UserID(id), org, alfred.Active, 1, now, now
		if u.Name == "" {
			u.Name, _, _ = strings.Cut(u.Email, "@")
		}
		if u.Access == "" {
			u.Access = alfred.RoleMember
		}
		if u.Access != alfred.RoleMember && callOf(ctx).actor.Access != alfred.RoleOwner {
			return &alfred.Error{Code: alfred.CodeForbidden, Field: "access_role", Message: "access_role: only owners give roles."}
		}
		r.row.Subject = u.ID
		return s.write(ctx, org, func(ctx context.Context, w *change) error {
			if err := s.Records.CreateUser(ctx, u); err != nil {
				return sayConflict(err, "email", "%s belongs to somebody already.", u.Email)
			}
			w.audit("user.create", id, nil, auditedUser(u))
			w.publishUsers(u.ID)
			if line.team == "" {
				return nil
			}
			return s.join(ctx, w, alfred.Member{Team: line.team, User: u.ID, JoinedAt: now})
		})
	}
	if err != nil {
		return err
	}
	r.row.Subject = before.ID
	if update, differs := line.update(before); differs {
		if err := s.changeUser(ctx, before, update); err != nil {
			return err
		}
	}
	if line.team == "" {
		return nil
	}
	return r.joinTeam(ctx, before.ID, line.team)
}

// importedLine is a line of a list, read.
type importedLine struct {
	user  alfred.User
	given map[string]string
	team  alfred.TeamID
}

func (r *bulkRow) readLine(ctx context.Context) (importedLine, error) {
	g := r.row.Given
	l := importedLine{given: g, user: alfred.User{
		Email: g["email"], Name: g["name"], Access: alfred.AccessRole(strings.ToLower(g["access_role"])), MaxPriority: alfred.Priority(strings.ToLower(g["max_priority"])),
	}}
	at := strings.IndexByte(l.user.Email, '@')
	switch {
	case at < 1 || at == len(l.user.Email)-1 || strings.Count(l.user.Email, "@") > 1 || strings.ContainsFunc(l.user.Email, unicode.IsSpace) || utf8.RuneCountInString(l.user.Email) > 254:
		return l, alfred.Invalid("email", "expected an address")
	case utf8.RuneCountInString(l.user.Name) > 200:
		return l, alfred.Invalid("name", "expected at most 200 characters")
	case l.user.Access != "" && !l.user.Access.Valid():
		return l, alfred.Invalid("access_role", "expected owner, admin or member")
	case l.user.MaxPriority != "" && !l.user.MaxPriority.Valid():
		return l, alfred.Invalid("max_priority", "expected low, normal, high or critical")
	}
	if text := g["personal_quota"]; text != "" {
		quota, err := alfred.ParseCredits(text)
		if err != nil || quota < 0 || quota > alfred.MaxCredits {
			return l, alfred.Invalid("personal_quota", "expected 0 to %s credits", alfred.MaxCredits)
		}
		l.user.Quota = &quota
	}
	if name := g["department"]; name != "" {
		all, err := r.batch.on.Records.Departments(ctx, r.batch.job.Org)
		if err != nil {
			return l, err
		}
		i := slices.IndexFunc(all, func(d alfred.Department) bool { return string(d.ID) == name || strings.EqualFold(d.Name, name) })
		if i < 0 {
			return l, alfred.Invalid("department", "there is no department %s", name)
		}
		l.user.Department = all[i].ID
	}
	if name := g["team"]; name != "" {
		var err error
		if l.team, err = r.team(ctx, name); err != nil {
			return l, err
		}
	}
	return l, nil
}

// team finds a team by its id or by its name, whatever the case: first among
// those that the database finds, whose idea of case may be that of ASCII alone.
func (r *bulkRow) team(ctx context.Context, name string) (alfred.TeamID, error) {
	for _, query := range []string{name, ""} {
		some, err := r.batch.on.Records.Teams(ctx, r.batch.job.Org, query, "", 0)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(some, func(t alfred.Team) bool { return string(t.ID) == name || strings.EqualFold(t.Name, name) })
		if i >= 0 {
			return some[i].ID, nil
		}
	}
	return "", alfred.Invalid("team", "there is no team %s", name)
}

// update is what the line changes of a person.
func (l importedLine) update(u alfred.User) (b api.UserUpdate, differs bool) {
	if n := l.user.Name; n != "" && n != u.Name {
		b.Name, differs = &n, true
	}
	if l.user.Quota != nil && !same(l.user.Quota, u.Quota) {
		b.PersonalQuota, differs = pointed(l.user.Quota), true
	}
	if d := string(l.user.Department); d != "" && d != string(u.Department) {
		b.DepartmentId, differs = nullable.NewNullableWithValue(d), true
	}
	if a := l.user.Access; a != "" && a != u.Access {
		b.AccessRole, differs = &a, true
	}
	if p := l.user.MaxPriority; p != "" && p != u.MaxPriority {
		b.MaxPriority, differs = nullable.NewNullableWithValue(p), true
	}
	return b, differs
}
