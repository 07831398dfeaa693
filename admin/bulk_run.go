package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// bulkEvery is how often somebody looks for bulk jobs while there are none.
const bulkEvery = time.Second

// RunBulk carries out bulk jobs until ctx ends. Several may run at once, on
// several machines: each row is finished in the transaction that changes
// somebody, so that it is changed once.
func (j *Jobs) RunBulk(ctx context.Context) {
	for ctx.Err() == nil {
		worked, err := j.StepBulk(ctx)
		if err != nil && ctx.Err() == nil {
			j.Log.Error("bulk job", "err", err)
			j.Metrics.failed("bulk job")
		}
		if worked && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(bulkEvery):
		}
	}
}

// StepBulk carries out the next row of the oldest bulk job, and says whether
// there was one. A row that cannot be carried out fails with its reason and
// does not stop the others; a store that is away stops everything until it is
// back.
func (j *Jobs) StepBulk(ctx context.Context) (worked bool, err error) {
	s := j.server()
	job, row, err := s.Records.NextBulkRow(ctx, s.Now())
	switch {
	case alfred.ErrorCode(err) == alfred.CodeNotFound:
		return false, nil
	case err != nil:
		return false, err
	case row == nil:
		return true, s.Records.FinishBulkJob(ctx, job.Org, job.ID, "", s.Now())
	}
	run, err := s.bulkRun(ctx, job, *row)
	if why := stops(err); why != "" {
		return true, s.Records.FinishBulkJob(ctx, job.Org, job.ID, why, s.Now())
	}
	if err != nil {
		return false, err
	}
	err = run.carryOut()
	if alfred.ErrorCode(err) == alfred.CodeUnavailable || ctx.Err() != nil {
		return false, err
	}
	if err == nil && run.finished {
		return true, nil
	}
	// Nothing was written for this row: it is told what became of it.
	run.judge(err)
	err = s.Records.FinishBulkRow(ctx, job.Org, job.ID, run.row)
	if alfred.ErrorCode(err) == alfred.CodeConflict {
		return true, nil // somebody else has carried it out
	}
	return true, err
}

// stops says why a whole job cannot go on, or "".
func stops(err error) string {
	switch alfred.ErrorCode(err) {
	case alfred.CodeNotFound, alfred.CodeForbidden:
		return "Whoever made it may not do this any more."
	default:
		return ""
	}
}

// bulkRun is one row as it is carried out, with the rights of whoever made
// the job.
type bulkRun struct {
	server   *server
	ctx      context.Context //nolint:containedctx // of this row alone
	job      alfred.BulkJob
	row      alfred.BulkRow
	given    bulkChange
	last     string // the action whose transaction finishes the row
	finished bool
}

func (s *server) bulkRun(ctx context.Context, job alfred.BulkJob, row alfred.BulkRow) (*bulkRun, error) {
	r := &bulkRun{server: s, job: job, row: row}
	if err := json.Unmarshal(job.Change, &r.given); err != nil {
		return nil, err
	}
	maker, err := s.Records.User(ctx, job.Org, job.CreatedBy)
	if err != nil {
		return nil, err
	}
	if !maker.Access.Administers() || maker.Status == alfred.Suspended {
		return nil, alfred.Errorf(alfred.CodeForbidden, "no admin")
	}
	c := &call{
		request: job.ID, operation: "job", dryRun: job.DryRun, user: maker,
		actor: alfred.Actor{Org: job.Org, User: maker.ID, Email: maker.Email, Access: maker.Access},
		done:  func(ctx context.Context, w *change) error { return r.finish(ctx, w) },
	}
	r.ctx = context.WithValue(ctx, callKey{}, c)
	return r, nil
}

// finish marks the row in the transaction of its last change. When a
// transaction is tried again it runs again.
func (r *bulkRun) finish(ctx context.Context, w *change) error {
	if !slices.ContainsFunc(w.changes, func(c dryChange) bool { return c.Action == r.last }) {
		return nil // credits that come back first, say
	}
	row := r.row
	row.Outcome = alfred.BulkChanged
	row.Action, row.Changes = r.last, changesOf(w.changes)
	for i := range w.audits {
		if w.audits[i].Reason == "" {
			w.audits[i].Reason = r.job.Reason
		}
	}
	r.finished = true
	return r.server.Records.FinishBulkRow(ctx, r.job.Org, r.job.ID, row)
}

// judge says what became of a row for which nothing was written.
func (r *bulkRun) judge(err error) {
	dry, isDry := err.(*dryRun) //nolint:errorlint // it is never wrapped
	switch {
	case isDry && len(dry.Changes) > 0:
		r.row.Outcome, r.row.Action, r.row.Changes = alfred.BulkChanged, dry.Changes[0].Action, changesOf(dry.Changes)
	case isDry, err == nil:
		r.row.Outcome = alfred.BulkUnchanged
	default:
		e := &alfred.Error{Code: alfred.CodeInternal}
		_ = errors.As(err, &e)
		r.row.Outcome, r.row.Error = alfred.BulkFailed, &alfred.BulkError{Code: e.Code, Message: e.Message, Param: e.Field}
		if e.Code == alfred.CodeInternal {
			r.server.Log.Error("row of a bulk job", "job", r.job.ID, "row", r.row.Row, "err", err)
			r.row.Error.Message = "Something went wrong; the log says what."
		}
	}
}

