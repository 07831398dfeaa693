package envoy

import (
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	mutationv3 "github.com/envoyproxy/go-control-plane/envoy/config/common/mutation_rules/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	filelogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/file/v3"
	streamlogv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	earlyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/http/early_header_mutation/header_mutation/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// BodyLimit is the largest request body in bytes. It stands on the listener, since a limit on a route alone is not enough,
// and alfred-extproc must receive a little more in one message.
const BodyLimit = 32 << 20

const extProcFilter = "envoy.filters.http.ext_proc"

func (b *builder) listeners() []*listenerv3.Listener {
	return []*listenerv3.Listener{{
		Name:                          "front_door",
		Address:                       bind(b.Listen),
		PerConnectionBufferLimitBytes: wrapperspb.UInt32(BodyLimit),
		FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
			Name:       "envoy.filters.network.http_connection_manager",
			ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: b.pack(b.connectionManager())},
		}}}},
	}}
}

// connectionManager is the edge: nothing that a client says about itself is believed. Upgrades are off, since an upgraded
// connection cannot be metered.
func (b *builder) connectionManager() *hcmv3.HttpConnectionManager {
	return &hcmv3.HttpConnectionManager{
		StatPrefix:     "front_door",
		RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: b.routes()},
		HttpFilters: []*hcmv3.HttpFilter{
			// Off but where a route turns it on: what has no route, such as a request that is not HTTP, is answered at once, and not
			// held for a processor while its connection is closed.
			{Name: extProcFilter, Disabled: true, ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: b.pack(b.processor())}},
			{Name: "envoy.filters.http.router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: b.pack(&routerv3.Router{SuppressEnvoyHeaders: true})}},
		},
		CommonHttpProtocolOptions: &corev3.HttpProtocolOptions{
			IdleTimeout:                  seconds(3600),
			HeadersWithUnderscoresAction: corev3.HttpProtocolOptions_DROP_HEADER,
		},
		Http2ProtocolOptions: &corev3.Http2ProtocolOptions{
			MaxConcurrentStreams:        wrapperspb.UInt32(1024),
			InitialStreamWindowSize:     wrapperspb.UInt32(1 << 20),
			InitialConnectionWindowSize: wrapperspb.UInt32(4 << 20),
		},
		ServerName: "alfred",
		// A stream may be silent for as long as a model thinks. The whole request, body included, has to arrive in five minutes.
		StreamIdleTimeout:             seconds(900),
		RequestTimeout:                seconds(300),
		RequestHeadersTimeout:         seconds(30),
		AccessLog:                     b.accessLog(),
		UseRemoteAddress:              wrapperspb.Bool(true),
		InternalAddressConfig:         &hcmv3.HttpConnectionManager_InternalAddressConfig{},
		NormalizePath:                 wrapperspb.Bool(true),
		MergeSlashes:                  true,
		PathWithEscapedSlashesAction:  hcmv3.HttpConnectionManager_REJECT_REQUEST,
		StripTrailingHostDot:          true,
		EarlyHeaderMutationExtensions: []*corev3.TypedExtensionConfig{b.earlyRemovals()},
		LocalReplyConfig:              b.localReplies(),
	}
}

// earlyRemovals drops what only Alfred and Envoy may say, before a route is looked up. It goes by prefix, so that a header
// invented later is covered.
func (b *builder) earlyRemovals() *corev3.TypedExtensionConfig {
	var m []*mutationv3.HeaderMutation
	for _, p := range []string{"x-alfred-", "x-envoy-"} {
		m = append(m, &mutationv3.HeaderMutation{Action: &mutationv3.HeaderMutation_RemoveOnMatch_{
			RemoveOnMatch: &mutationv3.HeaderMutation_RemoveOnMatch{KeyMatcher: prefix(p)},
		}})
	}
	for _, h := range []string{"forwarded", "x-real-ip", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-original-url", "x-rewrite-url"} {
		m = append(m, &mutationv3.HeaderMutation{Action: &mutationv3.HeaderMutation_Remove{Remove: h}})
	}
	return &corev3.TypedExtensionConfig{
		Name:        "envoy.http.early_header_mutation.header_mutation",
		TypedConfig: b.pack(&earlyv3.HeaderMutation{Mutations: m}),
	}
}

