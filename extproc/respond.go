package extproc

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"

	"github.com/alfred-envoy/alfred"
)

// problem is the body of a refusal: RFC 9457 for scripts and people, and
// OpenAI's error object for its SDKs, in one.
type problem struct {
	Type       string            `json:"type"`
	Title      string            `json:"title"`
	Status     int               `json:"status"`
	Detail     string            `json:"detail"`
	Code       alfred.Code       `json:"code"`
	Instance   string            `json:"instance,omitempty"`
	DecisionID alfred.DecisionID `json:"decision_id,omitempty"`
	RequestID  alfred.RequestID  `json:"request_id"`
	ResetsAt   *time.Time        `json:"resets_at,omitempty"`
	Remaining  *alfred.Credits   `json:"remaining,omitempty"`
	Ask        string            `json:"ask,omitempty"`
	Error      openAIError       `json:"error"`
}

type openAIError struct {
	Message string      `json:"message"`
	Type    string      `json:"type"`
	Param   *string     `json:"param"`
	Code    alfred.Code `json:"code"`
}

// refusal is the answer to a request that does not go upstream. The status is
// always written: Envoy would make 200 of a missing one.
func refusal(publicURL string, d alfred.Decision, zone *time.Location) *extprocv3.ProcessingResponse {
	why := alfred.Explain(d.Code)
	p := problem{
		Type: publicURL + "/errors/" + string(why.Code), Title: why.Title, Status: why.Status, Detail: d.Detail, Code: why.Code,
		RequestID: d.Request, Ask: d.Ask,
		Error: openAIError{Message: d.Detail, Type: why.Type, Code: why.Code},
	}
	if d.Field != "" {
		p.Error.Param = &d.Field
	}
	set := []*corev3.HeaderValueOption{
		header("content-type", "application/json"),
		header("x-alfred-request-id", string(d.Request)),
		header("x-should-retry", strconv.FormatBool(d.Retry)),
	}
	if d.User != "" {
		p.Instance, p.DecisionID = "/v1/decisions/"+string(d.ID), d.ID
		set = append(set, header("x-alfred-decision-id", string(d.ID)))
	}
	if d.Blocking != "" && d.Code != alfred.CodeRateLimited {
		p.Remaining = &d.Remaining
		set = append(set, header("x-alfred-remaining", d.Remaining.String()))
	}
	if !d.ResetsAt.IsZero() {
		resets := d.ResetsAt.In(zone)
		p.ResetsAt = &resets
		set = append(set, header("x-alfred-reset", resets.Format(time.RFC3339)))
	}
	if d.Lowered {
		set = append(set, header("x-alfred-priority", string(d.Priority)))
	}
	if d.RetryAfter > 0 {
		set = append(set, header("retry-after", strconv.FormatInt(d.RetryAfter, 10)))
	}
	if d.Degraded != "" {
		set = append(set, header("x-alfred-degraded", d.Degraded))
	}
	switch why.Status {
	case http.StatusUnauthorized:
		set = append(set, header("www-authenticate", "Bearer"))
	case http.StatusMethodNotAllowed:
		// Such a refusal names the method that would do.
		set = append(set, header("allow", d.Field))
		p.Error.Param = nil
	}
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte("{}") // no field of problem can fail
	}
	return immediate(why.Status, set, body, "alfred_"+string(why.Code))
}

// immediate answers in the provider's place.
func immediate(status int, set []*corev3.HeaderValueOption, body []byte, details string) *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ImmediateResponse{
		ImmediateResponse: &extprocv3.ImmediateResponse{
			Status:  &typev3.HttpStatus{Code: typev3.StatusCode(status)},
			Headers: &extprocv3.HeaderMutation{SetHeaders: set},
			Body:    body,
			Details: details,
		},
	}}
}

