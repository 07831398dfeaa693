package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// SetMyVacation sends the actor on vacation, or brings them back.
func (s *server) SetMyVacation(ctx context.Context, r api.SetMyVacationRequestObject) (api.SetMyVacationResponseObject, error) {
	before := callOf(ctx).user
	after := before
	switch {
	case r.Body.OnVacation:
		after.Status = alfred.OnVacation
		if r.Body.Until.IsSpecified() {
			after.VacationUntil = value(given(r.Body.Until))
		}
	case value(given(r.Body.Until)).IsZero():
		after.Status = alfred.Active
	default:
		return nil, alfred.Invalid("until", "expected only with on_vacation")
	}
	if err := s.saveUser(ctx, before, after); err != nil {
		return nil, err
	}
	out, err := s.changed(ctx, before)
	return api.SetMyVacation200JSONResponse(out), err
}

// errReleased is a release that somebody else made meanwhile, or that no
// longer fits what all who are away may give.
var errReleased = alfred.Errorf(alfred.CodeConflict, "the vacation of this team changed at the same time; try again")

// goAway releases what a person who has left does not need in this window to
// the pool of the primary team, once. It does nothing for a person without a
// team, and nothing the second time.
func (s *server) goAway(ctx context.Context, u alfred.User) error {
	if callOf(ctx).dryRun {
		return nil
	}
	for range 3 {
		err := s.release(ctx, u)
		if !errors.Is(err, errReleased) {
			return err
		}
	}
	return nil // someone else did it, or the job will
}

func (s *server) release(ctx context.Context, u alfred.User) error {
	snap, d, err := s.snapshotOfPerson(ctx, u.Org, u.ID)
	if err != nil || len(d.Memberships) == 0 || d.User.Status != alfred.OnVacation {
		return err
	}
	team, ok := snap.teams[d.Memberships[0].Team]
	if !ok {
		return nil
	}
	done, room, err := s.releaseRoom(ctx, snap, u.ID, team.Team)
	if err != nil || done {
		return err
	}
	id, err := s.newMove()
	if err != nil {
		return err
	}
	book := func(ctx context.Context, w *change, taken alfred.Credits) error {
		if err := s.Records.Lock(ctx, "vacation:"+string(u.Org)); err != nil {
			return err
		}
		away, err := s.awayFrom(ctx, u, team.Team.ID)
		if err != nil {
			return err
		}
		done, room, err := s.releaseRoom(ctx, snap, u.ID, team.Team)
		if err != nil {
			return err
		}
		if !away || done || taken > room {
			return errReleased
		}
		return s.bookRelease(ctx, w, snap, alfred.Release{User: u.ID, Team: team.Team.ID, Amount: taken, Window: snap.window, Move: id}, true)
	}
	if room == 0 {
		// Nothing may be given, and that is remembered, so that it is not tried
		// again every minute.
		return s.write(ctx, u.Org, func(ctx context.Context, w *change) error { return book(ctx, w, 0) })
	}
	return s.apply(ctx, move{
		org: u.Org, id: id, source: alfred.PersonalLeg(snap.principal(d), snap.window, snap.now).Group, amount: room, partial: true, book: book,
	})
}

// awayFrom says whether a person is still on vacation, and still of this team
// first.
func (s *server) awayFrom(ctx context.Context, u alfred.User, team alfred.TeamID) (bool, error) {
	now, err := s.Records.User(ctx, u.Org, u.ID)
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return false, nil
	}
	if err != nil || now.Status != alfred.OnVacation {
		return false, err
	}
	memberships, err := s.Records.Memberships(ctx, u.Org, u.ID)
	return len(memberships) > 0 && memberships[0].Team == team, err
}

// ending runs a write that ends what a release rests on: a vacation, a
// membership or a team. back returns what was released, as far as it is
// unspent, before. Under the lock of all releases the write makes sure that
// none was booked meanwhile, and begins again if one was. The batch of a row of
// a bulk job holds that lock: the row is carried out by itself when something
// has to be returned first.
func (s *server) ending(ctx context.Context, org alfred.OrgID, of func(alfred.Release) bool, back func(ctx context.Context) error, fn func(ctx context.Context, w *change) error) error {
	if row := callOf(ctx).row; row != nil {
		if !row.batch.job.DryRun && slices.ContainsFunc(row.batch.released, of) {
			row.back = back
			return errReleased
		}
		return s.write(ctx, org, fn)
	}
	for range 3 {
		if err := back(ctx); err != nil {
			return err
		}
		err := s.write(ctx, org, func(ctx context.Context, w *change) error {
			released, err := s.lockReleases(ctx, org)
			switch {
			case err != nil:
				return err
			case slices.ContainsFunc(released, of) && !w.call.dryRun:
				return errReleased
			}
			return fn(ctx, w)
		})
		if !errors.Is(err, errReleased) {
			return err
		}
	}
	return errReleased
}

