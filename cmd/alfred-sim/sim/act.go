package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/extproc"
	"github.com/alfred-envoy/alfred/store/memory"
)

// truth is what the world knows of one request, whatever the ledger says.
type truth struct {
	plane        *plane
	life         int // of the plane, when it took the request
	hold         alfred.HoldID
	stage        stage
	cost         alfred.Credits // what it used
	reserved     bool
	acknowledged bool // the client has had the end of its answer
	unkept       bool // the disk could not take the settlement
}

type stage int

const (
	asking    stage = iota // nothing is known yet
	refused                // the client was told no
	running                // the provider works
	settling               // it has answered
	releasing              // it has failed
)

// furnish makes the organisation: people with a quota, a team with a pool that
// they share, a cap on everything. Limits are tight, so that many are refused.
func (w *world) furnish() {
	s := alfred.DefaultSettings()
	s.Zone, s.Window = "Europe/Oslo", alfred.WindowRule{Kind: alfred.Daily}
	s.DefaultPersonalQuota = 2000 * alfred.Credit
	s.OverdraftLimit = 500 * alfred.Credit
	s.HoldSeconds = int64(holdTTL / time.Second)
	s.ReapPolicy = []alfred.ReapPolicy{alfred.ReapEstimate, alfred.ReapInputOnly, alfred.ReapZero}[w.work.IntN(3)]
	switch w.work.IntN(4) {
	case 0:
		s.FailMode = alfred.FailAllow
	case 1, 2:
		s.FailMode, s.MinOutput = alfred.FailLocal, 40 // so that little is of use
	}
	w.record = newRecord(alfred.Organization{ID: orgID, Name: "Simulated", Settings: s})
	w.record.teams = []alfred.TeamDirectory{{
		Team:   alfred.Team{ID: "team_0", Org: orgID, Name: "Team", CommonPool: alfred.Credits(1000*w.options.People) * alfred.Credit},
		Active: w.options.People,
	}}
	w.record.limits = []alfred.Limit{{
		Scope: alfred.ScopeOrganization, Subject: string(orgID), Metric: alfred.MetricCredits, Mode: alfred.Enforce,
		Credits: alfred.Credits(2500*w.options.People) * alfred.Credit,
	}}
	for i := range w.options.People {
		id := alfred.UserID(fmt.Sprintf("usr_%d", i))
		quota := s.DefaultPersonalQuota
		w.record.people = append(w.record.people, alfred.UserDirectory{
			User:        alfred.User{ID: id, Org: orgID, Name: string(id), Status: alfred.Active, Quota: &quota},
			Keys:        []alfred.Key{{ID: alfred.KeyID(fmt.Sprintf("key_%d", i)), Org: orgID, User: id, Hash: fmt.Sprintf("hash-%d", i), Status: alfred.KeyActive}},
			Memberships: []alfred.Member{{Team: "team_0", User: id}},
		})
		w.record.touch("user", string(id))
		w.highest[id] = quota
	}
	w.record.touch("catalog", "")
}

// act begins one step: mostly a request.
func (w *world) act() {
	kind, which := w.work.IntN(100), w.work.IntN(1<<20)
	long := time.Duration(w.work.Int64N(int64(15 * time.Second)))
	p := w.planes[which%len(w.planes)]
	on := func(f Fault) bool { return w.options.Faults&f != 0 }
	switch {
	case kind < 4 && on(FaultCrash):
		w.kill(p.host, p.host.life)
	case kind < 6 && on(FaultCrash):
		h := w.hosts[which%len(w.hosts)]
		w.kill(h, h.life)
	case kind < 9 && on(FaultPartition):
		w.say("%s is cut off", p.host.name)
		p.host.cut = true
		w.after(3*long, func() { p.host.cut = false }) // longer than a hold lives, at times
	case kind < 11 && on(FaultOutage):
		w.say("redis is away")
		w.redis.down = true
		w.after(long, func() { w.redis.down = false })
	case kind < 15 && on(FaultFailover):
		w.failover(long/5, long/10)
	case kind < 17 && on(FaultRecord):
		w.say("postgres is away")
		w.postgres.down = true
		w.after(2*long, func() { w.postgres.down = false })
	case kind < 19 && on(FaultDisk):
		w.say("the disk of %s is full", p.host.name)
		p.disk.full = true
		w.after(long, func() { p.disk.full = false })
	case kind < 25:
		w.changeLimit(which)
	case kind < 33:
		w.transfer(which)
	case kind < 34 && on(FaultEmpty):
		w.empty()
	default:
		w.request(p, which)
	}
}

