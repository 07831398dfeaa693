package mock

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type usage struct {
	Prompt            int `json:"prompt_tokens"`
	Completion        int `json:"completion_tokens"`
	Total             int `json:"total_tokens"`
	PromptDetails     any `json:"prompt_tokens_details"`
	CompletionDetails any `json:"completion_tokens_details"`
}

func (p *provider) completions(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request_error", "", "", "read the body: "+err.Error())
		return
	}
	p.record(r, body)
	q, err := parse(r, body)
	if bad := (*invalid)(nil); errors.As(err, &bad) {
		refuse(w, http.StatusBadRequest, "invalid_request_error", bad.param, "", bad.message)
		return
	}
	switch q.mode {
	case "hang":
		p.held(r)
	case "error-429":
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "requests", "", "rate_limit_exceeded", "Rate limit reached for "+q.Model)
		return
	case "error-500":
		refuse(w, http.StatusInternalServerError, "server_error", "", "", "The server had an error while processing your request.")
		return
	}
	sum := sha256.Sum256(body)
	c := &completion{
		provider: p, request: q, id: "chatcmpl-mock" + hex.EncodeToString(sum[:12]), created: time.Now().Unix(),
		w: w, r: r, out: http.NewResponseController(w),
	}
	for i := range q.choices() {
		tokens, finish := q.reply(p.codec, i)
		c.choices = append(c.choices, choice{tokens, finish})
		c.usage.Completion += len(tokens)
	}
	c.usage.Prompt = q.promptTokens(p.codec)
	c.usage.Total = c.usage.Prompt + c.usage.Completion
	c.usage.PromptDetails = map[string]int{"cached_tokens": 0, "audio_tokens": 0}
	c.usage.CompletionDetails = map[string]int{"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
	w.Header().Set("X-Request-Id", "req_mock"+hex.EncodeToString(sum[:8]))
	if q.Stream {
		c.stream()
		return
	}
	c.whole()
}

type choice struct {
	tokens []string
	finish string
}

// completion is one answer being given.
type completion struct {
	provider *provider
	request  *request
	id       string
	created  int64
	choices  []choice
	usage    usage

	w   http.ResponseWriter
	r   *http.Request
	out *http.ResponseController
}

// object is a completion or a chunk of one, in OpenAI's order of fields.
type object struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Created     int64  `json:"created"`
	Model       string `json:"model"`
	Choices     any    `json:"choices"`
	Usage       any    `json:"usage,omitempty"`
	ServiceTier string `json:"service_tier"`
	Fingerprint string `json:"system_fingerprint"`
}

func (c *completion) object(kind string, choices any) object {
	return object{ID: c.id, Object: kind, Created: c.created, Model: c.request.Model, Choices: choices, ServiceTier: "default", Fingerprint: "fp_mock"}
}

// whole answers in one JSON object.
func (c *completion) whole() {
	if c.request.mode == "error-midstream" {
		refuse(c.w, http.StatusInternalServerError, "server_error", "", "", "The server had an error while processing your request.")
		return
	}
	var list []map[string]any
	for i, ch := range c.choices {
		list = append(list, map[string]any{
			"index": i, "finish_reason": ch.finish, "logprobs": nil,
			"message": map[string]any{"role": "assistant", "content": strings.ToValidUTF8(strings.Join(ch.tokens, ""), "\uFFFD"), "refusal": nil, "annotations": []any{}},
		})
	}
	o := c.object("chat.completion", list)
	if c.request.mode != "no-usage" {
		o.Usage = c.usage
	}
	if !c.wait(c.request.delay) {
		return
	}
	b, err := json.Marshal(o)
	if err != nil {
		refuse(c.w, http.StatusInternalServerError, "server_error", "", "", err.Error())
		return
	}
	c.w.Header().Set("Content-Type", "application/json")
	switch c.request.mode {
	case "reset", "hold":
		c.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		_, _ = c.w.Write(b[:len(b)/2])
		_ = c.out.Flush()
		if c.request.mode == "reset" {
			panic(http.ErrAbortHandler)
		}
		c.provider.held(c.r)
		_, _ = c.w.Write(b[len(b)/2:])
	default:
		_, _ = c.w.Write(b)
	}
}

// stream answers in server-sent events, a token each, the choices in turn.
func (c *completion) stream() {
	c.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	c.w.Header().Set("Cache-Control", "no-cache")
	longest := 0
	for i, ch := range c.choices {
		longest = max(longest, len(ch.tokens))
		c.chunk(i, map[string]any{"role": "assistant", "content": "", "refusal": nil}, nil)
	}
	parts := make([]string, len(c.choices)) // bytes of a character whose other tokens are still to come
	for t := range longest {
		if t == longest/2 && c.disturb() {
			return
		}
		for i, ch := range c.choices {
			if t >= len(ch.tokens) {
				continue
			}
			text := parts[i] + ch.tokens[t]
			if t < len(ch.tokens)-1 {
				text, parts[i] = cutCharacter(text)
			}
			if text != "" {
				c.chunk(i, map[string]any{"content": strings.ToValidUTF8(text, "\uFFFD")}, nil)
			}
		}
		if !c.wait(c.request.delay) {
			return
		}
	}
	for i, ch := range c.choices {
		c.chunk(i, map[string]any{}, ch.finish)
	}
	if c.request.includeUsage() && c.request.mode != "no-usage" {
		last := c.object("chat.completion.chunk", []any{})
		last.Usage = c.usage
		c.event(last)
	}
	_, _ = io.WriteString(c.w, "data: [DONE]\n\n")
}

// cutCharacter splits off a character at the end of text whose last bytes are missing.
func cutCharacter(text string) (whole, rest string) {
	for i := len(text) - 1; i >= 0 && i > len(text)-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRuneInString(text[i:]) {
				return text[:i], text[i:]
			}
			break
		}
	}
	return text, ""
}

// disturb does in the middle of a stream what the mode asks for, and reports whether that was its end.
func (c *completion) disturb() (over bool) {
	switch c.request.mode {
	case "reset":
		_ = c.out.Flush()
		panic(http.ErrAbortHandler)
	case "error-midstream":
		c.event(newFault("server_error", "", "", "The server had an error while processing your request."))
		return true
	case "hold":
		c.provider.held(c.r)
	}
	return c.r.Context().Err() != nil
}

func (c *completion) chunk(index int, delta map[string]any, finish any) {
	o := c.object("chat.completion.chunk", []any{map[string]any{"index": index, "delta": delta, "logprobs": nil, "finish_reason": finish}})
	if c.request.includeUsage() {
		o.Usage = json.RawMessage("null")
	}
	c.event(o)
}

func (c *completion) event(o any) {
	b, err := json.Marshal(o)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = c.w.Write([]byte("data: "))
	_, _ = c.w.Write(b)
	_, _ = c.w.Write([]byte("\n\n"))
	_ = c.out.Flush()
}

// wait pauses for d, and reports whether the client is still there.
func (c *completion) wait(d time.Duration) bool {
	if d <= 0 {
		return c.r.Context().Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.r.Context().Done():
		return false
	}
}
