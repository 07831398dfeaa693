package extproc

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/alfred-envoy/alfred"
)

const (
	maxPrincipals = 200_000
	maxUnknown    = 50_000
	freshFor      = 5 * time.Second  // after which a record is read again, whether a change was announced or not
	unknownFor    = 30 * time.Second // for which an unknown key is not looked up again, unless it is announced
	retryAfter    = time.Second      // after a reading that failed
)

// directory is the cache before a [Directory]. A change that is announced is
// seen by the next request; one whose announcement was lost, after freshFor.
// While the source is away, it answers with what it last knew, unless a
// change of exactly that was announced.
type directory struct {
	source  Directory
	now     func() time.Time
	timeout time.Duration
	resting func(time.Time) bool // the source is known to be away: nobody waits to learn it again
	metrics *Metrics
	log     *slog.Logger
	changed func() // called after every change

	epoch   atomic.Int64 // grows with every change
	fetches singleflight.Group
	read    atomic.Bool // the source has answered at least once
	state   freshness

	mu         sync.Mutex
	principals *lru[string, *principalEntry]
	unknown    *lru[string, time.Time] // until when

	catalogs sync.Map // alfred.OrgID → *catalogEntry
}

type principalEntry struct {
	principal *alfred.Principal
	fresh     time.Time // until when
	seen      time.Time // in the source, last
}

// catalogEntry is one organisation's catalog, replaced whole.
type catalogEntry struct {
	current atomic.Pointer[alfred.Catalog]
	fresh   atomic.Int64 // until when, in Unix nanoseconds
}

func newDirectory(source Directory, now func() time.Time, timeout time.Duration, resting func(time.Time) bool, m *Metrics, log *slog.Logger, changed func()) *directory {
	return &directory{
		source: source, now: now, timeout: timeout, resting: resting, metrics: m, log: log, changed: changed, state: newFreshness(),
		principals: newLRU[string, *principalEntry](maxPrincipals),
		unknown:    newLRU[string, time.Time](maxUnknown),
	}
}

// principal returns what is known of a key, nil for an unknown one, and an
// error only when nothing is known and the source cannot be asked.
func (d *directory) principal(ctx context.Context, hash string) (*alfred.Principal, error) {
	now := d.now()
	d.mu.Lock()
	entry, known := d.principals.get(hash)
	until, refused := d.unknown.get(hash)
	d.mu.Unlock()
	switch {
	case known && now.Before(entry.fresh):
		d.metrics.directory.WithLabelValues("cache").Inc()
		return entry.principal, nil
	case known && d.resting(now):
		d.metrics.directory.WithLabelValues("stale").Inc()
		return entry.principal, nil
	case refused && now.Before(until):
		d.metrics.directory.WithLabelValues("negative_cache").Inc()
		return nil, nil
	}
	p, err := d.fetchPrincipal(ctx, hash)
	if err != nil && known {
		// It was not announced as changed, else it would not be here.
		d.metrics.directory.WithLabelValues("stale").Inc()
		return entry.principal, nil
	}
	return p, err
}

func (d *directory) fetchPrincipal(ctx context.Context, hash string) (*alfred.Principal, error) {
	v, err, _ := d.fetches.Do("k"+hash, func() (any, error) {
		d.metrics.directory.WithLabelValues("store").Inc()
		epoch, began := d.epoch.Load(), time.Now()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.timeout)
		defer cancel()
		p, err := d.source.Principal(ctx, hash)
		if alfred.ErrorCode(err) == alfred.CodeNotFound {
			p, err = nil, nil
		}
		d.metrics.called("principal", began, err)
		now := d.now()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.state.answered(now, "key "+hash, "the record of a key", err)
		entry, known := d.principals.get(hash)
		if err != nil {
			if known {
				d.principals.put(hash, &principalEntry{entry.principal, now.Add(retryAfter), entry.seen})
			}
			return nil, err
		}
		d.read.Store(true)
		// What was read while something changed may be from before the change.
		unchanged := d.epoch.Load() == epoch
		if p == nil && unchanged && known && now.Sub(entry.seen) < lostFor {
			// One that is withdrawn stands as revoked for a day, and is announced:
			// this one was lost, and is published again.
			d.principals.put(hash, &principalEntry{entry.principal, now.Add(retryAfter), entry.seen})
			d.state.answered(now, "key "+hash, "the record of key "+string(entry.principal.Key), alfred.Errorf(alfred.CodeNotFound, "it is gone"))
			return entry.principal, nil
		}
		if p == nil {
			d.principals.remove(hash)
			if unchanged {
				d.unknown.put(hash, now.Add(unknownFor))
			}
			return nil, nil
		}
		d.unknown.remove(hash)
		if unchanged {
			fresh := now.Add(freshFor)
			if mutant == "never_reads_again" {
				fresh = now.Add(time.Hour)
			}
			d.principals.put(hash, &principalEntry{p, fresh, now})
		}
		return p, nil
	})
	if err != nil {
		return nil, err
	}
	p, _ := v.(*alfred.Principal)
	return p, nil
}

