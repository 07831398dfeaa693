package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/alfred-envoy/alfred"
)

// A savepoint that fails takes its own writes and locks with it, and nothing
// else.
func TestASavepointIsAPartOfATransaction(t *testing.T) {
	w := newWorld(t)
	w.refused(w.Savepoint(w.ctx, func(context.Context) error { return nil }), alfred.CodeInternal)
	u := w.person("ana@example.com", nil)
	stop := errors.New("stop")
	w.must(w.InTx(w.ctx, func(ctx context.Context) error {
		w.must(w.Savepoint(ctx, func(ctx context.Context) error { return w.PutModel(ctx, w.org, alfred.Model{Name: "a"}) }))
		if err := w.Savepoint(ctx, func(ctx context.Context) error {
			w.must(w.PutModel(ctx, w.org, alfred.Model{Name: "b"}))
			return stop
		}); !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
		w.refused(w.Savepoint(ctx, func(ctx context.Context) error { return w.CreateUser(ctx, u) }), alfred.CodeConflict)
		return w.PutModel(ctx, w.org, alfred.Model{Name: "c"})
	}))
	models, err := w.Models(w.ctx, w.org)
	w.must(err)
	w.same([]int{len(models)}, []int{2})
}

// Jobs are carried out one after the other, each by one at a time, and a row is
// finished once.
func TestAJobIsLockedForOne(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"job_a", "job_b"} {
		rows := make([]alfred.BulkRow, 3)
		for i := range rows {
			rows[i] = alfred.BulkRow{Row: i + 1, Subject: alfred.UserID(fmt.Sprint("usr_", i))}
		}
		w.must(w.CreateBulkJob(w.ctx, alfred.BulkJob{ID: id, Org: w.org, Kind: "suspend", Change: json.RawMessage(`{}`), CreatedBy: "usr_x", CreatedAt: noon}, rows))
	}
	w.must(w.InTx(w.ctx, func(ctx context.Context) error {
		j, err := w.LockBulkJob(ctx, noon)
		w.must(err)
		w.same(j.ID, "job_a")
		_, err = w.LockBulkJob(w.ctx, noon) // somebody else, who does not begin the next one
		w.refused(err, alfred.CodeNotFound)
		return nil
	}))
	done := alfred.BulkRow{Row: 2, Outcome: alfred.BulkUnchanged}
	w.must(w.FinishBulkRows(w.ctx, w.org, "job_a", done))
	w.refused(w.FinishBulkRows(w.ctx, w.org, "job_a", alfred.BulkRow{Row: 1, Outcome: alfred.BulkChanged}, done), alfred.CodeConflict)
	waiting, err := w.BulkRows(w.ctx, w.org, "job_a", alfred.BulkPending, 0, 10)
	w.must(err)
	w.same(len(waiting), 2) // none of those was stored
	w.must(w.FinishBulkJob(w.ctx, w.org, "job_a", "", noon))
	j, err := w.LockBulkJob(w.ctx, noon)
	w.must(err)
	w.same(j.ID, "job_b")
}

// Many people are stored, changed, put into teams and taken out all or none.
func TestManyPeopleAtOnceAreAllOrNone(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.person("ana@example.com", nil), w.person("bo@example.com", nil)
	cy, again := ana, ana
	cy.ID, cy.Email = id[alfred.UserID](t, "usr"), "cy@example.com"
	again.ID = id[alfred.UserID](t, "usr")
	w.refused(w.CreateUser(w.ctx, cy, again), alfred.CodeConflict)
	found, err := w.UsersByEmail(w.ctx, w.org, " ANA@example.com", "cy@example.com", "bo@example.com")
	w.must(err)
	want := []alfred.User{ana, bo}
	sortUsers(found)
	sortUsers(want)
	w.same(found, want)

	stale := bo
	ana.Name, stale.Version = "Ana", 7
	w.refused(w.UpdateUser(w.ctx, ana, stale), alfred.CodeStaleVersion)
	stale.ID = "usr_none"
	w.refused(w.UpdateUser(w.ctx, ana, stale), alfred.CodeNotFound)
	w.must(w.UpdateUser(w.ctx, ana, bo))
	u, err := w.User(w.ctx, w.org, ana.ID)
	w.must(err)
	w.same([]any{u.Name, u.Version}, []any{"Ana", int64(2)})

	team := w.team("Core", 0).ID
	in := func(u alfred.UserID) alfred.Member { return alfred.Member{Team: team, User: u, JoinedAt: noon} }
	_, err = w.PutMember(w.ctx, w.org, in(ana.ID), in("usr_none"))
	w.refused(err, alfred.CodeNotFound)
	_, err = w.PutMember(w.ctx, w.org, in(ana.ID))
	w.must(err)
	created, err := w.PutMember(w.ctx, w.org, in(ana.ID), in(bo.ID))
	w.must(err)
	w.same(created, 1)
	w.refused(w.RemoveMember(w.ctx, w.org, team, ana.ID, "usr_none"), alfred.CodeNotFound)
	w.must(w.RemoveMember(w.ctx, w.org, team, ana.ID, bo.ID))
	members, err := w.Members(w.ctx, w.org, team)
	w.must(err)
	w.same(len(members), 0)
}
