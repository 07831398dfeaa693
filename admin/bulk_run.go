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
	"unicode"
	"unicode/utf8"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// bulkEvery is how often somebody looks for bulk jobs while there are none.
const bulkEvery = time.Second

// bulkAtOnce is how many rows are carried out in one transaction. The more they
// are, the less each takes; but for as long as a batch takes a job does not
// stop, and others who change the same people wait.
const bulkAtOnce = 200

// RunBulk carries out bulk jobs until ctx ends. Several may run at once, on
// several machines: rows are finished in the transaction that changes
// somebody, so that each is changed once.
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

// StepBulk carries out the next rows of the oldest bulk job, and says whether
// there was one that nobody else was at. A row that cannot be carried out fails
// with its reason and does not stop the others; a store that is away stops
// everything until it is back.
func (j *Jobs) StepBulk(ctx context.Context) (worked bool, err error) {
	b := &bulkBatch{server: j.server(), most: bulkAtOnce}
	err = b.carryOut(ctx)
	alone := b.later
	switch {
	case err == nil:
	case alfred.ErrorCode(err) == alfred.CodeNotFound && b.job.ID == "":
		return false, nil
	case alfred.ErrorCode(err) == alfred.CodeUnavailable || ctx.Err() != nil || len(b.rows) == 0:
		return false, err
	default: // one of them is at fault, and nothing was written for any
		b.server.Log.Warn("rows of a bulk job are carried out one by one", "job", b.job.ID, "err", err)
		alone = b.rows
	}
	for _, r := range alone {
		if err := r.carryOutAlone(ctx); err != nil {
			return false, err
		}
	}
	return true, nil
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

// bulkBatch is some rows of the oldest job, carried out in one transaction with
// the rights of whoever made it.
type bulkBatch struct {
	server *server
	most   int
	only   *bulkRow // nil: the first rows that wait

	job      alfred.BulkJob
	given    bulkChange
	maker    alfred.User
	released []alfred.Release // as they are while the transaction lasts
	on       *server          // what the rows are carried out on
	rows     []*bulkRow
	later    []*bulkRow // not carried out: credits have to come back first
}

// carryOut carries out the rows and finishes them, or finishes the job when
// none waits. When the transaction is tried again all of it begins anew.
func (b *bulkBatch) carryOut(ctx context.Context) error {
	s := b.server
	return s.Records.InTx(ctx, func(ctx context.Context) (err error) {
		b.rows, b.later = nil, nil
		if b.job, err = s.Records.LockBulkJob(ctx, s.Now()); err != nil {
			return err
		}
		after := 0
		if b.only != nil {
			after = b.only.row.Row - 1
		}
		waiting, err := s.Records.BulkRows(ctx, b.job.Org, b.job.ID, alfred.BulkPending, after, b.most)
		switch {
		case err != nil:
			return err
		case b.only != nil && (b.job.ID != b.only.batch.job.ID || len(waiting) == 0 || waiting[0].Row != b.only.row.Row):
			return nil // somebody else has carried it out
		case len(waiting) == 0:
			return s.Records.FinishBulkJob(ctx, b.job.Org, b.job.ID, "", s.Now())
		}
		err = b.begin(ctx)
		if why := stops(err); why != "" {
			return s.Records.FinishBulkJob(ctx, b.job.Org, b.job.ID, why, s.Now())
		}
		if err != nil {
			return err
		}
		alone := b.only != nil
		if i := slices.IndexFunc(waiting, b.aboutMaker); i >= 0 {
			alone = alone || i == 0
			waiting = waiting[:max(i, 1)]
		}
		for _, row := range waiting {
			b.rows = append(b.rows, &bulkRow{batch: b, row: row})
		}
		b.on = s
		if !alone {
			st, err := newStage(ctx, s.Records, b.job, waiting)
			if err != nil {
				return err
			}
			b.on = &server{Config: s.Config}
			b.on.Records = st
		}
		return b.write(ctx)
	})
}

// begin reads what all rows need. What may end a release takes the lock of all
// releases before it changes anybody, as everybody does.
func (b *bulkBatch) begin(ctx context.Context) (err error) {
	s := b.server
	if err := json.Unmarshal(b.job.Change, &b.given); err != nil {
		return err
	}
	if b.maker, err = s.Records.User(ctx, b.job.Org, b.job.CreatedBy); err != nil {
		return err
	}
	if !b.maker.Access.Administers() || b.maker.Status == alfred.Suspended {
		return alfred.Errorf(alfred.CodeForbidden, "no admin")
	}
	if slices.Contains([]api.JobKind{api.JobKindSuspend, api.JobKindActivate, api.JobKindTeamRemove}, api.JobKind(b.job.Kind)) {
		b.released, err = s.lockReleases(ctx, b.job.Org)
	}
	return err
}

// aboutMaker says whether a row is about whoever made the job. It is a batch of
// its own, on the record as it is: what the maker may do may rest on the rows
// before, and what those after may do rests on it.
func (b *bulkBatch) aboutMaker(r alfred.BulkRow) bool {
	return r.Subject == b.maker.ID || alfred.NormalEmail(r.Given["email"]) == alfred.NormalEmail(b.maker.Email)
}

// call is the maker's, of a row or, with nil, of what is done outside of the
// batch.
func (b *bulkBatch) call(row *bulkRow) *call {
	return &call{
		request: b.job.ID, operation: "job", dryRun: b.job.DryRun, user: b.maker, row: row,
		actor: alfred.Actor{Org: b.job.Org, User: b.maker.ID, Email: b.maker.Email, Access: b.maker.Access},
	}
}

// errUndo undoes a row of a dry run.
var errUndo = errors.New("dry run: nothing was changed")

// write carries out each row so that nothing is left of one that fails. What all
// of them change, what became of them, their audit events and what is published
// are stored at the end: everybody else who writes waits for that alone. An
// error that no row can be blamed for ends the batch.
func (b *bulkBatch) write(ctx context.Context) error {
	s, all := b.server, newChange(b.server, b.job.Org, b.call(nil))
	finished := make([]alfred.BulkRow, 0, len(b.rows))
	for _, r := range b.rows {
		err := b.on.Records.Savepoint(ctx, func(ctx context.Context) error {
			if err := r.carryOut(context.WithValue(ctx, callKey{}, b.call(r))); err != nil || !b.job.DryRun {
				return err
			}
			return errUndo
		})
		switch {
		case err == nil:
			for _, w := range r.kept {
				all.add(w)
			}
		case errors.Is(err, errUndo):
			err = nil
		case r.back != nil:
			b.later = append(b.later, r)
			continue
		case ctx.Err() != nil, alfred.ErrorCode(err) == alfred.CodeUnavailable, alfred.ErrorCode(err) == alfred.CodeInternal:
			return err
		}
		r.judge(err)
		finished = append(finished, r.row)
	}
	if err := b.store(ctx); err != nil {
		return err
	}
	if err := s.Records.FinishBulkRows(ctx, b.job.Org, b.job.ID, finished...); err != nil {
		return err
	}
	for i := range all.audits {
		if all.audits[i].Reason == "" {
			all.audits[i].Reason = b.job.Reason
		}
	}
	return all.flush(ctx)
}

// store writes what is staged; what a dry run would write is tried and undone.
func (b *bulkBatch) store(ctx context.Context) error {
	st, staged := b.on.Records.(*stage)
	if !staged {
		return nil
	}
	err := b.server.Records.Savepoint(ctx, func(ctx context.Context) error {
		if err := st.store(ctx); err != nil || !b.job.DryRun {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

// bulkRow is a row as it is carried out.
type bulkRow struct {
	batch *bulkBatch
	row   alfred.BulkRow
	kept  []*change                       // what it wrote
	back  func(ctx context.Context) error // returns the credits that have to come back first
}

// carryOutAlone carries out a row by itself, after what has to come back first
// and is not part of a transaction.
func (r *bulkRow) carryOutAlone(ctx context.Context) (err error) {
	b, s := r.batch, r.batch.server
	b.on.Records = s.Records // what comes back is booked at once
	for range 3 {
		if r.back != nil {
			if err = r.back(context.WithValue(ctx, callKey{}, b.call(nil))); err != nil {
				break
			}
		}
		one := &bulkBatch{server: s, most: 1, only: r}
		if err = one.carryOut(ctx); err != nil || len(one.later) == 0 {
			break
		}
		r.back, err = one.later[0].back, errReleased
	}
	switch {
	case err == nil, alfred.ErrorCode(err) == alfred.CodeNotFound: // somebody else is at the job
		return nil
	case alfred.ErrorCode(err) == alfred.CodeUnavailable, ctx.Err() != nil:
		return err
	}
	r.judge(err)
	err = s.Records.FinishBulkRows(ctx, b.job.Org, b.job.ID, r.row)
	if alfred.ErrorCode(err) == alfred.CodeConflict {
		return nil // somebody else has carried it out
	}
	return err
}

// judge says what became of a row.
func (r *bulkRow) judge(err error) {
	if err != nil {
		e := &alfred.Error{Code: alfred.CodeInternal}
		_ = errors.As(err, &e)
		r.row.Outcome, r.row.Error = alfred.BulkFailed, &alfred.BulkError{Code: e.Code, Message: e.Message, Param: e.Field}
		r.row.Action, r.row.Changes = "", nil // of a batch of which nothing was stored
		if e.Code == alfred.CodeInternal {
			r.batch.server.Log.Error("row of a bulk job", "job", r.batch.job.ID, "row", r.row.Row, "err", err)
			r.row.Error.Message = "Something went wrong; the log says what."
		}
		return
	}
	var changes []dryChange
	for _, w := range r.kept {
		changes = append(changes, w.changes...)
	}
	r.row.Outcome = alfred.BulkUnchanged
	if len(changes) > 0 {
		r.row.Outcome, r.row.Action, r.row.Changes = alfred.BulkChanged, changes[0].Action, changesOf(changes)
	}
}

func (r *bulkRow) carryOut(ctx context.Context) error {
	b, s, id := r.batch, r.batch.on, r.row.Subject
	kind := api.JobKind(b.job.Kind)
	if kind == api.JobKindImportPeople {
		return r.importPerson(ctx)
	}
	user, err := s.Records.User(ctx, b.job.Org, id)
	if err != nil {
		return err
	}
	var update api.UserUpdate
	switch kind {
	case api.JobKindSuspend, api.JobKindActivate:
		status := alfred.Suspended
		if kind == api.JobKindActivate {
			status = alfred.Active
		}
		if user.Status == status {
			return nil
		}
		update.Status = &status
	case api.JobKindQuota:
		if same(user.Quota, b.given.Quota) {
			return nil
		}
		update.PersonalQuota = pointed(b.given.Quota)
	case api.JobKindTeamAdd:
		return r.joinTeam(ctx, id, b.given.Team)
	case api.JobKindTeamRemove:
		m, err := s.membership(ctx, b.job.Org, b.given.Team, id)
		if err != nil || m == nil {
			return err
		}
		_, err = s.RemoveTeamMember(ctx, api.RemoveTeamMemberRequestObject{TeamId: string(b.given.Team), UserId: string(id)})
		return err
	default:
		return alfred.Errorf(alfred.CodeInternal, "a job of kind %q", kind)
	}
	return s.changeUser(ctx, user, update)
}

func (r *bulkRow) joinTeam(ctx context.Context, id alfred.UserID, team alfred.TeamID) error {
	s := r.batch.on
	m, err := s.membership(ctx, r.batch.job.Org, team, id)
	if err != nil || m != nil {
		return err
	}
	_, err = s.AddTeamMember(ctx, api.AddTeamMemberRequestObject{TeamId: string(team), UserId: string(id)})
	return err
}

func same(a, b *alfred.Credits) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

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
