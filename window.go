package alfred

import (
	"fmt"
	"sync"
	"time"
)

// WindowKind is how often a budget starts afresh.
type WindowKind string

const (
	Daily     WindowKind = "daily"
	Weekly    WindowKind = "weekly"
	Monthly   WindowKind = "monthly"
	Quarterly WindowKind = "quarterly"
	Yearly    WindowKind = "yearly"
	Lifetime  WindowKind = "lifetime"
	Range     WindowKind = "range"
)

// WindowRule says where windows begin. The zero value of a field means its
// default: day 1, Monday, January.
type WindowRule struct {
	Kind        WindowKind    `json:"kind"`
	AnchorDay   int           `json:"anchor_day,omitempty"`   // monthly, quarterly, yearly: 1–28
	WeekStart   *time.Weekday `json:"week_start,omitempty"`   // weekly: 0 is Sunday; nil is Monday
	FiscalMonth time.Month    `json:"fiscal_month,omitempty"` // quarterly, yearly: the month that a year begins with
	Start       time.Time     `json:"start,omitzero"`         // range
	End         time.Time     `json:"end,omitzero"`           // range
}

// Window is one stretch of time, half open, in UTC.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Contains says whether t lies in [Start, End).
func (w Window) Contains(t time.Time) bool { return !t.Before(w.Start) && t.Before(w.End) }

// forever bounds a lifetime window; its end fits the clocks of every store.
var (
	lifetimeStart = time.Unix(0, 0).UTC()
	lifetimeEnd   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Validate says what is wrong with the rule.
func (r WindowRule) Validate() error {
	switch r.Kind {
	case Daily, Weekly, Monthly, Quarterly, Yearly, Lifetime:
	case Range:
		if !r.Start.Before(r.End) {
			return Errorf(CodeValidation, "a range window needs start before end")
		}
	default:
		return Errorf(CodeValidation, "unknown window kind %q: expected daily, weekly, monthly, quarterly, yearly, lifetime or range", r.Kind)
	}
	if r.AnchorDay < 0 || r.AnchorDay > 28 {
		return Errorf(CodeValidation, "anchor_day %d: expected 1 to 28, days that every month has", r.AnchorDay)
	}
	if r.FiscalMonth < 0 || r.FiscalMonth > 12 {
		return Errorf(CodeValidation, "fiscal_month %d: expected 1 to 12", r.FiscalMonth)
	}
	if r.WeekStart != nil && (*r.WeekStart < time.Sunday || *r.WeekStart > time.Saturday) {
		return Errorf(CodeValidation, "week_start %d: expected 0 (Sunday) to 6", *r.WeekStart)
	}
	return nil
}

// At returns the window that contains now, cut on the calendar of zone, so
// days of 23 and 25 hours come out right. A range has one window, whether
// now lies in it or not. An invalid rule is an error.
func (r WindowRule) At(now time.Time, zone *time.Location) (Window, error) {
	if err := r.Validate(); err != nil {
		return Window{}, err
	}
	local := now.In(zone)
	y, m, d := local.Date()
	midnight := func(y int, m time.Month, d int) time.Time { return startOfDay(y, m, d, zone) }
	anchor := max(r.AnchorDay, 1)
	switch r.Kind {
	case Daily:
		return window(midnight(y, m, d), midnight(y, m, d+1)), nil
	case Weekly:
		first := time.Monday
		if r.WeekStart != nil {
			first = *r.WeekStart
		}
		back := (int(local.Weekday()) - int(first) + 7) % 7
		return window(midnight(y, m, d-back), midnight(y, m, d-back+7)), nil
	case Lifetime:
		return Window{lifetimeStart, lifetimeEnd}, nil
	case Range:
		return window(r.Start, r.End), nil
	case Monthly, Quarterly, Yearly:
	}
	months := map[WindowKind]int{Monthly: 1, Quarterly: 3, Yearly: 12}[r.Kind]
	if d < anchor {
		m--
	}
	// Months since the fiscal year began, then back to the start of the block.
	into := (int(m) - int(max(r.FiscalMonth, time.January)) + 24) % 12 % months
	return window(midnight(y, m-time.Month(into), anchor), midnight(y, m-time.Month(into)+time.Month(months), anchor)), nil
}

// Same says whether two rules begin the same windows, however their defaults
// are written.
func (r WindowRule) Same(o WindowRule) bool { return r.plain() == o.plain() }

// plainRule is what of a rule decides, with its defaults.
type plainRule struct {
	kind               WindowKind
	anchor, week, year int
	start, end         int64
}

func (r WindowRule) plain() (p plainRule) {
	p.kind = r.Kind
	switch r.Kind {
	case Weekly:
		p.week = int(time.Monday)
		if r.WeekStart != nil {
			p.week = int(*r.WeekStart)
		}
	case Monthly, Quarterly, Yearly:
		p.anchor = max(r.AnchorDay, 1)
		if r.Kind != Monthly {
			p.year = int(max(r.FiscalMonth, time.January))
		}
	case Range:
		p.start, p.end = r.Start.UnixNano(), r.End.UnixNano()
	case Daily, Lifetime:
	}
	return p
}

// Next returns the window after w.
func (r WindowRule) Next(w Window, zone *time.Location) (Window, error) { return r.At(w.End, zone) }

func window(start, end time.Time) Window { return Window{start.UTC(), end.UTC()} }

// startOfDay is the first instant of a local day. Where clocks skip midnight
// it is the first instant that exists; time.Date alone would step back into
// the day before.
func startOfDay(y int, m time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	want := time.Date(y, m, d, 12, 0, 0, 0, zone).Day()
	if t.Day() != want {
		// Midnight does not exist: the day begins where the gap ends.
		_, end := t.ZoneBounds()
		return end
	}
	return t
}

// zones remembers the time zones that were loaded: every request needs one,
// reading it costs more than all else in a plan, and it never changes under a
// running process. Only names that exist are kept.
var zones sync.Map // name → *time.Location

// Zone loads an IANA time zone, with an error that an admin can act on.
func Zone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	if name == "" || name == "Local" {
		return nil, Errorf(CodeValidation, "time zone %q: expected an IANA name such as UTC or Europe/Oslo", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, &Error{Code: CodeValidation, Message: fmt.Sprintf("time zone %q is not known: expected an IANA name such as UTC or Europe/Oslo", name), Err: err}
	}
	zones.Store(name, zone)
	return zone, nil
}
