package admin

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Kinds of topics.
const (
	topicCatalog = "catalog"
	topicUser    = "user"
)

// publishBatch bounds how many people one step publishes.
const publishBatch = 500

// Publisher tells the data plane what changed. It reads the topics that
// writers left in their transactions, builds what is published from the
// record as it now stands, and forgets a topic only when it was published:
// a crash publishes twice, never not at all.
type Publisher struct {
	Records Records
	Live    Live
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *Metrics
	Ledger  *Rebuilder // builds the ledger of an organisation before its first catalog; nil: somebody else does
}

// Run publishes until ctx ends. A store that cannot be reached is tried
// again, with growing pauses.
func (p *Publisher) Run(ctx context.Context) {
	pause := retry{}
	for ctx.Err() == nil {
		n, err := p.Step(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			p.Log.Error("publish", "err", err)
			p.Metrics.failed("publish")
			pause.wait(ctx)
		case n == 0:
			pause.reset()
			if err := p.Records.WaitTouched(ctx); err != nil && ctx.Err() == nil {
				p.Log.Error("wait for changes", "err", err)
				pause.wait(ctx)
			}
		default:
			pause.reset()
		}
	}
}

// Step publishes what is waiting, at most a batch, and returns how many
// topics it published.
func (p *Publisher) Step(ctx context.Context) (int, error) {
	topics, err := p.Records.Touched(ctx, publishBatch)
	if err != nil || len(topics) == 0 {
		return 0, err
	}
	byOrg := map[alfred.OrgID][]alfred.Topic{}
	seqs := make([]int64, 0, len(topics))
	for _, t := range topics {
		byOrg[t.Org] = append(byOrg[t.Org], t)
		seqs = append(seqs, t.Seq)
	}
	if mutant == "forget_before_publish" {
		if err := p.Records.Published(ctx, seqs); err != nil {
			return 0, err
		}
	}
	for _, org := range slices.Sorted(maps.Keys(byOrg)) {
		if err := p.publish(ctx, org, byOrg[org]); err != nil {
			return 0, fmt.Errorf("publish %s: %w", org, err)
		}
	}
	if err := p.Records.Published(ctx, seqs); err != nil {
		return 0, fmt.Errorf("forget what was published: %w", err)
	}
	p.Metrics.publish(len(topics))
	return len(topics), nil
}

// publish builds and publishes one organisation's topics. Everything gets
// the number of the last topic as its version: the record was read after it.
func (p *Publisher) publish(ctx context.Context, org alfred.OrgID, topics []alfred.Topic) error {
	catalog, version := false, int64(0)
	var people []alfred.UserID
	for _, t := range topics {
		version = max(version, t.Seq)
		switch t.Kind {
		case topicCatalog:
			catalog = true
		case topicUser:
			people = append(people, alfred.UserID(t.ID))
		}
	}
	now := p.Now()
	directories, err := p.Records.UserDirectory(ctx, org, people, now)
	if err != nil {
		return fmt.Errorf("read people: %w", err)
	}
	snap, err := readSnapshot(ctx, p.Records, org, now)
	if err != nil {
		return err
	}
	if catalog {
		err = snap.addAllTeams(ctx, p.Records)
	} else {
		err = snap.addTeams(ctx, p.Records, teamsOf(directories...)...)
	}
	if err != nil {
		return err
	}
	if catalog {
		if err := snap.complete(ctx, p.Records); err != nil {
			return err
		}
		snap.catalog.Version = version
		if p.Ledger != nil {
			// What is published is of use also while the ledger is not built.
			if err := p.Ledger.Ensure(ctx, org); err != nil && ctx.Err() == nil {
				p.Log.Error("keep the live ledger", "err", err)
			}
		}
		err := p.Live.PublishCatalog(ctx, snap.catalog)
		if alfred.ErrorCode(err) == alfred.CodeStaleVersion {
			err = p.superseded(ctx, func() (int64, error) { return p.catalogStands(ctx, org) })
		}
		if err != nil {
			return fmt.Errorf("catalog: %w", err)
		}
	}
	if len(people) == 0 {
		return nil
	}
	owners, err := p.Records.Users(ctx, org, alfred.UserFilter{Access: alfred.RoleOwner, Statuses: []alfred.UserStatus{alfred.Active}, Limit: 1})
	if err != nil {
		return fmt.Errorf("read owners: %w", err)
	}
	if len(owners) > 0 {
		snap.ask = owners[0].Email
	}
	byHash := map[string]*alfred.Principal{}
	for _, d := range directories {
		for hash, principal := range snap.principals(d, version) {
			byHash[hash] = principal
		}
	}
	if len(byHash) == 0 {
		return nil
	}
	err = p.Live.PublishPrincipals(ctx, byHash)
	if alfred.ErrorCode(err) == alfred.CodeStaleVersion {
		err = p.superseded(ctx, func() (int64, error) { return p.peopleStand(ctx, byHash) })
	}
	if err != nil {
		return fmt.Errorf("people: %w", err)
	}
	return nil
}

// superseded deals with the refusal of a version that is older than what
// stands. Mostly another process has published the later one, and all is
// well. But a record that was restored from an older copy counts from a lower
// number, and everything it publishes would be refused for ever: then the
// numbers go on above what stands, and everything is published again.
func (p *Publisher) superseded(ctx context.Context, stands func() (int64, error)) error {
	version, err := stands()
	if err != nil {
		return err
	}
	behind, err := p.Records.RaiseTopics(ctx, version)
	if err != nil || !behind {
		return err
	}
	p.Log.Warn("the record is older than what is published: publishing everything again", "published_version", version)
	return Republish(ctx, p.Records, p.Now())
}

func (p *Publisher) catalogStands(ctx context.Context, org alfred.OrgID) (int64, error) {
	c, err := p.Live.Catalog(ctx, org)
	if err != nil || c == nil {
		return 0, err
	}
	return c.Version, nil
}

func (p *Publisher) peopleStand(ctx context.Context, byHash map[string]*alfred.Principal) (int64, error) {
	version := int64(0)
	for hash := range byHash {
		standing, err := p.Live.Principal(ctx, hash)
		if err != nil {
			return 0, err
		}
		if standing != nil {
			version = max(version, standing.Version)
		}
	}
	return version, nil
}

// Republish marks everything to be published: at the start of the process,
// and after the live store was lost.
func Republish(ctx context.Context, r Records, now time.Time) error {
	orgs, err := r.Organizations(ctx)
	if err != nil {
		return err
	}
	for _, org := range orgs {
		err := r.InTx(ctx, func(ctx context.Context) error {
			w := newChange(&server{Config: Config{Records: r, Now: func() time.Time { return now }}}, org.ID, &call{})
			if err := w.publishEveryone(ctx); err != nil {
				return err
			}
			return w.flush(ctx)
		})
		if err != nil {
			return fmt.Errorf("republish %s: %w", org.ID, err)
		}
	}
	return nil
}

// retry paces attempts at a store that does not answer: a tenth of a second,
// doubling up to five.
type retry struct{ last time.Duration }

func (r *retry) reset() { r.last = 0 }

func (r *retry) wait(ctx context.Context) {
	r.last = min(max(2*r.last, 100*time.Millisecond), 5*time.Second)
	t := time.NewTimer(r.last)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
