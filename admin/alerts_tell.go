package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alfred-envoy/alfred"
)

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
