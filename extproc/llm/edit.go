package llm

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Edit says what to change in a request; the zero value changes nothing.
type Edit struct {
	OutputLimit      int64  // above 0: write this limit, already divided by the number of choices
	OutputLimitField string // the field to write when the client had none; "max_tokens" when empty
	IncludeUsage     bool   // ask for usage in the stream; other stream options stay
	Model            string // replaces the model when not empty
}

// Apply returns the body with the edit made by splicing bytes; everything else is byte-identical. It returns the same slice
// when nothing changes, and never writes to body, which must be the one that was parsed.
//
// Where the client set both limits, the new limit is written to the one that counts, and the other is lowered to it, never
// raised: which of the two a provider obeys is not known.
func (r Request) Apply(body []byte, e Edit) []byte {
	var cuts splices
	at := r.at
	if e.Model != "" && e.Model != r.Model {
		name, err := jsontext.AppendQuote(nil, e.Model)
		if err == nil {
			cuts.put(at.model, string(name))
		}
	}
	if e.OutputLimit > 0 && e.OutputLimit != r.OutputLimit {
		r.limit(&cuts, e)
	}
	if e.IncludeUsage && !r.IncludeUsage {
		switch {
		case at.usageValue.present():
			cuts.put(at.usageValue, "true")
		case at.streamOptionsNull:
			cuts.put(at.streamOptions, `{"include_usage":true}`)
		case at.streamOptionsEmpty:
			cuts.insert(at.streamOptions.start+1, `"include_usage":true`)
		case at.streamOptions.present():
			cuts.insert(at.streamOptions.start+1, `"include_usage":true,`)
		default:
			cuts.insert(at.open, `"stream_options":{"include_usage":true},`)
		}
	}
	return cuts.apply(body)
}

func (r Request) limit(cuts *splices, e Edit) {
	at, value := r.at, strconv.FormatInt(e.OutputLimit, 10)
	field := r.LimitField
	if field == "" {
		field = cmp.Or(e.OutputLimitField, "max_tokens")
	}
	place := map[string]span{"max_tokens": at.maxTokens, "max_completion_tokens": at.maxCompletion}[field]
	if place.present() {
		cuts.put(place, value)
	} else {
		cuts.insert(at.open, `"`+field+`":`+value+`,`)
	}
	if r.LimitField == "max_completion_tokens" && at.maxTokensValue > e.OutputLimit {
		cuts.put(at.maxTokens, value)
	}
}

// splices are replacements of pieces of a body.
type splices []splice

type splice struct {
	span
	text string
}

func (s *splices) put(at span, text string)   { *s = append(*s, splice{at, text}) }
func (s *splices) insert(at int, text string) { s.put(span{at, at}, text) }
func (s splices) apply(body []byte) []byte {
	if len(s) == 0 {
		return body
	}
	slices.SortStableFunc(s, func(a, b splice) int { return a.start - b.start })
	size := len(body)
	for _, c := range s {
		size += len(c.text) - (c.end - c.start)
	}
	out, from := make([]byte, 0, size), 0
	for _, c := range s {
		out = append(append(out, body[from:c.start]...), c.text...)
		from = c.end
	}
	return append(out, body[from:]...)
}
