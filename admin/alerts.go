package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListAlerts lists which thresholds were reached, newest first.
func (s *server) ListAlerts(ctx context.Context, r api.ListAlertsRequestObject) (api.ListAlertsResponseObject, error) {
	pg, err := newPage(r.Params.Cursor, r.Params.Limit, "alerts")
	if err != nil {
		return nil, err
	}
	all, err := s.Records.Alerts(ctx, callOf(ctx).actor.Org, pg.after, pg.limit+1)
	if err != nil {
		return nil, err
	}
	all, more, next := cut(pg, all, func(a alfred.Alert) string { return a.ID })
	out := api.ListAlerts200JSONResponse{Data: make([]api.Alert, len(all)), HasMore: more, NextCursor: next}
	for i, a := range all {
		c := a.Counter
		out.Data[i] = api.Alert{
			Id: a.ID, Kind: c.Kind, Subject: c.Subject, Name: a.Name, Threshold: a.Threshold, Used: a.Used, Budget: a.Limit, Shadow: a.Shadow,
			WindowStart: c.Window.Start, WindowEnd: c.Window.End, At: a.At,
		}
	}
	return out, nil
}

// WatchBudgets tells whoever answers for a budget that it has reached one of
// the organisation's thresholds. It reads the record, so it is as late as the
// recorder and this job together, and what is only held does not count.
func (j *Jobs) WatchBudgets(ctx context.Context) error {
	orgs, err := j.Records.Organizations(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, org := range orgs {
		if err := j.server().watchBudgets(ctx, org.ID); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", org.ID, err))
		}
	}
	return errors.Join(failed...)
}

// watchBudgets looks twice when there is something to tell: what was read
// without the lock may be older than what somebody else has told of since.
func (s *server) watchBudgets(ctx context.Context, org alfred.OrgID) error {
	_, levels, _, err := s.look(ctx, org)
	if err != nil || len(levels) == 0 {
		return err
	}
	return s.write(ctx, org, func(ctx context.Context, w *change) error {
		if err := s.Records.Lock(ctx, "alerts:"+string(org)); err != nil {
			return err
		}
		snap, levels, alerts, err := s.look(ctx, org)
		if err != nil {
			return err
		}
		if err := s.Records.PutAlertLevels(ctx, org, levels); err != nil || len(alerts) == 0 {
			return err
		}
		if err := s.nameAlerts(ctx, snap, alerts); err != nil {
			return err
		}
		if err := s.Records.AddAlerts(ctx, alerts...); err != nil {
			return err
		}
		if err := s.tellPeople(ctx, w, snap, alerts); err != nil {
			return err
		}
		return s.tellChannels(ctx, w, snap, alerts)
	})
}

// look finds which levels are others now, and what is to be told.
func (s *server) look(ctx context.Context, org alfred.OrgID) (snap *snapshot, levels []alfred.AlertLevel, alerts []alfred.Alert, err error) {
	if snap, err = s.snapshotOf(ctx, org, nil); err != nil || !snap.window.Contains(snap.now) { // a range that is over
		return nil, nil, nil, err
	}
	budgets, err := s.budgets(ctx, snap)
	if err != nil {
		return nil, nil, nil, err
	}
	levels, alerts, err = s.risen(ctx, snap, budgets)
	return snap, levels, alerts, err
}

