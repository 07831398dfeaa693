package alfred

import (
	"strings"
	"time"
)

// Organization is the tenant: one set of settings, people, teams and budgets.
type Organization struct {
	ID       OrgID    `json:"id"`
	Name     string   `json:"name"`
	Settings Settings `json:"settings"`
	Version  int64    `json:"version"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Settings are what an organisation decides for everyone in it.
type Settings struct {
	Zone                  string      `json:"zone"`
	Window                WindowRule  `json:"window"`
	UnitName              string      `json:"unit_name"`
	DefaultPersonalQuota  Credits     `json:"default_personal_quota"`
	DefaultTeamPool       Credits     `json:"default_team_pool"`
	VacationSharePercent  int         `json:"vacation_share_percentage"`
	OverdraftLimit        Credits     `json:"critical_overdraft_limit"`
	DefaultMaxPriority    Priority    `json:"default_max_priority"`
	PoolSharing           PoolSharing `json:"pool_sharing"`
	TransferFreeLimit     Credits     `json:"transfer_free_limit"`
	TransfersBy           TransfersBy `json:"transfers_by"`
	ForcePrivacy          bool        `json:"force_privacy"`
	FailMode              FailMode    `json:"fail_mode"`
	ReapPolicy            ReapPolicy  `json:"reap_policy"`
	MinOutput             int64       `json:"min_output_tokens"`
	HoldSeconds           int64       `json:"hold_seconds"`
	UnknownModelMaxOutput int64       `json:"unknown_model_max_output_tokens"`
	AlertThresholds       []int       `json:"alert_thresholds"` // percent of a budget, rising; none tells nothing

	// Zone and Window hold since WindowSince. These are kept by the server.
	WindowSince    time.Time  `json:"window_since,omitzero"`     // zero: always
	EarlierWindows []Calendar `json:"earlier_windows,omitempty"` // oldest first
	NextWindow     *Calendar  `json:"next_window,omitempty"`     // planned
}

// DefaultSettings are those of the guide.
func DefaultSettings() Settings {
	return Settings{
		Zone:                  "UTC",
		Window:                WindowRule{Kind: Monthly, AnchorDay: 1},
		UnitName:              "credits",
		DefaultPersonalQuota:  1_000 * Credit,
		DefaultTeamPool:       10_000 * Credit,
		VacationSharePercent:  10,
		OverdraftLimit:        5_000 * Credit,
		DefaultMaxPriority:    PriorityCritical,
		PoolSharing:           SharingEqual,
		TransferFreeLimit:     5_000 * Credit,
		TransfersBy:           TransfersByMembers,
		FailMode:              FailDeny,
		ReapPolicy:            ReapEstimate,
		MinOutput:             256,
		HoldSeconds:           120,
		UnknownModelMaxOutput: 16_384,
		AlertThresholds:       DefaultAlertThresholds(),
	}
}

// Validate says which setting is wrong and what it may be.
func (s Settings) Validate() error {
	if _, err := Zone(s.Zone); err != nil {
		return err
	}
	if err := s.Window.Validate(); err != nil {
		return err
	}
	for _, a := range []struct {
		field  string
		amount Credits
	}{
		{"default_personal_quota", s.DefaultPersonalQuota},
		{"default_team_pool", s.DefaultTeamPool},
		{"critical_overdraft_limit", s.OverdraftLimit},
		{"transfer_free_limit", s.TransferFreeLimit},
	} {
		if err := validAmount(a.field, a.amount); err != nil {
			return err
		}
	}
	switch {
	case s.VacationSharePercent < 0 || s.VacationSharePercent > 100:
		return Invalid("vacation_share_percentage", "expected 0 to 100")
	case !s.DefaultMaxPriority.Valid():
		return Invalid("default_max_priority", "expected low, normal, high or critical")
	case s.PoolSharing != SharingEqual && s.PoolSharing != SharingOpen:
		return Invalid("pool_sharing", "expected equal or open")
	case s.TransfersBy != TransfersByMembers && s.TransfersBy != TransfersByAdmins:
		return Invalid("transfers_by", "expected members or admins")
	case !s.FailMode.Valid():
		return Invalid("fail_mode", "expected deny, local or allow")
	case s.ReapPolicy != ReapEstimate && s.ReapPolicy != ReapInputOnly && s.ReapPolicy != ReapZero:
		return Invalid("reap_policy", "expected estimate, input_only or zero")
	case s.MinOutput < 1 || s.MinOutput > 1<<20:
		return Invalid("min_output_tokens", "expected 1 to 1048576")
	case s.HoldSeconds < 10 || s.HoldSeconds > 3600:
		return Invalid("hold_seconds", "expected 10 to 3600")
	case s.UnknownModelMaxOutput < 1 || s.UnknownModelMaxOutput > 1<<31:
		return Invalid("unknown_model_max_output_tokens", "expected 1 to 2147483648")
	}
	return ValidThresholds("alert_thresholds", s.AlertThresholds)
}

// validAmount refuses what a limit or a movement cannot be.
func validAmount(field string, a Credits) error {
	if a < 0 || a > MaxCredits {
		return Invalid(field, "expected 0 to %s credits", MaxCredits)
	}
	return nil
}

// PoolSharing says how a team's members share its pool.
type PoolSharing string

const (
	SharingEqual PoolSharing = "equal" // each active member has the same share
	SharingOpen  PoolSharing = "open"  // first come, first served
)

// TransfersBy says who may give credits away.
type TransfersBy string

const (
	TransfersByMembers TransfersBy = "members"
	TransfersByAdmins  TransfersBy = "admins"
)

// ReapPolicy says what a hold costs when nobody settled it in time.
type ReapPolicy string

const (
	ReapEstimate  ReapPolicy = "estimate"   // all that was held
	ReapInputOnly ReapPolicy = "input_only" // the input side alone
	ReapZero      ReapPolicy = "zero"       // nothing
)

// Department caps the people whose home it is.
type Department struct {
	ID         DepartmentID `json:"id"`
	Org        OrgID        `json:"-"`
	Name       string       `json:"name"`
	CostCenter string       `json:"cost_center"`
	Version    int64        `json:"version"`
	CreatedAt  time.Time    `json:"created_at"`
	UpdatedAt  time.Time    `json:"updated_at"`
}

// Team shares a pool among its members.
type Team struct {
	ID           TeamID       `json:"id"`
	Org          OrgID        `json:"-"`
	Department   DepartmentID `json:"department_id,omitempty"`
	Name         string       `json:"name"`
	Description  string       `json:"description"`
	CommonPool   Credits      `json:"common_pool"`   // the pool's base in every window
	Sharing      PoolSharing  `json:"pool_sharing"`  // "" follows the organisation
	DefaultQuota *Credits     `json:"default_quota"` // for members who set none; nil inherits
	Version      int64        `json:"version"`
	CreatedAt    time.Time    `json:"created_at"`
	UpdatedAt    time.Time    `json:"updated_at"`
}

// Member is one person's place in one team. The team joined first is primary.
type Member struct {
	Team     TeamID    `json:"team_id"`
	User     UserID    `json:"user_id"`
	IsAdmin  bool      `json:"is_admin"`
	JoinedAt time.Time `json:"joined_at"`
}

// MaxTeamLegs bounds the team pools that may pay for one request.
const MaxTeamLegs = 4

// UserKind says what stands behind keys.
type UserKind string

const (
	KindPerson UserKind = "person"
	// KindService is a program that a team owns: it calls models, and does
	// nothing else. Without a budget of its own it has the team's share alone.
	KindService UserKind = "service"
)

// User is one person, or a service account.
type User struct {
	ID            UserID       `json:"id"`
	Org           OrgID        `json:"-"`
	Email         string       `json:"email"` // unique in the organisation, compared without case
	Name          string       `json:"name"`
	Status        UserStatus   `json:"status"`
	VacationStart time.Time    `json:"vacation_start,omitzero"`
	VacationUntil time.Time    `json:"vacation_until,omitzero"` // zero: until ended by hand
	Kind          UserKind     `json:"kind,omitempty"`          // "" is a person
	CostCenter    string       `json:"cost_center,omitempty"`   // of a service account
	Access        AccessRole   `json:"access_role"`
	Department    DepartmentID `json:"department_id,omitempty"`
	Quota         *Credits     `json:"personal_quota"` // nil inherits; 0 blocks
	MaxPriority   Priority     `json:"max_priority"`   // "" follows the organisation
	Version       int64        `json:"version"`
	CreatedAt     time.Time    `json:"created_at"`
	UpdatedAt     time.Time    `json:"updated_at"`
	DeletedAt     time.Time    `json:"-"`
}

// NormalEmail is the form in which addresses are compared.
func NormalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// UserStatus is where a person stands.
type UserStatus string

const (
	Active     UserStatus = "active"
	OnVacation UserStatus = "on_vacation"
	Suspended  UserStatus = "suspended"
)

// Valid says whether s is a status that a person can be given.
func (s UserStatus) Valid() bool { return s == Active || s == OnVacation || s == Suspended }

// MayChange says whether someone may move a person from s to next: an admin
// anywhere, the person and a team admin only between active and on vacation.
func (s UserStatus) MayChange(next UserStatus, byAdmin bool) bool {
	if !s.Valid() || !next.Valid() {
		return false
	}
	return byAdmin || s == next || (s != Suspended && next != Suspended)
}

// KeyStatus is where an API key stands.
type KeyStatus string

const (
	KeyActive  KeyStatus = "active"
	KeyRevoked KeyStatus = "revoked"
)

// Key is an API key as it is stored: never the secret, only its keyed hash
// and what a person needs to recognise it.
type Key struct {
	ID         KeyID     `json:"id"`
	Org        OrgID     `json:"-"`
	User       UserID    `json:"user_id"`
	Name       string    `json:"name"`
	Hash       string    `json:"-"`
	Prefix     string    `json:"prefix"`
	Last4      string    `json:"last4"`
	Status     KeyStatus `json:"status"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
	RevokedAt  time.Time `json:"revoked_at,omitzero"`
}

// Project is a purpose that usage is attributed to. Its code is what
// X-Project-ID carries.
type Project struct {
	ID        ProjectID `json:"id"`
	Org       OrgID     `json:"-"`
	Code      string    `json:"code"`
	Name      string    `json:"name"`
	Active    bool      `json:"active"`
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}
