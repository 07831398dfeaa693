package extproc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func TestListen(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "x.sock")

	l, err := Listen(t.Context(), "unix", socket, false)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Listen(t.Context(), "unix", socket, false); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a socket in use: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Listen(t.Context(), "unix", socket, false); err != nil {
		t.Errorf("a socket that was left behind: %v", err)
	} else {
		_ = l.Close()
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), "unix", file, false); err == nil {
		t.Error("a file was replaced by a socket")
	}

	for _, open := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		if _, err := Listen(t.Context(), "tcp", open, false); err == nil {
			t.Errorf("plaintext on %s", open)
		}
	}
	if l, err = Listen(t.Context(), "tcp", "127.0.0.1:0", false); err != nil {
		t.Error(err)
	} else {
		_ = l.Close()
	}
}

func TestOnlyClientsOfTheListConnect(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t)
	write := func(name string, blocks ...*pem.Block) string {
		var text []byte
		for _, b := range blocks {
			text = append(text, pem.EncodeToMemory(b)...)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := ca.issue(t, "alfred.test")
	c, err := TLS{
		Cert: write("cert", cert), Key: write("key", key), ClientCA: write("ca", ca.pem()), AllowedSANs: []string{"envoy.test"},
	}.Credentials()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	v := NewService(w.Server, c)
	l, err := Listen(t.Context(), "tcp", "127.0.0.1:0", true)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = v.Serve(l)
	}()
	t.Cleanup(func() {
		v.grpc.Stop()
		<-done
	})
	for _, c := range []struct {
		name string
		from *authority
		san  string
		ok   bool
	}{
		{"on the list", ca, "envoy.test", true},
		{"not on the list", ca, "other.test", false},
		{"of another authority", newAuthority(t), "envoy.test", false},
		{"without a certificate", nil, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool := x509.NewCertPool()
			pool.AddCert(ca.cert)
			config := &tls.Config{RootCAs: pool, ServerName: "alfred.test", MinVersion: tls.VersionTLS12}
			if c.from != nil {
				cert, key := c.from.issue(t, c.san)
				pair, err := tls.X509KeyPair(pem.EncodeToMemory(cert), pem.EncodeToMemory(key))
				if err != nil {
					t.Fatal(err)
				}
				config.Certificates = []tls.Certificate{pair}
			}
			conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, err = healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
			if (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
			if !c.ok && status.Code(err) != codes.Unavailable {
				t.Errorf("refused with %v", err)
			}
		})
	}
	if _, err := (TLS{}).Credentials(); err == nil {
		t.Error("TLS without a list of clients")
	}
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func (a *authority) pem() *pem.Block { return &pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw} }

func (a *authority) issue(t *testing.T, san string) (cert, key *pem.Block) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{san},
	}, a.cert, k.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return &pem.Block{Type: "CERTIFICATE", Bytes: der}, &pem.Block{Type: "PRIVATE KEY", Bytes: raw}
}

func TestHandler(t *testing.T) {
	registry := prometheus.NewRegistry()
	w := newWorld(t, func(c *Config) { c.Metrics = registry })
	x, _ := w.admit(t, hello)
	x.send(responseHeaders("200"))
	x.send(responseBody(answerJSON, true))
	_ = x.end()
	w.ask(t, "tp-nonsense")
	h := w.Handler(registry)
	get := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRecorder()
		h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
		return r
	}
	if r := get("/healthz"); r.Code != 200 {
		t.Errorf("healthz: %d", r.Code)
	}
	eventually(t, func() error {
		if r := get("/readyz"); r.Code != 200 {
			return status.Error(codes.Unavailable, r.Body.String())
		}
		return nil
	})
	metrics := get("/metrics").Body.String()
	for _, line := range []string{
		`alfred_decisions_total{code="",verdict="allow"} 1`, `alfred_decisions_total{code="invalid_api_key",verdict="deny"} 1`,
		`alfred_holds_ended_total{act="settle",outcome="completed",state="settled"} 1`, "alfred_holds_open 0", "alfred_breaker_open 0",
		`alfred_redis_seconds_count{op="reserve"} 1`, "alfred_usage_missing_total 0", "alfred_streams_open",
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("no line %s in\n%s", line, metrics)
		}
	}
	w.warnings = func() map[string]string { return map[string]string{"eviction": "is on"} }
	if r := get("/readyz"); r.Code != 200 || !strings.Contains(r.Body.String(), `"warnings":{"eviction":"is on"}`) {
		t.Errorf("readyz: %d %s", r.Code, r.Body)
	}
	w.ready.drain()
	var why struct{ Reason string }
	if r := get("/readyz"); r.Code != 503 || json.Unmarshal(r.Body.Bytes(), &why) != nil || why.Reason != "shutting down" {
		t.Errorf("readyz: %d %s", r.Code, r.Body)
	}
}
