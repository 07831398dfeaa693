package extproc

import (
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
)

// headers is what Alfred reads of a request's headers.
type headers struct {
	method string
	path   string // without query
	bearer []string
	apiKey []string

	priority string
	private  bool
	project  string
	team     string

	remove []string // names that the provider must not see
}

// isForAlfred says whether a header is what the caller sends for Alfred, or
// about itself, so that it never reaches the provider. Authorization is
// overwritten instead.
func isForAlfred(name string) bool {
	switch name {
	case "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization",
		"x-privacy-mode", "x-priority", "x-project-id", "x-team-id", "x-approval-token",
		// These choose whose account at the provider is charged.
		"openai-organization", "openai-project":
		return true
	}
	return strings.HasPrefix(name, "x-alfred-")
}

func readHeaders(m *corev3.HeaderMap) headers {
	var h headers
	for _, f := range m.GetHeaders() {
		name, value := strings.ToLower(f.GetKey()), headerValue(f)
		switch name {
		case ":method":
			h.method = value
		case ":path":
			h.path, _, _ = strings.Cut(value, "?")
		case "authorization":
			h.bearer = append(h.bearer, bearerToken(value))
		case "x-api-key":
			h.apiKey = append(h.apiKey, strings.TrimSpace(value))
		case "x-priority":
			h.priority = join(h.priority, value)
		case "x-privacy-mode":
			h.private = true
		case "x-project-id":
			h.project = join(h.project, value)
		case "x-team-id":
			h.team = join(h.team, value)
		}
		if isForAlfred(name) {
			h.remove = append(h.remove, name)
		}
	}
	return h
}

// join reads a header that is sent twice as HTTP does, so that it will not
// pass for one of its values. A code or an id is never as long as maxValue;
// what is longer is cut, since it is repeated in the refusal.
func join(have, value string) string {
	value = strings.TrimSpace(value)
	if have != "" {
		value = have + ", " + value
	}
	return value[:min(len(value), maxValue)]
}

const maxValue = 200

// answerHeaders is what Alfred reads of a response's headers.
type answerHeaders struct {
	status   int
	events   bool // server-sent events
	encoding string
}

func readAnswerHeaders(m *corev3.HeaderMap) answerHeaders {
	var h answerHeaders
	for _, f := range m.GetHeaders() {
		switch value := headerValue(f); strings.ToLower(f.GetKey()) {
		case ":status":
			h.status, _ = strconv.Atoi(value)
		case "content-type":
			kind, _, _ := strings.Cut(value, ";")
			h.events = strings.EqualFold(strings.TrimSpace(kind), "text/event-stream")
		case "content-encoding":
			h.encoding = strings.ToLower(strings.TrimSpace(value))
		}
	}
	return h
}

// headerValue reads a value that Envoy sends in either of two fields.
func headerValue(f *corev3.HeaderValue) string {
	if raw := f.GetRawValue(); len(raw) > 0 {
		return string(raw)
	}
	return f.GetValue()
}
