package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

const (
	sessionLife = 12 * time.Hour // whatever happens
	sessionIdle = time.Hour      // without a request
	// sessionSeen is how exactly the last request is remembered, so that a
	// page that asks ten things writes once.
	sessionSeen = time.Minute
)

// secure says whether browsers reach Alfred over https.
func (s *server) secure() bool { return strings.HasPrefix(s.PublicURL, "https://") }

// cookieName is that of the session. Over https a browser keeps a cookie of
// this name to this host, this path and encrypted connections.
func (s *server) cookieName() string {
	if s.secure() {
		return "__Host-alfred_session"
	}
	return "alfred_session"
}

// sessionToken is the session that a request brings, "" without one. A key in
// a header counts before it.
func (s *server) sessionToken(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

func (s *server) setCookie(ctx context.Context, value string, age time.Duration) {
	c, ok := ctx.(*gin.Context)
	if !ok {
		return
	}
	cookie := &http.Cookie{ //nolint:gosec // G124: Secure is left out where PUBLIC_URL is plain http, on a machine of one's own
		Name: s.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode, MaxAge: int(age / time.Second),
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(c.Writer, cookie)
}

// sameSite refuses what another site makes a browser send: with a session, and
// to sign in. Scripts do not send cookies and are not asked.
func (s *server) sameSite(r *http.Request) error {
	if err := s.origins.Check(r); err != nil {
		return &alfred.Error{Code: alfred.CodeCrossOrigin, Message: "This request comes from another site than " + s.PublicURL + ".", Err: err}
	}
	return nil
}

var errSessionEnded = alfred.Errorf(alfred.CodeSessionEnded, "You are not signed in any more. Sign in again with your key.")

// resume fills in who asks with a session: the person behind its key, as long
// as the key and the person may.
func (s *server) resume(r *http.Request, c *call, token string) error {
	if err := s.sameSite(r); err != nil {
		return err
	}
	ctx, now := r.Context(), s.Now()
	session, err := s.Records.Session(ctx, alfred.HashSession(token, s.Pepper))
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return errSessionEnded
	}
	if err != nil {
		return err
	}
	if !now.Before(session.Ends(sessionIdle)) {
		return errSessionEnded
	}
	keys, err := s.Records.Keys(ctx, session.Org, session.User)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(keys, func(k alfred.Key) bool { return k.ID == session.Key })
	if at < 0 {
		return errSessionEnded
	}
	if err := s.identifyKey(ctx, c, keys[at]); err != nil {
		return err
	}
	passive, _ := strconv.ParseBool(r.URL.Query().Get("passive"))
	if now.Sub(session.SeenAt) >= sessionSeen && (c.operation != "getSession" || !passive) {
		if err := s.Records.SeeSession(ctx, session.Hash, now); err != nil {
			return err
		}
		session.SeenAt = now
	}
	c.session = session
	return nil
}

// CreateSession signs in with a key. Attempts are limited by where they come
// from, and those that fail by the key's first characters too, which are not
// secret: nobody else's failures keep the owner of a key out.
func (s *server) CreateSession(ctx context.Context, r api.CreateSessionRequestObject) (api.CreateSessionResponseObject, error) {
	c, now, secret := callOf(ctx), s.Now(), strings.TrimSpace(r.Body.ApiKey)
	if wait := s.byAddress.take(network(c.ip), now); wait > 0 {
		return nil, tooMany(ctx, wait)
	}
	err := error(errUnknownKey)
	if alfred.CheckSecret(secret, s.Pepper) {
		err = s.identify(ctx, c, alfred.HashSecret(secret, s.Pepper))
	}
	if err != nil {
		if wait := s.byPrefix.take(secret[:min(len(secret), 7)], now); wait > 0 {
			return nil, tooMany(ctx, wait)
		}
		return nil, err
	}
	s.byAddress.giveBack(network(c.ip), now)
	token, err := alfred.NewSessionToken(s.Entropy)
	if err != nil {
		return nil, err
	}
	c.session = alfred.Session{
		Hash: alfred.HashSession(token, s.Pepper), Org: c.actor.Org, User: c.actor.User, Key: c.actor.Key, IP: c.ip,
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(sessionLife),
	}
	err = s.write(ctx, c.actor.Org, func(ctx context.Context, w *change) error {
		w.audit("session.create", string(c.actor.User), nil, map[string]any{"key_id": c.actor.Key})
		return s.Records.CreateSession(ctx, c.session)
	})
	if err != nil {
		return nil, err
	}
	out, err := s.describeSession(ctx, c)
	if err != nil {
		return nil, err
	}
	s.setCookie(ctx, token, sessionLife)
	return api.CreateSession201JSONResponse(out), nil
}

func tooMany(ctx context.Context, wait time.Duration) error {
	seconds := int(wait/time.Second) + 1
	if c, ok := ctx.(*gin.Context); ok {
		c.Header("Retry-After", strconv.Itoa(seconds))
	}
	return alfred.Errorf(alfred.CodeAttempts, "Too many attempts to sign in. Try again in %d s.", seconds)
}

// GetSession answers who is signed in and what they may do.
func (s *server) GetSession(ctx context.Context, _ api.GetSessionRequestObject) (api.GetSessionResponseObject, error) {
	out, err := s.describeSession(ctx, callOf(ctx))
	return api.GetSession200JSONResponse(out), err
}

// DeleteSession signs out. With a key there is nothing to end.
func (s *server) DeleteSession(ctx context.Context, _ api.DeleteSessionRequestObject) (api.DeleteSessionResponseObject, error) {
	c := callOf(ctx)
	err := s.write(ctx, c.actor.Org, func(ctx context.Context, _ *change) error {
		return s.Records.EndSession(ctx, c.session.Hash)
	})
	if err != nil {
		return nil, err
	}
	s.setCookie(ctx, "", 0)
	return api.DeleteSession204Response{}, nil
}

// DeleteSessions signs out everywhere.
func (s *server) DeleteSessions(ctx context.Context, _ api.DeleteSessionsRequestObject) (api.DeleteSessionsResponseObject, error) {
	c := callOf(ctx)
	err := s.write(ctx, c.actor.Org, func(ctx context.Context, w *change) error {
		w.audit("session.end_all", string(c.actor.User), nil, nil)
		return s.Records.EndSessions(ctx, c.actor.Org, c.actor.User)
	})
	if err != nil {
		return nil, err
	}
	s.setCookie(ctx, "", 0)
	return api.DeleteSessions204Response{}, nil
}

func (s *server) describeSession(ctx context.Context, c *call) (api.Session, error) {
	snap, err := s.snapshotOf(ctx, c.actor.Org, c.actor.TeamsAdmin)
	if err != nil {
		return api.Session{}, err
	}
	user, err := s.describe(ctx, c.actor.Org, c.actor.User)
	if err != nil {
		return api.Session{}, err
	}
	keys, err := s.Records.Keys(ctx, c.actor.Org, c.actor.User)
	if err != nil {
		return api.Session{}, err
	}
	out := api.Session{
		Method: api.SessionMethodKey, User: user, Permissions: permissions(c.actor), TeamsAdmin: []api.Ref{}, BaseUrl: s.PublicURL + "/v1", ServerTime: snap.now,
		ExpiresAt: nullable.NewNullNullable[time.Time](), IdleExpiresAt: nullable.NewNullNullable[time.Time](),
	}
	for _, t := range c.actor.TeamsAdmin {
		out.TeamsAdmin = append(out.TeamsAdmin, api.Ref{Id: string(t), Name: snap.teams[t].Team.Name})
	}
	out.Organization.Id, out.Organization.Name = string(snap.org.ID), snap.org.Name
	out.Organization.Zone, out.Organization.Unit = snap.org.Settings.Zone, snap.org.Settings.UnitName
	out.Organization.Window = snap.describeWindow(snap.window)
	for _, k := range keys {
		if k.ID == c.actor.Key {
			out.Key.Id, out.Key.Prefix, out.Key.Name, out.Key.ExpiresAt = string(k.ID), k.Prefix, k.Name, orNull(k.ExpiresAt)
		}
	}
	if c.session.Hash != "" {
		out.Method = api.SessionMethodSession
		out.ExpiresAt = nullable.NewNullableWithValue(c.session.ExpiresAt)
		out.IdleExpiresAt = nullable.NewNullableWithValue(c.session.Ends(sessionIdle))
	}
	out.Flags.Development, out.Flags.OnboardingDone = s.Development, true
	if c.actor.Access.Administers() {
		if r, err := s.GetOnboarding(ctx, api.GetOnboardingRequestObject{}); err == nil {
			if steps, ok := r.(api.GetOnboarding200JSONResponse); ok {
				out.Flags.OnboardingDone = steps.Done || steps.Dismissed
			}
		}
		if r, err := s.GetDemo(ctx, api.GetDemoRequestObject{}); err == nil {
			if demo, ok := r.(api.GetDemo200JSONResponse); ok {
				out.Flags.DemoData = demo.Present
			}
		}
	}
	return out, nil
}

// permissions are the operations that the actor may call at all.
func permissions(actor alfred.Actor) []string {
	var out []string
	for id, need := range operations() {
		if need.allows(actor, "") {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