// processor is Alfred's place in the chain. The request is held until Alfred has seen all of it; the response streams.
func (b *builder) processor() *extprocv3.ExternalProcessor {
	service := &corev3.GrpcService{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{
		EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: extProcCluster},
	}}
	if len(several(b.ExtProc)) > 1 {
		// A stream that one of them cannot have seen, since it is gone or going, is begun at another.
		service.RetryPolicy = &corev3.RetryPolicy{RetryOn: "connect-failure,refused-stream", NumRetries: wrapperspb.UInt32(2)}
	}
	return &extprocv3.ExternalProcessor{
		GrpcService:       service,
		FailureModeAllow:  false,
		StatusOnError:     &typev3.HttpStatus{Code: typev3.StatusCode_ServiceUnavailable},
		MessageTimeout:    seconds(5),
		AllowModeOverride: true,
		ProcessingMode: &extprocv3.ProcessingMode{
			RequestHeaderMode:   extprocv3.ProcessingMode_SEND,
			RequestBodyMode:     extprocv3.ProcessingMode_BUFFERED,
			RequestTrailerMode:  extprocv3.ProcessingMode_SKIP,
			ResponseHeaderMode:  extprocv3.ProcessingMode_SEND,
			ResponseBodyMode:    extprocv3.ProcessingMode_STREAMED,
			ResponseTrailerMode: extprocv3.ProcessingMode_SKIP,
		},
		MutationRules: &mutationv3.HeaderMutationRules{
			AllowAllRouting: wrapperspb.Bool(false),
			DisallowIsError: wrapperspb.Bool(true),
		},
		MetadataOptions: &extprocv3.MetadataOptions{
			ReceivingNamespaces: &extprocv3.MetadataOptions_MetadataNamespaces{Untyped: []string{"alfred"}},
		},
		RequestAttributes: []string{"source.address", "connection.uri_san_peer_certificate", "xds.route_name"},
	}
}

// accessLog tells who was answered what and when. Bodies, queries and credentials are not in it.
func (b *builder) accessLog() []*accesslogv3.AccessLog {
	fields := map[string]*structpb.Value{}
	for name, format := range map[string]string{
		"time":            "%START_TIME%",
		"client":          "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
		"method":          "%REQ(:METHOD)%",
		"path":            "%PATH(NQ:PATH)%",
		"protocol":        "%PROTOCOL%",
		"status":          "%RESPONSE_CODE%",
		"flags":           "%RESPONSE_FLAGS%",
		"details":         "%RESPONSE_CODE_DETAILS%",
		"route":           "%ROUTE_NAME%",
		"cluster":         "%UPSTREAM_CLUSTER_RAW%",
		"upstream":        "%UPSTREAM_HOST%",
		"bytes_in":        "%BYTES_RECEIVED%",
		"bytes_out":       "%BYTES_SENT%",
		"duration_ms":     "%DURATION%",
		"first_byte_ms":   "%RESPONSE_DURATION%",
		"envoy_id":        "%REQ(X-REQUEST-ID)%",
		"request_id":      "%RESP(X-ALFRED-REQUEST-ID)%",
		"decision_id":     "%RESP(X-ALFRED-DECISION-ID)%",
		"alfred":          "%DYNAMIC_METADATA(alfred)%",
		"upstream_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
	} {
		fields[name] = structpb.NewStringValue(format)
	}
	format := &corev3.SubstitutionFormatString{
		Format:          &corev3.SubstitutionFormatString_JsonFormat{JsonFormat: &structpb.Struct{Fields: fields}},
		OmitEmptyValues: true,
	}
	if b.LogPath == "" {
		return []*accesslogv3.AccessLog{{
			Name: "envoy.access_loggers.stdout",
			ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: b.pack(&streamlogv3.StdoutAccessLog{
				AccessLogFormat: &streamlogv3.StdoutAccessLog_LogFormat{LogFormat: format},
			})},
		}}
	}
	return []*accesslogv3.AccessLog{{
		Name: "envoy.access_loggers.file",
		ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: b.pack(&filelogv3.FileAccessLog{
			Path:            b.LogPath,
			AccessLogFormat: &filelogv3.FileAccessLog_LogFormat{LogFormat: format},
		})},
	}}
}
