package mock

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer"
)

// request is the part of a chat completion that the mock understands.
type request struct {
	Model               string          `json:"model"`
	Messages            []message       `json:"messages"`
	Tools               json.RawMessage `json:"tools"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	N                   *int            `json:"n"`
	Stream              bool            `json:"stream"`
	StreamOptions       *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`

	mode  string // what to do wrong; "" = nothing
	delay time.Duration
}

type message struct {
	Role    string          `json:"role"`
	Name    string          `json:"name"`
	Content json.RawMessage `json:"content"` // text, a list of parts, or null
}

// invalid is a request that OpenAI would answer with 400.
type invalid struct{ param, message string }

func (i *invalid) Error() string { return i.message }

func parse(r *http.Request, body []byte) (*request, error) {
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, &invalid{"", "We could not parse the JSON body of your request: " + err.Error()}
	}
	switch {
	case q.Model == "":
		return nil, &invalid{"model", "you must provide a model parameter"}
	case len(q.Messages) == 0:
		return nil, &invalid{"messages", "Missing required parameter: 'messages'."}
	case q.MaxTokens != nil && q.MaxCompletionTokens != nil:
		return nil, &invalid{"max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."}
	case q.limit() < 1:
		return nil, &invalid{"max_tokens", fmt.Sprintf("Invalid output limit: expected a value >= 1, got %d.", q.limit())}
	case q.choices() < 1 || q.choices() > 128:
		return nil, &invalid{"n", fmt.Sprintf("Invalid 'n': expected 1 to 128, got %d.", q.choices())}
	case q.StreamOptions != nil && !q.Stream:
		return nil, &invalid{"stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled."}
	}
	for i, m := range q.Messages {
		if _, err := m.text(); err != nil {
			return nil, &invalid{fmt.Sprintf("messages.[%d].content", i), err.Error()}
		}
	}
	q.mode, _ = strings.CutPrefix(q.Model, "mock-")
	if q.mode == q.Model {
		q.mode = ""
	}
	if asked := r.Header.Get("X-Mock"); asked != "" {
		q.mode = asked
	}
	if q.mode == "slow" {
		q.delay = 100 * time.Millisecond
		if d, err := time.ParseDuration(r.Header.Get("X-Mock-Delay")); err == nil {
			q.delay = d
		}
	}
	return &q, nil
}

// limit is the most output tokens of one choice.
func (q *request) limit() int {
	const unlimited = 1 << 31
	if q.MaxCompletionTokens != nil {
		return *q.MaxCompletionTokens
	}
	if q.MaxTokens != nil {
		return *q.MaxTokens
	}
	return unlimited
}

func (q *request) choices() int {
	if q.N == nil {
		return 1
	}
	return *q.N
}

func (q *request) includeUsage() bool { return q.StreamOptions != nil && q.StreamOptions.IncludeUsage }

// text is the message's text; parts that are not text count for nothing.
func (m message) text() (string, error) {
	if len(m.Content) == 0 || string(m.Content) == "null" {
		return "", nil
	}
	var text string
	if err := json.Unmarshal(m.Content, &text); err == nil {
		return text, nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(m.Content, &parts); err != nil {
		return "", errors.New("invalid type for 'content': expected a string or an array of parts")
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String(), nil
}

// promptTokens counts as OpenAI documents it: every message costs 3 tokens beside its role, name and text, a name one more, and the
// answer is primed with 3.
func (q *request) promptTokens(codec tokenizer.Codec) int {
	total := 3
	for _, m := range q.Messages {
		text, _ := m.text()
		total += 3 + count(codec, m.Role) + count(codec, text)
		if m.Name != "" {
			total += 1 + count(codec, m.Name)
		}
	}
	if len(q.Tools) > 0 && string(q.Tools) != "null" {
		total += count(codec, string(q.Tools))
	}
	return total
}

func count(codec tokenizer.Codec, text string) int {
	const exact, sample = 1 << 20, 256 << 10
	if len(text) > exact {
		end := sample
		for !utf8.RuneStart(text[end]) {
			end--
		}
		return int(int64(count(codec, text[:end])) * int64(len(text)) / int64(end))
	}
	n, err := codec.Count(text)
	if err != nil {
		return len(text)
	}
	return n
}

// reply is the text of one choice as the tokens it is made of, cut at the output limit.
func (q *request) reply(codec tokenizer.Codec, choice int) (tokens []string, finish string) {
	asked := ""
	for _, m := range q.Messages {
		if m.Role == "user" {
			asked, _ = m.text()
		}
	}
	const echoed = 400
	if r := []rune(asked[:min(len(asked), 4*echoed)]); len(r) > echoed {
		asked = string(r[:echoed]) + "…"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "This is Alfred's mock provider, standing in for %s. You asked: %q. ", q.Model, asked)
	if choice > 0 {
		fmt.Fprintf(&b, "This is choice %d. ", choice+1)
	}
	b.WriteString("A real model would answer here; what you see is counted, held and settled exactly as its answer would be. " +
		"Set OPENAI_API_KEY or ANTHROPIC_API_KEY to reach one.")
	_, tokens, err := codec.Encode(b.String())
	if err != nil {
		tokens = strings.SplitAfter(b.String(), " ")
	}
	filler := []string{" One", " more", " sentence", " to", " make", " the", " answer", " long", "er", "."}
	least, limit := 0, q.limit()
	switch q.mode {
	case "long":
		least = 2000
	case "overrun":
		least = min(limit, 1<<20) + 50
		limit = least
	}
	for i := 0; len(tokens) < least; i++ {
		tokens = append(tokens, filler[i%len(filler)])
	}
	if len(tokens) > limit {
		return tokens[:limit], "length"
	}
	return tokens, "stop"
}
