package alfred

import (
	"math/big"
	"time"
)

// ReserveRequest asks the live store to hold an amount between Need and Want
// on every counter of a plan, or nothing.
type ReserveRequest struct {
	Org     OrgID
	Hold    HoldID
	Need    Credits // 0 <= Need <= Want <= MaxCredits
	Want    Credits
	Caps    []Cap
	Legs    []Leg // at least 1, at most MaxLegs, in the order in which they pay
	Buckets []BucketCharge
	Window  Window        // the store's clock must lie in it, else the verdict is VerdictStale
	TTL     time.Duration // until the hold is reaped, unless extended
	Terms   Terms
}

// Terms travel in the record of a hold, so that any process can end it.
type Terms struct {
	OnExpiry  ReapPolicy `json:"on_expiry"`
	InputCost Credits    `json:"input_cost"`     // what ReapInputOnly charges
	Want      Credits    `json:"want,omitempty"` // what was asked for; 0 of a record that does not tell
	Event     UsageEvent `json:"event"`          // who, what and when; amounts are filled in when the hold ends
}

// Verdict is how a reservation ended.
type Verdict string

const (
	VerdictGranted  Verdict = "granted"
	VerdictSpent    Verdict = "spent"    // does not fit what was spent: comes back with the next window
	VerdictHeld     Verdict = "held"     // would fit but for requests in flight: comes back in a moment
	VerdictRate     Verdict = "rate"     // a bucket is empty
	VerdictStale    Verdict = "stale"    // the store's clock is outside the window of the plan
	VerdictLearning Verdict = "learning" // the store does not know what was spent: it is empty, or being built
	VerdictReplay   Verdict = "replay"   // this hold has ended already; nothing was changed
)

// Blocker names what refused.
type Blocker struct {
	Code      Code
	Counter   Counter // of a cap or a leg
	Bucket    Bucket  // of a rate
	Remaining Credits // left of the counter that blocked, for spent and held
	Limit     Credits // its ceiling
}

// ReserveReply is the answer to a reservation.
type ReserveReply struct {
	Verdict   Verdict
	Record    HoldRecord    // when granted (a replay of an open hold is granted again, unchanged)
	Blocker   Blocker       // when not granted
	RetryIn   time.Duration // of VerdictRate
	Remaining Credits       // when granted: what the legs together still have after this hold
	Shadow    []Code        // shadow caps that would have refused or shrunk this
	Balances  []Balance     // of the caps, then of each leg's group, in order; only Committed is sure to be set
	Now       time.Time     // the store's clock
	Server    string        // the run of the server that answered; "" when that is not known
}

// HoldRecord is an open hold: what was taken from where, and what settlement
// must know. It is stored with the hold and handed back on reserve.
type HoldRecord struct {
	Org     OrgID          `json:"org"`
	Hold    HoldID         `json:"hold"`
	Granted Credits        `json:"granted"`
	Caps    []Counter      `json:"caps"`
	Legs    []HeldLeg      `json:"legs"`
	Buckets []BucketCharge `json:"buckets,omitempty"`
	Due     time.Time      `json:"due"`
	Terms   Terms          `json:"terms"`
}

// HeldLeg is what one leg pays of a hold.
type HeldLeg struct {
	Kind     LegKind   `json:"kind"`
	Counters []Counter `json:"counters"`
	Taken    Credits   `json:"taken"`
}

// Settlement ends a hold with the truth.
type Settlement struct {
	Record HoldRecord
	Cost   Credits    // the measured cost; above the hold it overdraws the last leg that paid, it is never refused
	Tokens int64      // the measured tokens, for tokens-per-minute buckets
	Event  UsageEvent // appended with the charges filled in
}

// EndState is where a hold stood when somebody came to end it.
type EndState string

const (
	EndSettled   EndState = "settled"   // this call settled it
	EndVoided    EndState = "voided"    // this call released it
	EndUnknown   EndState = "unknown"   // there was no such hold; one that comes later is refused
	EndExpired   EndState = "expired"   // this call charged it by policy
	EndDuplicate EndState = "duplicate" // it had ended before; nothing was changed
	EndAdjusted  EndState = "adjusted"  // it had expired or been voided; the difference was booked once
	EndLate      EndState = "late"      // its record was gone; charged in full, once
	EndExtended  EndState = "extended"  // reap found that it lives on
)

// SpreadOverLegs divides an actual cost over the legs of a hold in order, up
// to what each has taken, so that what is unused returns to the last leg
// first. An overrun goes to the last leg that paid, so that it does not land
// on an overdraft that paid nothing. The result sums to cost.
func SpreadOverLegs(legs []HeldLeg, cost Credits) []Credits {
	out := make([]Credits, len(legs))
	last, rest := 0, cost
	for i, l := range legs {
		out[i] = min(l.Taken, rest)
		rest -= out[i]
		if l.Taken > 0 {
			last = i
		}
	}
	if len(legs) > 0 {
		out[last] += rest
	}
	return out
}

// ReapCharge is what an expired hold costs by its policy.
func (r HoldRecord) ReapCharge() Credits {
	switch r.Terms.OnExpiry {
	case ReapZero:
		return 0
	case ReapInputOnly:
		return min(r.Terms.InputCost, r.Granted)
	default:
		return r.Granted
	}
}

// ReapUsage is the tokens that an expired hold is charged for: the bound of
// the input, and of the output as much as the charge pays at the price of what
// was asked for. A record that does not tell what was asked for has none.
func (r HoldRecord) ReapUsage() Usage {
	t, charge := r.Terms, r.ReapCharge()
	if t.Want <= t.InputCost || charge < t.InputCost || charge == 0 {
		return Usage{}
	}
	output := new(big.Int).Mul(big.NewInt(int64(min(charge, t.Want)-t.InputCost)), big.NewInt(t.Event.OutputLimit))
	output.Div(output, big.NewInt(int64(t.Want-t.InputCost)))
	return Usage{Input: t.Event.InputBound, Output: output.Int64()}
}

// Outflow takes an amount away from a counter in an open window: the first
// step of a transfer, a vacation release or a give-back. It is idempotent by
// move id and refused when the amount is not there.
type Outflow struct {
	Org     OrgID
	Move    MoveID
	Source  []Charge // counters that move together; the first one's room must hold the amount, as must every other's
	Amount  Credits
	Partial bool // take what is there, at most Amount, instead of refusing
}

// OutflowReply says what was taken.
type OutflowReply struct {
	Taken     Credits // 0 when refused
	Available Credits // what was there, before
	Refused   bool
	Now       time.Time
}
