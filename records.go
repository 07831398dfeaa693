package alfred

import (
	"encoding/json"
	"time"
)

// What the record answers with, and how it is asked. A filter narrows: its
// zero fields do not.

// UserFilter narrows a list of people. Zero fields do not narrow.
type UserFilter struct {
	Query    string // part of a name or an address
	Statuses []UserStatus
	Team     TeamID
	Access   AccessRole
	Kind     UserKind
	After    string // id of the last row of the page before
	Limit    int
	IDs      []UserID // only these; empty but not nil is nobody
}

// AdjustmentFilter narrows adjustments. Zero fields do not narrow.
type AdjustmentFilter struct {
	Budget   BudgetKind
	Subjects []string // empty but not nil is nobody
	Kind     AdjustmentKind
	EndAfter time.Time // only those that have not ended by then
	Group    MoveID
}

// TransferFilter narrows transfers. Zero fields do not narrow.
type TransferFilter struct {
	Sender, Recipient UserID
	Either            UserID // sent or received by
	From, Until       time.Time
	MinAmount         Credits
	MaxAmount         Credits
	After             string // id of the last row of the page before; newest first
	Limit             int
}

// Move is an outflow whose fate has to be known: it is written before the
// live counter is touched.
type Move struct {
	ID        MoveID
	Org       OrgID
	Outflow   json.RawMessage // the Outflow, to undo it
	State     string          // pending, done, undone
	CreatedAt time.Time
}

// UsageFilter picks events. Zero fields do not narrow.
type UsageFilter struct {
	User        UserID
	From, Until time.Time
	After       string // cursor of the page before
	Limit       int
}

// RequestFilter picks the events that ended requests. Zero fields do not
// narrow.
type RequestFilter struct {
	User        UserID
	Teams       []TeamID // that the usage was attributed to; empty but not nil is nothing
	Project     ProjectID
	Model       string
	Key         KeyID
	Outcomes    []Outcome
	Priority    Priority
	MinCost     Credits // as it was booked, without corrections
	From, Until time.Time
	After       string // cursor of the page before
	Limit       int
}

// DecisionFilter picks refusals. Zero fields do not narrow.
type DecisionFilter struct {
	User        UserID
	Teams       []TeamID // that the person is in now; empty but not nil is nothing
	Codes       []Code
	From, Until time.Time
	After       string // cursor of the page before
	Limit       int
}

// People narrows a count of people to those of some teams or of a department.
// Zero fields do not narrow.
type People struct {
	Teams      []TeamID // empty but not nil is nobody
	Department DepartmentID
}

// PeopleCount says how many people there are, and what they may spend
// together.
type PeopleCount struct {
	Active     int
	OnVacation int
	Suspended  int
	Used       int     // who spent something in the window
	Quotas     Credits // the sum of their quotas, inherited ones too
}

// Hit is something that a search found.
type Hit struct {
	Kind   string // user, team, department, project, key
	ID     string
	Title  string
	Detail string
	User   UserID // whose it is, of a key
	Status string
}

// UsageTotal is one row of the hourly roll-up, summed by model.
type UsageTotal struct {
	Model    string  `json:"model"`
	Requests int64   `json:"requests"`
	Usage    Usage   `json:"usage"`
	Cost     Credits `json:"cost"`
}

// InboxItem tells one person something that happened.
type InboxItem struct {
	ID        string    `json:"id"`
	Org       OrgID     `json:"-"`
	User      UserID    `json:"-"`
	Kind      string    `json:"kind"` // credits_received, vacation_released, …
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	Ref       string    `json:"ref"`
	CreatedAt time.Time `json:"created_at"`
	ReadAt    time.Time `json:"read_at,omitzero"`
}

// AuditFilter narrows the audit log, newest first. Zero fields do not narrow.
type AuditFilter struct {
	Actor       UserID
	Action      string // exact, or a prefix that ends in "."
	Subject     string
	About       string // done by or to this id
	From, Until time.Time
	BeforeSeq   int64
	Limit       int
}

// IdempotentReply is what an earlier request with the same key was answered.
type IdempotentReply struct {
	BodyHash string
	Status   int // 0: still in flight
	Header   map[string]string
	Body     []byte
}

// Topic is one thing that has to be published again.
type Topic struct {
	Seq  int64
	Org  OrgID
	Kind string // catalog, user
	ID   string // of a user
}

// UserDirectory is everything that the record of a person's keys is made of.
type UserDirectory struct {
	User        User
	Keys        []Key
	Memberships []Member
	Projects    []ProjectRef // active ones
	Adjustments []Adjustment // personal and overdraft, not ended
	Limits      []Limit      // of the person and the keys
}

// TeamDirectory is everything that a team's entry in the catalog is made of.
type TeamDirectory struct {
	Team        Team
	Members     int
	Active      int          // of the members
	Adjustments []Adjustment // pool, not ended
	Ask         string       // address of the first team admin
}

// DirectoryQuery asks for people in the order of one of their figures.
// Zero fields do not narrow.
type DirectoryQuery struct {
	UserFilter // After and Limit are of this order
	Department DepartmentID
	UsedOver   *float64  // percent of the quota
	SeenBefore time.Time // no key was used since, or ever
	Sort       DirectorySort
	Descending bool

	Window       Window  // in which use counts
	DefaultQuota Credits // of those who inherit the organisation's
	Now          time.Time
}

// DirectorySort is what people are ordered by. Who has no such figure comes
// last, whichever way round.
type DirectorySort string

const (
	SortCreated     DirectorySort = "created"
	SortName        DirectorySort = "name"
	SortEmail       DirectorySort = "email"
	SortUsed        DirectorySort = "used"
	SortUsedPercent DirectorySort = "used_percent"
	SortQuota       DirectorySort = "quota"
	SortLastSeen    DirectorySort = "last_seen"
)

// DirectoryRow is one person's place in the directory, with the figures that
// only the record has.
type DirectoryRow struct {
	User     UserID
	Used     Credits   // settled by the personal quota in the window
	LastSeen time.Time // when a key was used last
	Cursor   string    // the page after this row begins there
}

// View is a page's filters and order that a person has saved under a name.
type View struct {
	ID        string
	Page      string
	Name      string
	Query     string
	UpdatedAt time.Time
}

// BulkJob is a change of many people.
type BulkJob struct {
	ID         string
	Org        OrgID
	Kind       string // suspend, activate, quota, team_add, team_remove, import_people
	DryRun     bool
	Change     json.RawMessage // what each row is given
	Reason     string
	CreatedBy  UserID
	CreatedAt  time.Time
	StartedAt  time.Time
	FinishedAt time.Time
	Error      string // why it stopped before its end, "" if it did not

	Total, Changed, Unchanged, Failed int // rows
}

// BulkOutcome is what became of a row.
type BulkOutcome string

const (
	BulkPending   BulkOutcome = "pending"
	BulkChanged   BulkOutcome = "changed"
	BulkUnchanged BulkOutcome = "unchanged"
	BulkFailed    BulkOutcome = "failed"
)

// BulkRow is one person's part of a bulk job.
type BulkRow struct {
	Row     int
	Subject UserID // "" while there is nobody
	Label   string
	Given   map[string]string // of an import: the fields of the line
	Outcome BulkOutcome
	Action  string
	Changes []FieldChange
	Error   *BulkError
}

// BulkError is why a row failed.
type BulkError struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"`
}

// DemoData is what there is of the demo data.
type DemoData struct {
	People, Teams int
	Requests      int64
	CreatedAt     time.Time
}
