package admin

import (
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// access is who may call an operation at all. Handlers narrow further, to
// what the caller's teams cover.
type access byte

const (
	nobody     access = iota // an operation that is not in the table
	everyone                 // without a key
	members                  // everyone with a key
	teamAdmins               // admins, and team admins of the team that the path names, or of any
	admins                   // owners and admins
)

// operations says who may call what. An operation that is missing here is
// refused, and a test holds the table and the document together.
func operations() map[string]access {
	return map[string]access{
		"createUser":    admins, // and whoever bootstraps
		"listUsers":     teamAdmins,
		"getUser":       members, // themselves; team admins their members
		"replaceUser":   teamAdmins,
		"updateUser":    teamAdmins,
		"deleteUser":    admins,
		"createUserKey": admins,
		"listUserKeys":  teamAdmins,
		"revokeUserKey": teamAdmins,

		"listServiceAccounts":     teamAdmins, // of their teams
		"getServiceAccount":       teamAdmins,
		"createServiceAccount":    admins,
		"updateServiceAccount":    admins,
		"deleteServiceAccount":    admins,
		"listServiceAccountKeys":  teamAdmins,
		"createServiceAccountKey": admins,
		"rotateServiceAccountKey": admins,
		"revokeServiceAccountKey": teamAdmins,

		"createTeam":       admins,
		"listTeams":        members, // their own
		"getTeam":          members, // their own
		"replaceTeam":      admins,
		"updateTeam":       admins,
		"deleteTeam":       admins,
		"listTeamMembers":  members, // of their own
		"addTeamMember":    teamAdmins,
		"removeTeamMember": teamAdmins,

		"getMe":           members,
		"updateMe":        members,
		"getMyQuota":      members,
		"getMyUsage":      members,
		"transferCredits": members,
		"listMyTransfers": members,
		"listMyKeys":      members,
		"createMyKey":     members,
		"revokeMyKey":     members,
		"setMyVacation":   members,
		"listMyInbox":     members,
		"markMyInboxRead": members,

		"getOrganization":     admins,
		"updateOrganization":  admins,
		"listLimits":          admins,
		"putLimits":           admins,
		"listDepartments":     admins,
		"createDepartment":    admins,
		"replaceDepartment":   admins,
		"listProjects":        members, // their own
		"getProject":          members, // their own
		"createProject":       admins,
		"updateProject":       admins,
		"listProjectMembers":  members, // of their own
		"addProjectMember":    admins,
		"removeProjectMember": admins,

		"listTransfers":   admins,
		"exportTransfers": admins,
		"listAudit":       members, // what they did themselves
		"listSetAside":    admins,
		"retrySetAside":   admins,
		"getLedgerDrift":  admins,
		"reconcileLedger": admins,
		"verifyAudit":     admins,
		"getDecision":     members, // their own; team admins their members'
		"getOpenAPI":      everyone,

		"createSession":  everyone,
		"getSession":     members,
		"deleteSession":  members,
		"deleteSessions": members,

		"getOverview":      teamAdmins, // of their teams
		"queryUsage":       teamAdmins, // of their members
		"exportUsageQuery": teamAdmins,
		"getEfficiency":    teamAdmins,
		"streamAdmin":      teamAdmins,
		"search":           teamAdmins,
		"listRequests":     teamAdmins,
		"exportRequests":   teamAdmins,
		"getRequest":       teamAdmins,
		"listDecisions":    teamAdmins,
		"exportDecisions":  teamAdmins,
		"exportAudit":      members, // what they did themselves

		"queryMyUsage":     members,
		"streamMe":         members,
		"listMyRequests":   members,
		"exportMyRequests": members,
		"getMyRequest":     members,
		"listMyDecisions":  members,
		"listMyViews":      members,
		"putMyView":        members,
		"deleteMyView":     members,
		"explainMyQuota":   members,
		"getMyBurn":        members,
		"rotateMyKey":      members,

		"exportUsers":        teamAdmins,
		"exportTeams":        members, // their own
		"explainUserQuota":   teamAdmins,
		"getUserBurn":        teamAdmins,
		"rotateUserKey":      admins,
		"getTeamShares":      members, // of their own
		"createReallocation": teamAdmins,
		"createJob":          admins,
		"listJobs":           admins,
		"getJob":             admins,
		"listJobRows":        admins,
		"listProviders":      admins,
		"testProvider":       admins,
		"listModels":         admins,
		"getSettings":        admins,
		"getOnboarding":      admins,
		"putOnboarding":      admins,
		"listChannels":       admins,
		"createChannel":      admins,
		"getChannel":         admins,
		"updateChannel":      admins,
		"deleteChannel":      admins,
		"testChannel":        admins,
		"listDeliveries":     admins,
		"resendDelivery":     admins,
		"listAlerts":         admins,
		"getDemo":            admins,
		"createDemo":         admins,
		"deleteDemo":         admins,
	}
}

// allows says whether the actor may call an operation with this access. team
// is the team that the path names, or "".
func (a access) allows(actor alfred.Actor, team alfred.TeamID) bool {
	switch a {
	case everyone, members:
		return true
	case teamAdmins:
		if team != "" {
			return actor.AdministersTeam(team)
		}
		return actor.Access.Administers() || len(actor.TeamsAdmin) > 0
	case admins:
		return actor.Access.Administers()
	default:
		return false
	}
}

// routes registers the API, which is generated from the document, and the
// pages beside it.
func (s *server) routes(engine *gin.Engine) {
	api.RegisterHandlersWithOptions(engine, api.NewStrictHandlerWithOptions(s, nil, api.StrictGinServerOptions{
		RequestErrorHandlerFunc:  func(c *gin.Context, err error) { s.refuse(c.Writer, callOf(c), unreadable(err)) },
		HandlerErrorFunc:         func(c *gin.Context, err error) { s.refuse(c.Writer, callOf(c), err) },
		ResponseErrorHandlerFunc: func(c *gin.Context, err error) { s.refuse(c.Writer, callOf(c), err) },
	}), api.GinServerOptions{
		ErrorHandler: func(c *gin.Context, err error, _ int) { s.refuse(c.Writer, callOf(c), unreadable(err)) },
	})

	engine.GET("/", s.toStatic)
	engine.GET("/static", s.toStatic)
	engine.GET("/static/", s.app)
	engine.GET("/static/api", s.apiPage)
	engine.GET("/static/style.css", s.styleSheet)
	engine.GET("/errors", s.errorIndex)
	engine.GET("/errors/:code", s.errorPage)
	engine.NoRoute(func(c *gin.Context) {
		if strings.HasPrefix(c.Request.URL.Path, "/static/") {
			s.app(c)
			return
		}
		s.refuse(c.Writer, callOf(c), alfred.Errorf(alfred.CodeNotFound, "There is no such page. The API is described at /static/api."))
	})
	engine.NoMethod(func(c *gin.Context) {
		s.refuse(c.Writer, callOf(c), alfred.Errorf(alfred.CodeMethod, "%s is not a method of this page.", c.Request.Method))
	})
}
