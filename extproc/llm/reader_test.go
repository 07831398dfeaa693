package llm

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// transcripts are the recorded bodies, by file name.
func transcripts(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = b
	}
	return all
}

// readAll feeds body to r in pieces that end at cuts and returns what the client gets.
func readAll(r Reader, body []byte, cuts ...int) (string, ResponseFacts) {
	var out strings.Builder
	from := 0
	for _, cut := range append(cuts, len(body)) {
		cut = min(max(cut, from), len(body))
		piece := bytes.Clone(body[from:cut])
		out.Write(r.Write(piece))
		for i := range piece {
			piece[i] = 'X' // the reader must not rely on a chunk after Write
		}
		from = cut
	}
	out.Write(r.Close())
	return out.String(), r.Facts()
}

var chatStreams = map[string]ResponseFacts{
	"openai.sse":      {Usage: Usage{Input: 86, CachedInput: 1920, Output: 44, Reasoning: 256}, HasUsage: true, OutputEstimate: 7, Done: true, Model: "gpt-4o-2024-08-06"},
	"openai-crlf.sse": {Usage: Usage{Input: 86, CachedInput: 1920, Output: 44, Reasoning: 256}, HasUsage: true, OutputEstimate: 7, Done: true, Model: "gpt-4o-2024-08-06"},
	"openai-cr.sse":   {Usage: Usage{Input: 86, CachedInput: 1920, Output: 44, Reasoning: 256}, HasUsage: true, OutputEstimate: 7, Done: true, Model: "gpt-4o-2024-08-06"},
	"anthropic.sse":   {Usage: Usage{Input: 14, Output: 21}, HasUsage: true, OutputEstimate: 9, Done: true, Model: "claude-sonnet-4-5"},
	"azure.sse":       {Usage: Usage{Input: 11, Output: 2}, HasUsage: true, OutputEstimate: 1, Done: true, Model: "gpt-4o-mini"},
	"azure-bom.sse":   {Usage: Usage{Input: 11, Output: 2}, HasUsage: true, OutputEstimate: 1, Done: true, Model: "gpt-4o-mini"},
	"vllm.sse":        {Usage: Usage{Input: 9, Output: 5}, HasUsage: true, OutputEstimate: 4, Done: true, Model: "qwen3"},
	"moonshot.sse":    {Usage: Usage{Input: 19, Output: 13}, HasUsage: true, OutputEstimate: 1, Done: true, Model: "kimi-k2"},
	"error.sse":       {OutputEstimate: 3, Error: "server_error", Model: "gpt-4o"},
	"cut.sse":         {OutputEstimate: 3, Model: "gpt-4o", Bad: true},
	"unended.sse":     {Usage: Usage{Input: 3, Output: 1}, HasUsage: true, OutputEstimate: 1, Model: "gpt-4o"},
}

// withoutUsageChunk is the stream as a client that did not ask for usage has to see it.
func withoutUsageChunk(body string) string {
	start := strings.Index(body, `"choices":[],"usage":{`)
	if k := strings.Index(body, `"choices":[],"created":1770000002,"id":"chatcmpl-B"`); k >= 0 {
		start = k
	}
	if k := strings.Index(body, `"choices":[],"created":1770000001`); k >= 0 {
		start = k
	}
	if start < 0 {
		return body
	}
	for _, end := range []string{"\r\n\r\n", "\n\n", "\r\r"} {
		if from := strings.LastIndex(body[:start], end); from >= 0 {
			from += len(end)
			to := strings.Index(body[from:], end)
			if to < 0 {
				return body[:from]
			}
			return body[:from] + body[from+to+len(end):]
		}
	}
	return body
}

