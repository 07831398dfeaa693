package admin

import (
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// describeWindow shows a window with a name that belongs to no language.
func (p *snapshot) describeWindow(w alfred.Window) api.Window {
	rule := p.org.Settings.Window
	return api.Window{Kind: api.WindowKind(rule.Kind), Name: windowName(rule.Kind, w.Start.In(p.zone)), Start: w.Start, End: w.End, Tz: p.org.Settings.Zone}
}

// windowName names a window by where it starts on the organisation's
// calendar: a month that starts on the 15th has the name of that month.
func windowName(kind alfred.WindowKind, start time.Time) string {
	switch kind {
	case alfred.Weekly:
		year, week := start.AddDate(0, 0, 3).ISOWeek() // weeks that start on Sunday have the number of their Wednesday
		return fmt.Sprintf("%d-W%02d", year, week)
	case alfred.Monthly:
		return start.Format("2006-01")
	case alfred.Quarterly:
		return fmt.Sprintf("%d-Q%d", start.Year(), (int(start.Month())+2)/3)
	case alfred.Yearly:
		return start.Format("2006")
	case alfred.Lifetime:
		return "lifetime"
	default:
		return start.Format("2006-01-02")
	}
}

// named returns the window that a name means: the one that runs, or the one
// before.
func (p *snapshot) named(name string) (alfred.Window, error) {
	if name != "previous" {
		return p.window, nil
	}
	rule := p.org.Settings.Window
	if rule.Kind == alfred.Lifetime || rule.Kind == alfred.Range {
		return alfred.Window{}, alfred.Invalid("window", "there is only one window of this kind")
	}
	return rule.At(p.window.Start.Add(-time.Nanosecond), p.zone)
}
