package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alfred-envoy/alfred"
)

// strict refuses what one reader could take for another thing than the next:
// a query that is not understood whole, and a body that is not one JSON
// document with each name once. Numbers are passed on without exponents, so
// that amounts are read exactly.
func (s *server) strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := callOf(r.Context())
		if !storable(r.URL.Path) {
			s.refuse(w, c, alfred.Errorf(alfred.CodeNotFound, "There is no %s.", printable(r.URL.Path)))
			return
		}
		known := s.parameters(r)
		if err := checkQuery(r, known); err != nil {
			s.refuse(w, c, err)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.refuse(w, c, unreadable(err))
			return
		}
		if body, err = plainJSON(body); err != nil {
			s.refuse(w, c, err)
			return
		}
		r = r.Clone(r.Context())
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, r)
	})
}

// parameters are the names that a query of this operation may have.
func (s *server) parameters(r *http.Request) []string {
	route, _, err := s.router.FindRoute(r)
	if err != nil {
		return nil
	}
	var out []string
	for _, p := range append(slices.Clone(route.PathItem.Parameters), route.Operation.Parameters...) {
		if p.Value.In == openapi3.ParameterInQuery {
			out = append(out, p.Value.Name)
		}
	}
	return out
}

// checkQuery refuses a query that would be read in part: the rest of
// "?dry_run=true;x" is a write.
func checkQuery(r *http.Request, known []string) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &alfred.Error{Code: alfred.CodeValidation, Message: "The query cannot be read: it is not name=value pairs between ampersands.", Err: err}
	}
	for name, values := range query {
		switch {
		case !slices.Contains(known, name) && r.Method != http.MethodGet:
			return &alfred.Error{Code: alfred.CodeValidation, Field: printable(name), Message: fmt.Sprintf("%s is not a parameter of this operation.", printable(name))}
		case name == "cursor" && !plainToken(values[0]) && values[0] != "":
			return errCursor
		case slices.ContainsFunc(values, func(v string) bool { return !storable(v) }):
			return alfred.Invalid(printable(name), "expected text in UTF-8 without NUL.")
		case slices.Contains(known, name) && len(values) > 1:
			return alfred.Invalid(name, "expected once, and it is there %d times.", len(values))
		}
	}
	_, err = dryRunOf(query)
	return err
}

// dryRunOf reads ?dry_run. What is neither a clear yes nor a clear no is an
// error, since a no writes.
func dryRunOf(query url.Values) (bool, error) {
	if !query.Has("dry_run") {
		return false, nil
	}
	dry, err := strconv.ParseBool(query.Get("dry_run"))
	if err != nil {
		return false, alfred.Invalid("dry_run", "expected true or false.")
	}
	return dry, nil
}

// storable says whether the record can hold a text.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// printable makes what a client sent fit for a message.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}

// plainJSON checks that a body is one JSON document and returns it with its
// numbers written out. An empty body stays empty.
func plainJSON(body []byte) ([]byte, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	var out []byte
	d, copied := jsontext.NewDecoder(bytes.NewReader(body)), 0
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) && copied == 0 && d.InputOffset() == 0 {
			return nil, notJSON(d, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return nil, notJSON(d, err)
		}
		field := fieldOf(d.StackPointer())
		switch token.Kind() { //nolint:exhaustive // nothing else needs a look
		case '"':
			if strings.ContainsRune(token.String(), 0) {
				return nil, badField(field, "a NUL character cannot be stored")
			}
		case '0':
			number := token.String()
			exact, ok := withoutExponent(number)
			if !ok {
				return nil, badField(field, fmt.Sprintf("%.40s is not a number that is used here", number))
			}
			if _, frac, _ := strings.Cut(exact, "."); len(frac) > maxDecimals {
				return nil, badField(field, fmt.Sprintf("%.40s has more than %d decimals", number, maxDecimals))
			}
			if exact != number {
				end := int(d.InputOffset())
				out = append(append(out, body[copied:end-len(number)]...), exact...)
				copied = end
			}
		}
		if d.StackDepth() == 0 {
			break
		}
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, badField("", "there is more after the first JSON document")
	}
	return append(out, body[copied:]...), nil
}

// longestNumber bounds a number that is written out. The largest amount has
// ten digits before the point and six after it.
const longestNumber = 40

// maxDecimals is how many decimals an amount of credits has.
const maxDecimals = 6

// withoutExponent writes a JSON number as a plain decimal, exactly.
func withoutExponent(number string) (string, bool) {
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return number, len(number) <= longestNumber
	}
	exponent, err := strconv.Atoi(number[at+1:])
	if err != nil || exponent > longestNumber || exponent < -longestNumber || at > longestNumber {
		return "", false
	}
	digits, negative := strings.CutPrefix(number[:at], "-")
	whole, frac, _ := strings.Cut(digits, ".")
	point := len(whole) + exponent
	digits = whole + frac
	if point < 1 {
		digits, point = strings.Repeat("0", 1-point)+digits, 1
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	whole, frac = strings.TrimLeft(digits[:point], "0"), strings.TrimRight(digits[point:], "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	if negative {
		whole = "-" + whole
	}
	return whole, len(whole) <= longestNumber
}

// notJSON says for people what is wrong with a body, and where.
func notJSON(d *jsontext.Decoder, err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return badField("", "it ends too early")
	}
	field := fieldOf(syntax.JSONPointer)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return badField(field, "it is there twice")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badField("", "it ends too early")
	case strings.Contains(syntax.Err.Error(), "UTF-8"), strings.Contains(syntax.Err.Error(), "surrogate"):
		return badField(field, "its text is not valid UTF-8")
	default:
		return badField(field, fmt.Sprintf("it is not JSON at byte %d", syntax.ByteOffset))
	}
}

func badField(field, problem string) error {
	if field == "" {
		return &alfred.Error{Code: alfred.CodeValidation, Message: "The body is not valid: " + problem + "."}
	}
	return &alfred.Error{Code: alfred.CodeValidation, Field: field, Message: field + ": " + problem + "."}
}

func fieldOf(p jsontext.Pointer) string {
	return printable(strings.Join(slices.Collect(p.Tokens()), "."))
}
