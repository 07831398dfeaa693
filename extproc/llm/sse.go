package llm

import "bytes"

// maxEvent bounds an event of a stream. A longer one is passed on unread.
const maxEvent = 1 << 20

// eventSplitter finds where server-sent events end: at an empty line after CR, LF or CRLF, cut anywhere.
type eventSplitter struct {
	inLine  bool // the line at the cursor has a byte
	afterCR bool // the last byte was a CR: an LF now belongs to the same line end
}

// next returns the length of p up to the end of the first event that ends in it, or -1. Where that end is a CR, an LF that
// follows still belongs to it.
func (e *eventSplitter) next(p []byte) int {
	for i, c := range p {
		switch {
		case c == '\n' && e.afterCR:
			e.afterCR = false
		case c == '\n' || c == '\r':
			e.afterCR = c == '\r'
			if !e.inLine {
				return i + 1
			}
			e.inLine = false
		default:
			e.inLine, e.afterCR = true, false
		}
	}
	return -1
}

// eventData joins the data lines of one event. It copies only when there are several.
func eventData(event []byte) []byte {
	event = bytes.TrimPrefix(event, []byte("\ufeff"))
	var data []byte
	for lines := 0; len(event) > 0; {
		line := event
		if k := bytes.IndexAny(event, "\r\n"); k >= 0 {
			line, event = event[:k], event[k+1:]
		} else {
			event = nil
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		if string(field) != "data" {
			continue
		}
		value = bytes.TrimPrefix(value, []byte(" "))
		if lines++; lines == 1 {
			data = value
			continue
		}
		data = append(append(data[:len(data):len(data)], '\n'), value...)
	}
	return data
}
