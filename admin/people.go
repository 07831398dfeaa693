package admin

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListUsers lists everyone, or, for a team admin, the members of their teams,
// in the order asked for.
func (s *server) ListUsers(ctx context.Context, r api.ListUsersRequestObject) (api.ListUsersResponseObject, error) {
	p := r.Params
	pg, err := newPage(p.Cursor, p.Limit, "users", p.Q, p.Status, p.Team, p.Department, p.AccessRole, p.Kind, p.UsedOver, p.SeenBefore, p.Sort)
	if err != nil {
		return nil, err
	}
	q, err := s.directoryQuery(ctx, listed{p.Q, p.Status, p.Team, p.Department, p.AccessRole, kindOf(p.Kind), p.UsedOver, p.SeenBefore, string(value(p.Sort))})
	if err != nil {
		return nil, err
	}
	q.After, q.Limit = pg.after, pg.limit+1
	org := callOf(ctx).actor.Org
	rows, total, err := s.Records.Directory(ctx, org, q)
	if err != nil {
		return nil, err
	}
	rows, more, next := cut(pg, rows, func(r alfred.DirectoryRow) string { return r.Cursor })
	data, err := s.describeRows(ctx, org, rows)
	if err != nil {
		return nil, err
	}
	return api.ListUsers200JSONResponse{Data: data, HasMore: more, NextCursor: next, Total: &total}, nil
}

// listed are the filters that lists, exports and jobs of people share.
type listed struct {
	query            *string
	statuses         *[]alfred.UserStatus
	team, department *string
	access           *alfred.AccessRole
	kind             alfred.UserKind // "" is people and service accounts alike
	usedOver         *float64
	seenBefore       *time.Time
	sort             string
}

// kindOf is who is listed: people, unless others are asked for.
func kindOf(k *api.ListUsersParamsKind) alfred.UserKind {
	switch {
	case k == nil:
		return alfred.KindPerson
	case *k == api.Any:
		return ""
	default:
		return alfred.UserKind(*k)
	}
}

func (s *server) directoryQuery(ctx context.Context, l listed) (alfred.DirectoryQuery, error) {
	actor := callOf(ctx).actor
	snap, err := s.snapshotOf(ctx, actor.Org, nil)
	if err != nil {
		return alfred.DirectoryQuery{}, err
	}
	order, descending := strings.CutPrefix(l.sort, "-")
	q := alfred.DirectoryQuery{
		UserFilter: alfred.UserFilter{Query: value(l.query), Statuses: value(l.statuses), Team: alfred.TeamID(value(l.team)), Access: value(l.access), Kind: l.kind},
		Department: alfred.DepartmentID(value(l.department)), UsedOver: l.usedOver, SeenBefore: value(l.seenBefore), Sort: alfred.DirectorySort(order),
		Descending: descending, Window: snap.window, DefaultQuota: snap.org.Settings.DefaultPersonalQuota, Now: snap.now,
	}
	if !actor.Access.Administers() {
		q.IDs, err = s.membersOf(ctx, actor)
	}
	return q, err
}

// describeRows shows people of the directory with the figures of the record.
func (s *server) describeRows(ctx context.Context, org alfred.OrgID, rows []alfred.DirectoryRow) ([]api.User, error) {
	users, at := make([]alfred.User, len(rows)), make(map[string]alfred.DirectoryRow, len(rows))
	for i, r := range rows {
		users[i].ID, at[string(r.User)] = r.User, r
	}
	out, err := s.describeAll(ctx, org, users)
	if err != nil || len(out) == 0 {
		return out, err
	}
	names, err := s.departmentNames(ctx, org)
	for i := range out {
		u := &out[i]
		row := at[u.Id]
		u.UsedTokens, u.UsedPercent, u.LastSeenAt = &row.Used, nullable.NewNullNullable[float64](), nullable.NewNullNullable[time.Time]()
		if u.EffectiveQuota > 0 {
			u.UsedPercent = nullable.NewNullableWithValue(100 * float64(row.Used) / float64(u.EffectiveQuota))
		}
		if !row.LastSeen.IsZero() {
			u.LastSeenAt = nullable.NewNullableWithValue(row.LastSeen)
		}
		if name := names[value(given(u.DepartmentId))]; name != "" {
			u.DepartmentName = &name
		}
		u.Demo = marked(u.Id)
	}
	return out, err
}

func (s *server) departmentNames(ctx context.Context, org alfred.OrgID) (map[string]string, error) {
	all, err := s.Records.Departments(ctx, org)
	names := make(map[string]string, len(all))
	for _, d := range all {
		names[string(d.ID)] = d.Name
	}
	return names, err
}

// ExportUsers writes all that match as CSV, page by page.
func (s *server) ExportUsers(ctx context.Context, r api.ExportUsersRequestObject) (api.ExportUsersResponseObject, error) {
	p := r.Params
	q, err := s.directoryQuery(ctx, listed{p.Q, p.Status, p.Team, p.Department, p.AccessRole, alfred.KindPerson, p.UsedOver, p.SeenBefore, string(value(p.Sort))})
	if err != nil {
		return nil, err
	}
	q.Limit = 1000
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	_ = out.Write([]string{ // a buffer takes everything
		"id", "email", "name", "status", "access_role", "department", "teams", "personal_quota", "effective_quota", "used", "used_percent", "last_seen_at", "created_at",
	})
	org := callOf(ctx).actor.Org
	for {
		rows, _, err := s.Records.Directory(ctx, org, q)
		if err != nil {
			return nil, err
		}
		people, err := s.describeRows(ctx, org, rows)
		if err != nil {
			return nil, err
		}
		for _, u := range people {
			_ = out.Write(exportedUser(u))
		}
		if len(rows) < q.Limit {
			break
		}
		q.After = rows[len(rows)-1].Cursor
	}
	out.Flush()
	if c, ok := ctx.(*gin.Context); ok {
		c.Header("Content-Disposition", `attachment; filename="people.csv"`)
	}
	return api.ExportUsers200TextcsvResponse{Body: io.Reader(&b), ContentLength: int64(b.Len())}, out.Error()
}

// exportedUser is one line. What is not known is empty, never 0.
func exportedUser(u api.User) []string {
	teams := make([]string, len(u.Teams))
	for i, t := range u.Teams {
		teams[i] = t.TeamId
	}
	quota, percent, seen := "", "", ""
	if q := given(u.PersonalQuota); q != nil {
		quota = q.String()
	}
	if v := given(u.UsedPercent); v != nil {
		percent = strconv.FormatFloat(*v, 'f', 2, 64)
	}
	if t := given(u.LastSeenAt); t != nil {
		seen = t.UTC().Format(time.RFC3339)
	}
	return []string{
		u.Id, inert(u.Email), inert(u.Name), string(u.Status), string(u.AccessRole), inert(value(u.DepartmentName)), strings.Join(teams, " "), quota,
		u.EffectiveQuota.String(), value(u.UsedTokens).String(), percent, seen, u.CreatedAt.UTC().Format(time.RFC3339),
	}
}
