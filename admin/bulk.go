package admin

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// maxBulkRows bounds one job: it is written down within one request.
const maxBulkRows = 100_000

// bulkChange is what each row of a job is given.
type bulkChange struct {
	Quota *alfred.Credits `json:"quota,omitempty"`
	Team  alfred.TeamID   `json:"team,omitempty"`
}

// CreateJob writes down whom a job changes; the runner does the rest.
func (s *server) CreateJob(ctx context.Context, r api.CreateJobRequestObject) (api.CreateJobResponseObject, error) {
	actor, b := callOf(ctx).actor, r.Body
	if err := checkJob(b); err != nil {
		return nil, err
	}
	var rows []alfred.BulkRow
	var err error
	if b.Kind == api.JobKindImportPeople {
		rows, err = readPeople(*b.Csv)
	} else {
		rows, err = s.selected(ctx, *b.Selection)
	}
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, alfred.Invalid("selection", "nobody matches")
	}
	if team := value(b.TeamId); team != "" {
		if _, err := s.Records.Team(ctx, actor.Org, alfred.TeamID(team)); err != nil {
			return nil, err
		}
	}
	each, err := json.Marshal(bulkChange{given(b.PersonalQuota), alfred.TeamID(value(b.TeamId))})
	if err != nil {
		return nil, err
	}
	id, err := s.newID("job")
	if err != nil {
		return nil, err
	}
	job := alfred.BulkJob{
		ID: id, Org: actor.Org, Kind: string(b.Kind), DryRun: value(b.DryRun), Change: each, Reason: value(b.Reason), CreatedBy: actor.User, CreatedAt: s.Now(),
		Total: len(rows),
	}
	err = s.write(ctx, actor.Org, func(ctx context.Context, w *change) error {
		if !job.DryRun {
			w.auditWhy("job.create", id, job.Reason, nil, map[string]any{"kind": job.Kind, "rows": len(rows), "change": job.Change})
		}
		return s.Records.CreateBulkJob(ctx, job, rows)
	})
	if err != nil {
		return nil, err
	}
	out, err := s.describeJobs(ctx, job)
	if err != nil {
		return nil, err
	}
	return api.CreateJob202JSONResponse(out[0]), nil
}

// checkJob says what is missing or too much.
func checkJob(b *api.CreateJobJSONRequestBody) error {
	imports, teams := b.Kind == api.JobKindImportPeople, b.Kind == api.JobKindTeamAdd || b.Kind == api.JobKindTeamRemove
	switch {
	case imports && b.Csv == nil:
		return alfred.Invalid("csv", "expected the people to import")
	case !imports && b.Csv != nil:
		return alfred.Invalid("csv", "expected only with import_people")
	case imports && b.Selection != nil:
		return alfred.Invalid("selection", "expected only without csv")
	case !imports && b.Selection == nil:
		return alfred.Invalid("selection", "expected ids or a filter")
	case teams != (value(b.TeamId) != ""):
		return alfred.Invalid("team_id", "expected with team_add and team_remove, and only with them")
	case (b.Kind == api.JobKindQuota) != b.PersonalQuota.IsSpecified():
		return alfred.Invalid("personal_quota", "expected with quota, and only with it")
	}
	return nil
}

// selected lists whom a job is about, as it is now.
func (s *server) selected(ctx context.Context, sel api.JobSelection) ([]alfred.BulkRow, error) {
	var l listed
	if f := sel.Filter; f != nil {
		l = listed{f.Q, f.Status, f.Team, f.Department, f.AccessRole, alfred.KindPerson, f.UsedOver, f.SeenBefore, ""}
	}
	q, err := s.directoryQuery(ctx, l)
	if err != nil {
		return nil, err
	}
	if sel.Ids != nil {
		q.IDs = []alfred.UserID{}
		for _, id := range *sel.Ids {
			q.IDs = append(q.IDs, alfred.UserID(id))
		}
	}
	q.Limit = maxBulkRows + 1
	found, total, err := s.Records.Directory(ctx, callOf(ctx).actor.Org, q)
	if err != nil {
		return nil, err
	}
	if total > maxBulkRows {
		return nil, alfred.Invalid("selection", "%d people match, and a job changes at most %d: narrow the filter", total, maxBulkRows)
	}
	ids := make([]alfred.UserID, len(found))
	for i, r := range found {
		ids[i] = r.User
	}
	people, err := s.Records.Users(ctx, callOf(ctx).actor.Org, alfred.UserFilter{IDs: ids, Kind: alfred.KindPerson})
	if err != nil {
		return nil, err
	}
	rows, there := make([]alfred.BulkRow, 0, len(people)), map[string]bool{}
	for _, u := range people {
		there[string(u.ID)] = true
		rows = append(rows, alfred.BulkRow{Row: len(rows) + 1, Subject: u.ID, Label: u.Email})
	}
	if sel.Ids != nil {
		// Who is asked for and not there is told about, row by row.
		for _, id := range *sel.Ids {
			if !there[id] {
				rows = append(rows, alfred.BulkRow{Row: len(rows) + 1, Subject: alfred.UserID(id), Label: id})
			}
		}
	}
	return rows, nil
}

// importFields are the columns that a list of people may have.
var importFields = []string{"email", "name", "personal_quota", "department", "team", "access_role", "max_priority"}

