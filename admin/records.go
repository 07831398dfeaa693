package admin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Records is the record of an organisation: everything that is kept for good.
//
// A method that is called inside InTx takes part in its transaction through
// the context. Unknown ids are alfred.CodeNotFound; a version that has moved
// on is alfred.CodeStaleVersion; a duplicate is alfred.CodeConflict.
type Records interface {
	// InTx runs fn in one transaction, retried when the database says that it
	// could not be serialised. A nested call joins the outer one.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Lock takes a lock by name until the transaction ends.
	Lock(ctx context.Context, name string) error

	OrganizationRecords
	PeopleRecords
	BudgetRecords
	HistoryRecords
	PublishingRecords
}

// OrganizationRecords keep the tenant and what is shared in it.
type OrganizationRecords interface {
	Organizations(ctx context.Context) ([]alfred.Organization, error)
	Organization(ctx context.Context, id alfred.OrgID) (alfred.Organization, error)
	CreateOrganization(ctx context.Context, o alfred.Organization) error
	UpdateOrganization(ctx context.Context, o alfred.Organization) error // o.Version is the version that was read; the row gets the next one
	Bootstrapped(ctx context.Context) (bool, error)
	MarkBootstrapped(ctx context.Context, at time.Time) error

	Departments(ctx context.Context, org alfred.OrgID) ([]alfred.Department, error)
	Department(ctx context.Context, org alfred.OrgID, id alfred.DepartmentID) (alfred.Department, error)
	PutDepartment(ctx context.Context, d alfred.Department) error // Version 0 creates

	Projects(ctx context.Context, org alfred.OrgID) ([]alfred.Project, error)
	Project(ctx context.Context, org alfred.OrgID, id alfred.ProjectID) (alfred.Project, error)
	PutProject(ctx context.Context, p alfred.Project) error // Version 0 creates
	ProjectMembers(ctx context.Context, org alfred.OrgID, id alfred.ProjectID) ([]alfred.UserID, error)
	AddProjectMember(ctx context.Context, org alfred.OrgID, id alfred.ProjectID, u alfred.UserID) error
	RemoveProjectMember(ctx context.Context, org alfred.OrgID, id alfred.ProjectID, u alfred.UserID) error

	RateCard(ctx context.Context, org alfred.OrgID, at time.Time) (alfred.RateCard, error) // the version in force at that time
	AddRateCard(ctx context.Context, org alfred.OrgID, c alfred.RateCard) error
	Models(ctx context.Context, org alfred.OrgID) ([]alfred.Model, error)
	PutModel(ctx context.Context, org alfred.OrgID, m alfred.Model) error
}

// UserFilter narrows a list of people. Zero fields do not narrow.
type UserFilter struct {
	Query    string // part of a name or an address
	Statuses []alfred.UserStatus
	Team     alfred.TeamID
	Access   alfred.AccessRole
	After    string // id of the last row of the page before
	Limit    int
	IDs      []alfred.UserID // only these
}

// PeopleRecords keep users, keys, teams and who is in them.
type PeopleRecords interface {
	CreateUser(ctx context.Context, u alfred.User) error
	User(ctx context.Context, org alfred.OrgID, id alfred.UserID) (alfred.User, error)
	UserByEmail(ctx context.Context, org alfred.OrgID, email string) (alfred.User, error)
	Users(ctx context.Context, org alfred.OrgID, f UserFilter) ([]alfred.User, error)       // by id
	UpdateUser(ctx context.Context, u alfred.User) error                                    // u.Version as read
	DeleteUser(ctx context.Context, org alfred.OrgID, id alfred.UserID, at time.Time) error // soft; keys are revoked, memberships end
	CountOwners(ctx context.Context, org alfred.OrgID) (int, error)

	CreateKey(ctx context.Context, k alfred.Key) error
	KeyByHash(ctx context.Context, hash string) (alfred.Key, error)
	Keys(ctx context.Context, org alfred.OrgID, u alfred.UserID) ([]alfred.Key, error)
	RevokeKey(ctx context.Context, org alfred.OrgID, id alfred.KeyID, at time.Time) error

	CreateTeam(ctx context.Context, t alfred.Team) error
	Team(ctx context.Context, org alfred.OrgID, id alfred.TeamID) (alfred.Team, error)
	Teams(ctx context.Context, org alfred.OrgID, after string, limit int) ([]alfred.Team, error) // by id; limit 0 is all
	UpdateTeam(ctx context.Context, t alfred.Team) error
	DeleteTeam(ctx context.Context, org alfred.OrgID, id alfred.TeamID) error
	Members(ctx context.Context, org alfred.OrgID, t alfred.TeamID) ([]alfred.Member, error)     // by date of joining
	Memberships(ctx context.Context, org alfred.OrgID, u alfred.UserID) ([]alfred.Member, error) // by date of joining
	PutMember(ctx context.Context, org alfred.OrgID, m alfred.Member) (created bool, err error)
	RemoveMember(ctx context.Context, org alfred.OrgID, t alfred.TeamID, u alfred.UserID) error
}

