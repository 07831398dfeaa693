package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
)

// dateCalendar decides when a zone or window that was asked for holds. While
// nothing was spent or moved in the window that runs, there is nothing to
// lose: at once. Otherwise it is planned for when that window ends, since to
// begin it anew would give every quota twice. What stands already needs
// nothing, and takes the place of what was planned.
func (s *server) dateCalendar(ctx context.Context, before, after alfred.Organization, now time.Time) (alfred.Settings, error) {
	standing, wanted := before.Settings, after.Settings
	if standing.Zone == wanted.Zone && standing.Window.Same(wanted.Window) {
		wanted.Window = standing.Window
		return wanted, nil
	}
	out := wanted
	out.Zone, out.Window, out.NextWindow = standing.Zone, standing.Window, nil
	window, err := standing.WindowAt(now)
	if err != nil {
		return out, err
	}
	zone, err := alfred.Zone(wanted.Zone)
	if err != nil {
		return out, err
	}
	another, err := wanted.Window.At(now, zone)
	if err != nil {
		return out, err
	}
	if another != window {
		used, err := s.windowInUse(ctx, before.ID, window, now)
		if err != nil {
			return out, err
		}
		if used {
			return out.PlanCalendar(wanted.Zone, wanted.Window, now)
		}
	}
	history, err := s.usedBefore(ctx, before, window)
	switch {
	case err != nil:
		return out, err
	case history:
		// The windows of before keep their ends, so debts and figures of them do.
		return out.ChangeCalendar(alfred.Calendar{Zone: wanted.Zone, Window: wanted.Window, From: window.Start}), nil
	}
	out.Zone, out.Window = wanted.Zone, wanted.Window
	return out, nil
}

// windowInUse says whether something in this window would be lost with it:
// credits that were spent or are held, and what was moved in it or into it,
// which ends when it does.
func (s *server) windowInUse(ctx context.Context, org alfred.OrgID, w alfred.Window, now time.Time) (bool, error) {
	all, err := s.balances(ctx, org, []alfred.Counter{{Kind: alfred.CountOrg, Subject: string(org), Window: w}})
	if err != nil || all[0].Committed != 0 {
		return true, err
	}
	// A ledger that was lost and is not built again yet counts nothing.
	recorded, err := s.Records.CounterUsage(ctx, org, alfred.Counter{Kind: alfred.CountOrg, Subject: string(org), Window: w})
	if err != nil || recorded != 0 {
		return true, err
	}
	moved, err := s.Records.Adjustments(ctx, org, alfred.AdjustmentFilter{EndAfter: now})
	return slices.ContainsFunc(moved, func(a alfred.Adjustment) bool {
		return a.ActiveAt(now) && (a.OnCounter || a.Until.Equal(w.End))
	}), err
}

// usedBefore says whether there are windows before this one that somebody may
// ask about.
func (s *server) usedBefore(ctx context.Context, org alfred.Organization, w alfred.Window) (bool, error) {
	if len(org.Settings.EarlierWindows) > 0 {
		return true, nil
	}
	last, err := org.Settings.WindowBefore(w)
	if err != nil || last == w {
		return false, err
	}
	used, err := s.Records.CounterUsage(ctx, org.ID, alfred.Counter{Kind: alfred.CountOrg, Subject: string(org.ID), Window: last})
	return used != 0, err
}

// forgetPlans cancels the releases that are planned for the next window when
// the next window is another one now. The job plans those of the new one.
func (s *server) forgetPlans(ctx context.Context, w *change, before, after alfred.Settings) error {
	var next [2]alfred.Window
	for i, settings := range []alfred.Settings{before, after} {
		window, err := settings.WindowAt(w.now)
		if err != nil {
			return err
		}
		if next[i], err = settings.WindowAfter(window); err != nil {
			return err
		}
	}
	if next[0] == next[1] {
		return nil
	}
	if err := s.Records.Lock(ctx, "vacation:"+string(w.org)); err != nil {
		return err
	}
	planned, err := s.Records.Releases(ctx, w.org, next[0])
	if err != nil {
		return err
	}
	for _, r := range planned {
		if err := s.cancelRelease(ctx, w, r); err != nil {
			return err
		}
	}
	return nil
}

// KeepCalendars lets planned changes of the calendar stand when their time
// has come. Every reader knows them by then; this makes them the record's own.
func (j *Jobs) KeepCalendars(ctx context.Context) error {
	orgs, err := j.Records.Organizations(ctx)
	if err != nil {
		return err
	}
	s := j.server()
	for _, before := range orgs {
		after := before
		after.Settings = before.Settings.At(j.Now())
		if before.Settings.NextWindow == after.Settings.NextWindow {
			continue
		}
		err := s.write(ctx, before.ID, func(ctx context.Context, w *change) error {
			after.UpdatedAt = w.now
			w.audit("organization.window", string(after.ID), before, after)
			w.publishCatalog()
			return s.Records.UpdateOrganization(ctx, after)
		})
		var e *alfred.Error
		if errors.As(err, &e) && e.Code == alfred.CodeStaleVersion {
			continue // somebody changed the settings, and this with them
		}
		if err != nil {
			return fmt.Errorf("change the calendar of %s: %w", before.ID, err)
		}
	}
	return nil
}
