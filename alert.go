package alfred

import (
	"math/bits"
	"slices"
	"time"
)

// DefaultAlertThresholds are the parts of a budget, in percent, that are worth
// telling about.
func DefaultAlertThresholds() []int { return []int{50, 75, 90, 100} }

// MaxAlertThresholds bounds how often one budget is told of in one window.
const MaxAlertThresholds = 8

// ValidThresholds refuses thresholds that are not percents from 1 to 100, in
// rising order. None at all is valid: nothing is told.
func ValidThresholds(field string, percents []int) error {
	if len(percents) > MaxAlertThresholds {
		return Invalid(field, "expected at most %d thresholds", MaxAlertThresholds)
	}
	for i, p := range percents {
		if p < 1 || p > 100 {
			return Invalid(field, "%d: expected percents from 1 to 100", p)
		}
		if i > 0 && p <= percents[i-1] {
			return Invalid(field, "%d: expected each once, in rising order", p)
		}
	}
	return nil
}

// Reached returns the highest threshold that what was used has reached, 0 when
// it has reached none. Of a budget of nothing there are no parts.
func Reached(percents []int, used, limit Credits) int {
	if used <= 0 || limit <= 0 {
		return 0
	}
	for _, p := range slices.Backward(percents) {
		if atLeast(used, 100, limit, p) {
			return p
		}
	}
	return 0
}

// atLeast says whether a*x >= b*y without rounding or overflow; none is negative.
func atLeast(a Credits, x int, b Credits, y int) bool {
	hi, lo := bits.Mul64(uint64(a), uint64(x))
	hi2, lo2 := bits.Mul64(uint64(b), uint64(y))
	return hi > hi2 || hi == hi2 && lo >= lo2
}

// Alert tells that a budget was used up to a threshold. Of one budget each
// threshold is told once in a window; when several are reached in one step,
// the highest alone; one that is not reached any more, since the budget was
// raised, is told again when it is reached again.
type Alert struct {
	ID        string
	Org       OrgID
	Counter   Counter // that counts what was used
	Name      string  // of the subject, as it was then
	Threshold int     // percent
	Used      Credits
	Limit     Credits
	Shadow    bool // a limit that refuses nobody
	At        time.Time
}

// AlertLevel is the highest threshold of a budget that was told of.
type AlertLevel struct {
	Counter   Counter
	Threshold int
}
