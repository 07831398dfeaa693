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

// ledger is what was spent in a window: nobody spends what they have not got.
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
		first := w.Until.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-w.Shape.Days)
		busy := w.busy(first)
		book, active := &ledger{}, w.active()
		for d := range w.Shape.Days {
			day := first.AddDate(0, 0, d)
			n := int(math.Round(busy[d] * float64(w.Events)))
			asked := make([]wish, 0, n+sessionRoom)
			for session := 0; len(asked) < n; session++ {
				asked = w.session(asked, r, day, active, session)
			}
			if !yield(w.answer(asked, r, book)) {
				return
			}
		}
	}
}

// wish is a request that somebody makes, before it is known whether it is
// admitted.
type wish struct {
	event   alfred.UsageEvent
	person  int
	session int // of the day
}

// answer admits and refuses requests in the order of time, each by what those
// before it have left.
func (w *World) answer(asked []wish, r *rand.Rand, book *ledger) []alfred.UsageEvent {
	stopped := map[int]bool{}
	events := make([]alfred.UsageEvent, 0, len(asked))
	for _, place := range inOrder(asked) {
		a := &asked[place]
		at := a.event.At
		if !at.Before(w.Until) {
			break // what would come after the end has not happened
		}
		if stopped[a.session] {
			continue
		}
		if !w.within(book.window, at) {
			window, err := w.Window.At(at, w.Zone)
			if err != nil {
				panic(err) // the rule was checked when it was set
			}
			*book = ledger{window, make([]alfred.Credits, len(w.People)), make([]alfred.Credits, len(w.People)), make([]alfred.Credits, len(w.Teams))}
		}
		e, ok := w.decide(a, book)
		events = append(events, e)
		stopped[a.session] = !ok && r.IntN(3) > 0 // most stop asking
	}
	return events
}

// within says whether a window is that of a moment. A range has one window for
// all that ever was.
func (w *World) within(window alfred.Window, at time.Time) bool {
	return window.Contains(at) || w.Window.Kind == alfred.Range && !window.Start.IsZero()
}

// sessionRoom is how many requests the last session of a day may add, as a rule.
const sessionRoom = 64

