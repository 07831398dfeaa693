package alfred

import "time"

// BudgetKind says which budget of a subject an adjustment changes.
type BudgetKind string

const (
	BudgetPersonal  BudgetKind = "personal"  // subject: a user
	BudgetPool      BudgetKind = "pool"      // subject: a team
	BudgetOverdraft BudgetKind = "overdraft" // subject: a user
)

// AdjustmentKind says why a limit changed.
type AdjustmentKind string

const (
	AdjustManual       AdjustmentKind = "manual"
	AdjustTransfer     AdjustmentKind = "transfer"
	AdjustVacation     AdjustmentKind = "vacation"
	AdjustDebt         AdjustmentKind = "debt"
	AdjustReallocation AdjustmentKind = "reallocation"
)

// Adjustment is a dated, signed change of one limit. Adjustments are never
// edited: a later one undoes an earlier one. Those of a group sum to zero.
//
// An outflow that moved in an open window is also counted on the source's
// live counter (OnCounter). The published limit leaves it out, so that a
// limit that is a second old cannot be spent twice.
type Adjustment struct {
	ID        AdjustmentID   `json:"id"`
	Org       OrgID          `json:"-"`
	Budget    BudgetKind     `json:"budget"`
	Subject   string         `json:"subject"`
	Amount    Credits        `json:"amount"`
	From      time.Time      `json:"effective_at"`
	Until     time.Time      `json:"expires_at"` // zero: for ever
	Kind      AdjustmentKind `json:"kind"`
	Group     MoveID         `json:"group_id,omitempty"`
	OnCounter bool           `json:"-"`
	Reason    string         `json:"reason"`
	Actor     UserID         `json:"actor"`
	CreatedAt time.Time      `json:"created_at"`
}

// ActiveAt says whether the adjustment has effect at t: from its start up to,
// and not including, its end.
func (a Adjustment) ActiveAt(t time.Time) bool {
	return !t.Before(a.From) && (a.Until.IsZero() || t.Before(a.Until))
}

// Effective returns base plus every adjustment that is active at t, at least
// 0: the limit as a person understands it.
func Effective(base Credits, adjustments []Adjustment, t time.Time) Credits {
	sum := base
	for _, a := range adjustments {
		if a.ActiveAt(t) {
			sum = sum.plus(a.Amount)
		}
	}
	return sum.Floor0()
}

// Allowance is a limit as the data plane gets it: a base and the dated
// amounts that still matter. Outflows on a live counter are not in it.
type Allowance struct {
	Base  Credits       `json:"base"`
	Dated []DatedAmount `json:"dated,omitempty"`
}

// DatedAmount changes an allowance from From up to Until.
type DatedAmount struct {
	Amount Credits   `json:"amount"`
	From   time.Time `json:"from,omitzero"`
	Until  time.Time `json:"until,omitzero"`
}

// At returns the allowance at t, at least 0.
func (a Allowance) At(t time.Time) Credits {
	sum := a.Base
	for _, d := range a.Dated {
		if !t.Before(d.From) && (d.Until.IsZero() || t.Before(d.Until)) {
			sum = sum.plus(d.Amount)
		}
	}
	return sum.Floor0()
}

// Publish returns the allowance that the data plane may enforce: everything
// but the outflows that stand on a live counter and what has ended by now.
func Publish(base Credits, adjustments []Adjustment, now time.Time) Allowance {
	a := Allowance{Base: base}
	for _, adj := range adjustments {
		if adj.OnCounter || (!adj.Until.IsZero() && !now.Before(adj.Until)) {
			continue
		}
		a.Dated = append(a.Dated, DatedAmount{adj.Amount, adj.From, adj.Until})
	}
	return a
}

// Source says where a limit comes from, as a person would ask.
type Source struct {
	Level string `json:"level"` // user, team, department, organization
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
}

// InheritedQuota is one level's default in the search for a person's quota.
type InheritedQuota struct {
	Source Source
	Value  *Credits // nil: this level sets none
}

// ResolveQuota returns the first value that is set, from the narrowest level
// to the widest, and where it came from. Levels never add up. The last level
// is the organisation's, which always has one.
func ResolveQuota(levels ...InheritedQuota) (Credits, Source) {
	for _, l := range levels {
		if l.Value != nil {
			return *l.Value, l.Source
		}
	}
	return 0, Source{Level: "organization"}
}
