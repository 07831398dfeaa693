package llm

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestApplyTouchesOnlyWhatItEdits(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		edit Edit
		want string
	}{
		"nothing":                       {`{"model":"m",` + hello + `}`, Edit{}, `{"model":"m",` + hello + `}`},
		"what is there already":         {`{"model":"m","stream_options":{"include_usage":true},"max_tokens":5,` + hello + `}`, Edit{OutputLimit: 5, IncludeUsage: true, Model: "m"}, `{"model":"m","stream_options":{"include_usage":true},"max_tokens":5,` + hello + `}`},
		"limit, client's own field":     {`{"model":"m","max_completion_tokens" : 900 , ` + hello + `}`, Edit{OutputLimit: 5, OutputLimitField: "max_tokens"}, `{"model":"m","max_completion_tokens" : 5 , ` + hello + `}`},
		"limit, none set":               {`{ "model":"m",` + hello + `}`, Edit{OutputLimit: 5, OutputLimitField: "max_completion_tokens"}, `{"max_completion_tokens":5, "model":"m",` + hello + `}`},
		"limit, none set, default":      {`{"model":"m",` + hello + `}`, Edit{OutputLimit: 5}, `{"max_tokens":5,"model":"m",` + hello + `}`},
		"limit, was null":               {`{"model":"m","max_tokens":null,` + hello + `}`, Edit{OutputLimit: 5, OutputLimitField: "max_tokens"}, `{"model":"m","max_tokens":5,` + hello + `}`},
		"limit, the other was null":     {`{"model":"m","max_tokens":null,` + hello + `}`, Edit{OutputLimit: 5, OutputLimitField: "max_completion_tokens"}, `{"max_completion_tokens":5,"model":"m","max_tokens":null,` + hello + `}`},
		"both limits, other is lowered": {`{"max_tokens":900,"max_completion_tokens":800,"model":"m",` + hello + `}`, Edit{OutputLimit: 5}, `{"max_tokens":5,"max_completion_tokens":5,"model":"m",` + hello + `}`},
		"both limits, other not raised": {`{"max_tokens":3,"max_completion_tokens":800,"model":"m",` + hello + `}`, Edit{OutputLimit: 5}, `{"max_tokens":3,"max_completion_tokens":5,"model":"m",` + hello + `}`},
		"usage, no options":             {`{"model":"m",` + hello + `}`, Edit{IncludeUsage: true}, `{"stream_options":{"include_usage":true},"model":"m",` + hello + `}`},
		"usage, options null":           {`{"model":"m","stream_options":null,` + hello + `}`, Edit{IncludeUsage: true}, `{"model":"m","stream_options":{"include_usage":true},` + hello + `}`},
		"usage, options empty":          {`{"model":"m","stream_options":{ },` + hello + `}`, Edit{IncludeUsage: true}, `{"model":"m","stream_options":{"include_usage":true },` + hello + `}`},
		"usage, other options stay":     {`{"model":"m","stream_options":{"include_obfuscation":false},` + hello + `}`, Edit{IncludeUsage: true}, `{"model":"m","stream_options":{"include_usage":true,"include_obfuscation":false},` + hello + `}`},
		"usage, was false":              {`{"model":"m","stream_options":{"a":1,"include_usage":false},` + hello + `}`, Edit{IncludeUsage: true}, `{"model":"m","stream_options":{"a":1,"include_usage":true},` + hello + `}`},
		"usage, was null":               {`{"model":"m","stream_options":{"include_usage":null},` + hello + `}`, Edit{IncludeUsage: true}, `{"model":"m","stream_options":{"include_usage":true},` + hello + `}`},
		"model":                         {`{` + hello + `,"model":"\u006d"}`, Edit{Model: "a\"b"}, `{` + hello + `,"model":"a\"b"}`},
		"all at once":                   {`{"model":"m",` + hello + `,"n":2}`, Edit{OutputLimit: 5, OutputLimitField: "max_tokens", IncludeUsage: true, Model: "k"}, `{"max_tokens":5,"stream_options":{"include_usage":true},"model":"k",` + hello + `,"n":2}`},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(c.body)
			r, err := ParseChatRequest(body)
			if err != nil {
				t.Fatal(err)
			}
			got := r.Apply(body, c.edit)
			if string(got) != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if string(body) != c.body {
				t.Error("the body itself was written to")
			}
			if c.want == c.body && &got[0] != &body[0] {
				t.Error("copied although nothing changed")
			}
			checkEdited(t, r, got, c.edit)
		})
	}
}

