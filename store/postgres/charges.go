package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Charges and legs are most of what an event says, and nearly all of it twice:
// whose counters they are stands in the other columns, all are of one window,
// and each is given the whole cost. So they are written short, as JSON strings:
//
//	"1793491200/1796083200 org user personal team=team_7:250"
//	"personal"
//
// The counters of a window stand behind its start and end, in seconds, and ';'
// separates windows. A counter or leg is its kind, its subject unless that is
// the event's own, and its amount in micro-credits unless that is the cost.
// The SQL function usage_charges reads the same.
//
// What does not fit that form is written whole, as an array of objects, which
// is also how older versions wrote everything. Both are read.

// writeCharges is what the column charges holds of an event.
func writeCharges(b []byte, e alfred.UsageEvent) ([]byte, error) {
	began := len(b)
	b = append(b, '"')
	var in alfred.Window
	for i, c := range e.Charges {
		w := c.Counter.Window
		if !plainWord(string(c.Counter.Kind)) || !plainTime(w.Start) || !plainTime(w.End) {
			return inFull(b[:began], e.Charges)
		}
		if i == 0 || !w.Start.Equal(in.Start) || !w.End.Equal(in.End) {
			if i > 0 {
				b = append(b, ';')
			}
			b = strconv.AppendInt(b, w.Start.Unix(), 10)
			b = append(b, '/')
			b = strconv.AppendInt(b, w.End.Unix(), 10)
			in = w
		}
		var ok bool
		own := c.Counter.Subject == ownSubject(e, c.Counter.Kind)
		if b, ok = appendWord(append(b, ' '), string(c.Counter.Kind), c.Counter.Subject, own, c.Amount, e.Cost); !ok {
			return inFull(b[:began], e.Charges)
		}
	}
	if len(e.Charges) == 0 {
		return append(b[:began], "[]"...), nil
	}
	return append(b, '"'), nil
}

// writeLegs is what the column legs holds of an event.
func writeLegs(b []byte, e alfred.UsageEvent) ([]byte, error) {
	began := len(b)
	b = append(b, '"')
	for i, l := range e.Legs {
		if i > 0 {
			b = append(b, ' ')
		}
		ok := plainWord(string(l.Kind))
		if ok {
			b, ok = appendWord(b, string(l.Kind), l.Subject, l.Subject == ownLeg(e, l.Kind), l.Amount, e.Cost)
		}
		if !ok {
			return inFull(b[:began], e.Legs)
		}
	}
	if len(e.Legs) == 0 {
		return append(b[:began], "[]"...), nil
	}
	return append(b, '"'), nil
}

func inFull[T any](b []byte, all []T) ([]byte, error) {
	text, err := json.Marshal(all)
	return append(b, text...), err
}

// appendWord is false where a word could not be read again.
func appendWord(b []byte, kind, subject string, own bool, amount, cost alfred.Credits) ([]byte, bool) {
	b = append(b, kind...)
	if !own {
		if !plainWord(subject) {
			return b, false
		}
		b = append(append(b, '='), subject...)
	}
	if amount != cost {
		b = strconv.AppendInt(append(b, ':'), int64(amount), 10)
	}
	return b, true
}

// plainWord says whether a text needs no escape, in this form or in JSON.
func plainWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte(`;=:"\`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func plainTime(t time.Time) bool { return t.Nanosecond() == 0 }

// ownSubject is whose counter of a kind an event adds to, as a rule.
func ownSubject(e alfred.UsageEvent, kind alfred.CounterKind) string {
	switch kind {
	case alfred.CountOrg:
		return string(e.Org)
	case alfred.CountDept:
		return string(e.Department)
	case alfred.CountTeam, alfred.CountPool:
		return string(e.Team)
	case alfred.CountKey:
		return string(e.Key)
	case alfred.CountProject:
		return string(e.Project)
	case alfred.CountModel:
		return e.Model
	case alfred.CountShare:
		return alfred.ShareSubject(e.Team, e.User)
	default:
		return string(e.User)
	}
}

// ownLeg is who pays a leg of an event, as a rule.
func ownLeg(e alfred.UsageEvent, kind alfred.LegKind) string {
	if kind == alfred.LegTeam {
		return string(e.Team)
	}
	return string(e.User)
}

// readPaid fills in the charges and legs of an event, the rest of which is known.
func readPaid(e *alfred.UsageEvent, charges, legs json.RawMessage) (err error) {
	if e.Charges, err = readCharges(*e, charges); err == nil {
		e.Legs, err = readLegs(*e, legs)
	}
	if err != nil {
		return fmt.Errorf("read event %s of %s: %w", e.Kind, e.Reservation, err)
	}
	return nil
}

func readCharges(e alfred.UsageEvent, raw json.RawMessage) (all []alfred.CounterAmount, err error) {
	text, short, err := shortForm(raw)
	if !short {
		if err == nil {
			err = json.Unmarshal(raw, &all)
		}
		return filled(all), err
	}
	for line := range strings.SplitSeq(text, ";") {
		bounds, words, _ := strings.Cut(line, " ")
		start, end, _ := strings.Cut(bounds, "/")
		var w alfred.Window
		if w.Start, err = second(start); err != nil {
			return nil, err
		}
		if w.End, err = second(end); err != nil {
			return nil, err
		}
		for word := range strings.SplitSeq(words, " ") {
			kind, subject, named, amount, err := readWord(word, e.Cost)
			if err != nil {
				return nil, err
			}
			if !named {
				subject = ownSubject(e, alfred.CounterKind(kind))
			}
			all = append(all, alfred.CounterAmount{Counter: alfred.Counter{Kind: alfred.CounterKind(kind), Subject: subject, Window: w}, Amount: amount})
		}
	}
	return all, nil
}

func readLegs(e alfred.UsageEvent, raw json.RawMessage) (all []alfred.LegAmount, err error) {
	text, short, err := shortForm(raw)
	if !short {
		if err == nil {
			err = json.Unmarshal(raw, &all)
		}
		return filled(all), err
	}
	for word := range strings.SplitSeq(text, " ") {
		kind, subject, named, amount, err := readWord(word, e.Cost)
		if err != nil {
			return nil, err
		}
		if !named {
			subject = ownLeg(e, alfred.LegKind(kind))
		}
		all = append(all, alfred.LegAmount{Kind: alfred.LegKind(kind), Subject: subject, Amount: amount})
	}
	return all, nil
}

// shortForm is the text of a JSON string; an array is not one.
func shortForm(raw json.RawMessage) (text string, short bool, err error) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false, nil
	}
	err = json.Unmarshal(raw, &text)
	return text, err == nil, err
}

func readWord(word string, cost alfred.Credits) (kind, subject string, named bool, amount alfred.Credits, err error) {
	word, digits, given := strings.Cut(word, ":")
	amount = cost
	if given {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return "", "", false, 0, fmt.Errorf("amount %q: %w", digits, err)
		}
		amount = alfred.Credits(n)
	}
	kind, subject, named = strings.Cut(word, "=")
	return kind, subject, named, amount, nil
}

func second(digits string) (time.Time, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	return time.Unix(n, 0).UTC(), err
}
