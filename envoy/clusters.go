package envoy

import (
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	upstreamsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Names of the clusters that are not providers.
const (
	extProcCluster = "alfred_ext_proc"
	adminCluster   = "alfred_admin"
)

func (b *builder) clusters() []*clusterv3.Cluster {
	out := []*clusterv3.Cluster{b.extProc(), b.admin()}
	for _, p := range b.Providers {
		out = append(out, b.provider(p))
	}
	return out
}

// cluster is what all of them share. The circuit breakers are out of the way on purpose: their default of 1024 turns the
// 1025th slow completion into a 503, and Alfred's own limits are the ones that count.
func (b *builder) cluster(name string, connect *durationpb.Duration, discovery clusterv3.Cluster_DiscoveryType, at ...*corev3.Address) *clusterv3.Cluster {
	const unlimited = 1_000_000
	var endpoints []*endpointv3.LbEndpoint
	for _, a := range at {
		endpoints = append(endpoints, &endpointv3.LbEndpoint{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: a}}})
	}
	return &clusterv3.Cluster{
		Name:                 name,
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: discovery},
		ConnectTimeout:       connect,
		DnsLookupFamily:      clusterv3.Cluster_V4_PREFERRED,
		CircuitBreakers: &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{
			MaxConnections:     wrapperspb.UInt32(unlimited),
			MaxPendingRequests: wrapperspb.UInt32(unlimited),
			MaxRequests:        wrapperspb.UInt32(unlimited),
		}}},
		LoadAssignment: &endpointv3.ClusterLoadAssignment{
			ClusterName: name,
			Endpoints:   []*endpointv3.LocalityLbEndpoints{{LbEndpoints: endpoints}},
		},
	}
}

// socketPath is the path of a Unix socket address.
func socketPath(address string) (string, bool) { return strings.CutPrefix(address, "unix:") }

// extProc is static where it can be: it must be there before the first request.
func (b *builder) extProc() *clusterv3.Cluster {
	at, found := addresses(b.ExtProc)
	c := b.cluster(extProcCluster, seconds(1), found, at...)
	if b.ExtProcTLS != nil {
		t, _ := parseTarget(several(b.ExtProc)[0])
		c.TransportSocket = b.mutualTLS(t)
	}
	if len(at) > 1 {
		watch(c, &corev3.HealthCheck{HealthChecker: &corev3.HealthCheck_GrpcHealthCheck_{GrpcHealthCheck: &corev3.HealthCheck_GrpcHealthCheck{}}})
	}
	// A whole request body travels in one message.
	c.PerConnectionBufferLimitBytes = wrapperspb.UInt32(BodyLimit)
	// Few streams on a connection, so that several connections, and with them several threads of the server, share the work.
	c.TypedExtensionProtocolOptions = b.protocol(&upstreamsv3.HttpProtocolOptions{
		UpstreamProtocolOptions: &upstreamsv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: &upstreamsv3.HttpProtocolOptions_ExplicitHttpConfig{
			ProtocolConfig: &upstreamsv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
				Http2ProtocolOptions: &corev3.Http2ProtocolOptions{MaxConcurrentStreams: wrapperspb.UInt32(256)},
			},
		}},
	})
	return c
}

func (b *builder) admin() *clusterv3.Cluster {
	at, found := addresses(b.Admin)
	c := b.cluster(adminCluster, seconds(2), found, at...)
	c.TypedExtensionProtocolOptions = b.protocol(http1())
	if len(at) > 1 {
		watch(c, &corev3.HealthCheck{HealthChecker: &corev3.HealthCheck_HttpHealthCheck_{HttpHealthCheck: &corev3.HealthCheck_HttpHealthCheck{Path: "/healthz"}}})
	}
	return c
}

// addresses reads one or several of them, and how they are found: by name if one of them is a name.
func addresses(list string) (at []*corev3.Address, found clusterv3.Cluster_DiscoveryType) {
	for _, address := range several(list) {
		if path, ok := socketPath(address); ok {
			at = append(at, pipe(path))
			continue
		}
		t, _ := parseTarget(address)
		at = append(at, socket(t.host, t.port))
		if discovery(t, clusterv3.Cluster_STRICT_DNS) != clusterv3.Cluster_STATIC {
			found = clusterv3.Cluster_STRICT_DNS
		}
	}
	return at, found
}

// watch sends requests only to those of several that say that they are well, so that one may stop and start while the others
// serve. When none is, a request is refused at once, rather than sent to one that has said no.
func watch(c *clusterv3.Cluster, check *corev3.HealthCheck) {
	check.Timeout, check.Interval, check.NoTrafficInterval = seconds(1), milliseconds(500), milliseconds(500)
	check.UnhealthyThreshold, check.HealthyThreshold = wrapperspb.UInt32(1), wrapperspb.UInt32(1)
	c.HealthChecks = []*corev3.HealthCheck{check}
	c.CommonLbConfig = &clusterv3.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{Value: 0}}
}

