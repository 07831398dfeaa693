package redis_test

import (
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
)

// Ledger test 21. A reservation on eight counters costs the server at most
// three and a half times a script that only adds to eight: a ratio of the same
// run, so that it holds on every machine. The best of some rounds counts,
// since noise only adds.
func TestLedger21_AReservationCostsLittleMoreThanAdding(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		client, raw := connect(t, s.url(t)), open(t, s.url(t))
		org, script := fresh(t, client), goredis.NewScript(yardstick)
		keys := make([]string, 8)
		for i := range keys {
			keys[i] = fmt.Sprintf("a:{%s}:y:counter%d:usr_01KATCQ0000000000000000000:1795323600", org, i)
		}
		const rounds, turn, most = 8, 1000, 3.5
		best := 0.0
		for round := range rounds {
			before := cpu(t, raw)
			for n := range turn {
				r := typical(org, fmt.Sprintf("hold_%026d", round*turn+n), alfred.MaxCredits)
				if reply, err := client.Reserve(t.Context(), r); err != nil || reply.Verdict != alfred.VerdictGranted {
					t.Fatalf("%+v, %v", reply, err)
				}
			}
			between := cpu(t, raw)
			for range turn {
				if err := script.Run(t.Context(), raw, keys, 7).Err(); err != nil {
					t.Fatal(err)
				}
			}
			ours, theirs := between-before, cpu(t, raw)-between
			if theirs < time.Millisecond {
				t.Fatalf("the yardstick took %s: too little to compare with", theirs)
			}
			if ratio := float64(ours) / float64(theirs); best == 0 || ratio < best {
				best = ratio
			}
		}
		t.Logf("a reservation costs %.2f times as much as adding to eight counters", best)
		if best > most {
			t.Errorf("a reservation costs %.2f times as much as adding to eight counters, at most %.1f is allowed", best, most)
		}
	})
}