// catalog returns an organisation's catalog. It is an error when it was never
// published, or cannot be read and was never read before.
func (d *directory) catalog(ctx context.Context, org alfred.OrgID) (*alfred.Catalog, error) {
	v, _ := d.catalogs.LoadOrStore(org, new(catalogEntry))
	entry := v.(*catalogEntry)
	now := d.now()
	if c := entry.current.Load(); c != nil && (now.UnixNano() < entry.fresh.Load() || d.resting(now)) {
		return c, nil
	}
	fetched, err, _ := d.fetches.Do("c"+string(org), func() (any, error) {
		epoch, began := d.epoch.Load(), time.Now()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.timeout)
		defer cancel()
		c, err := d.source.Catalog(ctx, org)
		if err == nil && c == nil {
			err = alfred.Errorf(alfred.CodeNotFound, "the catalog of %s is not published", org)
		}
		d.metrics.called("catalog", began, err)
		d.state.answered(d.now(), "catalog "+string(org), "the catalog of "+string(org), err)
		if err != nil {
			entry.fresh.Store(d.now().Add(retryAfter).UnixNano())
			return nil, err
		}
		d.read.Store(true)
		d.state.read(d.now(), c, entry.current.Load())
		entry.current.Store(c)
		if d.epoch.Load() == epoch {
			entry.fresh.Store(d.now().Add(freshFor).UnixNano())
		}
		return c, nil
	})
	if err != nil {
		if c := entry.current.Load(); c != nil {
			return c, nil
		}
		return nil, err
	}
	return fetched.(*alfred.Catalog), nil
}

// forget drops what a change made old. The zero change says that some may
// have been missed.
func (d *directory) forget(c Change) {
	if c == (Change{}) {
		d.forgetAll()
		return
	}
	d.epoch.Add(1)
	if c.KeyHash != "" {
		d.mu.Lock()
		d.principals.remove(c.KeyHash)
		d.unknown.remove(c.KeyHash)
		d.mu.Unlock()
	} else {
		d.state.announce(c.Org, c.Version)
		if v, ok := d.catalogs.Load(c.Org); ok {
			v.(*catalogEntry).fresh.Store(0)
		}
	}
	d.changed()
}

// forgetAll makes every record be read again before its next use.
func (d *directory) forgetAll() {
	d.epoch.Add(1)
	d.mu.Lock()
	for _, e := range d.principals.items {
		item := e.Value.(*lruItem[string, *principalEntry])
		item.value = &principalEntry{principal: item.value.principal, seen: item.value.seen}
	}
	d.unknown.clear()
	d.mu.Unlock()
	d.catalogs.Range(func(_, v any) bool {
		v.(*catalogEntry).fresh.Store(0)
		return true
	})
	d.changed()
}

// watch follows the announcements until ctx ends. Since some may be lost
// while the connection is, everything is read again after each loss.
func (d *directory) watch(ctx context.Context) {
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 2*time.Second) {
		err := d.source.Watch(ctx, func(c Change) { wait = 100 * time.Millisecond; d.forget(c) })
		if ctx.Err() != nil {
			return
		}
		d.log.WarnContext(ctx, "the directory's announcements were interrupted", "error", err)
		d.forgetAll()
		pause(ctx, wait)
	}
}

// warm reads the organisations once, so that the process knows that it can
// serve, and tries until it can. Then it looks whether what is published is
// whole, until ctx ends.
func (d *directory) warm(ctx context.Context) {
	for ctx.Err() == nil {
		orgs, err := d.orgs(ctx)
		if err == nil {
			d.read.Store(true)
			for _, org := range orgs[:min(len(orgs), 100)] {
				_, _ = d.catalog(ctx, org) // read again when it is needed
			}
			pause(ctx, freshFor)
			d.check(ctx)
			return
		}
		pause(ctx, 500*time.Millisecond)
	}
}

func (d *directory) orgs(ctx context.Context) ([]alfred.OrgID, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, max(d.timeout, time.Second))
	defer cancel()
	orgs, err := d.source.Orgs(ctx)
	d.metrics.called("orgs", began, err)
	if err == nil {
		d.state.listed(d.now(), len(orgs))
	}
	return orgs, err
}

// pause waits, or less if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