func TestChatStreamAtEverySplit(t *testing.T) {
	bodies := transcripts(t, "sse/*.sse")
	for name, body := range bodies {
		want, known := chatStreams[name]
		if !known {
			t.Errorf("%s: no expectation", name)
		}
		for _, remove := range []bool{false, true} {
			out := string(body)
			if remove {
				out = withoutUsageChunk(out)
				if want.HasUsage && name != "moonshot.sse" && (out == string(body) || strings.Contains(out, `"prompt_tokens":14`)) {
					t.Fatalf("%s: the test itself removes nothing", name)
				}
			}
			for cut := 0; cut <= len(body); cut++ {
				got, facts := readAll(NewChatStreamReader(remove), body, cut)
				if got != out {
					t.Fatalf("%s, remove %v, cut at %d: the client gets\n%q\nwant\n%q", name, remove, cut, got, out)
				}
				if diff := cmp.Diff(want, facts); diff != "" {
					t.Fatalf("%s, cut at %d: %s", name, cut, diff)
				}
			}
			every := make([]int, len(body))
			for i := range every {
				every[i] = i
			}
			if got, facts := readAll(NewChatStreamReader(remove), body, every...); got != out || facts != want {
				t.Errorf("%s, byte by byte: %q, %+v", name, got, facts)
			}
		}
	}
}

func TestChatStreamReturnsTheChunkItself(t *testing.T) {
	chunk := []byte("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n")
	for _, remove := range []bool{false, true} {
		if got := NewChatStreamReader(remove).Write(chunk); len(got) != len(chunk) || &got[0] != &chunk[0] {
			t.Errorf("remove %v: copied", remove)
		}
	}
	half := chunk[:20]
	if got := NewChatStreamReader(false).Write(half); len(got) != len(half) || &got[0] != &half[0] {
		t.Error("half an event: copied although nothing is to be removed")
	}
	if got := NewChatStreamReader(true).Write(half); len(got) != 0 {
		t.Errorf("half an event that may have to be removed was passed on: %q", got)
	}
}

