package alfred

import "time"

// Catalog is what every request of one organisation shares. The control
// plane replaces it whole, under a growing version.
type Catalog struct {
	Org      OrgID                `json:"org"`
	Name     string               `json:"name"`
	Version  int64                `json:"version"`
	Settings Settings             `json:"settings"`
	Card     RateCard             `json:"rate_card"`
	Models   []Model              `json:"models"`
	Teams    map[TeamID]TeamShare `json:"teams"`
	Limits   []Limit              `json:"limits"` // organisation, department, team, project, model
}

// TeamShare is what the data plane knows of a team.
type TeamShare struct {
	Name    string      `json:"name"`
	Pool    Allowance   `json:"pool"`
	Outflow Allowance   `json:"outflow,omitzero"` // what left the pool on its live counter: in Pool still, and part of nobody's share
	Active  int         `json:"active"`           // members with status active
	Sharing PoolSharing `json:"sharing"`
	Ask     string      `json:"ask,omitempty"` // whom to ask for more
}

// Model is what is known of a model: who serves it and how far it writes.
type Model struct {
	Name             string `json:"name"`
	Provider         string `json:"provider"` // openai, anthropic, mock; "" leaves it to the route
	MaxOutput        int64  `json:"max_output_tokens"`
	OutputLimitField string `json:"output_limit_field"` // "" is max_tokens
	PartBound        int64  `json:"part_bound_tokens"`  // a content part that is not text
}

// DefaultPartBound is what an image or a file counts as, in tokens, for a
// model that does not say.
const DefaultPartBound int64 = 4096

// Model returns what is known of a model: by the organisation, else by
// [KnownModels], dated snapshots included. What nobody says follows the
// organisation's defaults.
func (c *Catalog) Model(name string) Model {
	m, ok := findModel(c.Models, name)
	if !ok {
		if m, ok = findModel(KnownModels(), name); !ok {
			m.Name = name
		}
	}
	return m.withDefaults(c.Settings)
}

func (m Model) withDefaults(s Settings) Model {
	if m.MaxOutput <= 0 {
		m.MaxOutput = s.UnknownModelMaxOutput
	}
	if m.OutputLimitField == "" {
		m.OutputLimitField = "max_tokens"
	}
	if m.PartBound <= 0 {
		m.PartBound = DefaultPartBound
	}
	return m
}

// Limit returns the limit of a subject, if one is set and not off.
func (c *Catalog) Limit(scope Scope, subject string, metric Metric) (Limit, bool) {
	return findLimit(c.Limits, scope, subject, metric)
}

func findLimit(limits []Limit, scope Scope, subject string, metric Metric) (Limit, bool) {
	for _, l := range limits {
		if l.Scope == scope && l.Subject == subject && l.Metric == metric && l.Mode != Off {
			return l, true
		}
	}
	return Limit{}, false
}

// Principal is what the data plane knows of one credential: one record per
// key, published when anything in it changes. A deleted or revoked key is
// published as such for a while, so that a cached copy dies.
type Principal struct {
	Version     int64        `json:"version"`
	Org         OrgID        `json:"org"`
	Key         KeyID        `json:"key"`
	KeyStatus   KeyStatus    `json:"key_status"`
	KeyExpires  time.Time    `json:"key_expires,omitzero"`
	User        UserID       `json:"user"`
	UserStatus  UserStatus   `json:"user_status"`
	Department  DepartmentID `json:"department,omitempty"`
	Teams       []TeamID     `json:"teams,omitempty"` // by date of joining: the first is primary
	Projects    []ProjectRef `json:"projects,omitempty"`
	Personal    Allowance    `json:"personal"`
	Overdraft   Allowance    `json:"overdraft"` // what is left to overdraw: limit less outstanding debt
	MaxPriority Priority     `json:"max_priority"`
	Limits      []Limit      `json:"limits,omitempty"` // of this person and this key
	Ask         string       `json:"ask,omitempty"`    // whom to ask for more
}

// ProjectRef is a project that the person may charge.
type ProjectRef struct {
	ID   ProjectID `json:"id"`
	Code string    `json:"code"`
}

// Refusal says why this credential may not be used at all, or nil. It needs
// nothing but the headers.
func (p *Principal) Refusal(now time.Time) *Refusal {
	switch {
	case p.KeyStatus != KeyActive, !p.KeyExpires.IsZero() && !now.Before(p.KeyExpires):
		return &Refusal{Code: CodeInvalidKey, Detail: "This API key has been revoked or has expired."}
	case p.UserStatus == Suspended:
		return &Refusal{Code: CodeUserSuspended, Detail: "Your account is suspended, so requests are refused. Ask an admin to reactivate it."}
	}
	return nil
}

// PrimaryTeam is the team joined first, or "".
func (p *Principal) PrimaryTeam() TeamID {
	if len(p.Teams) == 0 {
		return ""
	}
	return p.Teams[0]
}
