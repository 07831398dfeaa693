package alfred

// CheckOutcome says how one check of a request ended.
type CheckOutcome string

const (
	CheckPassed  CheckOutcome = "pass"
	CheckFailed  CheckOutcome = "fail"
	CheckSkipped CheckOutcome = "skipped" // after the one that refused
)

// Check is one thing that a request had to pass, as it stood when it was
// refused: a cap, a leg that could pay, or a rate limit.
type Check struct {
	Kind    string       `json:"kind"`  // cap, leg, rate
	Scope   string       `json:"scope"` // the counter's kind, the leg's, or the limit's scope
	Subject string       `json:"subject"`
	Outcome CheckOutcome `json:"outcome"`
	Code    Code         `json:"code,omitempty"` // of a failure
	Limit   Credits      `json:"limit,omitempty"`
	Held    *Credits     `json:"held,omitempty"` // nil is not known
	Left    *Credits     `json:"left,omitempty"` // nil is not known
	Rate    int64        `json:"rate,omitempty"` // per minute
}

// ChecksOf lists what a request that was not granted had to pass, in the order
// of the checks: caps, then the legs, which fail together, then rates.
func ChecksOf(plan Plan, legs []Leg, reply ReserveReply) []Check {
	var out []Check
	rate := reply.Verdict == VerdictRate
	failed := false
	for _, c := range plan.Caps {
		if c.Mode == Shadow || c.Ceiling >= Unlimited {
			continue
		}
		k := Check{Kind: "cap", Scope: string(c.Counter.Kind), Subject: c.Counter.Subject, Limit: c.Ceiling, Outcome: CheckPassed}
		switch {
		case failed:
			k.Outcome = CheckSkipped
		case !rate && c.Counter == reply.Blocker.Counter:
			left := reply.Blocker.Remaining.Floor0()
			k.Outcome, k.Code, k.Left, failed = CheckFailed, c.Code, &left, true
		}
		out = append(out, k)
	}
	for i, l := range legs {
		first := l.Group[0]
		k := Check{Kind: "leg", Scope: string(l.Kind), Subject: first.Counter.Subject, Limit: first.Ceiling, Outcome: CheckPassed}
		if len(l.Group) > 1 && l.Kind == LegTeam {
			k.Subject = l.Group[0].Counter.Subject
		}
		if i < len(reply.Balances) {
			left := (first.Ceiling - reply.Balances[i].Committed).Floor0()
			k.Left = &left
			if b := reply.Balances[i]; b.Settled != 0 || b.Committed == 0 {
				held := b.Held().Floor0()
				k.Held = &held
			}
		}
		switch {
		case failed:
			k.Outcome = CheckSkipped
		case !rate:
			k.Outcome, k.Code = CheckFailed, l.Code
		}
		out = append(out, k)
	}
	failed = failed || !rate
	for _, b := range plan.Buckets {
		k := Check{Kind: "rate", Scope: string(b.Bucket.Scope), Subject: b.Bucket.Subject, Rate: b.Bucket.PerMinute, Outcome: CheckPassed}
		switch {
		case failed:
			k.Outcome = CheckSkipped
		case b.Bucket == reply.Blocker.Bucket:
			k.Outcome, k.Code, failed = CheckFailed, CodeRateLimited, true
		}
		out = append(out, k)
	}
	return out
}
