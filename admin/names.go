package admin

import (
	"context"
	"strings"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// names are what ids are shown as. What has gone has no name.
type names struct {
	users       map[alfred.UserID]alfred.User
	keys        map[alfred.KeyID]alfred.Key
	teams       map[alfred.TeamID]string
	departments map[alfred.DepartmentID]string
	projects    map[alfred.ProjectID]string
}

// wanted are the ids of people and keys that a reply speaks of.
type wanted struct {
	users []alfred.UserID
	keys  []alfred.KeyID
}

// names reads the names of some people and keys, and of all teams,
// departments and projects.
func (s *server) names(ctx context.Context, org alfred.OrgID, w wanted) (*names, error) {
	n := &names{
		users: map[alfred.UserID]alfred.User{}, keys: map[alfred.KeyID]alfred.Key{}, teams: map[alfred.TeamID]string{},
		departments: map[alfred.DepartmentID]string{}, projects: map[alfred.ProjectID]string{},
	}
	teams, err := s.Records.Teams(ctx, org, "", "", 0)
	if err != nil {
		return nil, err
	}
	for _, t := range teams {
		n.teams[t.ID] = t.Name
	}
	departments, err := s.Records.Departments(ctx, org)
	if err != nil {
		return nil, err
	}
	for _, d := range departments {
		n.departments[d.ID] = d.Name
	}
	projects, err := s.Records.Projects(ctx, org)
	if err != nil {
		return nil, err
	}
	for _, p := range projects {
		n.projects[p.ID] = p.Name
	}
	if len(w.users) > 0 {
		users, err := s.Records.Users(ctx, org, alfred.UserFilter{IDs: w.users})
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			n.users[u.ID] = u
		}
	}
	if len(w.keys) > 0 {
		keys, err := s.Records.KeysByID(ctx, org, w.keys)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			n.keys[k.ID] = k
		}
	}
	return n, nil
}

func (n *names) person(id alfred.UserID) api.PersonRef {
	u := n.users[id]
	return api.PersonRef{Id: string(id), Name: u.Name, Email: u.Email}
}

// key names a key by what its owner called it and by its first characters.
func (n *names) key(id alfred.KeyID) string {
	k, ok := n.keys[id]
	switch {
	case !ok:
		return ""
	case k.Name == "":
		return k.Prefix + "…"
	default:
		return k.Name + " (" + k.Prefix + "…)"
	}
}

// of names the value of a dimension.
func (n *names) of(d alfred.UsageDimension, id string) string {
	switch d {
	case alfred.ByUser:
		u := n.users[alfred.UserID(id)]
		if u.Name == "" {
			return u.Email
		}
		return u.Name
	case alfred.ByTeam:
		return n.teams[alfred.TeamID(id)]
	case alfred.ByDepartment:
		return n.departments[alfred.DepartmentID(id)]
	case alfred.ByProject:
		return n.projects[alfred.ProjectID(id)]
	case alfred.ByKey:
		return n.key(alfred.KeyID(id))
	default:
		return id
	}
}

// subject names the subject of a counter or of a leg.
func (n *names) subject(kind, id string) string {
	team, user, share := strings.Cut(id, "/")
	switch alfred.CounterKind(kind) { //nolint:exhaustive // the others have no name of their own
	case alfred.CountDept:
		return n.departments[alfred.DepartmentID(id)]
	case alfred.CountTeam, alfred.CountPool:
		return n.teams[alfred.TeamID(id)]
	case alfred.CountProject:
		return n.projects[alfred.ProjectID(id)]
	case alfred.CountKey:
		return n.key(alfred.KeyID(id))
	case alfred.CountUser, alfred.CountPersonal, alfred.CountOverdraft:
		return n.of(alfred.ByUser, id)
	case alfred.CountModel:
		return id
	}
	if share {
		return n.teams[alfred.TeamID(team)] + ", " + n.of(alfred.ByUser, user)
	}
	return ""
}
