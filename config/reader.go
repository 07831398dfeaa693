package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// reader takes settings out of an environment and collects what is wrong with them. A method leaves its target, which holds the
// default, alone when the variable is unset.
type reader struct {
	getenv func(string) string
	errs   []error
}

func (r *reader) bad(name, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(name+" "+format, args...))
}

// err is everything that was wrong, a line each.
func (r *reader) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	return fmt.Errorf("the configuration has %d error(s), see .env.example:\n%w", len(r.errs), errors.Join(r.errs...))
}

func (r *reader) text(name string, to *string) {
	if v := r.getenv(name); v != "" {
		*to = v
	}
}

func (r *reader) secret(name string, to *Secret) {
	if v := r.getenv(name); v != "" {
		*to = Secret(v)
	}
}

func (r *reader) truth(name string, to *bool) {
	switch v := strings.ToLower(r.getenv(name)); v {
	case "":
	case "true", "1", "yes", "on":
		*to = true
	case "false", "0", "no", "off":
		*to = false
	default:
		r.bad(name, "is %q: say true or false", v)
	}
}

func (r *reader) whole(name string, low, high int, to *int) {
	v := r.getenv(name)
	if v == "" {
		return
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		r.bad(name, "is %q: give a whole number from %d to %d", v, low, high)
		return
	}
	*to = n
}

// bytes reads a size of at least low.
func (r *reader) bytes(name string, low int64, to *int64) {
	v := r.getenv(name)
	if v == "" {
		return
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < low {
		r.bad(name, "is %q: give a number of bytes, at least %d", v, low)
		return
	}
	*to = n
}

// credits reads a whole, non-negative number of credits.
func (r *reader) credits(name string, to *alfred.Credits) {
	v := r.getenv(name)
	if v == "" {
		return
	}
	c, err := alfred.ParseCredits(v)
	if err != nil || c < 0 || c != c.Whole() {
		r.bad(name, "is %q: give a whole number of credits, 0 or more", v)
		return
	}
	*to = c
}

func (r *reader) duration(name string, to *time.Duration) {
	v := r.getenv(name)
	if v == "" {
		return
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		r.bad(name, "is %q: give a duration above zero, such as 50ms or 2m", v)
		return
	}
	*to = d
}

// oneOf reads a word of a fixed set.
func oneOf[W ~string](r *reader, name string, to *W, words ...W) {
	v := W(r.getenv(name))
	if v == "" {
		return
	}
	if !slices.Contains(words, v) {
		var said []string
		for _, w := range words {
			said = append(said, string(w))
		}
		r.bad(name, "is %q: say %s", v, strings.Join(said, " or "))
		return
	}
	*to = v
}

// address reads host:port.
func (r *reader) address(name string, to *string) {
	r.text(name, to)
	if _, port, err := net.SplitHostPort(*to); err != nil || !isPort(port) {
		r.bad(name, "is %q: give host:port, such as 127.0.0.1:8080", *to)
	}
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// link reads an absolute http or https URL and drops a slash at its end. The value is not quoted in an error when it may hold a secret.
func (r *reader) link(name string, to *string) {
	v := r.getenv(name)
	if v == "" {
		return
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		r.bad(name, "is not a plain http:// or https:// address without user, query and fragment")
		return
	}
	*to = strings.TrimRight(v, "/")
}

// prefixes reads a list of addresses and networks, separated by commas.
func (r *reader) prefixes(name string, to *[]netip.Prefix) {
	v := r.getenv(name)
	if v == "" {
		return
	}
	var list []netip.Prefix
	for _, word := range split(v) {
		p, err := netip.ParsePrefix(word)
		if a, aerr := netip.ParseAddr(word); err != nil && aerr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			r.bad(name, "has %q: give addresses or networks such as 10.0.0.0/8, separated by commas", word)
			return
		}
		list = append(list, p)
	}
	*to = list
}

func split(list string) []string {
	var words []string
	for _, w := range strings.Split(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

const keyAdvice = "give at least 32 random bytes as hex, base64 or text (openssl rand -hex 32), the same to both planes; make up makes one by itself"

// key reads a secret key from its variable or from the file that <name>_FILE names. Hex is tried first, then base64, then the text
// itself; whichever is taken must give at least 32 bytes.
func (r *reader) key(name string, to *Secret) {
	v, file := r.getenv(name), r.getenv(name+"_FILE")
	switch {
	case v != "" && file != "":
		r.bad(name, "and %s_FILE are both set: keep one", name)
		return
	case v == "" && file == "":
		r.bad(name, "is not set: %s", keyAdvice)
		return
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			r.bad(name+"_FILE", "cannot be read: %w", err)
			return
		}
		v = strings.TrimSpace(string(b))
	}
	key := decodeKey(v)
	if len(key) < 32 {
		r.bad(name, "is %d bytes: %s", len(key), keyAdvice)
		return
	}
	*to = Secret(key)
}

func decodeKey(v string) []byte {
	if b, err := hex.DecodeString(v); err == nil {
		return b
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(v); err == nil && len(b) >= 32 {
			return b
		}
	}
	return []byte(v)
}
