package llm

const (
	maxKept = 64 << 10 // bytes kept of usage, of error and of model
	maxName = 64       // bytes kept of a name
)

// NewChatJSONReader reads the application/json of a chat completion. Write always returns its argument. The text is followed
// byte by byte and only usage, error and model are kept, so a body of any size costs the same memory.
func NewChatJSONReader() Reader { return &chatJSON{} }

type chatJSON struct {
	facts    ResponseFacts
	estimate estimator

	depth    int
	started  bool // the first brace was seen
	lost     bool // this is no JSON object; the rest is not looked at
	inString bool
	escaped  bool // the last byte of the string was a backslash
	value    bool // a colon was seen and its value has not ended: a string now is no name
	name     []byte
	top      string // the member of the outermost object at the cursor, if it is one that matters
	text     bool   // the string at the cursor is generated text
	keep     bool   // the value at the cursor is kept
	kept     []byte
}

func (c *chatJSON) Write(p []byte) []byte {
	for i := 0; i < len(p) && !c.lost; {
		if c.inString {
			i += c.string(p[i:])
			continue
		}
		c.byte(p[i])
		i++
	}
	return p
}

// string takes bytes inside a string up to its end and returns how many.
func (c *chatJSON) string(p []byte) int {
	n := 0
	for n < len(p) && c.inString {
		switch b := p[n]; {
		case c.escaped:
			c.escaped = false
		case b == '\\':
			c.escaped = true
		case b == '"':
			c.inString = false
		}
		n++
	}
	inside := p[:n]
	if !c.inString {
		inside = p[:n-1]
	}
	switch {
	case c.text:
		c.estimate.write(inside)
	case !c.value:
		c.name = append(c.name, inside[:min(len(inside), maxName+1-len(c.name))]...)
	}
	if c.keep {
		c.put(p[:n]...)
	}
	return n
}

// byte takes a byte outside of strings.
func (c *chatJSON) byte(b byte) {
	switch b {
	case ' ', '\n', '\t', '\r':
		return
	}
	if c.facts.Done || !c.started && b != '{' {
		c.facts.Bad, c.lost = true, true
		return
	}
	c.started = true
	if c.depth == 1 && (b == ',' || b == '}') {
		c.member()
	}
	if c.keep {
		c.put(b)
	}
	switch b {
	case '"':
		c.inString = true
		c.text = c.value && c.top == "choices" && isGenerated(c.name)
		c.estimate.escape = 0
		if !c.value {
			c.name = c.name[:0]
		}
	case ':':
		c.value = true
		if c.depth == 1 {
			switch string(c.name) {
			case "usage", "error", "model":
				c.top, c.keep, c.kept = string(c.name), true, c.kept[:0]
			case "choices":
				c.top = "choices"
			default:
				c.top = ""
			}
		}
	case '{', '[':
		c.depth++
		c.value = false
	case '}', ']':
		c.depth--
		c.value = false
		if c.depth == 0 {
			c.facts.Done = true
		}
	case ',':
		c.value = false
	}
}

// put keeps bytes of the value at the cursor, up to a limit.
func (c *chatJSON) put(b ...byte) {
	if len(c.kept)+len(b) > maxKept {
		c.facts.Bad, c.keep, c.kept = true, false, nil
		return
	}
	c.kept = append(c.kept, b...)
}

// member ends a member of the outermost object.
func (c *chatJSON) member() {
	if !c.keep {
		return
	}
	c.keep = false
	s := scanner{b: c.kept, loose: true}
	var ok bool
	switch c.top {
	case "usage":
		_, ok = c.facts.takeUsage(&s)
	case "error":
		ok = c.facts.takeError(&s)
	case "model":
		ok = c.facts.takeModel(&s)
	}
	if !ok || !s.end() {
		c.facts.Bad = true
	}
}

// Close has nothing to flush. A text that broke off is not Done.
func (c *chatJSON) Close() []byte { return nil }

func (c *chatJSON) Facts() ResponseFacts {
	f := c.facts
	f.OutputEstimate = c.estimate.tokens()
	return f
}
