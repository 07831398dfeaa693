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
// of the checks: caps, then the legs, which fail together, then rates. A leg is
// shown by the counter of its group that leaves it the least: a member's part
// of a pool may be spent while the pool is full.
func ChecksOf(plan Plan, legs []Leg, reply ReserveReply) []Check {
	var out []Check
	rate := reply.Verdict == VerdictRate
	failed := false
	balances := reply.Balances
	for i, c := range plan.Caps {
		if c.Mode == Shadow || c.Ceiling >= Unlimited {
			continue
		}
		k := Check{Kind: "cap", Scope: string(c.Counter.Kind), Subject: c.Counter.Subject, Limit: c.Ceiling, Outcome: CheckPassed}
		if i < len(balances) {
			k.stands(balances[i])
		}
		switch {
		case failed:
			k.Outcome = CheckSkipped
		case !rate && c.Counter == reply.Blocker.Counter:
			left := reply.Blocker.Remaining.Floor0()
			k.Outcome, k.Code, k.Left, failed = CheckFailed, c.Code, &left, true
		}
		out = append(out, k)
	}
	balances = balances[min(len(plan.Caps), len(balances)):]
	for _, l := range legs {
		first := l.Group[0]
		k := Check{Kind: "leg", Scope: string(l.Kind), Subject: first.Counter.Subject, Limit: first.Ceiling, Outcome: CheckPassed}
		if len(balances) >= len(l.Group) {
			for i, c := range l.Group {
				of := Check{Limit: c.Ceiling}
				of.stands(balances[i])
				if k.Left == nil || *of.Left <= *k.Left {
					k.Limit, k.Held, k.Left = of.Limit, of.Held, of.Left
				}
			}
			balances = balances[len(l.Group):]
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

// stands notes what a counter has left, and what of it is held where that is
// known: a store that was not asked reads settled as nothing.
func (k *Check) stands(b Balance) {
	left := (k.Limit - b.Committed).Floor0()
	k.Left = &left
	if b.Settled != 0 || b.Committed == 0 {
		held := b.Held().Floor0()
		k.Held = &held
	}
}
