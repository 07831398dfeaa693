package llm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const hello = `"messages":[{"role":"user","content":"hello"}]`

func TestParseChatRequestReadsWhatSteersTheCost(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want Request
	}{
		"least":                         {`{"model":"m",` + hello + `}`, Request{Model: "m", Choices: 1}},
		"white space everywhere":        {" \r\n{ \"model\" : \"m\" ,\t" + hello + " } \n", Request{Model: "m", Choices: 1}},
		"escaped model and name":        {`{"\u006dodel":"gpt\u002d4",` + hello + `}`, Request{Model: "gpt-4", Choices: 1}},
		"stream":                        {`{"model":"m","stream":true,` + hello + `}`, Request{Model: "m", Choices: 1, Stream: true}},
		"stream null":                   {`{"model":"m","stream":null,` + hello + `}`, Request{Model: "m", Choices: 1}},
		"include_usage":                 {`{"model":"m","stream_options":{"x":[1],"include_usage":true},` + hello + `}`, Request{Model: "m", Choices: 1, IncludeUsage: true}},
		"include_usage false":           {`{"model":"m","stream_options":{"include_usage":false},` + hello + `}`, Request{Model: "m", Choices: 1}},
		"stream_options null":           {`{"model":"m","stream_options":null,` + hello + `}`, Request{Model: "m", Choices: 1}},
		"n":                             {`{"model":"m","n":128,` + hello + `}`, Request{Model: "m", Choices: 128}},
		"n null":                        {`{"model":"m","n":null,` + hello + `}`, Request{Model: "m", Choices: 1}},
		"max_tokens":                    {`{"model":"m","max_tokens":7,` + hello + `}`, Request{Model: "m", Choices: 1, OutputLimit: 7, LimitField: "max_tokens"}},
		"max_tokens null":               {`{"model":"m","max_tokens":null,` + hello + `}`, Request{Model: "m", Choices: 1}},
		"max_tokens at the limit":       {`{"model":"m","max_tokens":2147483648,` + hello + `}`, Request{Model: "m", Choices: 1, OutputLimit: 1 << 31, LimitField: "max_tokens"}},
		"max_completion_tokens":         {`{"model":"m","max_completion_tokens":8,` + hello + `}`, Request{Model: "m", Choices: 1, OutputLimit: 8, LimitField: "max_completion_tokens"}},
		"both: completion wins":         {`{"model":"m","max_completion_tokens":8,"max_tokens":900,` + hello + `}`, Request{Model: "m", Choices: 1, OutputLimit: 8, LimitField: "max_completion_tokens"}},
		"both, completion null":         {`{"model":"m","max_completion_tokens":null,"max_tokens":900,` + hello + `}`, Request{Model: "m", Choices: 1, OutputLimit: 900, LimitField: "max_tokens"}},
		"surrogate pair":                {`{"model":"m\ud83d\ude00",` + hello + `}`, Request{Model: "m😀", Choices: 1}},
		"same name in separate objects": {`{"model":"m","tools":[{"a":{"a":1}},{"a":2}],` + hello + `}`, Request{Model: "m", Choices: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseChatRequest([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(Request{}), cmpopts.IgnoreFields(Request{}, "InputBound")); diff != "" {
				t.Error(diff)
			}
			if got.InputBound < requestTokens+messageTokens+2 {
				t.Errorf("bound %d does not cover the message", got.InputBound)
			}
		})
	}
}

