package alfred

import (
	"slices"
	"time"
)

// UsageDimension is what usage can be split and narrowed by.
type UsageDimension string

const (
	ByUser       UsageDimension = "user"
	ByTeam       UsageDimension = "team"
	ByDepartment UsageDimension = "department"
	ByProject    UsageDimension = "project"
	ByModel      UsageDimension = "model"
	ByProvider   UsageDimension = "provider"
	ByKey        UsageDimension = "key"
	ByOutcome    UsageDimension = "outcome" // how a request ended, or denied:<code>
)

// UsageDimensions are all of them, in the order in which they are told.
func UsageDimensions() []UsageDimension {
	return []UsageDimension{ByUser, ByTeam, ByDepartment, ByProject, ByModel, ByProvider, ByKey, ByOutcome}
}

// Valid says whether d is a dimension.
func (d UsageDimension) Valid() bool { return slices.Contains(UsageDimensions(), d) }

// Interval is how finely time is cut.
type Interval string

const (
	IntervalNone Interval = "none" // one sum for the whole stretch
	IntervalHour Interval = "hour"
	IntervalDay  Interval = "day" // of the zone that was asked for
)

// UsageMeasure is what rows are ordered by.
type UsageMeasure string

const (
	MeasureCost     UsageMeasure = "cost"
	MeasureRequests UsageMeasure = "requests"
	MeasureTokens   UsageMeasure = "tokens"
	MeasureInput    UsageMeasure = "input"
	MeasureCached   UsageMeasure = "cached_input"
	MeasureOutput   UsageMeasure = "output"
	MeasureDenials  UsageMeasure = "denials"
)

// UsageQuery asks for sums of usage from From up to Until. Both are taken to
// the whole hours that hold them: sums are kept by the hour.
type UsageQuery struct {
	From, Until time.Time
	ToNow       bool           // Until is now: what is later has not happened, so whole days and months may be read
	Zone        *time.Location // whose days are meant; nil is the organisation's
	Interval    Interval
	GroupBy     []UsageDimension
	Filter      map[UsageDimension][]string // one of these; an empty list is nothing at all
	OrderBy     UsageMeasure                // largest first; "" is cost
	Top         int                         // groups named in a row of their own, the rest is one row more; 0 names all
}

// UsageRow is one row of the answer: of one interval and one group, or of all
// groups that are not among the top ones.
type UsageRow struct {
	At    time.Time // when the interval begins; zero without intervals
	Group []string  // in the order of GroupBy; nil where Other
	Other bool
	UsageSums
}

// UsageSums is what was used.
type UsageSums struct {
	Requests  int64
	Denials   int64
	Estimated int64 // of Requests: charged without a reported usage
	Overruns  int64 // of Requests: cost more than was held
	Usage     Usage
	Cost      Credits
	Millis    int64 // of all requests together
}

// Add adds what o used.
func (s *UsageSums) Add(o UsageSums) {
	s.Requests += o.Requests
	s.Denials += o.Denials
	s.Estimated += o.Estimated
	s.Overruns += o.Overruns
	s.Usage.Input += o.Usage.Input
	s.Usage.CachedInput += o.Usage.CachedInput
	s.Usage.CacheWrite += o.Usage.CacheWrite
	s.Usage.Output += o.Usage.Output
	s.Usage.Reasoning += o.Usage.Reasoning
	s.Cost += o.Cost
	s.Millis += o.Millis
}

// Negated is what has to be added to take s away.
func (s UsageSums) Negated() UsageSums {
	u := s.Usage
	return UsageSums{
		-s.Requests, -s.Denials, -s.Estimated, -s.Overruns,
		Usage{-u.Input, -u.CachedInput, -u.CacheWrite, -u.Output, -u.Reasoning},
		-s.Cost, -s.Millis,
	}
}

// Of returns the sum that a measure names.
func (s UsageSums) Of(m UsageMeasure) int64 {
	switch m {
	case MeasureRequests:
		return s.Requests
	case MeasureTokens:
		return s.Usage.Tokens()
	case MeasureInput:
		return s.Usage.Input
	case MeasureCached:
		return s.Usage.CachedInput
	case MeasureOutput:
		return s.Usage.Output
	case MeasureDenials:
		return s.Denials
	default:
		return int64(s.Cost)
	}
}
