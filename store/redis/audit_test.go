package redis_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// audit reads every key of an organisation and checks the ledger against
// itself: of every counter, settled is what the events sum to, and committed is
// that plus what the open holds have taken; the set of open holds is exactly
// the records that are open. It returns the number of settlements.
func audit(t *testing.T, url string, org alfred.OrgID) (settlements int) {
	t.Helper()
	c, ctx, prefix := open(t, url), t.Context(), "a:{"+string(org)+"}:"

	spent, held := map[string]int64{}, map[string]int64{}
	for _, m := range c.XRange(ctx, prefix+"ev", "-", "+").Val() {
		var e alfred.UsageEvent
		if err := json.Unmarshal([]byte(m.Values["e"].(string)), &e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == alfred.EventSettle {
			settlements++
		}
		for _, a := range e.Charges {
			spent[store.Name(a.Counter)] += int64(a.Amount)
		}
	}

	keys, err := c.Keys(ctx, prefix+"*").Result()
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{}
	for _, k := range keys {
		hold, isRecord := strings.CutPrefix(k, prefix+"r:")
		if !isRecord {
			continue
		}
		text := c.Get(ctx, k).Val()
		if !strings.HasPrefix(text, "R1|") {
			if ttl := c.PTTL(ctx, k).Val(); ttl <= 0 {
				t.Errorf("%s has ended and never lapses", k)
			}
			continue
		}
		open[hold] = true
		parts := strings.SplitN(text, "|", 5)
		var tail struct {
			W [][2]int64
			C []ref
			L []struct{ C []ref }
		}
		if err := json.Unmarshal([]byte(parts[4]), &tail); err != nil {
			t.Fatal(err)
		}
		add := func(r ref, amount string) {
			n, err := strconv.ParseInt(amount, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			held[r.K+":"+store.Escape(r.S)+":"+strconv.FormatInt(tail.W[r.W][0]/1_000_000, 10)] += n
		}
		for _, r := range tail.C {
			add(r, parts[1])
		}
		for i, l := range tail.L {
			for _, r := range l.C {
				add(r, strings.Split(parts[2], ",")[i])
			}
		}
	}
	members := c.ZRange(ctx, prefix+"rx", 0, -1).Val()
	if len(members) != len(open) {
		t.Errorf("%d members of the set of open holds, %d open records", len(members), len(open))
	}
	for _, m := range members {
		if !open[m] {
			t.Errorf("%s is in the set but not open", m)
		}
	}
	for _, k := range keys {
		if name, ok := strings.CutPrefix(k, prefix+"c:"); ok {
			committed, _ := c.Get(ctx, k).Int64()
			settled, _ := c.Get(ctx, prefix+"s:"+name).Int64()
			if settled != spent[name] || committed != settled+held[name] {
				t.Errorf("%s: committed %d, settled %d; events sum to %d, open holds to %d", name, committed, settled, spent[name], held[name])
			}
			if ttl := c.PTTL(ctx, k).Val(); ttl <= 0 {
				t.Errorf("%s is never purged", k)
			}
		}
	}
	return settlements
}

// ref is a counter in the tail of a record.
type ref struct {
	K, S string
	W    int
}
