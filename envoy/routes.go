package envoy

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/alfred-envoy/alfred"
)

// BackendHeader is how Alfred names the provider of a request. Clients cannot send it.
const BackendHeader = "x-alfred-backend"

// routes is the front door, first match wins:
//
//	x-alfred-backend: <provider>   the provider; only after Alfred set it and had the route looked up again
//	x-alfred-backend: <other>      503: Alfred and Envoy disagree about the providers
//	/  /static                     to /static/
//	the control plane's paths      the admin app
//	/v1                            Alfred, and nowhere else; 503 by itself if Alfred lets it pass without naming a provider
//	the rest                       404
//
// Providers come first because Alfred rewrites the path, and what it becomes could be one of the control plane's.
func (b *builder) routes() *routev3.RouteConfiguration {
	var routes []*routev3.Route
	for _, p := range b.Providers {
		routes = append(routes, b.providerRoute(p))
	}
	unknown := &routev3.RouteMatch{
		PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"},
		Headers: []*routev3.HeaderMatcher{{
			Name:                 BackendHeader,
			HeaderMatchSpecifier: &routev3.HeaderMatcher_PresentMatch{PresentMatch: true},
		}},
	}
	routes = append(routes,
		b.answer("unknown_provider", unknown, alfred.CodeUnavailable, openAI,
			"The gateway chose a provider that this Envoy does not know, so the request was not sent. Nothing was charged."),
		b.redirect("/"), b.redirect("/static"))
	for _, p := range adminPaths {
		routes = append(routes, b.adminRoutes(p)...)
	}
	models := b.answer("undecided", under("/v1"), alfred.CodeUnavailable, openAI,
		"The gateway let this request pass without choosing a provider, so it was not sent to one. Nothing was charged.")
	models.TypedPerFilterConfig = b.withExtProc()
	routes = append(routes, models,
		b.answer("nowhere", &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}}, alfred.CodeNotFound, problem,
			"Nothing lives at this path. Model calls are under /v1, the web app under /static/."))
	return &routev3.RouteConfiguration{
		Name: "front_door",
		VirtualHosts: []*routev3.VirtualHost{{
			Name:    "alfred",
			Domains: []string{"*"},
			Routes:  routes,
		}},
	}
}

// adminPath is one part of the control plane's URLs.
type adminPath struct {
	name  string
	match func() *routev3.RouteMatch
}

var adminPaths = []adminPath{
	{"admin", func() *routev3.RouteMatch { return under("/v1/admin") }},
	{"users", func() *routev3.RouteMatch { return under("/v1/users") }},
	{"sessions", func() *routev3.RouteMatch { return under("/v1/auth") }},
	{"approvals", func() *routev3.RouteMatch { return under("/v1/approvals") }},
	{"decisions", func() *routev3.RouteMatch { return under("/v1/decisions") }},
	{"openapi", func() *routev3.RouteMatch { return path("/v1/openapi.json") }},
	{"errors", func() *routev3.RouteMatch { return under("/errors") }},
	{"static", func() *routev3.RouteMatch { return under("/static") }},
	{"auth", func() *routev3.RouteMatch { return under("/auth") }},
	{"scim", func() *routev3.RouteMatch { return under("/scim") }},
}

// adminRoutes sends a path to the admin app. Event streams have a route of their own, without an end in time.
func (b *builder) adminRoutes(p adminPath) []*routev3.Route {
	events := b.adminRoute(p.name+"_events", p.match(), &routev3.RouteAction{Timeout: seconds(0), IdleTimeout: seconds(900)})
	events.Match.Headers = []*routev3.HeaderMatcher{{
		Name: "accept",
		HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: &matcherv3.StringMatcher{
			MatchPattern: &matcherv3.StringMatcher_Contains{Contains: "text/event-stream"},
		}},
	}}
	return []*routev3.Route{events, b.adminRoute(p.name, p.match(), &routev3.RouteAction{Timeout: seconds(120)})}
}

func (b *builder) adminRoute(name string, m *routev3.RouteMatch, a *routev3.RouteAction) *routev3.Route {
	a.ClusterSpecifier = &routev3.RouteAction_Cluster{Cluster: adminCluster}
	if len(several(b.Admin)) > 1 {
		// Only what cannot have arrived is sent again: to the other, when this one is gone and was not missed yet.
		a.RetryPolicy = &routev3.RetryPolicy{RetryOn: "connect-failure,refused-stream,reset-before-request", NumRetries: wrapperspb.UInt32(2)}
	}
	return &routev3.Route{
		Name:   name,
		Match:  m,
		Action: &routev3.Route_Route{Route: a},
	}
}

