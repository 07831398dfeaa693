package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListLimits lists every cap and rate limit that is set.
func (s *server) ListLimits(ctx context.Context, r api.ListLimitsRequestObject) (api.ListLimitsResponseObject, error) {
	all, err := s.Records.Limits(ctx, callOf(ctx).actor.Org)
	if err != nil {
		return nil, err
	}
	data := []alfred.Limit{}
	for _, l := range all {
		if (r.Params.Scope == nil || l.Scope == *r.Params.Scope) && (r.Params.Subject == nil || l.Subject == *r.Params.Subject) {
			data = append(data, l)
		}
	}
	setLimitsETag(ctx, data)
	return api.ListLimits200JSONResponse{Data: data}, nil
}

// PutLimits sets the rows that are given and leaves the others alone.
func (s *server) PutLimits(ctx context.Context, r api.PutLimitsRequestObject) (api.PutLimitsResponseObject, error) {
	actor := callOf(ctx).actor
	var limits []alfred.Limit
	for i, row := range r.Body.Data {
		l, err := s.limit(actor, row)
		if err != nil {
			return nil, at(fmt.Sprintf("data.%d", i), err)
		}
		limits = append(limits, l)
	}
	err := s.write(ctx, actor.Org, func(ctx context.Context, w *change) error {
		if err := s.limitsUnchanged(ctx, w.org, r.Params.IfMatch, limits); err != nil {
			return err
		}
		for i, l := range limits {
			if err := s.putLimit(ctx, w, actor, l); err != nil {
				return at(fmt.Sprintf("data.%d", i), err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	subjects := map[[2]string]bool{}
	for _, l := range limits {
		subjects[[2]string{string(l.Scope), l.Subject}] = true
	}
	all, err := s.Records.Limits(ctx, actor.Org)
	data := []alfred.Limit{}
	for _, l := range all {
		if subjects[[2]string{string(l.Scope), l.Subject}] {
			data = append(data, l)
		}
	}
	if len(subjects) == 1 {
		setLimitsETag(ctx, data)
	} else {
		setLimitsETag(ctx, all)
	}
	return api.PutLimits200JSONResponse{Data: data}, err
}

// limit reads one row. Without an amount it removes the limit.
func (s *server) limit(actor alfred.Actor, row api.LimitPut) (alfred.Limit, error) {
	l := alfred.Limit{Scope: row.Scope, Subject: value(row.Subject), Metric: row.Metric, Mode: alfred.Enforce}
	if row.Mode != nil {
		l.Mode = *row.Mode
	}
	l.FailMode = value(given(row.FailMode))
	if l.Scope == alfred.ScopeOrganization {
		if l.Subject != "" && l.Subject != string(actor.Org) {
			return l, alfred.Invalid("subject", "expected this organisation's id, or nothing")
		}
		l.Subject = string(actor.Org)
	}
	credits, rate := given(row.Credits), given(row.Rate)
	if l.Mode == alfred.Off || (credits == nil && rate == nil && (row.Credits.IsSpecified() || row.Rate.IsSpecified())) {
		l.Mode = alfred.Off
		if l.Subject == "" {
			return l, alfred.Invalid("subject", "which %s does this limit bind?", l.Scope)
		}
		return l, nil
	}
	switch {
	case l.Metric == alfred.MetricCredits && (credits == nil || rate != nil):
		return l, alfred.Invalid("credits", "a cap needs credits, and no rate")
	case l.Metric != alfred.MetricCredits && (rate == nil || credits != nil):
		return l, alfred.Invalid("rate", "a rate limit needs a rate, and no credits")
	}
	l.Credits, l.Rate = value(credits), value(rate)
	return l, l.Validate()
}

// putLimit stores one row and marks whom it binds.
func (s *server) putLimit(ctx context.Context, w *change, actor alfred.Actor, l alfred.Limit) error {
	owner, err := s.subject(ctx, w.org, l)
	if err != nil {
		return err
	}
	before, err := s.standing(ctx, w.org, l)
	if err != nil {
		return err
	}
	if owner == actor.User && actor.Access != alfred.RoleOwner && loosens(before, l) {
		return alfred.Errorf(alfred.CodeForbidden, "nobody loosens a limit of his own")
	}
	if owner != "" {
		w.publishUsers(owner)
	} else {
		w.publishCatalog()
	}
	subject := string(l.Scope) + ":" + l.Subject
	if l.Mode == alfred.Off {
		if before == nil {
			return nil
		}
		w.audit("limit.remove", subject, before, nil)
		return s.Records.DeleteLimit(ctx, w.org, l.Scope, l.Subject, l.Metric)
	}
	w.audit("limit.put", subject, before, l)
	return s.Records.PutLimit(ctx, w.org, l)
}

func (s *server) standing(ctx context.Context, org alfred.OrgID, l alfred.Limit) (*alfred.Limit, error) {
	rows, err := s.Records.LimitsOf(ctx, org, l.Scope, []string{l.Subject})
	for _, row := range rows {
		if row.Metric == l.Metric {
			return &row, err
		}
	}
	return nil, err
}

func loosens(before *alfred.Limit, after alfred.Limit) bool {
	if before == nil || before.Mode != alfred.Enforce {
		return false
	}
	return after.Mode != alfred.Enforce || after.Credits > before.Credits || after.Rate > before.Rate || before.FailMode.Stricter(after.FailMode)
}

// subject checks that what a limit binds exists, and returns the person whose
// record carries it, if one does.
func (s *server) subject(ctx context.Context, org alfred.OrgID, l alfred.Limit) (alfred.UserID, error) {
	var err error
	switch l.Scope {
	case alfred.ScopeDepartment:
		_, err = s.Records.Department(ctx, org, alfred.DepartmentID(l.Subject))
	case alfred.ScopeTeam:
		_, err = s.Records.Team(ctx, org, alfred.TeamID(l.Subject))
	case alfred.ScopeProject:
		_, err = s.Records.Project(ctx, org, alfred.ProjectID(l.Subject))
	case alfred.ScopeUser:
		_, err = s.Records.User(ctx, org, alfred.UserID(l.Subject))
		if err == nil {
			return alfred.UserID(l.Subject), nil
		}
	case alfred.ScopeKey:
		return s.keyOwner(ctx, org, alfred.KeyID(l.Subject))
	case alfred.ScopeOrganization, alfred.ScopeModel: // this organisation; any name may become a model's
	}
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return "", alfred.Invalid("subject", "there is no %s %s", l.Scope, l.Subject)
	}
	return "", err
}

// keyOwner finds whose key this is. The record has no index of keys by id
// alone that the control plane needs anywhere else, so people are searched
// page by page.
func (s *server) keyOwner(ctx context.Context, org alfred.OrgID, id alfred.KeyID) (alfred.UserID, error) {
	f := alfred.UserFilter{Limit: publishBatch}
	for {
		users, err := s.Records.Users(ctx, org, f)
		if err != nil {
			return "", err
		}
		ids := make([]alfred.UserID, len(users))
		for i, u := range users {
			ids[i] = u.ID
		}
		found, err := s.Records.UserDirectory(ctx, org, ids, s.Now())
		if err != nil {
			return "", err
		}
		for _, d := range found {
			for _, k := range d.Keys {
				if k.ID == id {
					return d.User.ID, nil
				}
			}
		}
		if len(users) < f.Limit {
			return "", alfred.Invalid("subject", "there is no key %s", id)
		}
		f.After = string(users[len(users)-1].ID)
	}
}

// at puts the place of a row before the field that an error names.
func at(place string, err error) error {
	var e *alfred.Error
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Message = place + ": " + out.Message
	if out.Field != "" {
		out.Field = place + "." + out.Field
	} else {
		out.Field = place
	}
	return &out
}
