package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/alfred-envoy/alfred"
)

// change is one write: what goes to the audit log and what has to be
// published, collected while the write runs and stored in its transaction.
type change struct {
	server *server
	org    alfred.OrgID
	call   *call
	now    time.Time

	audits  []alfred.AuditEvent
	changes []dryChange
	catalog bool
	users   map[alfred.UserID]bool
	teams   map[alfred.TeamID]bool // whose members are to be told
	shares  []alfred.UserID        // whose teams are
}

// dryRun is the reply to ?dry_run=true. It travels as an error, so that the
// transaction is undone.
type dryRun struct {
	DryRun  bool        `json:"dry_run"`
	Changes []dryChange `json:"changes"`
}

type dryChange struct {
	Action  string          `json:"action"`
	Subject string          `json:"subject"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

func (d *dryRun) Error() string { return "dry run: nothing was changed" }

// write runs fn in one transaction and stores what it recorded. On a dry run
// it undoes everything and returns what would have changed. What a row of a bulk
// job writes is stored, or undone, with its batch.
func (s *server) write(ctx context.Context, org alfred.OrgID, fn func(ctx context.Context, w *change) error) error {
	c := callOf(ctx)
	err := s.Records.InTx(ctx, func(ctx context.Context) error {
		w := newChange(s, org, c)
		if err := fn(ctx, w); err != nil {
			return err
		}
		if c.row != nil {
			c.row.kept = append(c.row.kept, w)
			return nil
		}
		if c.dryRun {
			return &dryRun{DryRun: true, Changes: append([]dryChange{}, w.changes...)}
		}
		if err := s.commitClaim(ctx, c); err != nil {
			return err
		}
		return w.flush(ctx)
	})
	if err == nil && c.claim.key != "" {
		c.claim.written = true
	}
	return err
}

func newChange(s *server, org alfred.OrgID, c *call) *change {
	return &change{server: s, org: org, call: c, now: s.Now(), users: map[alfred.UserID]bool{}, teams: map[alfred.TeamID]bool{}}
}

// add takes in what another write of the same transaction recorded.
func (w *change) add(o *change) {
	w.audits = append(w.audits, o.audits...)
	w.catalog = w.catalog || o.catalog
	maps.Copy(w.users, o.users)
	maps.Copy(w.teams, o.teams)
	w.shares = append(w.shares, o.shares...)
}

// audit records one change. before and after are shown to admins and kept
// for good, so they must not hold a secret.
func (w *change) audit(action, subject string, before, after any) {
	w.auditWhy(action, subject, "", before, after)
}

func (w *change) auditWhy(action, subject, reason string, before, after any) {
	e := alfred.AuditEvent{
		Org: w.org, At: w.now, Actor: w.call.actor.User, ActorName: w.call.actor.Email, Action: action, Subject: subject,
		Before: plain(before), After: plain(after), Reason: reason, IP: w.call.ip, RequestID: w.call.request,
	}
	switch {
	case w.call.bootstrap:
		e.ActorName = "bootstrap"
	case e.ActorName == "":
		e.ActorName = "system"
	}
	w.audits = append(w.audits, e)
	w.changes = append(w.changes, dryChange{action, subject, e.Before, e.After})
}

func plain(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

// publishCatalog and publishUsers mark what the data plane has to be told.
func (w *change) publishCatalog() { w.catalog = true }

func (w *change) publishUsers(ids ...alfred.UserID) {
	for _, id := range ids {
		w.users[id] = true
	}
}

// publishTeam marks a team: its entry in the catalog and all who are its
// members when the write ends. Who leaves it is marked by who takes them out.
func (w *change) publishTeam(t alfred.TeamID) {
	w.publishCatalog()
	w.teams[t] = true
}

// publishMember marks somebody who is a member now, or was, or counts otherwise as
// one than before. The team's share is in the catalog; its members are told only
// of an admin, whom they ask for more.
func (w *change) publishMember(m alfred.Member) {
	w.publishCatalog()
	w.publishUsers(m.User)
	if m.IsAdmin {
		w.publishTeam(m.Team)
	}
}

// publishEveryone marks the catalog and every person.
func (w *change) publishEveryone(ctx context.Context) error {
	w.publishCatalog()
	f := alfred.UserFilter{Limit: publishBatch}
	for {
		users, err := w.server.Records.Users(ctx, w.org, f)
		if err != nil {
			return err
		}
		for _, u := range users {
			w.publishUsers(u.ID)
		}
		if len(users) < f.Limit {
			return nil
		}
		f.After = string(users[len(users)-1].ID)
	}
}

// publishTeamsOf marks the teams of a person: the number of active members
// changes every share.
func (w *change) publishTeamsOf(id alfred.UserID) { w.shares = append(w.shares, id) }

// flush stores the audit events and the topics. The lock is taken last and
// makes topics visible in the order of their numbers.
func (w *change) flush(ctx context.Context) error {
	r := w.server.Records
	if len(w.shares) > 0 {
		memberships, err := r.Memberships(ctx, w.org, w.shares...)
		if err != nil {
			return err
		}
		for _, m := range memberships {
			w.publishMember(m)
		}
	}
	if len(w.teams) > 0 {
		members, err := r.Members(ctx, w.org, slices.Collect(maps.Keys(w.teams))...)
		if err != nil {
			return err
		}
		for _, m := range members {
			w.publishUsers(m.User)
		}
	}
	if len(w.audits) > 0 {
		if _, err := r.AppendAudit(ctx, w.org, w.audits...); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
	}
	if !w.catalog && len(w.users) == 0 {
		return nil
	}
	if err := r.Lock(ctx, "publish:"+string(w.org)); err != nil {
		return err
	}
	if w.catalog {
		if err := r.Touch(ctx, w.org, topicCatalog, string(w.org)); err != nil {
			return err
		}
	}
	ids := make([]string, 0, len(w.users))
	for id := range w.users {
		ids = append(ids, string(id))
	}
	for start := 0; start < len(ids); start += publishBatch {
		if err := r.Touch(ctx, w.org, topicUser, ids[start:min(start+publishBatch, len(ids))]...); err != nil {
			return err
		}
	}
	return nil
}

// setETag tells the version of what is answered.
func setETag(ctx context.Context, version int64) {
	if c, ok := ctx.(*gin.Context); ok {
		c.Header("ETag", etag(version))
	}
}

func etag(version int64) string { return fmt.Sprintf(`"v%d"`, version) }

// matches refuses a write over a change that its author has not seen.
func matches(ifMatch *string, version int64) error {
	if ifMatch == nil || *ifMatch == "*" || *ifMatch == etag(version) {
		return nil
	}
	return alfred.Errorf(alfred.CodeStaleVersion, "It has changed since you read it: it is now %s.", etag(version))
}

// newID returns an id of this kind.
func (s *server) newID(prefix string) (string, error) {
	return alfred.NewID(prefix, s.Now(), s.Entropy)
}
