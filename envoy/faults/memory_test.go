package faults_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Ledger test 17. Redis has no memory left and may evict nothing. Requests are refused as while it is away; every step is whole or
// not at all, at every instant; and with memory again, what was put off is booked.
func TestLedger17_RedisWithoutMemoryLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{redis7: true, env: []string{"ALFRED_REDIS_TIMEOUT=300ms"}})
	l := r.spend(t, 8)
	rounds := times(1, 10)
	set := func(limit string) {
		if err := r.live.ConfigSet(t.Context(), "maxmemory", limit).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for round := range rounds {
		l.progress(t, 20)
		before := len(l.seen())
		set("8mb")
		filled := false
		for size := 1 << 20; size >= 16; {
			// Others write too, so what is freed meanwhile is filled up to the last bytes.
			key := fmt.Sprintf("filler:%d:%d:%d", round, size, r.live.DBSize(t.Context()).Val())
			err := r.live.Set(t.Context(), key, strings.Repeat("x", size), 0).Err()
			switch {
			case err == nil:
			case strings.HasPrefix(err.Error(), "OOM"):
				filled = true
				size /= 2
			default:
				t.Fatal(err)
			}
		}
		if !filled {
			t.Fatal("the memory was never used up")
		}
		await(t, "requests are refused", func() error {
			r.ledger(t).whole(t)
			n := 0
			for _, a := range l.seen()[before:] {
				if a.status == http.StatusServiceUnavailable {
					n++
				}
			}
			if n < 20 {
				return fmt.Errorf("%d refusals", n)
			}
			return nil
		})
		set("0")
		for _, k := range r.live.Keys(t.Context(), "filler:*").Val() {
			if err := r.live.Del(t.Context(), k).Err(); err != nil {
				t.Fatal(err)
			}
		}
		l.progress(t, 20)
	}
	l.stop()
	refusedOnly(t, l.seen(), false)
	r.audit(t, result{fault: "6 Redis out of memory, noeviction", times: rounds}, l)
}
