package admin

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
)

// page is where a list goes on, and how far.
type page struct {
	after   string
	limit   int
	filters string // a digest: a cursor is good for its own filters only
}

const defaultPage = 50

var errCursor = &alfred.Error{Code: alfred.CodeInvalidRequest, Field: "cursor", Message: "cursor: this is not a cursor of ours. Start again without it."}

// newPage reads a cursor. A cursor that belongs to other filters is refused:
// a list that silently started in the wrong place would be worse.
func newPage(cursor *string, limit *int, filters ...any) (page, error) {
	b, err := json.Marshal(filters)
	if err != nil {
		return page{}, fmt.Errorf("digest of filters: %w", err)
	}
	sum := sha256.Sum256(b)
	p := page{limit: defaultPage, filters: hex.EncodeToString(sum[:6])}
	if limit != nil {
		p.limit = *limit
	}
	if cursor == nil || *cursor == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*cursor)
	if err != nil || !utf8.Valid(raw) || bytes.ContainsFunc(raw, unicode.IsControl) || len(raw) <= len(p.filters) {
		return page{}, errCursor
	}
	if string(raw[:len(p.filters)]) != p.filters {
		return page{}, &alfred.Error{Code: alfred.CodeInvalidRequest, Field: "cursor", Message: "cursor: it belongs to other filters. Start again without it."}
	}
	p.after = string(raw[len(p.filters):])
	return p, nil
}

// cursor returns the cursor that goes on after a row.
func (p page) cursor(after string) nullable.Nullable[string] {
	return nullable.NewNullableWithValue(base64.RawURLEncoding.EncodeToString([]byte(p.filters + after)))
}

// cut takes the extra row away by which a list knows that it goes on.
func cut[T any](p page, rows []T, id func(T) string) (data []T, more bool, next nullable.Nullable[string]) {
	next = nullable.NewNullNullable[string]()
	if len(rows) > p.limit {
		rows, more = rows[:p.limit], true
		next = p.cursor(id(rows[len(rows)-1]))
	}
	return rows, more, next
}

// orNull turns a zero value into JSON's null.
func orNull[T comparable](v T) nullable.Nullable[T] {
	var zero T
	if v == zero {
		return nullable.NewNullNullable[T]()
	}
	return nullable.NewNullableWithValue(v)
}

// pointed turns a pointer into a value or null.
func pointed[T any](v *T) nullable.Nullable[T] {
	if v == nil {
		return nullable.NewNullNullable[T]()
	}
	return nullable.NewNullableWithValue(*v)
}

// given returns what a nullable field holds: nil for null.
func given[T any](n nullable.Nullable[T]) *T {
	if v, err := n.Get(); err == nil {
		return &v
	}
	return nil
}

// value returns *p, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