// checkEdited holds an edited body to what was asked for.
func checkEdited(t *testing.T, r Request, edited []byte, e Edit) {
	t.Helper()
	after, err := ParseChatRequest(edited)
	if err != nil {
		t.Fatalf("the edited body does not parse: %v\n%s", err, edited)
	}
	if e.Model != "" && after.Model != e.Model || e.Model == "" && after.Model != r.Model {
		t.Errorf("model %q", after.Model)
	}
	if e.OutputLimit > 0 && after.OutputLimit != e.OutputLimit || e.OutputLimit == 0 && after.OutputLimit != r.OutputLimit {
		t.Errorf("output limit %d", after.OutputLimit)
	}
	if after.IncludeUsage != (r.IncludeUsage || e.IncludeUsage) {
		t.Errorf("include_usage %v", after.IncludeUsage)
	}
	if after.Choices != r.Choices || after.Stream != r.Stream || after.InputBound != r.InputBound || after.Parts != r.Parts {
		t.Errorf("something else changed: %+v, was %+v", after, r)
	}
}

func FuzzParseChatRequest(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `{"model":"m",` + hello + `}`, `{"model":"m","model":"k",` + hello + `}`,
		`{"model":"m","max_tokens":5,"max_completion_tokens":null,"n":3,"stream":true,"stream_options":{"include_usage":false,"x":{}},` + hello + `}`,
		`{"model":"\ud83d\ude00","stream_options":{},"tools":[{"a":-0.5e+3,"b":[true,false,null]}],` + hello + `}`,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"\u00e6 æ 中 😀 \n\t"},{"type":"image_url","image_url":{"url":"x"}},{"type":"input_audio","input_audio":{"data":"abc"}}]}]}`,
		"{\"model\":\"m\",\"messages\":[{\"content\":\"\xff\"}]}", `{"model":"m","messages":[{"content":"\ud800"}]}`, `{"model":"m","messages":[{"content":"   ---\n\n\n   x"}]} `,
		`{"stream_options":null,"max_tokens":null,"model":"m","messages":[{}]}`,
	} {
		f.Add([]byte(body), int64(7), true, "k")
	}
	f.Fuzz(func(t *testing.T, body []byte, limit int64, usage bool, model string) {
		before := bytes.Clone(body)
		r, err := ParseChatRequest(body)
		strict := strictlyValid(body)
		if err != nil {
			return
		}
		if !strict {
			t.Fatalf("accepted what a strict parser refuses: %q", body)
		}
		checkAgainstDecoder(t, body, r)
		if model != "" && strictlyValid(quoted(model)) && len(model) <= maxModelBytes {
			model = string(bytes.ToValidUTF8([]byte(model), nil))
		} else {
			model = ""
		}
		e := Edit{OutputLimit: min(max(limit, 0), maxOutputLimit), OutputLimitField: "max_tokens", IncludeUsage: usage, Model: model}
		checkEdited(t, r, r.Apply(body, e), e)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was written to")
		}
	})
}

func quoted(s string) []byte {
	b, _ := json.Marshal(s)
	return b
}

// checkAgainstDecoder compares with what an ordinary decoder reads.
func checkAgainstDecoder(t *testing.T, body []byte, r Request) {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("accepted, but does not decode: %v", err)
	}
	var want struct {
		model         string
		stream        bool
		n             int64
		limit, second int64
		options       struct {
			Usage bool `json:"include_usage"`
		}
		messages []struct{}
	}
	for name, to := range map[string]any{
		"model": &want.model, "stream": &want.stream, "n": &want.n, "max_tokens": &want.limit,
		"max_completion_tokens": &want.second, "stream_options": &want.options, "messages": &want.messages,
	} {
		if raw, ok := m[name]; ok {
			if err := json.Unmarshal(raw, to); err != nil {
				t.Fatalf("%s: accepted, but does not decode: %v", name, err)
			}
		}
	}
	if want.second > 0 {
		want.limit = want.second
	}
	if r.Model != want.model || r.Stream != want.stream || r.Choices != max(want.n, 1) || r.OutputLimit != want.limit ||
		r.IncludeUsage != want.options.Usage || len(want.messages) == 0 {
		t.Fatalf("read %+v, a decoder reads %+v", r, want)
	}
}

// FuzzScan holds the scanner to the strict parser, both ways.
func FuzzScan(f *testing.F) {
	for _, text := range []string{`0`, `-0.1e+5`, `01`, `"\ud83d\ude00\/"`, `[[[]],{}]`, `{"a":{"a":1},"b":[1,2,"x"]}`, `{"a":1,"\u0061":2}`, ` [ 1 , 2 ] `, `[1,]`, `{"a":1,}`, `nul`, "\"\xed\xa0\x80\"", `{"a"}`, `"        \u12`, "\"\x7f\""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > maxDepth {
			return // the two have other limits
		}
		var m meter
		s := scanner{b: text}
		got := s.value(&m) && s.end()
		if want := strictlyValid(text); got != want {
			t.Fatalf("%q: scanner %v (%s), strict parser %v", text, got, s.msg, want)
		}
	})
}