func TestChatStreamKeepsWhatIsNotOnlyUsage(t *testing.T) {
	const usage = `"usage":{"prompt_tokens":3,"completion_tokens":1}`
	for name, c := range map[string]struct {
		event  string
		remove bool
	}{
		"usage alone":               {`{"choices":[],` + usage + `}`, true},
		"usage first":               {`{` + usage + `,"id":"x","choices":[ ]}`, true},
		"usage with a choice":       {`{"choices":[{"delta":{}}],` + usage + `}`, false},
		"usage without choices":     {`{` + usage + `}`, false},
		"no usage":                  {`{"choices":[]}`, false},
		"usage null":                {`{"choices":[],"usage":null}`, false},
		"usage empty":               {`{"choices":[],"usage":{}}`, false},
		"not JSON":                  {`{"choices":[],` + usage, false},
		"choices null":              {`{"choices":null,` + usage + `}`, false},
		"usage only inside a delta": {`{"choices":[{"delta":{"content":"\"choices\":[],"}}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			body := "data: {\"choices\":[{}]}\n\ndata: " + c.event + "\n\ndata: [DONE]\n\n"
			got, _ := readAll(NewChatStreamReader(true), []byte(body))
			if removed := got != body; removed != c.remove {
				t.Errorf("removed: %v; the client gets %q", removed, got)
			}
		})
	}
}

// A chunk that is too long to hold is passed on unread; what follows is read again.
func TestChatStreamPassesWhatIsTooLong(t *testing.T) {
	long := "data: {\"choices\":[{\"delta\":{\"content\":\"" + strings.Repeat("a", maxEvent) + "\"}}]}\n\n"
	body := long + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n"
	want := ResponseFacts{Usage: Usage{Input: 3, Output: 1}, HasUsage: true, Done: true, Bad: true}
	for _, cuts := range [][]int{nil, {10}, {maxEvent / 2, maxEvent}, {maxEvent + 10}, {len(long) - 1}, {len(long)}} {
		got, facts := readAll(NewChatStreamReader(true), []byte(body), cuts...)
		if got != long+"data: [DONE]\n\n" {
			t.Errorf("cuts %v: %d bytes passed on, ending in %q", cuts, len(got), got[max(0, len(got)-40):])
		}
		if diff := cmp.Diff(want, facts); diff != "" {
			t.Errorf("cuts %v: %s", cuts, diff)
		}
	}
	r := NewChatStreamReader(true).(*chatStream)
	for range 100 {
		r.Write(bytes.Repeat([]byte("x"), 64<<10))
		if held := cap(r.carry) + cap(r.out.buf); held > 4*maxEvent {
			t.Fatalf("%d bytes held", held)
		}
	}
}

func TestChatStreamErrors(t *testing.T) {
	for event, want := range map[string]string{
		`{"error":{"message":"secret","type":"server_error","code":"overloaded"}}`: "overloaded",
		`{"error":{"message":"secret","type":"server_error","code":null}}`:         "server_error",
		`{"error":{"message":"secret","code":529}}`:                                "529",
		`{"type":"error","error":{"type":"overloaded_error","message":"secret"}}`:  "overloaded_error",
		`{"error":"secret"}`: "error",
		`{"error":{"code":"a secret, with spaces` + strings.Repeat("x", 500) + `"}}`: "asecretwithspaces" + strings.Repeat("x", 47),
		`{"error":null,"choices":[]}`: "",
	} {
		_, facts := readAll(NewChatStreamReader(false), []byte("data: "+event+"\n\n"))
		if facts.Error != want || facts.Bad {
			t.Errorf("%s: error %q, bad %v; want %q", event, facts.Error, facts.Bad, want)
		}
	}
}

var chatBodies = map[string]ResponseFacts{
	"openai.json":    {Usage: Usage{Input: 86, CachedInput: 1920, Output: 44, Reasoning: 256}, HasUsage: true, OutputEstimate: 22, Done: true, Model: "gpt-4o-2024-08-06"},
	"anthropic.json": {Usage: Usage{Input: 14, Output: 21}, HasUsage: true, OutputEstimate: 8, Done: true, Model: "claude-sonnet-4-5"},
	"vllm.json":      {Usage: Usage{Input: 9, Output: 5}, HasUsage: true, OutputEstimate: 4, Done: true, Model: "qwen3"},
	"error.json":     {Error: "rate_limit_exceeded", Done: true},
	"cut.json":       {OutputEstimate: 4, Model: "m"},
}

func TestChatJSONAtEverySplit(t *testing.T) {
	for name, body := range transcripts(t, "json/*.json") {
		want, known := chatBodies[name]
		if !known {
			t.Errorf("%s: no expectation", name)
		}
		for cut := 0; cut <= len(body); cut++ {
			got, facts := readAll(NewChatJSONReader(), body, cut)
			if got != string(body) {
				t.Fatalf("%s, cut at %d: the client gets %q", name, cut, got)
			}
			if diff := cmp.Diff(want, facts); diff != "" {
				t.Fatalf("%s, cut at %d: %s", name, cut, diff)
			}
		}
	}
}

func TestChatJSONMarksWhatItCannotRead(t *testing.T) {
	const good = `"usage":{"prompt_tokens":3,"completion_tokens":1}`
	for name, c := range map[string]struct {
		body string
		want ResponseFacts
	}{
		"not JSON":        {"upstream connect error", ResponseFacts{Bad: true}},
		"array":           {`[{"error":{}}]`, ResponseFacts{Bad: true}},
		"trailing data":   {`{` + good + `} x`, ResponseFacts{Usage: Usage{Input: 3, Output: 1}, HasUsage: true, Done: true, Bad: true}},
		"usage is huge":   {`{"usage":{"a":"` + strings.Repeat("a", maxKept) + `"}}`, ResponseFacts{Done: true, Bad: true}},
		"usage broken":    {`{"usage":{"prompt_tokens":}}`, ResponseFacts{Done: true, Bad: true}},
		"usage null":      {`{"usage":null}`, ResponseFacts{Done: true}},
		"usage elsewhere": {`{"choices":[{"x":{` + good + `}}],"y":{` + good + `}}`, ResponseFacts{Done: true}},
		"empty":           {``, ResponseFacts{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := readAll(NewChatJSONReader(), []byte(c.body))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChatJSONHoldsLittle(t *testing.T) {
	r := NewChatJSONReader().(*chatJSON)
	r.Write([]byte(`{"choices":[{"message":{"content":"`))
	for range 200 {
		r.Write(bytes.Repeat([]byte("text "), 10_000))
	}
	r.Write([]byte(`"}}],"` + strings.Repeat("k", 1<<20) + `":` + strings.Repeat("[", 100_000)))
	if held := cap(r.kept) + cap(r.name); held > 256 {
		t.Errorf("%d bytes held", held)
	}
	if got := r.Facts().OutputEstimate; got < 2_000_000 || got > 3_000_000 {
		t.Errorf("estimate %d for 10 MB", got)
	}
}

func TestUsageIsNormalised(t *testing.T) {
	for name, c := range map[string]struct {
		usage string
		want  Usage
		has   bool
		bad   bool
	}{
		"plain":                      {`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}`, Usage{Input: 10, Output: 5}, true, false},
		"cached and reasoning":       {`{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}`, Usage{Input: 6, CachedInput: 4, Output: 2, Reasoning: 3}, true, false},
		"cache write":                {`{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":1}}`, Usage{Input: 5, CachedInput: 4, CacheWrite: 1, Output: 5}, true, false},
		"DeepSeek":                   {`{"prompt_tokens":10,"completion_tokens":5,"prompt_cache_hit_tokens":7,"prompt_cache_miss_tokens":3}`, Usage{Input: 3, CachedInput: 7, Output: 5}, true, false},
		"reasoning outside of sum":   {`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":23,"completion_tokens_details":{"reasoning_tokens":8}}`, Usage{Input: 10, Output: 5, Reasoning: 8}, true, false},
		"details null":               {`{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":null,"completion_tokens_details":{"reasoning_tokens":null}}`, Usage{Input: 10, Output: 5}, true, false},
		"whole number as a float":    {`{"prompt_tokens":10.0,"completion_tokens":5e0}`, Usage{Input: 10, Output: 5}, true, false},
		"only the prompt":            {`{"prompt_tokens":10}`, Usage{Input: 10}, true, false},
		"empty":                      {`{}`, Usage{}, false, false},
		"null":                       {`null`, Usage{}, false, false},
		"negative":                   {`{"prompt_tokens":-1,"completion_tokens":5}`, Usage{}, false, true},
		"absurd":                     {`{"prompt_tokens":1,"completion_tokens":5000000000}`, Usage{}, false, true},
		"fractional":                 {`{"prompt_tokens":1.5,"completion_tokens":5}`, Usage{}, false, true},
		"string":                     {`{"prompt_tokens":"1","completion_tokens":5}`, Usage{}, false, true},
		"more cached than there are": {`{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":11}}`, Usage{}, false, true},
		"list":                       {`[1]`, Usage{}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			want := ResponseFacts{Usage: c.want, HasUsage: c.has, Bad: c.bad, Done: true}
			_, stream := readAll(NewChatStreamReader(false), []byte("data: {\"choices\":[],\"usage\":"+c.usage+"}\n\ndata: [DONE]\n\n"))
			_, body := readAll(NewChatJSONReader(), []byte(`{"usage":`+c.usage+`}`))
			if stream != want || body != want {
				t.Errorf("stream %+v\nbody   %+v\nwant   %+v", stream, body, want)
			}
		})
	}
}

func TestLastUsageWins(t *testing.T) {
	const first, last = `data: {"choices":[{}],"usage":{"prompt_tokens":3,"completion_tokens":1}}` + "\n\n", `data: {"choices":[{}],"usage":{"prompt_tokens":3,"completion_tokens":9}}` + "\n\n"
	if _, got := readAll(NewChatStreamReader(false), []byte(first+last)); got.Usage.Output != 9 {
		t.Errorf("%+v", got)
	}
}

func TestEstimateIsNearTheTokenizers(t *testing.T) {
	all := codecs(t)
	for name, text := range transcripts(t, "text/*.txt") {
		var e estimator
		quoted := quote(t, string(text))
		e.write(quoted[1 : len(quoted)-1])
		want := counted(t, all, string(text))
		ratio := float64(e.tokens()) / float64(want)
		t.Logf("%-16s estimate %4d tokens %4d ratio %.2f", name, e.tokens(), want, ratio)
		if ratio < 0.6 || ratio > 2.2 {
			t.Errorf("%s: estimate %d for %d tokens", name, e.tokens(), want)
		}
	}
}

func TestSupportsEncoding(t *testing.T) {
	for encoding, want := range map[string]bool{"": true, "identity": true, "gzip": false, "br": false} {
		if SupportsEncoding(encoding) != want {
			t.Errorf("%q: %v", encoding, !want)
		}
	}
}

// streamBodies draws streams from events and line ends of every kind, well-formed or not.
func streamBodies() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		piece := rapid.SampledFrom([]string{
			"data: ", "data:", "data", ": comment", "event: error", "id: 7", "\ufeff", "\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\r\r", "[DONE]", " ",
			`data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}`, `{"choices":[{"delta":{"content":"æ\n"}}],"usage":null}`,
			"data: {\"choices\":[],\r\ndata: \"usage\":{\"completion_tokens\":4}}\r\n\r\n", `data: {"error":{"code":"x"}}`, "data: [DONE]\n\n", "\xff", `{"`,
			"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\r\r", "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5}}\n\n",
		})
		return strings.Join(rapid.SliceOf(piece).Draw(t, "pieces"), "")
	})
}

func TestStreamSplitsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := []byte(streamBodies().Draw(t, "body"))
		checkStreamSplit(t, body, rapid.SliceOf(rapid.IntRange(0, len(body))).Draw(t, "cuts"))
	})
}

