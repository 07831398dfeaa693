package admin_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/store"
	"github.com/alfred-envoy/alfred/store/memory"
	"github.com/alfred-envoy/alfred/store/postgres"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// past is an organisation whose people have spent, whose live ledger is lost
// now and then, and of which the test knows what is true.
type past struct {
	t        tb
	ctx      context.Context
	records  *postgres.Store
	backend  *backend
	live     pastLedger
	org      alfred.OrgID
	window   alfred.Window
	rebuild  *admin.Rebuilder
	recorder *admin.Recorder
	people   []string
	holds    []*pastHold
	moved    map[string]alfred.Credits // off which counter, booked
	copy     func()                    // loses the ledger to a copy that was made before
}

// pastHold is one request.
type pastHold struct {
	record alfred.HoldRecord
	ended  bool
	void   bool
	cost   alfred.Credits
	at     time.Time // when it ended
}

type pastLedger interface {
	storetest.Ledger
	admin.Live
}

// backend is a live store, and how it is lost.
type backend struct {
	live  pastLedger
	empty func(alfred.OrgID)
	older func(alfred.OrgID) (lose func()) // copies it; lose puts the copy in its place, on another server
}

func onBackends(t *testing.T, test func(t *testing.T, b *backend)) {
	t.Run("memory", func(t *testing.T) {
		live := memory.New(time.Now)
		blank := live.Snapshot()
		test(t, &backend{
			live:  live,
			empty: func(alfred.OrgID) { live.Restore(blank) },
			older: func(alfred.OrgID) func() {
				was := live.Snapshot()
				return func() { live.Restore(was) }
			},
		})
	})
	t.Run("Valkey", func(t *testing.T) {
		run, live := valkey(t)
		o, err := goredis.ParseURL(run.URL())
		if err != nil {
			t.Fatal(err)
		}
		c := goredis.NewClient(o)
		t.Cleanup(func() { _ = c.Close() })
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		test(t, &backend{
			live:  live,
			empty: func(alfred.OrgID) { must(c.FlushAll(t.Context()).Err()) },
			older: func(org alfred.OrgID) func() {
				dumps := map[string]string{}
				for _, k := range c.Keys(t.Context(), "a:{"+store.Escape(string(org))+"}:*").Val() {
					dumps[k] = c.Dump(t.Context(), k).Val()
				}
				return func() {
					must(c.FlushAll(t.Context()).Err())
					for k, dump := range dumps {
						must(c.Restore(t.Context(), k, 0, dump).Err())
						if strings.HasSuffix(k, "}:epoch") { // of a server that is gone
							mark := c.Get(t.Context(), k).Val()
							must(c.Set(t.Context(), k, mark[:strings.LastIndex(mark, "|")]+"|gone.gone", 0).Err())
						}
					}
				}
			},
		})
	})
}

func newPast(t tb, records *postgres.Store, b *backend) *past {
	p := &past{t: t, ctx: context.Background(), records: records, backend: b, live: b.live, people: []string{"ann", "bob"}, moved: map[string]alfred.Credits{}}
	now := time.Now().UTC()
	p.window = alfred.Window{Start: now.Truncate(24 * time.Hour), End: now.Truncate(24 * time.Hour).Add(48 * time.Hour)}
	p.org = alfred.OrgID(p.id("org"))
	p.must(records.CreateOrganization(p.ctx, alfred.Organization{ID: p.org, Name: "Past", Settings: alfred.DefaultSettings(), Version: 1, CreatedAt: now, UpdatedAt: now}))
	p.rebuild = p.rebuilder()
	p.recorder = &admin.Recorder{Records: records, Events: pastEvents{b.live}, Consumer: "test", Log: p.log(), Ledger: p.rebuild}
	e, err := b.live.BeginEpoch(p.ctx, p.org)
	p.must(err)
	_, err = b.live.FinishEpoch(p.ctx, p.org, e, 1, time.Time{})
	p.must(err)
	return p
}