// readPeople reads the lines of a list. What is wrong with one line is told
// when it is carried out; a list that cannot be read is refused.
func readPeople(text string) ([]alfred.BulkRow, error) {
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	in.TrimLeadingSpace = true
	header, err := in.Read()
	if err != nil {
		return nil, alfred.Invalid("csv", "expected a header with email and any of %s", strings.Join(importFields[1:], ", "))
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
		if !slices.Contains(importFields, header[i]) || slices.Contains(header[:i], header[i]) {
			return nil, alfred.Invalid("csv", "column %q is not one of %s, or is there twice", header[i], strings.Join(importFields, ", "))
		}
	}
	if !slices.Contains(header, "email") {
		return nil, alfred.Invalid("csv", "expected a column email")
	}
	var rows []alfred.BulkRow
	for {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, alfred.Invalid("csv", "%v", err)
		}
		if len(rows) == maxBulkRows {
			return nil, alfred.Invalid("csv", "at most %d people at once", maxBulkRows)
		}
		row := alfred.BulkRow{Row: len(rows) + 1, Given: map[string]string{}}
		for i, field := range line {
			row.Given[header[i]] = strings.TrimSpace(field)
		}
		row.Label = row.Given["email"]
		rows = append(rows, row)
	}
}

// ListJobs lists jobs.
func (s *server) ListJobs(ctx context.Context, r api.ListJobsRequestObject) (api.ListJobsResponseObject, error) {
	pg, err := newPage(r.Params.Cursor, r.Params.Limit, "jobs")
	if err != nil {
		return nil, err
	}
	jobs, err := s.Records.BulkJobs(ctx, callOf(ctx).actor.Org, pg.after, pg.limit+1)
	if err != nil {
		return nil, err
	}
	jobs, more, next := cut(pg, jobs, func(j alfred.BulkJob) string { return j.ID })
	data, err := s.describeJobs(ctx, jobs...)
	return api.ListJobs200JSONResponse{Data: data, HasMore: more, NextCursor: next}, err
}

// GetJob reads one job.
func (s *server) GetJob(ctx context.Context, r api.GetJobRequestObject) (api.GetJobResponseObject, error) {
	job, err := s.Records.BulkJob(ctx, callOf(ctx).actor.Org, r.JobId)
	if err != nil {
		return nil, err
	}
	out, err := s.describeJobs(ctx, job)
	if err != nil {
		return nil, err
	}
	return api.GetJob200JSONResponse(out[0]), nil
}

// ListJobRows lists what became of each row.
func (s *server) ListJobRows(ctx context.Context, r api.ListJobRowsRequestObject) (api.ListJobRowsResponseObject, error) {
	org := callOf(ctx).actor.Org
	pg, err := newPage(r.Params.Cursor, r.Params.Limit, "job rows", r.JobId, r.Params.Outcome)
	if err != nil {
		return nil, err
	}
	if _, err := s.Records.BulkJob(ctx, org, r.JobId); err != nil {
		return nil, err
	}
	after, _ := strconv.Atoi(pg.after) // a cursor is ours or was refused
	rows, err := s.Records.BulkRows(ctx, org, r.JobId, alfred.BulkOutcome(value(r.Params.Outcome)), after, pg.limit+1)
	if err != nil {
		return nil, err
	}
	rows, more, next := cut(pg, rows, func(r alfred.BulkRow) string { return strconv.Itoa(r.Row) })
	data := make([]api.JobRow, len(rows))
	for i, row := range rows {
		data[i] = api.JobRow{Row: row.Row, Subject: string(row.Subject), Label: row.Label, Outcome: api.JobOutcome(row.Outcome)}
		if row.Action != "" {
			data[i].Action = &row.Action
		}
		if len(row.Changes) > 0 {
			data[i].Changes = &row.Changes
		}
		if e := row.Error; e != nil {
			data[i].Error = &struct {
				Code    string  `json:"code"`
				Message string  `json:"message"`
				Param   *string `json:"param,omitempty"`
			}{Code: string(e.Code), Message: e.Message}
			if e.Param != "" {
				data[i].Error.Param = &e.Param
			}
		}
	}
	return api.ListJobRows200JSONResponse{Data: data, HasMore: more, NextCursor: next}, nil
}

func (s *server) describeJobs(ctx context.Context, jobs ...alfred.BulkJob) ([]api.Job, error) {
	out := make([]api.Job, len(jobs))
	var ids []alfred.UserID
	for _, j := range jobs {
		ids = append(ids, j.CreatedBy)
	}
	people, err := s.people(ctx, callOf(ctx).actor.Org, ids)
	for i, j := range jobs {
		out[i] = api.Job{
			Id: j.ID, Kind: api.JobKind(j.Kind), DryRun: j.DryRun, Total: j.Total, Done: j.Changed + j.Unchanged + j.Failed, Changed: j.Changed, Unchanged: j.Unchanged,
			Failed: j.Failed, CreatedBy: refOf(j.CreatedBy, people), CreatedAt: j.CreatedAt, StartedAt: orNull(j.StartedAt), FinishedAt: orNull(j.FinishedAt),
			Error: nullable.NewNullNullable[string](), State: api.JobStateQueued,
		}
		switch {
		case j.Error != "":
			out[i].State, out[i].Error = api.JobStateFailed, nullable.NewNullableWithValue(j.Error)
		case !j.FinishedAt.IsZero():
			out[i].State = api.JobStateSucceeded
		case !j.StartedAt.IsZero():
			out[i].State = api.JobStateRunning
		}
	}
	return out, err
}

// refOf names one of some people; of somebody who is gone only the id is known.
func refOf(id alfred.UserID, people map[alfred.UserID]alfred.User) api.PersonRef {
	u := people[id]
	return api.PersonRef{Id: string(id), Name: u.Name, Email: u.Email}
}
