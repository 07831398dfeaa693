package postgres

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alfred-envoy/alfred"
)

// maxName bounds what a client wrote (the name of a model, above all) in
// bytes, so that it fits an index.
const maxName = 256

// printable returns the event with what a client wrote made fit for the
// database, which refuses NUL and broken UTF-8 and indexes short keys. What
// happened is recorded, whatever somebody called the model.
func printable(e alfred.UsageEvent) alfred.UsageEvent {
	e.Model = short(e.Model)
	e.Charges = slices.Clone(e.Charges)
	for i := range e.Charges {
		e.Charges[i].Counter.Subject = short(e.Charges[i].Counter.Subject)
	}
	if e.Refused != nil {
		d := *e.Refused
		d.Model, d.Blocking, d.Field, d.Detail = short(d.Model), short(d.Blocking), short(d.Field), clean(d.Detail)
		e.Refused = &d
	}
	return e
}

func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func short(s string) string {
	s = clean(s)
	if len(s) <= maxName {
		return s
	}
	cut := maxName
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
