package sample

import (
	"cmp"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/alfred-envoy/alfred"
)

// ledger is what was spent in a window: nobody spends what he has not got.
type ledger struct {
	window   alfred.Window
	personal []alfred.Credits // by person
	share    []alfred.Credits // of the team's pool, by person
	pool     []alfred.Credits // by team
}

// Days returns what was used, a UTC day at a time and in the order of time.
// Refusals are among it, as the data plane sends them.
func (w *World) Days() iter.Seq[[]alfred.UsageEvent] {
	return func(yield func([]alfred.UsageEvent) bool) {
		r := rand.New(rand.NewPCG(w.Seed, 21)) //nolint:gosec // G404: the same every time
		rule := alfred.WindowRule{Kind: alfred.Monthly}
		first := w.Until.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-w.Shape.Days)
		busy := w.busy(first)
		book, active := &ledger{}, w.active()
		for d := range w.Shape.Days {
			day := first.AddDate(0, 0, d)
			n := int(math.Round(busy[d] * float64(w.Events)))
			events := make([]alfred.UsageEvent, 0, n+sessionRoom)
			for len(events) < n {
				events = w.session(events, r, day, book, active, rule)
			}
			events = inOrder(events)
			// What would come after the end has not happened.
			end, _ := slices.BinarySearchFunc(events, w.Until, func(e alfred.UsageEvent, t time.Time) int { return e.At.Compare(t) })
			if !yield(events[:end]) {
				return
			}
		}
	}
}

// sessionRoom is how many events the last session of a day may add, as a rule.
const sessionRoom = 64

// inOrder returns events in the order of time. They are large, so that their
// places are sorted and each is moved once.
func inOrder(events []alfred.UsageEvent) []alfred.UsageEvent {
	places := make([]int, len(events))
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(a, b int) int { return cmp.Or(events[a].At.Compare(events[b].At), a-b) })
	out := make([]alfred.UsageEvent, len(events))
	for i, p := range places {
		out[i] = events[p]
	}
	return out
}

// busy is which part of all that is used each day has: weekends are quiet,
// and use grows.
func (w *World) busy(first time.Time) []float64 {
	out, sum := make([]float64, w.Shape.Days), 0.0
	for d := range out {
		out[d] = 1 + 0.6*float64(d)/float64(w.Shape.Days)
		if wd := first.AddDate(0, 0, d).Weekday(); wd == time.Saturday || wd == time.Sunday {
			out[d] *= 0.12
		}
		sum += out[d]
	}
	for d := range out {
		out[d] /= sum
	}
	return out
}

// active leaves out who cannot ask for anything.
func (w *World) active() []bool {
	out := make([]bool, len(w.People))
	for i, p := range w.People {
		out[i] = p.User.Status == alfred.Active
	}
	return out
}

// session adds some minutes of one person at work.
func (w *World) session(events []alfred.UsageEvent, r *rand.Rand, day time.Time, book *ledger, active []bool, rule alfred.WindowRule) []alfred.UsageEvent {
	i := sort.SearchFloat64s(w.weight, r.Float64()*w.weight[len(w.weight)-1])
	i = min(i, len(w.People)-1)
	if !active[i] {
		if p := &w.People[i]; p.User.Status == alfred.Suspended || day.After(p.User.VacationStart) {
			return events
		}
	}
	at := w.hour(r, day)
	if !book.window.Contains(at) {
		window, err := rule.At(at, w.Zone)
		if err != nil {
			panic(err) // a monthly window has no bad times
		}
		*book = ledger{window, make([]alfred.Credits, len(w.People)), make([]alfred.Credits, len(w.People)), make([]alfred.Credits, len(w.Teams))}
	}
	p := &w.People[i]
	model := models[p.models[r.IntN(10)/8]]
	for range 2 + int(r.ExpFloat64()*7) {
		at = at.Add(time.Duration(5+r.ExpFloat64()*50) * time.Second)
		if at.Sub(day) >= 24*time.Hour || !book.window.Contains(at) {
			break
		}
		e, ok := w.request(r, i, p, model, at, book)
		events = append(events, e)
		if !ok && r.IntN(3) > 0 {
			break // refused: most stop asking
		}
	}
	return events
}

// hour draws a moment of a day: office hours in the zone, and some at night.
func (w *World) hour(r *rand.Rand, day time.Time) time.Time {
	_, offset := day.In(w.Zone).Zone()
	hour := 12.6 + 2.7*r.NormFloat64()
	if r.IntN(15) == 0 {
		hour = 24 * r.Float64()
	}
	seconds := int(hour*3600) - offset
	seconds = ((seconds % 86400) + 86400) % 86400
	return day.Add(time.Duration(seconds) * time.Second).Add(time.Duration(r.IntN(1e6)) * time.Microsecond)
}

