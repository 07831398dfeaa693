package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/alfred-envoy/alfred"
)

// CreateBulkJob stores a job with its rows, which wait.
func (s *Store) CreateBulkJob(ctx context.Context, j alfred.BulkJob, rows []alfred.BulkRow) error {
	_, err := s.conn(ctx).Exec(ctx, `INSERT INTO bulk_jobs (org_id, id, kind, dry_run, change, reason, created_by, created_at, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '')`, j.Org, j.ID, j.Kind, j.DryRun, j.Change, clean(j.Reason), j.CreatedBy, j.CreatedAt)
	if err != nil {
		return failed(err, "create job %s", j.ID)
	}
	return s.copyRows(ctx, "bulk_job_rows", []string{"org_id", "job_id", "row", "subject", "label", "given", "outcome", "action", "changes"}, len(rows), func(i int) []any {
		r := rows[i]
		given := map[string]string{}
		for k, v := range r.Given {
			given[clean(k)] = clean(v)
		}
		return []any{j.Org, j.ID, int64(r.Row), string(r.Subject), clean(r.Label), given, string(alfred.BulkPending), "", []alfred.FieldChange{}}
	})
}

const selectJobs = `SELECT j.id, j.org_id, j.kind, j.dry_run, j.change, j.reason, j.created_by, j.created_at, j.started_at, j.finished_at, j.error,
	n.total, n.changed, n.unchanged, n.failed FROM bulk_jobs j, LATERAL (SELECT count(*) AS total, count(*) FILTER (WHERE outcome = 'changed') AS changed,
	count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged, count(*) FILTER (WHERE outcome = 'failed') AS failed
	FROM bulk_job_rows r WHERE r.org_id = j.org_id AND r.job_id = j.id) n `

func scanJob(r pgx.CollectableRow) (j alfred.BulkJob, err error) {
	var started, finished *time.Time
	err = r.Scan(&j.ID, &j.Org, &j.Kind, &j.DryRun, &j.Change, &j.Reason, &j.CreatedBy, &j.CreatedAt, &started, &finished, &j.Error,
		&j.Total, &j.Changed, &j.Unchanged, &j.Failed)
	j.StartedAt, j.FinishedAt = moment(started), moment(finished)
	return j, err
}

// BulkJob returns a job with what became of its rows so far.
func (s *Store) BulkJob(ctx context.Context, org alfred.OrgID, id string) (alfred.BulkJob, error) {
	rows, err := s.conn(ctx).Query(ctx, selectJobs+"WHERE j.org_id = $1 AND j.id = $2", org, id)
	if err != nil {
		return alfred.BulkJob{}, failed(err, "read job %s", id)
	}
	j, err := pgx.CollectExactlyOneRow(rows, scanJob)
	return j, found(err, "job", id)
}

// BulkJobs returns jobs, newest first, from before an id.
func (s *Store) BulkJobs(ctx context.Context, org alfred.OrgID, before string, limit int) ([]alfred.BulkJob, error) {
	rows, err := s.conn(ctx).Query(ctx, selectJobs+"WHERE j.org_id = $1 AND ($2 = '' OR j.id < $2) ORDER BY j.id DESC LIMIT $3", org, before, most(limit))
	if err != nil {
		return nil, failed(err, "list jobs")
	}
	jobs, err := pgx.CollectRows(rows, scanJob)
	return jobs, failed(err, "list jobs")
}

const selectRows = `SELECT row, subject, label, given, outcome, action, changes, error FROM bulk_job_rows WHERE org_id = $1 AND job_id = $2 `

// BulkRows returns rows of a job in their order, after a row.
func (s *Store) BulkRows(ctx context.Context, org alfred.OrgID, id string, outcome alfred.BulkOutcome, after, limit int) ([]alfred.BulkRow, error) {
	rows, err := s.conn(ctx).Query(ctx, selectRows+"AND ($3 = '' OR outcome = $3) AND row > $4 ORDER BY row LIMIT $5", org, id, string(outcome), after, most(limit))
	if err != nil {
		return nil, failed(err, "list rows of job %s", id)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[alfred.BulkRow])
	return out, failed(err, "list rows of job %s", id)
}

// LockBulkJob returns the oldest job that is not finished, without figures, and
// keeps it for the transaction: its rows are carried out by one at a time, and
// jobs in the order in which they were made. When none waits, or somebody has
// it, it is CodeNotFound.
func (s *Store) LockBulkJob(ctx context.Context, now time.Time) (j alfred.BulkJob, err error) {
	err = s.conn(ctx).QueryRow(ctx, `UPDATE bulk_jobs SET started_at = coalesce(started_at, $1) WHERE (org_id, id) = (
		SELECT org_id, id FROM bulk_jobs WHERE finished_at IS NULL AND (org_id, id) = (
			SELECT org_id, id FROM bulk_jobs WHERE finished_at IS NULL ORDER BY id LIMIT 1) FOR UPDATE SKIP LOCKED)
		RETURNING id, org_id, kind, dry_run, change, reason, created_by`, now).Scan(&j.ID, &j.Org, &j.Kind, &j.DryRun, &j.Change, &j.Reason, &j.CreatedBy)
	if errors.Is(err, pgx.ErrNoRows) {
		return j, alfred.Errorf(alfred.CodeNotFound, "no job waits")
	}
	return j, failed(err, "find a job")
}

// FinishBulkRows stores what became of rows that wait. When one does not wait
// any more it is CodeConflict, and none is stored: somebody else has carried it
// out.
func (s *Store) FinishBulkRows(ctx context.Context, org alfred.OrgID, job string, rows ...alfred.BulkRow) error {
	batch := &pgx.Batch{}
	for _, r := range rows {
		changes := append([]alfred.FieldChange{}, r.Changes...)
		batch.Queue(`UPDATE bulk_job_rows SET subject = $4, outcome = $5, action = $6, changes = $7, error = $8
			WHERE org_id = $1 AND job_id = $2 AND row = $3 AND outcome = 'pending'`, org, job, r.Row, string(r.Subject), string(r.Outcome), r.Action, changes, r.Error,
		).Exec(func(tag pgconn.CommandTag) error {
			if tag.RowsAffected() == 0 {
				return alfred.Errorf(alfred.CodeConflict, "row %d of %s has been carried out", r.Row, job)
			}
			return nil
		})
	}
	return s.InTx(ctx, func(ctx context.Context) error {
		return failed(s.conn(ctx).SendBatch(ctx, batch).Close(), "finish rows of %s", job)
	})
}

// FinishBulkJob ends a job; why is "" when it came to its end.
func (s *Store) FinishBulkJob(ctx context.Context, org alfred.OrgID, id, why string, at time.Time) error {
	_, err := s.conn(ctx).Exec(ctx, `UPDATE bulk_jobs SET finished_at = $3, error = $4 WHERE org_id = $1 AND id = $2 AND finished_at IS NULL`, org, id, at, clean(why))
	return failed(err, "finish job %s", id)
}
