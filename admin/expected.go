package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// expected says for people what a schema takes, as "a whole number from 1 to
// 200". It is "" for a schema of which there is nothing short to say.
func expected(s *openapi3.Schema) string {
	if s == nil {
		return ""
	}
	if s.Type == nil && len(s.AllOf) > 0 {
		return expected(s.AllOf[0].Value)
	}
	text := ""
	switch {
	case len(s.Enum) > 0:
		text = "one of " + values(s.Enum)
	case s.Type == nil || s.Pattern != "":
		return ""
	case s.Type.Includes("array") && s.Items != nil:
		return expected(s.Items.Value)
	case s.Type.Includes("integer"):
		text = "a whole number" + bounds(s)
	case s.Type.Includes("number"):
		text = "a number" + bounds(s)
	case s.Type.Includes("boolean"):
		text = "true or false"
	case s.Format == "date-time":
		text = "a time such as 2026-11-23T12:00:00Z"
	case s.Type.Includes("string"):
		text = "text" + lengths(s)
	case s.Type.Includes("object"):
		text = "a JSON object"
	}
	if text != "" && s.Type != nil && s.Type.Includes("null") {
		text += ", or null"
	}
	return text
}

func values(enum []any) string {
	var out []string
	for _, v := range enum {
		if v != nil {
			out = append(out, fmt.Sprint(v))
		}
	}
	return strings.Join(out, ", ")
}

func bounds(s *openapi3.Schema) string {
	plain := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	switch {
	case s.Min != nil && s.Max != nil:
		return " from " + plain(*s.Min) + " to " + plain(*s.Max)
	case s.Min != nil:
		return " of at least " + plain(*s.Min)
	case s.Max != nil:
		return " of at most " + plain(*s.Max)
	}
	return ""
}

func lengths(s *openapi3.Schema) string {
	switch {
	case s.MinLength > 0 && s.MaxLength != nil:
		return fmt.Sprintf(" of %d to %d characters", s.MinLength, *s.MaxLength)
	case s.MaxLength != nil:
		return fmt.Sprintf(" of at most %d characters", *s.MaxLength)
	}
	return ""
}

// expectation is what a failed keyword of a schema asked for, where that says
// more than the validator does.
func expectation(e *openapi3.SchemaError) string {
	if e.Schema == nil || !slices.Contains([]string{"type", "nullable", "enum", "format", "minimum", "maximum", "minLength", "maxLength"}, e.SchemaField) {
		return ""
	}
	if strings.HasSuffix(e.SchemaField, "Length") {
		return "text" + lengths(e.Schema)
	}
	return expected(e.Schema)
}