type failer interface{ Fatalf(string, ...any) }

// checkStreamSplit compares a stream read in pieces with the same stream read at once, and at once with its events one by one.
func checkStreamSplit(t failer, body []byte, cuts []int) {
	for _, remove := range []bool{false, true} {
		whole, want := readAll(NewChatStreamReader(remove), body)
		split, got := readAll(NewChatStreamReader(remove), body, slices.Sorted(slices.Values(cuts))...)
		if got != want {
			t.Fatalf("cut at %v: %+v, at once %+v; body %q", cuts, got, want, body)
		}
		if split != whole {
			t.Fatalf("cut at %v, remove %v: %q, at once %q; body %q", cuts, remove, split, whole, body)
		}
		if !remove && whole != string(body) {
			t.Fatalf("bytes changed: %q, body %q", whole, body)
		}
		if remove && whole != withoutUsage(string(body)) {
			t.Fatalf("the client gets %q, not the stream without its usage events %q; body %q", whole, withoutUsage(string(body)), body)
		}
	}
}

// withoutUsage is the plain way to take the usage events out of a stream that is there as a whole.
func withoutUsage(body string) string {
	var out strings.Builder
	for len(body) > 0 {
		n, blank := 0, false
		for n < len(body) && !blank {
			line := strings.IndexAny(body[n:], "\r\n")
			if line < 0 {
				n = len(body)
				break
			}
			blank = line == 0
			n += line + 1
			if body[n-1] == '\r' && n < len(body) && body[n] == '\n' {
				n++
			}
		}
		var c chunkReader
		if !c.read(eventData([]byte(body[:n]))) {
			out.WriteString(body[:n])
		}
		body = body[n:]
	}
	return out.String()
}

