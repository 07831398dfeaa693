package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// snapshot reads every key of the ledger at one instant: a script has the server to itself.
var snapshot = redis.NewScript(`
local out = {}
for _, k in ipairs(redis.call('KEYS', 'a:{*')) do
  local kind = redis.call('TYPE', k).ok
  if kind == 'string' then
    out[#out + 1] = k
    out[#out + 1] = redis.call('GET', k)
  elseif kind == 'zset' then
    for _, m in ipairs(redis.call('ZRANGE', k, 0, -1)) do
      out[#out + 1] = k
      out[#out + 1] = m
    end
  elseif kind == 'stream' then
    out[#out + 1] = k
    out[#out + 1] = tostring(redis.call('XLEN', k))
  end
end
return out`)

// ledger is what the live store holds, by the name of a counter.
type ledger struct {
	committed, settled, outflow, held map[string]int64
	open, due                         map[string]bool // holds: records that are open; members of the set of open holds
	waiting                           int64           // events that are not recorded yet
}

// snapshot is every key of the ledger and its value, of a cluster those of one server after the other.
func (r *rig) snapshot(t *testing.T) []string {
	t.Helper()
	cluster, ok := r.live.(*redis.ClusterClient)
	if !ok {
		values, err := snapshot.Eval(t.Context(), r.live, nil).StringSlice()
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	var mu sync.Mutex
	var all []string
	err := cluster.ForEachMaster(t.Context(), func(ctx context.Context, c *redis.Client) error {
		values, err := snapshot.Eval(ctx, c, nil).StringSlice()
		mu.Lock()
		defer mu.Unlock()
		all = append(all, values...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (r *rig) ledger(t *testing.T) ledger {
	t.Helper()
	return read(t, r.snapshot(t))
}

// read makes a ledger of the keys of a snapshot.
func read(t *testing.T, values []string) ledger {
	t.Helper()
	l := ledger{map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]bool{}, map[string]bool{}, 0}
	number := func(key, text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return n
	}
	for i := 0; i < len(values); i += 2 {
		key, value := values[i], values[i+1]
		_, name, _ := strings.Cut(key, "}:")
		kind, rest, _ := strings.Cut(name, ":")
		switch kind {
		case "c":
			l.committed[rest] = number(key, value)
		case "s":
			l.settled[rest] = number(key, value)
		case "o":
			l.outflow[rest] = number(key, value)
		case "rx":
			l.due[value] = true
		case "ev":
			l.waiting += number(key, value)
		case "r":
			if strings.HasPrefix(value, "R1|") {
				l.open[rest] = true
				l.hold(t, value)
			}
		}
	}
	return l
}

// hold adds what an open record has taken from each counter.
func (l *ledger) hold(t *testing.T, record string) {
	t.Helper()
	type counter struct {
		K, S string
		W    int
	}
	var tail struct {
		W [][2]int64
		C []counter
		L []struct{ C []counter }
	}
	part := strings.SplitN(record, "|", 5)
	if len(part) != 5 {
		t.Fatalf("the record %q", record)
	}
	if err := json.Unmarshal([]byte(part[4]), &tail); err != nil {
		t.Fatal(err)
	}
	add := func(c counter, amount string) {
		n, err := strconv.ParseInt(amount, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		l.held[c.K+":"+store.Escape(c.S)+":"+strconv.FormatInt(tail.W[c.W][0]/1_000_000, 10)] += n
	}
	for _, c := range tail.C {
		add(c, part[1])
	}
	for i, leg := range tail.L {
		for _, c := range leg.C {
			add(c, strings.Split(part[2], ",")[i])
		}
	}
}

// whole checks the live ledger against itself. It holds at every instant, whatever is under way: of each counter, committed is
// what is settled and what the open holds have taken; and the set of open holds is exactly the records that are open.
func (l ledger) whole(t *testing.T) {
	t.Helper()
	for name, c := range l.committed {
		if c != l.settled[name]+l.held[name] {
			t.Errorf("%s: committed %d, settled %d, held %d", name, c, l.settled[name], l.held[name])
		}
	}
	for name, n := range l.settled {
		if _, ok := l.committed[name]; !ok {
			t.Errorf("%s: settled %d and nothing committed", name, n)
		}
	}
	for hold := range l.open {
		if !l.due[hold] {
			t.Errorf("the hold %s is open and will never expire", hold)
		}
	}
	for hold := range l.due {
		if !l.open[hold] {
			t.Errorf("the hold %s is in the set of open holds and not open", hold)
		}
	}
}

// settle waits until all that was begun has ended: no hold is open, none waits to be ended, and every event is recorded.
func (r *rig) settle(t *testing.T) ledger {
	t.Helper()
	var l ledger
	await(t, "everything has ended and is recorded", func() error {
		if n, err := r.metric(t, "alfred_endings_waiting"); err != nil {
			return err
		} else if n > 0 {
			return fmt.Errorf("%v endings wait", n)
		}
		if n, err := r.metric(t, "alfred_spool_entries"); err != nil && r.spooled {
			return err
		} else if n > 0 {
			return fmt.Errorf("%v settlements are not confirmed", n)
		}
		if err := r.live.Ping(t.Context()).Err(); err != nil {
			return err
		}
		if l = r.ledger(t); len(l.open) > 0 || l.waiting > 0 {
			return fmt.Errorf("%d holds are open, %d events wait", len(l.open), l.waiting)
		}
		return nil
	})
	return l
}

// booked is what Postgres says of one request.
type booked struct {
	reservations, settles, expiries int
	cost                            int64
}

// audit lets everything end, then checks the ledger, the record and the answers against each other, and returns the row of the
// table. What does not add up fails the test.
func (r *rig) audit(t *testing.T, row result, l *load) {
	t.Helper()
	live := r.settle(t)
	live.whole(t)
	row.holds = len(live.open)
	n := compare(t, l.seen(), r.record(t))
	row.acknowledged, row.lost, row.double, row.drift = n.acknowledged, n.lost, n.double, r.drift(t, live)
	shared.results.add(t, row)
	if n.acknowledged == 0 {
		t.Error("no answer was acknowledged: the story proves nothing")
	}
	if n.lost > 0 || n.double > 0 || n.wrong > 0 || row.drift != 0 || l.hung > 0 {
		t.Errorf("lost %d, charged twice %d, charged wrongly %d, drift %d, hung %d", n.lost, n.double, n.wrong, row.drift, l.hung)
	}
}

// tally lets everything end and returns what the answers, the record and the live ledger say together, and the row of the table.
// Nothing fails but what breaks the live ledger in itself, and calls that hung.
func (r *rig) tally(t *testing.T, row result, l *load) (tally, result) {
	t.Helper()
	live := r.settle(t)
	live.whole(t)
	n := compare(t, l.seen(), r.record(t))
	row.holds, row.acknowledged, row.lost, row.double, row.drift = len(live.open), n.acknowledged, n.lost, n.double, r.drift(t, live)
	shared.results.add(t, row)
	if n.acknowledged == 0 || l.hung > 0 {
		t.Errorf("%d acknowledged, %d hung", n.acknowledged, l.hung)
	}
	return n, row
}

// record reads every usage event.
func (r *rig) record(t *testing.T) map[string]booked {
	t.Helper()
	conn := r.connect(t)
	rows, err := conn.Query(t.Context(), `
		SELECT request_id, count(DISTINCT reservation_id), count(*) FILTER (WHERE kind = 'settle'), count(*) FILTER (WHERE kind = 'expired'), sum(cost)::bigint
		FROM usage_events GROUP BY request_id`)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]booked{}
	var id string
	var b booked
	if _, err := pgx.ForEachRow(rows, []any{&id, &b.reservations, &b.settles, &b.expiries, &b.cost}, func() error {
		out[id] = b
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// tally is what the answers and the record together say.
type tally struct {
	acknowledged int
	lost         int // acknowledged and not charged
	double       int // charged more than once, acknowledged or not
	wrong        int // acknowledged and charged something else than was used
}

func compare(t *testing.T, answers []answer, requests map[string]booked) (n tally) {
	t.Helper()
	twice := map[string]bool{}
	for id, b := range requests {
		if b.reservations != 1 || b.settles > 1 || b.settles == 1 && b.expiries > 0 {
			twice[id] = true
			t.Logf("%s: %+v", id, b)
		}
	}
	for _, a := range answers {
		if !a.acknowledged {
			continue
		}
		n.acknowledged++
		b, found := requests[a.request]
		want := a.tokens * int64(alfred.Credit)
		switch {
		case !found || b.cost == 0:
			n.lost++
		case b.cost >= 2*want && b.settles > 0:
			twice[a.request] = true
			t.Logf("%s used %d tokens: %+v", a.request, a.tokens, b)
		case b.cost != want && !twice[a.request]:
			n.wrong++
			t.Logf("%s used %d tokens and was charged %d: %+v", a.request, a.tokens, b.cost, b)
		}
	}
	n.double = len(twice)
	return n
}

// drift is how far the live counters are from the record, all differences together. It also checks the record against itself: the
// totals of counters are what the events sum to, and all users are their team and the organisation.
func (r *rig) drift(t *testing.T, live ledger) (drift int64) {
	t.Helper()
	recorded := r.sums(t, `SELECT kind, subject, extract(epoch FROM window_start)::bigint, settled FROM counter_usage`)
	events := r.sums(t, `
		SELECT c.kind, c.subject, extract(epoch FROM c.window_start)::bigint, sum(c.amount)::bigint FROM usage_events e, usage_charges(e) c GROUP BY 1, 2, 3`)
	names := map[string]bool{}
	for _, m := range []map[string]int64{recorded, events, live.settled} {
		for name := range m {
			names[name] = true
		}
	}
	live4, record4 := map[string]int64{}, map[string]int64{}
	for name := range names {
		if recorded[name] != events[name] {
			t.Errorf("%s: the record says %d, its events %d", name, recorded[name], events[name])
		}
		used := live.settled[name] - live.outflow[name]
		drift += max(used-recorded[name], recorded[name]-used)
		kind, _, _ := strings.Cut(name, ":")
		live4[kind] += used
		record4[kind] += recorded[name]
	}
	for what, sum := range map[string]map[string]int64{"the ledger": live4, "the record": record4} {
		if sum["user"] != sum["org"] || sum["team"] != sum["org"] || sum["key"] != sum["org"] {
			t.Errorf("in %s the users have spent %d, their keys %d, the team %d and the organisation %d", what, sum["user"], sum["key"], sum["team"], sum["org"])
		}
	}
	return drift
}

func (r *rig) sums(t *testing.T, query string) map[string]int64 {
	t.Helper()
	rows, err := r.connect(t).Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	var kind, subject string
	var start, sum int64
	if _, err := pgx.ForEachRow(rows, []any{&kind, &subject, &start, &sum}, func() error {
		out[kind+":"+store.Escape(subject)+":"+strconv.FormatInt(start, 10)] = sum
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *rig) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// refusedOnly checks that whoever got no completion was told in a documented way: an answer that is neither 200 nor 503 is a fault
// of the product, and a connection that broke is one when nothing on the client's own way was killed.
func refusedOnly(t *testing.T, answers []answer, mayBreak bool) {
	t.Helper()
	for _, a := range answers {
		if a.status == http.StatusOK || a.status == http.StatusServiceUnavailable || a.status == 0 && mayBreak {
			continue
		}
		t.Errorf("status %d: %s", a.status, a.body)
	}
}