func TestParseChatRequestNamesTheField(t *testing.T) {
	deep := strings.Repeat("[", 20_000)
	for name, c := range map[string]struct{ body, param, message string }{
		"empty":                     {"", "", "empty"},
		"only white space":          {" \n", "", "empty"},
		"not JSON":                  {"hello", "", "must be a JSON object"},
		"array":                     {"[]", "", "must be a JSON object"},
		"truncated":                 {`{"model":"m",` + hello, "", "too early"},
		"truncated in the prompt":   {`{"model":"m","messages":[{"role":"user","content":"hel`, "messages[0].content", "too early"},
		"truncated in an escape":    {`{"model":"m","messages":[{"content":"hel\ud83d\u`, "messages[0].content", "too early"},
		"trailing data":             {`{"model":"m",` + hello + `}{}`, "", "after the end"},
		"trailing comma":            {`{"model":"m",` + hello + `,}`, "", "unexpected"},
		"comment":                   {`{"model":"m",/**/` + hello + `}`, "", "unexpected"},
		"duplicate model":           {`{"model":"cheap",` + hello + `,"model":"dear"}`, "model", `duplicate name "model"`},
		"duplicate by escape":       {`{"model":"cheap",` + hello + `,"mod\u0065l":"dear"}`, "model", `duplicate name "model"`},
		"duplicate in options":      {`{"model":"m","stream_options":{"include_usage":true,"include_usage":false},` + hello + `}`, "stream_options.include_usage", "duplicate"},
		"duplicate in a message":    {`{"model":"m","messages":[{"content":"a","role":"user","content":"b"}]}`, "messages[0]", `duplicate name "content"`},
		"duplicate in a large one":  {`{"model":"m","metadata":{` + numbered(40) + `,"k3":0},` + hello + `}`, "metadata", `duplicate name "k3"`},
		"other case":                {`{"Model":"dear","model":"cheap",` + hello + `}`, "Model", `did you mean "model"`},
		"other case, long s":        {`{"model":"m","\u017ftream":true,` + hello + `}`, "ſtream", `did you mean "stream"`},
		"other case in options":     {`{"model":"m","stream_options":{"Include_Usage":true},` + hello + `}`, "stream_options.Include_Usage", "did you mean"},
		"no model":                  {`{` + hello + `}`, "model", "required"},
		"model empty":               {`{"model":"",` + hello + `}`, "model", "empty"},
		"model null":                {`{"model":null,` + hello + `}`, "model", "string"},
		"model number":              {`{"model":4,` + hello + `}`, "model", "string"},
		"model endless":             {`{"model":"` + strings.Repeat("m", 300) + `",` + hello + `}`, "model", "too long"},
		"no messages":               {`{"model":"m"}`, "messages", "required"},
		"messages empty":            {`{"model":"m","messages":[]}`, "messages", "empty"},
		"messages null":             {`{"model":"m","messages":null}`, "messages", "array"},
		"messages object":           {`{"model":"m","messages":{}}`, "messages", "array"},
		"message string":            {`{"model":"m","messages":["x"]}`, "messages[0]", "object"},
		"second message a number":   {`{"model":"m","messages":[{},7]}`, "messages[1]", "object"},
		"content number":            {`{"model":"m","messages":[{"content":7}]}`, "messages[0].content", "string"},
		"role null":                 {`{"model":"m","messages":[{"role":null}]}`, "messages[0].role", "string"},
		"stream string":             {`{"model":"m","stream":"true",` + hello + `}`, "stream", "true or false"},
		"stream misspelt":           {`{"model":"m","stream":tru,` + hello + `}`, "stream", "unexpected"},
		"stream_options array":      {`{"model":"m","stream_options":[],` + hello + `}`, "stream_options", "object"},
		"include_usage number":      {`{"model":"m","stream_options":{"include_usage":1},` + hello + `}`, "stream_options.include_usage", "true or false"},
		"n zero":                    {`{"model":"m","n":0,` + hello + `}`, "n", "from 1 to 128"},
		"n above":                   {`{"model":"m","n":129,` + hello + `}`, "n", "from 1 to 128"},
		"n string":                  {`{"model":"m","n":"1",` + hello + `}`, "n", "integer"},
		"max_tokens zero":           {`{"model":"m","max_tokens":0,` + hello + `}`, "max_tokens", "from 1"},
		"max_tokens negative":       {`{"model":"m","max_tokens":-5,` + hello + `}`, "max_tokens", "from 1"},
		"max_tokens fractional":     {`{"model":"m","max_tokens":1.5,` + hello + `}`, "max_tokens", "fraction"},
		"max_tokens exponent":       {`{"model":"m","max_tokens":1e3,` + hello + `}`, "max_tokens", "exponent"},
		"max_tokens absurd":         {`{"model":"m","max_tokens":2147483649,` + hello + `}`, "max_tokens", "2147483648"},
		"max_tokens endless":        {`{"model":"m","max_tokens":` + strings.Repeat("9", 400) + `,` + hello + `}`, "max_tokens", "2147483648"},
		"leading zero":              {`{"model":"m","temperature":010,` + hello + `}`, "", "unexpected"},
		"max_tokens list":           {`{"model":"m","max_tokens":[5],` + hello + `}`, "max_tokens", "integer"},
		"max_completion_tokens bad": {`{"model":"m","max_completion_tokens":0,` + hello + `}`, "max_completion_tokens", "from 1"},
		"bad UTF-8":                 {"{\"model\":\"m\",\"messages\":[{\"content\":\"a\xffb\"}]}", "messages[0].content", "UTF-8"},
		"UTF-8 cut short":           {"{\"model\":\"m\",\"messages\":[{\"content\":\"\xe4\xb8\"}]}", "messages[0].content", "UTF-8"},
		"encoded surrogate":         {"{\"model\":\"m\",\"messages\":[{\"content\":\"\xed\xa0\x80\"}]}", "messages[0].content", "UTF-8"},
		"bad UTF-8 in a name":       {"{\"model\":\"m\",\"x\xff\":1," + hello + "}", "", "UTF-8"},
		"lone surrogate":            {`{"model":"m","messages":[{"content":"\ud83d!        "}]}`, "messages[0].content", "escape"},
		"low surrogate first":       {`{"model":"m","messages":[{"content":"\ude00\ud83d"}]}`, "messages[0].content", "escape"},
		"unknown escape":            {`{"model":"m","messages":[{"content":"\x41 and more text"}]}`, "messages[0].content", "escape"},
		"raw newline":               {"{\"model\":\"m\",\"messages\":[{\"content\":\"a\nb\"}]}", "messages[0].content", "control"},
		"too many names":            {`{"model":"m","metadata":{` + numbered(maxNames+2) + `},` + hello + `}`, "metadata", "too many names"},
		"nested too deeply":         {`{"model":"m","metadata":` + deep, "metadata", "nested too deeply"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseChatRequest([]byte(c.body))
			var bad *BodyError
			if !errors.As(err, &bad) {
				t.Fatalf("accepted: %+v, %v", got, err)
			}
			if bad.Param != c.param || !strings.Contains(bad.Message, c.message) {
				t.Errorf("param %q, message %q; want %q and %q", bad.Param, bad.Message, c.param, c.message)
			}
		})
	}
}

