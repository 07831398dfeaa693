package llm

import (
	"bytes"
	"fmt"
	"strconv"
)

// Request is what a chat-completions body says, found by a strict scan that never decodes the prompt.
type Request struct {
	Model        string
	Stream       bool
	IncludeUsage bool   // stream_options.include_usage was true
	Choices      int64  // n, at least 1
	OutputLimit  int64  // the client's own limit in tokens; 0 when it set none
	LimitField   string // "max_tokens" | "max_completion_tokens" | "": the field that OutputLimit was read from
	InputBound   int64  // upper bound of the input in tokens, without the parts that are not text
	Parts        int64  // parts that are not text (image, file, video), to be charged the model's own bound each
	AudioBytes   int64  // length of the base64 of all input_audio parts

	at offsets
}

// offsets are the places in the body that an edit may touch.
type offsets struct {
	open                      int // just after the first brace
	model                     span
	maxTokens, maxCompletion  span
	maxTokensValue            int64 // 0 when absent or null
	maxCompletionValue        int64
	streamOptions, usageValue span // the object or null; the value of include_usage
	streamOptionsNull         bool
	streamOptionsEmpty        bool
}

// BodyError is a body that is refused: answered as 400 with the field in param. Param is empty when no field is to blame.
type BodyError struct {
	Param   string
	Message string
}

func (e *BodyError) Error() string {
	if e.Param == "" {
		return e.Message
	}
	return e.Param + ": " + e.Message
}

const (
	maxChoices     = 128
	maxOutputLimit = 1 << 31
	maxModelBytes  = 256
)

// ParseChatRequest scans the body of POST /v1/chat/completions. The error is always a *BodyError, which names the field and
// what was wrong with it. A null is taken as absent wherever the API allows it.
func ParseChatRequest(body []byte) (Request, error) {
	p := chatParser{scanner: scanner{b: body}, message: -1}
	p.req.Choices = 1
	p.meter.tokens(requestTokens)
	if p.peek() == 0 && p.i >= len(body) {
		return Request{}, &BodyError{Message: "the request body is empty"}
	}
	if !p.parse() {
		if p.bad == nil {
			p.bad = &BodyError{Param: p.param(), Message: p.msg}
		}
		return Request{}, p.bad
	}
	p.req.InputBound = p.meter.bound()
	return p.req, nil
}

// chatParser carries the place in the body beside the scanner, for the param of an error.
type chatParser struct {
	scanner
	req      Request
	meter    meter
	tools    bool
	messages int

	field   []byte // name of the top-level member at the cursor
	message int    // index in messages, -1 outside
	member  []byte // name of the member of the message or of stream_options
	bad     *BodyError
}

func (p *chatParser) param() string {
	switch {
	case p.field == nil:
		return clip(p.twice) // a top-level member that stands there twice, else no field is to blame
	case p.message >= 0 && p.member != nil:
		return fmt.Sprintf("messages[%d].%s", p.message, clip(p.member))
	case p.message >= 0:
		return fmt.Sprintf("messages[%d]", p.message)
	case p.member != nil:
		return clip(p.field) + "." + clip(p.member)
	}
	return clip(p.field)
}

// reject refuses the member at the cursor.
func (p *chatParser) reject(message string) bool {
	if p.bad == nil {
		p.bad = &BodyError{Param: p.param(), Message: message}
	}
	return false
}

func (p *chatParser) parse() bool {
	if p.peek() != '{' {
		return p.reject("the request body must be a JSON object")
	}
	p.req.at.open = p.i + 1
	ok := p.object(func(name []byte) bool {
		p.field = name
		ok := p.topLevel(name)
		if ok {
			p.field, p.member = nil, nil
		}
		return ok
	})
	if !ok || !p.end() {
		return false
	}
	if !p.req.at.model.present() {
		p.field = []byte("model")
		return p.reject("is required")
	}
	if p.messages == 0 {
		p.field = []byte("messages")
		return p.reject("is required and must not be empty")
	}
	if p.tools {
		p.meter.tokens(toolsTokens)
	}
	r, at := &p.req, &p.req.at
	switch {
	case at.maxCompletionValue > 0:
		r.OutputLimit, r.LimitField = at.maxCompletionValue, "max_completion_tokens"
	case at.maxTokensValue > 0:
		r.OutputLimit, r.LimitField = at.maxTokensValue, "max_tokens"
	}
	return true
}

