package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is text that must not be printed. However it is formatted, logged or encoded, it shows as "[redacted]", or as nothing
// when it is empty.
type Secret string

// Reveal is the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// Format hides the text from every verb, %x, %q and %#v included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text from JSON and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
