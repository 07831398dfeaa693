package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/store"
)

// motion is what the world knows of one move of credits between two people.
type motion struct {
	id       alfred.MoveID
	from, to alfred.UserID
	made     bool // whoever asked was told that it was made
	refused  bool // … that it was not
}

// transfer asks one process of the control plane to move credits. Some moves
// take what is there, as the release of a vacation does.
func (w *world) transfer(which int) {
	h := w.admins[which%len(w.admins)]
	from, to := w.record.people[which/2%len(w.record.people)], w.record.people[(which/2+1+which/64%3)%len(w.record.people)]
	amount, partial := alfred.Credits(1+which%900)*alfred.Credit, which%5 == 0
	if h.dead || from.User.ID == to.User.ID {
		return
	}
	w.moving++
	m := &motion{id: alfred.MoveID(fmt.Sprintf("mov_%d", w.moving)), from: from.User.ID, to: to.User.ID}
	w.motions = append(w.motions, m)
	w.begin(h, func() {
		zone, err := alfred.Zone(w.record.org.Settings.Zone)
		if err != nil {
			return
		}
		window, err := w.record.org.Settings.Window.At(w.now, zone)
		if err != nil {
			return
		}
		sender := &alfred.Principal{User: m.from, Personal: w.record.published(m.from, w.now)}
		t := alfred.Transfer{Org: orgID, Move: m.id, Sender: m.from, Recipient: m.to, Window: window, CreatedAt: w.now}
		out := alfred.Outflow{Org: orgID, Move: m.id, Source: alfred.PersonalLeg(sender, window, w.now).Group, Amount: amount, Partial: partial}
		records := remote{w.record, w, h}
		err = w.mover(h).Move(w.ctx, out, records.InTx, func(ctx context.Context, taken alfred.Credits) error {
			switch {
			case which%7 == 0:
				return alfred.Errorf(alfred.CodeRecipient, "%s has left meanwhile", m.to)
			case taken == 0:
				return nil
			}
			t.Amount = taken
			pair := t.Adjustments()
			if err := records.AddAdjustments(ctx, pair[:]...); err != nil {
				return err
			}
			return records.Touch(ctx, orgID, "user", string(t.Sender), string(t.Recipient))
		})
		m.made, m.refused = err == nil, err != nil && !errors.Is(err, admin.ErrFateUnknown)
		w.say("%s of %s from %s to %s: %v", m.id, t.Amount, m.from, m.to, err)
	})
}

// startAdmin runs the part of the control plane that people ask, with the job
// that settles the moves of those who died.
func (w *world) startAdmin(h *host) {
	h.dead = false
	m := w.mover(h)
	jobs := admin.Jobs{Config: admin.Config{Records: m.Records, Live: m.Live, Now: m.Now, Log: w.log}}
	w.loop(h, func() time.Duration { _ = jobs.SettleMoves(w.ctx); return 30 * time.Second }) // tried again
}

func (w *world) mover(h *host) admin.Mover {
	here := live{w, h}
	records := remote{w.record, w, h}
	now := func() time.Time { return w.now }
	return admin.Mover{
		Records: records, Live: moving{published{live: here}}, Now: now, Log: w.log,
		Ledger: &admin.Rebuilder{Records: records, Live: building{here}, Now: now, Log: w.log},
	}
}

// moving is the live store as who moves credits has it.
type moving struct{ published }

func (m moving) TakeOutflow(ctx context.Context, o alfred.Outflow) (alfred.OutflowReply, error) {
	return call(m.world, m.world.redis, "take "+string(o.Move), func() (reply alfred.OutflowReply, err error) {
		// The worst moments: what is taken is lost before it is booked, and what
		// is given back is lost after it was.
		if m.world.chance(FaultFailover, 0.05) {
			m.world.failover(time.Duration(m.world.net.Int64N(int64(5*time.Millisecond))), 0)
		}
		m.world.checkedMove(o, 1, func() { reply, err = m.world.store.TakeOutflow(ctx, o) })
		if m.world.moved {
			m.world.afterTake(o)
		}
		if m.world.chance(FaultFailover, 0.05) {
			m.world.failover(time.Duration(m.world.net.Int64N(int64(time.Second))), 0)
		}
		return reply, err
	})
}

func (m moving) UndoOutflow(ctx context.Context, o alfred.Outflow) error {
	_, err := call(m.world, m.world.redis, "undo "+string(o.Move), func() (_ struct{}, err error) {
		m.world.checkedMove(o, -1, func() { err = m.world.store.UndoOutflow(ctx, o) })
		return struct{}{}, err
	})
	return err
}

// What the record knows of moves.

func (r remote) CreateMove(_ context.Context, m alfred.Move) error {
	_, err := call(r.world, r.world.postgres, "create "+string(m.ID), func() (struct{}, error) {
		if _, there := r.record.moves[m.ID]; there {
			return struct{}{}, alfred.Errorf(alfred.CodeConflict, "move %s is there", m.ID)
		}
		r.record.moves[m.ID] = m
		return struct{}{}, nil
	})
	return err
}

