package storetest

import (
	"time"

	"github.com/alfred-envoy/alfred"
)

// bucket adds units to a bucket of 3 per minute, so 20 s a unit: slow enough
// that the time which a test takes does not matter.
func (b *bench) bucket(metric alfred.Metric, units int64) alfred.BucketCharge {
	return alfred.BucketCharge{Bucket: alfred.Bucket{Scope: alfred.ScopeUser, Subject: "ann", Metric: metric, PerMinute: 3}, Units: units}
}

func (b *bench) paced(charges ...alfred.BucketCharge) alfred.ReserveRequest {
	r := b.request(1, 1, b.personal(1000))
	r.Buckets = charges
	return r
}

// waits expects a refusal by a bucket, for as long as so many units take but
// not as long as one more.
func (b *bench) waits(r alfred.ReserveRequest, units int64) {
	b.Helper()
	reply := b.refuse(r, alfred.VerdictRate, alfred.CodeRateLimited)
	wait, unit := reply.RetryIn, 20*time.Second
	if wait > time.Duration(units)*unit || wait <= time.Duration(units-1)*unit {
		b.Fatalf("told to wait %s, expected up to %s", wait, time.Duration(units)*unit)
	}
}

func paceCases() []ledgerCase {
	const requests, tokens = alfred.MetricRequestsPerMinute, alfred.MetricTokensPerMinute
	return []ledgerCase{
		{name: "a bucket admits exactly its burst", run: func(b *bench) {
			b.grant(b.paced(b.bucket(requests, 3)), 1)
			b.waits(b.paced(b.bucket(requests, 1)), 1)
		}},
		{name: "a bucket that refuses charges nothing, not even other buckets", run: func(b *bench) {
			b.grant(b.paced(b.bucket(requests, 2)), 1)
			r := b.paced(b.bucket(tokens, 3), b.bucket(requests, 2))
			b.waits(r, 1)
			b.open(1)
			b.grant(b.paced(b.bucket(tokens, 3)), 1)
			b.grant(b.paced(b.bucket(requests, 1)), 1)
		}},
		{name: "the bucket that waits longest is told", run: func(b *bench) {
			b.grant(b.paced(b.bucket(requests, 3), b.bucket(tokens, 3)), 1)
			r := b.paced(b.bucket(requests, 1), b.bucket(tokens, 3))
			b.waits(r, 3)
			if reply := b.reserve(r); reply.Blocker.Bucket.Metric != tokens {
				b.Errorf("blames %+v", reply.Blocker.Bucket)
			}
		}},
		{name: "quota is told before rate", run: func(b *bench) {
			b.grant(b.paced(b.bucket(requests, 3)), 1)
			r := b.paced(b.bucket(requests, 1))
			r.Need, r.Want = 5000, 5000
			b.refuse(r, alfred.VerdictSpent, alfred.CodeUserQuota)
		}},
		{name: "tokens are corrected to the truth, and may go into debt", run: func(b *bench) {
			rec := b.grant(b.paced(b.bucket(tokens, 1)), 1)
			b.spend(rec, 5)
			b.waits(b.paced(b.bucket(tokens, 1)), 3)
		}},
		{name: "tokens that were not used come back", run: func(b *bench) {
			rec := b.grant(b.paced(b.bucket(tokens, 3)), 1)
			b.waits(b.paced(b.bucket(tokens, 2)), 2)
			b.spend(rec, 1)
			b.grant(b.paced(b.bucket(tokens, 2)), 1)
			b.waits(b.paced(b.bucket(tokens, 1)), 1)
		}},
		{name: "a correction never makes a bucket emptier than empty", run: func(b *bench) {
			rec := b.grant(b.paced(b.bucket(tokens, 3)), 1)
			b.spend(rec, -1000)
			b.grant(b.paced(b.bucket(tokens, 3)), 1)
			b.waits(b.paced(b.bucket(tokens, 1)), 1)
		}},
		{name: "a correction that ends at empty does not soften a later one", run: func(b *bench) {
			less, more := b.grant(b.paced(b.bucket(tokens, 1)), 1), b.grant(b.paced(b.bucket(tokens, 1)), 1)
			b.spend(less, -1000)
			b.spend(more, 4)
			b.waits(b.paced(b.bucket(tokens, 1)), 1)
		}},
		{name: "nothing comes back to an idle bucket, nor is it filled by that", run: func(b *bench) {
			clock := b.clock()
			less, more := b.grant(b.paced(b.bucket(tokens, 1)), 1), b.grant(b.paced(b.bucket(tokens, 1)), 1)
			clock.Advance(100 * time.Second) // idle for a minute
			b.spend(less, 0)
			b.spend(more, 4)
			b.grant(b.paced(b.bucket(tokens, 3)), 1)
			b.waits(b.paced(b.bucket(tokens, 1)), 1)
		}, clock: true},
		{name: "requests are not corrected, nor is a void given back", run: func(b *bench) {
			b.spend(b.grant(b.paced(b.bucket(requests, 1)), 1), 100)
			b.void(b.grant(b.paced(b.bucket(requests, 1)), 1), alfred.EndVoided)
			b.grant(b.paced(b.bucket(requests, 1)), 1)
			b.waits(b.paced(b.bucket(requests, 1)), 1)
		}},
		{name: "settling twice corrects once", run: func(b *bench) {
			rec := b.grant(b.paced(b.bucket(tokens, 1)), 1)
			b.spend(rec, 3)
			if _, err := b.ledger.Settle(b.ctx, alfred.Settlement{Record: rec, Cost: 1, Tokens: 300}); err != nil {
				b.Fatal(err)
			}
			b.waits(b.paced(b.bucket(tokens, 1)), 1)
		}},
		{name: "a bucket refills with time, and idling saves up no more than a burst", run: func(b *bench) {
			clock := b.clock()
			rec := b.grant(b.paced(b.bucket(tokens, 3)), 1)
			clock.Advance(20*time.Second - time.Microsecond)
			reply := b.refuse(b.paced(b.bucket(tokens, 1)), alfred.VerdictRate, alfred.CodeRateLimited)
			if reply.RetryIn != time.Microsecond {
				b.Errorf("told to wait %s, expected the last microsecond", reply.RetryIn)
			}
			clock.Advance(time.Microsecond)
			b.grant(b.paced(b.bucket(tokens, 1)), 1)
			clock.Advance(10 * time.Minute)
			b.spend(rec, 0) // an idle bucket has nothing to give back
			b.grant(b.paced(b.bucket(tokens, 3)), 1)
			b.waits(b.paced(b.bucket(tokens, 1)), 1)
			clock.Advance(5 * time.Hour)
			b.grant(b.paced(b.bucket(tokens, 3)), 1)
		}, clock: true},
		{name: "a debt of hours is not forgotten", run: func(b *bench) {
			clock := b.clock()
			b.spend(b.grant(b.paced(b.bucket(tokens, 1)), 1), 3*60*4)
			clock.Advance(3 * time.Hour)
			b.waits(b.paced(b.bucket(tokens, 1)), 3*60-2)
		}, clock: true},
	}
}

// spend settles with so many tokens.
func (b *bench) spend(rec alfred.HoldRecord, tokens int64) {
	b.Helper()
	end, err := b.ledger.Settle(b.ctx, alfred.Settlement{Record: rec, Cost: 1, Tokens: tokens, Event: rec.Terms.Event})
	if err != nil || end != alfred.EndSettled {
		b.Fatalf("settle: %s, %v", end, err)
	}
}

// clock is the ledger's; a real server's cannot be moved.
func (b *bench) clock() Clock {
	b.Helper()
	c, ok := clockOf(b.ledger)
	if !ok {
		b.Fatal("this case needs a clock that can be moved")
	}
	return c
}
