package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	middleware "github.com/oapi-codegen/nethttp-middleware"

	"github.com/alfred-envoy/alfred"
)

// problem is the one error body for people, SDKs and scripts: RFC 9457 with
// OpenAI's error object inside.
type problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Instance  string       `json:"instance"`
	RequestID string       `json:"request_id"`
	Remedy    string       `json:"remedy,omitempty"`
	Code      alfred.Code  `json:"code"`
	Error     problemError `json:"error"`
}

type problemError struct {
	Message string      `json:"message"`
	Type    string      `json:"type"`
	Param   *string     `json:"param"`
	Code    alfred.Code `json:"code"`
}

// refuse writes an error as the caller may see it. An error without a code is
// internal: it is logged, and its text stays here. A dry run travels as an
// error too, since it must undo its transaction.
func (s *server) refuse(w http.ResponseWriter, c *call, err error) {
	var dry *dryRun
	if errors.As(err, &dry) {
		writeJSON(w, http.StatusOK, "application/json", dry)
		return
	}
	var e *alfred.Error
	switch {
	case errors.As(err, &e):
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e = &alfred.Error{Code: alfred.CodeUnavailable, Message: "The stores did not answer in time."}
	default:
		e = &alfred.Error{Code: alfred.CodeInternal, Message: "Something went wrong. Tell an admin the request id " + c.request + "."}
	}
	x := alfred.Explain(e.Code)
	if x.Status >= 500 {
		s.Log.Error("request failed", "request_id", c.request, "operation", c.operation, "err", err)
	}
	p := problem{
		Type: s.PublicURL + "/errors/" + string(e.Code), Title: x.Title, Status: x.Status, Detail: e.Message,
		Instance: "/requests/" + c.request, RequestID: c.request, Remedy: x.Remedy, Code: e.Code,
		Error: problemError{Message: e.Message, Type: x.Type, Code: e.Code},
	}
	if e.Field != "" {
		p.Error.Param = &e.Field
	}
	if x.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="alfred"`)
	}
	if x.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, x.Status, "application/problem+json", p)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"status":500}`)
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the client may be gone; there is nobody left to tell
}

// unreadable is a body or a parameter that could not be bound to its type.
func unreadable(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return alfred.Errorf(alfred.CodeTooLarge, "The body is larger than %s bytes.", alfred.Figure(large.Limit))
	}
	return &alfred.Error{Code: alfred.CodeValidation, Message: "The request cannot be read: " + err.Error(), Err: err}
}

// refuseInvalid answers what the document does not allow.
func (s *server) refuseInvalid(ctx context.Context, err error, w http.ResponseWriter, _ *http.Request, _ middleware.ErrorHandlerOpts) {
	s.refuse(w, callOf(ctx), invalid(err))
}

// invalid says in one sentence which field is wrong and why, without the
// schema that the validator would show.
func invalid(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return unreadable(err)
	}
	e := &alfred.Error{Code: alfred.CodeValidation, Message: "The request is not valid.", Err: err}
	var request *openapi3filter.RequestError
	if errors.As(err, &request) {
		switch {
		case request.Parameter != nil:
			e.Field = request.Parameter.Name
		case request.Reason != "":
			e.Message = "The body is not valid: " + request.Reason + "."
		}
	}
	if request != nil && request.Parameter != nil && !errors.Is(err, openapi3filter.ErrInvalidRequired) {
		if want := expected(request.Parameter.Schema.Value); want != "" {
			e.Message = e.Field + ": expected " + want + "."
			return e
		}
	}
	var schema *openapi3.SchemaError
	var parse *openapi3filter.ParseError
	switch {
	case errors.As(err, &schema):
		if path := schema.JSONPointer(); len(path) > 0 && e.Field == "" {
			e.Field = strings.Join(path, ".")
		}
		reason := reasonOf(schema.Reason)
		if want := expectation(schema); want != "" {
			reason = "expected " + want
		}
		if e.Field == "" {
			e.Field = quotedProperty(schema.Reason)
		}
		e.Message = orBody(e.Field) + ": " + strings.TrimSuffix(reason, ".") + "."
	case errors.As(err, &parse):
		e.Message = fmt.Sprintf("%s cannot be read: %s.", orBody(e.Field), firstLine(parse.Error()))
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
		e.Message = orBody(e.Field) + " is required."
	}
	return e
}

func orBody(field string) string {
	if field == "" {
		return "The body"
	}
	return field
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// reasonOf is the first cause of a schema's error. The validator of JSON
// Schema puts a headline over its causes, which stand as "- at '/x': cause".
func reasonOf(reason string) string {
	if _, name, ok := strings.Cut(reason, "property "); ok && strings.HasSuffix(name, " is unsupported") {
		return "there is no such field"
	}
	headline, causes, ok := strings.Cut(reason, "\n")
	if !ok || !strings.HasPrefix(headline, "jsonschema") {
		if strings.HasPrefix(headline, "string doesn't match the regular expression") {
			return "it does not have the form that is expected"
		}
		return headline
	}
	cause := firstLine(causes)
	if _, after, ok := strings.Cut(cause, "': "); ok {
		cause = after
	}
	cause, _, _ = strings.Cut(cause, ": string doesn't match pattern")
	return cause
}

// quotedProperty finds the property that a reason like `property "x" is
// unsupported` names.
func quotedProperty(reason string) string {
	for _, quote := range []string{`"`, `'`} {
		if _, rest, ok := strings.Cut(reason, quote); ok {
			if name, _, ok := strings.Cut(rest, quote); ok {
				return name
			}
		}
	}
	return ""
}
