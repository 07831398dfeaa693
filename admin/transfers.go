package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// TransferCredits gives credits of the actor's own quota to a colleague, in
// this window.
func (s *server) TransferCredits(ctx context.Context, r api.TransferCreditsRequestObject) (api.TransferCreditsResponseObject, error) {
	c := callOf(ctx)
	snap, d, err := s.snapshotOfPerson(ctx, c.actor.Org, c.actor.User)
	if err != nil {
		return nil, err
	}
	recipient, err := s.Records.UserByEmail(ctx, c.actor.Org, strings.TrimSpace(r.Body.RecipientEmail))
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return nil, &alfred.Error{Code: alfred.CodeNotFound, Field: "recipient_email", Message: "Nobody here has the address " + r.Body.RecipientEmail + "."}
	}
	if err != nil {
		return nil, err
	}
	if err := alfred.CheckTransfer(snap.org.Settings, c.actor, recipient, r.Body.Amount); err != nil {
		return nil, err
	}
	moveID, err := s.newMove()
	if err != nil {
		return nil, err
	}
	id, err := s.newID("trf")
	if err != nil {
		return nil, err
	}
	t := alfred.Transfer{
		ID: alfred.TransferID(id), Org: c.actor.Org, Move: moveID, Kind: alfred.TransferGiven, Sender: c.actor.User, Recipient: recipient.ID, Amount: r.Body.Amount,
		Reason: strings.TrimSpace(value(r.Body.Reason)), Window: snap.window, CreatedAt: snap.now,
	}
	err = s.apply(ctx, move{
		org: t.Org, id: moveID, source: alfred.PersonalLeg(snap.principal(d), snap.window, snap.now).Group, amount: t.Amount,
		book: func(ctx context.Context, w *change, _ alfred.Credits) error {
			return s.bookTransfer(ctx, w, t, c.user, snap)
		},
	})
	var short *errTooLittle
	if errors.As(err, &short) {
		return nil, &alfred.Error{
			Code: alfred.CodeInsufficient, Field: "amount",
			Message: fmt.Sprintf("%s credits are available, %s were asked for. What is held by requests in flight comes back when they end.", alfred.Figure(short.available), alfred.Figure(t.Amount)),
		}
	}
	if err != nil {
		return nil, err
	}
	return api.TransferCredits201JSONResponse(describeTransfer(t, transferEnd{string(c.user.ID), c.user.Email, c.user.Name}, transferEnd{string(recipient.ID), recipient.Email, recipient.Name})), nil
}

func (s *server) bookTransfer(ctx context.Context, w *change, t alfred.Transfer, sender alfred.User, snap *snapshot) error {
	// The recipient may have left or been suspended meanwhile.
	recipient, err := s.Records.User(ctx, t.Org, t.Recipient)
	if err != nil {
		return err
	}
	if recipient.Status == alfred.Suspended {
		return alfred.Errorf(alfred.CodeRecipient, "%s is suspended and cannot receive credits", recipient.Email)
	}
	if err := s.Records.CreateTransfer(ctx, t); err != nil {
		return err
	}
	pair := t.Adjustments()
	if err := s.adjust(ctx, pair[:]...); err != nil {
		return err
	}
	unit := snap.org.Settings.UnitName
	item := alfred.InboxItem{
		Kind: "credits_received", Title: fmt.Sprintf("%s gave you %s %s", sender.Name, alfred.Figure(t.Amount), unit), Ref: string(t.ID),
		Body: fmt.Sprintf("They can be used until %s.%s", t.Window.End.In(snap.zone).Format("2 January 2006 15:04 MST"), because(t.Reason)),
	}
	if err := s.notify(ctx, w, t.Recipient, item); err != nil {
		return err
	}
	if err := s.tellTransfer(ctx, w, inLine(fmt.Sprintf("%s gave %s %s to %s%s", sender.Name, alfred.Figure(t.Amount), unit, recipient.Name, because(t.Reason)))); err != nil {
		return err
	}
	w.auditWhy("transfer.create", string(t.ID), t.Reason, nil, t)
	w.publishUsers(t.Sender, t.Recipient)
	return nil
}

// tellTransfer tells the channels that want to hear of transfers.
func (s *server) tellTransfer(ctx context.Context, w *change, text string) error {
	all, err := s.channels(ctx, w.org)
	if err != nil {
		return err
	}
	return s.tell(ctx, w, alfred.AboutTransfer, text, slices.DeleteFunc(all, func(c alfred.Channel) bool { return !c.Transfers })...)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " “" + reason + "”"
}

// maxMyTransfers is how many transfers each way are listed. The totals are of
// all.
const maxMyTransfers = 200

// ListMyTransfers lists what the actor gave and got.
func (s *server) ListMyTransfers(ctx context.Context, r api.ListMyTransfersRequestObject) (api.ListMyTransfersResponseObject, error) {
	actor := callOf(ctx).actor
	f := alfred.TransferFilter{From: value(r.Params.From), Until: value(r.Params.Until), Limit: maxMyTransfers}
	sentFilter, receivedFilter := f, f
	sentFilter.Sender, receivedFilter.Recipient = actor.User, actor.User
	sent, err := s.transfers(ctx, actor.Org, sentFilter)
	if err != nil {
		return nil, err
	}
	received, err := s.transfers(ctx, actor.Org, receivedFilter)
	if err != nil {
		return nil, err
	}
	out := api.ListMyTransfers200JSONResponse{Sent: sent, Received: received}
	if out.TotalSent, err = s.Records.TransferTotal(ctx, actor.Org, sentFilter); err != nil {
		return nil, err
	}
	out.TotalReceived, err = s.Records.TransferTotal(ctx, actor.Org, receivedFilter)
	return out, err
}