// AdjustmentFilter narrows adjustments. Zero fields do not narrow.
type AdjustmentFilter struct {
	Budget   alfred.BudgetKind
	Subjects []string
	Kind     alfred.AdjustmentKind
	EndAfter time.Time // only those that have not ended by then
	Group    alfred.MoveID
}

// TransferFilter narrows transfers. Zero fields do not narrow.
type TransferFilter struct {
	Sender, Recipient alfred.UserID
	Either            alfred.UserID // sent or received by
	From, Until       time.Time
	MinAmount         alfred.Credits
	MaxAmount         alfred.Credits
	After             string // id of the last row of the page before; newest first
	Limit             int
}

// Move is an outflow whose fate has to be known: it is written before the
// live counter is touched.
type Move struct {
	ID        alfred.MoveID
	Org       alfred.OrgID
	Outflow   json.RawMessage // the alfred.Outflow, to undo it
	State     string          // pending, done, undone
	CreatedAt time.Time
}

// BudgetRecords keep limits and everything that changes them.
type BudgetRecords interface {
	Limits(ctx context.Context, org alfred.OrgID) ([]alfred.Limit, error)
	LimitsOf(ctx context.Context, org alfred.OrgID, scope alfred.Scope, subjects []string) ([]alfred.Limit, error)
	PutLimit(ctx context.Context, org alfred.OrgID, l alfred.Limit) error
	DeleteLimit(ctx context.Context, org alfred.OrgID, scope alfred.Scope, subject string, metric alfred.Metric) error

	AddAdjustments(ctx context.Context, a ...alfred.Adjustment) error // append-only
	Adjustments(ctx context.Context, org alfred.OrgID, f AdjustmentFilter) ([]alfred.Adjustment, error)
	CreateTransfer(ctx context.Context, t alfred.Transfer) error
	Transfers(ctx context.Context, org alfred.OrgID, f TransferFilter) ([]alfred.Transfer, error)

	CreateMove(ctx context.Context, m Move) error
	FinishMove(ctx context.Context, org alfred.OrgID, id alfred.MoveID, state string) error
	PendingMoves(ctx context.Context, createdBefore time.Time) ([]Move, error)

	Releases(ctx context.Context, org alfred.OrgID, w alfred.Window) ([]alfred.Release, error) // of people who are still away
	PutRelease(ctx context.Context, org alfred.OrgID, r alfred.Release) error                  // one per user, team and window: replaces
	EndRelease(ctx context.Context, org alfred.OrgID, u alfred.UserID, t alfred.TeamID, w alfred.Window) error
}

// UsageFilter picks events. Zero fields do not narrow.
type UsageFilter struct {
	User        alfred.UserID
	From, Until time.Time
	After       string // cursor of the page before
	Limit       int
}

// UsageTotal is one row of the hourly roll-up, summed by model.
type UsageTotal struct {
	Model    string         `json:"model"`
	Requests int64          `json:"requests"`
	Usage    alfred.Usage   `json:"usage"`
	Cost     alfred.Credits `json:"cost"`
}

// InboxItem tells one person something that happened.
type InboxItem struct {
	ID        string        `json:"id"`
	Org       alfred.OrgID  `json:"-"`
	User      alfred.UserID `json:"-"`
	Kind      string        `json:"kind"` // credits_received, vacation_released, …
	Title     string        `json:"title"`
	Body      string        `json:"body"`
	Ref       string        `json:"ref"`
	CreatedAt time.Time     `json:"created_at"`
	ReadAt    time.Time     `json:"read_at,omitzero"`
}

