package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/alfred-envoy/alfred"
)

// Crowd is many people at once, and what they belong to.
type Crowd struct {
	Departments []alfred.Department
	Teams       []alfred.Team
	Projects    []alfred.Project
	Users       []alfred.User
	Keys        []alfred.Key
	Members     []alfred.Member
	InProjects  map[alfred.UserID]alfred.ProjectID
	Transfers   []alfred.Transfer
	Adjustments []alfred.Adjustment
}

// LoadPeople stores a crowd in one transaction, as one statement for each
// table.
func (s *Store) LoadPeople(ctx context.Context, org alfred.OrgID, c Crowd) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		for _, d := range c.Departments {
			d.Version = 0
			if err := s.PutDepartment(ctx, d); err != nil {
				return err
			}
		}
		for _, p := range c.Projects {
			p.Version = 0
			if err := s.PutProject(ctx, p); err != nil {
				return err
			}
		}
		err := s.copyRows(ctx, "teams", []string{
			"org_id", "id", "department_id", "name", "description", "common_pool", "sharing", "default_quota", "created_at", "updated_at",
		}, len(c.Teams), func(i int) []any {
			t := c.Teams[i]
			return []any{org, t.ID, optional(t.Department), t.Name, t.Description, int64(t.CommonPool), t.Sharing, t.DefaultQuota, t.CreatedAt, t.UpdatedAt}
		})
		if err != nil {
			return err
		}
		err = s.copyRows(ctx, "users", []string{
			"org_id", "id", "email", "email_key", "name", "status", "vacation_start", "vacation_until", "access_role", "department_id", "quota", "max_priority",
			"created_at", "updated_at",
		}, len(c.Users), func(i int) []any {
			u := c.Users[i]
			return []any{
				org, u.ID, u.Email, alfred.NormalEmail(u.Email), u.Name, u.Status, instant(u.VacationStart), instant(u.VacationUntil), u.Access,
				optional(u.Department), (*int64)(u.Quota), u.MaxPriority, u.CreatedAt, u.UpdatedAt,
			}
		})
		if err != nil {
			return err
		}
		err = s.copyRows(ctx, "api_keys", []string{
			"org_id", "id", "user_id", "name", "hash", "prefix", "last4", "status", "created_at",
		}, len(c.Keys), func(i int) []any {
			k := c.Keys[i]
			return []any{org, k.ID, k.User, k.Name, k.Hash, k.Prefix, k.Last4, k.Status, k.CreatedAt}
		})
		if err != nil {
			return err
		}
		err = s.copyRows(ctx, "team_members", []string{"org_id", "team_id", "user_id", "is_admin", "joined_at"}, len(c.Members), func(i int) []any {
			m := c.Members[i]
			return []any{org, m.Team, m.User, m.IsAdmin, m.JoinedAt}
		})
		if err != nil {
			return err
		}
		users := slices.Sorted(maps.Keys(c.InProjects))
		err = s.copyRows(ctx, "project_members", []string{"org_id", "project_id", "user_id"}, len(users), func(i int) []any {
			return []any{org, c.InProjects[users[i]], users[i]}
		})
		if err != nil {
			return err
		}
		for _, t := range c.Transfers {
			if err := s.CreateTransfer(ctx, t); err != nil {
				return err
			}
		}
		return s.AddAdjustments(ctx, c.Adjustments...)
	})
}
