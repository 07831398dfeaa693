package postgres

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// addUp adds what was recorded to the aggregates, each of which is one
// statement: events, and refusals, which use nothing. Rows are touched in the
// order of their keys, so that two recorders never wait for each other.
func (s *Store) addUp(ctx context.Context, events, refused []alfred.UsageEvent) error {
	if len(events)+len(refused) == 0 {
		return nil
	}
	counters := counterSums{}
	for _, e := range events {
		counters.add(e)
	}
	if err := s.q(ctx).AddCounterUsage(ctx, counters.rows(counters.keys())); err != nil {
		return failed(err, "add up counters")
	}
	zones, err := s.zones(ctx, events, refused)
	if err != nil {
		return err
	}
	sums := usageSums{}
	for _, e := range slices.Concat(events, refused) {
		sums.add(e)
	}
	if err := s.q(ctx).AddUsageHourly(ctx, sums.hourlyRows()); err != nil {
		return failed(err, "add up hours")
	}
	if err := s.q(ctx).AddUsageRollups(ctx, rollupRows(sums.rollups(zones))); err != nil {
		return failed(err, "add up days")
	}
	orgs, ids, at := keyUses(events)
	return failed(s.q(ctx).UseKeys(ctx, orgs, ids, at), "note when keys were used")
}

// zones are the time zones of the organisations of some events: whose days
// are summed. A zone that this machine does not know counts as UTC.
func (s *Store) zones(ctx context.Context, events ...[]alfred.UsageEvent) (map[alfred.OrgID]*time.Location, error) {
	zones := map[alfred.OrgID]*time.Location{}
	for _, e := range slices.Concat(events...) {
		zones[e.Org] = time.UTC
	}
	rows, err := s.q(ctx).Zones(ctx, texts(slices.Collect(maps.Keys(zones))))
	if err != nil {
		return nil, failed(err, "read the time zones")
	}
	for _, r := range rows {
		if zone, err := alfred.Zone(r.Zone); err == nil {
			zones[r.ID] = zone
		}
	}
	return zones, nil
}

type counterKey struct {
	org     alfred.OrgID
	kind    alfred.CounterKind
	subject string
	start   time.Time
}

func (a counterKey) compare(b counterKey) int {
	return cmp.Or(cmp.Compare(a.org, b.org), cmp.Compare(a.kind, b.kind), cmp.Compare(a.subject, b.subject), a.start.Compare(b.start))
}

type counterSum struct {
	amount alfred.Credits
	end    time.Time
}

// counterSums is what events add to each counter.
type counterSums map[counterKey]*counterSum

func (s counterSums) add(e alfred.UsageEvent) {
	for _, c := range e.Charges {
		s.sum(counterKey{e.Org, c.Counter.Kind, c.Counter.Subject, c.Counter.Window.Start.UTC()}, counterSum{c.Amount, c.Counter.Window.End})
	}
}

func (s counterSums) sum(k counterKey, more counterSum) {
	if have := s[k]; have != nil {
		have.amount, have.end = have.amount+more.amount, more.end
	} else {
		s[k] = &more
	}
}

// keys are in the order in which rows are touched.
func (s counterSums) keys() []counterKey { return slices.SortedFunc(maps.Keys(s), counterKey.compare) }

func (s counterSums) rows(keys []counterKey) (rows db.AddCounterUsageParams) {
	for _, k := range keys {
		rows.OrgIds = append(rows.OrgIds, string(k.org))
		rows.Kinds = append(rows.Kinds, string(k.kind))
		rows.Subjects = append(rows.Subjects, k.subject)
		rows.WindowStarts = append(rows.WindowStarts, k.start)
		rows.WindowEnds = append(rows.WindowEnds, s[k].end)
		rows.Amounts = append(rows.Amounts, int64(s[k].amount))
	}
	return rows
}

// keyUses is when each key was used last.
func keyUses(events []alfred.UsageEvent) (orgs, ids []string, at []time.Time) {
	type id struct {
		org alfred.OrgID
		key alfred.KeyID
	}
	last := map[id]time.Time{}
	for _, e := range events {
		k := id{e.Org, e.Key}
		if e.At.After(last[k]) {
			last[k] = e.At
		}
	}
	for k, t := range last {
		orgs, ids, at = append(orgs, string(k.org)), append(ids, string(k.key)), append(at, t)
	}
	return orgs, ids, at
}
