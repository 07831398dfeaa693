package llm

import (
	"math"
	"strconv"
)

// absurd is above any count of tokens that one answer can have.
const absurd = 1_000_000_000

// wireUsage is OpenAI's usage object, with the names that compatible providers use for the same facts.
type wireUsage struct {
	prompt, completion, total      int64
	cached, cacheWrite, reasoning  int64
	hasPrompt, hasCompletion, wild bool
}

// usage reads the usage object at the cursor. It reports whether there is one, and whether its numbers can be true.
func (s *scanner) usage() (u Usage, has, sane bool) {
	if s.peek() != '{' {
		null := s.i < len(s.b) && s.b[s.i] == 'n'
		return u, false, s.value(nil) && null
	}
	var w wireUsage
	ok := s.object(func(name []byte) bool {
		switch string(name) {
		case "prompt_tokens", "input_tokens":
			return s.count(&w.prompt, &w.hasPrompt, &w.wild)
		case "completion_tokens", "output_tokens":
			return s.count(&w.completion, &w.hasCompletion, &w.wild)
		case "total_tokens":
			return s.count(&w.total, nil, &w.wild)
		case "cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens":
			return s.count(&w.cached, nil, &w.wild)
		case "cache_creation_input_tokens":
			return s.count(&w.cacheWrite, nil, &w.wild)
		case "prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details":
			if s.peek() == '{' {
				return s.details(&w)
			}
		}
		return s.value(nil)
	})
	if !ok {
		return u, false, false
	}
	return w.normalise()
}

func (s *scanner) details(w *wireUsage) bool {
	return s.object(func(name []byte) bool {
		switch string(name) {
		case "cached_tokens":
			return s.count(&w.cached, nil, &w.wild)
		case "cache_write_tokens", "cache_creation_tokens":
			return s.count(&w.cacheWrite, nil, &w.wild)
		case "reasoning_tokens":
			return s.count(&w.reasoning, nil, &w.wild)
		}
		return s.value(nil)
	})
}

// count reads a number of tokens; null leaves it alone. A number that cannot be one sets wild.
func (s *scanner) count(to *int64, has, wild *bool) bool {
	if s.peek() == 'n' {
		return s.literal("null")
	}
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		*wild = true
		return s.value(nil)
	}
	at, ok := s.number()
	if !ok {
		return false
	}
	f, err := strconv.ParseFloat(string(s.b[at.start:min(at.end, at.start+64)]), 64)
	if err != nil || f < 0 || f > absurd || f != math.Trunc(f) {
		*wild = true
		return true
	}
	*to = int64(f)
	if has != nil {
		*has = true
	}
	return true
}

// normalise takes the parts out of the sums. Completion includes reasoning, unless the total shows that it does not.
func (w wireUsage) normalise() (u Usage, has, sane bool) {
	if w.wild {
		return u, false, false
	}
	if !w.hasPrompt && !w.hasCompletion {
		return u, false, true
	}
	u = Usage{
		Input: w.prompt - w.cached - w.cacheWrite, CachedInput: w.cached, CacheWrite: w.cacheWrite,
		Output: w.completion - w.reasoning, Reasoning: w.reasoning,
	}
	if w.reasoning > 0 && w.total == w.prompt+w.completion+w.reasoning {
		u.Output = w.completion
	}
	if u.Input < 0 || u.Output < 0 {
		return Usage{}, false, false
	}
	return u, true, true
}

// takeUsage records the usage object at the cursor; the last report wins, since some providers report as they go.
func (f *ResponseFacts) takeUsage(s *scanner) (has, ok bool) {
	u, has, sane := s.usage()
	switch {
	case !sane:
		f.Usage, f.HasUsage, f.Bad = Usage{}, false, true
	case has:
		f.Usage, f.HasUsage = u, true
	}
	return has, s.msg == ""
}

// takeError records the code, or else the type, of the error at the cursor; never its message, which may quote the prompt.
func (f *ResponseFacts) takeError(s *scanner) bool {
	var code, kind string
	switch s.peek() {
	case 'n':
		return s.literal("null")
	case '{':
		ok := s.object(func(name []byte) bool {
			switch string(name) {
			case "code":
				return s.word(&code)
			case "type":
				return s.word(&kind)
			}
			return s.value(nil)
		})
		if !ok {
			return false
		}
	default:
		if !s.value(nil) {
			return false
		}
	}
	for _, f.Error = range []string{code, kind, "error"} {
		if f.Error != "" {
			break
		}
	}
	return true
}

// word reads a string or a number as an identifier; everything else is skipped.
func (s *scanner) word(to *string) bool {
	switch c := s.peek(); {
	case c == '"':
		at, ok := s.str(nil)
		if ok {
			*to = identifier(s.b[at.start:at.end])
		}
		return ok
	case c == '-' || '0' <= c && c <= '9':
		at, ok := s.number()
		if ok {
			*to = identifier(s.b[at.start:at.end])
		}
		return ok
	}
	return s.value(nil)
}

// identifier keeps what may stand in a code, at most 64 bytes of it.
func identifier(b []byte) string {
	out := make([]byte, 0, min(len(b), 64))
	for _, c := range b {
		if len(out) == cap(out) {
			break
		}
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.', c == ':', c == '/':
			out = append(out, c)
		}
	}
	return string(out)
}
