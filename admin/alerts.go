package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

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

// tellPeople puts alerts into inboxes: of a team's pool and cap into those of
// its admins, of a person's cap into theirs too, and all others into those of
// owners and admins. Somebody for whom there are several gets them as one.
func (s *server) tellPeople(ctx context.Context, w *change, snap *snapshot, alerts []alfred.Alert) error {
	admins, err := s.admins(ctx, w.org)
	if err != nil {
		return err
	}
	ofTeams, err := s.teamAdmins(ctx, w.org, alerts)
	if err != nil {
		return err
	}
	of := map[alfred.UserID][]alfred.Alert{}
	for _, a := range alerts {
		to := admins
		switch a.Counter.Kind { //nolint:exhaustive // the others are the admins'
		case alfred.CountPool, alfred.CountTeam:
			if own := ofTeams[alfred.TeamID(a.Counter.Subject)]; len(own) > 0 {
				to = own
			}
		case alfred.CountUser:
			if u := alfred.UserID(a.Counter.Subject); !slices.Contains(admins, u) {
				to = append(slices.Clone(admins), u)
			}
		}
		for _, u := range to {
			of[u] = append(of[u], a)
		}
	}
	items := make([]alfred.InboxItem, 0, len(of))
	for _, u := range slices.Sorted(maps.Keys(of)) {
		title, lines := s.sayAlerts(snap, of[u])
		item := alfred.InboxItem{User: u, Kind: "budget_threshold", Title: title, Body: strings.Join(lines, "\n"), Ref: of[u][0].Counter.Subject}
		items = append(items, item)
	}
	return s.notifyAll(ctx, w, items...)
}

// teamAdmins are the admins of the teams whose budgets alerts are of, but for
// those who are suspended and would not see them.
func (s *server) teamAdmins(ctx context.Context, org alfred.OrgID, alerts []alfred.Alert) (map[alfred.TeamID][]alfred.UserID, error) {
	var teams []alfred.TeamID
	for _, a := range alerts {
		if a.Counter.Kind == alfred.CountPool || a.Counter.Kind == alfred.CountTeam {
			teams = append(teams, alfred.TeamID(a.Counter.Subject))
		}
	}
	members, err := s.Records.Members(ctx, org, teams...)
	if err != nil {
		return nil, err
	}
	members = slices.DeleteFunc(members, func(m alfred.Member) bool { return !m.IsAdmin })
	ids := make([]alfred.UserID, len(members))
	for i, m := range members {
		ids[i] = m.User
	}
	people, err := s.Records.Users(ctx, org, alfred.UserFilter{IDs: ids, Statuses: []alfred.UserStatus{alfred.Active, alfred.OnVacation}})
	if err != nil {
		return nil, err
	}
	here := map[alfred.UserID]bool{}
	for _, u := range people {
		here[u.ID] = true
	}
	out := map[alfred.TeamID][]alfred.UserID{}
	for _, m := range members {
		if here[m.User] {
			out[m.Team] = append(out[m.Team], m.User)
		}
	}
	return out, nil
}

// tellChannels writes one message to each channel that hears of any of the alerts.
func (s *server) tellChannels(ctx context.Context, w *change, snap *snapshot, alerts []alfred.Alert) error {
	all, err := s.channels(ctx, w.org)
	if err != nil {
		return err
	}
	for _, c := range all {
		heard := slices.DeleteFunc(slices.Clone(alerts), func(a alfred.Alert) bool { return !c.Hears(a) })
		if len(heard) == 0 {
			continue
		}
		title, lines := s.sayAlerts(snap, heard)
		text := inLine(snap.org.Name) + ": " + title + "\n" + strings.Join(lines, "\n") + "\n" + s.PublicURL + "/static/settings?part=alerts"
		if err := s.tell(ctx, w, alfred.AboutAlert, text, c); err != nil {
			return err
		}
	}
	return nil
}

// mostLines bounds how many budgets one message names.
const mostLines = 20

// sayAlerts puts alerts into words: the one, or how many, and each with its figures.
func (s *server) sayAlerts(snap *snapshot, alerts []alfred.Alert) (title string, lines []string) {
	unit, until := snap.org.Settings.UnitName, ""
	if !snap.window.End.IsZero() {
		until = ", until " + snap.window.End.In(snap.zone).Format("2 January 2006 15:04 MST")
	}
	figures := func(a alfred.Alert) string {
		return fmt.Sprintf("%s of %s %s used", alfred.Figure(a.Used), alfred.Figure(a.Limit), unit)
	}
	if len(alerts) == 1 {
		a := alerts[0]
		return fmt.Sprintf("%s has reached %d %%", budgetName(a), a.Threshold), []string{figures(a) + until + "."}
	}
	for _, a := range alerts[:min(len(alerts), mostLines)] {
		lines = append(lines, fmt.Sprintf("• %s: %d %%, %s", budgetName(a), a.Threshold, figures(a)))
	}
	if rest := len(alerts) - mostLines; rest > 0 {
		lines = append(lines, fmt.Sprintf("• and %s more", alfred.Figure(rest)))
	}
	return fmt.Sprintf("%s budgets have reached a threshold", alfred.Figure(len(alerts))), lines
}

// budgetName is what people call a budget.
func budgetName(a alfred.Alert) string {
	name, of := "", inLine(a.Name)
	switch a.Counter.Kind {
	case alfred.CountPool:
		return "The pool of " + of
	case alfred.CountDept:
		name = "The cap of department " + of
	case alfred.CountTeam:
		name = "The cap of team " + of
	case alfred.CountProject:
		name = "The cap of project " + of
	case alfred.CountModel:
		name = "The cap of model " + of
	case alfred.CountKey:
		name = "The cap of key " + of
	default:
		name = "The cap of " + of
	}
	if a.Shadow {
		name += " (in shadow mode)"
	}
	return name
}
