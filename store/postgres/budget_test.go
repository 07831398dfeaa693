package postgres_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestLimits(t *testing.T) {
	w := newWorld(t)
	capped := alfred.Limit{Scope: alfred.ScopeTeam, Subject: "team_a", Metric: alfred.MetricCredits, Credits: alfred.MaxCredits, Mode: alfred.Shadow, FailMode: alfred.FailLocal}
	paced := alfred.Limit{Scope: alfred.ScopeTeam, Subject: "team_a", Metric: alfred.MetricTokensPerMinute, Rate: alfred.MaxRate, Mode: alfred.Enforce}
	model := alfred.Limit{Scope: alfred.ScopeModel, Subject: "gpt-4o", Metric: alfred.MetricCredits, Mode: alfred.Off}
	for _, l := range []alfred.Limit{paced, {Scope: alfred.ScopeTeam, Subject: "team_a", Metric: alfred.MetricCredits, Mode: alfred.Enforce}, capped, model} {
		w.must(w.PutLimit(w.ctx, w.org, l))
	}
	all, err := w.Limits(w.ctx, w.org)
	w.must(err)
	w.same(all, []alfred.Limit{model, capped, paced})
	of, err := w.LimitsOf(w.ctx, w.org, alfred.ScopeTeam, []string{"team_a", "team_b"})
	w.must(err)
	w.same(of, []alfred.Limit{capped, paced})
	w.must(w.DeleteLimit(w.ctx, w.org, capped.Scope, capped.Subject, capped.Metric))
	w.refused(w.DeleteLimit(w.ctx, w.org, capped.Scope, capped.Subject, capped.Metric), alfred.CodeNotFound)

	for name, l := range map[string]alfred.Limit{
		"a rate of 0":      {Scope: alfred.ScopeTeam, Subject: "t", Metric: alfred.MetricTokensPerMinute, Mode: alfred.Enforce},
		"too fast":         {Scope: alfred.ScopeTeam, Subject: "t", Metric: alfred.MetricTokensPerMinute, Rate: alfred.MaxRate + 1, Mode: alfred.Enforce},
		"too much":         {Scope: alfred.ScopeTeam, Subject: "t", Metric: alfred.MetricCredits, Credits: alfred.MaxCredits + 1, Mode: alfred.Enforce},
		"a cap and a rate": {Scope: alfred.ScopeTeam, Subject: "t", Metric: alfred.MetricCredits, Credits: 1, Rate: 1, Mode: alfred.Enforce},
		"nobody":           {Scope: alfred.ScopeTeam, Metric: alfred.MetricCredits, Mode: alfred.Enforce},
		"no such scope":    {Scope: "planet", Subject: "t", Metric: alfred.MetricCredits, Mode: alfred.Enforce},
		"no such mode":     {Scope: alfred.ScopeTeam, Subject: "t", Metric: alfred.MetricCredits, Mode: "maybe"},
	} {
		if got := alfred.ErrorCode(w.PutLimit(w.ctx, w.org, l)); got != alfred.CodeValidation {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func (w *world) adjustment(budget alfred.BudgetKind, subject string, amount alfred.Credits, group alfred.MoveID) alfred.Adjustment {
	w.Helper()
	return alfred.Adjustment{
		ID: id[alfred.AdjustmentID](w.TB, "adj"), Org: w.org, Budget: budget, Subject: subject, Amount: amount, From: noon, Until: november.End,
		Kind: alfred.AdjustManual, Group: group, Reason: "because", CreatedAt: noon,
	}
}

func TestAFilterOfAdjustmentsNarrows(t *testing.T) {
	w := newWorld(t)
	move := id[alfred.MoveID](t, "mov")
	a := w.adjustment(alfred.BudgetPersonal, "usr_a", 5, "")
	a.Until, a.Actor, a.OnCounter = time.Time{}, "usr_boss", true
	out := w.adjustment(alfred.BudgetPersonal, "usr_a", -7, move)
	in := w.adjustment(alfred.BudgetPool, "team_t", 7, move)
	out.Kind, in.Kind = alfred.AdjustVacation, alfred.AdjustVacation
	out.CreatedAt, in.CreatedAt = noon.Add(time.Second), noon.Add(2*time.Second)
	w.must(w.AddAdjustments(w.ctx, a))
	w.must(w.AddAdjustments(w.ctx, in, out))
	w.must(w.AddAdjustments(w.ctx))
	w.refused(w.AddAdjustments(w.ctx, a), alfred.CodeConflict)
	for name, c := range map[string]struct {
		filter alfred.AdjustmentFilter
		want   []alfred.Adjustment
	}{
		"nothing":           {alfred.AdjustmentFilter{}, []alfred.Adjustment{a, out, in}},
		"budget":            {alfred.AdjustmentFilter{Budget: alfred.BudgetPool}, []alfred.Adjustment{in}},
		"subjects":          {alfred.AdjustmentFilter{Subjects: []string{"usr_a", "usr_b"}}, []alfred.Adjustment{a, out}},
		"no subjects":       {alfred.AdjustmentFilter{Subjects: []string{}}, nil},
		"kind":              {alfred.AdjustmentFilter{Kind: alfred.AdjustManual}, []alfred.Adjustment{a}},
		"group":             {alfred.AdjustmentFilter{Group: move}, []alfred.Adjustment{out, in}},
		"not ended":         {alfred.AdjustmentFilter{EndAfter: november.End.Add(-1 * time.Microsecond)}, []alfred.Adjustment{a, out, in}},
		"ended at the end":  {alfred.AdjustmentFilter{EndAfter: november.End}, []alfred.Adjustment{a}},
		"more than one way": {alfred.AdjustmentFilter{Budget: alfred.BudgetPersonal, Group: move}, []alfred.Adjustment{out}},
	} {
		t.Run(name, func(t *testing.T) {
			w := *w
			w.TB = t
			got, err := w.Adjustments(w.ctx, w.org, c.filter)
			w.must(err)
			w.same(got, c.want)
		})
	}
}

func TestAMoveMakesNoCredits(t *testing.T) {
	w := newWorld(t)
	move := id[alfred.MoveID](t, "mov")
	out, in := w.adjustment(alfred.BudgetPersonal, "usr_a", -7, move), w.adjustment(alfred.BudgetPersonal, "usr_b", 7, move)
	w.refused(w.AddAdjustments(w.ctx, out), alfred.CodeValidation)
	more := in
	more.Amount = 8
	w.refused(w.AddAdjustments(w.ctx, out, more), alfred.CodeValidation)
	// The sum is taken when the transaction ends, not before.
	w.must(w.InTx(w.ctx, func(ctx context.Context) error {
		if err := w.AddAdjustments(ctx, out); err != nil {
			return err
		}
		return w.AddAdjustments(ctx, in)
	}))
	late := w.adjustment(alfred.BudgetPersonal, "usr_c", 1, move)
	w.refused(w.AddAdjustments(w.ctx, late), alfred.CodeValidation)
	got, err := w.Adjustments(w.ctx, w.org, alfred.AdjustmentFilter{})
	w.must(err)
	w.same(len(got), 2)
	w.stays("UPDATE adjustments SET amount = 1000")
	w.stays("DELETE FROM adjustments")
	w.stays("TRUNCATE adjustments")
	bad := w.adjustment("gold", "usr_a", 1, "")
	w.refused(w.AddAdjustments(w.ctx, bad), alfred.CodeValidation)
	bad = w.adjustment(alfred.BudgetPersonal, "usr_a", 1, "")
	bad.Until = noon.Add(-time.Second)
	w.refused(w.AddAdjustments(w.ctx, bad), alfred.CodeValidation)
}

func TestAFilterOfTransfersNarrows(t *testing.T) {
	w := newWorld(t)
	ana, bo, cy := w.person("ana@example.com", nil).ID, w.person("bo@example.com", nil).ID, w.person("cy@example.com", nil).ID
	transfer := func(from, to alfred.UserID, amount alfred.Credits, at time.Time) alfred.Transfer {
		tr := alfred.Transfer{
			ID: id[alfred.TransferID](t, "trf"), Org: w.org, Move: id[alfred.MoveID](t, "mov"), Kind: alfred.TransferGiven, Sender: from, Recipient: to, Amount: amount,
			Reason: "thanks", Window: november, CreatedAt: at,
		}
		w.must(w.CreateTransfer(w.ctx, tr))
		return tr
	}
	a, b, c := transfer(ana, bo, 10, noon), transfer(bo, ana, 20, noon.Add(time.Hour)), transfer(bo, cy, 30, noon.Add(2*time.Hour))
	all := []alfred.Transfer{a, b, c}
	slices.SortFunc(all, func(a, b alfred.Transfer) int {
		if a.ID > b.ID {
			return -1
		}
		return 1
	})
	only := func(want ...alfred.Transfer) []alfred.Transfer {
		return slices.DeleteFunc(slices.Clone(all), func(t alfred.Transfer) bool { return !slices.Contains(want, t) })
	}
	for name, c := range map[string]struct {
		filter alfred.TransferFilter
		want   []alfred.Transfer
	}{
		"nothing":     {alfred.TransferFilter{}, all},
		"sender":      {alfred.TransferFilter{Sender: bo}, only(b, c)},
		"recipient":   {alfred.TransferFilter{Recipient: bo}, only(a)},
		"either":      {alfred.TransferFilter{Either: ana}, only(a, b)},
		"from":        {alfred.TransferFilter{From: noon.Add(time.Hour)}, only(b, c)},
		"until":       {alfred.TransferFilter{Until: noon.Add(time.Hour)}, only(a)},
		"at least":    {alfred.TransferFilter{MinAmount: 20}, only(b, c)},
		"at most":     {alfred.TransferFilter{MaxAmount: 20}, only(a, b)},
		"first page":  {alfred.TransferFilter{Limit: 2}, all[:2]},
		"second page": {alfred.TransferFilter{Limit: 2, After: string(all[1].ID)}, all[2:]},
	} {
		t.Run(name, func(t *testing.T) {
			w := *w
			w.TB = t
			got, err := w.Transfers(w.ctx, w.org, c.filter)
			w.must(err)
			w.same(got, c.want)
		})
	}

	again := a
	again.ID = id[alfred.TransferID](t, "trf")
	w.refused(w.CreateTransfer(w.ctx, again), alfred.CodeConflict)
	again.Move, again.Recipient = "mov_other", ana
	w.refused(w.CreateTransfer(w.ctx, again), alfred.CodeValidation)

	// A reallocation has a row for each pair, and each once.
	pair := alfred.Transfer{
		ID: id[alfred.TransferID](t, "trf"), Org: w.org, Move: "mov_re", Kind: alfred.TransferReallocated, Sender: ana, RecipientTeam: "team_x", MadeBy: cy, Amount: 5,
		Window: november, CreatedAt: noon.Add(3 * time.Hour),
	}
	w.must(w.CreateTransfer(w.ctx, pair))
	got, err := w.Transfers(w.ctx, w.org, alfred.TransferFilter{From: noon.Add(3 * time.Hour), Either: ana})
	w.must(err)
	w.same(got, []alfred.Transfer{pair})
	pair.ID = id[alfred.TransferID](t, "trf")
	w.refused(w.CreateTransfer(w.ctx, pair), alfred.CodeConflict)
	pair.SenderTeam = "team_y" // two sources at once
	w.refused(w.CreateTransfer(w.ctx, pair), alfred.CodeValidation)
	pair.SenderTeam, pair.Kind = "", alfred.TransferGiven // nobody gives his own credits to a pool
	w.refused(w.CreateTransfer(w.ctx, pair), alfred.CodeValidation)
	again.Recipient = "usr_none"
	w.refused(w.CreateTransfer(w.ctx, again), alfred.CodeNotFound)
	again.Recipient, again.Amount = bo, 0
	w.refused(w.CreateTransfer(w.ctx, again), alfred.CodeValidation)
	w.stays("DELETE FROM transfers")
	w.stays("UPDATE transfers SET amount = 1")
}

func TestAMoveEndsOneWay(t *testing.T) {
	w := newWorld(t)
	outflow, err := json.Marshal(alfred.Outflow{Org: w.org, Amount: 3})
	w.must(err)
	old := alfred.Move{ID: id[alfred.MoveID](t, "mov"), Org: w.org, Outflow: outflow, State: "pending", CreatedAt: noon}
	young := old
	young.ID, young.CreatedAt = id[alfred.MoveID](t, "mov"), noon.Add(time.Hour)
	w.must(w.CreateMove(w.ctx, young))
	w.must(w.CreateMove(w.ctx, old))
	w.refused(w.CreateMove(w.ctx, old), alfred.CodeConflict)
	pending := func(before time.Time) (ids []alfred.MoveID) {
		moves, err := w.PendingMoves(w.ctx, before)
		w.must(err)
		for _, m := range moves {
			var got, want alfred.Outflow
			w.must(json.Unmarshal(m.Outflow, &got))
			w.must(json.Unmarshal(outflow, &want))
			w.same(got, want)
			ids = append(ids, m.ID)
		}
		return ids
	}
	w.same(pending(noon.Add(time.Hour)), []alfred.MoveID{old.ID})
	w.same(pending(noon.Add(2*time.Hour)), []alfred.MoveID{old.ID, young.ID})
	w.must(w.FinishMove(w.ctx, w.org, old.ID, "done"))
	w.must(w.FinishMove(w.ctx, w.org, old.ID, "done"))
	w.refused(w.FinishMove(w.ctx, w.org, old.ID, "undone"), alfred.CodeConflict)
	w.refused(w.FinishMove(w.ctx, w.org, "mov_none", "done"), alfred.CodeNotFound)
	w.refused(w.FinishMove(w.ctx, w.org, young.ID, "lost"), alfred.CodeValidation)
	w.same(pending(noon.Add(2*time.Hour)), []alfred.MoveID{young.ID})
	undone := func(after alfred.MoveID, max int) (ids []alfred.MoveID) {
		moves, err := w.UndoneMoves(w.ctx, w.org, after, max)
		w.must(err)
		for _, m := range moves {
			w.same(m.State, "undone")
			ids = append(ids, m.ID)
		}
		return ids
	}
	w.same(len(undone("", 10)), 0)
	third := young
	third.ID = young.ID + "Z"
	w.must(w.CreateMove(w.ctx, third))
	w.must(w.FinishMove(w.ctx, w.org, young.ID, "undone"))
	w.must(w.FinishMove(w.ctx, w.org, third.ID, "undone"))
	w.same(undone("", 10), []alfred.MoveID{young.ID, third.ID})
	w.same(undone("", 1), []alfred.MoveID{young.ID})
	w.same(undone(young.ID, 10), []alfred.MoveID{third.ID})
}

func TestAReleaseIsOnePerPersonTeamAndWindow(t *testing.T) {
	w := newWorld(t)
	u := w.person("ana@example.com", nil)
	r := alfred.Release{User: u.ID, Team: "team_t", Amount: 5, Window: november, Move: "mov_a"}
	next := r
	next.Window = alfred.Window{Start: november.End, End: november.End.AddDate(0, 1, 0)}
	w.must(w.PutRelease(w.ctx, w.org, r))
	w.must(w.PutRelease(w.ctx, w.org, next))
	r.Amount, r.Move = 7, "mov_b"
	w.must(w.PutRelease(w.ctx, w.org, r))
	got, err := w.Releases(w.ctx, w.org, november)
	w.must(err)
	w.same(got, []alfred.Release{r})
	got, err = w.Releases(w.ctx, w.org, november, "team_t")
	w.must(err)
	w.same(got, []alfred.Release{r})
	got, err = w.Releases(w.ctx, w.org, november, "team_other")
	w.must(err)
	w.same(len(got), 0)
	w.must(w.EndRelease(w.ctx, w.org, u.ID, "team_t", november))
	w.must(w.EndRelease(w.ctx, w.org, u.ID, "team_t", november))
	got, err = w.Releases(w.ctx, w.org, november)
	w.must(err)
	w.same(len(got), 0)
	got, err = w.Releases(w.ctx, w.org, next.Window)
	w.must(err)
	w.same(got, []alfred.Release{next})
	r.Amount = -1
	w.refused(w.PutRelease(w.ctx, w.org, r), alfred.CodeValidation)
}

// Who overdrew is charged once, and who could not pay is charged again; nobody
// else is looked at.
func TestWhoOverdrewIsCharged(t *testing.T) {
	w := newWorld(t)
	december := alfred.Window{Start: november.End, End: november.End.AddDate(0, 1, 0)}
	person := func(name string) alfred.UserID { return w.person(name+"@example.com", nil).ID }
	fresh, still, charged, prompt, gone := person("fresh"), person("still"), person("charged"), person("prompt"), person("gone")
	overdrew := func(u alfred.UserID, amount alfred.Credits) {
		w.must(w.sql(`INSERT INTO counter_usage (org_id, kind, subject, window_start, window_end, settled) VALUES ($1, 'overdraft', $2, $3, $4, $5)`,
			w.org, u, november.Start, november.End, amount))
	}
	debt := func(budget alfred.BudgetKind, u alfred.UserID, of alfred.Window) alfred.Adjustment {
		a := w.adjustment(budget, string(u), -5, "")
		a.Kind, a.From, a.Until = alfred.AdjustDebt, of.Start, of.End
		return a
	}
	overdrew(fresh, 5)
	overdrew(charged, 5)
	overdrew(prompt, 0)
	overdrew(gone, 5)
	w.must(w.DeleteUser(w.ctx, w.org, gone, 0, noon))
	w.must(w.AddAdjustments(w.ctx,
		debt(alfred.BudgetOverdraft, still, november), // owed it already when the window began
		debt(alfred.BudgetPersonal, prompt, november), // and paid it in full
		debt(alfred.BudgetPersonal, charged, december),
	))
	got, err := w.Overdrawn(w.ctx, w.org, november, december)
	w.must(err)
	want := []alfred.UserID{fresh, still}
	slices.Sort(want)
	w.same(got, want)
}

// Reallocations of before the history had them are paired by the migration.
func TestReallocationsOfBeforeAreInTheHistory(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.person("ana@example.com", nil).ID, w.person("bo@example.com", nil).ID
	var all []alfred.Adjustment
	for _, e := range []struct {
		budget  alfred.BudgetKind
		subject string
		amount  alfred.Credits
	}{{alfred.BudgetPersonal, string(ana), -300}, {alfred.BudgetPool, "team_x", -100}, {alfred.BudgetPersonal, string(bo), 250}, {alfred.BudgetPool, "team_y", 150}} {
		a := w.adjustment(e.budget, e.subject, e.amount, "mov_old")
		a.Kind, a.OnCounter, a.Actor = alfred.AdjustReallocation, e.amount < 0, ana
		all = append(all, a)
	}
	w.must(w.AddAdjustments(w.ctx, all...))
	migration, err := os.ReadFile("migrations/00016_reallocated.sql")
	w.must(err)
	_, backfill, found := strings.Cut(string(migration), "INSERT INTO transfers")
	if !found {
		t.Fatal("the migration fills in nothing")
	}
	w.must(w.sql("INSERT INTO transfers" + backfill))
	got, err := w.Transfers(w.ctx, w.org, alfred.TransferFilter{})
	w.must(err)
	ends := map[string]alfred.Credits{}
	for _, p := range got {
		if p.Kind != alfred.TransferReallocated || p.Move != "mov_old" || p.MadeBy != ana || p.Amount <= 0 {
			t.Errorf("a pair: %+v", p)
		}
		ends[string(p.Sender)+string(p.SenderTeam)] -= p.Amount
		ends[string(p.Recipient)+string(p.RecipientTeam)] += p.Amount
	}
	w.same(ends, map[string]alfred.Credits{string(ana): -300, "team_x": -100, string(bo): 250, "team_y": 150})
}