// numbered are n members with different names.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	return b.String()[1:]
}

func content(parts string) []byte {
	return []byte(`{"model":"m","messages":[{"role":"user","content":[` + parts + `]}]}`)
}

func TestPartsThatAreNotTextAreCountedNotMeasured(t *testing.T) {
	base64 := strings.Repeat("iVBORw0KGgo", 10_000)
	for name, c := range map[string]struct {
		parts        string
		count, audio int64
	}{
		"text":                  {`{"type":"text","text":"look"}`, 0, 0},
		"text, type last":       {`{"text":"look","type":"text"}`, 0, 0},
		"refusal":               {`{"type":"refusal","refusal":"no"}`, 0, 0},
		"bare string":           {`"look"`, 0, 0},
		"image":                 {`{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + base64 + `","detail":"high"}}`, 1, 0},
		"image, type last":      {`{"image_url":{"url":"data:image/png;base64,` + base64 + `"},"type":"image_url"}`, 1, 0},
		"image as a string":     {`{"type":"image_url","image_url":"https://example.com/` + base64 + `"}`, 1, 0},
		"two images":            {`{"type":"image_url","image_url":{"url":"a"}},{"type":"image_url","image_url":{"url":"b"}}`, 2, 0},
		"file":                  {`{"type":"file","file":{"file_data":"` + base64 + `","filename":"a.pdf"}}`, 1, 0},
		"audio":                 {`{"type":"input_audio","input_audio":{"data":"` + base64 + `","format":"wav"}}`, 0, int64(len(base64))},
		"image dressed as text": {`{"type":"text","text":"look","image_url":{"url":"` + base64 + `"}}`, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ParseChatRequest(content(c.parts))
			if err != nil {
				t.Fatal(err)
			}
			if r.Parts != c.count || r.AudioBytes != c.audio || r.InputBound > 60 {
				t.Errorf("%d parts, %d bytes of audio, bound %d; want %d and %d", r.Parts, r.AudioBytes, r.InputBound, c.count, c.audio)
			}
		})
	}
	r, err := ParseChatRequest(content(`{"type":"novel","novel":"` + base64 + `"}`))
	if err != nil || r.Parts != 1 || r.InputBound < 60_000 {
		t.Errorf("unknown part: %+v, %v; want a part and its text", r, err)
	}
}

