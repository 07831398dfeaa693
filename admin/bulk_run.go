package admin

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

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
