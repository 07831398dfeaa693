package admin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Webhooks says how channels are reached.
type Webhooks struct {
	Off     bool   // nothing is sent; what would be is written down
	Slack   string // the channel that the environment names, or ""
	Private bool   // addresses that are not public may be given, and http://
}

// webhookTimeout bounds a post: a person may be waiting for a test.
const webhookTimeout = 5 * time.Second

// checkAddress refuses an address that no webhook has.
func (w Webhooks) checkAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil:
		return nil, alfred.Invalid("address", "expected the address of a webhook, as in https://hooks.slack.com/services/…")
	case u.Scheme != "https" && (u.Scheme != "http" || !w.Private):
		return nil, alfred.Invalid("address", "expected https://; where another is meant, set ALFRED_PRIVATE_WEBHOOKS=true for alfred-admin")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !w.Private && !public(ip) {
		return nil, alfred.Invalid("address", "%s is not a public address; where that is meant, set ALFRED_PRIVATE_WEBHOOKS=true for alfred-admin", ip)
	}
	return u, nil
}

// shown is what may be told of an address: the host, and how it ends.
func shown(u *url.URL) string {
	end := []rune(strings.TrimRight(u.Path, "/"))
	if len(end) < 16 { // all of it would be told
		return u.Host + "/…"
	}
	return u.Host + "/…" + string(end[len(end)-4:])
}

// errNotPublic is told of a name that leads to an address that is not public.
var errNotPublic = errors.New("not a public address")

// public says whether an address is one of the internet's, by the registries
// of special-purpose addresses (RFC 6890). Of IPv6 that is in 2000::/3 alone;
// what translates to IPv4 (RFC 6052) is as public as what it translates to.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if netip.MustParsePrefix("64:ff9b::/96").Contains(ip) {
		all := ip.As16()
		ip = netip.AddrFrom4([4]byte(all[12:]))
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is6() && !netip.MustParsePrefix("2000::/3").Contains(ip) {
		return false
	}
	for _, not := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		if netip.MustParsePrefix(not).Contains(ip) {
			return false
		}
	}
	return true
}

// client reaches an address. It follows no redirect, since the address is a
// secret. An address that a person gave is looked at when its name is known,
// so that a name cannot lead inside; where a proxy reaches it, the proxy
// decides.
func (w Webhooks) client(address *url.URL, trusted bool) http.Client {
	c := http.Client{CheckRedirect: noRedirect}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	c.Transport = transport
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: address}); trusted || w.Private || err != nil || proxy != nil {
		return c
	}
	dialer := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !public(to.Addr()) {
			return errNotPublic
		}
		return nil
	}}
	transport.DialContext = dialer.DialContext
	return c
}

// inSlacks escapes what Slack would take for a command or a link.
// https://docs.slack.dev/messaging/formatting-message-text#escaping
var inSlacks = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// post sends a text to an incoming webhook of Slack. What comes of it never
// holds the address. trusted is an address that no person has given.
func (w Webhooks) post(ctx context.Context, address string, trusted bool, text string) alfred.DeliveryOutcome {
	hopeless := func(detail string) alfred.DeliveryOutcome {
		return alfred.DeliveryOutcome{Hopeless: true, Detail: detail}
	}
	body, err := json.Marshal(map[string]any{"text": inSlacks.Replace(text), "mrkdwn": false})
	if err != nil {
		return hopeless("The message could not be written.")
	}
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return hopeless("The webhook's address is not valid. Enter it again.")
	}
	r.Header.Set("Content-Type", "application/json")
	client := w.client(r.URL, trusted)
	resp, err := client.Do(r)
	switch {
	case errors.Is(err, errNotPublic):
		return hopeless("Its name leads to an address that is not public. Where that is meant, set ALFRED_PRIVATE_WEBHOOKS=true for alfred-admin.")
	case err != nil:
		return alfred.DeliveryOutcome{Detail: silence(err, webhookTimeout)}
	}
	defer func() { _ = resp.Body.Close() }() // nothing is left to do with it
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return answered(resp, strings.TrimSpace(string(said)))
}

// aReason is what Slack calls what is wrong: no_service, channel_is_archived.
// Anything else that a server says is not passed on.
var aReason = regexp.MustCompile(`^[a-z_]{2,40}$`)

// answered says what an answer means.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
func answered(resp *http.Response, said string) alfred.DeliveryOutcome {
	status := resp.StatusCode
	if status >= 200 && status <= 299 {
		return alfred.DeliveryOutcome{Delivered: true}
	}
	told := strconv.Itoa(status)
	if aReason.MatchString(said) {
		told += " " + said
	}
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(cmp.Or(resp.Header.Get("Retry-After"), "0")) // a date waits as long as nothing would
		return alfred.DeliveryOutcome{Wait: time.Duration(min(max(seconds, 0), 3600)) * time.Second, Detail: fmt.Sprintf("It answered %s: it takes no more now.", told)}
	case status >= 500 || status == http.StatusRequestTimeout:
		return alfred.DeliveryOutcome{Detail: fmt.Sprintf("It answered %s: it has a problem of its own.", told)}
	case status >= 300 && status <= 399:
		return alfred.DeliveryOutcome{Hopeless: true, Detail: fmt.Sprintf("It answered %s, another address. Enter the webhook's own.", told)}
	default:
		return alfred.DeliveryOutcome{Hopeless: true, Detail: fmt.Sprintf("It answered %s: it does not take the message. Make a new webhook and enter its address.", told)}
	}
}