// provider connects to one upstream, verified against CAFile with its name in SNI when the base URL is https.
func (b *builder) provider(p Provider) *clusterv3.Cluster {
	t, _ := p.target()
	c := b.cluster(p.Name, seconds(5), discovery(t, clusterv3.Cluster_LOGICAL_DNS), socket(t.host, t.port))
	// A model may think for minutes without a byte: the path must not be forgotten by what lies between.
	c.UpstreamConnectionOptions = &clusterv3.UpstreamConnectionOptions{TcpKeepalive: &corev3.TcpKeepalive{
		KeepaliveTime: wrapperspb.UInt32(60), KeepaliveInterval: wrapperspb.UInt32(20), KeepaliveProbes: wrapperspb.UInt32(5),
	}}
	options := http1()
	if t.tls {
		options = &upstreamsv3.HttpProtocolOptions{
			UpstreamProtocolOptions: &upstreamsv3.HttpProtocolOptions_AutoConfig{AutoConfig: &upstreamsv3.HttpProtocolOptions_AutoHttpConfig{}},
		}
		ca := p.CAFile
		if ca == "" {
			ca = b.CAFile
		}
		c.TransportSocket = b.tls(&tlsv3.UpstreamTlsContext{CommonTlsContext: &tlsv3.CommonTlsContext{}}, t, t.host, ca)
	}
	// Below the idle time of common servers, so that a request seldom meets a connection that is being closed.
	options.CommonHttpProtocolOptions = &corev3.HttpProtocolOptions{IdleTimeout: seconds(55)}
	c.TypedExtensionProtocolOptions = b.protocol(options)
	return c
}

func (b *builder) mutualTLS(t target) *corev3.TransportSocket {
	name := b.ExtProcTLS.ServerName
	if name == "" {
		name = t.host
	}
	return b.tls(&tlsv3.UpstreamTlsContext{CommonTlsContext: &tlsv3.CommonTlsContext{
		TlsCertificates: []*tlsv3.TlsCertificate{{
			CertificateChain: file(b.ExtProcTLS.CertFile),
			PrivateKey:       file(b.ExtProcTLS.KeyFile),
		}},
		AlpnProtocols: []string{"h2"},
	}}, t, name, b.ExtProcTLS.CAFile)
}

// tls completes a context with whom to expect at the other end: a chain to ca alone would accept any site's certificate.
func (b *builder) tls(ctx *tlsv3.UpstreamTlsContext, t target, name, ca string) *corev3.TransportSocket {
	san := &tlsv3.SubjectAltNameMatcher{SanType: tlsv3.SubjectAltNameMatcher_DNS, Matcher: exact(name)}
	if _, isIP := (target{host: name}).ip(); isIP {
		san.SanType = tlsv3.SubjectAltNameMatcher_IP_ADDRESS
	} else {
		ctx.Sni = name
	}
	ctx.CommonTlsContext.TlsParams = &tlsv3.TlsParameters{TlsMinimumProtocolVersion: tlsv3.TlsParameters_TLSv1_2}
	ctx.CommonTlsContext.ValidationContextType = &tlsv3.CommonTlsContext_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{
		TrustedCa:                 file(ca),
		MatchTypedSubjectAltNames: []*tlsv3.SubjectAltNameMatcher{san},
	}}
	return &corev3.TransportSocket{
		Name:       "envoy.transport_sockets.tls",
		ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: b.pack(ctx)},
	}
}

func (b *builder) protocol(o *upstreamsv3.HttpProtocolOptions) map[string]*anypb.Any {
	return map[string]*anypb.Any{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": b.pack(o)}
}

func http1() *upstreamsv3.HttpProtocolOptions {
	return &upstreamsv3.HttpProtocolOptions{
		UpstreamProtocolOptions: &upstreamsv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: &upstreamsv3.HttpProtocolOptions_ExplicitHttpConfig{
			ProtocolConfig: &upstreamsv3.HttpProtocolOptions_ExplicitHttpConfig_HttpProtocolOptions{HttpProtocolOptions: &corev3.Http1ProtocolOptions{}},
		}},
	}
}

// discovery resolves names and takes addresses as they are.
func discovery(t target, named clusterv3.Cluster_DiscoveryType) clusterv3.Cluster_DiscoveryType {
	if _, ok := t.ip(); ok {
		return clusterv3.Cluster_STATIC
	}
	return named
}

func exact(s string) *matcherv3.StringMatcher {
	return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: s}}
}

func prefix(s string) *matcherv3.StringMatcher {
	return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: s}}
}

func file(path string) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: path}}
}
