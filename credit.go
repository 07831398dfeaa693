package alfred

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Credits is an amount of credits in micro-credits, the only unit in which
// Alfred counts. One credit is 1,000,000 micro-credits.
type Credits int64

const (
	// Credit is one credit.
	Credit Credits = 1_000_000
	// Unlimited marks a limit that never refuses. It is never a sum.
	Unlimited Credits = math.MaxInt64
	// MaxCredits is the largest amount that a limit or a movement may have:
	// 9 billion credits, below 2^53 micro-credits, so that stores that
	// compare in doubles still compare exactly.
	MaxCredits Credits = 9_000_000_000 * Credit
)

// ErrOverflow is returned by checked arithmetic that leaves int64.
var ErrOverflow = errors.New("credits overflow")

// Add returns a+b, or ErrOverflow.
func (a Credits) Add(b Credits) (Credits, error) {
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return sum, nil
}

// Sub returns a-b, or ErrOverflow.
func (a Credits) Sub(b Credits) (Credits, error) {
	diff := a - b
	if (diff < a) != (b > 0) && b != 0 {
		return 0, ErrOverflow
	}
	return diff, nil
}

// Mul returns a*n, or ErrOverflow.
func (a Credits) Mul(n int64) (Credits, error) {
	if a == 0 || n == 0 {
		return 0, nil
	}
	product := int64(a) * n
	if product/n != int64(a) || (int64(a) == math.MinInt64 && n == -1) || (n == math.MinInt64 && a == -1) {
		return 0, ErrOverflow
	}
	return Credits(product), nil
}

// plus adds without failing: a sum that leaves int64 stays at the bound. For
// sums of limits, where the bound means the same as the sum.
func (a Credits) plus(b Credits) Credits {
	if a == Unlimited || b == Unlimited {
		return Unlimited
	}
	sum, err := a.Add(b)
	switch {
	case err == nil:
		return sum
	case b > 0:
		return Unlimited
	default:
		return math.MinInt64
	}
}

// Percent returns p percent of a, rounded down to whole micro-credits. It
// expects a >= 0 and 0 <= p <= 100.
func (a Credits) Percent(p int) Credits {
	hi, lo := bits.Mul64(uint64(a), uint64(p))
	q, _ := bits.Div64(hi, lo, 100)
	return Credits(q)
}

// Whole rounds down to whole credits.
func (a Credits) Whole() Credits {
	if a == Unlimited {
		return a
	}
	r := a % Credit
	if r < 0 {
		r += Credit
	}
	return a - r
}

// Floor0 returns a, or 0 when a is negative. What is left of a budget is
// never shown as less than nothing.
func (a Credits) Floor0() Credits { return max(a, 0) }

// String writes credits with as many decimals as they need, at most six. It
// is what programs read; in a sentence an amount is a Figure.
func (a Credits) String() string {
	if a == Unlimited {
		return "unlimited"
	}
	n, sign := uint64(a), ""
	if a < 0 {
		n, sign = uint64(-(a+1))+1, "-"
	}
	whole, micro := n/uint64(Credit), n%uint64(Credit)
	s := sign + strconv.FormatUint(whole, 10)
	if micro == 0 {
		return s
	}
	return s + "." + strings.TrimRight(fmt.Sprintf("%06d", micro), "0")
}

// Figure writes a number as people read it, 12,500.25: for sentences. What
// somebody may copy into a request, the bounds of a field for one, is plain.
func Figure[N int | int64 | Credits](n N) string {
	s := fmt.Sprint(n)
	whole, _, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0 && isDigits(s[i-1:i]); i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// ParseCredits reads a decimal number of credits with at most six decimals.
// It refuses exponents, signs other than a leading minus, and anything that
// int64 micro-credits cannot hold exactly.
func ParseCredits(s string) (Credits, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, frac, dotted := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 13 || len(frac) > 6 || (dotted && frac == "") || !isDigits(whole) || !isDigits(frac) {
		return 0, fmt.Errorf("%q is not an amount of credits: expected a decimal number with at most 6 decimals", s)
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 6-len(frac)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q credits: %w", s, ErrOverflow)
	}
	if negative {
		n = -n
	}
	return Credits(n), nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// MarshalJSON writes credits as a JSON number with at most six decimals.
// Unlimited is written as null: callers that mean it say so in a field of
// its own.
func (a Credits) MarshalJSON() ([]byte, error) {
	if a == Unlimited {
		return []byte("null"), nil
	}
	return []byte(a.String()), nil
}

// UnmarshalJSON reads what MarshalJSON writes, and nothing less exact. A JSON
// null reads as Unlimited.
func (a *Credits) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*a = Unlimited
		return nil
	}
	n, err := ParseCredits(string(b))
	if err != nil {
		return err
	}
	*a = n
	return nil
}
