package alfred

import (
	"errors"
	"fmt"
)

// Code names what went wrong or what was refused. Codes are part of the API:
// each has a page under the public URL at /errors/<code>.
type Code string

// Refusals of the data plane: quota, policy and rate.
const (
	CodeUserQuota      Code = "user_quota_exceeded"
	CodeTeamPool       Code = "team_pool_exceeded"
	CodeTeamBudget     Code = "team_budget_exceeded"
	CodeDepartment     Code = "department_budget_exceeded"
	CodeProjectBudget  Code = "project_budget_exceeded"
	CodeKeyBudget      Code = "key_budget_exceeded"
	CodeModelBudget    Code = "model_budget_exceeded"
	CodeOrganization   Code = "organization_budget_exceeded"
	CodeQuotaHeld      Code = "quota_held"
	CodeRateLimited    Code = "rate_limited"
	CodeProject        Code = "project_not_allowed"
	CodeTeamNotAllowed Code = "team_not_allowed"
	CodeModel          Code = "model_not_allowed"
	CodeUserSuspended  Code = "user_suspended"
	CodeNotMetered     Code = "endpoint_not_metered"
)

// Faults of a request, of authentication, and of the system.
const (
	CodeInvalidKey      Code = "invalid_api_key"
	CodeMissingKey      Code = "missing_api_key"
	CodeKeyRevoked      Code = "key_revoked"
	CodeKeyExpired      Code = "key_expired"
	CodeSessionEnded    Code = "session_ended"
	CodeAttempts        Code = "too_many_attempts"
	CodeCrossOrigin     Code = "cross_origin"
	CodeConflictingKeys Code = "conflicting_api_keys"
	CodeInvalidRequest  Code = "invalid_request"
	CodeTooLarge        Code = "payload_too_large"
	CodeMethod          Code = "method_not_allowed"
	CodeValidation      Code = "validation_failed"
	CodeUnauthenticated Code = "unauthenticated"
	CodeForbidden       Code = "forbidden"
	CodeNotFound        Code = "not_found"
	CodeConflict        Code = "conflict"
	CodeStaleVersion    Code = "stale_version"
	CodeInsufficient    Code = "insufficient_available"
	CodeRecipient       Code = "recipient_suspended"
	CodeNeedsApproval   Code = "transfer_needs_approval"
	CodeIdempotency     Code = "idempotency_conflict"
	CodeInFlight        Code = "idempotency_in_flight"
	CodeUnavailable     Code = "unavailable"
	CodeUpstream        Code = "upstream_unavailable"
	CodeBroken          Code = "upstream_broken"
	CodeInternal        Code = "internal"
)

// Explanation is what the page of a code says.
type Explanation struct {
	Code   Code
	Status int    // the HTTP status that it travels with
	Title  string // a line for people
	Type   string // `error.type` of OpenAI's dialect
	Remedy string // what to do next
}

