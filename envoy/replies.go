package envoy

import (
	"encoding/json"
	"fmt"
	"strings"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	celv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/filters/cel/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	"github.com/alfred-envoy/alfred"
)

// What an error is labelled as. The body is the same: RFC 9457's fields beside OpenAI's error object.
const (
	openAI  = "application/json"         // for callers of models
	problem = "application/problem+json" // for the control plane
)

type errorBody struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Detail string      `json:"detail"`
	Error  openAIError `json:"error"`
}

type openAIError struct {
	Message string      `json:"message"`
	Type    string      `json:"type"`
	Param   *string     `json:"param"`
	Code    alfred.Code `json:"code"`
}

func (b *builder) body(code alfred.Code, detail string) string {
	e := alfred.Explain(code)
	body := errorBody{
		Type: b.PublicURL + "/errors/" + string(code), Title: e.Title, Status: e.Status, Detail: detail,
		Error: openAIError{Message: detail, Type: e.Type, Code: code},
	}
	text, err := json.Marshal(body)
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("render error body: %w", err)
	}
	return string(text)
}

// reply rewrites one kind of answer that Envoy makes itself.
type reply struct {
	when   string // over Envoy's attributes
	code   alfred.Code
	as     string // content type
	detail string
}

const (
	upstreamFailed = `response.code_details.startsWith("upstream_reset") || response.code_details.startsWith("upstream_overflow") || ` +
		`response.code_details == "no_healthy_upstream" || response.code_details.startsWith("cluster_not_found") || ` +
		`response.code_details.startsWith("upstream_max_stream_duration_reached") || response.code_details.startsWith("upstream_per_try")`
	brokenOff   = `response.code_details.startsWith("upstream_reset_after_response_started")`
	tookTooLong = `response.code_details in ["response_timeout", "upstream_response_timeout", "stream_idle_timeout", "max_duration_timeout"]`
	toAdmin     = `xds.cluster_name == "` + adminCluster + `"`
)

// replies are told apart by response_code_details, which Envoy fills in for what it says itself. Alfred's immediate responses
// carry other details or none, and what an upstream answered is no local reply, so neither is touched.
var replies = []reply{
	{
		toAdmin + ` && (` + upstreamFailed + ` || ` + tookTooLong + `)`, alfred.CodeUnavailable, problem,
		"The control plane does not answer. Model calls are not affected.",
	},
	{
		`response.code_details.startsWith("ext_proc_error") || response.code_details.startsWith("header_mutation_")`, alfred.CodeUnavailable, openAI,
		"The gateway could not decide on this request, so it did not let it pass.",
	},
	{
		`response.code_details == "request_payload_too_large"`, alfred.CodeTooLarge, openAI,
		fmt.Sprintf("The request's body is larger than %d MiB.", BodyLimit>>20),
	},
	{
		tookTooLong + ` && response.code == 504`, alfred.CodeUpstream, openAI,
		"The provider did not answer in time.",
	},
	{
		brokenOff, alfred.CodeBroken, openAI,
		"The provider broke off its answer. What it had received is charged as an estimate.",
	},
	{
		upstreamFailed, alfred.CodeUpstream, openAI,
		"The provider cannot be reached, or broke the connection.",
	},
	{
		`response.code >= 400 && response.code < 500 && (response.code_details.startsWith("http1.") || response.code_details.startsWith("http2.") || ` +
			`response.code_details in ["low_version", "missing_host_header", "missing_path_rejected", "path_normalization_failed", "absolute_path_rejected", ` +
			`"request_headers_failed_strict_check", "invalid_path", "upgrade_failed", "request_header_timeout", "request_overall_timeout", "stream_idle_timeout", ` +
			`"request_headers_too_large", "invalid_scheme", "via_upstream_host_header"])`, alfred.CodeInvalidRequest, openAI,
		"The request is not HTTP that this gateway accepts (%RESPONSE_CODE_DETAILS%).",
	},
	{
		`response.code >= 500 && response.code_details in ["response_payload_too_large", "overload", "internal_error", "route_not_found"]`, alfred.CodeUnavailable, openAI,
		"The gateway is overloaded or misconfigured.",
	},
}

func (b *builder) localReplies() *hcmv3.LocalReplyConfig {
	var mappers []*hcmv3.ResponseMapper
	for _, r := range replies {
		mappers = append(mappers, &hcmv3.ResponseMapper{
			Filter: b.cel(r.when),
			BodyFormatOverride: &corev3.SubstitutionFormatString{
				Format: &corev3.SubstitutionFormatString_TextFormatSource{TextFormatSource: &corev3.DataSource{
					Specifier: &corev3.DataSource_InlineString{InlineString: b.replyFormat(r)},
				}},
				ContentType: r.as,
			},
		})
	}
	return &hcmv3.LocalReplyConfig{Mappers: mappers}
}

// replyFormat is the body as a format of Envoy's, in which the status is whatever Envoy answered.
func (b *builder) replyFormat(r reply) string {
	const command = "%RESPONSE_CODE_DETAILS%"
	text := b.body(r.code, strings.ReplaceAll(r.detail, command, "\x00"))
	text = strings.ReplaceAll(text, "%", "%%")
	text = strings.ReplaceAll(text, `\u0000`, command)
	status := fmt.Sprintf(`"status":%d`, alfred.Explain(r.code).Status)
	return strings.Replace(text, status, `"status":%RESPONSE_CODE%`, 1)
}

func (b *builder) cel(expression string) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_ExtensionFilter{ExtensionFilter: &accesslogv3.ExtensionFilter{
		Name:       "envoy.access_loggers.extension_filters.cel",
		ConfigType: &accesslogv3.ExtensionFilter_TypedConfig{TypedConfig: b.pack(&celv3.ExpressionFilter{Expression: expression})},
	}}}
}
