package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// call is one completion that an SDK is to make.
type call struct {
	BaseURL       string         `json:"base_url"`
	Key           string         `json:"api_key"`
	Model         string         `json:"model"`
	Prompt        string         `json:"prompt"`
	MaxTokens     int            `json:"max_tokens,omitempty"`
	Stream        bool           `json:"stream,omitempty"`
	StreamOptions map[string]any `json:"stream_options,omitempty"`
}

// outcome is what the SDK's user saw.
type outcome struct {
	Text           string  `json:"text"`
	FinishReason   string  `json:"finish_reason"`
	TotalTokens    float64 `json:"total_tokens"`
	Chunks         int     `json:"chunks"`
	WithoutChoices int     `json:"without_choices"`
	Error          string  `json:"error"`
	Status         int     `json:"status"`
	Code           string  `json:"code"`
	Type           string  `json:"type"`
	Message        string  `json:"message"`
	RequestID      string  `json:"request_id"`
}

// sdk is an official client library, run as a child process.
type sdk struct {
	name    string
	install func(context.Context) (command []string, err error)
}

func sdks() []sdk {
	return []sdk{{"python", pythonSDK}, {"node", nodeSDK}}
}

// pythonSDK makes a virtual environment with the pinned packages, once for as long as the pins stay.
func pythonSDK(ctx context.Context) ([]string, error) {
	home, err := parts.Home()
	if err != nil {
		return nil, err
	}
	pins, err := os.ReadFile("sdk/requirements.txt")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(pins)
	venv, stamp := filepath.Join(home, "venv"), hex.EncodeToString(sum[:])
	python, mark := filepath.Join(venv, "bin", "python"), filepath.Join(venv, "alfred-e2e-pins")
	if made, err := os.ReadFile(mark); err != nil || string(made) != stamp {
		if err := execute(ctx, "", "python3", "-m", "venv", "--clear", venv); err != nil {
			return nil, err
		}
		if err := execute(ctx, "", python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "sdk/requirements.txt"); err != nil {
			return nil, err
		}
		if err := os.WriteFile(mark, []byte(stamp), 0o644); err != nil {
			return nil, err
		}
	}
	return []string{python, "sdk/calls.py"}, nil
}

// nodeSDK installs what package-lock.json pins, once for as long as the lock stays.
func nodeSDK(ctx context.Context) ([]string, error) {
	lock, err := os.ReadFile("sdk/package-lock.json")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(lock)
	mark, stamp := "sdk/node_modules/.alfred-e2e-lock", hex.EncodeToString(sum[:])
	if made, err := os.ReadFile(mark); err != nil || string(made) != stamp {
		if err := execute(ctx, "sdk", "npm", "ci", "--silent"); err != nil {
			return nil, err
		}
		if err := os.WriteFile(mark, []byte(stamp), 0o644); err != nil {
			return nil, err
		}
	}
	return []string{"node", "sdk/calls.mjs"}, nil
}

func execute(ctx context.Context, dir, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
	}
	return nil
}

// make has the SDK make the calls, one after another.
func (l sdk) make(t *testing.T, calls ...call) []outcome {
	t.Helper()
	command, err := l.install(t.Context())
	if err != nil {
		envoytest.Missing(t, "OpenAI SDK for "+l.name, err)
	}
	input, err := json.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	c.Stdin = bytes.NewReader(input)
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", l.name, err, complaints.String())
	}
	var outcomes []outcome
	if err := json.Unmarshal(out.Bytes(), &outcomes); err != nil || len(outcomes) != len(calls) {
		t.Fatalf("%s wrote %s: %v", l.name, out.String(), err)
	}
	return outcomes
}