// budgets are the pools that anything was spent from in this window, and all
// caps, each with what was used. Those of the demo data are nobody's.
func (s *server) budgets(ctx context.Context, snap *snapshot) ([]alfred.Alert, error) {
	org := snap.org.ID
	var all []alfred.Alert
	add := func(kind alfred.CounterKind, subject string, used, limit alfred.Credits, shadow bool) {
		if !isDemo(subject) {
			all = append(all, alfred.Alert{
				Org: org, Counter: alfred.Counter{Kind: kind, Subject: subject, Window: snap.window}, Used: used, Limit: limit, Shadow: shadow, At: snap.now,
			})
		}
	}
	pools, err := s.Records.CountersInUse(ctx, org, alfred.CountPool, snap.window)
	if err != nil {
		return nil, err
	}
	teams, err := s.Records.Teams(ctx, org, "", "", 0) // and not their directory, which takes far longer
	if err != nil {
		return nil, err
	}
	adjusted, err := s.Records.Adjustments(ctx, org, alfred.AdjustmentFilter{Budget: alfred.BudgetPool, Subjects: slices.AppendSeq([]string{}, maps.Keys(pools)), EndAfter: snap.now})
	if err != nil {
		return nil, err
	}
	adjustments := map[string][]alfred.Adjustment{}
	for _, a := range adjusted {
		adjustments[a.Subject] = append(adjustments[a.Subject], a)
	}
	for _, t := range teams {
		if of, used := pools[string(t.ID)]; used {
			add(alfred.CountPool, string(t.ID), of.Settled, alfred.Publish(t.CommonPool, adjustments[string(t.ID)], snap.now).At(snap.now)-of.Outflow, false)
		}
	}
	limits, err := s.Records.Limits(ctx, org)
	if err != nil {
		return nil, err
	}
	limits = slices.DeleteFunc(limits, func(l alfred.Limit) bool { return l.Metric != alfred.MetricCredits || l.Mode == alfred.Off })
	counters := make([]alfred.Counter, len(limits))
	for i, l := range limits {
		counters[i] = alfred.Counter{Kind: l.Scope.Counter(), Subject: l.Subject, Window: snap.window}
	}
	totals, err := s.Records.CounterTotals(ctx, org, counters)
	if err != nil {
		return nil, err
	}
	for i, l := range limits {
		add(counters[i].Kind, l.Subject, totals[i].Settled, l.Credits, l.Mode == alfred.Shadow)
	}
	return all, nil
}

// risen compares what was reached with what was told of: the levels that are
// others now, and of those that are higher, what is to be told.
func (s *server) risen(ctx context.Context, snap *snapshot, budgets []alfred.Alert) (levels []alfred.AlertLevel, alerts []alfred.Alert, err error) {
	told, err := s.Records.AlertLevels(ctx, snap.org.ID, snap.window.Start)
	if err != nil {
		return nil, nil, err
	}
	type budget struct {
		kind    alfred.CounterKind
		subject string
	}
	before := map[budget]alfred.AlertLevel{}
	for _, l := range told {
		before[budget{l.Counter.Kind, l.Counter.Subject}] = l
	}
	for _, b := range budgets {
		key := budget{b.Counter.Kind, b.Counter.Subject}
		was, reached := before[key].Threshold, alfred.Reached(snap.org.Settings.AlertThresholds, b.Used, b.Limit)
		delete(before, key)
		if reached != was {
			levels = append(levels, alfred.AlertLevel{Counter: b.Counter, Threshold: reached})
		}
		if reached > was {
			b.Threshold = reached
			alerts = append(alerts, b)
		}
	}
	for _, l := range before { // a cap that is not set any more
		levels = append(levels, alfred.AlertLevel{Counter: l.Counter})
	}
	slices.SortFunc(alerts, func(a, b alfred.Alert) int {
		return cmp.Or(cmp.Compare(b.Threshold, a.Threshold), cmp.Compare(a.Counter.Kind, b.Counter.Kind), cmp.Compare(a.Counter.Subject, b.Counter.Subject))
	})
	return levels, alerts, nil
}

// nameAlerts gives alerts their ids, and the names that their subjects have now.
func (s *server) nameAlerts(ctx context.Context, snap *snapshot, alerts []alfred.Alert) error {
	var want wanted
	for _, a := range alerts {
		switch a.Counter.Kind { //nolint:exhaustive // the others are read whole
		case alfred.CountUser:
			want.users = append(want.users, alfred.UserID(a.Counter.Subject))
		case alfred.CountKey:
			want.keys = append(want.keys, alfred.KeyID(a.Counter.Subject))
		}
	}
	names, err := s.names(ctx, snap.org.ID, want)
	if err != nil {
		return err
	}
	for i, a := range alerts {
		if alerts[i].ID, err = s.newID("alr"); err != nil {
			return err
		}
		name := names.subject(string(a.Counter.Kind), a.Counter.Subject)
		if a.Counter.Kind == alfred.CountOrg {
			name = snap.org.Name
		}
		alerts[i].Name = cmp.Or(name, a.Counter.Subject)
	}
	return nil
}
