package admin

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/routers"

	"github.com/alfred-envoy/alfred"
)

// admit finds the operation that a request asks for, who asks, and whether
// they may call it. What is refused here was not read any further.
func (s *server) admit(next http.Handler) http.Handler {
	table := operations()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := callOf(r.Context())
		route, params, err := s.router.FindRoute(r)
		switch {
		case errors.Is(err, routers.ErrMethodNotAllowed):
			w.Header().Set("Allow", s.allowed(r))
			s.refuse(w, c, alfred.Errorf(alfred.CodeMethod, "%s is not a method of %s. It has %s.", r.Method, r.URL.Path, s.allowed(r)))
			return
		case err != nil:
			s.refuse(w, c, alfred.Errorf(alfred.CodeNotFound, "There is no %s. The API is described at /static/api.", r.URL.Path))
			return
		}
		c.operation = route.Operation.OperationID
		limit := requestLimit
		if strings.HasPrefix(c.operation, "export") || slices.Contains([]string{"verifyAudit", "getLedgerDrift", "reconcileLedger"}, c.operation) {
			limit = historyLimit
		}
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		if strings.HasPrefix(c.operation, "stream") {
			ctx, cancel = context.WithCancel(r.Context())
		}
		defer cancel()
		r = r.WithContext(ctx)
		need := table[c.operation]
		if c.operation == "createSession" {
			if err := s.sameSite(r); err != nil {
				s.refuse(w, c, err)
				return
			}
		}
		if need != everyone {
			if err := s.authenticate(r, c); err != nil {
				s.refuse(w, c, err)
				return
			}
		}
		if !c.bootstrap && !need.allows(c.actor, alfred.TeamID(params["team_id"])) {
			s.refuse(w, c, forbidden(c, params["team_id"]))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allowed lists the methods of a path.
func (s *server) allowed(r *http.Request) string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if _, _, err := s.router.FindRoute(&http.Request{Method: method, URL: r.URL, Host: r.Host}); err == nil {
			out = append(out, method)
		}
	}
	return strings.Join(out, ", ")
}

// forbidden is the refusal of somebody who lacks a role. A team admin who
// names another team learns nothing of it.
func forbidden(c *call, team string) error {
	if team != "" && len(c.actor.TeamsAdmin) > 0 && !c.actor.AdministersTeam(alfred.TeamID(team)) {
		return notFound("team", team)
	}
	return alfred.Errorf(alfred.CodeForbidden, "This needs an admin.")
}

func notFound(kind, id string) error {
	return alfred.Errorf(alfred.CodeNotFound, "There is no %s %s that you may see.", kind, id)
}

// credential reads the key of a request. Both headers may carry it, if they
// agree.
func credential(h http.Header) (string, error) {
	bearer := ""
	if scheme, rest, ok := strings.Cut(strings.TrimSpace(h.Get("Authorization")), " "); ok && strings.EqualFold(scheme, "Bearer") {
		bearer = strings.TrimSpace(rest)
	}
	key := strings.TrimSpace(h.Get("X-API-Key"))
	switch {
	case bearer != "" && key != "" && bearer != key:
		return "", alfred.Errorf(alfred.CodeConflictingKeys, "Authorization and X-API-Key carry different keys.")
	case bearer != "":
		return bearer, nil
	default:
		return key, nil
	}
}

// authenticate fills in who asks. The first person, and nobody else, may be
// created by whoever holds the bootstrap token, or by anyone in development.
func (s *server) authenticate(r *http.Request, c *call) error {
	secret, err := credential(r.Header)
	if err != nil {
		return err
	}
	if c.operation == "createUser" && s.mayBootstrap(secret) {
		done, err := s.Records.Bootstrapped(r.Context())
		if err != nil {
			return err
		}
		c.bootstrap = !done
	}
	switch {
	case c.bootstrap:
		return nil
	case secret == "":
		if token := s.sessionToken(r); token != "" {
			return s.resume(r, c, token)
		}
		return alfred.Errorf(alfred.CodeMissingKey, "Send your API key as Authorization: Bearer tp-… or as X-API-Key.")
	case !alfred.CheckSecret(secret, s.Pepper):
		return errUnknownKey
	}
	return s.identify(r.Context(), c, alfred.HashSecret(secret, s.Pepper))
}

