package extproc

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/alfred-envoy/alfred"
)

const (
	oldAfter  = 3 * freshFor     // without an answer of the source, what is known counts as old
	lostFor   = 10 * time.Minute // for which a record that was known and is gone is still believed
	faultFor  = time.Minute      // for which a fault that nobody met again is told
	maxFaults = 100
)

// What a directory can be. Anything but current is told and changes no
// readiness: the last good one goes on deciding, and where there is none the
// request itself is answered by what is wrong.
const (
	directoryCurrent     = "current"
	directoryMissing     = "missing"
	directoryOld         = "old"
	directoryHalfWritten = "half-written"
)

// freshness is what is known of the directory as a whole.
type freshness struct {
	mu        sync.Mutex
	heard     time.Time // the source answered last; zero is never
	orgs      int       // that the source lists; -1 is not known
	faults    map[string]fault
	announced map[alfred.OrgID]int64 // version of the newest catalog that was announced
}

// fault is one thing that is wrong with what is published.
type fault struct {
	state, words string
	at           time.Time
}

func newFreshness() freshness {
	return freshness{orgs: -1, faults: make(map[string]fault), announced: make(map[alfred.OrgID]int64)}
}

// answered notes how a reading of subject went. That a record cannot be
// decoded is an answer too.
func (f *freshness) answered(now time.Time, subject, name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
		delete(f.faults, subject)
	case isMistake(err):
		f.note(subject, fault{directoryHalfWritten, name + " cannot be decoded", now})
	case alfred.ErrorCode(err) == alfred.CodeNotFound:
		f.note(subject, fault{directoryMissing, name + " is not published", now})
	default:
		return
	}
	f.heard = now
}

func (f *freshness) note(subject string, x fault) {
	if _, known := f.faults[subject]; known || len(f.faults) < maxFaults {
		f.faults[subject] = x
	}
}

// met notes whether a record and the catalog that it is used with belong
// together: the catalog comes first, so a team that it lacks is not yet or no
// longer there.
func (f *freshness) met(now time.Time, p *alfred.Principal, c *alfred.Catalog) {
	subject := "pair " + string(p.Key)
	i := slices.IndexFunc(p.Teams, func(t alfred.TeamID) bool { _, ok := c.Teams[t]; return !ok })
	f.mu.Lock()
	defer f.mu.Unlock()
	if i < 0 {
		if len(f.faults) > 0 {
			delete(f.faults, subject)
		}
		return
	}
	f.note(subject, fault{directoryHalfWritten, fmt.Sprintf("the record of key %s (version %d) names team %s, which the catalog of %s (version %d) lacks", p.Key, p.Version, p.Teams[i], c.Org, c.Version), now})
}

func (f *freshness) announce(org alfred.OrgID, version int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.announced[org] = max(f.announced[org], version)
}

// read compares a catalog that was read with what was announced of it and
// with the one before.
func (f *freshness) read(now time.Time, c, before *alfred.Catalog) {
	f.mu.Lock()
	defer f.mu.Unlock()
	newest := f.announced[c.Org]
	if before != nil {
		newest = max(newest, before.Version)
	}
	subject := "version " + string(c.Org)
	if c.Version >= newest {
		delete(f.faults, subject)
		return
	}
	f.announced[c.Org] = newest
	f.note(subject, fault{directoryOld, fmt.Sprintf("version %d of the catalog of %s is published, version %d was known before", c.Version, c.Org, newest), now})
}

func (f *freshness) listed(now time.Time, orgs int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard, f.orgs = now, orgs
}

// age is how long ago the source answered; NaN when it never did.
func (f *freshness) age(now time.Time) float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.heard.IsZero() {
		return math.NaN()
	}
	return now.Sub(f.heard).Seconds()
}

// state is what the directory is, and in words why it is not current.
func (f *freshness) state(now time.Time) (state, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.heard.IsZero():
		return directoryMissing, "the directory has not been read yet: is Redis reachable?"
	case now.Sub(f.heard) > oldAfter:
		return directoryOld, fmt.Sprintf("the directory was last read %s ago (%s): is Redis reachable? What was read until then goes on deciding",
			now.Sub(f.heard).Round(time.Second), f.heard.UTC().Format(time.RFC3339))
	case f.orgs == 0:
		return directoryMissing, "no organisation is published: is alfred-admin running? What was read before goes on deciding"
	}
	first := ""
	for subject, x := range f.faults {
		if now.Sub(x.at) > faultFor {
			delete(f.faults, subject)
		} else if first == "" || subject < first {
			first = subject
		}
	}
	if first == "" {
		return directoryCurrent, ""
	}
	x := f.faults[first]
	words := x.words + ": is alfred-admin running? It publishes everything again by itself, or by `alfred-admin republish`. What was read before goes on deciding"
	if n := len(f.faults) - 1; n > 0 {
		words = fmt.Sprintf("%s (and %d more)", words, n)
	}
	return x.state, words
}

// check reads every organisation's catalog again each freshFor, so that the
// state is told also while nobody asks, until ctx ends.
func (d *directory) check(ctx context.Context) {
	for ctx.Err() == nil {
		d.checkOnce(ctx)
		pause(ctx, freshFor)
	}
}

func (d *directory) checkOnce(ctx context.Context) {
	orgs, err := d.orgs(ctx)
	if err != nil {
		return
	}
	for _, org := range orgs[:min(len(orgs), 100)] {
		v, _ := d.catalogs.LoadOrStore(org, new(catalogEntry))
		v.(*catalogEntry).fresh.Store(0)
		_, _ = d.catalog(ctx, org) // it notes what is wrong
	}
}
