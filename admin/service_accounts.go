package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// serviceMay are the operations that a service account's key may call beside
// models: what its program needs to know of itself.
func serviceMay(operation string) bool {
	return slices.Contains([]string{"getOpenAPI", "getMyQuota", "getMyUsage", "getDecision"}, operation)
}

// personAlone refuses what can only be done with a person.
func personAlone(u alfred.User) error {
	if u.Kind != alfred.KindService {
		return nil
	}
	return alfred.Errorf(alfred.CodeConflict, "%s is a service account: it is changed at /v1/admin/service-accounts/%s.", u.Name, u.ID)
}

// serviceAccount reads one that the actor may see.
func (s *server) serviceAccount(ctx context.Context, id string) (alfred.User, error) {
	u, err := s.seen(ctx, alfred.UserID(id))
	if alfred.ErrorCode(err) == alfred.CodeNotFound || err == nil && u.Kind != alfred.KindService {
		return u, notFound("service account", id)
	}
	return u, err
}

// ListServiceAccounts lists all, or, for a team admin, those of their teams.
func (s *server) ListServiceAccounts(ctx context.Context, r api.ListServiceAccountsRequestObject) (api.ListServiceAccountsResponseObject, error) {
	p := r.Params
	pg, err := newPage(p.Cursor, p.Limit, "service-accounts", p.Q, p.Team)
	if err != nil {
		return nil, err
	}
	q, err := s.directoryQuery(ctx, listed{query: p.Q, team: p.Team, sort: string(alfred.SortName), kind: alfred.KindService})
	if err != nil {
		return nil, err
	}
	q.After, q.Limit = pg.after, pg.limit+1
	org := callOf(ctx).actor.Org
	rows, total, err := s.Records.Directory(ctx, org, q)
	if err != nil {
		return nil, err
	}
	rows, more, next := cut(pg, rows, func(r alfred.DirectoryRow) string { return r.Cursor })
	data, err := s.describeAccounts(ctx, org, rows)
	return api.ListServiceAccounts200JSONResponse{Data: data, HasMore: more, NextCursor: next, Total: &total}, err
}

// GetServiceAccount reads one.
func (s *server) GetServiceAccount(ctx context.Context, r api.GetServiceAccountRequestObject) (api.GetServiceAccountResponseObject, error) {
	u, err := s.serviceAccount(ctx, r.AccountId)
	if err != nil {
		return nil, err
	}
	out, err := s.describeAccount(ctx, u)
	return api.GetServiceAccount200JSONResponse(out), err
}

// CreateServiceAccount makes one with a first key.
func (s *server) CreateServiceAccount(ctx context.Context, r api.CreateServiceAccountRequestObject) (api.CreateServiceAccountResponseObject, error) {
	c, now := callOf(ctx), s.Now()
	id, err := s.newID("usr")
	if err != nil {
		return nil, err
	}
	u := alfred.User{
		ID: alfred.UserID(id), Org: c.actor.Org, Kind: alfred.KindService, Name: strings.TrimSpace(r.Body.Name), Status: alfred.Active, Access: alfred.RoleMember,
		CostCenter: strings.TrimSpace(value(r.Body.CostCenter)), Quota: given(r.Body.Budget), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if u.Name == "" {
		return nil, alfred.Invalid("name", "expected a name")
	}
	key, secret, err := s.newKey(u, "first key", time.Time{})
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, u.Org, func(ctx context.Context, w *change) error {
		if err := s.checkTeam(ctx, w.org, r.Body.TeamId); err != nil {
			return err
		}
		if err := s.Records.CreateUser(ctx, u); err != nil {
			return err
		}
		if err := s.Records.CreateKey(ctx, key); err != nil {
			return err
		}
		w.audit("service_account.create", id, nil, auditedAccount(u, r.Body.TeamId))
		w.audit("key.create", string(key.ID), nil, auditedKey(key))
		w.publishUsers(u.ID)
		return s.join(ctx, w, alfred.Member{Team: alfred.TeamID(r.Body.TeamId), User: u.ID, JoinedAt: now})
	})
	if err != nil {
		return nil, err
	}
	c.secret = secret
	out, err := s.describeAccount(ctx, u)
	out.ApiKey, out.ApiKeyPrefix = nullable.NewNullableWithValue(secret), &key.Prefix
	return api.CreateServiceAccount201JSONResponse(out), err
}

