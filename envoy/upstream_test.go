package envoy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/alfred-envoy/alfred/envoy"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// A provider that fails gives an answer that Alfred sees as a response, so that it gives the credits back.
func TestAProviderThatFails(t *testing.T) {
	refused := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}()
	w := newWorld(t, func(c *envoy.Config) {
		c.Providers = append(c.Providers,
			envoy.Provider{Name: "down", BaseURL: "http://" + refused + "/v1"},
			envoy.Provider{Name: "nowhere", BaseURL: "http://provider.invalid/v1"})
	})
	for name, backend := range map[string]string{"refuses": "down", "has no address": "nowhere"} {
		t.Run(name, func(t *testing.T) {
			got := w.complete(t, "X-Backend", backend, "X-Report", "1")
			got.wantError(t, 503, "upstream_unavailable")
			if got.Header.Get("X-Alfred-Request-Id") != "req_ours" {
				t.Errorf("Alfred's headers are missing: %v", got.Header)
			}
			if end := ended(t, w); !end.responded || !errors.Is(end.err, io.EOF) {
				t.Errorf("Alfred saw %+v, want a response and a plain end", end)
			}
		})
	}
	t.Run("hangs up before it answers", func(t *testing.T) {
		w.provider.answers(hangUp(""))
		w.complete(t, "X-Report", "1").wantError(t, 503, "upstream_unavailable")
		if end := ended(t, w); !end.responded || !errors.Is(end.err, io.EOF) {
			t.Errorf("Alfred saw %+v, want a response and a plain end", end)
		}
	})
	t.Run("hangs up in the middle", func(t *testing.T) {
		half := make(chan struct{})
		w.provider.answers(hangUp("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", half))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/v1/chat/completions", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Report", "1")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		expect(t, res.Body, "half")
		close(half)
		if rest, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("a broken answer was passed on as a whole one, ending %q", rest)
		}
		if end := ended(t, w); !end.responded || !errors.Is(end.err, io.EOF) || strings.Join(end.chunks, "") != "half" {
			t.Errorf("Alfred saw %+v, want what came and a plain end", end)
		}
	})
	t.Run("the admin app is down", func(t *testing.T) {
		w.admin.Close()
		w.call(t, http.MethodGet, "/v1/users/me", "").wantProblem(t, 503, "unavailable")
	})
}

// hangUp writes, waits for each of after, and closes the connection.
func hangUp(text string, after ...<-chan struct{}) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		c, _, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(c, text)
		for _, signal := range after {
			<-signal
		}
		_ = c.Close()
	}
}

func TestProvidersOverTLSAreVerified(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	names := make(chan string, 1)
	serve := func(name string, h2 bool) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			select {
			case names <- r.TLS.ServerName + " " + r.Host + " " + r.Proto:
			default:
			}
			_, _ = io.WriteString(rw, "{}")
		}))
		s.EnableHTTP2 = h2
		s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, name)}}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	port := func(s *httptest.Server) string {
		_, p, _ := net.SplitHostPort(s.Listener.Addr().String())
		return p
	}
	good, plain, wrong := serve("localhost", true), serve("localhost", false), serve("elsewhere.example", true)
	w := newWorld(t, func(c *envoy.Config) {
		c.CAFile = ca.file
		c.Providers = []envoy.Provider{
			{Name: "good", BaseURL: "https://localhost:" + port(good) + "/v1"},
			{Name: "plain", BaseURL: "https://localhost:" + port(plain) + "/v1"},
			{Name: "wrong-name", BaseURL: "https://localhost:" + port(wrong) + "/v1"},
			{Name: "wrong-authority", BaseURL: "https://localhost:" + port(good) + "/v1", CAFile: other.file},
		}
	})
	for backend, want := range map[string]string{
		"good":  "localhost localhost:" + port(good) + " HTTP/2.0",
		"plain": "localhost localhost:" + port(plain) + " HTTP/1.1",
	} {
		if got := w.complete(t, "X-Backend", backend); got.StatusCode != 200 {
			t.Fatalf("%s: got %s %s", backend, got.Status, got.body)
		}
		if got := <-names; got != want {
			t.Errorf("%s: name, host and protocol are %q, want %q", backend, got, want)
		}
	}
	for _, backend := range []string{"wrong-name", "wrong-authority"} {
		w.complete(t, "X-Backend", backend).wantError(t, 503, "upstream_unavailable")
	}
	if len(names) != 0 {
		t.Errorf("a request, credential and all, reached a server that was not verified")
	}
}

func TestExtProcOverMutualTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	ca.certificate(t, "envoy.example")
	for _, tc := range []struct {
		name       string
		serverName string
		clients    *authority
		want       int
	}{
		{"both verified", "localhost", ca, 200},
		{"the server carries another name", "elsewhere.example", ca, 503},
		{"the server does not know Envoy", "localhost", other, 503},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := credentials.NewTLS(&tls.Config{
				Certificates: []tls.Certificate{ca.certificate(t, tc.serverName)},
				ClientAuth:   tls.RequireAndVerifyClientCert,
				ClientCAs:    tc.clients.pool,
			})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := l.Addr().String()
			_ = l.Close()
			_, port, _ := net.SplitHostPort(address)
			secured := newProcessor(t, "tcp", address, grpc.Creds(server))
			w := newWorld(t, func(c *envoy.Config) {
				c.ExtProc = "localhost:" + port
				c.ExtProcTLS = &envoy.TLS{CertFile: ca.certFile, KeyFile: ca.keyFile, CAFile: ca.file}
			})
			got := w.complete(t)
			if got.StatusCode != tc.want {
				t.Errorf("got %s %s", got.Status, got.body)
			}
			if tc.want != 200 {
				got.wantError(t, tc.want, "unavailable")
			}
			if asked := secured.streams.Load() > 0; asked != (tc.want == 200) {
				t.Errorf("asked is %v", asked)
			}
		})
	}
}

// Every shape in which people run it is one that the real Envoy accepts without a warning.
func TestEnvoyAcceptsEveryVariant(t *testing.T) {
	ca := newAuthority(t)
	ca.certificate(t, "envoy.example")
	providers := []envoy.Provider{
		{Name: "openai", BaseURL: "https://api.openai.com/v1"},
		{Name: "anthropic", BaseURL: "https://api.anthropic.com/v1"},
		{Name: "mock", BaseURL: "http://127.0.0.1:8081/v1"},
		{Name: "hosted", BaseURL: "http://[::1]:8443/api/v3"},
	}
	for name, c := range variants() {
		t.Run(name, func(t *testing.T) {
			c.CAFile = ca.file
			if c.LogPath != "" {
				c.LogPath = filepath.Join(t.TempDir(), "access.log")
			}
			if c.ExtProcTLS != nil {
				c.ExtProcTLS = &envoy.TLS{CertFile: ca.certFile, KeyFile: ca.keyFile, CAFile: ca.file}
			}
			for set := 1; set < 1<<len(providers); set++ {
				if set != 1<<len(providers)-1 && name != "local" {
					continue // every combination once; the rest of a shape with all of them
				}
				c.Providers = nil
				for i, p := range providers {
					if set>>i&1 == 1 {
						c.Providers = append(c.Providers, p)
					}
				}
				if err := envoytest.Validate(t, c); err != nil {
					t.Errorf("%v: %v", c.Providers, err)
				}
			}
		})
	}
}

// authority signs certificates for one test.
type authority struct {
	cert              *x509.Certificate
	key               *ecdsa.PrivateKey
	pool              *x509.CertPool
	dir, file         string
	certFile, keyFile string // of the last certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool(), dir: t.TempDir()}
	a.file = filepath.Join(a.dir, "ca.crt")
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = sign(t, template, nil, nil)
	a.pool.AddCert(a.cert)
	writePEM(t, a.file, "CERTIFICATE", a.cert.Raw)
	return a
}

func (a *authority) certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, key := sign(t, template, a.cert, a.key)
	a.certFile, a.keyFile = filepath.Join(a.dir, name+".crt"), filepath.Join(a.dir, name+".key")
	writePEM(t, a.certFile, "CERTIFICATE", cert.Raw)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.keyFile, "PRIVATE KEY", der)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// sign makes a certificate, by itself when there is no parent.
func sign(t *testing.T, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
