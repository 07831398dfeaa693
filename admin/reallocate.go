package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// reallocation moves credits between quotas and pools in the window that
// runs. What it takes, it takes first, on the live counters; then everything
// is booked at once. Whatever fails in between gives back what was taken.
type reallocation struct {
	server  *server
	snap    *snapshot
	id      alfred.MoveID // of the adjustments, which sum to zero
	entries []reallocated
	reason  string
}

// reallocated is one end of a reallocation.
type reallocated struct {
	user   alfred.UserID // or …
	team   alfred.TeamID
	name   string
	amount alfred.Credits
	charge alfred.Charge
	before alfred.Credits // available
	taken  *alfred.Move   // of a source, once it is written down
}

// CreateReallocation moves credits between people and teams.
func (s *server) CreateReallocation(ctx context.Context, r api.CreateReallocationRequestObject) (api.CreateReallocationResponseObject, error) {
	c := callOf(ctx)
	m, err := s.readReallocation(ctx, r.Body)
	if err != nil {
		return nil, err
	}
	if err := m.available(ctx); err != nil {
		return nil, err
	}
	if !c.dryRun {
		err = m.take(ctx)
	}
	if err == nil {
		err = s.write(ctx, c.actor.Org, m.book)
	}
	if err != nil {
		booked, settleErr := m.settle(context.WithoutCancel(ctx))
		if settleErr != nil {
			s.Log.Error("reallocation is left to the job", "move", m.id, "err", settleErr)
		}
		if !booked {
			return nil, err
		}
	}
	out := api.Reallocation{
		Id: string(m.id), Reason: m.reason, ExpiresAt: m.snap.window.End, CreatedAt: m.snap.now,
		CreatedBy: api.PersonRef{Id: string(c.user.ID), Name: c.user.Name, Email: c.user.Email},
	}
	out.Entries = slices.Grow(out.Entries, len(m.entries))[:len(m.entries)]
	for i, e := range m.entries {
		row := &out.Entries[i]
		row.Amount, row.AvailableBefore, row.AvailableAfter, row.Name = e.amount, e.before, e.before+e.amount, e.name
		row.UserId, row.TeamId = optional(string(e.user)), optional(string(e.team))
	}
	return api.CreateReallocation201JSONResponse(out), nil
}

// readReallocation checks the entries and who may move them.
func (s *server) readReallocation(ctx context.Context, b *api.CreateReallocationJSONRequestBody) (*reallocation, error) {
	actor := callOf(ctx).actor
	id, err := s.newMove()
	if err != nil {
		return nil, err
	}
	m := &reallocation{server: s, id: id, reason: b.Reason}
	sum, teams := alfred.Credits(0), []alfred.TeamID{}
	people := map[alfred.UserID]alfred.UserDirectory{}
	for i, e := range b.Entries {
		field := fmt.Sprintf("entries[%d]", i)
		one := reallocated{user: alfred.UserID(value(e.UserId)), team: alfred.TeamID(value(e.TeamId)), amount: e.Amount}
		same := func(o reallocated) bool { return o.user == one.user && o.team == one.team }
		switch {
		case (one.user == "") == (one.team == ""):
			return nil, alfred.Invalid(field, "expected user_id or team_id")
		case one.amount == 0 || one.amount > alfred.MaxCredits || one.amount < -alfred.MaxCredits:
			return nil, alfred.Invalid(field+".amount", "expected an amount above or below 0, at most %s", alfred.MaxCredits)
		case slices.ContainsFunc(m.entries, same):
			return nil, alfred.Invalid(field, "it is there twice")
		case one.user == actor.User && one.amount > 0:
			return nil, &alfred.Error{Code: alfred.CodeForbidden, Field: field, Message: "Nobody moves credits to himself; ask another admin."}
		}
		if one.user != "" {
			if _, err := s.seen(ctx, one.user); err != nil {
				return nil, err
			}
			d, err := person(ctx, s.Records, actor.Org, one.user, s.Now())
			if err != nil {
				return nil, err
			}
			if one.amount > 0 && d.User.Status == alfred.Suspended {
				return nil, alfred.Errorf(alfred.CodeRecipient, "%s is suspended and cannot receive credits", d.User.Email)
			}
			people[one.user], one.name = d, d.User.Name
			teams = append(teams, teamsOf(d)...)
		} else {
			if !actor.AdministersTeam(one.team) {
				return nil, notFound("team", string(one.team))
			}
			team, err := s.Records.Team(ctx, actor.Org, one.team)
			if err != nil {
				return nil, err
			}
			one.name = team.Name
			teams = append(teams, one.team)
		}
		sum += one.amount
		m.entries = append(m.entries, one)
	}
	if sum != 0 {
		return nil, alfred.Invalid("entries", "they add up to %s, and have to add up to 0", alfred.Figure(sum))
	}
	if m.snap, err = s.snapshotOf(ctx, actor.Org, teams); err != nil {
		return nil, err
	}
	for i := range m.entries {
		e := &m.entries[i]
		if e.user != "" {
			e.charge = alfred.PersonalLeg(m.snap.principal(people[e.user]), m.snap.window, m.snap.now).Group[0]
		} else {
			e.charge = alfred.TeamLeg(e.team, m.snap.catalog.Teams[e.team], "", m.snap.window, m.snap.now).Group[0]
		}
	}
	return m, nil
}

