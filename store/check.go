package store

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// MaxUnits bounds what one request may add to a bucket, so that the bucket's
// clock stays exact in the doubles of a script: about three years.
const MaxUnits = 100_000_000_000_000 // microseconds

// Name identifies a counter within its organisation: the same subject in the
// same window has the same name, whatever its limit. Bytes that could be
// mistaken for punctuation are escaped.
func Name(c alfred.Counter) string {
	return string(c.Kind) + ":" + Escape(c.Subject) + ":" + strconv.FormatInt(c.Window.Start.Unix(), 10)
}

// ParseName is the counter of a name. It does not know when the window ends.
func ParseName(name string) (c alfred.Counter, ok bool) {
	parts := strings.Split(name, ":")
	if len(parts) != 3 {
		return c, false
	}
	subject, err := unescape(parts[1])
	start, bad := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || bad != nil || parts[0] == "" || subject == "" {
		return c, false
	}
	return alfred.Counter{Kind: alfred.CounterKind(parts[0]), Subject: subject, Window: alfred.Window{Start: time.Unix(start, 0).UTC()}}, true
}

// BucketName identifies a bucket within its organisation. The rate is no part
// of it: a bucket keeps its level when its rate changes.
func BucketName(b alfred.Bucket) string {
	return string(b.Scope) + ":" + Escape(b.Subject) + ":" + string(b.Metric)
}

// Escape writes bytes other than letters, digits and _ . - / @ as %XX.
func Escape(s string) string {
	const hex = "0123456789ABCDEF"
	var out []byte
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			c == '_', c == '.', c == '-', c == '/', c == '@':
			if out != nil {
				out = append(out, c)
			}
		default:
			if out == nil {
				out = append(make([]byte, 0, len(s)+8), s[:i]...)
			}
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	if out == nil {
		return s
	}
	return string(out)
}

// unescape undoes Escape.
func unescape(s string) (string, error) {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", invalid("%q is cut off", s)
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", invalid("%q is no escaped text", s)
		}
		out, i = append(out, byte(n)), i+2
	}
	return string(out), nil
}

// Charges lists the counters of a request in the order in which stores hold
// them: caps, then the legs' groups.
func Charges(r alfred.ReserveRequest) []alfred.Charge {
	out := make([]alfred.Charge, 0, len(r.Caps)+2*len(r.Legs))
	for _, c := range r.Caps {
		out = append(out, c.Charge)
	}
	for _, l := range r.Legs {
		out = append(out, l.Group...)
	}
	return out
}

// CheckReserve says what is wrong with a request. A mistake here is the
// caller's, never the person's, so it is an internal error.
func CheckReserve(r alfred.ReserveRequest) error {
	switch {
	case r.Org == "" || r.Hold == "":
		return invalid("a reservation needs an organisation and a hold")
	case r.Need < 0 || r.Need > r.Want || r.Want > alfred.MaxCredits:
		return invalid("need %d and want %d: expected 0 <= need <= want <= %d", r.Need, r.Want, alfred.MaxCredits)
	case len(r.Legs) == 0 || len(r.Legs) > alfred.MaxLegs:
		return invalid("%d legs: expected 1 to %d", len(r.Legs), alfred.MaxLegs)
	case !r.Window.Start.Before(r.Window.End):
		return invalid("the window ends before it starts")
	case r.TTL <= 0 || r.TTL > MaxHoldTTL:
		return invalid("a hold of %s: expected up to %s", r.TTL, MaxHoldTTL)
	case len(r.Buckets) > alfred.MaxCounters:
		return invalid("%d buckets: expected at most %d", len(r.Buckets), alfred.MaxCounters)
	}
	for _, l := range r.Legs {
		if len(l.Group) == 0 {
			return invalid("a leg without a counter")
		}
	}
	if err := checkCharges(Charges(r)); err != nil {
		return err
	}
	var seen []string
	for _, b := range r.Buckets {
		if b.Bucket.PerMinute < 1 || b.Bucket.PerMinute > alfred.MaxRate || b.Units < 0 || b.Units > MaxUnits/b.Bucket.Interval() {
			return invalid("%d units on a bucket of %d per minute", b.Units, b.Bucket.PerMinute)
		}
		name := BucketName(b.Bucket)
		if slices.Contains(seen, name) {
			return invalid("bucket %s twice in one request", name)
		}
		seen = append(seen, name)
	}
	return nil
}

// CheckOutflow says what is wrong with an outflow.
func CheckOutflow(o alfred.Outflow) error {
	switch {
	case o.Org == "" || o.Move == "":
		return invalid("an outflow needs an organisation and a move")
	case o.Amount <= 0 || o.Amount > alfred.MaxCredits:
		return invalid("an outflow of %d: expected 1 to %d", o.Amount, alfred.MaxCredits)
	case len(o.Source) == 0:
		return invalid("an outflow without a source")
	}
	return checkCharges(o.Source)
}

func checkCharges(charges []alfred.Charge) error {
	if len(charges) > alfred.MaxCounters {
		return invalid("%d counters: expected at most %d", len(charges), alfred.MaxCounters)
	}
	seen := make([]string, 0, alfred.MaxCounters)
	for _, c := range charges {
		name := Name(c.Counter)
		switch {
		case c.Counter.Kind == "" || c.Counter.Subject == "":
			return invalid("a counter without kind or subject")
		case !c.Counter.Window.Start.Before(c.Counter.Window.End):
			return invalid("the window of counter %s ends before it starts", name)
		case c.Ceiling < -alfred.MaxCredits:
			return invalid("the ceiling of counter %s is %d", name, c.Ceiling)
		case c.Share > alfred.TakeHalf:
			return invalid("the share rule of counter %s is %d", name, c.Share)
		case slices.Contains(seen, name):
			return invalid("counter %s twice in one request", name)
		}
		seen = append(seen, name)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return alfred.Errorf(alfred.CodeInternal, format, args...)
}
