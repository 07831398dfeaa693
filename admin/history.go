package admin

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListAudit lists who changed what: everything for an admin, their own
// actions for others.
func (s *server) ListAudit(ctx context.Context, r api.ListAuditRequestObject) (api.ListAuditResponseObject, error) {
	actor, p := callOf(ctx).actor, r.Params
	pg, err := newPage(p.Cursor, p.Limit, "audit", p.Actor, p.Action, p.Subject, p.About, p.From, p.Until)
	if err != nil {
		return nil, err
	}
	f := alfred.AuditFilter{
		Actor: alfred.UserID(value(p.Actor)), Action: value(p.Action), Subject: value(p.Subject), About: value(p.About), From: value(p.From), Until: value(p.Until),
		Limit: pg.limit + 1,
	}
	if f, err = ownAudit(actor, f); err != nil {
		return nil, err
	}
	if pg.after != "" {
		if f.BeforeSeq, err = strconv.ParseInt(pg.after, 10, 64); err != nil {
			return nil, errCursor
		}
	}
	rows, err := s.Records.Audit(ctx, actor.Org, f)
	if err != nil {
		return nil, err
	}
	rows, more, next := cut(pg, rows, func(e alfred.AuditEvent) string { return strconv.FormatInt(e.Seq, 10) })
	for i := range rows {
		rows[i].Changes = rows[i].Diff()
	}
	named, err := s.auditNames(ctx, actor.Org, rows)
	return api.ListAudit200JSONResponse{Data: append([]alfred.AuditEvent{}, rows...), Names: named, HasMore: more, NextCursor: next}, err
}

// spokenOf finds the ids in what was written down of a change.
var spokenOf = regexp.MustCompile(`\b(?:usr|team|dep|prj|key)_[0-9A-HJKMNP-TV-Z]{26}\b`)

// auditNames is what changes speak of, as it is called now, by its id.
func (s *server) auditNames(ctx context.Context, org alfred.OrgID, rows []alfred.AuditEvent) (map[string]string, error) {
	kinds := map[string]alfred.UsageDimension{"usr": alfred.ByUser, "team": alfred.ByTeam, "dep": alfred.ByDepartment, "prj": alfred.ByProject, "key": alfred.ByKey}
	ids := map[string]alfred.UsageDimension{}
	for _, e := range rows {
		spoken := [][]byte{[]byte(e.Actor)}
		for _, raw := range [][]byte{[]byte(e.Subject), e.Before, e.After} {
			spoken = append(spoken, spokenOf.FindAll(raw, -1)...)
		}
		for _, id := range spoken {
			kind, _, _ := strings.Cut(string(id), "_")
			if d, ok := kinds[kind]; ok {
				ids[string(id)] = d
			}
		}
	}
	var w wanted
	for id, d := range ids {
		switch d { //nolint:exhaustive // of the others all are read
		case alfred.ByUser:
			w.users = append(w.users, alfred.UserID(id))
		case alfred.ByKey:
			w.keys = append(w.keys, alfred.KeyID(id))
		}
	}
	n, err := s.names(ctx, org, w)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for id, d := range ids {
		if name := n.of(d, id); name != "" {
			out[id] = name
		}
	}
	own, err := s.Records.Organization(ctx, org)
	out[string(org)] = own.Name
	return out, err
}

// ownAudit keeps those who do not administer to what they did themselves.
func ownAudit(actor alfred.Actor, f alfred.AuditFilter) (alfred.AuditFilter, error) {
	if actor.Access.Administers() {
		return f, nil
	}
	if f.Actor != "" && f.Actor != actor.User {
		return f, notFound("user", string(f.Actor))
	}
	f.Actor = actor.User
	return f, nil
}