func (p *past) log() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (p *past) rebuilder() *admin.Rebuilder {
	return &admin.Rebuilder{Records: p.records, Live: p.live, Now: time.Now, Log: p.log()}
}

func (p *past) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *past) id(kind string) string {
	id, err := alfred.NewID(kind, time.Now(), rand.Reader)
	p.must(err)
	return id
}

type pastEvents struct{ pastLedger }

func (e pastEvents) ReadEvents(ctx context.Context, org alfred.OrgID, consumer string, max int, block time.Duration) ([]admin.Entry, error) {
	entries, err := e.pastLedger.ReadEvents(ctx, org, consumer, max, block)
	out := make([]admin.Entry, len(entries))
	for i, x := range entries {
		out[i] = admin.Entry(x)
	}
	return out, err
}

func (e pastEvents) ConfirmSpool(context.Context, string, []int64) error { return nil }

func (p *past) charge(kind alfred.CounterKind, subject string) alfred.Charge {
	return alfred.Charge{Counter: alfred.Counter{Kind: kind, Subject: subject, Window: p.window}, Ceiling: 1_000_000 * alfred.Credit}
}

// counters are all that anybody spends on.
func (p *past) counters() []alfred.Counter {
	out := []alfred.Counter{p.charge(alfred.CountOrg, string(p.org)).Counter, p.charge(alfred.CountPool, "core").Counter}
	for _, who := range p.people {
		out = append(out, p.charge(alfred.CountUser, who).Counter, p.charge(alfred.CountPersonal, who).Counter)
	}
	return out
}

// reserve holds an amount for a person. A ledger that is not built grants
// nothing, and that is all right.
func (p *past) reserve(who int, amount alfred.Credits) {
	p.t.Helper()
	person, now := p.people[who], time.Now()
	hold := p.id("hold")
	event := alfred.UsageEvent{
		Kind: alfred.EventSettle, Org: p.org, Reservation: alfred.HoldID(hold), Request: alfred.RequestID("req" + strings.TrimPrefix(hold, "hold")),
		Decision: alfred.DecisionID("dec" + strings.TrimPrefix(hold, "hold")), At: now, User: alfred.UserID(person), Model: "gpt-4", Provider: "mock",
		Priority: alfred.PriorityNormal, Status: 200, Outcome: alfred.OutcomeCompleted,
	}
	reply, err := p.live.Reserve(p.ctx, alfred.ReserveRequest{
		Org: p.org, Hold: alfred.HoldID(hold), Need: amount, Want: amount, Window: p.window, TTL: 4 * time.Minute,
		Caps: []alfred.Cap{
			{Charge: p.charge(alfred.CountUser, person), Mode: alfred.Enforce},
			{Charge: p.charge(alfred.CountOrg, string(p.org)), Mode: alfred.Enforce},
		},
		Legs: []alfred.Leg{
			{Kind: alfred.LegPersonal, Group: []alfred.Charge{{Counter: p.charge(alfred.CountPersonal, person).Counter, Ceiling: 20 * alfred.Credit}}},
			{Kind: alfred.LegTeam, Group: []alfred.Charge{p.charge(alfred.CountPool, "core")}},
		},
		Terms: alfred.Terms{Event: event},
	})
	p.must(err)
	if reply.Verdict == alfred.VerdictGranted {
		p.holds = append(p.holds, &pastHold{record: reply.Record})
	} else if reply.Verdict != alfred.VerdictLearning {
		p.t.Fatalf("%+v", reply)
	}
}

func (p *past) running() (out []*pastHold) {
	for _, h := range p.holds {
		if !h.ended {
			out = append(out, h)
		}
	}
	return out
}

// end settles or gives back a hold, as the data plane does.
func (p *past) end(h *pastHold, void bool, cost alfred.Credits) {
	h.ended, h.void, h.cost, h.at = true, void, cost, time.Now()
	if void {
		h.cost = 0
	}
	p.send(h)
}