// inOrder returns the places of requests in the order of time. They are large,
// so that their places are sorted.
func inOrder(asked []wish) []int {
	places := make([]int, len(asked))
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(a, b int) int { return cmp.Or(asked[a].event.At.Compare(asked[b].event.At), a-b) })
	return places
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
func (w *World) session(asked []wish, r *rand.Rand, day time.Time, active []bool, session int) []wish {
	i := sort.SearchFloat64s(w.weight, r.Float64()*w.weight[len(w.weight)-1])
	i = min(i, len(w.People)-1)
	if !active[i] {
		if p := &w.People[i]; p.User.Status == alfred.Suspended || day.After(p.User.VacationStart) {
			return asked
		}
	}
	at := w.hour(r, day)
	p := &w.People[i]
	model := models[p.models[r.IntN(10)/8]]
	for range 2 + int(r.ExpFloat64()*7) {
		at = at.Add(time.Duration(5+r.ExpFloat64()*50) * time.Second)
		if at.Sub(day) >= 24*time.Hour {
			break
		}
		asked = append(asked, wish{w.request(r, p, model, at), i, session})
	}
	return asked
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

// request is one request as it would end if it can be paid for.
func (w *World) request(r *rand.Rand, p *Person, m model, at time.Time) alfred.UsageEvent {
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
	return e
}

// minOutput is the shortest answer that a request is refused for.
const minOutput = 256

// decide says who pays for a request, or refuses it; false is a refusal.
func (w *World) decide(a *wish, book *ledger) (alfred.UsageEvent, bool) {
	e, p := a.event, &w.People[a.person]
	f := w.funds(a.person, p, e.At, book)
	if need := alfred.Credits(e.InputBound+min(minOutput, e.OutputLimit)) * alfred.Credit; f.room() < need {
		return w.refusal(e, p, need, f, book.window), false
	}
	shrink(&e, f.room())
	e.Held = alfred.Credits(e.InputBound+e.OutputLimit) * alfred.Credit
	e.Cost = alfred.Credits(e.Usage.Tokens()) * alfred.Credit
	if e.Kind != alfred.EventVoid {
		w.charge(&e, f.pay(e.Cost), a.person, p, book)
	}
	return e, true
}

// funds are the legs that pay for somebody's requests, with what is used of
// their counters.
type funds struct {
	legs     []alfred.Leg
	balances []alfred.Balance // of each leg's counters, in order
}

func (w *World) funds(i int, p *Person, at time.Time, book *ledger) funds {
	who := alfred.Principal{User: p.User.ID, Personal: w.quota[i]}
	f := funds{legs: []alfred.Leg{alfred.PersonalLeg(&who, book.window, at)}, balances: []alfred.Balance{spent(book.personal[i])}}
	if p.Team >= 0 {
		f.legs = append(f.legs, alfred.TeamLeg(w.Teams[p.Team].ID, w.shares[p.Team], p.User.ID, book.window, at))
		f.balances = append(f.balances, spent(book.pool[p.Team]), spent(book.share[i]))
	}
	return f
}

func spent(n alfred.Credits) alfred.Balance { return alfred.Balance{Committed: n, Settled: n} }

// each is what a leg has left and what it may pay in all.
func (f funds) each(fn func(left, limit alfred.Credits)) {
	at := 0
	for _, l := range f.legs {
		left, limit := alfred.Unlimited, alfred.Unlimited
		for _, c := range l.Group {
			left, limit = min(left, (c.Ceiling-f.balances[at].Committed).Floor0()), min(limit, c.Ceiling)
			at++
		}
		fn(left, limit)
	}
}

// room is what all legs have left together.
func (f funds) room() (sum alfred.Credits) {
	f.each(func(left, _ alfred.Credits) { sum += left })
	return sum
}

// pay spreads a cost over the legs, the first one first.
func (f funds) pay(cost alfred.Credits) (parts []alfred.Credits) {
	f.each(func(left, _ alfred.Credits) {
		part := min(left, cost)
		parts, cost = append(parts, part), cost-part
	})
	return parts
}

// shrink cuts an answer to what can be paid for.
func shrink(e *alfred.UsageEvent, room alfred.Credits) {
	e.OutputLimit = min(e.OutputLimit, int64(room/alfred.Credit)-e.InputBound)
	over := max(0, e.Usage.Output+e.Usage.Reasoning-e.OutputLimit)
	thought := min(over, e.Usage.Reasoning)
	e.Usage.Reasoning -= thought
	e.Usage.Output -= over - thought
}

// charge says which counters the cost was added to, as the data plane does.
// Of a marked world only those of its own people and teams.
func (w *World) charge(e *alfred.UsageEvent, parts []alfred.Credits, i int, p *Person, book *ledger) {
	add := func(kind alfred.CounterKind, subject string, amount alfred.Credits) {
		if subject != "" {
			e.Charges = append(e.Charges, alfred.CounterAmount{Counter: alfred.Counter{Kind: kind, Subject: subject, Window: book.window}, Amount: amount})
		}
	}
	e.Charges = make([]alfred.CounterAmount, 0, 9)
	if w.Mark == "" {
		add(alfred.CountOrg, string(w.Org), e.Cost)
	}
	add(alfred.CountDept, string(e.Department), e.Cost)
	add(alfred.CountTeam, string(e.Team), e.Cost)
	add(alfred.CountUser, string(e.User), e.Cost)
	add(alfred.CountKey, string(e.Key), e.Cost)
	add(alfred.CountProject, string(e.Project), e.Cost)
	if own := parts[0]; own > 0 {
		book.personal[i] += own
		add(alfred.CountPersonal, string(e.User), own)
		e.Legs = append(e.Legs, alfred.LegAmount{Kind: alfred.LegPersonal, Subject: string(e.User), Amount: own})
	}
	if len(parts) > 1 && parts[1] > 0 {
		drawn := parts[1]
		book.pool[p.Team] += drawn
		book.share[i] += drawn
		add(alfred.CountPool, string(e.Team), drawn)
		add(alfred.CountShare, alfred.ShareSubject(e.Team, e.User), drawn)
		e.Legs = append(e.Legs, alfred.LegAmount{Kind: alfred.LegTeam, Subject: string(e.Team), Amount: drawn})
	}
}

// refusal is the same request when nobody can pay for it, with what it was
// checked against, as the data plane writes it down.
func (w *World) refusal(e alfred.UsageEvent, p *Person, need alfred.Credits, f funds, window alfred.Window) alfred.UsageEvent {
	d := alfred.Decision{
		ID: e.Decision, Request: e.Request, Org: e.Org, User: e.User, Key: e.Key, At: e.At, Model: e.Model, Priority: e.Priority,
		Need: need, Want: alfred.Credits(e.InputBound+e.OutputLimit) * alfred.Credit,
	}
	if p.Team >= 0 && w.shares[p.Team].Ask != p.User.Email {
		d.Ask = w.shares[p.Team].Ask
	}
	reply := alfred.ReserveReply{
		Verdict: alfred.VerdictSpent, Now: e.At, Balances: f.balances,
		Blocker: alfred.Blocker{Code: f.legs[len(f.legs)-1].Code, Counter: f.legs[0].Group[0].Counter, Remaining: f.room()},
	}
	f.each(func(_, limit alfred.Credits) { reply.Blocker.Limit += limit })
	d = alfred.Deny(d, reply, window, w.Zone)
	d.Team, d.Checks = e.Team, alfred.ChecksOf(alfred.Plan{}, f.legs, reply)
	d.InputCost, d.PerToken = alfred.Credits(e.InputBound)*alfred.Credit, alfred.Credit
	return alfred.UsageEvent{
		Kind: alfred.EventDecision, Org: e.Org, Reservation: e.Reservation, Request: e.Request, Decision: e.Decision, At: e.At, User: e.User, Key: e.Key,
		Team: e.Team, Department: e.Department, Model: e.Model, Priority: e.Priority, Refused: &d,
	}
}
