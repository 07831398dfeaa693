package alfred

import "time"

// Transfer is credits that one person gave to another in one window.
type Transfer struct {
	ID        TransferID `json:"id"`
	Org       OrgID      `json:"-"`
	Move      MoveID     `json:"group_id"`
	Sender    UserID     `json:"sender_id"`
	Recipient UserID     `json:"recipient_id"`
	Amount    Credits    `json:"amount"`
	Reason    string     `json:"reason"`
	Window    Window     `json:"window"`
	CreatedAt time.Time  `json:"created_at"`
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
		return Errorf(CodeNeedsApproval, "transfers above %s credits need an approval", s.TransferFreeLimit)
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