// Explanations lists every code once, in the order of this file.
func Explanations() []Explanation {
	return []Explanation{
		{CodeUserQuota, 429, "Personal quota exhausted", "insufficient_quota", "Wait for the window to reset, ask a team admin for more, or send X-Priority: critical if your organisation allows overdraft."},
		{CodeTeamPool, 429, "Team pool exhausted", "insufficient_quota", "Wait for the window to reset, or ask a team admin to raise the pool."},
		{CodeTeamBudget, 429, "Team cap reached", "insufficient_quota", "Wait for the window to reset, or ask an admin to raise the team's cap."},
		{CodeDepartment, 429, "Department cap reached", "insufficient_quota", "Wait for the window to reset, or ask an admin to raise the department's cap."},
		{CodeProjectBudget, 429, "Project cap reached", "insufficient_quota", "Wait for the window to reset, or ask the project's owner."},
		{CodeKeyBudget, 429, "Key cap reached", "insufficient_quota", "Use another key, or ask its owner to raise the key's cap."},
		{CodeModelBudget, 429, "Model cap reached", "insufficient_quota", "Use another model, or ask an admin to raise the cap."},
		{CodeOrganization, 429, "Organisation cap reached", "insufficient_quota", "Ask an admin: the organisation's cap is reached for everyone."},
		{CodeQuotaHeld, 429, "Credits are held by requests in flight", "insufficient_quota", "Try again in a moment: requests that are running hold the credits that are left."},
		{CodeRateLimited, 429, "Rate limit reached", "rate_limit_error", "Try again after the time in Retry-After."},
		{CodeProject, 403, "Project not allowed", "permission_error", "Check the code in X-Project-ID and that you are a member of the project."},
		{CodeTeamNotAllowed, 403, "Team not allowed", "permission_error", "Check X-Team-ID: you can only charge a team of which you are a member."},
		{CodeModel, 403, "Model not allowed", "permission_error", "Choose a model from GET /v1/models."},
		{CodeUserSuspended, 403, "User suspended", "permission_error", "Ask an admin why the account is suspended."},
		{CodeNotMetered, 403, "Endpoint not metered", "permission_error", "This path cannot be metered, so it is not forwarded. Use POST /v1/chat/completions."},
		{CodeInvalidKey, 401, "Invalid API key", "authentication_error", "Check that the key starts with tp- and has not been revoked."},
		{CodeMissingKey, 401, "Missing API key", "authentication_error", "Send Authorization: Bearer tp-… or X-API-Key: tp-…."},
		{CodeKeyRevoked, 401, "Key revoked", "authentication_error", "Sign in with another key, or ask an admin for a new one."},
		{CodeKeyExpired, 401, "Key expired", "authentication_error", "Sign in with another key, or ask an admin for a new one."},
		{CodeSessionEnded, 401, "Session ended", "authentication_error", "Sign in again with your key."},
		{CodeAttempts, 429, "Too many attempts", "rate_limit_error", "Wait for the time in Retry-After, then sign in once."},
		{CodeCrossOrigin, 403, "Request of another site", "permission_error", "Use the web app at its own address; scripts send a key instead of a cookie."},
		{CodeConflictingKeys, 400, "Two different API keys", "invalid_request_error", "Authorization and X-API-Key carry different keys: send one."},
		{CodeInvalidRequest, 400, "Invalid request", "invalid_request_error", "Correct the field that param names."},
		{CodeTooLarge, 413, "Request too large", "invalid_request_error", "Send a body below 32 MiB."},
		{CodeMethod, 405, "Method not allowed", "invalid_request_error", "Use the method that the API reference gives for this path."},
		{CodeValidation, 422, "Validation failed", "invalid_request_error", "Correct the fields that the message names."},
		{CodeUnauthenticated, 401, "Not authenticated", "authentication_error", "Send a valid key in Authorization or X-API-Key."},
		{CodeForbidden, 403, "Not permitted", "permission_error", "Ask an admin for the role that this needs."},
		{CodeNotFound, 404, "Not found", "invalid_request_error", "Check the identifier; what lies outside your scope is not shown."},
		{CodeConflict, 409, "Conflict", "invalid_request_error", "Read the current state and try again."},
		{CodeStaleVersion, 412, "Changed by someone else", "invalid_request_error", "Fetch it again, look at the change, and repeat with the new ETag."},
		{CodeInsufficient, 409, "Not enough credits available", "invalid_request_error", "Choose an amount that is at most what is available."},
		{CodeRecipient, 409, "Recipient suspended", "invalid_request_error", "Choose another recipient, or ask an admin."},
		{CodeNeedsApproval, 403, "Transfer needs approval", "permission_error", "Transfer at most the organisation's free limit, or ask an admin to do it."},
		{CodeIdempotency, 422, "Idempotency key reused", "invalid_request_error", "Use a new Idempotency-Key for a different request."},
		{CodeInFlight, 409, "Same request in flight", "invalid_request_error", "Wait for the first request with this Idempotency-Key to end."},
		{CodeUnavailable, 503, "Temporarily unavailable", "server_error", "Try again shortly; nothing was charged."},
		{CodeUpstream, 503, "Provider unavailable", "server_error", "Try again shortly; check the provider's key and address. Nothing was charged."},
		{CodeBroken, 502, "Provider broke off its answer", "server_error", "Try again. What the provider had received is charged as an estimate, marked so in your usage."},
		{CodeInternal, 500, "Internal error", "server_error", "Try again; if it stays, tell an admin the request id."},
	}
}

// Explain returns the explanation of a code; an unknown code explains itself
// as internal.
func Explain(c Code) Explanation {
	all := Explanations()
	for _, e := range all {
		if e.Code == c {
			return e
		}
	}
	return all[len(all)-1]
}

// Error is a failure that may be told to the caller. Any other error is
// internal, and its text never leaves the process.
type Error struct {
	Code    Code
	Message string
	Field   string // the field at fault, if one is
	Err     error  // the cause, for logs only
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error with a message for people.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid returns a validation error that names its field.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeValidation, Field: field, Message: field + ": " + fmt.Sprintf(format, args...)}
}

// ErrorCode returns the code of an error, CodeInternal when it has none, and
// "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