// failover is a replica that follows no more, and takes over a little later.
// At times the control plane is lost with the server that it takes over from.
func (w *world) failover(behind, away time.Duration) {
	if w.replica != nil {
		return
	}
	w.say("the replica falls behind")
	w.replica = &replica{w.now, w.store.Snapshot(), w.shadow.clone()}
	w.after(behind, func() {
		w.say("the replica takes over")
		w.redis.generation++
		w.redis.down = true
		w.store.Restore(w.replica.data)
		w.noteUnlowered(w.replica.at)
		w.shadow, w.replica, w.replaced = w.replica.shadow, nil, w.now
		w.lost++
		w.noteRestored()
		if w.chance(FaultCrash, 0.1) {
			for _, h := range w.hosts {
				w.kill(h, h.life)
			}
		}
		w.after(away, func() { w.redis.down = false })
	})
}

// empty is a live store that was flushed, or lost with its disk.
func (w *world) empty() {
	if w.replica != nil {
		return
	}
	w.say("the live store is emptied")
	w.redis.generation++
	w.store.Restore(memory.New(func() time.Time { return w.now }).Snapshot())
	w.shadow, w.replaced = newShadow(), w.now
	w.lost++
	w.emptied = true
}

// noteRestored keeps what the replica says of people's quotas.
func (w *world) noteRestored() {
	for _, d := range w.record.people {
		if p, err := w.store.Principal(w.ctx, d.Keys[0].Hash); err == nil && p != nil {
			w.ceilings[p.User] = append(w.ceilings[p.User], ceiling{w.now, p.Personal})
		}
	}
}

// changeLimit is an admin who changes somebody's quota.
func (w *world) changeLimit(which int) {
	d := &w.record.people[which%len(w.record.people)]
	quota := alfred.Credits(which%40) * 100 * alfred.Credit
	d.User.Quota = &quota
	w.highest[d.User.ID] = max(w.highest[d.User.ID], quota)
	w.record.touch("user", string(d.User.ID))
	w.say("the quota of %s is %s", d.User.ID, quota)
}

// request is a client's call, from its first byte to the end of its answer.
func (w *world) request(p *plane, which int) {
	t := &truth{plane: p, life: p.host.life}
	input, limit := 20+w.work.Int64N(60), 50+w.work.Int64N(900)
	used, thinks, fate := w.work.Int64N(1000), time.Duration(w.work.ExpFloat64()*float64(4*time.Second)), w.work.IntN(100)
	critical := w.work.IntN(8) == 0
	if p.host.dead {
		return
	}
	w.truths = append(w.truths, t)
	d := w.record.people[which/8%len(w.record.people)]
	call := extproc.Call{KeyHash: d.Keys[0].Hash, Model: "gpt-4", Input: input, Limit: limit, Stream: which&1 == 0, Priority: alfred.PriorityNormal}
	if critical {
		call.Priority = alfred.PriorityCritical
	}
	w.begin(p.host, func() {
		hold, decision := p.steps.Admit(w.ctx, call)
		if hold == nil {
			t.stage, t.hold = refused, alfred.HoldID("hold_"+strings.TrimPrefix(string(decision.Request), "req_"))
			t.unkept = p.disk.full // so may be the void of a reservation without an answer
			w.say("%s refused: %s", t.hold, decision.Code)
			return
		}
		t.stage, t.hold = running, hold.ID()
		_, t.reserved = hold.Held()
		w.spends(hold)
		w.say("%s admitted for %s, %s", t.hold, d.User.ID, thinks)
		w.wait(thinks)
		end := extproc.End{Outcome: alfred.OutcomeCompleted, Status: 200, At: w.now.Add(p.skew)}
		t.unkept = p.disk.full
		if fate < 12 {
			t.stage, end.Outcome, end.Status = releasing, alfred.OutcomeUpstreamError, 500
			w.costs(t.hold, 0)
			p.steps.Release(w.ctx, hold, end)
		} else {
			end.Usage = alfred.Usage{Input: input - input/5, Output: hold.Output() * used / 1000}
			if fate > 96 {
				end.Usage.Output = hold.Output() + used // more than it was allowed
			}
			t.stage, t.cost = settling, alfred.Credits(end.Usage.Tokens())*alfred.Credit
			w.costs(t.hold, t.cost)
			p.steps.Settle(w.ctx, hold, end)
		}
		t.unkept = t.unkept || p.disk.full
		t.acknowledged = true
		w.say("%s acknowledged", t.hold)
	})
}