// request is one request: who pays, what it used and how it ended; false is a
// refusal.
func (w *World) request(r *rand.Rand, i int, p *Person, m model, at time.Time, book *ledger) (alfred.UsageEvent, bool) {
	body := w.id("", at)
	e := alfred.UsageEvent{
		Kind: alfred.EventSettle, Org: w.Org, Reservation: alfred.HoldID("hold" + body), Request: alfred.RequestID("req" + body), Decision: alfred.DecisionID("dec" + body), At: at,
		User: p.User.ID, Key: p.Key.ID, Department: p.User.Department, Model: m.name, Provider: m.provider, Priority: alfred.PriorityNormal,
		Stream: r.IntN(4) > 0, Status: 200, Outcome: alfred.OutcomeCompleted, CardVersion: 1,
	}
	if p.Team >= 0 {
		e.Team = w.Teams[p.Team].ID
	}
	if p.Project >= 0 && r.IntN(2) == 0 {
		e.Project = w.Projects[p.Project].ID
	}
	if r.IntN(40) == 0 {
		e.Priority = alfred.PriorityHigh
	}
	in := int64(60 + 900*math.Exp(0.7*r.NormFloat64()))
	out := int64(20 + 260*math.Exp(0.8*r.NormFloat64()))
	e.Usage = alfred.Usage{Input: in, Output: out}
	if r.IntN(3) == 0 {
		e.Usage.CachedInput = in * int64(20+r.IntN(60)) / 100
		e.Usage.Input -= e.Usage.CachedInput
	}
	if m.reasons {
		e.Usage.Reasoning = out * int64(30+r.IntN(200)) / 100
	}
	e.Millis = 300 + out*12 + int64(r.IntN(900))
	decided := 2 + e.Millis%9 // drawn of what was drawn already, so that a seed makes what it made
	first := (e.Millis - decided) / 4
	e.DecidedMillis, e.FirstByteMillis = &decided, &first
	switch n := r.IntN(1000); {
	case n < 9:
		e.Outcome, e.Status, e.Estimated = alfred.OutcomeBroken, 200, true
		e.Usage.Output /= 2
	case n < 15:
		e.Outcome, e.Status, e.Estimated, e.Usage = alfred.OutcomeClientGone, 0, true, alfred.Usage{Input: in}
		e.FirstByteMillis = nil
	case n < 27:
		// The provider refused: nothing is charged.
		e.Kind, e.Outcome, e.Status, e.Usage = alfred.EventVoid, alfred.OutcomeUpstreamError, 503, alfred.Usage{}
	}
	e.InputBound, e.OutputLimit = in+in/10, max(512, 2*out+e.Usage.Reasoning)
	e.Held = alfred.Credits(e.InputBound+e.OutputLimit) * alfred.Credit
	e.Cost = alfred.Credits(e.Usage.Tokens()) * alfred.Credit
	if e.Kind == alfred.EventVoid {
		return e, true
	}
	leg, ok := book.pay(w, i, p, e.Cost)
	if !ok {
		return w.refusal(e, book), false
	}
	w.charge(&e, leg, book.window)
	return e, true
}

// pay takes a cost from the personal quota, else from the share of the team's
// pool.
func (b *ledger) pay(w *World, i int, p *Person, cost alfred.Credits) (alfred.LegKind, bool) {
	quota := DefaultQuota
	if p.User.Quota != nil {
		quota = *p.User.Quota
	}
	if b.personal[i]+cost <= quota {
		b.personal[i] += cost
		return alfred.LegPersonal, true
	}
	if p.Team < 0 {
		return "", false
	}
	if pool := w.Teams[p.Team].CommonPool; b.pool[p.Team]+cost <= pool && b.share[i]+cost <= poolPerMember {
		b.pool[p.Team] += cost
		b.share[i] += cost
		return alfred.LegTeam, true
	}
	return "", false
}

// charge says which counters the cost was added to, as the data plane does.
// Of a marked world only those of its own people and teams.
func (w *World) charge(e *alfred.UsageEvent, leg alfred.LegKind, window alfred.Window) {
	add := func(kind alfred.CounterKind, subject string) {
		if subject != "" {
			e.Charges = append(e.Charges, alfred.CounterAmount{Counter: alfred.Counter{Kind: kind, Subject: subject, Window: window}, Amount: e.Cost})
		}
	}
	e.Charges = make([]alfred.CounterAmount, 0, 8)
	if w.Mark == "" {
		add(alfred.CountOrg, string(w.Org))
	}
	add(alfred.CountDept, string(e.Department))
	add(alfred.CountTeam, string(e.Team))
	add(alfred.CountUser, string(e.User))
	add(alfred.CountKey, string(e.Key))
	add(alfred.CountProject, string(e.Project))
	subject := string(e.User)
	if leg == alfred.LegTeam {
		subject = string(e.Team)
		add(alfred.CountPool, subject)
		add(alfred.CountShare, alfred.ShareSubject(e.Team, e.User))
	} else {
		add(alfred.CountPersonal, subject)
	}
	e.Legs = []alfred.LegAmount{{Kind: leg, Subject: subject, Amount: e.Cost}}
}

// refusal is the same request when nobody can pay for it.
func (w *World) refusal(e alfred.UsageEvent, book *ledger) alfred.UsageEvent {
	d := alfred.Decision{
		ID: e.Decision, Request: e.Request, Org: e.Org, User: e.User, Key: e.Key, At: e.At, Model: e.Model, Priority: e.Priority, Need: e.Cost, Want: e.Held,
	}
	d = alfred.Deny(d, alfred.ReserveReply{
		Verdict: alfred.VerdictSpent, Now: e.At,
		Blocker: alfred.Blocker{Code: alfred.CodeUserQuota, Counter: alfred.Counter{Kind: alfred.CountPersonal, Subject: string(e.User), Window: book.window}},
	}, book.window, w.Zone)
	return alfred.UsageEvent{
		Kind: alfred.EventDecision, Org: e.Org, Reservation: e.Reservation, Request: e.Request, Decision: e.Decision, At: e.At, User: e.User, Key: e.Key,
		Team: e.Team, Department: e.Department, Model: e.Model, Priority: e.Priority, Refused: &d,
	}
}
