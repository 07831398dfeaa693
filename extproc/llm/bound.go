package llm

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// # The bound of the input
//
// A byte-level tokenizer never emits more tokens than bytes. This file lowers that bound without tokenising, in thirds of a
// token: a text costs three thirds per byte of its decoded form, less what the rules below save. The rules follow from how
// byte pair encoding ends: two neighbours that the vocabulary could still merge are never left apart.
//
//	a linked pair of bytes              saves 1   both bytes are one token together, and are never split before the merging:
//	                                              letter–letter, space–letter, punctuation–punctuation, …  So a run of m bytes
//	                                              linked throughout is at most (2m+1)/3 tokens (one byte, two bytes, one byte, …).
//	the same ␠ \t \n - = a third time   saves 2   runs of these up to ten or more are one token
//	a character of two bytes            saves 3   if its pair is merged before any other pair with its second byte (one token);
//	                                              1 if it is merely linked
//	a character of three bytes, U+2000… saves 3   if its first two bytes are linked (at most two tokens)
//	everything else                     saves 0   digits too: some tokenizers give each digit a token of its own
//
// The tables in links.go hold what is true in cl100k_base and in o200k_base; tests derive them again from the vocabularies and
// hold the bound against both tokenizers, also by searching for text that breaks it. Bound divided by the larger of the two
// counts, on the samples in testdata/text and on generated ones:
//
//	English 3.5 · Norwegian 2.3 · Russian 2.0 · Chinese 1.8 · Japanese 1.9 · Korean 1.9 · Arabic 1.5 · Hindi, Thai 2.5
//	Go 2.7 · Python 2.5 · JSON 2.1 · minified JavaScript 2.1 · base64 1.3 · digits 3.0 · emoji 1.6
//	random letters 1.3 · random ASCII 1.2 · random bytes as escapes 1.1
//
// English pays for random letters: without a vocabulary the two cannot be told apart, and the search does reach the bound.
// The guarantee is for these two vocabularies. For another one that works on bytes only the number of bytes is a guarantee; the
// distance on ordinary text is wide enough for those in use. What frames messages and tools is a constant that covers the
// published templates, not a proof: a provider's own system text is its own affair, and an overrun is settled, not lost.

const (
	requestTokens = 16  // what frames a conversation: begin of text, priming of the reply, a default system line
	messageTokens = 8   // what frames a message: start, role, separators, end
	toolsTokens   = 600 // the instructions that providers add when there are tools (Anthropic documents up to 530)
)

// meter adds up what reaches the model, in thirds of a token. A nil meter counts nothing.
type meter struct{ thirds int64 }

func (m *meter) tokens(n int) {
	if m != nil {
		m.thirds += 3 * int64(n)
	}
}

// add charges a text whose source was n bytes long.
func (m *meter) add(t text, n int) { m.thirds += 3*int64(n-t.cut) - int64(t.saved) }

// bound is the number of tokens charged so far, rounded up.
func (m *meter) bound() int64 { return (m.thirds + 2) / 3 }

// text is the state of one string while it is metered.
type text struct {
	saved int    // thirds saved
	cut   int    // bytes of the source that are not bytes of the decoded text
	prev  byte   // the last byte if ASCII, else 0
	same  uint64 // 0x80 if the byte before it was the same
}

// plain takes the ASCII at the start of b, eight bytes at a time, and the short escapes in it. It returns how far it came.
func (t *text) plain(b []byte) int {
	saved, prev, last := 0, uint64(t.prev), t.same
	links := pairs
	i := 0
	for len(b)-i >= 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		stop := stops(w)
		n, mask := 8, ^uint64(0)
		if stop != 0 {
			n = bits.TrailingZeros64(stop) / 8
			mask = 1<<(8*n) - 1
			w &= mask // a zero byte saves nothing
		}
		if n > 0 {
			shifted := w<<8 | prev
			saved += int(links[uint16(shifted)]) + int(links[uint16(w)]) + int(links[uint16(w>>8)]) +
				int(links[uint16(w>>16)]) + int(links[uint16(w>>24)]) + int(links[uint16(w>>32)]) +
				int(links[uint16(w>>40)]) + int(links[uint16(w>>48)])
			same := equal(w, shifted) & mask
			if third := same & (same<<8 | last); third != 0 {
				saved += 2*bits.OnesCount64(third&equal(w, ' '*lanes01)) +
					bits.OnesCount64(third&(equal(w, '-'*lanes01)|equal(w, '='*lanes01)))
			}
			i += n
			if stop == 0 {
				prev, last = w>>56, same>>56
				continue
			}
			prev, last = w>>(8*(n-1)), same>>(8*(n-1))&0x80
		}
		if b[i] != '\\' || i+1 >= len(b) || short[b[i+1]] == 0 {
			t.saved += saved
			t.prev, t.same = byte(prev), last
			return i
		}
		c := uint64(short[b[i+1]])
		saved += int(links[uint16(prev|c<<8)])
		if c == prev {
			if last != 0 {
				saved += int(thirds[c&0x7f])
			}
			last = 0x80
		} else {
			last = 0
		}
		prev = c
		t.cut++
		i += 2
	}
	t.saved += saved
	t.prev, t.same = byte(prev), last
	for i < len(b) && b[i]-0x20 < 0x60 && b[i] != '"' && b[i] != '\\' {
		t.ascii(b[i])
		i++
	}
	return i
}

// equal marks the bytes that are the same in a and b, which are ASCII.
func equal(a, b uint64) uint64 { return ^((a ^ b) + 0x7f*lanes01) & lanes80 }

func (t *text) ascii(c byte) {
	same := c == t.prev
	t.saved += int(pairs[uint16(t.prev)|uint16(c)<<8])
	if same && t.same != 0 {
		t.saved += int(thirds[c&0x7f])
	}
	t.prev, t.same = c, 0
	if same {
		t.same = 0x80
	}
}

// wide takes a character of two bytes or more by its first two.
func (t *text) wide(lead, second byte) {
	t.saved += int(wides[(lead-0xc0)&63][second&63])
	t.prev, t.same = 0, 0
}

// escape takes an escape of n bytes that stands for r.
func (t *text) escape(r rune, n int) {
	if r < utf8.RuneSelf {
		t.cut += n - 1
		t.ascii(byte(r))
		return
	}
	var buf [utf8.UTFMax]byte
	t.cut += n - utf8.EncodeRune(buf[:], r)
	t.wide(buf[0], buf[1])
}

var (
	pairs = linkedPairs()
	wides = wideSavings()
	// thirds is what a byte saves beyond its pair when the two before it are the same.
	thirds = [128]uint8{' ': 2, '\t': 2, '\n': 1, '-': 1, '=': 1}
)

func linkedPairs() *[1 << 16]uint8 {
	var t [1 << 16]uint8
	for a, row := range linked {
		for _, b := range []byte(row) {
			t[a|int(b)<<8] = 1
		}
	}
	return &t
}

func wideSavings() *[64][64]uint8 {
	var t [64][64]uint8
	for k := range t {
		lead := k + 0xc0
		for b := range 64 {
			bit := uint64(1) << b
			switch {
			case lead < 0xe0 && firstMerged[lead&63]&bit != 0:
				t[k][b] = 3
			case lead >= 0xe2 && lead < 0xf0 && leadLinked[lead&63]&bit != 0:
				t[k][b] = 3
			case leadLinked[lead&63]&bit != 0:
				t[k][b] = 1
			}
		}
	}
	return &t
}
