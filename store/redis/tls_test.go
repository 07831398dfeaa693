package redis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/store/redis"
)

// pki is an authority and one certificate of it, for both sides.
type pki struct{ ca, cert, key string } // files

func certificates(t testing.TB) pki {
	t.Helper()
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "alfred"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root, own := key(), key()
	rootDER, err := x509.CreateCertificate(rand.Reader, authority, authority, root.Public(), root)
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, own.Public(), root)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pki{write("ca.crt", "CERTIFICATE", rootDER), write("alfred.crt", "CERTIFICATE", leafDER), write("alfred.key", "PRIVATE KEY", keyDER)}
}

// secured starts a server that wants a certificate of every client, and
// returns its address without the scheme.
func (s *server) secured(t *testing.T, p pki) string {
	t.Helper()
	binary, err := s.find(t.Context())
	need(t, err)
	port := freePort(t)
	run, err := parts.StartValkey(t.Context(), parts.RedisConfig{Binary: binary, Dir: t.TempDir(), More: []string{
		fmt.Sprintf("tls-port %d", port), "tls-cert-file " + p.cert, "tls-key-file " + p.key, "tls-ca-cert-file " + p.ca, "tls-auth-clients yes",
	}})
	if err != nil && strings.Contains(err.Error(), "TLS support") {
		t.Skip("this build of the server has no TLS; the other server's has")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Kill)
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// A server whose certificate is not of the authority that was given is not
// talked to, and one that asks for a certificate gets none by accident.
func TestTLSIsMeant(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		ours, other := certificates(t), certificates(t)
		url := "rediss://" + s.secured(t, ours)
		for name, c := range map[string]struct {
			tls  redis.TLS
			want bool
		}{
			"ours":                {redis.TLS{CA: ours.ca, Cert: ours.cert, Key: ours.key}, true},
			"another authority":   {redis.TLS{CA: other.ca, Cert: ours.cert, Key: ours.key}, false},
			"the machine's own":   {redis.TLS{Cert: ours.cert, Key: ours.key}, false},
			"no certificate":      {redis.TLS{CA: ours.ca}, false},
			"another certificate": {redis.TLS{CA: ours.ca, Cert: other.cert, Key: other.key}, false},
		} {
			client := openStore(t, redis.Options{URL: url, TLS: c.tls, Timeout: 2 * time.Second})
			err := client.Ping(t.Context())
			if (err == nil) != c.want || err != nil && alfred.ErrorCode(err) != alfred.CodeUnavailable {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestTLSFilesAreReadAtTheStart(t *testing.T) {
	p, none := certificates(t), filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		url  string
		tls  redis.TLS
		want string
	}{
		"no authority":       {"rediss://x", redis.TLS{CA: none}, "read the authority"},
		"not an authority":   {"rediss://x", redis.TLS{CA: p.key}, "holds no certificate"},
		"no certificate":     {"rediss+cluster://x", redis.TLS{Cert: none, Key: p.key}, "read the certificate"},
		"without a key":      {"rediss+cluster://x", redis.TLS{Cert: p.cert}, "belong together"},
		"without the s":      {"redis://x", redis.TLS{CA: p.ca}, "write rediss"},
		"a foreign key":      {"rediss+sentinel://x/m", redis.TLS{Cert: p.cert, Key: certificates(t).key}, "read the certificate"},
		"all of it in order": {"rediss+sentinel://x/m", redis.TLS{CA: p.ca, Cert: p.cert, Key: p.key}, ""},
	} {
		s, err := redis.Open(t.Context(), redis.Options{URL: c.url, TLS: c.tls})
		if err == nil {
			_ = s.Close()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TLS reaches every server of a cluster, and the Sentinels before the primary.
func TestTLSInTheOtherShapes(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		p := certificates(t)
		more := []string{
			"tls-cert-file " + p.cert, "tls-key-file " + p.key, "tls-ca-cert-file " + p.ca, "tls-auth-clients yes", "tls-replication yes", "tls-cluster yes",
		}
		with := func(port int, lines ...string) parts.RedisConfig {
			return parts.RedisConfig{Dir: t.TempDir(), More: append(append([]string{fmt.Sprintf("tls-port %d", port)}, lines...), more...)}
		}
		s.secured(t, p) // or this build has no TLS
		tls := redis.TLS{CA: p.ca, Cert: p.cert, Key: p.key}
		check := func(url string) {
			t.Helper()
			client := openStore(t, redis.Options{URL: url, TLS: tls}) // a new cluster takes its time
			until(t, "it answers", func() error { return client.Ping(t.Context()) })
			for range 5 {
				settle(t, client, fresh(t, client), 1, 7)
			}
			bare := openStore(t, redis.Options{URL: url, TLS: redis.TLS{CA: p.ca}, Timeout: 2 * time.Second})
			if err := bare.Ping(t.Context()); err == nil {
				t.Errorf("%s: talked to without a certificate", url)
			}
		}

		port, bus := freePort(t), freePort(t)
		one := s.own(t, with(port, "cluster-enabled yes", fmt.Sprintf("cluster-port %d", bus), "cluster-announce-ip 127.0.0.1"))
		if err := open(t, one.URL()).ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
			t.Fatal(err)
		}
		check(fmt.Sprintf("rediss+cluster://127.0.0.1:%d", port))

		port, watcher, folder := freePort(t), freePort(t), t.TempDir()
		s.own(t, with(port))
		conf := filepath.Join(folder, "sentinel.conf")
		text := fmt.Sprintf("port 0\ntls-port %d\nbind 127.0.0.1\ndir %q\nsentinel monitor ledger 127.0.0.1 %d 1\n%s\n", watcher, folder, port, strings.Join(more, "\n"))
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		binary, err := s.find(t.Context())
		need(t, err)
		process, err := parts.Start(parts.Command{Name: "sentinel", Path: binary, Args: []string{conf, "--sentinel"}, Dir: folder, Log: filepath.Join(folder, "log")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(process.Kill)
		check(fmt.Sprintf("rediss+sentinel://127.0.0.1:%d/ledger", watcher))
	})
}
