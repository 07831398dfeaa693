package envoy

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	overloadv3 "github.com/envoyproxy/go-control-plane/envoy/config/overload/v3"
	connectionsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/resource_monitors/downstream_connections/v3"
	"github.com/goccy/go-yaml"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
)

// Render returns Envoy's bootstrap as YAML. It fails on a configuration that Validate refuses, and on one that Envoy's
// own rules refuse.
func Render(c Config) ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	public, err := publicURL(c.PublicURL)
	if err != nil {
		return nil, err
	}
	c.PublicURL = public
	if c.CAFile == "" && c.wantsSystemTrust() {
		if c.CAFile, err = SystemCAFile(); err != nil {
			return nil, err
		}
	}
	b := &builder{Config: c}
	boot := b.bootstrap()
	if b.err != nil {
		return nil, b.err
	}
	if err := boot.ValidateAll(); err != nil {
		return nil, fmt.Errorf("render bootstrap: %w", err)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(boot)
	if err != nil {
		return nil, fmt.Errorf("render bootstrap: %w", err)
	}
	out, err := yaml.JSONToYAML(text)
	if err != nil {
		return nil, fmt.Errorf("render bootstrap: %w", err)
	}
	return out, nil
}

// builder turns a Config into Envoy's messages. It keeps the first error, so that the tree reads as a tree.
type builder struct {
	Config
	err error
}

// pack wraps an extension's configuration after holding it to its own rules, which ValidateAll of the message around it
// does not do.
func (b *builder) pack(m interface {
	proto.Message
	ValidateAll() error
},
) *anypb.Any {
	if err := m.ValidateAll(); err != nil && b.err == nil {
		b.err = fmt.Errorf("render %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	packed, err := anypb.New(m)
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("render %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return packed
}

func (b *builder) bootstrap() *bootstrapv3.Bootstrap {
	return &bootstrapv3.Bootstrap{
		Node:  &corev3.Node{Id: "alfred-edge", Cluster: "alfred-edge"},
		Admin: &bootstrapv3.Admin{Address: bind(b.AdminListen)},
		StaticResources: &bootstrapv3.Bootstrap_StaticResources{
			Listeners: b.listeners(),
			Clusters:  b.clusters(),
		},
		LayeredRuntime:  b.runtime(),
		OverloadManager: b.overload(),
	}
}

// runtime turns on the graceful close of the side stream. Without it Alfred loses the chunks that were under way when a
// client hangs up, and charges too little.
func (b *builder) runtime() *bootstrapv3.LayeredRuntime {
	return &bootstrapv3.LayeredRuntime{Layers: []*bootstrapv3.RuntimeLayer{{
		Name: "alfred",
		LayerSpecifier: &bootstrapv3.RuntimeLayer_StaticLayer{StaticLayer: &structpb.Struct{Fields: map[string]*structpb.Value{
			"envoy.reloadable_features.ext_proc_graceful_grpc_close":        structpb.NewBoolValue(true),
			"envoy.filters.http.ext_proc.remote_close_timeout_milliseconds": structpb.NewNumberValue(5000),
		}}},
	}}}
}

// overload bounds the connections, so that a flood ends in refusals and not in a machine out of memory.
func (b *builder) overload() *overloadv3.OverloadManager {
	return &overloadv3.OverloadManager{ResourceMonitors: []*overloadv3.ResourceMonitor{{
		Name: "envoy.resource_monitors.global_downstream_max_connections",
		ConfigType: &overloadv3.ResourceMonitor_TypedConfig{TypedConfig: b.pack(&connectionsv3.DownstreamConnectionsConfig{
			MaxActiveDownstreamConnections: 50_000,
		})},
	}}}
}

// bind is the address of a listener; Validate has seen it.
func bind(s string) *corev3.Address {
	a, _ := netip.ParseAddrPort(s)
	return socket(a.Addr().String(), uint32(a.Port()))
}

func socket(host string, port uint32) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address:       host,
		PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
	}}}
}

func pipe(path string) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: path}}}
}

func milliseconds(n int64) *durationpb.Duration {
	return durationpb.New(time.Duration(n) * time.Millisecond)
}

func seconds(n int64) *durationpb.Duration {
	return durationpb.New(time.Duration(n) * time.Second)
}

func (c Config) wantsSystemTrust() bool {
	for _, p := range c.Providers {
		if strings.HasPrefix(p.BaseURL, "https:") && p.CAFile == "" {
			return true
		}
	}
	return false
}
