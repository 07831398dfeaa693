package alfred

import (
	"math"
	"math/bits"
	"path"
	"time"
)

// Usage is what one request used, in tokens, each token counted once: Input
// without cached input and cache writes, Output without reasoning.
type Usage struct {
	Input       int64 `json:"input"`
	CachedInput int64 `json:"cached_input"`
	CacheWrite  int64 `json:"cache_write"`
	Output      int64 `json:"output"`
	Reasoning   int64 `json:"reasoning"`
}

// Tokens is the sum of all kinds.
func (u Usage) Tokens() int64 {
	return u.Input + u.CachedInput + u.CacheWrite + u.Output + u.Reasoning
}

// Plus adds what another request used, or takes away what a correction has
// below 0.
func (u Usage) Plus(o Usage) Usage {
	return Usage{u.Input + o.Input, u.CachedInput + o.CachedInput, u.CacheWrite + o.CacheWrite, u.Output + o.Output, u.Reasoning + o.Reasoning}
}

// Rate is the price of one model, in micro-credits per million tokens of each
// kind, and a fee per request.
type Rate struct {
	Match       string  `json:"match"` // a model's name, or a glob: exact wins, then the longest glob, then *
	Input       Credits `json:"input"`
	CachedInput Credits `json:"cached_input"`
	CacheWrite  Credits `json:"cache_write"`
	Output      Credits `json:"output"`
	Reasoning   Credits `json:"reasoning"`
	Request     Credits `json:"request"`
}

// million is the number of tokens that a rate prices.
const million = 1_000_000

// OneCreditPerToken is the default rate: the guide's credits are tokens.
func OneCreditPerToken(match string) Rate {
	perMillion := Credit * million
	return Rate{Match: match, Input: perMillion, CachedInput: perMillion, CacheWrite: perMillion, Output: perMillion, Reasoning: perMillion}
}

// Cost prices a usage: the sum over all kinds, in 128 bits, rounded up to a
// whole micro-credit once. A negative count or a cost that leaves int64 is an
// error: it is never rounded into a wrong charge.
func (r Rate) Cost(u Usage) (Credits, error) {
	var hi, lo uint64
	for _, k := range []struct {
		tokens int64
		rate   Credits
	}{{u.Input, r.Input}, {u.CachedInput, r.CachedInput}, {u.CacheWrite, r.CacheWrite}, {u.Output, r.Output}, {u.Reasoning, r.Reasoning}} {
		if k.tokens < 0 || k.rate < 0 {
			return 0, Errorf(CodeInternal, "a usage or a rate is negative")
		}
		h, l := bits.Mul64(uint64(k.tokens), uint64(k.rate))
		var carry uint64
		lo, carry = bits.Add64(lo, l, 0)
		hi, carry = bits.Add64(hi, h, carry)
		if carry != 0 {
			return 0, ErrOverflow
		}
	}
	if hi >= million {
		return 0, ErrOverflow
	}
	q, rem := bits.Div64(hi, lo, million)
	if rem > 0 {
		q++
	}
	if q > math.MaxInt64 {
		return 0, ErrOverflow
	}
	return Credits(q).Add(r.Request)
}

// Bound is the most that a request can cost: a fixed part for its input and
// fee, and a price for each token of output.
type Bound struct {
	Fixed    Credits // input side and request fee
	PerToken Credits // one output token, rounded up to a whole micro-credit
}

// Bound prices an upper bound of input tokens at the dearest input kind, and
// an output token at the dearer of output and reasoning.
func (r Rate) Bound(inputTokens int64) (Bound, error) {
	input := max(r.Input, r.CachedInput, r.CacheWrite)
	fixed, err := Rate{Input: input, Request: r.Request}.Cost(Usage{Input: inputTokens})
	if err != nil {
		return Bound{}, err
	}
	perToken := (max(r.Output, r.Reasoning) + million - 1) / million
	return Bound{fixed, perToken}, nil
}

// Amount is the cost of at most this many output tokens, saturating at
// MaxCredits, above which nothing can be held anyway.
func (b Bound) Amount(outputTokens int64) Credits {
	out, err := b.PerToken.Mul(outputTokens)
	if err != nil {
		return MaxCredits
	}
	sum, err := out.Add(b.Fixed)
	if err != nil {
		return MaxCredits
	}
	return min(sum, MaxCredits)
}

// Tokens is how many output tokens an amount pays for. A free output has no
// bound.
func (b Bound) Tokens(amount Credits) int64 {
	switch {
	case b.PerToken == 0:
		return math.MaxInt64
	case amount < b.Fixed:
		return 0
	default:
		return int64((amount - b.Fixed) / b.PerToken)
	}
}

// RateCard is one immutable version of the prices.
type RateCard struct {
	Version   int64     `json:"version"`
	Effective time.Time `json:"effective_from"`
	Rates     []Rate    `json:"rates"`
}

// DefaultRateCard prices every token of every model at one credit.
func DefaultRateCard() RateCard {
	return RateCard{Version: 1, Rates: []Rate{OneCreditPerToken("*")}}
}

// For returns the rate of a model: an exact match, else the longest glob that
// matches, else one credit per token. The bool says whether the card names
// the model by more than *.
func (c RateCard) For(model string) (Rate, bool) {
	best, found := OneCreditPerToken("*"), -1
	for _, r := range c.Rates {
		if r.Match == model {
			return r, true
		}
		if ok, err := path.Match(r.Match, model); err == nil && ok && len(r.Match) > found {
			best, found = r, len(r.Match)
		}
	}
	return best, found > 1
}