// AuditFilter narrows the audit log, newest first. Zero fields do not narrow.
type AuditFilter struct {
	Actor       alfred.UserID
	Action      string // exact, or a prefix that ends in "."
	Subject     string
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

// HistoryRecords keep what happened.
type HistoryRecords interface {
	// RecordEvents stores a batch and its aggregates in one transaction: an
	// event that is there already changes nothing. It returns how many were new.
	RecordEvents(ctx context.Context, events []alfred.UsageEvent) (inserted int, err error)
	// SetAside keeps an entry of the stream that could not be read.
	SetAside(ctx context.Context, org alfred.OrgID, entry string, raw []byte, reason string) error
	Usage(ctx context.Context, org alfred.OrgID, f UsageFilter) (events []alfred.UsageEvent, next string, err error) // newest first, without decisions
	UsageTotals(ctx context.Context, org alfred.OrgID, f UsageFilter) ([]UsageTotal, error)
	CounterUsage(ctx context.Context, org alfred.OrgID, c alfred.Counter) (alfred.Credits, error)
	Decision(ctx context.Context, org alfred.OrgID, id alfred.DecisionID) (alfred.Decision, error) // of a refusal, or made from the event of an admitted request

	AppendAudit(ctx context.Context, e alfred.AuditEvent) (alfred.AuditEvent, error) // sets Seq, PrevHash, Hash; one writer at a time per organisation
	Audit(ctx context.Context, org alfred.OrgID, f AuditFilter) ([]alfred.AuditEvent, error)

	AddInbox(ctx context.Context, items ...InboxItem) error
	Inbox(ctx context.Context, org alfred.OrgID, u alfred.UserID, unreadOnly bool, limit int) ([]InboxItem, error)
	MarkInboxRead(ctx context.Context, org alfred.OrgID, u alfred.UserID, at time.Time) error

	// BeginIdempotent claims a key for 24 hours. It returns the earlier reply
	// when somebody claimed it before.
	BeginIdempotent(ctx context.Context, org alfred.OrgID, actor, key, bodyHash string, now time.Time) (*IdempotentReply, error)
	FinishIdempotent(ctx context.Context, org alfred.OrgID, actor, key string, r IdempotentReply) error
	AbandonIdempotent(ctx context.Context, org alfred.OrgID, actor, key string) error
}

// Topic is one thing that has to be published again.
type Topic struct {
	Seq  int64
	Org  alfred.OrgID
	Kind string // catalog, user
	ID   string // of a user
}

// UserDirectory is everything that the record of a person's keys is made of.
type UserDirectory struct {
	User        alfred.User
	Keys        []alfred.Key
	Memberships []alfred.Member
	Projects    []alfred.ProjectRef // active ones
	Adjustments []alfred.Adjustment // personal and overdraft, not ended
	Limits      []alfred.Limit      // of the person and the keys
}

// TeamDirectory is everything that a team's entry in the catalog is made of.
type TeamDirectory struct {
	Team        alfred.Team
	Active      int
	Adjustments []alfred.Adjustment // pool, not ended
	Ask         string              // address of the first team admin
}

// PublishingRecords feed the directory.
type PublishingRecords interface {
	// Touch marks something to be published, in the writer's transaction, and
	// wakes WaitTouched when it commits.
	Touch(ctx context.Context, org alfred.OrgID, kind string, ids ...string) error
	// Touched returns what is to be published, oldest first.
	Touched(ctx context.Context, max int) ([]Topic, error)
	Published(ctx context.Context, seqs []int64) error
	// WaitTouched returns when something was touched or ctx ends.
	WaitTouched(ctx context.Context) error
	// UserDirectory includes deleted people, so that their keys die.
	UserDirectory(ctx context.Context, org alfred.OrgID, ids []alfred.UserID, now time.Time) ([]UserDirectory, error)
	TeamDirectory(ctx context.Context, org alfred.OrgID, now time.Time) ([]TeamDirectory, error)
}
