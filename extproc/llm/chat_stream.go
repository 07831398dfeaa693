package llm

import "bytes"

// NewChatStreamReader reads the text/event-stream of a chat completion. With removeUsage the chunk that only reports usage is
// taken out of the stream: the client did not ask for it. Without, Write always returns its argument.
func NewChatStreamReader(removeUsage bool) Reader { return &chatStream{remove: removeUsage} }

// chatStream holds at most one unfinished event. An event that outgrows maxEvent is passed on unread and marked Bad.
type chatStream struct {
	remove bool
	chunk  chunkReader

	split   eventSplitter
	carry   []byte // the unfinished event
	skip    bool   // the unfinished event is too long: its bytes are on their way already
	halfEnd bool   // the last event ended with a CR; an LF may follow
	removed bool   // the last event was removed, and so is that LF
	out     passed
}

func (c *chatStream) Write(p []byte) []byte {
	if len(p) == 0 {
		return p
	}
	c.out.begin(p)
	from := 0
	if c.halfEnd && p[0] == '\n' {
		from = 1
		c.split.afterCR = false
		if !c.removed {
			c.out.pass(0, 1)
		}
	}
	c.halfEnd = false
	for from < len(p) {
		n := c.split.next(p[from:])
		if n < 0 {
			c.hold(p, from)
			break
		}
		to := from + n
		c.removed = c.event(p[from:to])
		if c.split.afterCR {
			if to == len(p) {
				c.halfEnd = true
			} else if p[to] == '\n' {
				c.split.afterCR = false
				to++
			}
		}
		if !c.removed {
			c.out.carried(c.carry)
			c.out.pass(from, to)
		}
		c.carry = c.carry[:0]
		from = to
	}
	if !c.remove {
		return p
	}
	return c.out.bytes()
}

// hold keeps the unfinished event, unless it is too long.
func (c *chatStream) hold(p []byte, from int) {
	if !c.skip && len(c.carry)+len(p)-from <= maxEvent {
		c.carry = append(c.carry, p[from:]...)
		return
	}
	c.skip, c.chunk.facts.Bad = true, true
	c.out.carried(c.carry)
	c.out.pass(from, len(p))
	c.carry = nil
}

// event reads the event that ends with tail and reports whether it has to be removed.
func (c *chatStream) event(tail []byte) (remove bool) {
	if c.skip || len(c.carry)+len(tail) > maxEvent {
		c.skip, c.chunk.facts.Bad = false, true
		return false
	}
	whole := tail
	if len(c.carry) > 0 {
		c.carry = append(c.carry, tail...)
		whole = c.carry
		defer func() { c.carry = c.carry[:len(c.carry)-len(tail)] }()
	}
	return c.chunk.read(eventData(whole)) && c.remove
}

func (c *chatStream) Close() []byte {
	tail := c.carry
	c.carry = nil
	if len(tail) > 0 && c.chunk.read(eventData(tail)) && c.remove || !c.remove {
		return nil
	}
	return tail
}

func (c *chatStream) Facts() ResponseFacts { return c.chunk.result() }

// passed is what goes on to the client from one chunk: the chunk's own bytes as long as they are contiguous, else a copy.
type passed struct {
	p      []byte
	kept   int // p[:kept] passes as it is
	copied bool
	buf    []byte
}

func (o *passed) begin(p []byte) { o.p, o.kept, o.copied, o.buf = p, 0, false, o.buf[:0] }

func (o *passed) pass(from, to int) {
	if !o.copied && from == o.kept {
		o.kept = to
		return
	}
	o.copy()
	o.buf = append(o.buf, o.p[from:to]...)
}

func (o *passed) carried(b []byte) {
	if len(b) > 0 {
		o.copy()
		o.buf = append(o.buf, b...)
	}
}

func (o *passed) copy() {
	if !o.copied {
		o.buf, o.copied = append(o.buf, o.p[:o.kept]...), true
	}
}

func (o *passed) bytes() []byte {
	if o.copied {
		return o.buf
	}
	return o.p[:o.kept]
}

// chunkReader reads the data of the events of a chat completion.
type chunkReader struct {
	facts    ResponseFacts
	estimate estimator
}

func (c *chunkReader) result() ResponseFacts {
	f := c.facts
	f.OutputEstimate = c.estimate.tokens()
	return f
}

// read takes the data of one event. It reports whether the event does nothing but report usage.
func (c *chunkReader) read(data []byte) (usageOnly bool) {
	data = bytes.TrimSpace(data)
	switch string(data) {
	case "":
		return false
	case "[DONE]":
		c.facts.Done = true
		return false
	}
	s := scanner{b: data, loose: true}
	hasUsage, noChoices := false, false
	ok := s.object(func(name []byte) (ok bool) {
		switch string(name) {
		case "usage":
			hasUsage, ok = c.facts.takeUsage(&s)
			return ok
		case "choices":
			if s.peek() == '[' {
				noChoices = true
				return s.array(func(int) bool {
					noChoices = false
					return c.choice(&s)
				})
			}
		case "model":
			return c.facts.takeModel(&s)
		case "error":
			return c.facts.takeError(&s)
		}
		return s.value(nil)
	})
	if !ok || !s.end() {
		c.facts.Bad = true
		return false
	}
	return hasUsage && noChoices
}

// choice reads one element of choices. Moonshot reports the usage there.
func (c *chunkReader) choice(s *scanner) bool {
	if s.peek() != '{' {
		return s.value(nil)
	}
	return s.object(func(name []byte) bool {
		switch string(name) {
		case "delta", "message":
			return c.generated(s)
		case "usage":
			_, ok := c.facts.takeUsage(s)
			return ok
		}
		return s.value(nil)
	})
}

// generated adds the text of a delta to the estimate: every string under a name that holds generated text.
func (c *chunkReader) generated(s *scanner) bool {
	switch s.peek() {
	case '[':
		return s.array(func(int) bool { return c.generated(s) })
	case '{':
		return s.object(func(name []byte) bool {
			if s.peek() != '"' {
				return string(name) == "reasoning_details" && s.value(nil) || c.generated(s)
			}
			at, ok := s.str(nil)
			if ok && isGenerated(name) {
				c.estimate.escape = 0
				c.estimate.write(s.b[at.start:at.end])
			}
			return ok
		})
	}
	return s.value(nil)
}

// isGenerated reports whether a string under this name is text that the model wrote. reasoning_details repeats reasoning.
func isGenerated(name []byte) bool {
	switch string(name) {
	case "content", "reasoning_content", "reasoning", "refusal", "thinking", "text", "arguments", "name":
		return true
	}
	return false
}

// takeModel records the name of the model, which is the same in every chunk.
func (f *ResponseFacts) takeModel(s *scanner) bool {
	if s.peek() != '"' {
		return s.value(nil)
	}
	at, ok := s.str(nil)
	if name := s.b[at.start:at.end]; ok && string(name) != f.Model && len(name) <= maxModelBytes {
		f.Model = string(name)
	}
	return ok
}
