package llm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

const (
	maxDepth = 1000    // nesting of a body; real requests stay below 50
	maxNames = 100_000 // names that are remembered at one time for large objects; real requests stay below 1,000
)

// span is a piece of the scanned bytes; the zero span is absent.
type span struct{ start, end int }

func (s span) present() bool { return s.end > 0 }

// scanner walks JSON text once, front to back. Strict: RFC 8259 plus no duplicate names, valid UTF-8, no lone surrogates.
// After the first problem it stays failed; every method then reports false.
type scanner struct {
	b     []byte
	i     int
	depth int
	held  int      // names in the maps of the large objects that are open
	names [][]byte // names of the objects that are open, innermost last
	loose bool     // leave out the check for duplicate names
	twice []byte   // the duplicate name that ended the walk
	msg   string   // what was wrong; empty while all is well
}

func (s *scanner) fail(format string, args ...any) bool {
	if s.msg == "" {
		s.msg = fmt.Sprintf(format, args...)
	}
	return false
}

func (s *scanner) truncated() bool {
	return s.fail("the JSON text ends too early, at byte %d", len(s.b))
}

func (s *scanner) unexpected() bool {
	if s.i >= len(s.b) {
		return s.truncated()
	}
	return s.fail("unexpected character %q at byte %d", rune(s.b[s.i]), s.i)
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\n', '\t', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// end reports whether only white space is left.
func (s *scanner) end() bool {
	if s.peek(); s.i < len(s.b) {
		return s.fail("data after the end of the JSON text, at byte %d", s.i)
	}
	return true
}

// object walks the members of the object at the cursor; visit consumes each value. Names are passed decoded.
func (s *scanner) object(visit func(name []byte) bool) bool {
	if s.peek() != '{' {
		return s.unexpected()
	}
	if s.depth++; s.depth > maxDepth {
		return s.fail("the JSON text is nested too deeply")
	}
	s.i++
	first := len(s.names)
	var many map[string]struct{} // replaces the linear search in large objects
	for n := 0; ; n++ {
		if c := s.peek(); c == '}' && n == 0 {
			break
		}
		name, ok := s.name()
		if !ok {
			return false
		}
		if !s.loose && !s.unique(name, first, &many) {
			s.twice = name
			return s.fail("duplicate name %q", clip(name))
		}
		if s.held > maxNames {
			return s.fail("the JSON text has too many names")
		}
		if s.peek() != ':' {
			return s.unexpected()
		}
		s.i++
		s.peek()
		if !visit(name) {
			return false
		}
		if c := s.peek(); c == '}' {
			break
		} else if c != ',' {
			return s.unexpected()
		}
		s.i++
	}
	s.i++
	s.depth--
	s.names = s.names[:first]
	s.held -= len(many)
	return true
}

// unique adds a name to the innermost object and reports whether it is new there.
func (s *scanner) unique(name []byte, first int, many *map[string]struct{}) bool {
	const few = 16
	if *many == nil {
		for _, n := range s.names[first:] {
			if bytes.Equal(n, name) {
				return false
			}
		}
		s.names = append(s.names, name)
		if len(s.names)-first > few {
			*many = make(map[string]struct{}, 4*few)
			for _, n := range s.names[first:] {
				(*many)[string(n)] = struct{}{}
			}
			s.held += len(*many)
		}
		return true
	}
	if _, ok := (*many)[string(name)]; ok {
		return false
	}
	(*many)[string(name)] = struct{}{}
	s.held++
	return true
}

// array walks the elements of the array at the cursor; visit consumes each.
func (s *scanner) array(visit func(index int) bool) bool {
	if s.peek() != '[' {
		return s.unexpected()
	}
	if s.depth++; s.depth > maxDepth {
		return s.fail("the JSON text is nested too deeply")
	}
	s.i++
	for n := 0; ; n++ {
		if c := s.peek(); c == ']' && n == 0 {
			break
		}
		if !visit(n) {
			return false
		}
		if c := s.peek(); c == ']' {
			break
		} else if c != ',' {
			return s.unexpected()
		}
		s.i++
		s.peek()
	}
	s.i++
	s.depth--
	return true
}

// value consumes any value. With a meter it is charged as JSON that is written into the prompt (tools, schemas): its text,
// its names, its punctuation, and the line breaks that a template may add.
func (s *scanner) value(m *meter) bool {
	switch c := s.peek(); {
	case c == '"':
		at, ok := s.str(m)
		if m != nil { // quotes, and escapes that are written out again
			m.tokens(2 + bytes.Count(s.b[at.start:at.end], []byte{'\\'}))
		}
		return ok
	case c == '{':
		m.tokens(3)
		return s.object(func(name []byte) bool {
			m.tokens(6 + len(name))
			return s.value(m)
		})
	case c == '[':
		m.tokens(3)
		return s.array(func(int) bool {
			m.tokens(3)
			return s.value(m)
		})
	case c == '-' || '0' <= c && c <= '9':
		num, ok := s.number()
		m.tokens(num.end - num.start)
		return ok
	case c == 't':
		m.tokens(1)
		return s.literal("true")
	case c == 'f':
		m.tokens(1)
		return s.literal("false")
	case c == 'n':
		m.tokens(1)
		return s.literal("null")
	}
	return s.unexpected()
}

func (s *scanner) literal(word string) bool {
	rest := s.b[s.i:]
	if len(rest) >= len(word) && string(rest[:len(word)]) == word {
		s.i += len(word)
		return true
	}
	for k := 0; k < len(rest) && rest[k] == word[k]; k++ {
		s.i++
	}
	return s.unexpected()
}

func (s *scanner) number() (span, bool) {
	start := s.i
	digits := func() bool {
		from := s.i
		for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
			s.i++
		}
		return s.i > from || s.unexpected()
	}
	if s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if !digits() {
		return span{}, false
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !digits() {
			return span{}, false
		}
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if !digits() {
			return span{}, false
		}
	}
	return span{start, s.i}, true
}

