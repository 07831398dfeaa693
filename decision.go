package alfred

import (
	"fmt"
	"time"
)

// Decision is the answer to one request. A refusal is a value, never an
// error: it names the rule, what is left, when it resets and whom to ask.
type Decision struct {
	ID         DecisionID `json:"id"`
	Request    RequestID  `json:"request_id"`
	Org        OrgID      `json:"org"`
	User       UserID     `json:"user"`
	Key        KeyID      `json:"key"`
	At         time.Time  `json:"at"`
	Allowed    bool       `json:"allowed"`
	Code       Code       `json:"code,omitempty"`
	Detail     string     `json:"detail"`
	Field      string     `json:"param,omitempty"`
	Model      string     `json:"model,omitempty"`
	Priority   Priority   `json:"priority,omitempty"`
	Lowered    bool       `json:"priority_lowered,omitempty"` // Priority is below what was asked for
	Need       Credits    `json:"need"`                       // the least that the request needed
	Want       Credits    `json:"want"`
	Blocking   string     `json:"blocking,omitempty"` // the counter or bucket, as kind:subject
	Limit      Credits    `json:"limit"`
	Remaining  Credits    `json:"remaining"`
	ResetsAt   time.Time  `json:"resets_at,omitzero"`
	RetryAfter int64      `json:"retry_after,omitempty"` // seconds
	Retry      bool       `json:"retry"`                 // whether an SDK should try again by itself
	Ask        string     `json:"ask,omitempty"`
	Degraded   string     `json:"degraded,omitempty"`
	Team       TeamID     `json:"team,omitempty"`       // that it would have been attributed to
	Checks     []Check    `json:"checks,omitempty"`     // of a refusal by the live counters
	InputCost  Credits    `json:"input_cost,omitempty"` // of Need: what does not depend on the length of the answer
	PerToken   Credits    `json:"per_token,omitempty"`  // what a token of the answer costs at most
}

// Status is the HTTP status of the decision.
func (d Decision) Status() int {
	if d.Allowed {
		return 200
	}
	return Explain(d.Code).Status
}

// Decide turns a refusal that needed no counter into a decision.
func (r *Refusal) Decide(d Decision) Decision {
	d.Allowed, d.Code, d.Field, d.Detail, d.Retry = false, r.Code, r.Field, r.Detail, false
	return d
}

// Deny turns a reply that was not granted into a decision. Spent credits come
// back when the window ends and an SDK must not retry; held credits come back
// in a moment and it should; a bucket says when.
func Deny(d Decision, reply ReserveReply, window Window, zone *time.Location) Decision {
	d.Allowed = false
	b := reply.Blocker
	d.Limit, d.Remaining, d.ResetsAt = b.Limit, b.Remaining.Floor0(), window.End
	d.Blocking = string(b.Counter.Kind) + ":" + b.Counter.Subject
	resets := window.End.In(zone).Format(time.RFC3339)
	switch reply.Verdict {
	case VerdictRate:
		d.Code, d.Retry = CodeRateLimited, true
		d.RetryAfter = max(1, int64((reply.RetryIn+time.Second-1)/time.Second))
		d.ResetsAt = reply.Now.Add(reply.RetryIn)
		d.Blocking = fmt.Sprintf("%s:%s:%s", b.Bucket.Scope, b.Bucket.Subject, b.Bucket.Metric)
		d.Limit, d.Remaining = 0, 0
		d.Detail = fmt.Sprintf("The %s allows %s %s. Try again in %s s.", scopeName(b.Bucket.Scope), Figure(b.Bucket.PerMinute), metricName(b.Bucket.Metric), Figure(d.RetryAfter))
	case VerdictHeld:
		d.Code, d.Retry, d.RetryAfter = CodeQuotaHeld, true, 1
		d.Detail = fmt.Sprintf("%s of %s credits are left, the rest is held by requests in flight; this request needs %s. Try again in a moment.",
			Figure(d.Remaining), Figure(d.Limit), Figure(d.Need))
	default:
		d.Code, d.Retry = b.Code, false
		d.RetryAfter = max(1, int64((window.End.Sub(reply.Now)+time.Second-1)/time.Second))
		d.Detail = fmt.Sprintf("%s: %s of %s credits left, and this request needs %s. Resets %s.",
			Explain(b.Code).Title, Figure(d.Remaining), Figure(d.Limit), Figure(d.Need), resets)
		if d.Ask != "" {
			d.Detail += " Ask " + d.Ask + " for more."
		}
	}
	return d
}

func scopeName(s Scope) string {
	switch s {
	case ScopeOrganization:
		return "organisation"
	case ScopeUser:
		return "account"
	default:
		return string(s)
	}
}

func metricName(m Metric) string {
	if m == MetricTokensPerMinute {
		return "tokens per minute"
	}
	return "requests per minute"
}