// available reads what every end has now, and refuses early what cannot be.
func (m *reallocation) available(ctx context.Context) error {
	counters := make([]alfred.Counter, len(m.entries))
	for i, e := range m.entries {
		counters[i] = e.charge.Counter
	}
	live, err := m.server.balances(ctx, m.snap.org.ID, counters)
	if err != nil {
		return err
	}
	for i := range m.entries {
		e := &m.entries[i]
		e.before = (e.charge.Ceiling - live[i].Committed).Floor0()
		if e.before+e.amount < 0 {
			return m.tooLittle(i, e.before)
		}
	}
	return nil
}

func (m *reallocation) tooLittle(i int, available alfred.Credits) error {
	return &alfred.Error{
		Code: alfred.CodeInsufficient, Field: fmt.Sprintf("entries[%d].amount", i),
		Message: fmt.Sprintf("%s has %s credits available, %s were to be taken. Nothing was moved.", m.entries[i].name, alfred.Figure(available), alfred.Figure(-m.entries[i].amount)),
	}
}

// take takes from every source, each written down before.
func (m *reallocation) take(ctx context.Context) error {
	s, org := m.server, m.snap.org.ID
	for i := range m.entries {
		e := &m.entries[i]
		if e.amount > 0 {
			continue
		}
		id, err := s.newMove()
		if err != nil {
			return err
		}
		out := alfred.Outflow{Org: org, Move: id, Source: []alfred.Charge{e.charge}, Amount: -e.amount}
		raw, err := json.Marshal(out)
		if err != nil {
			return fmt.Errorf("write down move %s: %w", id, err)
		}
		record := alfred.Move{ID: id, Org: org, Outflow: raw, State: movePending, CreatedAt: s.Now()}
		if err := s.Records.CreateMove(ctx, record); err != nil {
			return fmt.Errorf("write down move %s: %w", id, err)
		}
		e.taken = &record
		reply, err := s.Live.TakeOutflow(ctx, out)
		if err != nil {
			return &alfred.Error{Code: alfred.CodeUnavailable, Message: "The credits could not be moved; nothing was taken.", Err: err}
		}
		if reply.Refused {
			return m.tooLittle(i, reply.Available.Floor0())
		}
	}
	return nil
}

// book stores both sides. A source that was settled meanwhile undoes it all.
//
// What was taken goes into the record's own counters with it, under the lock
// under which the ledger is compared with the record: a ledger that is built
// from the record would offer it to the sources once more.
func (m *reallocation) book(ctx context.Context, w *change) error {
	s := m.server
	if err := m.standing(ctx); err != nil {
		return err
	}
	var all []alfred.Adjustment
	for _, e := range m.entries {
		a := alfred.Adjustment{
			Org: w.org, Budget: alfred.BudgetPersonal, Subject: string(e.user), Amount: e.amount, From: w.now, Until: m.snap.window.End, Kind: alfred.AdjustReallocation,
			Group: m.id, OnCounter: e.amount < 0, Reason: m.reason, Actor: w.call.actor.User, CreatedAt: w.now,
		}
		if e.team != "" {
			a.Budget, a.Subject = alfred.BudgetPool, string(e.team)
			w.publishTeam(e.team)
		} else {
			w.publishUsers(e.user)
		}
		all = append(all, a)
		w.auditWhy("reallocation.create", a.Subject, m.reason, map[string]any{"available": e.before}, map[string]any{"available": e.before + e.amount, "amount": e.amount, "group_id": m.id})
		if e.taken != nil {
			if err := s.Records.FinishMove(ctx, w.org, e.taken.ID, moveDone); err != nil {
				return err
			}
			if err := s.Records.AddOutflow(ctx, w.org, []alfred.Charge{e.charge}, -e.amount); err != nil {
				return err
			}
		}
	}
	if err := s.adjust(ctx, all...); err != nil {
		return err
	}
	return m.keep(ctx, w)
}

// keep puts the reallocation into the history of transfers, pair by pair.
func (m *reallocation) keep(ctx context.Context, w *change) (err error) {
	amounts := make([]alfred.Credits, len(m.entries))
	for i, e := range m.entries {
		amounts[i] = e.amount
	}
	alfred.Pairs(amounts, func(from, to int, amount alfred.Credits) {
		var id string
		if err != nil {
			return
		}
		if id, err = m.server.newID("trf"); err != nil {
			return
		}
		source, destination := m.entries[from], m.entries[to]
		err = m.server.Records.CreateTransfer(ctx, alfred.Transfer{
			ID: alfred.TransferID(id), Org: w.org, Move: m.id, Kind: alfred.TransferReallocated, Sender: source.user, SenderTeam: source.team,
			Recipient: destination.user, RecipientTeam: destination.team, MadeBy: w.call.actor.User, Amount: amount, Reason: m.reason,
			Window: m.snap.window, CreatedAt: w.now,
		})
	})
	return err
}

// standing locks the record, and sees that what was taken stands.
func (m *reallocation) standing(ctx context.Context) error {
	taken := map[alfred.MoveID]alfred.Credits{}
	for _, e := range m.entries {
		if e.taken != nil {
			taken[e.taken.ID] = -e.amount
		}
	}
	if len(taken) == 0 {
		return nil // a rehearsal
	}
	if _, err := m.server.Records.LockUsage(ctx, m.snap.org.ID); err != nil {
		return err
	}
	return m.server.Ledger.Stands(ctx, m.snap.org.ID, taken)
}

// settle asks the record what became of the sources, and gives back what was
// not booked. They are booked together, so one answers for all.
func (m *reallocation) settle(ctx context.Context) (booked bool, err error) {
	for _, e := range m.entries {
		if e.taken == nil {
			continue
		}
		was, settleErr := settleMove(ctx, m.server.Records, m.server.Live, *e.taken)
		if settleErr != nil {
			err = settleErr
		}
		booked = booked || was
	}
	return booked, err
}
