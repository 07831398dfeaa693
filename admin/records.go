package admin

import (
	"context"
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
	// Savepoint runs fn as a part of the context's transaction, of which
	// nothing is left when it fails; the transaction goes on.
	Savepoint(ctx context.Context, fn func(ctx context.Context) error) error
	// Lock takes a lock by name until the transaction ends.
	Lock(ctx context.Context, name string) error

	OrganizationRecords
	PeopleRecords
	PageRecords
	BudgetRecords
	AlertRecords
	HistoryRecords
	PublishingRecords
	LedgerRecords
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

// PeopleRecords keep users, keys, teams and who is in them.
type PeopleRecords interface {
	CreateUser(ctx context.Context, users ...alfred.User) error // all or none, as what follows of many
	User(ctx context.Context, org alfred.OrgID, id alfred.UserID) (alfred.User, error)
	UserByEmail(ctx context.Context, org alfred.OrgID, email string) (alfred.User, error)
	UsersByEmail(ctx context.Context, org alfred.OrgID, emails ...string) ([]alfred.User, error) // who is there, in no order
	Users(ctx context.Context, org alfred.OrgID, f alfred.UserFilter) ([]alfred.User, error)     // by id
	Directory(ctx context.Context, org alfred.OrgID, q alfred.DirectoryQuery) (rows []alfred.DirectoryRow, total int, err error)
	UpdateUser(ctx context.Context, users ...alfred.User) error                                            // Version as read
	DeleteUser(ctx context.Context, org alfred.OrgID, id alfred.UserID, version int64, at time.Time) error // of the version that was read; soft; keys are revoked, memberships end
	CountPeople(ctx context.Context, org alfred.OrgID, of alfred.People, start time.Time, otherwise alfred.Credits) (alfred.PeopleCount, error)
	CountOwners(ctx context.Context, org alfred.OrgID) (int, error)

	CreateKey(ctx context.Context, k alfred.Key) error
	KeyByHash(ctx context.Context, hash string) (alfred.Key, error)
	KeysByID(ctx context.Context, org alfred.OrgID, ids []alfred.KeyID) ([]alfred.Key, error) // those that exist
	Keys(ctx context.Context, org alfred.OrgID, u alfred.UserID) ([]alfred.Key, error)
	ExpireKey(ctx context.Context, org alfred.OrgID, id alfred.KeyID, at time.Time) error
	RevokeKey(ctx context.Context, org alfred.OrgID, id alfred.KeyID, at time.Time) error

	CreateSession(ctx context.Context, s alfred.Session) error
	Session(ctx context.Context, hash string) (alfred.Session, error) // over or not
	SeeSession(ctx context.Context, hash string, at time.Time) error
	EndSession(ctx context.Context, hash string) error
	EndSessions(ctx context.Context, org alfred.OrgID, u alfred.UserID) error

	CreateTeam(ctx context.Context, t alfred.Team) error
	Team(ctx context.Context, org alfred.OrgID, id alfred.TeamID) (alfred.Team, error)
	Teams(ctx context.Context, org alfred.OrgID, query, after string, limit int) ([]alfred.Team, error) // whose name has query in it, by id; limit 0 is all
	UpdateTeam(ctx context.Context, t alfred.Team) error
	DeleteTeam(ctx context.Context, org alfred.OrgID, id alfred.TeamID) error
	Members(ctx context.Context, org alfred.OrgID, teams ...alfred.TeamID) ([]alfred.Member, error)     // by date of joining
	Memberships(ctx context.Context, org alfred.OrgID, users ...alfred.UserID) ([]alfred.Member, error) // by date of joining
	PutMember(ctx context.Context, org alfred.OrgID, members ...alfred.Member) (created int, err error)
	RemoveMember(ctx context.Context, org alfred.OrgID, t alfred.TeamID, users ...alfred.UserID) error
}

// PageRecords keep what the web app's pages work with.
type PageRecords interface {
	Views(ctx context.Context, org alfred.OrgID, u alfred.UserID, page string) ([]alfred.View, error)
	PutView(ctx context.Context, org alfred.OrgID, u alfred.UserID, v alfred.View) error
	DeleteView(ctx context.Context, org alfred.OrgID, u alfred.UserID, id string) error
	Dismissed(ctx context.Context, org alfred.OrgID) (bool, error)
	Dismiss(ctx context.Context, org alfred.OrgID, at time.Time) error // the zero time brings the first steps back
	Demo(ctx context.Context, org alfred.OrgID) (alfred.DemoData, error)
	// DemoUsed is what the demo data used in a window: that of some of its teams,
	// or all of it. Not present is that there is none.
	DemoUsed(ctx context.Context, org alfred.OrgID, teams []alfred.TeamID, w alfred.Window) (used alfred.Credits, present bool, err error)
	// RemoveDemo takes it away whole, whatever is append-only otherwise.
	RemoveDemo(ctx context.Context, org alfred.OrgID) error
	RateCards(ctx context.Context, org alfred.OrgID) ([]alfred.RateCard, error)

	// Rows of a bulk job are finished in the transaction of what they change, in
	// which the job is locked; one that somebody else has finished is CodeConflict.
	CreateBulkJob(ctx context.Context, j alfred.BulkJob, rows []alfred.BulkRow) error
	BulkJob(ctx context.Context, org alfred.OrgID, id string) (alfred.BulkJob, error)
	BulkJobs(ctx context.Context, org alfred.OrgID, before string, limit int) ([]alfred.BulkJob, error)
	BulkRows(ctx context.Context, org alfred.OrgID, id string, outcome alfred.BulkOutcome, after, limit int) ([]alfred.BulkRow, error)
	LockBulkJob(ctx context.Context, now time.Time) (alfred.BulkJob, error) // the oldest that waits; CodeNotFound: none does, or somebody is at it
	FinishBulkRows(ctx context.Context, org alfred.OrgID, job string, rows ...alfred.BulkRow) error
	FinishBulkJob(ctx context.Context, org alfred.OrgID, id, why string, at time.Time) error
}

// BudgetRecords keep limits and everything that changes them.
type BudgetRecords interface {
	Limits(ctx context.Context, org alfred.OrgID) ([]alfred.Limit, error)
	LimitsOf(ctx context.Context, org alfred.OrgID, scope alfred.Scope, subjects []string) ([]alfred.Limit, error)
	PutLimit(ctx context.Context, org alfred.OrgID, l alfred.Limit) error
	DeleteLimit(ctx context.Context, org alfred.OrgID, scope alfred.Scope, subject string, metric alfred.Metric) error

	AddAdjustments(ctx context.Context, a ...alfred.Adjustment) error // append-only
	Adjustments(ctx context.Context, org alfred.OrgID, f alfred.AdjustmentFilter) ([]alfred.Adjustment, error)
	CreateTransfer(ctx context.Context, t alfred.Transfer) error
	Transfers(ctx context.Context, org alfred.OrgID, f alfred.TransferFilter) ([]alfred.Transfer, error)
	TransferTotal(ctx context.Context, org alfred.OrgID, f alfred.TransferFilter) (alfred.Credits, error) // of all pages

	CreateMove(ctx context.Context, m alfred.Move) error
	FinishMove(ctx context.Context, org alfred.OrgID, id alfred.MoveID, state string) error
	PendingMoves(ctx context.Context, createdBefore time.Time) ([]alfred.Move, error)

	Overdrawn(ctx context.Context, org alfred.OrgID, w, after alfred.Window) ([]alfred.UserID, error)                 // who is to be charged for w in the window after
	Releases(ctx context.Context, org alfred.OrgID, w alfred.Window, only ...alfred.TeamID) ([]alfred.Release, error) // of people who are still away
	PutRelease(ctx context.Context, org alfred.OrgID, r alfred.Release) error                                         // one per user, team and window: replaces
	EndRelease(ctx context.Context, org alfred.OrgID, u alfred.UserID, t alfred.TeamID, w alfred.Window) error
}

// AlertRecords keep where people are told of things, and what they were told.
type AlertRecords interface {
	Channels(ctx context.Context, org alfred.OrgID) ([]alfred.Channel, error) // by name
	Channel(ctx context.Context, org alfred.OrgID, id string) (alfred.Channel, error)
	PutChannel(ctx context.Context, c alfred.Channel) error               // Version 0 creates
	DeleteChannel(ctx context.Context, org alfred.OrgID, id string) error // with what was on its way there
	AddDeliveries(ctx context.Context, all ...alfred.Delivery) error
	// ClaimDelivery takes the message that has waited longest, counts the
	// attempt, and keeps it from others until the lease ends. CodeNotFound: none is due.
	ClaimDelivery(ctx context.Context, now, lease time.Time) (alfred.Delivery, error)
	PutDelivery(ctx context.Context, d alfred.Delivery) error
	GiveUpDeliveries(ctx context.Context, org alfred.OrgID, channel string, by time.Time, detail string, now time.Time) error // what waits and was written by a time
	HurryDeliveries(ctx context.Context, org alfred.OrgID, channel string, now time.Time) error                               // what was not tried yet
	DelayDeliveries(ctx context.Context, org alfred.OrgID, channel string, until time.Time) error
	Delivery(ctx context.Context, org alfred.OrgID, id string) (alfred.Delivery, error)
	Deliveries(ctx context.Context, org alfred.OrgID, channel, before string, limit int) ([]alfred.Delivery, error) // newest first
	// LastDeliveries are of those that have ended, but for failed tests without tests.
	LastDeliveries(ctx context.Context, org alfred.OrgID, channels []string, tests bool) (map[string]alfred.Delivery, error)
	ForgetDeliveries(ctx context.Context, before time.Time) error

	CountersInUse(ctx context.Context, org alfred.OrgID, kind alfred.CounterKind, w alfred.Window) (map[string]alfred.CounterTotal, error)
	AlertLevels(ctx context.Context, org alfred.OrgID, start time.Time) ([]alfred.AlertLevel, error) // of windows with this start
	PutAlertLevels(ctx context.Context, org alfred.OrgID, levels []alfred.AlertLevel) error
	AddAlerts(ctx context.Context, alerts ...alfred.Alert) error
	Alerts(ctx context.Context, org alfred.OrgID, before string, limit int) ([]alfred.Alert, error) // newest first
}

// HistoryRecords keep what happened.
type HistoryRecords interface {
	// RecordEvents stores a batch and its aggregates in one transaction: an
	// event that is there already changes nothing. It returns how many were new.
	RecordEvents(ctx context.Context, events []alfred.UsageEvent) (inserted int, err error)
	// SetAside keeps an entry of the stream that could not be booked.
	SetAside(ctx context.Context, org alfred.OrgID, entry string, raw []byte, reason string) error
	EntriesSetAside(ctx context.Context, org alfred.OrgID, waiting bool, after string, limit int) ([]alfred.EntrySetAside, error) // newest first
	EntrySetAside(ctx context.Context, org alfred.OrgID, entry string) (alfred.EntrySetAside, error)
	TriedSetAside(ctx context.Context, org alfred.OrgID, entry, reason string, booked bool, at time.Time) (alfred.EntrySetAside, error)
	Usage(ctx context.Context, org alfred.OrgID, f alfred.UsageFilter) (events []alfred.UsageEvent, next string, err error) // newest first, without decisions
	UsageTotals(ctx context.Context, org alfred.OrgID, f alfred.UsageFilter) ([]alfred.UsageTotal, error)
	ProviderUses(ctx context.Context, org alfred.OrgID, from, until time.Time) ([]alfred.ProviderUse, error)
	ModelUses(ctx context.Context, org alfred.OrgID, from, until time.Time) ([]alfred.ModelUse, error)
	UsageQuery(ctx context.Context, org alfred.OrgID, q alfred.UsageQuery) ([]alfred.UsageRow, error) // from roll-ups alone, largest first
	CounterUsage(ctx context.Context, org alfred.OrgID, c alfred.Counter) (alfred.Credits, error)
	Requests(ctx context.Context, org alfred.OrgID, f alfred.RequestFilter) (events []alfred.UsageEvent, next string, err error) // newest first
	RequestEvents(ctx context.Context, org alfred.OrgID, id alfred.DecisionID) ([]alfred.UsageEvent, error)                      // of one request, oldest first
	Decisions(ctx context.Context, org alfred.OrgID, f alfred.DecisionFilter) (decisions []alfred.Decision, next string, err error)
	Decision(ctx context.Context, org alfred.OrgID, id alfred.DecisionID) (alfred.Decision, error) // of a refusal, or made from the event of an admitted request

	// AppendAudit sets Seq, PrevHash and Hash, of events in their order; one
	// writer at a time per organisation.
	AppendAudit(ctx context.Context, org alfred.OrgID, events ...alfred.AuditEvent) (sealed []alfred.AuditEvent, err error)
	Audit(ctx context.Context, org alfred.OrgID, f alfred.AuditFilter) ([]alfred.AuditEvent, error)

	// Search finds at most some of each kind by a part of the name. teams
	// narrows to what is of these teams; nil does not.
	Search(ctx context.Context, org alfred.OrgID, text string, teams []alfred.TeamID, most int) ([]alfred.Hit, error)

	AddInbox(ctx context.Context, items ...alfred.InboxItem) error
	Inbox(ctx context.Context, org alfred.OrgID, u alfred.UserID, unreadOnly bool, limit int) ([]alfred.InboxItem, error)
	MarkInboxRead(ctx context.Context, org alfred.OrgID, u alfred.UserID, at time.Time) error

	// BeginIdempotent claims a key. It returns the earlier reply when somebody
	// claimed it before: of Status 0 while they are at it, and answerless when
	// they have written and not answered. A claim under which nothing is
	// written lapses in minutes.
	BeginIdempotent(ctx context.Context, org alfred.OrgID, actor, key, bodyHash string, now time.Time) (*alfred.IdempotentReply, error)
	// CommitIdempotent marks, in the transaction of the write, that the one who
	// claimed a key has written. CodeNotFound: the claim is somebody else's now.
	CommitIdempotent(ctx context.Context, org alfred.OrgID, actor, key string, now time.Time) error
	FinishIdempotent(ctx context.Context, org alfred.OrgID, actor, key string, r alfred.IdempotentReply, now time.Time) error
	// AbandonIdempotent gives a claim back; one that was written under only
	// when written says so.
	AbandonIdempotent(ctx context.Context, org alfred.OrgID, actor, key string, written bool) error
}

// PublishingRecords feed the directory.
type PublishingRecords interface {
	// Touch marks something to be published, in the writer's transaction, and
	// wakes WaitTouched when it commits.
	Touch(ctx context.Context, org alfred.OrgID, kind string, ids ...string) error
	// LastTopic grows with every change that is to be published, of any organisation.
	LastTopic(ctx context.Context) (int64, error)
	// Touched returns what is to be published, oldest first.
	Touched(ctx context.Context, max int) ([]alfred.Topic, error)
	Published(ctx context.Context, seqs []int64) error
	// RaiseTopics lets topics be numbered above what was seen published, and
	// says whether they were behind it.
	RaiseTopics(ctx context.Context, above int64) (raised bool, err error)
	// WaitTouched returns when something was touched or ctx ends.
	WaitTouched(ctx context.Context) error
	// UserDirectory includes deleted people, so that their keys die.
	UserDirectory(ctx context.Context, org alfred.OrgID, ids []alfred.UserID, now time.Time) ([]alfred.UserDirectory, error)
	TeamDirectory(ctx context.Context, org alfred.OrgID, now time.Time, only ...alfred.TeamID) ([]alfred.TeamDirectory, error)
}
