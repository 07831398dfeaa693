package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

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