// lockReleases returns the releases of this window and the next. Until the
// transaction ends nobody else makes or ends one.
func (s *server) lockReleases(ctx context.Context, org alfred.OrgID) ([]alfred.Release, error) {
	if err := s.Records.Lock(ctx, "vacation:"+string(org)); err != nil {
		return nil, err
	}
	snap, err := s.snapshotOf(ctx, org, nil)
	if err != nil {
		return nil, err
	}
	next, err := snap.next()
	if err != nil {
		return nil, err
	}
	now, err := s.Records.Releases(ctx, org, snap.window)
	if err != nil {
		return nil, err
	}
	planned, err := s.Records.Releases(ctx, org, next)
	return append(now, planned...), err
}

// releaseRoom says what a person may still give to a team in this window, and
// whether that has been settled already.
func (s *server) releaseRoom(ctx context.Context, snap *snapshot, u alfred.UserID, t alfred.Team) (done bool, room alfred.Credits, err error) {
	releases, err := s.Records.Releases(ctx, snap.org.ID, snap.window, t.ID)
	if err != nil {
		return false, 0, err
	}
	released := alfred.Credits(0)
	for _, r := range releases {
		if r.User == u && r.Team == t.ID {
			return true, 0, nil
		}
		if r.Team == t.ID {
			released += r.Amount
		}
	}
	return false, alfred.ReleaseAmount(alfred.MaxCredits, t.CommonPool, snap.org.Settings.VacationSharePercent, released), nil
}

// bookRelease stores a release and the pair that moves it. live says that the
// amount was taken on the person's counter.
func (s *server) bookRelease(ctx context.Context, w *change, snap *snapshot, r alfred.Release, live bool) error {
	if err := s.Records.PutRelease(ctx, w.org, r); err != nil || r.Amount == 0 {
		return err
	}
	if err := s.adjust(ctx, pair(w, r, alfred.BudgetPersonal, string(r.User), alfred.BudgetPool, string(r.Team), live, "vacation")...); err != nil {
		return err
	}
	if live {
		item := alfred.InboxItem{
			Kind: "vacation_released", Title: fmt.Sprintf("%s %s went to your team's pool", alfred.Figure(r.Amount), snap.org.Settings.UnitName),
			Body: "What your team has not used comes back when you do.", Ref: string(r.Team),
		}
		if err := s.notify(ctx, w, r.User, item); err != nil {
			return err
		}
	}
	w.audit("vacation.release", string(r.User), nil, r)
	w.publishUsers(r.User)
	w.publishCatalog()
	return nil
}

// pair is what moves a release from one budget to another within its window.
func pair(w *change, r alfred.Release, from alfred.BudgetKind, source string, to alfred.BudgetKind, destination string, live bool, why string) []alfred.Adjustment {
	start := r.Window.Start
	if live {
		start = w.now
	}
	out := alfred.Adjustment{
		Org: w.org, Budget: from, Subject: source, Amount: -r.Amount, From: start, Until: r.Window.End, Kind: alfred.AdjustVacation, Group: r.Move,
		OnCounter: live, Reason: why, Actor: w.call.actor.User, CreatedAt: w.now,
	}
	in := out
	in.Budget, in.Subject, in.Amount, in.OnCounter = to, destination, r.Amount, false
	return []alfred.Adjustment{out, in}
}