// send tells the live store of an end, for the first time or once more out of
// the spool; what it cannot tell from a charge that it knew goes to the record.
func (p *past) send(h *pastHold) {
	p.t.Helper()
	event := h.record.Terms.Event
	event.At, event.Cost = h.at, h.cost
	if h.void {
		event.Kind, event.Outcome = alfred.EventVoid, alfred.OutcomeInternal
		_, err := p.live.Void(p.ctx, h.record, event)
		p.must(err)
		return
	}
	_, err := p.live.Settle(p.ctx, alfred.Settlement{Record: h.record, Cost: h.cost, Event: event})
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		event.Late = true
		event.Charges, event.Legs = alfred.ChargesOf(h.record, h.cost, alfred.SpreadOverLegs(h.record.Legs, h.cost))
		err = p.live.AppendEvents(p.ctx, p.org, []alfred.UsageEvent{event})
	}
	p.must(err)
}

// move takes credits off a person's quota; it is booked, or its maker dies.
func (p *past) move(who int, amount alfred.Credits, booked bool) {
	p.t.Helper()
	source := p.charge(alfred.CountPersonal, p.people[who])
	out := alfred.Outflow{Org: p.org, Move: alfred.MoveID(p.id("mov")), Source: []alfred.Charge{source}, Amount: amount}
	raw, err := json.Marshal(out)
	p.must(err)
	p.must(p.records.CreateMove(p.ctx, alfred.Move{ID: out.Move, Org: p.org, Outflow: raw, State: "pending", CreatedAt: time.Now()}))
	err = p.records.InTx(p.ctx, func(ctx context.Context) error {
		if _, err := p.records.LockUsage(ctx, p.org); err != nil {
			return err
		}
		reply, err := p.live.TakeOutflow(ctx, out)
		if err != nil || reply.Refused {
			return err
		}
		if err := p.rebuild.Stands(ctx, p.org, map[alfred.MoveID]alfred.Credits{out.Move: reply.Taken}); err != nil {
			return err
		}
		if !booked {
			return context.Canceled
		}
		if err := p.records.AddOutflow(ctx, p.org, out.Source, reply.Taken); err != nil {
			return err
		}
		if err := p.records.FinishMove(ctx, p.org, out.Move, "done"); err != nil {
			return err
		}
		p.moved[store.Name(source.Counter)] += reply.Taken
		return nil
	})
	if err != nil && booked && alfred.ErrorCode(err) != alfred.CodeUnavailable {
		p.t.Fatal(err)
	}
}

// record books what waits in the stream.
func (p *past) record() {
	p.t.Helper()
	for {
		n, err := p.recorder.Step(p.ctx, p.org, 0)
		p.must(err)
		if n == 0 {
			return
		}
	}
}

// look is the live ledger and the record at a time when nothing happens.
type look struct {
	balances map[string]alfred.Balance
	totals   map[string]alfred.CounterTotal
	open     map[alfred.HoldID]alfred.HoldRecord
	moves    map[string]alfred.Credits // taken, and not booked
	epoch    alfred.Epoch
}

func (p *past) look() look {
	p.t.Helper()
	l := look{map[string]alfred.Balance{}, map[string]alfred.CounterTotal{}, map[alfred.HoldID]alfred.HoldRecord{}, map[string]alfred.Credits{}, alfred.Epoch{}}
	counters := p.counters()
	pending, err := p.records.PendingMoves(p.ctx, time.Now().Add(time.Hour))
	p.must(err)
	flows := map[alfred.MoveID]alfred.Outflow{}
	for _, m := range pending {
		var o alfred.Outflow
		p.must(json.Unmarshal(m.Outflow, &o))
		if m.Org == p.org {
			flows[m.ID] = o
		}
	}
	s, err := p.live.Survey(p.ctx, p.org, counters, slices.Collect(maps.Keys(flows)), 1_000_000)
	p.must(err)
	totals, err := p.records.CounterTotals(p.ctx, p.org, counters)
	p.must(err)
	for i, c := range counters {
		l.balances[store.Name(c)], l.totals[store.Name(c)] = s.Balances[i], totals[i]
	}
	for _, h := range s.Holds {
		l.open[h.Hold] = h
	}
	for id, taken := range s.Taken {
		for _, c := range flows[id].Source {
			l.moves[store.Name(c.Counter)] += taken
		}
	}
	l.epoch, err = p.live.Epoch(p.ctx, p.org)
	p.must(err)
	return l
}

