package sim

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/extproc"
)

// live is the live store over the network, as one host has it. Whatever
// arrives is checked where it is executed.
type live struct {
	world *world
	host  *host
}

func (l live) Reserve(ctx context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
	l.world.checkPublished(l.host, r)
	return call(l.world, l.world.redis, "reserve "+string(r.Hold), func() (reply alfred.ReserveReply, err error) {
		l.world.checked(reserving, func() { reply, err = l.world.store.Reserve(ctx, r) })
		l.world.afterReserve(r, reply, err)
		if setAside(r) {
			l.world.afterSetAside(r, reply)
		}
		return reply, err
	})
}

func (l live) Extend(ctx context.Context, r alfred.HoldRecord, ttl time.Duration) (bool, error) {
	return call(l.world, l.world.redis, "extend "+string(r.Hold), func() (alive bool, err error) {
		l.world.checked(looking, func() { alive, err = l.world.store.Extend(ctx, r, ttl) })
		l.world.afterExtend(r.Hold, ttl, alive)
		return alive, err
	})
}

func (l live) Settle(ctx context.Context, s alfred.Settlement) (alfred.EndState, error) {
	l.world.remember(s.Event, s.Record.Hold)
	return call(l.world, l.world.redis, "settle "+string(s.Record.Hold), func() (end alfred.EndState, err error) {
		l.world.covered, l.world.ending = l.world.covers(s), s.Record.Hold
		l.world.checked(ending, func() { end, err = l.world.store.Settle(ctx, s) })
		l.world.covered = nil
		l.world.afterEnd(s.Record.Hold, end, err)
		return end, err
	})
}

func (l live) Void(ctx context.Context, r alfred.HoldRecord, e alfred.UsageEvent) (alfred.EndState, error) {
	l.world.remember(e, r.Hold)
	return call(l.world, l.world.redis, "void "+string(r.Hold), func() (end alfred.EndState, err error) {
		l.world.ending = r.Hold
		l.world.checkGivenBack(r.Hold)
		l.world.checked(ending, func() { end, err = l.world.store.Void(ctx, r, e) })
		l.world.afterEnd(r.Hold, end, err)
		return end, err
	})
}

func (l live) Reap(ctx context.Context, org alfred.OrgID, limit int) (int, error) {
	return call(l.world, l.world.redis, "reap", func() (n int, err error) {
		before := l.world.store.Open(org)
		l.world.checked(ending, func() { n, err = l.world.store.Reap(ctx, org, limit) })
		l.world.afterReap(before)
		return n, err
	})
}

func (l live) Epoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	return at(l.world, l.host, l.world.redis, func() (alfred.Epoch, error) { return l.world.store.Epoch(ctx, org) })
}

func (l live) AppendEvents(ctx context.Context, org alfred.OrgID, events []alfred.UsageEvent) error {
	for _, e := range events {
		if e.Kind != alfred.EventDecision {
			l.world.remember(e, e.Reservation)
		}
	}
	_, err := call(l.world, l.world.redis, "append", func() (_ struct{}, err error) {
		l.world.checked(looking, func() { err = l.world.store.AppendEvents(ctx, org, events) })
		for _, e := range events {
			l.world.booked[e.Reservation] = err == nil || l.world.booked[e.Reservation]
		}
		return struct{}{}, err
	})
	return err
}

// What the keeper of a spool asks.

func (l live) Lineage(ctx context.Context, instance string) (string, error) {
	return call(l.world, l.world.redis, "lineage", func() (string, error) { return l.world.store.Lineage(ctx, instance) })
}

func (l live) Confirmed(ctx context.Context, instance string, max int) ([]int64, error) {
	return call(l.world, l.world.redis, "confirmed", func() ([]int64, error) { return l.world.store.Confirmed(ctx, instance, max) })
}

func (l live) ForgetConfirmed(ctx context.Context, instance string, seqs []int64) error {
	_, err := call(l.world, l.world.redis, "forget confirmed", func() (struct{}, error) {
		return struct{}{}, l.world.store.ForgetConfirmed(ctx, instance, seqs)
	})
	return err
}

