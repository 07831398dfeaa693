package alfred

import "slices"

// AccessRole says what a person may do in the control plane. It is not a job
// role: those are templates of credits.
type AccessRole string

const (
	RoleOwner  AccessRole = "owner"
	RoleAdmin  AccessRole = "admin"
	RoleMember AccessRole = "member"
)

// Valid says whether r is a role.
func (r AccessRole) Valid() bool { return r == RoleOwner || r == RoleAdmin || r == RoleMember }

// Administers says whether the role reaches over the whole organisation.
func (r AccessRole) Administers() bool { return r == RoleOwner || r == RoleAdmin }

// Actor is the person who asks the control plane for something.
type Actor struct {
	Org        OrgID
	User       UserID
	Email      string
	Key        KeyID
	Access     AccessRole
	TeamsAdmin []TeamID // teams that this person administers
}

// AdministersTeam says whether the actor may act for a team.
func (a Actor) AdministersTeam(t TeamID) bool {
	return a.Access.Administers() || slices.Contains(a.TeamsAdmin, t)
}
