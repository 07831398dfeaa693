package alfred

import "slices"

// Priority is what X-Priority carries. Only critical may overdraw.
type Priority string

const (
	PriorityLow      Priority = "low"
	PriorityNormal   Priority = "normal"
	PriorityHigh     Priority = "high"
	PriorityCritical Priority = "critical"
)

var priorities = []Priority{PriorityLow, PriorityNormal, PriorityHigh, PriorityCritical}

// Valid says whether p is a priority.
func (p Priority) Valid() bool { return slices.Contains(priorities, p) }

// ParsePriority reads the header; an absent header is normal.
func ParsePriority(s string) (Priority, error) {
	if s == "" {
		return PriorityNormal, nil
	}
	if p := Priority(s); p.Valid() {
		return p, nil
	}
	return "", &Error{Code: CodeInvalidRequest, Field: "X-Priority", Message: "X-Priority must be low, normal, high or critical"}
}

// AtMost lowers p to a ceiling; an unset ceiling does not lower.
func (p Priority) AtMost(ceiling Priority) Priority {
	if ceiling.Valid() && slices.Index(priorities, p) > slices.Index(priorities, ceiling) {
		return ceiling
	}
	return p
}
