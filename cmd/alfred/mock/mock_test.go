package mock_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tiktoken-go/tokenizer"

	"github.com/alfred-envoy/alfred/cmd/alfred/mock"
)

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

type answer struct {
	Choices []struct {
		Index   int `json:"index"`
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
		Finish *string `json:"finish_reason"`
	} `json:"choices"`
	Usage *usage          `json:"usage"`
	Error json.RawMessage `json:"error"`
}

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(mock.NewHandler())
	t.Cleanup(s.Close)
	return s
}

func post(t *testing.T, s *httptest.Server, body string) *http.Response {
	t.Helper()
	r, err := s.Client().Post(s.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Body.Close() })
	return r
}

func decode(t *testing.T, r io.Reader) (a answer) {
	t.Helper()
	if err := json.NewDecoder(r).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// events reads a stream to its end; done tells whether it closed with [DONE].
func events(t *testing.T, r io.Reader) (raw []string, done bool, err error) {
	t.Helper()
	s := bufio.NewScanner(r)
	for s.Scan() {
		data, ok := strings.CutPrefix(s.Text(), "data: ")
		switch {
		case !ok:
		case data == "[DONE]":
			done = true
		default:
			raw = append(raw, data)
		}
	}
	return raw, done, s.Err()
}

func TestUsageIsWhatTheTokenizerCounts(t *testing.T) {
	s := serve(t)
	codec, err := tokenizer.Get(tokenizer.O200kBase)
	if err != nil {
		t.Fatal(err)
	}
	a := decode(t, post(t, s, `{"model":"gpt-4","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"What is the capital of France?"}]}`).Body)
	completion, err := codec.Count(a.Choices[0].Message.Content)
	if err != nil {
		t.Fatal(err)
	}
	// 3 to prime, 3 for each of two messages, 1 for each role, 6 and 7 for the texts
	want := &usage{Prompt: 24, Completion: completion, Total: 24 + completion}
	if diff := cmp.Diff(want, a.Usage); diff != "" {
		t.Error(diff)
	}
	if *a.Choices[0].Finish != "stop" {
		t.Errorf("finish_reason %q, want stop", *a.Choices[0].Finish)
	}
}

func TestTheOutputLimitCutsEveryChoice(t *testing.T) {
	s := serve(t)
	for _, limit := range []string{"max_tokens", "max_completion_tokens"} {
		t.Run(limit, func(t *testing.T) {
			a := decode(t, post(t, s, `{"model":"gpt-4","n":3,"`+limit+`":7,"messages":[{"role":"user","content":"Hello!"}]}`).Body)
			if len(a.Choices) != 3 || a.Usage.Completion != 21 {
				t.Fatalf("%d choices, %d tokens; want 3 and 21", len(a.Choices), a.Usage.Completion)
			}
			for _, c := range a.Choices {
				if *c.Finish != "length" {
					t.Errorf("choice %d ended by %q, want length", c.Index, *c.Finish)
				}
			}
		})
	}
}

func TestAStreamSaysWhatTheWholeAnswerSays(t *testing.T) {
	s := serve(t)
	const rest = `"messages":[{"role":"user","content":"Snakk norsk, 世界 👩‍👩‍👧 æøå"}]}`
	whole := decode(t, post(t, s, `{"model":"gpt-4",`+rest).Body)
	raw, done, err := events(t, post(t, s, `{"model":"gpt-4","stream":true,"stream_options":{"include_usage":true},`+rest).Body)
	if err != nil || !done {
		t.Fatalf("done %v, error %v", done, err)
	}
	text := ""
	for i, data := range raw {
		a := decode(t, strings.NewReader(data))
		last := i == len(raw)-1
		if !last && !strings.Contains(data, `"usage":null`) {
			t.Fatalf("chunk %d lacks a null usage: %s", i, data)
		}
		if last {
			if len(a.Choices) != 0 {
				t.Errorf("the usage chunk has choices: %s", data)
			}
			if diff := cmp.Diff(whole.Usage, a.Usage); diff != "" {
				t.Error(diff)
			}
			continue
		}
		text += a.Choices[0].Delta.Content
	}
	if diff := cmp.Diff(whole.Choices[0].Message.Content, text); diff != "" {
		t.Error(diff)
	}
}

func TestAStreamThatDoesNotAskGetsNoUsage(t *testing.T) {
	raw, done, err := events(t, post(t, serve(t), `{"model":"gpt-4","stream":true,"messages":[{"role":"user","content":"Hi"}]}`).Body)
	if err != nil || !done {
		t.Fatalf("done %v, error %v", done, err)
	}
	if all := strings.Join(raw, "\n"); strings.Contains(all, "usage") {
		t.Errorf("usage where none was asked for: %s", all)
	}
}

func TestFaults(t *testing.T) {
	s := serve(t)
	const messages = `"messages":[{"role":"user","content":"Hi"}]}`
	t.Run("errors have their status and OpenAI's shape", func(t *testing.T) {
		for model, status := range map[string]int{"mock-error-429": 429, "mock-error-500": 500} {
			r := post(t, s, `{"model":"`+model+`",`+messages)
			if r.StatusCode != status || decode(t, r.Body).Error == nil {
				t.Errorf("%s: status %d, want %d and an error", model, r.StatusCode, status)
			}
		}
	})
	t.Run("no-usage reports none, whole or streamed", func(t *testing.T) {
		if a := decode(t, post(t, s, `{"model":"mock-no-usage",`+messages).Body); a.Usage != nil {
			t.Errorf("usage %+v", a.Usage)
		}
		raw, _, _ := events(t, post(t, s, `{"model":"mock-no-usage","stream":true,"stream_options":{"include_usage":true},`+messages).Body)
		if strings.Contains(strings.Join(raw, ""), "prompt_tokens") {
			t.Error("the stream reports usage")
		}
	})
	t.Run("reset breaks off", func(t *testing.T) {
		if _, err := io.ReadAll(post(t, s, `{"model":"mock-reset",`+messages).Body); err == nil {
			t.Error("the whole answer arrived")
		}
		raw, done, err := events(t, post(t, s, `{"model":"mock-reset","stream":true,`+messages).Body)
		if err == nil || done || len(raw) == 0 {
			t.Errorf("%d events, done %v, error %v; want some events and a broken connection", len(raw), done, err)
		}
	})
	t.Run("error-midstream ends in an error event", func(t *testing.T) {
		raw, done, err := events(t, post(t, s, `{"model":"mock-error-midstream","stream":true,`+messages).Body)
		if err != nil || done || len(raw) < 2 || !strings.Contains(raw[len(raw)-1], `"error"`) {
			t.Errorf("events %v, done %v, error %v", raw, done, err)
		}
	})
	t.Run("overrun exceeds the limit", func(t *testing.T) {
		if a := decode(t, post(t, s, `{"model":"mock-overrun","max_tokens":10,`+messages).Body); a.Usage.Completion != 60 {
			t.Errorf("%d tokens, want 60", a.Usage.Completion)
		}
	})
	t.Run("hang and hold wait for a release", func(t *testing.T) {
		for _, model := range []string{"mock-hang", "mock-hold"} {
			answered := make(chan error, 1)
			go func() {
				r, err := s.Client().Post(s.URL+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"`+model+`","stream":true,`+messages))
				if err == nil {
					_, err = io.ReadAll(r.Body)
					_ = r.Body.Close()
				}
				answered <- err
			}()
			for waiting := true; waiting; {
				r, err := s.Client().Post(s.URL+"/_release", "", nil)
				if err != nil {
					t.Fatal(err)
				}
				_ = r.Body.Close()
				select {
				case err := <-answered:
					if err != nil {
						t.Errorf("%s: %v", model, err)
					}
					waiting = false
				default:
				}
			}
		}
	})
}

func TestBadRequestsAreRefusedAsOpenAIDoes(t *testing.T) {
	s := serve(t)
	for name, body := range map[string]string{
		"not JSON":        `{`,
		"no model":        `{"messages":[{"role":"user","content":"Hi"}]}`,
		"no messages":     `{"model":"gpt-4"}`,
		"two limits":      `{"model":"gpt-4","max_tokens":1,"max_completion_tokens":1,"messages":[{"role":"user","content":"Hi"}]}`,
		"limit 0":         `{"model":"gpt-4","max_tokens":0,"messages":[{"role":"user","content":"Hi"}]}`,
		"content a digit": `{"model":"gpt-4","messages":[{"role":"user","content":1}]}`,
	} {
		if r := post(t, s, body); r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, r.StatusCode)
		}
	}
}

func TestWhatArrivedCanBeReadBack(t *testing.T) {
	s := serve(t)
	for _, m := range []string{"one", "two", "three"} {
		post(t, s, `{"model":"`+m+`","messages":[{"role":"user","content":"Hi"}]}`)
	}
	r, err := s.Client().Get(s.URL + "/_received?last=2")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	var got []struct {
		Headers http.Header `json:"headers"`
		Body    string      `json:"body"`
	}
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !strings.Contains(got[0].Body, "two") || !strings.Contains(got[1].Body, "three") {
		t.Fatalf("got %+v, want the last two, oldest first", got)
	}
	if got[1].Headers.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", got[1].Headers)
	}
}
