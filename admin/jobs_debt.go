package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
)

// settledAfter is how long the last settlements of a window are waited for.
const settledAfter = 2 * time.Minute

// BookDebts takes what was overdrawn in the last window from the quotas of
// this one: one adjustment per person and window. What a quota cannot repay
// stays owed, and counts against the overdraft until the window after.
func (j *Jobs) BookDebts(ctx context.Context) error {
	orgs, err := j.Records.Organizations(ctx)
	if err != nil {
		return err
	}
	for _, org := range orgs {
		if err := j.bookDebts(ctx, org.ID); err != nil {
			return fmt.Errorf("%s: %w", org.ID, err)
		}
	}
	return nil
}

func (j *Jobs) bookDebts(ctx context.Context, org alfred.OrgID) error {
	s := j.server()
	snap, err := s.snapshotOf(ctx, org, nil)
	if err != nil {
		return err
	}
	wait := j.Settled
	if wait == 0 {
		wait = settledAfter
	}
	if snap.now.Before(snap.window.Start.Add(wait)) {
		return nil
	}
	last, err := snap.org.Settings.WindowBefore(snap.window)
	if err != nil || last == snap.window {
		return err // a window without a beginning has none before it
	}
	people, err := s.Records.Overdrawn(ctx, org, last, snap.window)
	if err != nil {
		return err
	}
	for _, u := range people {
		if err := s.bookDebt(ctx, snap, last, u); err != nil {
			return fmt.Errorf("debt of %s: %w", u, err)
		}
	}
	return nil
}

func (s *server) bookDebt(ctx context.Context, snap *snapshot, last alfred.Window, u alfred.UserID) error {
	org := snap.org.ID
	spent, err := s.Records.CounterUsage(ctx, org, alfred.Counter{Kind: alfred.CountOverdraft, Subject: string(u), Window: last})
	if err != nil {
		return err
	}
	before, err := s.Records.Adjustments(ctx, org, alfred.AdjustmentFilter{Subjects: []string{string(u)}, Kind: alfred.AdjustDebt, EndAfter: last.Start})
	if err != nil {
		return err
	}
	debt := spent
	for _, a := range before {
		switch {
		case a.From.Equal(snap.window.Start):
			return nil // booked already
		case a.Budget == alfred.BudgetOverdraft && a.From.Equal(last.Start):
			debt -= a.Amount // what was still owed is negative there
		}
	}
	if debt <= 0 {
		return nil
	}
	d, err := person(ctx, s.Records, org, u, snap.now)
	if err != nil {
		return err
	}
	if err := snap.addTeams(ctx, s.Records, teamsOf(d)...); err != nil {
		return err
	}
	base, _ := snap.quota(d)
	paid := min(debt, base)
	entry := func(kind alfred.BudgetKind, amount alfred.Credits) alfred.Adjustment {
		return alfred.Adjustment{
			Org: org, Budget: kind, Subject: string(u), Amount: -amount, From: snap.window.Start, Until: snap.window.End, Kind: alfred.AdjustDebt,
			Reason: "overdraft of the window before", CreatedAt: snap.now,
		}
	}
	return s.write(ctx, org, func(ctx context.Context, w *change) error {
		if err := s.Records.Lock(ctx, "debt:"+string(org)); err != nil {
			return err
		}
		again, err := s.Records.Adjustments(ctx, org, alfred.AdjustmentFilter{Subjects: []string{string(u)}, Kind: alfred.AdjustDebt, EndAfter: snap.window.Start})
		if err != nil {
			return err
		}
		for _, a := range again {
			if a.From.Equal(snap.window.Start) {
				return nil
			}
		}
		entries := []alfred.Adjustment{entry(alfred.BudgetPersonal, paid)}
		if rest := debt - paid; rest > 0 {
			entries = append(entries, entry(alfred.BudgetOverdraft, rest))
		}
		item := alfred.InboxItem{
			Kind: "debt_booked", Title: fmt.Sprintf("%s %s repay what you overdrew", alfred.Figure(paid), snap.org.Settings.UnitName),
			Body: fmt.Sprintf("You overdrew %s in the window before.", alfred.Figure(debt)), Ref: string(u),
		}
		if err := s.notify(ctx, w, u, item); err != nil {
			return err
		}
		w.audit("debt.book", string(u), nil, entries)
		w.publishUsers(u)
		return s.adjust(ctx, entries...)
	})
}