var errUnknownKey = alfred.Errorf(alfred.CodeInvalidKey, "This API key is not valid.")

func (s *server) mayBootstrap(secret string) bool {
	if s.BootstrapToken != "" {
		return subtle.ConstantTimeCompare([]byte(secret), []byte(s.BootstrapToken)) == 1
	}
	return s.Development && secret == ""
}

// identify reads the person behind a key.
func (s *server) identify(ctx context.Context, c *call, hash string) error {
	key, err := s.Records.KeyByHash(ctx, hash)
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return errUnknownKey
	}
	if err != nil {
		return err
	}
	return s.identifyKey(ctx, c, key)
}

// identifyKey reads the person behind a key that is known.
func (s *server) identifyKey(ctx context.Context, c *call, key alfred.Key) error {
	switch {
	case key.Status != alfred.KeyActive:
		return alfred.Errorf(alfred.CodeKeyRevoked, "This API key has been revoked.")
	case !key.ExpiresAt.IsZero() && !s.Now().Before(key.ExpiresAt):
		return alfred.Errorf(alfred.CodeKeyExpired, "This API key expired at %s.", key.ExpiresAt.UTC().Format(time.RFC3339))
	}
	user, err := s.Records.User(ctx, key.Org, key.User)
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return errUnknownKey
	}
	if err != nil {
		return err
	}
	if user.Status == alfred.Suspended {
		return alfred.Errorf(alfred.CodeUserSuspended, "Your account is suspended. Ask an admin to reactivate it.")
	}
	if user.Kind == alfred.KindService && !serviceMay(c.operation) {
		return alfred.Errorf(alfred.CodeForbidden, "This key belongs to the service account %s. It calls models, and reads its own quota, usage and refusals.", user.Name)
	}
	memberships, err := s.Records.Memberships(ctx, key.Org, key.User)
	if err != nil {
		return err
	}
	c.user = user
	c.actor = alfred.Actor{Org: key.Org, User: user.ID, Email: user.Email, Key: key.ID, Access: user.Access}
	for _, m := range memberships {
		if m.IsAdmin {
			c.actor.TeamsAdmin = append(c.actor.TeamsAdmin, m.Team)
		}
	}
	return nil
}

// seen returns a person whom the actor may see: anyone for an admin, members
// of their teams for a team admin, and oneself. Others do not exist.
func (s *server) seen(ctx context.Context, id alfred.UserID) (alfred.User, error) {
	actor := callOf(ctx).actor
	if !actor.Access.Administers() && id != actor.User {
		covered, err := s.covers(ctx, actor, id)
		if err != nil {
			return alfred.User{}, err
		}
		if !covered {
			return alfred.User{}, notFound("user", string(id))
		}
	}
	return s.Records.User(ctx, actor.Org, id)
}

// covers says whether the actor administers a team of this person.
func (s *server) covers(ctx context.Context, actor alfred.Actor, id alfred.UserID) (bool, error) {
	if actor.Access.Administers() {
		return true, nil
	}
	if len(actor.TeamsAdmin) == 0 {
		return false, nil
	}
	memberships, err := s.Records.Memberships(ctx, actor.Org, id)
	return slices.ContainsFunc(memberships, func(m alfred.Member) bool { return slices.Contains(actor.TeamsAdmin, m.Team) }), err
}

// mayManage says whether the actor may change this person at all: owners
// anyone, admins everyone but owners.
func mayManage(actor alfred.Actor, target alfred.User) error {
	if target.Access == alfred.RoleOwner && actor.Access != alfred.RoleOwner {
		return alfred.Errorf(alfred.CodeForbidden, "Only an owner may change an owner.")
	}
	return nil
}
