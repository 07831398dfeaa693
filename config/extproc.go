package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// FailMode says what happens to a request while Redis cannot be asked.
type FailMode string

// The fail modes.
const (
	Deny  FailMode = "deny"
	Allow FailMode = "allow"
)

// Extproc is the settings of alfred-extproc, the data plane.
type Extproc struct {
	Shared
	Listen Listen // gRPC, for Envoy alone
	HTTP   string // health, readiness and metrics, host:port
	TLS    *TLS   // nil on a socket or loopback
	Providers
	RedisTimeout time.Duration
	// A settlement waits until so many replicas have it, at most so long; 0 replicas do not wait.
	RedisWaitReplicas int
	RedisWaitTimeout  time.Duration
	FailMode          FailMode
	HoldTTL           time.Duration
	HoldExtend        time.Duration
	ShutdownPause     time.Duration  // between saying that it stops and taking no more requests
	Allowance         alfred.Credits // the most that is set aside for one person for an outage
	Processes         int            // of alfred-extproc that share this Redis

	SpoolDir      string // where settlements are written before they are sent; "" does without
	SpoolMaxBytes int64
}

// Listen is an address that net.Listen takes.
type Listen struct {
	Network string // "unix" or "tcp"
	Address string // a path, or host:port
}

// String is the form that ALFRED_EXTPROC_LISTEN takes.
func (l Listen) String() string {
	if l.Network == "unix" {
		return "unix:" + l.Address
	}
	return l.Address
}

// TLS is what mutual TLS with Envoy needs.
type TLS struct {
	Cert, Key, ClientCA string   // files, PEM
	AllowedSANs         []string // names of the clients that may connect
}

func defaultExtproc() Extproc {
	return Extproc{
		Shared:       defaultShared(),
		Listen:       Listen{"tcp", "127.0.0.1:9002"},
		HTTP:         "127.0.0.1:9090",
		Providers:    defaultProviders(),
		RedisTimeout: 50 * time.Millisecond,
		FailMode:     Deny,
		HoldTTL:      120 * time.Second,
		HoldExtend:   30 * time.Second,
		Allowance:    5000 * alfred.Credit,
		Processes:    1,

		RedisWaitTimeout: 100 * time.Millisecond,

		SpoolMaxBytes: 256 << 20,
	}
}

// LoadExtproc reads the data plane's settings. The error names every setting that is wrong and what to do.
func LoadExtproc(getenv func(string) string) (Extproc, error) {
	c, r := defaultExtproc(), &reader{getenv: getenv}
	c.Shared.read(r)
	c.readListen(r)
	c.readTLS(r)
	r.address("ALFRED_EXTPROC_HTTP", &c.HTTP)
	c.Providers.read(r)
	r.duration("ALFRED_REDIS_TIMEOUT", &c.RedisTimeout)
	r.whole("ALFRED_REDIS_WAIT_REPLICAS", 0, 100, &c.RedisWaitReplicas)
	r.duration("ALFRED_REDIS_WAIT_TIMEOUT", &c.RedisWaitTimeout)
	oneOf(r, "ALFRED_FAIL_MODE", &c.FailMode, Deny, Allow)
	r.duration("ALFRED_HOLD_TTL", &c.HoldTTL)
	r.duration("ALFRED_HOLD_EXTEND", &c.HoldExtend)
	r.duration("ALFRED_SHUTDOWN_PAUSE", &c.ShutdownPause)
	r.credits("ALFRED_ALLOWANCE", &c.Allowance)
	r.whole("ALFRED_PROCESSES", 1, 10_000, &c.Processes)
	r.text("ALFRED_SPOOL_DIR", &c.SpoolDir)
	r.bytes("ALFRED_SPOOL_MAX_BYTES", 1<<20, &c.SpoolMaxBytes)
	if c.HoldExtend >= c.HoldTTL {
		r.bad("ALFRED_HOLD_EXTEND", "is %s, not shorter than ALFRED_HOLD_TTL (%s): a running stream's hold would expire before it is extended", c.HoldExtend, c.HoldTTL)
	}
	return c, r.err()
}

func (c *Extproc) readListen(r *reader) {
	const name = "ALFRED_EXTPROC_LISTEN"
	v := r.getenv(name)
	if v == "" {
		return
	}
	path, ok := strings.CutPrefix(v, "unix:")
	if !ok {
		if _, port, err := net.SplitHostPort(v); err != nil || !isPort(port) {
			r.bad(name, "is %q: give unix:/path/extproc.sock or host:port", v)
			return
		}
		c.Listen = Listen{"tcp", v}
		return
	}
	switch path = strings.TrimPrefix(path, "//"); {
	case !filepath.IsAbs(path):
		r.bad(name, "is %q: give the socket's absolute path, such as unix:/run/alfred/extproc.sock", v)
	case len(path) > 107:
		r.bad(name, "has a path of %d bytes: a socket's path holds at most 107, choose a shorter folder", len(path))
	default:
		c.Listen = Listen{"unix", path}
	}
}

// readTLS wants all of TLS or nothing of it, and all of it where a network could read along: a reply of ext_proc carries the
// provider's credential.
func (c *Extproc) readTLS(r *reader) {
	var t TLS
	var sans string
	parts := []struct {
		name string
		to   *string
	}{
		{"ALFRED_TLS_CERT", &t.Cert},
		{"ALFRED_TLS_KEY", &t.Key},
		{"ALFRED_TLS_CLIENT_CA", &t.ClientCA},
		{"ALFRED_TLS_ALLOWED_SANS", &sans},
	}
	var missing []string
	for _, p := range parts {
		if r.text(p.name, p.to); *p.to == "" {
			missing = append(missing, p.name)
		}
	}
	t.AllowedSANs = split(sans)
	switch {
	case len(missing) == 0 && c.Listen.Network == "unix":
		r.bad("ALFRED_TLS_CERT", "and its companions are set while ALFRED_EXTPROC_LISTEN is a unix socket, which needs no TLS: remove one of the two")
	case len(missing) == 0:
		c.TLS = &t
	case len(missing) < len(parts):
		r.bad("ALFRED_TLS_CERT", "and its companions belong together: set %s too", strings.Join(missing, ", "))
	case !c.Listen.private():
		r.bad("ALFRED_EXTPROC_LISTEN", "is %q, which a network can reach, and the replies carry the provider's key: "+
			"use unix:/path or a loopback address, or set ALFRED_TLS_CERT, ALFRED_TLS_KEY, ALFRED_TLS_CLIENT_CA and ALFRED_TLS_ALLOWED_SANS", c.Listen.Address)
	}
}

// private reports whether only this machine can connect.
func (l Listen) private() bool {
	if l.Network == "unix" {
		return true
	}
	host, _, err := net.SplitHostPort(l.Address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