// ExportAudit writes the audit log as a file, newest first.
func (s *server) ExportAudit(ctx context.Context, r api.ExportAuditRequestObject) (api.ExportAuditResponseObject, error) {
	actor, p := callOf(ctx).actor, r.Params
	f, err := ownAudit(actor, alfred.AuditFilter{
		Actor: alfred.UserID(value(p.Actor)), Action: value(p.Action), Subject: value(p.Subject), About: value(p.About), From: value(p.From), Until: value(p.Until),
		Limit: exportPage,
	})
	if err != nil {
		return nil, err
	}
	header := []string{"seq", "at", "actor_id", "actor", "action", "subject", "before", "after", "reason", "ip", "request_id", "prev_hash", "hash"}
	return csvFile{"audit.csv", header, func(yield func(...string) error) error {
		for {
			rows, err := s.Records.Audit(ctx, actor.Org, f)
			if err != nil {
				return err
			}
			for _, e := range rows {
				err := yield(strconv.FormatInt(e.Seq, 10), e.At.UTC().Format(time.RFC3339Nano), string(e.Actor), e.ActorName, e.Action, e.Subject, string(e.Before),
					string(e.After), e.Reason, e.IP, e.RequestID, e.PrevHash, e.Hash)
				if err != nil {
					return err
				}
			}
			if len(rows) < f.Limit {
				return nil
			}
			f.BeforeSeq = rows[len(rows)-1].Seq
		}
	}}, nil
}

// auditBatch is how many events are verified at a time.
const auditBatch = 1000

// VerifyAudit follows the chain of hashes from the newest event to the first.
func (s *server) VerifyAudit(ctx context.Context, _ api.VerifyAuditRequestObject) (api.VerifyAuditResponseObject, error) {
	actor := callOf(ctx).actor
	out := api.AuditVerdict{Intact: true, BrokenAt: nullable.NewNullNullable[int64]()}
	f := alfred.AuditFilter{Limit: auditBatch}
	var later *alfred.AuditEvent // the event after the batch
	for {
		rows, err := s.Records.Audit(ctx, actor.Org, f)
		if err != nil {
			return nil, err
		}
		if at := brokenIn(rows, later, len(rows) < f.Limit); at != 0 {
			// An earlier break, if there is one, is the one to look at.
			out.Intact, out.BrokenAt = false, nullable.NewNullableWithValue(at)
		}
		out.Events += int64(len(rows))
		if len(rows) < f.Limit {
			return api.VerifyAudit200JSONResponse(out), nil
		}
		last := rows[len(rows)-1]
		later, f.BeforeSeq = &last, last.Seq
	}
}

// brokenIn returns the earliest event of a batch, newest first, that does not
// follow from the one before. The first event of all follows from nothing.
func brokenIn(rows []alfred.AuditEvent, later *alfred.AuditEvent, first bool) int64 {
	if len(rows) == 0 {
		return 0
	}
	chain := make([]alfred.AuditEvent, 0, len(rows)+1)
	for i := len(rows) - 1; i >= 0; i-- {
		chain = append(chain, rows[i])
	}
	if later != nil {
		chain = append(chain, *later)
	}
	prev := chain[0].PrevHash
	if first {
		prev = ""
	}
	return alfred.VerifyAudit(prev, chain)
}

// GetDecision explains one answer of the data plane to the person, and to
// those whose scope covers the person.
func (s *server) GetDecision(ctx context.Context, r api.GetDecisionRequestObject) (api.GetDecisionResponseObject, error) {
	actor := callOf(ctx).actor
	d, err := s.Records.Decision(ctx, actor.Org, alfred.DecisionID(r.DecisionId))
	if err != nil {
		return nil, err
	}
	if d.User != actor.User {
		covered, err := s.covers(ctx, actor, d.User)
		if err != nil {
			return nil, err
		}
		if !covered {
			return nil, notFound("decision", r.DecisionId)
		}
	}
	return s.explain(ctx, d)
}

// GetOpenAPI serves the document that this server is made from.
func (s *server) GetOpenAPI(context.Context, api.GetOpenAPIRequestObject) (api.GetOpenAPIResponseObject, error) {
	return document(s.spec), nil
}

// document is written as it stands.
type document []byte

// VisitGetOpenAPIResponse writes the document.
func (d document) VisitGetOpenAPIResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(d)
	return err
}