// name consumes the name of a member, decoded. Only a name with escapes is copied.
func (s *scanner) name() ([]byte, bool) {
	raw, ok := s.str(nil)
	if !ok {
		return nil, false
	}
	name := s.b[raw.start:raw.end]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = unescape(name)
	}
	return name, true
}

const (
	lanes01 = 0x0101010101010101
	lanes80 = 0x8080808080808080
)

// stops marks the bytes of w where a run of plain ASCII ends: quote, backslash, control, not ASCII. The lowest mark is exact.
func stops(w uint64) uint64 {
	quote := w ^ '"'*lanes01
	slash := w ^ '\\'*lanes01
	return ((w-0x20*lanes01)&^w | (quote-lanes01)&^quote | (slash-lanes01)&^slash | w) & lanes80
}

// str consumes the string at the cursor and returns what stands between its quotes. With a meter its text is charged.
func (s *scanner) str(m *meter) (span, bool) {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return span{}, s.unexpected()
	}
	b := s.b
	i := s.i + 1
	start := i
	t := text{}
	for {
		if m != nil {
			i += t.plain(b[i:])
		} else {
			i += plain(b[i:])
		}
		if i >= len(b) {
			s.i = i
			return span{}, s.truncated()
		}
		switch c := b[i]; {
		case c == '"':
			if m != nil {
				m.add(t, i-start)
			}
			s.i = i + 1
			return span{start, i}, true
		case c == '\\':
			r, n := escape(b[i:])
			if n == 0 {
				s.i = i
				if len(b)-i < 12 && bytes.IndexByte(b[i:], '"') < 0 {
					return span{}, s.truncated()
				}
				return span{}, s.fail("invalid escape at byte %d", i)
			}
			if m != nil {
				t.escape(r, n)
			}
			i += n
		case c < 0x20:
			s.i = i
			return span{}, s.fail("control character %q in a string at byte %d", rune(c), i)
		default:
			for i < len(b) && b[i] >= utf8.RuneSelf {
				n := runeLen(b[i:])
				if n == 0 {
					s.i = i
					return span{}, s.fail("invalid UTF-8 at byte %d", i)
				}
				if m != nil {
					t.wide(b[i], b[i+1])
				}
				i += n
			}
		}
	}
}

// plain is the length of the plain ASCII at the start of b.
func plain(b []byte) int {
	i := 0
	for len(b)-i >= 8 {
		if stop := stops(binary.LittleEndian.Uint64(b[i:])); stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
		i += 8
	}
	for i < len(b) && b[i]-0x20 < 0x60 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// runeLen is the length of the valid UTF-8 sequence of two bytes or more at the start of b; 0 if it is not valid.
func runeLen(b []byte) int {
	c := b[0]
	if c >= 0xe1 && c <= 0xec && len(b) >= 3 && b[1]&0xc0 == 0x80 && b[2]&0xc0 == 0x80 {
		return 3
	}
	if c >= 0xc2 && c <= 0xdf && len(b) >= 2 && b[1]&0xc0 == 0x80 {
		return 2
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n == 1 {
		return 0
	}
	return n
}

// short is what the second byte of a two-byte escape stands for, 0 if there is no such escape.
var short = [256]byte{'"': '"', '\\': '\\', '/': '/', 'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// escape decodes the escape at the start of b; n is its length in bytes, 0 if it is not valid.
func escape(b []byte) (r rune, n int) {
	if len(b) < 2 {
		return 0, 0
	}
	if c := short[b[1]]; c != 0 {
		return rune(c), 2
	}
	if b[1] != 'u' {
		return 0, 0
	}
	hi, ok := hex4(b[2:])
	if !ok {
		return 0, 0
	}
	switch {
	case hi < 0xd800 || hi > 0xdfff:
		return hi, 6
	case hi > 0xdbff || len(b) < 12 || b[6] != '\\' || b[7] != 'u':
		return 0, 0
	}
	lo, ok := hex4(b[8:])
	if !ok || lo < 0xdc00 || lo > 0xdfff {
		return 0, 0
	}
	return 0x10000 + (hi-0xd800)<<10 + (lo - 0xdc00), 12
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// unescape decodes the inside of a string that the scanner has accepted.
func unescape(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		r, n := escape(raw[i:])
		out = utf8.AppendRune(out, r)
		i += n
	}
	return out
}

// clip keeps a name short enough for a message.
func clip(name []byte) string {
	const most = 64
	if len(name) <= most {
		return string(name)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return string(name[:cut]) + "…"
}
