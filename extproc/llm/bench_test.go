package llm

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// benchmarkBodies are requests with one prompt of 1 MiB.
func benchmarkBodies(b *testing.B) map[string][]byte {
	units := map[string]string{
		"english": "The committee met on Thursday, and nobody was surprised that engineering asked for more than half of it. ",
		"code":    "func (w Window) Next(now time.Time) error {\n\tif w.Anchor < 1 {\n\t\treturn fmt.Errorf(\"anchor %d\", w.Anchor)\n\t}\n}\n",
		"chinese": "委员会于星期四开会，决定剩余的预算应如何在四个部门之间分配。",
	}
	bodies := map[string][]byte{}
	for name, unit := range units {
		prompt := quote(b, strings.Repeat(unit, 1<<20/len(unit)))
		bodies[name] = []byte(`{"model":"gpt-4o","messages":[{"role":"user","content":` + string(prompt) + `}],"stream":true,"max_tokens":100}`)
	}
	return bodies
}

func BenchmarkParseChatRequest1MiB(b *testing.B) {
	for name, body := range benchmarkBodies(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseChatRequest(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTokenWalk1MiB is the baseline: a walk over the tokens of the same bytes.
func BenchmarkTokenWalk1MiB(b *testing.B) {
	for name, body := range benchmarkBodies(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				d := jsontext.NewDecoder(bytes.NewBuffer(body))
				for {
					_, err := d.ReadToken()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
