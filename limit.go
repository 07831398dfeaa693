package alfred

// Scope is the kind of subject that a limit binds.
type Scope string

const (
	ScopeOrganization Scope = "organization"
	ScopeDepartment   Scope = "department"
	ScopeTeam         Scope = "team"
	ScopeUser         Scope = "user"
	ScopeKey          Scope = "key"
	ScopeProject      Scope = "project"
	ScopeModel        Scope = "model" // subject: a model's name, for the whole organisation
)

// Counter is what counts the spending that a cap of this scope bounds.
func (s Scope) Counter() CounterKind {
	switch s {
	case ScopeOrganization:
		return CountOrg
	case ScopeDepartment:
		return CountDept
	case ScopeTeam, ScopeUser, ScopeKey, ScopeProject, ScopeModel:
	}
	return CounterKind(s)
}

// Metric is what a limit counts.
type Metric string

const (
	MetricCredits           Metric = "credits"             // a cap, per window
	MetricRequestsPerMinute Metric = "requests_per_minute" // a bucket
	MetricTokensPerMinute   Metric = "tokens_per_minute"   //nolint:gosec // a bucket; tokens are not a secret here
)

// Mode says whether a limit binds, only reports, or does nothing.
type Mode string

const (
	Enforce Mode = "enforce"
	Shadow  Mode = "shadow"
	Off     Mode = "off"
)

// Limit is one row of what an admin has set: a cap or a bucket on a subject.
// At most one exists per scope, subject and metric.
type Limit struct {
	Scope    Scope    `json:"scope"`
	Subject  string   `json:"subject"`
	Metric   Metric   `json:"metric"`
	Credits  Credits  `json:"credits,omitempty"` // of a cap
	Rate     int64    `json:"rate,omitempty"`    // of a bucket: per minute
	Mode     Mode     `json:"mode"`
	FailMode FailMode `json:"fail_mode,omitempty"` // "" follows the organisation
}

// MaxRate bounds a bucket: above it, one minute has no room for a step of the
// bucket's microsecond clock.
const MaxRate int64 = 60_000_000

// Validate says what is wrong with a limit.
func (l Limit) Validate() error {
	switch l.Scope {
	case ScopeOrganization, ScopeDepartment, ScopeTeam, ScopeUser, ScopeKey, ScopeProject, ScopeModel:
	default:
		return Invalid("scope", "%q: expected organization, department, team, user, key, project or model", l.Scope)
	}
	if l.Subject == "" {
		return Invalid("subject", "which %s does this limit bind?", l.Scope)
	}
	switch l.Mode {
	case Enforce, Shadow, Off:
	default:
		return Invalid("mode", "%q: expected enforce, shadow or off", l.Mode)
	}
	if l.FailMode != "" && !l.FailMode.Valid() {
		return Invalid("fail_mode", "%q: expected deny, local or allow, or nothing to follow the organisation", l.FailMode)
	}
	switch l.Metric {
	case MetricCredits:
		return validAmount("credits", l.Credits)
	case MetricRequestsPerMinute, MetricTokensPerMinute:
		if l.Rate < 1 || l.Rate > MaxRate {
			return Invalid("rate", "expected 1 to %d per minute", MaxRate)
		}
		return nil
	default:
		return Invalid("metric", "%q: expected credits, requests_per_minute or tokens_per_minute", l.Metric)
	}
}