// transfers reads transfers with the names of both ends.
func (s *server) transfers(ctx context.Context, org alfred.OrgID, f alfred.TransferFilter) ([]api.Transfer, error) {
	rows, err := s.Records.Transfers(ctx, org, f)
	if err != nil {
		return nil, err
	}
	users, teams, err := s.ends(ctx, org, rows)
	if err != nil {
		return nil, err
	}
	out := make([]api.Transfer, len(rows))
	for i, t := range rows {
		out[i] = describeTransfer(t, end(users, teams, t.Sender, t.SenderTeam), end(users, teams, t.Recipient, t.RecipientTeam))
	}
	return out, nil
}

// transferEnd is where credits went from or to, as a page shows it. What was
// deleted keeps its id.
type transferEnd struct{ id, email, name string }

func end(users map[alfred.UserID]alfred.User, teams map[alfred.TeamID]string, u alfred.UserID, t alfred.TeamID) transferEnd {
	if t != "" {
		return transferEnd{id: string(t), name: teams[t]}
	}
	return transferEnd{string(u), users[u].Email, users[u].Name}
}

// ends reads the people and teams that transfers name.
func (s *server) ends(ctx context.Context, org alfred.OrgID, rows []alfred.Transfer) (map[alfred.UserID]alfred.User, map[alfred.TeamID]string, error) {
	users, teams := map[alfred.UserID]alfred.User{}, map[alfred.TeamID]string{}
	for _, t := range rows {
		users[t.Sender], users[t.Recipient] = alfred.User{}, alfred.User{}
		teams[t.SenderTeam], teams[t.RecipientTeam] = "", ""
	}
	delete(users, "")
	delete(teams, "")
	if len(users) > 0 {
		found, err := s.Records.UserDirectory(ctx, org, slices.Collect(maps.Keys(users)), s.Now())
		if err != nil {
			return nil, nil, err
		}
		for _, d := range found {
			users[d.User.ID] = d.User
		}
	}
	if len(teams) > 0 {
		found, err := s.Records.TeamDirectory(ctx, org, s.Now(), slices.Collect(maps.Keys(teams))...)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range found {
			teams[d.Team.ID] = d.Team.Name
		}
	}
	return users, teams, nil
}

func describeTransfer(t alfred.Transfer, from, to transferEnd) api.Transfer {
	return api.Transfer{
		Id: string(t.ID), Kind: api.TransferKind(t.Kind), MadeBy: optional(string(t.MadeBy)), MoveId: optional(string(t.Move)),
		SenderId: from.id, SenderEmail: from.email, SenderName: from.name, RecipientId: to.id, RecipientEmail: to.email, RecipientName: to.name,
		Amount: t.Amount, Reason: t.Reason, ExpiresAt: t.Window.End, CreatedAt: t.CreatedAt,
	}
}

// ListTransfers lists everybody's transfers.
func (s *server) ListTransfers(ctx context.Context, r api.ListTransfersRequestObject) (api.ListTransfersResponseObject, error) {
	p := r.Params
	pg, err := newPage(p.Cursor, p.Limit, "transfers", p.User, p.From, p.Until, p.MinAmount, p.MaxAmount)
	if err != nil {
		return nil, err
	}
	f := alfred.TransferFilter{
		Either: alfred.UserID(value(p.User)), From: value(p.From), Until: value(p.Until), MinAmount: amount(p.MinAmount), MaxAmount: amount(p.MaxAmount),
		After: pg.after, Limit: pg.limit + 1,
	}
	rows, err := s.transfers(ctx, callOf(ctx).actor.Org, f)
	if err != nil {
		return nil, err
	}
	data, more, next := cut(pg, rows, func(t api.Transfer) string { return t.Id })
	return api.ListTransfers200JSONResponse{Data: data, HasMore: more, NextCursor: next}, nil
}

// amount reads credits of a query, which come as a number.
func amount(f *float64) alfred.Credits {
	return alfred.Credits(math.Round(value(f) * float64(alfred.Credit)))
}

// ExportTransfers writes transfers as CSV, page by page.
func (s *server) ExportTransfers(ctx context.Context, r api.ExportTransfersRequestObject) (api.ExportTransfersResponseObject, error) {
	p, org := r.Params, callOf(ctx).actor.Org
	f := alfred.TransferFilter{
		Either: alfred.UserID(value(p.User)), From: value(p.From), Until: value(p.Until), MinAmount: amount(p.MinAmount), MaxAmount: amount(p.MaxAmount), Limit: 1000,
	}
	return csvFile{"transfers.csv", []string{"id", "created_at", "sender", "recipient", "amount", "reason", "expires_at", "kind", "made_by", "move_id", "sender_id", "recipient_id"}, func(yield func(...string) error) error {
		for {
			rows, err := s.transfers(ctx, org, f)
			if err != nil {
				return err
			}
			for _, t := range rows {
				err := yield(t.Id, t.CreatedAt.UTC().Format(time.RFC3339), cmp.Or(t.SenderEmail, t.SenderName), cmp.Or(t.RecipientEmail, t.RecipientName), t.Amount.String(),
					t.Reason, t.ExpiresAt.UTC().Format(time.RFC3339), string(t.Kind), value(t.MadeBy), value(t.MoveId), t.SenderId, t.RecipientId)
				if err != nil {
					return err
				}
			}
			if len(rows) < f.Limit {
				return nil
			}
			f.After = rows[len(rows)-1].Id
		}
	}}, nil
}