// The official SDKs work unchanged: another base_url, another key.
func TestTheOfficialSDKs(t *testing.T) {
	s := start(t)
	owner := s.owner(t)
	poor := s.colleague(t, owner, "poor", 1)
	suspended := s.colleague(t, owner, "suspended", 1000)
	price := s.priceOfHolding(t, owner)
	s.call(t, owner.Key, http.MethodPatch, "/v1/admin/users/"+suspended.ID, map[string]any{"status": "suspended"}).into(t, http.StatusOK, nil)
	await(t, "the suspension counts", func() bool {
		return s.complete(t, suspended, chat("gpt-4", "Hello!")).StatusCode == http.StatusForbidden
	})
	for _, l := range sdks() {
		t.Run(l.name, func(t *testing.T) {
			to := func(key string) call {
				return call{BaseURL: s.URL + "/v1", Key: key, Model: "gpt-4", Prompt: "What is the capital of France?"}
			}
			t.Run("completion", func(t *testing.T) {
				before := s.settled(t, owner)
				got := l.make(t, to(owner.Key))[0]
				if got.Error != "" || got.Text == "" || got.FinishReason != "stop" || got.TotalTokens == 0 {
					t.Fatalf("got %+v", got)
				}
				s.wantUsed(t, owner, before.Used+got.TotalTokens)
			})
			t.Run("stream that asks for usage", func(t *testing.T) {
				before := s.settled(t, owner)
				c := to(owner.Key)
				c.Stream, c.StreamOptions = true, map[string]any{"include_usage": true}
				got := l.make(t, c)[0]
				if got.Error != "" || got.Text == "" || got.FinishReason != "stop" || got.WithoutChoices != 1 || got.TotalTokens == 0 {
					t.Fatalf("got %+v", got)
				}
				s.wantUsed(t, owner, before.Used+got.TotalTokens)
			})
			t.Run("stream that does not", func(t *testing.T) {
				before := s.settled(t, owner)
				asks, plain := to(owner.Key), to(owner.Key)
				asks.Stream, asks.StreamOptions = true, map[string]any{"include_usage": true}
				plain.Stream = true
				got := l.make(t, asks, plain)
				if got[1].Error != "" || got[1].Text == "" || got[1].FinishReason != "stop" {
					t.Fatalf("got %+v", got[1])
				}
				if got[1].WithoutChoices != 0 || got[1].TotalTokens != 0 {
					t.Errorf("a usage chunk came that was not asked for: %+v", got[1])
				}
				// The answer is the same, so both cost the same: what is charged is the truth, and not an estimate.
				s.wantUsed(t, owner, before.Used+2*got[0].TotalTokens)
			})
			t.Run("exhausted quota", func(t *testing.T) {
				before := s.Stat(t, "http.front_door.downstream_rq_total")
				got := l.make(t, to(poor.Key))[0]
				if got.Error != "RateLimitError" || got.Status != 429 || got.Code != "user_quota_exceeded" || got.Type != "insufficient_quota" || got.RequestID == "" {
					t.Errorf("got %+v", got)
				}
				if n := s.Stat(t, "http.front_door.downstream_rq_total") - before; n != 1 {
					t.Errorf("the SDK asked %d times for what cannot be had", n)
				}
			})
			t.Run("credits that another call holds", func(t *testing.T) {
				p := s.colleague(t, owner, "waiting-"+l.name, 2*price-1)
				first := s.background(p, hanging())
				await(t, "the first call is held", func() bool { return s.quota(t, p).Held == price })
				refused := s.refusals(t)
				released := make(chan struct{})
				go func() {
					defer close(released)
					await(t, "the SDK was refused once", func() bool { return s.refusals(t) > refused })
					s.release(t)
				}()
				c := to(p.Key)
				c.Prompt, c.MaxTokens = "Hello!", 100
				got := l.make(t, c)[0]
				<-released
				if got.Error != "" || got.Text == "" {
					t.Errorf("the SDK did not come again: %+v", got)
				}
				if a := <-first; a.status != http.StatusOK {
					t.Errorf("the first call ended with %d, %v: %s", a.status, a.failure, a.body)
				}
			})
			t.Run("bad key", func(t *testing.T) {
				got := l.make(t, to("tp-wrong"))[0]
				if got.Error != "AuthenticationError" || got.Status != 401 || got.Code != "invalid_api_key" {
					t.Errorf("got %+v", got)
				}
			})
			t.Run("suspended person", func(t *testing.T) {
				got := l.make(t, to(suspended.Key))[0]
				if got.Error != "PermissionDeniedError" || got.Status != 403 || got.Code != "user_suspended" {
					t.Errorf("got %+v", got)
				}
			})
		})
	}
}

// refusals counts the answers that were a 4xx.
func (e *edge) refusals(t *testing.T) int64 {
	t.Helper()
	return e.Stat(t, "http.front_door.downstream_rq_4xx")
}

// wantUsed waits until the person's usage is settled at a figure.
func (e *edge) wantUsed(t *testing.T, p person, want float64) {
	t.Helper()
	if got := e.settled(t, p); got.Used != want {
		t.Errorf("%s used %v, want %v", p.Email, got.Used, want)
	}
}
