package alfred

import "time"

// TransferKind says who decided that credits move.
type TransferKind string

const (
	TransferGiven       TransferKind = "transfer"     // their owner, of his own quota
	TransferReallocated TransferKind = "reallocation" // an admin, between others
)

// Transfer is credits that went from one end to another in one window: from
// one person to another, or, of a reallocation, also from or to a pool. Each
// end is a person or a team.
type Transfer struct {
	ID            TransferID   `json:"id"`
	Org           OrgID        `json:"-"`
	Move          MoveID       `json:"group_id"`
	Kind          TransferKind `json:"kind,omitempty"`
	Sender        UserID       `json:"sender_id,omitempty"`
	SenderTeam    TeamID       `json:"sender_team,omitempty"`
	Recipient     UserID       `json:"recipient_id,omitempty"`
	RecipientTeam TeamID       `json:"recipient_team,omitempty"`
	MadeBy        UserID       `json:"made_by,omitempty"` // of a reallocation
	Amount        Credits      `json:"amount"`
	Reason        string       `json:"reason"`
	Window        Window       `json:"window"`
	CreatedAt     time.Time    `json:"created_at"`
}

// Pairs lays what was taken beside what was given, in their order, and calls
// pair for each overlap: which source, which destination, how much. Amounts
// that sum to zero are covered exactly once.
func Pairs(amounts []Credits, pair func(from, to int, amount Credits)) {
	from, to := 0, 0
	var taken, given Credits // of the ends at hand, what is paired already
	for {
		for from < len(amounts) && (amounts[from] >= 0 || taken == -amounts[from]) {
			from, taken = from+1, 0
		}
		for to < len(amounts) && (amounts[to] <= 0 || given == amounts[to]) {
			to, given = to+1, 0
		}
		if from == len(amounts) || to == len(amounts) {
			return
		}
		part := min(-amounts[from]-taken, amounts[to]-given)
		pair(from, to, part)
		taken, given = taken+part, given+part
	}
}

// CheckTransfer says why a transfer may not happen, or nil. Whether the
// sender has the credits is for the live counter to say.
func CheckTransfer(s Settings, sender Actor, recipient User, amount Credits) error {
	switch {
	case amount < Credit:
		return Invalid("amount", "expected at least 1 credit")
	case amount > MaxCredits:
		return Invalid("amount", "expected at most %s credits", MaxCredits)
	case recipient.ID == sender.User:
		return Invalid("recipient_email", "you cannot transfer credits to yourself")
	case recipient.Status == Suspended:
		return Errorf(CodeRecipient, "%s is suspended and cannot receive credits", recipient.Email)
	case s.TransfersBy == TransfersByAdmins && !sender.Access.Administers():
		return Errorf(CodeForbidden, "only admins may transfer credits in this organisation")
	case amount > s.TransferFreeLimit:
		return Errorf(CodeNeedsApproval, "transfers above %s credits need an approval", Figure(s.TransferFreeLimit))
	}
	return nil
}

// Adjustments returns the pair that books a transfer: it sums to zero, and
// both ends expire with the window.
func (t Transfer) Adjustments() [2]Adjustment {
	out := Adjustment{
		Org: t.Org, Budget: BudgetPersonal, Subject: string(t.Sender), Amount: -t.Amount, From: t.CreatedAt, Until: t.Window.End,
		Kind: AdjustTransfer, Group: t.Move, OnCounter: true, Reason: t.Reason, Actor: t.Sender, CreatedAt: t.CreatedAt,
	}
	in := out
	in.Subject, in.Amount, in.OnCounter = string(t.Recipient), t.Amount, false
	return [2]Adjustment{out, in}
}