func (b *builder) redirect(from string) *routev3.Route {
	return &routev3.Route{
		Name:  "to_static",
		Match: path(from),
		Action: &routev3.Route_Redirect{Redirect: &routev3.RedirectAction{
			PathRewriteSpecifier: &routev3.RedirectAction_PathRedirect{PathRedirect: "/static/"},
			ResponseCode:         routev3.RedirectAction_FOUND,
		}},
	}
}

// providerRoute forwards what Alfred admitted. It has no deadline, since completions take as long as they take; a stream
// that is silent for 15 minutes is given up.
func (b *builder) providerRoute(p Provider) *routev3.Route {
	t, _ := p.target()
	return &routev3.Route{
		Name: "provider_" + p.Name,
		Match: &routev3.RouteMatch{
			PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"},
			Headers: []*routev3.HeaderMatcher{{
				Name:                 BackendHeader,
				HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: exact(p.Name)},
			}},
		},
		Action: &routev3.Route_Route{Route: &routev3.RouteAction{
			ClusterSpecifier:     &routev3.RouteAction_Cluster{Cluster: p.Name},
			HostRewriteSpecifier: &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: t.authority},
			Timeout:              seconds(0),
			IdleTimeout:          seconds(900),
		}},
		RequestBodyBufferLimit:  wrapperspb.UInt64(BodyLimit),
		RequestHeadersToRemove:  notForProviders,
		ResponseHeadersToRemove: notForClients,
	}
}

// notForProviders is what the caller sends for Alfred, for Envoy, or about itself. It never leaves the house. The caller's
// authorization is not here: by now it holds the provider's credential, which Alfred wrote over it.
var notForProviders = []string{
	"cookie", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization",
	BackendHeader, "x-privacy-mode", "x-priority", "x-project-id", "x-team-id", "x-approval-token", "idempotency-key",
	"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-forwarded-client-cert",
	"x-envoy-external-address", "x-envoy-internal", "x-envoy-expected-rq-timeout-ms", "x-envoy-attempt-count",
	"x-request-id", "via", "origin", "referer", "baggage", "traceparent", "tracestate",
	// These choose whose account at the provider is charged; that is not the caller's to choose.
	"openai-organization", "openai-project",
}

// notForClients is what a provider must not say through us: cookies, addresses of its own, which account pays, and headers
// that are Alfred's. Envoy removes them before Alfred sees the response, so Alfred's own arrive.
var notForClients = []string{
	"set-cookie", "alt-svc", "strict-transport-security", "nel", "report-to",
	"openai-organization", "openai-project", "anthropic-organization-id",
	"x-alfred-request-id", "x-alfred-decision-id", "x-alfred-remaining", "x-alfred-reset",
	"x-alfred-output-limit", "x-alfred-priority", "x-alfred-degraded",
}

// answer is a route that Envoy answers by itself.
func (b *builder) answer(name string, m *routev3.RouteMatch, code alfred.Code, contentType, detail string) *routev3.Route {
	return &routev3.Route{
		Name:  name,
		Match: m,
		Action: &routev3.Route_DirectResponse{DirectResponse: &routev3.DirectResponseAction{
			Status: uint32(alfred.Explain(code).Status),
			Body:   &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: b.body(code, detail)}},
		}},
		RequestBodyBufferLimit: wrapperspb.UInt64(BodyLimit),
		ResponseHeadersToAdd: []*corev3.HeaderValueOption{{
			Header:       &corev3.HeaderValue{Key: "content-type", Value: contentType},
			AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
		}},
	}
}

// withExtProc turns Alfred on for a route. A request keeps it when it is routed again, to the provider that Alfred named.
func (b *builder) withExtProc() map[string]*anypb.Any {
	return map[string]*anypb.Any{extProcFilter: b.pack(&extprocv3.ExtProcPerRoute{
		Override: &extprocv3.ExtProcPerRoute_Overrides{Overrides: &extprocv3.ExtProcOverrides{}},
	})}
}

// under matches a path and what lies below it, but not a longer word that begins alike.
func under(p string) *routev3.RouteMatch {
	return &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_PathSeparatedPrefix{PathSeparatedPrefix: p}}
}

func path(p string) *routev3.RouteMatch {
	return &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Path{Path: p}}
}
