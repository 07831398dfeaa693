package envoy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Config says where everything is. Every field without "optional" is required; Validate names what is missing.
type Config struct {
	Listen      string // the front door, as ip:port; port 0 lets the kernel choose
	AdminListen string // Envoy's own administration API, as loopback ip:port: it can stop the proxy and reads its certificates
	ExtProc     string // where alfred-extproc listens: "unix:/path" or host:port; several, separated by commas, share the requests
	ExtProcTLS  *TLS   // required where ExtProc is neither a socket nor loopback, since its replies carry provider credentials
	Admin       string // host:port of the admin app; several, separated by commas, share the requests
	Providers   []Provider
	PublicURL   string // what people call this place; error types are absolute URLs under it
	LogPath     string // access log; optional, empty means standard output
	CAFile      string // authorities that providers are verified against; optional, empty means the system's bundle
}

// Provider is one upstream that x-alfred-backend can name.
type Provider struct {
	Name    string // the value of x-alfred-backend and the name of the cluster
	BaseURL string // only scheme, host and port matter here; Alfred writes the path
	CAFile  string // optional, overrides Config.CAFile
}

// TLS is Envoy's side of the mutual TLS with alfred-extproc.
type TLS struct {
	CertFile   string
	KeyFile    string
	CAFile     string
	ServerName string // the DNS name that the server's certificate must carry; optional, empty means the host of ExtProc
}

// Validate reports everything that is wrong, one line each, or nil.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("envoy %s: "+format, append([]any{field}, args...)...))
	}
	if _, err := listenAddress(c.Listen); err != nil {
		bad("Listen", "%w", err)
	}
	if a, err := listenAddress(c.AdminListen); err != nil {
		bad("AdminListen", "%w", err)
	} else if !a.Addr().IsLoopback() {
		bad("AdminListen", "%s is not loopback: whoever reaches this port controls the proxy", a)
	}
	for _, address := range several(c.ExtProc) {
		if err := c.validateExtProc(address); err != nil {
			bad("ExtProc", "%w", err)
		}
	}
	for _, address := range several(c.Admin) {
		if _, err := parseTarget(address); err != nil {
			bad("Admin", "%w", err)
		}
	}
	if len(c.Providers) == 0 {
		bad("Providers", "none given: there is nothing to route to")
	}
	seen := map[string]bool{}
	for _, p := range c.Providers {
		if err := p.validate(); err != nil {
			bad("Providers", "%w", err)
		}
		if seen[p.Name] {
			bad("Providers", "%q is given twice", p.Name)
		}
		seen[p.Name] = true
	}
	if _, err := publicURL(c.PublicURL); err != nil {
		bad("PublicURL", "%w", err)
	}
	return errors.Join(errs...)
}

// several splits addresses at commas. It is never empty.
func several(addresses string) []string { return strings.Split(addresses, ",") }

func (c Config) validateExtProc(address string) error {
	path, ok := socketPath(address)
	if _, first := socketPath(c.ExtProc); ok != first {
		return fmt.Errorf("%s: sockets and hosts cannot be mixed", c.ExtProc)
	}
	if ok {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%q: a socket needs an absolute path", address)
		}
		// The kernel's sun_path holds 108 bytes with the terminator.
		if len(path) > 107 {
			return fmt.Errorf("%q: a socket's path holds at most 107 bytes", path)
		}
		if c.ExtProcTLS != nil {
			return errors.New("ExtProcTLS has no meaning on a socket")
		}
		return nil
	}
	t, err := parseTarget(address)
	if err != nil {
		return err
	}
	if c.ExtProcTLS == nil {
		if !t.loopback() {
			return fmt.Errorf("%s is not on this machine: ExtProcTLS is required, since the replies carry provider credentials", address)
		}
		return nil
	}
	if c.ExtProcTLS.CertFile == "" || c.ExtProcTLS.KeyFile == "" || c.ExtProcTLS.CAFile == "" {
		return errors.New("ExtProcTLS needs CertFile, KeyFile and CAFile")
	}
	return nil
}

var providerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

func (p Provider) validate() error {
	if !providerName.MatchString(p.Name) {
		return fmt.Errorf("name %q: lower-case letters, digits and - only, starting with a letter", p.Name)
	}
	if _, err := p.target(); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}

// target is where the provider listens.
func (p Provider) target() (target, error) {
	u, err := url.Parse(p.BaseURL)
	if err != nil {
		return target{}, fmt.Errorf("base URL: %w", err)
	}
	t := target{host: u.Hostname(), tls: u.Scheme == "https"}
	shown := u.Scheme + "://" + u.Host // without what may be secret
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return target{}, fmt.Errorf("base URL %q: the scheme must be http or https", shown)
	case t.host == "":
		return target{}, fmt.Errorf("base URL %q names no host", shown)
	case u.User != nil:
		return target{}, fmt.Errorf("base URL %q carries a credential; give it to alfred-extproc instead", shown)
	case u.RawQuery != "" || u.Fragment != "":
		return target{}, fmt.Errorf("base URL %q has a query or a fragment", shown)
	case u.Port() != "":
		if t.port, err = parsePort(u.Port()); err != nil {
			return target{}, fmt.Errorf("base URL %q: %w", shown, err)
		}
	case t.tls:
		t.port = 443
	default:
		t.port = 80
	}
	// What the provider expects to be called: the port only where it is not the scheme's own.
	t.authority = u.Host
	if (t.tls && t.port == 443) || (!t.tls && t.port == 80) {
		t.authority = strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	return t, nil
}

// target is a place that Envoy connects to.
type target struct {
	host      string
	port      uint32
	tls       bool
	authority string // set for providers only
}

func (t target) ip() (netip.Addr, bool) {
	a, err := netip.ParseAddr(t.host)
	return a, err == nil
}

func (t target) loopback() bool {
	a, ok := t.ip()
	return t.host == "localhost" || ok && a.IsLoopback()
}

func parseTarget(s string) (target, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return target{}, fmt.Errorf("%q is not host:port", s)
	}
	if host == "" {
		return target{}, fmt.Errorf("%q names no host", s)
	}
	n, err := parsePort(port)
	if err != nil {
		return target{}, fmt.Errorf("%q: %w", s, err)
	}
	return target{host: host, port: n}, nil
}

func parsePort(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %q is not between 1 and 65535", s)
	}
	return uint32(n), nil
}

// listenAddress wants an address, not a name: Envoy does not resolve what it binds.
func listenAddress(s string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not ip:port", s)
	}
	return a, nil
}

func publicURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("%q is not an absolute http or https URL", s)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q has a query or a fragment", s)
	}
	return strings.TrimRight(s, "/"), nil
}
