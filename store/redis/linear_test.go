package redis_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/redis"
)

// keyCall is what a caller does to the one counter: take, or give back.
type keyCall struct {
	giveBack bool
	amount   alfred.Credits // given back
}

// oneKey says what a counter answers when its calls come one after the other:
// an amount is granted when it fits below the ceiling, and only then.
func oneKey(ceiling, amount alfred.Credits) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return alfred.Credits(0) },
		Step: func(state, input, output any) (bool, any) {
			stands, call := state.(alfred.Credits), input.(keyCall)
			if call.giveBack {
				return true, stands - call.amount
			}
			fits := stands+amount <= ceiling
			if fits {
				stands += amount
			}
			return output.(bool) == fits, stands
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %v", input, output) },
	}
}

// The history of each of eight contended counters, as 64 callers saw it, is one
// that a counter has to which they came one after the other. Histories are kept
// short, since to check one takes longer than exponentially.
func TestLedger04_ConcurrencyIsLinearizable(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		const keys, callers, rounds, amount, ceiling = 8, 64, 4, 10, 35
		began := time.Now()
		clients := []*redis.Store{connect(t, s.url(t)), connect(t, s.url(t))}
		var mu sync.Mutex
		var orgs [keys]alfred.OrgID
		var histories [keys][]porcupine.Operation
		for k := range orgs {
			orgs[k] = fresh(t, clients[0])
		}
		var wg sync.WaitGroup
		for c := range callers {
			client, key := clients[c%2], c%keys
			note := func(call keyCall, from time.Duration, output any) {
				mu.Lock()
				defer mu.Unlock()
				histories[key] = append(histories[key], porcupine.Operation{ClientId: c, Input: call, Call: int64(from), Output: output, Return: int64(time.Since(began))})
			}
			wg.Go(func() {
				for round := range rounds {
					r := request(orgs[key], c*rounds+round, amount, ceiling)
					r.Legs = r.Legs[1:] // the pool pays, which has no limit of its own
					from := time.Since(began)
					reply, err := client.Reserve(t.Context(), r)
					if err != nil {
						t.Error(err)
						return
					}
					granted := reply.Verdict == alfred.VerdictGranted
					note(keyCall{}, from, granted)
					if !granted {
						continue
					}
					from = time.Since(began)
					if _, err := client.Void(t.Context(), reply.Record, alfred.UsageEvent{}); err != nil {
						t.Error(err)
						return
					}
					note(keyCall{giveBack: true, amount: amount}, from, true)
				}
			})
		}
		wg.Wait()
		for _, history := range histories {
			if !porcupine.CheckOperations(oneKey(ceiling, amount), history) {
				t.Errorf("%d calls that no order explains: %+v", len(history), history)
			}
		}
	})
}
