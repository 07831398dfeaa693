package llm

// estimator guesses the tokens of generated text, in quarters of a token. Unlike the bound of the input it aims at the
// middle: it prices what was streamed when the provider's own count never came.
//
//	letter or space   1/4
//	digit or other    1/2   (an escape such as \n is one character)
//	two bytes         1/2
//	three bytes       1
//	four bytes        2
type estimator struct {
	quarters int64
	escape   int // bytes that are left of an escape
}

// write takes the source of a JSON string, without its quotes, cut anywhere.
func (e *estimator) write(raw []byte) {
	for _, c := range raw {
		switch {
		case e.escape > 0:
			if e.escape == 5 && c == 'u' { // \uXXXX is a character of its own
				e.quarters += 2
			} else if e.escape == 5 {
				e.escape = 1
			}
			e.escape--
		case c == '\\':
			e.quarters += 2
			e.escape = 5
		case c|0x20 >= 'a' && c|0x20 <= 'z' || c == ' ':
			e.quarters++
		case c < 0x80:
			e.quarters += 2
		case c >= 0xf0:
			e.quarters += 8
		case c >= 0xe0:
			e.quarters += 4
		case c >= 0xc0:
			e.quarters += 2
		}
	}
}

func (e *estimator) tokens() int64 { return (e.quarters + 3) / 4 }
