package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Shape is how an installation runs its servers.
type Shape string

// The shapes.
const (
	Single   Shape = "single"
	Sentinel Shape = "sentinel"
	Cluster  Shape = "cluster"
)

// address is what a REDIS_URL says:
//
//	redis://[user:password@]host[:port][/db]        one server; rediss:// with TLS
//	unix:///path?db=n                               one server
//	redis+sentinel://[user:password@]host[:port],…/master[/db]
//	redis+cluster://[user:password@]host[:port],…
//
// User and password are the servers' own; those of the Sentinels are given as
// ?sentinel_user=…&sentinel_password=…. rediss+ means TLS for all of them.
type address struct {
	shape    Shape
	tls      bool
	single   *redis.Options // of Single; the others are told below
	hosts    []string
	user     string
	password string
	master   string // the name that the Sentinels know
	db       string
	sentinel url.Userinfo
}

// parseAddress never quotes the URL in its error: it may hold a password.
func parseAddress(text string) (address, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return address{}, errors.New("it has no scheme: expected redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://")
	}
	a := address{tls: strings.HasPrefix(scheme, "rediss")}
	switch scheme {
	case "redis", "rediss", "unix":
		a.shape = Single
		authority, _, _ := strings.Cut(rest, "/")
		if strings.Contains(authority[strings.LastIndex(authority, "@")+1:], ",") {
			return address{}, fmt.Errorf("it has several hosts: say what they are with %s+sentinel:// or %s+cluster://", scheme, scheme)
		}
		options, err := redis.ParseURL(text)
		if err != nil {
			return address{}, hide(err)
		}
		a.single = options
		return a, nil
	case "redis+sentinel", "rediss+sentinel":
		a.shape = Sentinel
		return a, a.readHosts(rest, "26379")
	case "redis+cluster", "rediss+cluster":
		a.shape = Cluster
		return a, a.readHosts(rest, "6379")
	default:
		return address{}, fmt.Errorf("its scheme is %q: expected redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://", scheme)
	}
}

// hide takes the URL out of an error of package url, which quotes it.
func hide(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return fmt.Errorf("it is not a URL: %w", u.Err)
	}
	return err
}

// readHosts reads what follows the scheme. A list of hosts is not a URL, so the
// list is taken out before the rest is read as one.
func (a *address) readHosts(rest, port string) error {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndex(rest[:end], "@")
	for host := range strings.SplitSeq(rest[at+1:end], ",") {
		one, err := url.Parse("redis://" + host)
		if err != nil || one.Hostname() == "" || one.User != nil {
			return fmt.Errorf("%q is not a host: give host:port, separated by commas", host)
		}
		if one.Port() == "" {
			host = net.JoinHostPort(one.Hostname(), port)
		}
		a.hosts = append(a.hosts, host)
	}
	u, err := url.Parse("redis://" + rest[:at+1] + "hosts" + rest[end:])
	if err != nil {
		return hide(err)
	}
	if u.User != nil {
		a.user = u.User.Username()
		a.password, _ = u.User.Password()
	}
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	switch {
	case a.shape == Cluster && u.Path != "" && u.Path != "/" && u.Path != "/0":
		return errors.New("a cluster has no database but 0: write nothing behind the hosts")
	case a.shape == Cluster:
	case path[0] == "" || len(path) > 2:
		return errors.New("it does not name what the Sentinels watch: write /name behind the hosts, and /name/1 for database 1")
	default:
		a.master = path[0]
		if len(path) == 2 {
			a.db = path[1]
		}
	}
	allowed := []string{"sentinel_user", "sentinel_password"}
	for name := range u.Query() {
		if a.shape != Sentinel || !slices.Contains(allowed, name) {
			return fmt.Errorf("it has the option %q, which this form does not know", name)
		}
	}
	a.sentinel = *url.UserPassword(u.Query().Get(allowed[0]), u.Query().Get(allowed[1]))
	return nil
}