// UpdateServiceAccount merges what is given. Another team owns it from now
// on: it is a member of that one, and not of the one before.
func (s *server) UpdateServiceAccount(ctx context.Context, r api.UpdateServiceAccountRequestObject) (api.UpdateServiceAccountResponseObject, error) {
	before, err := s.serviceAccount(ctx, r.AccountId)
	if err != nil {
		return nil, err
	}
	if err := matches(r.Params.IfMatch, before.Version); err != nil {
		return nil, err
	}
	after, b := before, r.Body
	if b.Name != nil {
		if after.Name = strings.TrimSpace(*b.Name); after.Name == "" {
			return nil, alfred.Invalid("name", "expected a name")
		}
	}
	if b.CostCenter != nil {
		after.CostCenter = strings.TrimSpace(*b.CostCenter)
	}
	if b.Budget.IsSpecified() {
		after.Quota = given(b.Budget)
	}
	if b.Status != nil {
		after.Status = *b.Status
	}
	err = s.write(ctx, before.Org, func(ctx context.Context, w *change) error {
		owners, err := s.Records.Memberships(ctx, w.org, before.ID)
		if err != nil {
			return err
		}
		owner := ""
		if len(owners) > 0 {
			owner = string(owners[0].Team)
		}
		next := owner
		if b.TeamId != nil {
			next = *b.TeamId
		}
		after.UpdatedAt = w.now
		if err := s.Records.UpdateUser(ctx, after); err != nil {
			return err
		}
		w.audit("service_account.update", string(after.ID), auditedAccount(before, owner), auditedAccount(after, next))
		w.publishUsers(after.ID)
		if next != owner {
			return s.handOver(ctx, w, after.ID, owner, next)
		}
		if owner == "" {
			return nil
		}
		w.publishTeam(alfred.TeamID(owner))
		return nil
	})
	if err != nil {
		return nil, err
	}
	after.Version++
	out, err := s.describeAccount(ctx, after)
	return api.UpdateServiceAccount200JSONResponse(out), err
}

// handOver gives a service account to another team.
func (s *server) handOver(ctx context.Context, w *change, id alfred.UserID, from, to string) error {
	if err := s.checkTeam(ctx, w.org, to); err != nil {
		return err
	}
	if from != "" {
		w.publishTeam(alfred.TeamID(from))
		if err := s.Records.RemoveMember(ctx, w.org, alfred.TeamID(from), id); err != nil {
			return err
		}
	}
	return s.join(ctx, w, alfred.Member{Team: alfred.TeamID(to), User: id, JoinedAt: w.now})
}

// DeleteServiceAccount ends one: keys die with the next publication, holds
// settle, and what it used stays.
func (s *server) DeleteServiceAccount(ctx context.Context, r api.DeleteServiceAccountRequestObject) (api.DeleteServiceAccountResponseObject, error) {
	u, err := s.serviceAccount(ctx, r.AccountId)
	if err != nil {
		return nil, err
	}
	if err := matches(r.Params.IfMatch, u.Version); err != nil {
		return nil, err
	}
	err = s.write(ctx, u.Org, func(ctx context.Context, w *change) error {
		owners, err := s.Records.Memberships(ctx, w.org, u.ID)
		if err != nil {
			return err
		}
		owner := ""
		for _, m := range owners {
			owner = string(m.Team)
			w.publishTeam(m.Team)
		}
		w.publishUsers(u.ID)
		w.audit("service_account.delete", string(u.ID), auditedAccount(u, owner), nil)
		return s.Records.DeleteUser(ctx, w.org, u.ID, u.Version, w.now)
	})
	if err != nil {
		return nil, err
	}
	return api.DeleteServiceAccount204Response{}, nil
}

