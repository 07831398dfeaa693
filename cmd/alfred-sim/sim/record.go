package sim

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/store"
)

// record is the permanent record in memory: the rules of store/postgres for
// events, and as much of the directory as the publisher reads. Every method is
// one transaction.
type record struct {
	admin.Records // what the recorder and the publisher do not ask for

	org     alfred.Organization
	teams   []alfred.TeamDirectory
	people  []alfred.UserDirectory
	limits  []alfred.Limit
	touched []alfred.Topic
	seq     int64

	events    map[eventKey]alfred.UsageEvent
	booked    map[alfred.HoldID]*store.Booked
	told      map[string]bool // kinds and reservations of events that were booked or added nothing
	decisions map[alfred.DecisionID]alfred.Decision
	counters  map[string]alfred.Credits // counter_usage
	named     map[string]alfred.Counter
	built     alfred.Epoch

	moves       map[alfred.MoveID]alfred.Move
	adjustments []alfred.Adjustment
	outflows    map[string]alfred.Credits // of counter_usage
	locked      *transaction              // who keeps recorders and moves out
	returned    map[string]alfred.Credits // what expiries had charged above a truth that came to the record alone
	payers      map[alfred.HoldID]*payers
}

// payers are the counters that a reservation was told to be charged on.
type payers struct {
	told   []string // by the first who told
	differ bool     // others named others
	all    map[string]bool
}

// eventKey is what is unique of an event.
type eventKey struct {
	day         time.Time
	reservation alfred.HoldID
	kind        alfred.EventKind
}

func newRecord(org alfred.Organization) *record {
	return &record{
		org: org, events: map[eventKey]alfred.UsageEvent{}, booked: map[alfred.HoldID]*store.Booked{}, told: map[string]bool{},
		decisions: map[alfred.DecisionID]alfred.Decision{}, counters: map[string]alfred.Credits{}, named: map[string]alfred.Counter{},
		moves: map[alfred.MoveID]alfred.Move{}, outflows: map[string]alfred.Credits{}, returned: map[string]alfred.Credits{},
		payers: map[alfred.HoldID]*payers{},
	}
}

func keyOf(e alfred.UsageEvent) eventKey {
	return eventKey{e.At.UTC().Truncate(24 * time.Hour), e.Reservation, e.Kind}
}

// RecordEvents books what is new of a batch by the rules of store/postgres: the
// rows of a reservation are netted, and what is there already adds nothing.
func (r *record) RecordEvents(_ context.Context, events []alfred.UsageEvent) (inserted int, err error) {
	for _, e := range events {
		if e.Org == "" || e.Kind == alfred.EventDecision && e.Refused == nil || e.Kind != alfred.EventDecision && e.Reservation == "" {
			return 0, alfred.Errorf(alfred.CodeValidation, "event %s of %s cannot be one", e.Kind, e.Reservation)
		}
	}
	for _, e := range events {
		if e.Kind == alfred.EventDecision {
			if _, there := r.decisions[e.Refused.ID]; !there {
				r.decisions[e.Refused.ID] = *e.Refused
				inserted++
			}
			continue
		}
		r.told[string(e.Kind)+string(e.Reservation)] = true
		b := r.booked[e.Reservation]
		if b == nil {
			b = &store.Booked{}
			r.booked[e.Reservation] = b
		}
		r.notePayers(e)
		row, adds := b.Book(e)
		if _, there := r.events[keyOf(row)]; !adds || there {
			continue
		}
		b.Add(row)
		r.events[keyOf(row)] = row
		inserted++
		for _, c := range row.Charges {
			r.counters[store.Name(c.Counter)] += c.Amount
			r.named[store.Name(c.Counter)] = c.Counter
			if row.Kind == alfred.EventAdjust && row.Late && c.Amount < 0 {
				r.returned[store.Name(c.Counter)] -= c.Amount
			}
		}
	}
	return inserted, nil
}

// notePayers keeps on which counters the cost of a reservation was told to
// stand: all of them, and what one telling had.
func (r *record) notePayers(e alfred.UsageEvent) {
	if len(e.Charges) == 0 {
		return
	}
	var told []string
	for _, c := range e.Charges {
		told = append(told, store.Name(c.Counter))
	}
	slices.Sort(told)
	p := r.payers[e.Reservation]
	if p == nil {
		p = &payers{told: told, all: map[string]bool{}}
		r.payers[e.Reservation] = p
	}
	p.differ = p.differ || !slices.Equal(p.told, told)
	for _, name := range told {
		p.all[name] = true
	}
}