// topLevel reads one member of the body. What cannot reach the model is skipped; what is not known is charged as text.
func (p *chatParser) topLevel(name []byte) bool {
	at := &p.req.at
	switch string(name) {
	case "model":
		return p.model()
	case "messages":
		return p.conversation()
	case "stream":
		v, ok := p.boolean()
		p.req.Stream = v
		return ok
	case "stream_options":
		return p.streamOptions()
	case "n":
		v, _, ok := p.integer(1, maxChoices)
		p.req.Choices = max(v, 1)
		return ok
	case "max_tokens":
		v, where, ok := p.integer(1, maxOutputLimit)
		at.maxTokensValue, at.maxTokens = v, where
		return ok
	case "max_completion_tokens":
		v, where, ok := p.integer(1, maxOutputLimit)
		at.maxCompletionValue, at.maxCompletion = v, where
		return ok
	case "tools", "functions":
		p.tools = true
	case "temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "stop", "logit_bias", "logprobs",
		"top_logprobs", "user", "metadata", "store", "service_tier", "parallel_tool_calls", "safety_identifier",
		"prompt_cache_key", "prompt_cache_retention", "modalities", "audio", "reasoning_effort", "verbosity":
		return p.value(nil)
	default:
		if near := lookAlike(name); near != "" {
			return p.reject(fmt.Sprintf("is not a field of this API; did you mean %q?", near))
		}
	}
	p.meter.tokens(len(name))
	return p.value(&p.meter)
}

// lookAlike returns the field that a provider which ignores case would take name for. Such a name is refused, since the
// provider would read another value than the one that was checked.
func lookAlike(name []byte) string {
	for _, field := range []string{"model", "messages", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens"} {
		if bytes.EqualFold(name, []byte(field)) {
			return field
		}
	}
	return ""
}

func (p *chatParser) model() bool {
	if p.peek() != '"' {
		return p.kind("must be a string")
	}
	raw, ok := p.str(nil)
	if !ok {
		return false
	}
	value := p.b[raw.start:raw.end]
	if bytes.IndexByte(value, '\\') >= 0 {
		value = unescape(value)
	}
	switch {
	case len(value) == 0:
		return p.reject("must not be empty")
	case len(value) > maxModelBytes:
		return p.reject("is too long for the name of a model")
	}
	p.req.Model = string(value)
	p.req.at.model = span{raw.start - 1, raw.end + 1}
	return true
}

// kind refuses a value of the wrong type, unless it is no value at all.
func (p *chatParser) kind(message string) bool {
	switch c := p.peek(); {
	case c == '"' || c == '{' || c == '[' || c == '-' || '0' <= c && c <= '9':
		return p.reject(message)
	case c == 't' && p.literal("true"), c == 'f' && p.literal("false"), c == 'n' && p.literal("null"):
		return p.reject(message)
	}
	return p.unexpected()
}

// boolean reads true, false or null.
func (p *chatParser) boolean() (value, ok bool) {
	switch p.peek() {
	case 't':
		return true, p.literal("true")
	case 'f':
		return false, p.literal("false")
	case 'n':
		return false, p.literal("null")
	}
	return false, p.kind("must be true or false")
}

// integer reads an integer from least to most, or null, which is 0. Only digits count: 1e3 and 5.0 are refused.
func (p *chatParser) integer(least, most int64) (value int64, where span, ok bool) {
	switch c := p.peek(); {
	case c == 'n':
		where = span{p.i, p.i + len("null")}
		return 0, where, p.literal("null")
	case c != '-' && (c < '0' || c > '9'):
		return 0, span{}, p.kind("must be an integer")
	}
	where, ok = p.number()
	if !ok {
		return 0, span{}, false
	}
	digits := p.b[where.start:where.end]
	if bytes.ContainsAny(digits, ".eE") {
		return 0, span{}, p.reject("must be an integer, without fraction or exponent")
	}
	value, err := strconv.ParseInt(string(digits[:min(len(digits), 24)]), 10, 64)
	if err != nil || value < least || value > most {
		return 0, span{}, p.reject(fmt.Sprintf("must be from %d to %d", least, most))
	}
	return value, where, true
}

func (p *chatParser) streamOptions() bool {
	at := &p.req.at
	at.streamOptions.start = p.i
	switch p.peek() {
	case 'n':
		at.streamOptionsNull = true
		if !p.literal("null") {
			return false
		}
	case '{':
		at.streamOptionsEmpty = true
		ok := p.object(func(name []byte) bool {
			p.member = name
			at.streamOptionsEmpty = false
			if string(name) != "include_usage" {
				if bytes.EqualFold(name, []byte("include_usage")) {
					return p.reject(`is not a field of this API; did you mean "include_usage"?`)
				}
				return p.value(nil)
			}
			at.usageValue.start = p.i
			v, ok := p.boolean()
			p.req.IncludeUsage = v
			at.usageValue.end = p.i
			return ok
		})
		if !ok {
			return false
		}
	default:
		return p.kind("must be an object")
	}
	at.streamOptions.end = p.i
	return true
}