// held is what holds have taken of each counter.
func held(holds map[alfred.HoldID]alfred.HoldRecord) map[string]alfred.Credits {
	out := map[string]alfred.Credits{}
	for _, h := range holds {
		for _, c := range h.Caps {
			out[store.Name(c)] += h.Granted
		}
		for _, l := range h.Legs {
			for _, c := range l.Counters {
				out[store.Name(c)] += l.Taken
			}
		}
	}
	return out
}

// raised checks what a building has made of a ledger: each counter is the
// larger of what it was and of what the record, the moves under way and the
// open holds say, less nothing but the holds that were found to have ended.
func (p *past) raised(before, after look) error {
	if !after.epoch.Current() {
		return fmt.Errorf("the ledger is not built: %+v", after.epoch)
	}
	forgotten := maps.Clone(before.open)
	maps.DeleteFunc(forgotten, func(id alfred.HoldID, _ alfred.HoldRecord) bool { _, open := after.open[id]; return open })
	for id := range after.open {
		if _, open := before.open[id]; !open {
			return fmt.Errorf("the hold %s has come by itself", id)
		}
	}
	gone, stands := held(forgotten), held(after.open)
	for _, c := range p.counters() {
		name := store.Name(c)
		was, is, total := before.balances[name], after.balances[name], after.totals[name]
		want := alfred.Balance{
			Committed: max(was.Committed-gone[name], total.Settled+total.Outflow+after.moves[name]+stands[name]),
			Settled:   max(was.Settled, total.Settled+total.Outflow+after.moves[name]),
			Outflow:   max(was.Outflow, total.Outflow+after.moves[name]),
		}
		if is != want {
			return fmt.Errorf("%s was %+v and is %+v, expected %+v: the record says %+v, %s are held, %s forgotten, %s on their way", name, was, is, want, total, stands[name], gone[name], after.moves[name])
		}
	}
	return nil
}

// rest lets everything end: requests, moves whose makers died, spools that
// send again, the stream, and the comparison that finds what is too low.
func (p *past) rest() error {
	for _, h := range p.running() {
		p.end(h, false, h.record.Granted)
	}
	p.must(p.rebuilder().Ensure(p.ctx, p.org))
	for _, h := range p.holds {
		p.send(h)
	}
	jobs := admin.Jobs{Config: admin.Config{Records: p.records, Live: p.live, Now: func() time.Time { return time.Now().Add(time.Hour) }, Log: p.log()}}
	p.must(jobs.SettleMoves(p.ctx))
	p.record()
	p.must(p.rebuilder().Step(p.ctx, p.org)) // one that has compared nothing yet
	truth := map[string]alfred.Credits{}
	for _, h := range p.holds {
		charges, _ := alfred.ChargesOf(h.record, h.cost, alfred.SpreadOverLegs(h.record.Legs, h.cost))
		for _, c := range charges {
			truth[store.Name(c.Counter)] += c.Amount
		}
	}
	l := p.look()
	if len(l.open) > 0 {
		return fmt.Errorf("%d holds are open", len(l.open))
	}
	for _, c := range p.counters() {
		name := store.Name(c)
		want := alfred.Balance{Committed: truth[name] + p.moved[name], Settled: truth[name] + p.moved[name], Outflow: p.moved[name]}
		if l.balances[name] != want || l.totals[name].Settled != truth[name] || l.totals[name].Outflow != p.moved[name] {
			return fmt.Errorf("%s ends at %+v, and the record at %+v; %s were spent and %s moved away", name, l.balances[name], l.totals[name], truth[name], p.moved[name])
		}
	}
	return nil
}

// tb is a test, or one run of a property.
type tb interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}