// has says whether an event is recorded, or adds nothing to what is.
func (r *record) has(e alfred.UsageEvent) bool {
	if e.Kind == alfred.EventDecision {
		_, there := r.decisions[e.Refused.ID]
		return there
	}
	return r.told[string(e.Kind)+string(e.Reservation)]
}

// knows says whether anything of a reservation is recorded.
func (r *record) knows(id alfred.HoldID) bool {
	for k := range r.events {
		if k.reservation == id {
			return true
		}
	}
	return false
}

// of lists what is recorded of a reservation.
func (r *record) of(id alfred.HoldID) []alfred.UsageEvent {
	var out []alfred.UsageEvent
	for k, e := range r.events {
		if k.reservation == id {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b alfred.UsageEvent) int { return a.At.Compare(b.At) })
	return out
}

func (r *record) reservations() []alfred.HoldID {
	seen := map[alfred.HoldID]bool{}
	for k := range r.events {
		seen[k.reservation] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func (r *record) touch(kind, id string) {
	r.seq++
	r.touched = append(r.touched, alfred.Topic{Seq: r.seq, Org: r.org.ID, Kind: kind, ID: id})
}

func (r *record) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

func (r *record) SetAside(context.Context, alfred.OrgID, string, []byte, string) error { return nil }

func (r *record) Touched(_ context.Context, max int) ([]alfred.Topic, error) {
	return slices.Clone(r.touched[:min(max, len(r.touched))]), nil
}

func (r *record) Published(_ context.Context, seqs []int64) error {
	r.touched = slices.DeleteFunc(r.touched, func(t alfred.Topic) bool { return slices.Contains(seqs, t.Seq) })
	return nil
}

func (r *record) RaiseTopics(_ context.Context, above int64) (bool, error) {
	if r.seq >= above {
		return false, nil
	}
	r.seq = above
	return true, nil
}

func (r *record) Organizations(context.Context) ([]alfred.Organization, error) {
	return []alfred.Organization{r.org}, nil
}

func (r *record) Organization(context.Context, alfred.OrgID) (alfred.Organization, error) {
	return r.org, nil
}

func (r *record) TeamDirectory(context.Context, alfred.OrgID, time.Time, ...alfred.TeamID) ([]alfred.TeamDirectory, error) {
	return slices.Clone(r.teams), nil
}

func (r *record) RateCard(context.Context, alfred.OrgID, time.Time) (alfred.RateCard, error) {
	return alfred.DefaultRateCard(), nil
}

func (r *record) Models(context.Context, alfred.OrgID) ([]alfred.Model, error) { return nil, nil }

func (r *record) Limits(context.Context, alfred.OrgID) ([]alfred.Limit, error) {
	return slices.Clone(r.limits), nil
}

// Users lists everybody; nobody owns the organisation.
func (r *record) Users(_ context.Context, _ alfred.OrgID, f alfred.UserFilter) ([]alfred.User, error) {
	var out []alfred.User
	for _, d := range r.people {
		if f.Access == "" && string(d.User.ID) > f.After {
			out = append(out, d.User)
		}
	}
	return out, nil
}

func (r *record) Touch(ctx context.Context, _ alfred.OrgID, kind string, ids ...string) error {
	if kind == "catalog" {
		ids = []string{""}
	}
	r.write(ctx, func(r *record) {
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			r.touch(kind, id)
		}
	})
	return nil
}

func (r *record) Lock(context.Context, string) error { return nil }

func (r *record) UserDirectory(_ context.Context, _ alfred.OrgID, ids []alfred.UserID, _ time.Time) ([]alfred.UserDirectory, error) {
	var out []alfred.UserDirectory
	for _, d := range r.people {
		if slices.Contains(ids, d.User.ID) {
			d.Adjustments = r.adjusted(d.User.ID)
			out = append(out, d)
		}
	}
	return out, nil
}

// remote is the record over the network, as the recorder and the publisher
// have it. What the publisher reads, it reads in one go.
type remote struct {
	*record
	world *world
	host  *host
}

func (r remote) Touched(ctx context.Context, max int) ([]alfred.Topic, error) {
	return call(r.world, r.world.postgres, "touched", func() ([]alfred.Topic, error) { return r.record.Touched(ctx, max) })
}

func (r remote) Published(ctx context.Context, seqs []int64) error {
	_, err := call(r.world, r.world.postgres, "published", func() (struct{}, error) { return struct{}{}, r.record.Published(ctx, seqs) })
	return err
}

func (r remote) RaiseTopics(ctx context.Context, above int64) (bool, error) {
	return call(r.world, r.world.postgres, "raise topics", func() (bool, error) { return r.record.RaiseTopics(ctx, above) })
}
