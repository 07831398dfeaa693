package llm

import (
	"strings"
	"testing"
)

type ranks map[string]int

func vocabularies(t *testing.T) []ranks {
	t.Helper()
	var all []ranks
	for _, c := range codecs(t) {
		v := ranks{}
		for id := uint(0); id < 200_000; id++ {
			if s, err := c.Decode([]uint{id}); err == nil {
				v[s] = int(id)
			}
		}
		if len(v) < 100_000 {
			t.Fatalf("%s: only %d tokens", c.GetName(), len(v))
		}
		all = append(all, v)
	}
	return all
}

func inAll(all []ranks, token string) bool {
	for _, v := range all {
		if _, ok := v[token]; !ok {
			return false
		}
	}
	return true
}

// together reports whether both tokenizers keep b in the pre-token of the a before it, whatever stands around them.
func together(a, b byte) bool {
	lower := func(c byte) bool { return 'a' <= c && c <= 'z' }
	upper := func(c byte) bool { return 'A' <= c && c <= 'Z' }
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	punct := func(c byte) bool { return ' ' < c && c < 0x7f && !lower(c) && !upper(c) && !digit(c) }
	switch {
	case upper(a): // o200k splits between lower and upper, not between upper and lower
		return upper(b) || lower(b)
	case lower(a):
		return lower(b)
	case a == ' ': // the last space before a word or a sign goes with it; all spaces go with a newline
		return lower(b) || upper(b) || punct(b) || b == '\n'
	case a == '/': // o200k lets slashes follow the newlines after a sign, and ends there
		return b == '/' || b == '\n'
	case punct(a):
		return punct(b) || b == '\n'
	case a == '\r', a == '\t', a == '\n':
		return b == '\n'
	}
	return false // digits go in groups of three; of other white space the last one may be split off
}

func TestLinksAreTrueInBothVocabularies(t *testing.T) {
	all := vocabularies(t)
	for a := range byte(128) {
		row := ""
		for b := range byte(128) {
			if together(a, b) && inAll(all, string([]byte{a, b})) {
				row += string(rune(b))
			}
		}
		if linked[a] != row {
			t.Errorf("linked[%q] is %q, the vocabularies say %q", a, linked[a], row)
		}
	}
	starts := make([][256]int, len(all)) // the best rank of a longer token, by its first byte
	for i, v := range all {
		for token, rank := range v {
			if best := &starts[i][token[0]]; len(token) > 1 && (*best == 0 || rank < *best) {
				*best = rank
			}
		}
	}
	// mergedFirst reports whether a pair is merged before any other pair that its second byte could go into.
	mergedFirst := func(pair string) bool {
		for i, v := range all {
			if best := starts[i][pair[1]]; best != 0 && best <= v[pair] {
				return false
			}
		}
		return true
	}
	for lead := 0xc0; lead <= 0xff; lead++ {
		var links, first uint64
		for second := 0x80; second <= 0xbf; second++ {
			pair := string([]byte{byte(lead), byte(second)})
			if !inAll(all, pair) {
				continue
			}
			links |= 1 << (second & 63)
			if lead < 0xe0 && mergedFirst(pair) {
				first |= 1 << (second & 63)
			}
		}
		if leadLinked[lead&63] != links {
			t.Errorf("leadLinked[%#x] is %#x, the vocabularies say %#x", lead, leadLinked[lead&63], links)
		}
		if firstMerged[lead&63] != first {
			t.Errorf("firstMerged[%#x] is %#x, the vocabularies say %#x", lead, firstMerged[lead&63], first)
		}
	}
}

func TestRunsOfOneByteAreOneToken(t *testing.T) {
	all := vocabularies(t)
	for c, extra := range thirds {
		for n := 2; extra > 0 && n <= 10; n++ {
			if run := strings.Repeat(string(rune(c)), n); !inAll(all, run) {
				t.Errorf("%q is not one token", run)
			}
		}
	}
}

// The pair of a contraction is linked by nature: the link that is lost after "'s" in "'sabc" is paid by it.
func TestContractionsAreOneToken(t *testing.T) {
	all := vocabularies(t)
	for _, c := range "sdmtlvr" {
		if pair := "'" + string(c); c != 'l' && c != 'v' && c != 'r' && !inAll(all, pair) {
			t.Errorf("%q is not one token", pair)
		}
	}
	for _, token := range []string{"'ll", "'ve", "'re"} {
		if !inAll(all, token) {
			t.Errorf("%q is not one token", token)
		}
	}
}
