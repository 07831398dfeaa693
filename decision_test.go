package alfred_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestDenials(t *testing.T) {
	now := at(t, "2026-11-23T04:00:00Z")
	w := alfred.Window{Start: at(t, "2026-10-31T23:00:00Z"), End: at(t, "2026-11-30T23:00:00Z")}
	counter := alfred.Counter{Kind: alfred.CountPersonal, Subject: "usr_1", Window: w}
	for name, test := range map[string]struct {
		reply  alfred.ReserveReply
		code   alfred.Code
		retry  bool
		after  int64
		detail string
	}{
		"spent": {
			alfred.ReserveReply{Verdict: alfred.VerdictSpent, Now: now, Blocker: alfred.Blocker{Code: alfred.CodeUserQuota, Counter: counter, Remaining: 12 * c, Limit: 10_000 * c}},
			alfred.CodeUserQuota, false, 7*86400 + 19*3600, "12 of 10,000 credits left, and this request needs 300. Resets 2026-12-01T00:00:00+01:00. Ask boss@company.com",
		},
		"held": {
			alfred.ReserveReply{Verdict: alfred.VerdictHeld, Now: now, Blocker: alfred.Blocker{Code: alfred.CodeUserQuota, Counter: counter, Remaining: -5, Limit: 10_000 * c}},
			alfred.CodeQuotaHeld, true, 1, "0 of 10,000 credits are left, the rest is held",
		},
		"rate": {
			alfred.ReserveReply{Verdict: alfred.VerdictRate, Now: now, RetryIn: 1200 * time.Millisecond, Blocker: alfred.Blocker{Bucket: alfred.Bucket{Scope: alfred.ScopeUser, Subject: "usr_1", Metric: alfred.MetricRequestsPerMinute, PerMinute: 60}}},
			alfred.CodeRateLimited, true, 2, "Your account allows 60 requests per minute",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := alfred.Deny(alfred.Decision{Need: 300 * c, Ask: "boss@company.com"}, test.reply, w, zone(t, "Europe/Oslo"))
			if d.Allowed || d.Code != test.code || d.Retry != test.retry || d.RetryAfter != test.after || d.Status() != 429 || d.Blocking == "" {
				t.Errorf("decision %+v", d)
			}
			if !strings.Contains(strings.ReplaceAll(d.Detail, "The account", "Your account"), test.detail) {
				t.Errorf("detail %q, want %q in it", d.Detail, test.detail)
			}
		})
	}
}

// Every code has one page, a status that fits it, and a next step.
func TestExplanations(t *testing.T) {
	seen := map[alfred.Code]bool{}
	for _, e := range alfred.Explanations() {
		if seen[e.Code] {
			t.Errorf("%s is explained twice", e.Code)
		}
		seen[e.Code] = true
		if e.Status < 400 || e.Status > 599 || e.Title == "" || e.Remedy == "" || e.Type == "" || alfred.Explain(e.Code) != e {
			t.Errorf("%s: %+v", e.Code, e)
		}
	}
	if alfred.Explain("no_such_code").Code != alfred.CodeInternal {
		t.Error("an unknown code does not explain itself as internal")
	}
}

func TestIDs(t *testing.T) {
	now := at(t, "2026-11-23T04:00:00Z")
	a, err := alfred.NewID("usr", now, bytes.NewReader(make([]byte, 10)))
	if err != nil || !alfred.ValidID("usr", a) || alfred.ValidID("org", a) {
		t.Errorf("id %q: %v", a, err)
	}
	b, _ := alfred.NewID("usr", now.Add(time.Millisecond), bytes.NewReader(make([]byte, 10)))
	if b <= a {
		t.Errorf("%q, a millisecond younger, sorts before %q", b, a)
	}
	if _, err := alfred.NewID("usr", now, bytes.NewReader(nil)); err == nil {
		t.Error("an id without entropy was made")
	}
	for _, bad := range []string{"", "usr_", "usr_01", "usr_" + strings.Repeat("I", 26), "usr_" + strings.Repeat("Z", 26)} {
		if alfred.ValidID("usr", bad) {
			t.Errorf("%q is valid", bad)
		}
	}
}

func TestAuditChain(t *testing.T) {
	var chain []alfred.AuditEvent
	prev := ""
	for i := range 5 {
		e := alfred.AuditEvent{Seq: int64(i + 1), Org: "org_1", At: time.Unix(int64(i), 123456789), Action: "user.create", After: []byte(`{"n":1}`)}.Seal(prev)
		chain, prev = append(chain, e), e.Hash
	}
	if bad := alfred.VerifyAudit("", chain); bad != 0 {
		t.Errorf("an untouched chain breaks at %d", bad)
	}
	edited := append([]alfred.AuditEvent(nil), chain...)
	edited[2].After = []byte(`{"n":2}`)
	if bad := alfred.VerifyAudit("", edited); bad != 3 {
		t.Errorf("an edit of event 3 shows at %d", bad)
	}
	if bad := alfred.VerifyAudit("", append(chain[:1:1], chain[2:]...)); bad != 3 {
		t.Errorf("a removal of event 2 shows at %d", bad)
	}
}