// Whatever reaches the model is charged, wherever it stands; what does not is free.
func TestWhatReachesTheModelIsCharged(t *testing.T) {
	words := strings.Repeat("word ", 1000)
	at := func(format string) int64 {
		t.Helper()
		r, err := ParseChatRequest([]byte(strings.ReplaceAll(format, "%", words)))
		if err != nil {
			t.Fatal(err)
		}
		return r.InputBound
	}
	for name, body := range map[string]string{
		"content":         `{"model":"m","messages":[{"role":"user","content":"%"}]}`,
		"name":            `{"model":"m","messages":[{"role":"user","name":"%","content":"x"}]}`,
		"role":            `{"model":"m","messages":[{"role":"%"}]}`,
		"tool call":       `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"%"}}]}]}`,
		"unknown member":  `{"model":"m","messages":[{"role":"user","other":{"deep":["%"]}}]}`,
		"member's name":   `{"model":"m","messages":[{"role":"user","%":1}]}`,
		"tools":           `{"model":"m","tools":[{"type":"function","function":{"description":"%"}}],"messages":[{}]}`,
		"functions":       `{"model":"m","functions":[{"description":"%"}],"messages":[{}]}`,
		"response_format": `{"model":"m","response_format":{"json_schema":{"%":{}}},"messages":[{}]}`,
		"prediction":      `{"model":"m","prediction":{"content":"%"},"messages":[{}]}`,
		"unknown field":   `{"model":"m","documents":["%"],"messages":[{}]}`,
	} {
		if got := at(body); got < 3000 || got > 6100 {
			t.Errorf("%s: bound %d", name, got)
		}
	}
	for name, body := range map[string]string{
		"metadata": `{"model":"m","metadata":{"a":"%"},"messages":[{}]}`,
		"user":     `{"model":"m","user":"%","messages":[{}]}`,
		"stop":     `{"model":"m","stop":["%"],"messages":[{}]}`,
	} {
		if got := at(body); got > 30 {
			t.Errorf("%s is charged: bound %d", name, got)
		}
	}
	if one, ten := at(`{"model":"m","messages":[{}]}`), at(`{"model":"m","messages":[{},{},{},{},{},{},{},{},{},{}]}`); ten-one != 9*messageTokens {
		t.Errorf("nine more messages cost %d", ten-one)
	}
}

func TestParseChatRequestDoesNotCopyThePrompt(t *testing.T) {
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat(`text \n`, 1<<17) + `"}]}`)
	if n := testing.AllocsPerRun(5, func() { _, _ = ParseChatRequest(body) }); n > 10 {
		t.Errorf("%v allocations", n)
	}
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = ParseChatRequest(body)
		}
	})
	if n := result.AllocedBytesPerOp(); n > 4096 {
		t.Errorf("%d bytes allocated for a body of %d", n, len(body))
	}
}
