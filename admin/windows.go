package admin

import (
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// describeWindow shows a window with a name that belongs to no language.
func (p *snapshot) describeWindow(w alfred.Window) api.Window {
	c, _ := p.org.Settings.CalendarAt(w.Start)
	zone, err := alfred.Zone(c.Zone)
	if err != nil {
		zone = p.zone
	}
	return api.Window{Kind: api.WindowKind(c.Window.Kind), Name: windowName(c.Window.Kind, w.Start.In(zone)), Start: w.Start, End: w.End, Tz: c.Zone}
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
	before, err := p.org.Settings.WindowBefore(p.window)
	if err == nil && before == p.window {
		return before, alfred.Invalid("window", "there is only one window of this kind")
	}
	return before, err
}
