package alfred

import "time"

// CounterKind is what a counter counts the spending of.
type CounterKind string

const (
	CountOrg       CounterKind = "org"
	CountDept      CounterKind = "dept"
	CountTeam      CounterKind = "team" // all that is attributed to a team
	CountUser      CounterKind = "user" // all that a person spends, whoever pays
	CountKey       CounterKind = "key"
	CountProject   CounterKind = "project"
	CountModel     CounterKind = "model"
	CountPersonal  CounterKind = "personal"  // what a person's own quota pays
	CountPool      CounterKind = "pool"      // what a team's pool pays
	CountShare     CounterKind = "share"     // what a pool pays for one member; subject "team/user"
	CountOverdraft CounterKind = "overdraft" // what a person overdraws
)

// Counter names one number in the live store: what a subject has spent in
// one window. It never names a limit, so limits change without touching it.
type Counter struct {
	Kind    CounterKind `json:"kind"`
	Subject string      `json:"subject"`
	Window  Window      `json:"window"`
}

// ShareSubject is the subject of a member's share counter.
func ShareSubject(t TeamID, u UserID) string { return string(t) + "/" + string(u) }

// Balance is a counter read at one instant. Held is Committed - Settled.
type Balance struct {
	Committed Credits `json:"committed"` // settled + held
	Settled   Credits `json:"settled"`   // spent for good, outflows included
	Outflow   Credits `json:"outflow"`   // of Settled: moved away, not spent
}

// Held is what requests in flight reserve.
func (b Balance) Held() Credits { return b.Committed - b.Settled }

// Used is what was spent: settled without what was moved away.
func (b Balance) Used() Credits { return b.Settled - b.Outflow }

// ShareRule bounds a request that was shrunk to fit: how much of what is left
// of a counter it may take.
type ShareRule byte

const (
	TakeAll     ShareRule = 0
	TakeQuarter ShareRule = 1 // shared counters
	TakeHalf    ShareRule = 2 // a person's own counters
)

// Of returns how much of the room a shrunken request may take.
func (s ShareRule) Of(room Credits) Credits {
	switch s {
	case TakeQuarter:
		return room / 4
	case TakeHalf:
		return room / 2
	default:
		return room
	}
}

// Charge is one counter of a plan with the ceiling that it must stay below.
type Charge struct {
	Counter Counter   `json:"counter"`
	Ceiling Credits   `json:"ceiling"` // Unlimited: counted, never refused
	Share   ShareRule `json:"share"`
}

// Cap is a charge that refuses. Code is the refusal when it blocks.
type Cap struct {
	Charge
	Mode Mode `json:"mode"` // Enforce or Shadow
	Code Code `json:"code"`
}

// LegKind says whose credits a leg is.
type LegKind string

const (
	LegPersonal  LegKind = "personal"
	LegTeam      LegKind = "team"
	LegOverdraft LegKind = "overdraft"
)

// Leg pays: a small group of counters that move together. What a leg can
// carry is the least room in its group.
type Leg struct {
	Kind   LegKind  `json:"kind"`
	Group  []Charge `json:"group"`
	Code   Code     `json:"code"`
	Source string   `json:"source"` // for people: "personal quota", "Engineering share"
}

// Bucket paces: a generic cell rate algorithm whose whole state is one
// theoretical arrival time in microseconds (I.363.1 of the ITU-T, appendix A).
type Bucket struct {
	Scope     Scope  `json:"scope"`
	Subject   string `json:"subject"`
	Metric    Metric `json:"metric"`
	PerMinute int64  `json:"per_minute"`
}

// Interval is the time that one unit takes, in microseconds, rounded up so
// that a bucket never admits more than its rate.
func (b Bucket) Interval() int64 { return (60_000_000 + b.PerMinute - 1) / b.PerMinute }

// Burst is how far the arrival time may run ahead of the clock, in
// microseconds: one minute's worth of units.
func (b Bucket) Burst() int64 { return b.Interval() * b.PerMinute }

// BucketCharge adds units to a bucket.
type BucketCharge struct {
	Bucket Bucket `json:"bucket"`
	Units  int64  `json:"units"`
}

// Plan is what one request must pass and who pays: the input of a
// reservation, apart from the amounts.
type Plan struct {
	Caps      []Cap
	Legs      []Leg // personal, then team pools
	Overdraft *Leg  // joins when the legs before it cannot carry the need
	Buckets   []BucketCharge
	Window    Window   // in which the plan is valid: that of its counters
	FailMode  FailMode // the strictest of the limits that it meets
	Priority  Priority
	Lowered   bool // the priority asked for was above the ceiling
	Team      TeamID
	Project   ProjectID
}

// MaxCounters bounds the counters of one request.
const MaxCounters = 32

// MaxLegs bounds the funding legs of one request.
const MaxLegs = 6

// PurgeAfter is how long a counter outlives its window, for late settlements
// and reconciliation.
const PurgeAfter = 8 * 24 * time.Hour