func (r *bulkRun) carryOut() error {
	s, id := r.server, r.row.Subject
	if r.job.Kind == string(api.JobKindImportPeople) {
		return r.importPerson()
	}
	user, err := s.Records.User(r.ctx, r.job.Org, id)
	if err != nil {
		return err
	}
	var update api.UserUpdate
	switch api.JobKind(r.job.Kind) {
	case api.JobKindSuspend, api.JobKindActivate:
		status := alfred.Suspended
		if r.job.Kind == string(api.JobKindActivate) {
			status = alfred.Active
		}
		if user.Status == status {
			return nil
		}
		update.Status = &status
	case api.JobKindQuota:
		if same(user.Quota, r.given.Quota) {
			return nil
		}
		update.PersonalQuota = pointed(r.given.Quota)
	case api.JobKindTeamAdd:
		return r.joinTeam(id, r.given.Team)
	case api.JobKindTeamRemove:
		m, err := s.membership(r.ctx, r.job.Org, r.given.Team, id)
		if err != nil || m == nil {
			return err
		}
		r.last = "member.remove"
		_, err = s.RemoveTeamMember(r.ctx, api.RemoveTeamMemberRequestObject{TeamId: string(r.given.Team), UserId: string(id)})
		return err
	default:
		return alfred.Errorf(alfred.CodeInternal, "a job of kind %q", r.job.Kind)
	}
	r.last = "user.update"
	_, err = s.updateUser(r.ctx, id, nil, update)
	return err
}

func (r *bulkRun) joinTeam(id alfred.UserID, team alfred.TeamID) error {
	m, err := r.server.membership(r.ctx, r.job.Org, team, id)
	if err != nil || m != nil {
		return err
	}
	r.last = "member.put"
	_, err = r.server.AddTeamMember(r.ctx, api.AddTeamMemberRequestObject{TeamId: string(team), UserId: string(id)})
	return err
}

func same(a, b *alfred.Credits) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// importPerson changes the person with the line's address, or makes one.
// Fields that are empty are left alone.
func (r *bulkRun) importPerson() error {
	line, err := r.readLine()
	if err != nil {
		return err
	}
	s, now := r.server, r.server.Now()
	before, err := s.Records.UserByEmail(r.ctx, r.job.Org, line.user.Email)
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		id, err := s.newID("usr")
		if err != nil {
			return err
		}
		u := line.user
		u.ID, u.Org, u.Status, u.Version, u.CreatedAt, u.UpdatedAt = alfred.UserID(id), r.job.Org, alfred.Active, 1, now, now
		if u.Name == "" {
			u.Name, _, _ = strings.Cut(u.Email, "@")
		}
		if u.Access == "" {
			u.Access = alfred.RoleMember
		}
		if u.Access != alfred.RoleMember && callOf(r.ctx).actor.Access != alfred.RoleOwner {
			return &alfred.Error{Code: alfred.CodeForbidden, Field: "access_role", Message: "access_role: only owners give roles."}
		}
		r.row.Subject, r.last = u.ID, "user.create"
		return s.write(r.ctx, r.job.Org, func(ctx context.Context, w *change) error {
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
	joins := false
	if line.team != "" {
		m, err := s.membership(r.ctx, r.job.Org, line.team, before.ID)
		if err != nil {
			return err
		}
		joins = m == nil
	}
	if update, differs := line.update(before); differs {
		if !joins || r.job.DryRun {
			r.last = "user.update" // else the row goes on, and a repetition finds nothing to update
		}
		if _, err := s.updateUser(r.ctx, before.ID, nil, update); err != nil {
			return err
		}
	}
	if joins {
		return r.joinTeam(before.ID, line.team)
	}
	return nil
}

// importedLine is a line of a list, read.
type importedLine struct {
	user  alfred.User
	given map[string]string
	team  alfred.TeamID
}

func (r *bulkRun) readLine() (importedLine, error) {
	g := r.row.Given
	l := importedLine{given: g, user: alfred.User{
		Email: g["email"], Name: g["name"], Access: alfred.AccessRole(strings.ToLower(g["access_role"])), MaxPriority: alfred.Priority(strings.ToLower(g["max_priority"])),
	}}
	at := strings.IndexByte(l.user.Email, '@')
	switch {
	case at < 1 || at == len(l.user.Email)-1 || strings.ContainsAny(l.user.Email, " \t") || len(l.user.Email) > 254:
		return l, alfred.Invalid("email", "expected an address")
	case len(l.user.Name) > 200:
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
		all, err := r.server.Records.Departments(r.ctx, r.job.Org)
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
		if l.team, err = r.team(name); err != nil {
			return l, err
		}
	}
	return l, nil
}

// team finds a team by its id or by its name, whatever the case: first among
// those that the database finds, whose idea of case may be that of ASCII alone.
func (r *bulkRun) team(name string) (alfred.TeamID, error) {
	for _, query := range []string{name, ""} {
		some, err := r.server.Records.Teams(r.ctx, r.job.Org, query, "", 0)
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

// changesOf are the fields that some changes touched, by name.
func changesOf(all []dryChange) []alfred.FieldChange {
	var out []alfred.FieldChange
	for _, c := range all {
		before, after := map[string]json.RawMessage{}, map[string]json.RawMessage{}
		_ = json.Unmarshal(c.Before, &before) // what is no object has no fields
		_ = json.Unmarshal(c.After, &after)
		fields := maps.Clone(before)
		maps.Copy(fields, after)
		for _, f := range slices.Sorted(maps.Keys(fields)) {
			if !bytes.Equal(before[f], after[f]) {
				out = append(out, alfred.FieldChange{Field: f, Before: unlessNull(before[f]), After: unlessNull(after[f])})
			}
		}
	}
	return out
}

// unlessNull leaves out what was not set.
func unlessNull(v json.RawMessage) json.RawMessage {
	if string(v) == "null" {
		return nil
	}
	return v
}
