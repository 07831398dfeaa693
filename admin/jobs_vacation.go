package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
)

// KeepVacations ends vacations whose time has come, releases what somebody
// who is away has not released in this window, and keeps the planned releases
// of the next window true.
func (j *Jobs) KeepVacations(ctx context.Context) error {
	orgs, err := j.Records.Organizations(ctx)
	if err != nil {
		return err
	}
	for _, org := range orgs {
		if err := j.keepVacations(ctx, org.ID); err != nil {
			return fmt.Errorf("%s: %w", org.ID, err)
		}
	}
	return nil
}

func (j *Jobs) keepVacations(ctx context.Context, org alfred.OrgID) error {
	s := j.server()
	snap, err := s.snapshotOf(ctx, org, nil)
	if err != nil {
		return err
	}
	// The releases first: whoever leaves after that is in none of them.
	releases, err := s.Records.Releases(ctx, org, snap.window)
	if err != nil {
		return err
	}
	away, err := s.away(ctx, snap)
	if err != nil {
		return err
	}
	if err := s.mendReleases(ctx, snap, releases, away); err != nil {
		return err
	}
	released := map[releaseKey]bool{}
	for _, r := range releases {
		released[releaseKey{r.User, r.Team}] = true
	}
	for _, d := range away {
		u := d.User
		if !u.VacationUntil.IsZero() && !u.VacationUntil.After(j.Now()) {
			after := u
			after.Status = alfred.Active
			if err := s.saveUser(ctx, u, after); err != nil {
				return fmt.Errorf("end vacation of %s: %w", u.ID, err)
			}
			continue
		}
		if len(d.Memberships) == 0 || released[releaseKey{u.ID, d.Memberships[0].Team}] {
			continue
		}
		if err := s.goAway(ctx, u); err != nil {
			return fmt.Errorf("release of %s: %w", u.ID, err)
		}
	}
	return s.planReleases(ctx, org)
}

// mendReleases gives back what stands in this window for somebody who is not
// away, or not of the team any more. Nothing leaves such a release behind
// now; a record of an earlier version may hold some.
func (s *server) mendReleases(ctx context.Context, snap *snapshot, releases []alfred.Release, away []alfred.UserDirectory) error {
	stands := map[releaseKey]bool{}
	for _, d := range away {
		for _, m := range d.Memberships {
			stands[releaseKey{d.User.ID, m.Team}] = true
		}
	}
	for _, r := range releases {
		if stands[releaseKey{r.User, r.Team}] {
			continue
		}
		if err := snap.addTeams(ctx, s.Records, r.Team); err != nil {
			return err
		}
		s.Log.Warn("a release without a vacation is given back", "user", r.User, "team", r.Team, "amount", r.Amount)
		if err := s.giveBack(ctx, snap, r); err != nil && !errors.Is(err, errReleased) {
			return fmt.Errorf("give back to %s: %w", r.User, err)
		}
	}
	return nil
}

// planReleases makes the releases of the next window what they should be: in
// the order in which people left, each gives what it will have, as long as
// the percentage of the pool allows. What is planned otherwise is rewritten.
func (s *server) planReleases(ctx context.Context, org alfred.OrgID) error {
	return s.write(ctx, org, func(ctx context.Context, w *change) error {
		if err := s.Records.Lock(ctx, "vacation:"+string(org)); err != nil {
			return err
		}
		snap, err := s.snapshotOf(ctx, org, nil)
		if err != nil {
			return err
		}
		next, err := snap.next()
		if err != nil || next == snap.window {
			return err // a window without an end has no next one
		}
		planned, err := s.Records.Releases(ctx, org, next)
		if err != nil {
			return err
		}
		people, err := s.away(ctx, snap)
		if err != nil {
			return err
		}
		if err := snap.addTeams(ctx, s.Records, teamsOf(people...)...); err != nil {
			return err
		}
		want := snap.plan(people, next)
		for _, r := range planned {
			key := releaseKey{r.User, r.Team}
			if w, ok := want[key]; ok && w.Amount == r.Amount {
				delete(want, key)
				continue
			}
			if err := s.cancelRelease(ctx, w, r); err != nil {
				return err
			}
		}
		for _, r := range want {
			if r.Amount == 0 {
				continue
			}
			if r.Move, err = s.newMove(); err != nil {
				return err
			}
			if err := s.bookRelease(ctx, w, snap, r, false); err != nil {
				return err
			}
		}
		return nil
	})
}

// away lists who is on vacation, in the order in which they left.
func (s *server) away(ctx context.Context, snap *snapshot) ([]alfred.UserDirectory, error) {
	away, err := s.Records.Users(ctx, snap.org.ID, alfred.UserFilter{Statuses: []alfred.UserStatus{alfred.OnVacation}})
	if err != nil || len(away) == 0 {
		return nil, err
	}
	slices.SortStableFunc(away, func(a, b alfred.User) int { return a.VacationStart.Compare(b.VacationStart) })
	ids := make([]alfred.UserID, len(away))
	for i, u := range away {
		ids[i] = u.ID
	}
	return s.Records.UserDirectory(ctx, snap.org.ID, ids, snap.now)
}

type releaseKey struct {
	user alfred.UserID
	team alfred.TeamID
}

// plan says who releases what in a window to come.
func (p *snapshot) plan(away []alfred.UserDirectory, w alfred.Window) map[releaseKey]alfred.Release {
	out := map[releaseKey]alfred.Release{}
	released := map[alfred.TeamID]alfred.Credits{}
	for _, d := range away {
		back := d.User.VacationUntil
		if len(d.Memberships) == 0 || (!back.IsZero() && !back.After(w.Start)) {
			continue
		}
		team, ok := p.teams[d.Memberships[0].Team]
		if !ok {
			continue
		}
		amount := alfred.ReleaseAmount(p.quotaAt(d, w.Start), team.Team.CommonPool, p.org.Settings.VacationSharePercent, released[team.Team.ID])
		released[team.Team.ID] += amount
		out[releaseKey{d.User.ID, team.Team.ID}] = alfred.Release{User: d.User.ID, Team: team.Team.ID, Amount: amount, Window: w}
	}
	return out
}

// quotaAt is what a person will have at a time to come, without what vacation
// moves then.
func (p *snapshot) quotaAt(d alfred.UserDirectory, t time.Time) alfred.Credits {
	base, _ := p.quota(d)
	own := slices.DeleteFunc(adjustmentsOf(d.Adjustments, alfred.BudgetPersonal), func(a alfred.Adjustment) bool { return a.Kind == alfred.AdjustVacation })
	return alfred.Effective(base, own, t)
}