// comeBack returns what a person released, as far as the pools have not spent
// it, before the person is active again or leaves a team. team narrows to one
// team; "" is all.
func (s *server) comeBack(ctx context.Context, u alfred.User, team alfred.TeamID) error {
	if callOf(ctx).dryRun {
		return nil
	}
	snap, err := s.snapshotOf(ctx, u.Org, nil)
	if err != nil {
		return err
	}
	mine := func(w alfred.Window) ([]alfred.Release, error) {
		all, err := s.Records.Releases(ctx, u.Org, w)
		return slices.DeleteFunc(all, func(r alfred.Release) bool { return r.User != u.ID || (team != "" && r.Team != team) }), err
	}
	now, err := mine(snap.window)
	if err != nil {
		return err
	}
	for _, r := range now {
		if err := snap.addTeams(ctx, s.Records, r.Team); err != nil {
			return err
		}
		// Somebody else may have given it back meanwhile.
		if err := s.giveBack(ctx, snap, r); err != nil && !errors.Is(err, errReleased) {
			return err
		}
	}
	next, err := snap.next()
	if err != nil {
		return err
	}
	planned, err := mine(next)
	if err != nil {
		return err
	}
	for _, r := range planned {
		err := s.write(ctx, u.Org, func(ctx context.Context, w *change) error {
			if err := s.Records.Lock(ctx, "vacation:"+string(u.Org)); err != nil {
				return err
			}
			if stands, err := s.stands(ctx, w.org, r); err != nil || !stands {
				return err
			}
			return s.cancelRelease(ctx, w, r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// takeBack is comeBack for a member who is about to lose a team.
func (s *server) takeBack(ctx context.Context, m alfred.Member) error {
	u, err := s.Records.User(ctx, callOf(ctx).actor.Org, m.User)
	if err != nil {
		return err
	}
	return s.comeBack(ctx, u, m.Team)
}

func (p *snapshot) next() (alfred.Window, error) { return p.org.Settings.WindowAfter(p.window) }

// giveBack moves a release of this window back, as far as the pool still has
// it.
func (s *server) giveBack(ctx context.Context, snap *snapshot, r alfred.Release) error {
	end := func(ctx context.Context) error {
		return s.Records.EndRelease(ctx, snap.org.ID, r.User, r.Team, r.Window)
	}
	share, ok := snap.catalog.Teams[r.Team]
	if r.Amount == 0 || !ok {
		return end(ctx)
	}
	id, err := s.newMove()
	if err != nil {
		return err
	}
	pool := alfred.Charge{Counter: alfred.Counter{Kind: alfred.CountPool, Subject: string(r.Team), Window: snap.window}, Ceiling: share.Pool.At(snap.now)}
	return s.apply(ctx, move{
		org: snap.org.ID, id: id, source: []alfred.Charge{pool}, amount: r.Amount, partial: true,
		book: func(ctx context.Context, w *change, taken alfred.Credits) error {
			if err := s.Records.Lock(ctx, "vacation:"+string(w.org)); err != nil {
				return err
			}
			stands, err := s.stands(ctx, w.org, r)
			if err != nil {
				return err
			}
			if !stands {
				return errReleased
			}
			if err := end(ctx); err != nil || taken == 0 {
				return err
			}
			back := r
			back.Amount, back.Move = taken, id
			w.audit("vacation.return", string(r.User), r, back)
			w.publishUsers(r.User)
			w.publishCatalog()
			item := alfred.InboxItem{
				Kind: "vacation_returned", Title: fmt.Sprintf("%s of %s %s came back from your team's pool", alfred.Figure(taken), alfred.Figure(r.Amount), snap.org.Settings.UnitName),
				Body: "The rest was used by your team.", Ref: string(r.Team),
			}
			if taken == r.Amount {
				item.Body = "Your team has used none of it."
			}
			if err := s.notify(ctx, w, r.User, item); err != nil {
				return err
			}
			return s.adjust(ctx, pair(w, back, alfred.BudgetPool, string(r.Team), alfred.BudgetPersonal, string(r.User), true, "back from vacation")...)
		},
	})
}

// stands says whether a release is still as it was read.
func (s *server) stands(ctx context.Context, org alfred.OrgID, r alfred.Release) (bool, error) {
	all, err := s.Records.Releases(ctx, org, r.Window, r.Team)
	return slices.Contains(all, r), err
}

// cancelRelease undoes a release of a window that has not begun.
func (s *server) cancelRelease(ctx context.Context, w *change, r alfred.Release) error {
	if err := s.Records.EndRelease(ctx, w.org, r.User, r.Team, r.Window); err != nil || r.Amount == 0 {
		return err
	}
	id, err := s.newMove()
	if err != nil {
		return err
	}
	back := r
	back.Move = id
	w.audit("vacation.cancel", string(r.User), r, nil)
	w.publishUsers(r.User)
	w.publishCatalog()
	return s.adjust(ctx, pair(w, back, alfred.BudgetPool, string(r.Team), alfred.BudgetPersonal, string(r.User), false, "vacation cancelled")...)
}
