package postgres_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func (w *world) audited(e alfred.AuditEvent) alfred.AuditEvent {
	w.Helper()
	e.Org = w.org
	got, err := w.AppendAudit(w.ctx, w.org, e)
	w.must(err)
	return got[0]
}

func TestTheAuditChainHoldsWithManyWriters(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 5 {
				e := alfred.AuditEvent{
					At: time.Now(), Actor: "usr_ana", ActorName: "ana@example.com", Action: "team.update", Subject: "team_t",
					Before: json.RawMessage(`{"b" : 1,  "a":2.50}`), After: json.RawMessage(`null`), Reason: "åse", IP: "::1", RequestID: "req_1",
				}
				if _, err := w.AppendAudit(w.ctx, w.org, e, e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	events, err := w.Audit(w.ctx, w.org, alfred.AuditFilter{})
	w.must(err)
	slices.Reverse(events)
	w.same(len(events), 160)
	for i, e := range events {
		w.same(e.Seq, int64(i+1))
	}
	w.same(alfred.VerifyAudit("", events), int64(0))
	w.same(string(events[0].Before), `{"b" : 1,  "a":2.50}`) // as it was hashed

	w.stays("UPDATE audit_events SET reason = 'another' WHERE seq = 3")
	w.stays("DELETE FROM audit_events WHERE seq = 160")
	w.stays("TRUNCATE audit_events")
	w.breaks("audit_events_chain", `INSERT INTO audit_events SELECT org_id, 161, at, actor_id, actor_name, action, subject, before, after, reason, ip, request_id, prev_hash, hash
		FROM audit_events WHERE seq = 160`)
	events[40].Reason = "another"
	w.same(alfred.VerifyAudit("", events), int64(41))
}

func TestEveryOrganisationHasItsOwnChain(t *testing.T) {
	w := newWorld(t)
	w.audited(alfred.AuditEvent{At: noon, Action: "a.b"})
	other := alfred.Organization{ID: id[alfred.OrgID](t, "org"), Name: "Other", Settings: alfred.DefaultSettings(), CreatedAt: noon}
	w.must(w.CreateOrganization(w.ctx, other))
	e, err := w.AppendAudit(w.ctx, other.ID, alfred.AuditEvent{At: noon, Action: "a.b"})
	w.must(err)
	w.same(e[0].Seq, int64(1))
	w.same(e[0].PrevHash, "")
	_, err = w.AppendAudit(w.ctx, "org_none", alfred.AuditEvent{At: noon, Action: "a.b"})
	w.refused(err, alfred.CodeNotFound)
}

func TestAFilterOfTheAuditLogNarrows(t *testing.T) {
	w := newWorld(t)
	a := w.audited(alfred.AuditEvent{At: noon, Actor: "usr_ana", ActorName: "ana", Action: "user.create", Subject: "usr_x"})
	b := w.audited(alfred.AuditEvent{At: noon.Add(time.Hour), ActorName: "system", Action: "user.update", Subject: "usr_x"})
	c := w.audited(alfred.AuditEvent{At: noon.Add(2 * time.Hour), Actor: "usr_bo", Action: "users.import", Subject: "org_1"})
	for name, c := range map[string]struct {
		filter alfred.AuditFilter
		want   []alfred.AuditEvent
	}{
		"nothing":     {alfred.AuditFilter{}, []alfred.AuditEvent{c, b, a}},
		"actor":       {alfred.AuditFilter{Actor: "usr_ana"}, []alfred.AuditEvent{a}},
		"action":      {alfred.AuditFilter{Action: "user.create"}, []alfred.AuditEvent{a}},
		"not a start": {alfred.AuditFilter{Action: "user"}, nil},
		"prefix":      {alfred.AuditFilter{Action: "user."}, []alfred.AuditEvent{b, a}},
		"subject":     {alfred.AuditFilter{Subject: "usr_x"}, []alfred.AuditEvent{b, a}},
		"from":        {alfred.AuditFilter{From: noon.Add(time.Hour)}, []alfred.AuditEvent{c, b}},
		"until":       {alfred.AuditFilter{Until: noon.Add(time.Hour)}, []alfred.AuditEvent{a}},
		"page":        {alfred.AuditFilter{BeforeSeq: 3, Limit: 1}, []alfred.AuditEvent{b}},
	} {
		t.Run(name, func(t *testing.T) {
			w := *w
			w.TB = t
			got, err := w.Audit(w.ctx, w.org, c.filter)
			w.must(err)
			w.same(got, c.want)
		})
	}
}

func TestTheInbox(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.person("ana@example.com", nil).ID, w.person("bo@example.com", nil).ID
	item := func(id string, u alfred.UserID, at time.Time) alfred.InboxItem {
		return alfred.InboxItem{ID: id, Org: w.org, User: u, Kind: "credits_received", Title: "5 credits", Body: "from Bo", Ref: "trf_1", CreatedAt: at}
	}
	a, b, c := item("a", ana, noon), item("b", ana, noon.Add(time.Hour)), item("c", bo, noon)
	w.must(w.AddInbox(w.ctx, a, b, c))
	w.must(w.AddInbox(w.ctx))
	w.refused(w.AddInbox(w.ctx, item("d", ana, noon), a), alfred.CodeConflict) // neither is stored
	w.refused(w.AddInbox(w.ctx, item("d", "usr_none", noon)), alfred.CodeNotFound)
	got, err := w.Inbox(w.ctx, w.org, ana, true, 0)
	w.must(err)
	w.same(got, []alfred.InboxItem{b, a})
	got, err = w.Inbox(w.ctx, w.org, ana, false, 1)
	w.must(err)
	w.same(got, []alfred.InboxItem{b})

	w.must(w.MarkInboxRead(w.ctx, w.org, ana, noon.Add(2*time.Hour)))
	w.must(w.MarkInboxRead(w.ctx, w.org, ana, noon.Add(3*time.Hour)))
	got, err = w.Inbox(w.ctx, w.org, ana, true, 0)
	w.must(err)
	w.same(len(got), 0)
	a.ReadAt, b.ReadAt = noon.Add(2*time.Hour), noon.Add(2*time.Hour)
	got, err = w.Inbox(w.ctx, w.org, ana, false, 0)
	w.must(err)
	w.same(got, []alfred.InboxItem{b, a})
	got, err = w.Inbox(w.ctx, w.org, bo, true, 0)
	w.must(err)
	w.same(got, []alfred.InboxItem{c})
}