func (r remote) FinishMove(ctx context.Context, _ alfred.OrgID, id alfred.MoveID, state string) error {
	_, err := call(r.world, r.world.postgres, "finish "+string(id), func() (struct{}, error) {
		was, there := r.record.moves[id]
		switch {
		case !there:
			return struct{}{}, alfred.Errorf(alfred.CodeNotFound, "move %s is not there", id)
		case was.State != "pending" && was.State != state:
			return struct{}{}, alfred.Errorf(alfred.CodeConflict, "move %s is %s already", id, was.State)
		}
		return struct{}{}, nil
	})
	if err == nil {
		r.record.write(ctx, func(r *record) {
			m := r.moves[id]
			m.State = state
			r.moves[id] = m
		})
	}
	return err
}

func (r *record) PendingMoves(_ context.Context, before time.Time) ([]alfred.Move, error) {
	var out []alfred.Move
	for _, id := range slices.Sorted(maps.Keys(r.moves)) {
		if m := r.moves[id]; m.State == "pending" && m.CreatedAt.Before(before) {
			out = append(out, m)
		}
	}
	return out, nil
}

// UndoneMoves returns all of them in one page.
func (r *record) UndoneMoves(_ context.Context, _ alfred.OrgID, after alfred.MoveID, _ int) ([]alfred.Move, error) {
	var out []alfred.Move
	for _, id := range slices.Sorted(maps.Keys(r.moves)) {
		if m := r.moves[id]; m.State == "undone" && after == "" {
			out = append(out, m)
		}
	}
	return out, nil
}

func (r *record) AddAdjustments(ctx context.Context, all ...alfred.Adjustment) error {
	r.write(ctx, func(r *record) { r.adjustments = append(r.adjustments, all...) })
	return nil
}

func (r *record) AddOutflow(ctx context.Context, _ alfred.OrgID, from []alfred.Charge, taken alfred.Credits) error {
	r.write(ctx, func(r *record) {
		for _, c := range from {
			if taken > 0 {
				r.outflows[store.Name(c.Counter)] += taken
				r.named[store.Name(c.Counter)] = c.Counter
			}
		}
	})
	return nil
}

// published is what the data plane may enforce of somebody's quota.
func (r *record) published(id alfred.UserID, now time.Time) alfred.Allowance {
	for _, d := range r.people {
		if d.User.ID == id {
			return alfred.Publish(*d.User.Quota, r.adjusted(id), now)
		}
	}
	return alfred.Allowance{}
}

func (r *record) adjusted(id alfred.UserID) []alfred.Adjustment {
	var out []alfred.Adjustment
	for _, a := range r.adjustments {
		if a.Subject == string(id) {
			out = append(out, a)
		}
	}
	return out
}

// checkedMove runs one step of a move. It changes what is committed, settled
// and moved away by one amount, on the counters of its source, in one
// direction.
func (w *world) checkedMove(o alfred.Outflow, sign alfred.Credits, run func()) {
	before := w.store.Counters(orgID)
	w.checked(transferring, run)
	after := w.store.Counters(orgID)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, is := before[name], after[name]
		by := is.Outflow - was.Outflow
		ours := slices.ContainsFunc(o.Source, func(c alfred.Charge) bool { return store.Name(c.Counter) == name })
		if was != is && (!ours || by*sign < 0 || is.Committed-was.Committed != by || is.Settled-was.Settled != by) {
			w.broken("M1 a move takes from its source alone, and one amount", "%s: %s from %+v to %+v", o.Move, name, was, is)
		}
	}
}

func (w *world) afterTake(o alfred.Outflow) {
	counters := w.store.Counters(orgID)
	for _, c := range o.Source {
		if is := counters[store.Name(c.Counter)].Committed; is > c.Ceiling {
			w.broken("I1 what is granted is never above a ceiling", "%s stands at %s of %s after %s", store.Name(c.Counter), is, c.Ceiling, o.Move)
		}
	}
}

// checkMoves holds every move to all or nothing, in the record and on the
// counters, and to what whoever asked was told.
func (w *world) checkMoves() {
	sums, pairs := map[alfred.MoveID]alfred.Credits{}, map[alfred.MoveID]int{}
	for _, a := range w.record.adjustments {
		sums[a.Group] += a.Amount
		pairs[a.Group]++
	}
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		if sums[id] != 0 || pairs[id] != 2 {
			w.broken("M2 what is moved sums to 0", "%s: %d adjustments of %s together", id, pairs[id], sums[id])
		}
	}
	for _, m := range w.motions {
		was, there := w.record.moves[m.id]
		done := there && was.State == "done"
		switch {
		case !done && pairs[m.id] > 0:
			w.broken("M3 a move is made wholly or not at all", "%s is %q and booked", m.id, was.State)
		case m.made && !done || m.refused && done:
			w.broken("M4 a move is as whoever asked was told", "%s is %q, told %t", m.id, was.State, m.made)
		}
	}
	live := w.store.Counters(orgID)
	for _, name := range slices.Sorted(maps.Keys(w.record.named)) {
		if !strings.HasPrefix(name, string(alfred.CountPersonal)) || w.lost > 0 && !w.record.named[name].Window.Contains(w.now) {
			continue
		}
		if is := live[name].Outflow; is != w.record.outflows[name] {
			w.broken("M3 a move is made wholly or not at all", "%s: %s moved away, recorded %s", name, is, w.record.outflows[name])
		}
	}
}

// received lets a person who was given credits spend above the highest quota.
func (r *record) received(name string) (sum alfred.Credits) {
	for _, a := range r.adjustments {
		if a.Amount > 0 && strings.HasPrefix(name, string(alfred.CountPersonal)+":"+a.Subject+":") {
			sum += a.Amount
		}
	}
	return sum
}
