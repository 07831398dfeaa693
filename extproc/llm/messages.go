package llm

// conversation reads messages.
func (p *chatParser) conversation() bool {
	if p.peek() != '[' {
		return p.kind("must be an array")
	}
	ok := p.array(func(index int) bool {
		p.message, p.member = index, nil
		if p.peek() != '{' {
			return p.kind("must be an object")
		}
		p.messages++
		p.meter.tokens(messageTokens)
		return p.object(func(name []byte) bool {
			p.member = name
			ok := p.messageMember(name)
			if ok {
				p.member = nil
			}
			return ok
		})
	})
	if ok {
		p.message, p.member = -1, nil
	}
	return ok
}

// messageMember reads one member of a message. A known role is part of the framing; everything else is charged.
func (p *chatParser) messageMember(name []byte) bool {
	switch string(name) {
	case "role":
		return p.role()
	case "content":
		return p.content()
	case "name", "refusal", "reasoning_content", "reasoning", "tool_call_id":
		p.meter.tokens(2)
		if p.peek() == '"' {
			_, ok := p.str(&p.meter)
			return ok
		}
	default:
		p.meter.tokens(len(name))
	}
	return p.value(&p.meter)
}

func (p *chatParser) role() bool {
	if p.peek() != '"' {
		return p.kind("must be a string")
	}
	var unknown meter
	raw, ok := p.str(&unknown)
	if !ok {
		return false
	}
	switch string(p.b[raw.start:raw.end]) {
	case "system", "developer", "user", "assistant", "tool", "function":
	default:
		p.meter.thirds += unknown.thirds
	}
	return true
}

// content reads the content of a message: a string, null, or an array of parts.
func (p *chatParser) content() bool {
	switch p.peek() {
	case '"':
		_, ok := p.str(&p.meter)
		return ok
	case 'n':
		return p.literal("null")
	case '[':
		return p.array(func(int) bool {
			if p.peek() == '{' {
				return p.part()
			}
			return p.value(&p.meter)
		})
	}
	return p.kind("must be a string or an array of parts")
}

// part reads one part of a message's content. The bytes or the address of an image, a file or a video are not text: the part
// is counted and the model's own bound charged by the caller. A part of an unknown type is charged as both.
func (p *chatParser) part() bool {
	p.meter.tokens(2)
	text, audio, media := false, false, false
	ok := p.object(func(name []byte) bool {
		switch string(name) {
		case "type":
			if p.peek() != '"' {
				return p.value(&p.meter)
			}
			raw, ok := p.str(nil)
			switch string(p.b[raw.start:raw.end]) {
			case "text", "input_text", "output_text", "refusal", "thinking", "input_audio":
				text = true
			}
			return ok
		case "text", "refusal", "thinking":
			if p.peek() == '"' {
				_, ok := p.str(&p.meter)
				return ok
			}
		case "input_audio":
			if p.peek() == '{' {
				audio = true
				return p.audio()
			}
		case "image_url", "video_url", "file":
			media = true
			return p.value(nil)
		case "cache_control":
			return p.value(nil)
		default:
			p.meter.tokens(len(name))
		}
		return p.value(&p.meter)
	})
	if media || !text && !audio {
		p.req.Parts++
	}
	return ok
}

func (p *chatParser) audio() bool {
	return p.object(func(name []byte) bool {
		if string(name) != "data" || p.peek() != '"' {
			return p.value(nil)
		}
		raw, ok := p.str(nil)
		p.req.AudioBytes += int64(raw.end - raw.start)
		return ok
	})
}