// checkTeam refuses a team that is not there, by the field that names it.
func (s *server) checkTeam(ctx context.Context, org alfred.OrgID, id string) error {
	_, err := s.Records.Team(ctx, org, alfred.TeamID(id))
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return alfred.Invalid("team_id", "there is no team %s", id)
	}
	return err
}

// ownsNoService refuses to take away a team that a service account is owned
// by: without one nobody answers for it, and nothing pays.
func (s *server) ownsNoService(ctx context.Context, org alfred.OrgID, team alfred.TeamID) error {
	owned, err := s.Records.Users(ctx, org, alfred.UserFilter{Kind: alfred.KindService, Team: team, Limit: 1})
	if err == nil && len(owned) > 0 {
		err = alfred.Errorf(alfred.CodeConflict, "The team owns the service account %s: give it to another team or delete it first.", owned[0].Name)
	}
	return err
}

// describeAccount shows one, with its tag.
func (s *server) describeAccount(ctx context.Context, u alfred.User) (api.ServiceAccount, error) {
	q, err := s.directoryQuery(ctx, listed{kind: alfred.KindService})
	if err != nil {
		return api.ServiceAccount{}, err
	}
	q.IDs = []alfred.UserID{u.ID}
	rows, _, err := s.Records.Directory(ctx, u.Org, q)
	if err != nil {
		return api.ServiceAccount{}, err
	}
	out, err := s.describeAccounts(ctx, u.Org, rows)
	if err != nil {
		return api.ServiceAccount{}, err
	}
	if len(out) == 0 {
		return api.ServiceAccount{}, notFound("service account", string(u.ID))
	}
	setETag(ctx, u.Version)
	return out[0], nil
}

// describeAccounts shows some, in the order given.
func (s *server) describeAccounts(ctx context.Context, org alfred.OrgID, rows []alfred.DirectoryRow) ([]api.ServiceAccount, error) {
	out, ids := []api.ServiceAccount{}, make([]alfred.UserID, len(rows))
	for i, r := range rows {
		ids[i] = r.User
	}
	found, err := s.Records.UserDirectory(ctx, org, ids, s.Now())
	if err != nil {
		return nil, err
	}
	snap, err := s.snapshotOf(ctx, org, teamsOf(found...))
	if err != nil {
		return nil, err
	}
	for i, d := range found {
		out = append(out, snap.describeAccount(d, rows[i]))
	}
	return out, nil
}

func (p *snapshot) describeAccount(d alfred.UserDirectory, row alfred.DirectoryRow) api.ServiceAccount {
	u := d.User
	base, _ := p.quota(d)
	out := api.ServiceAccount{
		Id: string(u.ID), Name: u.Name, Status: u.Status, CostCenter: u.CostCenter, Budget: pointed(u.Quota), Used: &row.Used,
		EffectiveBudget: alfred.Effective(base, adjustmentsOf(d.Adjustments, alfred.BudgetPersonal), p.now), LastUsedAt: orNull(row.LastSeen),
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if len(d.Memberships) > 0 {
		owner := d.Memberships[0].Team
		out.TeamId, out.TeamName = string(owner), p.teams[owner].Team.Name
	}
	for _, k := range d.Keys {
		if k.Status == alfred.KeyActive && (k.ExpiresAt.IsZero() || p.now.Before(k.ExpiresAt)) {
			out.ActiveKeys++
		}
	}
	return out
}

// auditedAccount is what the audit log keeps of a service account.
func auditedAccount(u alfred.User, team string) map[string]any {
	return map[string]any{"name": u.Name, "status": u.Status, "team_id": orNull(team), "cost_center": u.CostCenter, "budget": u.Quota}
}