func FuzzStreamSplit(f *testing.F) {
	for _, body := range transcripts(f, "sse/*.sse") {
		f.Add(body, uint16(7), uint16(100))
	}
	f.Add([]byte("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\r\r\n\ndata: x\r\n\r\n"), uint16(50), uint16(51))
	f.Fuzz(func(t *testing.T, body []byte, a, b uint16) {
		checkStreamSplit(t, body, []int{int(min(a, b)), int(max(a, b))})
	})
}

func FuzzJSONReaderSplit(f *testing.F) {
	for _, body := range transcripts(f, "json/*.json") {
		f.Add(body, uint16(7), uint16(100))
	}
	f.Add([]byte(`{"a":"\"","usage":{"prompt_tokens":1},"choices":[{"content":"\u00e6\\"}]}`), uint16(6), uint16(7))
	f.Fuzz(func(t *testing.T, body []byte, a, b uint16) {
		whole, want := readAll(NewChatJSONReader(), body)
		split, got := readAll(NewChatJSONReader(), body, int(min(a, b)), int(max(a, b)))
		if whole != string(body) || split != whole {
			t.Fatalf("bytes changed: %q and %q, body %q", whole, split, body)
		}
		if got != want {
			t.Fatalf("cut at %d and %d: %+v, at once %+v; body %q", a, b, got, want, body)
		}
		if strictlyValid(body) && bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) && !want.Done {
			t.Fatalf("valid and not done: %q", body)
		}
	})
}
