package extproc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

const (
	// maxMessage is Envoy's limit of 32 MiB for a body, and the rest of the message.
	maxMessage = 34 << 20
	// Windows are fixed, so that a large body arrives in one go.
	streamWindow     = 2 << 20
	connectionWindow = 16 << 20
	socketMode       = 0o660
)

// TLS is what mutual TLS with Envoy needs.
type TLS struct {
	Cert, Key, ClientCA string   // files, PEM
	AllowedSANs         []string // names of the clients that may connect; at least one
}

// Listen opens the address that Envoy connects to. Its replies carry the
// provider's credential, so that anything but a Unix socket or loopback is
// refused unless secured says that TLS stands before it. A socket that a dead
// process left behind is removed; one that answers is in use.
func Listen(ctx context.Context, network, address string, secured bool) (net.Listener, error) {
	if network != "unix" {
		if !secured && !isLoopback(address) {
			return nil, fmt.Errorf("listen on %s: a network can reach it, and replies carry the provider's credential: use a Unix socket, loopback, or mutual TLS", address)
		}
		return new(net.ListenConfig).Listen(ctx, network, address)
	}
	if err := removeStale(ctx, address); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", address)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(address, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", address, err), l.Close())
	}
	return l, nil
}

func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return errors.New("a file that is no socket is in the way")
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(errors.New("another process listens there"), conn.Close())
	}
	return os.Remove(path)
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && a.IsLoopback())
}

// Credentials asks every client for a certificate of the client CA that
// carries one of the allowed names.
func (t TLS) Credentials() (credentials.TransportCredentials, error) {
	if len(t.AllowedSANs) == 0 {
		return nil, errors.New("mutual TLS: no client is allowed")
	}
	cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("mutual TLS: %w", err)
	}
	pem, err := os.ReadFile(t.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("mutual TLS: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("mutual TLS: %s holds no certificate", t.ClientCA)
	}
	return credentials.NewTLS(&tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool,
		NextProtos:   []string{"h2"},
		VerifyConnection: func(c tls.ConnectionState) error {
			if len(c.PeerCertificates) == 0 || !named(c.PeerCertificates[0], t.AllowedSANs) {
				return errors.New("the client's certificate carries no name that is allowed")
			}
			return nil
		},
	}), nil
}

// named says whether a certificate carries one of the names, as a DNS name, a
// URI (SPIFFE) or an address. Wildcards are not expanded.
func named(c *x509.Certificate, allowed []string) bool {
	names := slices.Clone(c.DNSNames)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(allowed, n) })
}

// Service is the gRPC server with its health.
type Service struct {
	server *Server
	grpc   *grpc.Server
	health *health.Server
	gone   chan struct{}
	leave  sync.Once
}

// NewService returns the gRPC server of s. A nil credential means plaintext,
// which Listen allows only where nobody can read along.
func NewService(s *Server, c credentials.TransportCredentials) *Service {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connectionWindow),
		grpc.WaitForHandlers(true),
		// Envoy's keepalive must not be taken for an attack.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	}
	if c != nil {
		options = append(options, grpc.Creds(c))
	}
	v := &Service{server: s, grpc: grpc.NewServer(options...), health: health.NewServer(), gone: make(chan struct{})}
	v.health.SetServingStatus("", healthv1.HealthCheckResponse_NOT_SERVING)
	extprocv3.RegisterExternalProcessorServer(v.grpc, s)
	healthv1.RegisterHealthServer(v.grpc, v.health)
	return v
}

// Serve accepts streams until Shutdown. Its health says so from when the
// directory has been read: of several, one that starts gets no request before.
func (v *Service) Serve(l net.Listener) error {
	go v.arrive()
	return v.grpc.Serve(l)
}

func (v *Service) arrive() {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !v.server.directory.read.Load() {
		select {
		case <-tick.C:
		case <-v.gone:
			return
		}
	}
	v.health.SetServingStatus("", healthv1.HealthCheckResponse_SERVING) // no effect once it leaves
}

// Leave tells those who ask for its health that the service is about to end.
// Requests are still served, for whoever has not heard it yet.
func (v *Service) Leave() {
	v.leave.Do(func() {
		close(v.gone)
		v.server.ready.drain()
		v.health.Shutdown()
	})
}

// Shutdown ends the service: health first, so that no new request comes; then
// running requests may end by themselves, at most until ctx ends; what is
// left is broken off and settled.
func (v *Service) Shutdown(ctx context.Context) {
	v.Leave()
	done := make(chan struct{})
	go func() {
		v.grpc.GracefulStop()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		v.server.stop()
		v.grpc.Stop()
		<-done
	}
}
