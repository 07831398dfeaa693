package postgres

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// eventColumns are those of usage_events in the order of appendEvent.
const (
	eventColumns       = eventColumnsBefore + eventColumnsAfter
	eventColumnsBefore = "occurred_on, at, org_id, reservation_id, kind, request_id, decision_id, user_id, key_id, team_id, department_id, project_id, " +
		"model, provider, priority, private, stream, input, cached_input, cache_write, output, reasoning, estimated, overrun, late, degraded, held, cost, " +
		"charges, legs, card_version, input_bound, output_limit, shrunk, status, outcome, shadow, millis"
	eventColumnsAfter = ", decided_millis, first_byte_millis"
)

// writeEvents writes rows in the text form of COPY, which is much quicker
// than a statement each.
func writeEvents(to io.Writer, events []alfred.UsageEvent) error {
	out := bufio.NewWriterSize(to, 1<<18)
	var line []byte
	for _, e := range events {
		var err error
		if line, err = appendEvent(line[:0], e); err != nil {
			return err
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

func appendEvent(b []byte, e alfred.UsageEvent) ([]byte, error) {
	at := e.At.UTC()
	b = at.AppendFormat(b, time.DateOnly)
	b = append(b, '\t')
	b = at.AppendFormat(b, "2006-01-02 15:04:05.000000+00")
	for _, s := range []string{
		string(e.Org), string(e.Reservation), string(e.Kind), string(e.Request), string(e.Decision), string(e.User), string(e.Key), string(e.Team),
		string(e.Department), string(e.Project), e.Model, e.Provider, string(e.Priority),
	} {
		b = appendText(append(b, '\t'), s)
	}
	b = appendBool(b, e.Private, e.Stream)
	b = appendInt(b, e.Usage.Input, e.Usage.CachedInput, e.Usage.CacheWrite, e.Usage.Output, e.Usage.Reasoning)
	b = appendBool(b, e.Estimated, e.Overrun, e.Late)
	b = appendText(append(b, '\t'), e.Degraded)
	b = appendInt(b, int64(e.Held), int64(e.Cost))
	b, err := appendJSON(append(b, '\t'), e, writeCharges)
	if err != nil {
		return nil, err
	}
	if b, err = appendJSON(append(b, '\t'), e, writeLegs); err != nil {
		return nil, err
	}
	b = appendInt(b, e.CardVersion, e.InputBound, e.OutputLimit)
	b = appendBool(b, e.Shrunk)
	b = appendInt(b, int64(e.Status))
	b = appendText(append(b, '\t'), string(e.Outcome))
	shadow := make([]string, len(e.Shadow))
	for i, c := range e.Shadow {
		shadow[i] = strconv.Quote(string(c))
	}
	b = appendText(append(b, '\t'), "{"+strings.Join(shadow, ",")+"}")
	b = appendInt(b, e.Millis)
	b = appendOptional(b, e.DecidedMillis, e.FirstByteMillis)
	return append(b, '\n'), nil
}

// appendJSON adds what write does, with escapes where there is anything to
// escape.
func appendJSON(b []byte, e alfred.UsageEvent, write func([]byte, alfred.UsageEvent) ([]byte, error)) ([]byte, error) {
	began := len(b)
	b, err := write(b, e)
	if err != nil || bytes.IndexByte(b[began:], '\\') < 0 {
		return b, err
	}
	return appendText(b[:began], string(b[began:])), nil
}

// appendText escapes what COPY would take for its own.
func appendText(b []byte, s string) []byte {
	if !strings.ContainsAny(s, "\\\t\n\r") {
		return append(b, s...)
	}
	for i := range len(s) {
		switch s[i] {
		case '\\', '\t', '\n', '\r':
			b = append(b, '\\', map[byte]byte{'\\': '\\', '\t': 't', '\n': 'n', '\r': 'r'}[s[i]])
		default:
			b = append(b, s[i])
		}
	}
	return b
}

func appendBool(b []byte, all ...bool) []byte {
	for _, v := range all {
		b = append(b, '\t', "ft"[map[bool]int{false: 0, true: 1}[v]])
	}
	return b
}

func appendOptional(b []byte, all ...*int64) []byte {
	for _, v := range all {
		if v == nil {
			b = append(b, "\t\\N"...)
		} else {
			b = appendInt(b, *v)
		}
	}
	return b
}

func appendInt(b []byte, all ...int64) []byte {
	for _, v := range all {
		b = strconv.AppendInt(append(b, '\t'), v, 10)
	}
	return b
}
