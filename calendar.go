package alfred

import (
	"slices"
	"time"
)

// Calendar is where windows begin from a time on: a rule on the calendar of
// a zone. A zero From has always been.
type Calendar struct {
	Zone   string     `json:"zone"`
	Window WindowRule `json:"window"`
	From   time.Time  `json:"from,omitzero"`
}

// shortestFirst is how short the first window of another calendar may be. A
// shorter one is a part of the window after it, so that a move to another
// zone does not renew every quota twice within hours.
const shortestFirst = 24 * time.Hour

// keptCalendars is how many calendars of before are remembered: as many as
// anybody may still ask the last window of.
const keptCalendars = 4

// CalendarAt returns the calendar that holds at t, and when the next one
// begins: the zero time is never, as far as is known.
func (s Settings) CalendarAt(t time.Time) (c Calendar, until time.Time) {
	if n := s.NextWindow; n != nil {
		if !t.Before(n.From) {
			return *n, time.Time{}
		}
		until = n.From
	}
	c = Calendar{s.Zone, s.Window, s.WindowSince}
	for i := len(s.EarlierWindows) - 1; i >= 0 && t.Before(c.From); i-- {
		c, until = s.EarlierWindows[i], c.From
	}
	return c, until
}

// WindowAt returns the window that contains t. Windows tile time across
// changes of the calendar: the last of one ends, and the first of the next
// begins, when the change takes effect, wherever the new calendar would have
// begun it. A first window of less than a day is joined to the one after it.
func (s Settings) WindowAt(t time.Time) (Window, error) {
	c, until := s.CalendarAt(t)
	zone, err := Zone(c.Zone)
	if err != nil {
		return Window{}, err
	}
	w, err := c.Window.At(t, zone)
	if err != nil {
		return Window{}, err
	}
	if c.From.After(w.Start) {
		w.Start = c.From.UTC()
	}
	if repeats := c.Window.Kind != Range && c.Window.Kind != Lifetime; repeats && !c.From.IsZero() {
		if w, err = joined(c, w, zone); err != nil {
			return Window{}, err
		}
	}
	if !until.IsZero() && until.Before(w.End) {
		w.End = until.UTC()
	}
	return w, nil
}

// joined makes one window of a first one that is too short and the second.
func joined(c Calendar, w Window, zone *time.Location) (Window, error) {
	whole, err := c.Window.At(c.From, zone)
	if err != nil || !whole.Start.Before(c.From) || whole.End.Sub(c.From) >= shortestFirst {
		return w, err
	}
	second, err := c.Window.At(whole.End, zone)
	if err == nil && w.Start.Before(second.End) {
		w = Window{c.From.UTC(), second.End}
	}
	return w, err
}

// WindowAfter returns the window after w. One that never ends, or of a range,
// has itself after it.
func (s Settings) WindowAfter(w Window) (Window, error) { return s.WindowAt(w.End) }

// WindowBefore returns the window before w. One without a beginning has
// itself before it.
func (s Settings) WindowBefore(w Window) (Window, error) {
	return s.WindowAt(w.Start.Add(-time.Nanosecond))
}

// At returns the settings as they are at now: a change of the calendar whose
// time has come stands, and the calendar before it is remembered.
func (s Settings) At(now time.Time) Settings {
	if s.NextWindow == nil || now.Before(s.NextWindow.From) {
		return s
	}
	next := *s.NextWindow
	s.NextWindow = nil
	return s.ChangeCalendar(next)
}

// ChangeCalendar lets another calendar stand from c.From on.
func (s Settings) ChangeCalendar(c Calendar) Settings {
	s.EarlierWindows = append(slices.Clone(s.EarlierWindows), Calendar{s.Zone, s.Window, s.WindowSince})
	if drop := len(s.EarlierWindows) - keptCalendars; drop > 0 {
		s.EarlierWindows = s.EarlierWindows[drop:]
	}
	s.Zone, s.Window, s.WindowSince = c.Zone, c.Window, c.From
	return s
}

// PlanCalendar lets another calendar stand when the window that runs ends,
// which keeps what was spent in it. It takes the place of a change that was
// planned before. A window without an end is CodeConflict.
func (s Settings) PlanCalendar(zone string, rule WindowRule, now time.Time) (Settings, error) {
	s.NextWindow = nil
	w, err := s.WindowAt(now)
	if err != nil {
		return s, err
	}
	if s.Window.Kind == Lifetime {
		return s, &Error{
			Code: CodeConflict, Field: "settings.window",
			Message: "settings.window: credits were spent in this window, and a lifetime has no end at which another could begin. Caps on each budget do what a window would.",
		}
	}
	if rule.Kind == Range && !rule.End.After(w.End) {
		return s, Invalid("settings.window", "the range ends before it could begin, which is %s, when the window that runs ends", w.End.Format(time.RFC3339))
	}
	s.NextWindow = &Calendar{zone, rule, w.End}
	return s, nil
}