// modelList is the answer to GET /v1/models, in OpenAI's shape: the catalog's
// models, or, where it names none, those that Alfred knows.
func modelList(c *alfred.Catalog, b backends) []byte {
	type entry struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	list := struct {
		Object string  `json:"object"`
		Data   []entry `json:"data"`
	}{"list", []entry{}}
	add := func(name, provider string) {
		owner, _ := b.choose(name, provider)
		list.Data = append(list.Data, entry{name, "model", max(0, c.Card.Effective.Unix()), owner.Name})
	}
	for _, m := range c.Models {
		add(m.Name, m.Provider)
	}
	if len(c.Models) == 0 {
		for _, m := range alfred.KnownModels() {
			add(m.Name, m.Provider)
		}
	}
	body, err := json.Marshal(list)
	if err != nil {
		body = []byte("{}") // no field of it can fail
	}
	return body
}

// forward sends an admitted request to its provider. The one reply carries
// the route, the path, the credential and, if it was edited, the body.
func forward(b Backend, remove []string, edited []byte) *extprocv3.ProcessingResponse {
	set := []*corev3.HeaderValueOption{
		header(":path", b.path+"/chat/completions"),
		header("x-alfred-backend", b.Name),
		header("accept-encoding", "identity"),
	}
	if b.Authorization != "" {
		set = append(set, header("authorization", b.Authorization))
	} else {
		remove = append(remove, "authorization")
	}
	common := &extprocv3.CommonResponse{
		HeaderMutation:  &extprocv3.HeaderMutation{RemoveHeaders: remove},
		ClearRouteCache: true,
	}
	if edited != nil {
		set = append(set, header("content-length", strconv.Itoa(len(edited))))
		common.BodyMutation = &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: edited}}
	}
	common.HeaderMutation.SetHeaders = set
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestBody{
		RequestBody: &extprocv3.BodyResponse{Response: common},
	}}
}

// tell is the reply to response headers: what a person needs to know. With
// unread, the body passes without being shown.
func tell(d alfred.Decision, h *Hold, zone *time.Location, unread bool) *extprocv3.ProcessingResponse {
	set := []*corev3.HeaderValueOption{
		header("x-alfred-request-id", string(d.Request)),
		header("x-alfred-decision-id", string(d.ID)),
	}
	if d.Degraded == "" && d.Remaining != alfred.Unlimited {
		set = append(set, header("x-alfred-remaining", d.Remaining.Floor0().String()))
	}
	if !d.ResetsAt.IsZero() {
		set = append(set, header("x-alfred-reset", d.ResetsAt.In(zone).Format(time.RFC3339)))
	}
	if h.limit > 0 {
		set = append(set, header("x-alfred-output-limit", strconv.FormatInt(h.limit, 10)))
	}
	if d.Lowered {
		set = append(set, header("x-alfred-priority", string(d.Priority)))
	}
	if d.Degraded != "" {
		set = append(set, header("x-alfred-degraded", d.Degraded))
	}
	r := &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{
		ResponseHeaders: &extprocv3.HeadersResponse{Response: &extprocv3.CommonResponse{
			HeaderMutation: &extprocv3.HeaderMutation{SetHeaders: set},
		}},
	}}
	if unread {
		r.ModeOverride = &filterv3.ProcessingMode{
			RequestBodyMode: filterv3.ProcessingMode_NONE, ResponseBodyMode: filterv3.ProcessingMode_NONE,
		}
	}
	return r
}

func header(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: name, RawValue: []byte(value)},
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}

// Replies that change nothing.

func passRequestHeaders() *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: &extprocv3.HeadersResponse{}}}
}

func passResponseHeaders() *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: &extprocv3.HeadersResponse{}}}
}

func passChunk() *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: &extprocv3.BodyResponse{}}}
}

// replaceChunk passes other bytes on than those that came. They are copied
// by sending, so the reader may use its memory again after that.
func replaceChunk(b []byte) *extprocv3.ProcessingResponse {
	mutation := &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: b}}
	if len(b) == 0 {
		mutation.Mutation = &extprocv3.BodyMutation_ClearBody{ClearBody: true}
	}
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseBody{
		ResponseBody: &extprocv3.BodyResponse{Response: &extprocv3.CommonResponse{BodyMutation: mutation}},
	}}
}
