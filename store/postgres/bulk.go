package postgres

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/alfred-envoy/alfred"
)

// LoadHistory writes whole days of events with their sums, as RecordEvents
// would have recorded them, but each day in one go: an empty database gets
// millions of them in minutes. It refuses a day of which something is there.
//
// Each of days is one UTC day in the order of time; each event comes once.
// What was loaded before an error stays.
func (s *Store) LoadHistory(ctx context.Context, org alfred.OrgID, days iter.Seq[[]alfred.UsageEvent], loaded func(events int)) error {
	zones, err := s.zones(ctx, []alfred.UsageEvent{{Org: org}})
	if err != nil {
		return err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(loaders)
	load := &load{store: s, zones: zones, counters: counterSums{}, keys: map[alfred.KeyID]time.Time{}, rollups: map[rollupKey]*alfred.UsageSums{}}
	turns := make(chan struct{}, 1) // days are added up in their order
	turns <- struct{}{}
	for events := range days {
		if within.Err() != nil {
			break
		}
		if len(events) == 0 {
			continue
		}
		mine, after := turns, make(chan struct{}, 1)
		turns = after
		group.Go(func() error {
			defer func() { after <- struct{}{} }()
			if err := load.day(within, events, mine); err != nil {
				return err
			}
			loaded(len(events))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return load.finish(ctx, org)
}

// loaders is how many days are written at once.
const loaders = 2

// load is what is added up over the days.
type load struct {
	store    *Store
	zones    map[alfred.OrgID]*time.Location
	counters counterSums
	keys     map[alfred.KeyID]time.Time
	rollups  map[rollupKey]*alfred.UsageSums
}

// day writes one day, and adds it up when it is its turn.
func (l *load) day(ctx context.Context, events []alfred.UsageEvent, turn <-chan struct{}) error {
	sums, counters := usageSums{}, counterSums{}
	for _, e := range events {
		sums.add(e)
		counters.add(e)
	}
	on := day(events[0].At)
	spent := spentOf(events)
	if err := l.store.copyDay(ctx, on, events, spent); err != nil {
		return err
	}
	if err := l.store.copyHourly(ctx, sums); err != nil {
		return err
	}
	rolled := sums.rollups(l.zones)
	select {
	case <-turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	for k, c := range counters {
		l.counters.sum(k, *c)
	}
	_, keys, at := keyUses(spent)
	for i, k := range keys {
		l.keys[alfred.KeyID(k)] = at[i]
	}
	for k, sum := range rolled {
		if have := l.rollups[k]; have != nil {
			have.Add(*sum)
		} else {
			l.rollups[k] = sum
		}
	}
	// Days and months of the zone may go on in the next UTC day.
	return l.flush(ctx, func(k rollupKey) bool { return !next(k.grain, k.at, l.zones[k.org]).After(on) })
}

// flush writes the sums that are complete.
func (l *load) flush(ctx context.Context, complete func(rollupKey) bool) error {
	var done []rollupKey
	for k := range l.rollups {
		if complete(k) {
			done = append(done, k)
		}
	}
	slices.SortFunc(done, rollupKey.compare)
	err := l.store.copyRows(ctx, "usage_rollups", []string{
		"org_id", "grain", "dimension", "at", "subject", "model", "provider", "outcome", "requests", "denials", "estimated", "overruns",
		"input", "cached_input", "cache_write", "output", "reasoning", "cost", "millis",
	}, len(done), func(i int) []any {
		k := done[i]
		return append([]any{k.org, k.grain, k.dimension, k.at, k.subject, k.model, k.provider, k.outcome}, sumValues(l.rollups[k])...)
	})
	for _, k := range done {
		delete(l.rollups, k)
	}
	return err
}

// finish writes what is known at the end alone.
func (l *load) finish(ctx context.Context, org alfred.OrgID) error {
	if err := l.flush(ctx, func(rollupKey) bool { return true }); err != nil {
		return err
	}
	// Jobs of an installation that runs may have moved credits meanwhile, so
	// counters may be there.
	for some := range slices.Chunk(l.counters.keys(), 10_000) {
		if err := l.store.q(ctx).AddCounterUsage(ctx, l.counters.rows(some)); err != nil {
			return failed(err, "add up counters")
		}
	}
	// Days have been analyzed one by one, and all of them together would take as
	// long as some of them took to load.
	if _, err := l.store.conn(ctx).Exec(ctx, "ANALYZE users, api_keys, teams, team_members, adjustments, transfers, decisions, counter_usage, usage_hourly, usage_rollups"); err != nil {
		return failed(err, "analyze")
	}
	ids := slices.Sorted(maps.Keys(l.keys))
	orgs, at := make([]string, len(ids)), make([]time.Time, len(ids))
	for i, id := range ids {
		orgs[i], at[i] = string(org), l.keys[id]
	}
	return failed(l.store.q(ctx).UseKeys(ctx, orgs, texts(ids), at), "note when keys were used")
}

// copyDay makes the partition of a day and fills it before its indices are
// made, which is when they cost least, and as if it had been vacuumed since.
func (s *Store) copyDay(ctx context.Context, on time.Time, events, spent []alfred.UsageEvent) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		tx, name := s.conn(ctx), "usage_events_"+on.Format("20060102")
		if err := s.copyDecisions(ctx, events); err != nil {
			return err
		}
		if len(spent) == 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE "+name+" (LIKE usage_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)"); err != nil {
			return failed(err, "make the partition of %s", on.Format(time.DateOnly))
		}
		read, write := io.Pipe()
		go func() { write.CloseWithError(writeEvents(write, spent)) }()
		conn, ok := tx.(pgx.Tx)
		if !ok {
			return fmt.Errorf("copy events: not in a transaction")
		}
		if _, err := conn.Conn().PgConn().CopyFrom(ctx, read, "COPY "+name+" ("+eventColumns+") FROM STDIN (FREEZE)"); err != nil {
			_ = read.CloseWithError(err)
			return failed(err, "copy the events of %s", on.Format(time.DateOnly))
		}
		if _, err := tx.Exec(ctx, "ANALYZE "+name+" (at, org_id, user_id, team_id, project_id, model, priority, cost, outcome, kind)"); err != nil {
			return failed(err, "analyze the events of %s", on.Format(time.DateOnly))
		}
		_, err := tx.Exec(ctx, fmt.Sprintf("ALTER TABLE usage_events ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')",
			name, on.Format(time.DateOnly), on.AddDate(0, 0, 1).Format(time.DateOnly)))
		return failed(err, "attach the partition of %s", on.Format(time.DateOnly))
	})
}

// spentOf leaves the refusals out.
func spentOf(events []alfred.UsageEvent) []alfred.UsageEvent {
	out := make([]alfred.UsageEvent, 0, len(events))
	for i := range events {
		if events[i].Kind != alfred.EventDecision {
			out = append(out, events[i])
		}
	}
	return out
}

func (s *Store) copyDecisions(ctx context.Context, events []alfred.UsageEvent) error {
	var refused []alfred.UsageEvent
	for _, e := range events {
		if e.Kind == alfred.EventDecision {
			refused = append(refused, e)
		}
	}
	return s.copyRows(ctx, "decisions", []string{"id", "org_id", "user_id", "at", "code", "decision"}, len(refused), func(i int) []any {
		e := refused[i]
		return []any{e.Refused.ID, e.Org, e.User, e.At, e.Refused.Code, *e.Refused}
	})
}

func (s *Store) copyHourly(ctx context.Context, sums usageSums) error {
	keys := slices.SortedFunc(maps.Keys(sums), hourKey.compare)
	return s.copyRows(ctx, "usage_hourly", []string{
		"org_id", "hour", "user_id", "team_id", "department_id", "project_id", "model", "provider", "key_id", "outcome", "requests", "denials", "estimated", "overruns",
		"input", "cached_input", "cache_write", "output", "reasoning", "cost", "millis",
	}, len(keys), func(i int) []any {
		k := keys[i]
		return append([]any{k.org, k.hour, k.user, k.team, k.department, k.project, k.model, k.provider, k.key, k.outcome}, sumValues(sums[k])...)
	})
}

func sumValues(s *alfred.UsageSums) []any {
	u := s.Usage
	return []any{s.Requests, s.Denials, s.Estimated, s.Overruns, u.Input, u.CachedInput, u.CacheWrite, u.Output, u.Reasoning, int64(s.Cost), s.Millis}
}

// copyRows writes many rows at once.
func (s *Store) copyRows(ctx context.Context, table string, columns []string, n int, row func(int) []any) error {
	if n == 0 {
		return nil
	}
	source := pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil })
	var err error
	if tx, ok := s.conn(ctx).(pgx.Tx); ok {
		_, err = tx.CopyFrom(ctx, pgx.Identifier{table}, columns, source)
	} else {
		_, err = s.pool.CopyFrom(ctx, pgx.Identifier{table}, columns, source)
	}
	return failed(err, "copy into %s", table)
}
