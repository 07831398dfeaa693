package postgres

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// eventColumns are those of usage_events in the order of appendEvent.
const eventColumns = "occurred_on, at, org_id, reservation_id, kind, request_id, decision_id, user_id, key_id, team_id, department_id, project_id, " +
	"model, provider, priority, private, stream, input, cached_input, cache_write, output, reasoning, estimated, overrun, late, degraded, held, cost, " +
	"charges, legs, card_version, input_bound, output_limit, shrunk, status, outcome, shadow, millis"

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
	legs, err := json.Marshal(append([]alfred.LegAmount{}, e.Legs...))
	if err != nil {
		return nil, err
	}
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
	b = appendCharges(append(b, '\t'), e.Charges)
	b = appendText(append(b, '\t'), string(legs))
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
	return append(b, '\n'), nil
}

// appendCharges writes what json.Marshal would, without its detours: this is
// most of a row.
func appendCharges(b []byte, charges []alfred.CounterAmount) []byte {
	b = append(b, '[')
	for i, c := range charges {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"counter":{"kind":"`...)
		b = append(b, c.Counter.Kind...)
		b = append(b, `","subject":`...)
		quoted, _ := json.Marshal(c.Counter.Subject) // a string always has a form
		b = appendText(b, string(quoted))
		b = append(b, `,"window":{"start":"`...)
		b = c.Counter.Window.Start.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, `","end":"`...)
		b = c.Counter.Window.End.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, `"}},"amount":`...)
		b = append(b, c.Amount.String()...)
		b = append(b, '}')
	}
	return append(b, ']')
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

func appendInt(b []byte, all ...int64) []byte {
	for _, v := range all {
		b = strconv.AppendInt(append(b, '\t'), v, 10)
	}
	return b
}