// The directory is read under locks, so that it never waits.

func (l live) Catalog(ctx context.Context, org alfred.OrgID) (*alfred.Catalog, error) {
	return noted(l, func() (*alfred.Catalog, error) { return l.world.store.Catalog(ctx, org) })
}

func (l live) Principal(ctx context.Context, hash string) (*alfred.Principal, error) {
	return noted(l, func() (*alfred.Principal, error) { return l.world.store.Principal(ctx, hash) })
}

func (l live) Orgs(ctx context.Context) ([]alfred.OrgID, error) {
	return at(l.world, l.host, l.world.redis, func() ([]alfred.OrgID, error) { return l.world.store.Orgs(ctx) })
}

// noted reads of the directory, and notes when that failed: from then on a
// host may go by what it knew.
func noted[R any](l live, read func() (R, error)) (R, error) {
	value, err := at(l.world, l.host, l.world.redis, read)
	if err != nil {
		l.world.unread[l.host] = l.world.now
	}
	return value, err
}

// Watch is not used: announcements come as steps.
func (l live) Watch(context.Context, func(extproc.Change)) error { return nil }

// events is the usage stream as a recorder has it.
type events struct{ live }

func (l events) ReadEvents(ctx context.Context, org alfred.OrgID, consumer string, max int, _ time.Duration) ([]admin.Entry, error) {
	entries, err := call(l.world, l.world.redis, "read", func() ([]admin.Entry, error) {
		entries, err := l.world.store.ReadEvents(ctx, org, consumer, max, 0)
		out := make([]admin.Entry, len(entries))
		for i, e := range entries {
			out[i] = admin.Entry(e)
		}
		return out, err
	})
	return entries, err
}

func (l events) AckEvents(ctx context.Context, org alfred.OrgID, ids []string) error {
	_, err := call(l.world, l.world.redis, "acknowledge", func() (_ struct{}, err error) {
		before := l.world.store.Backlog(org)
		l.world.checked(looking, func() { err = l.world.store.AckEvents(ctx, org, ids) })
		l.world.afterAck(before)
		return struct{}{}, err
	})
	return err
}

func (l events) ConfirmSpool(ctx context.Context, instance string, seqs []int64) error {
	_, err := call(l.world, l.world.redis, "confirm", func() (struct{}, error) {
		l.world.checkConfirmed(instance, seqs)
		return struct{}{}, l.world.store.ConfirmSpool(ctx, instance, seqs)
	})
	return err
}

// published is the live store as the publisher has it. What is published is
// announced to every data plane that the network lets it reach.
type published struct {
	admin.Live // what the publisher does not ask for
	live
}

func (p published) Epoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error) {
	return p.live.Epoch(ctx, org)
}

func (p published) Catalog(ctx context.Context, org alfred.OrgID) (*alfred.Catalog, error) {
	return call(p.world, p.world.redis, "catalog", func() (*alfred.Catalog, error) { return p.world.store.Catalog(ctx, org) })
}

func (p published) Principal(ctx context.Context, hash string) (*alfred.Principal, error) {
	return call(p.world, p.world.redis, "principal", func() (*alfred.Principal, error) { return p.world.store.Principal(ctx, hash) })
}

func (p published) Lineage(ctx context.Context, instance string) (string, error) {
	return p.live.Lineage(ctx, instance)
}

func (p published) PublishCatalog(ctx context.Context, c *alfred.Catalog) error {
	_, err := call(p.world, p.world.redis, "publish catalog", func() (struct{}, error) {
		err := p.world.store.PublishCatalog(ctx, c)
		if err == nil {
			p.world.announce(extproc.Change{Org: c.Org, Version: c.Version})
		}
		return struct{}{}, err
	})
	return err
}

func (p published) PublishPrincipals(ctx context.Context, byHash map[string]*alfred.Principal) error {
	_, err := call(p.world, p.world.redis, "publish people", func() (struct{}, error) {
		err := p.world.store.PublishPrincipals(ctx, byHash)
		p.world.notePublished(byHash)
		return struct{}{}, err
	})
	return err
}
