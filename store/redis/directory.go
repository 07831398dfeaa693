package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Catalog is the published catalog of an organisation, nil when there is none.
func (s *Store) Catalog(ctx context.Context, org alfred.OrgID) (*alfred.Catalog, error) {
	var c alfred.Catalog
	found, err := s.read(ctx, keysOf(org).catalog(), &c)
	if err != nil || !found {
		return nil, wrap(err, "read the catalog of %s", org)
	}
	return &c, nil
}

// Principal is the published record of a credential, nil when there is none.
func (s *Store) Principal(ctx context.Context, keyHash string) (*alfred.Principal, error) {
	var p alfred.Principal
	found, err := s.read(ctx, principalKey(keyHash), &p)
	if err != nil || !found {
		return nil, wrap(err, "read a principal")
	}
	return &p, nil
}

func (s *Store) read(ctx context.Context, key string, into any) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	b, err := s.client.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, unavailable(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return false, malformed("%v", err)
	}
	return true, nil
}

// Orgs lists the organisations that have ever published a catalog, sorted.
func (s *Store) Orgs(ctx context.Context) ([]alfred.OrgID, error) {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	names, err := s.client.SMembers(ctx, orgsKey).Result()
	if err != nil {
		return nil, fmt.Errorf("list organisations: %w", unavailable(err))
	}
	slices.Sort(names)
	out := make([]alfred.OrgID, len(names))
	for i, n := range names {
		out[i] = alfred.OrgID(n)
	}
	return out, nil
}

// PublishCatalog replaces an organisation's catalog and tells those who watch.
// When a newer version stands already it changes nothing and returns an error
// of alfred.CodeStaleVersion.
func (s *Store) PublishCatalog(ctx context.Context, c *alfred.Catalog) error {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("publish the catalog of %s: %w", c.Org, err)
	}
	// The organisation first: a catalog of an organisation that is not listed
	// would never have its events read.
	if err := s.list(ctx, c.Org); err != nil {
		return fmt.Errorf("publish the catalog of %s: %w", c.Org, err)
	}
	p := publication{key: keysOf(c.Org).catalog(), version: c.Version, body: string(b), change: Change{Org: c.Org}}
	return wrap(s.publish(ctx, p), "publish the catalog of %s", c.Org)
}

func (s *Store) list(ctx context.Context, org alfred.OrgID) error {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	if err := s.client.SAdd(ctx, orgsKey, string(org)).Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// PublishPrincipals replaces the records of credentials, by the hash of the
// key. A nil record or one that is revoked stands for store.RevokedFor, so
// that cached copies die. Records of which a newer version stands are left as
// they are, the others are published, and the error is one of
// alfred.CodeStaleVersion.
func (s *Store) PublishPrincipals(ctx context.Context, byKeyHash map[string]*alfred.Principal) error {
	var stale error
	for hash, p := range byKeyHash {
		pub := publication{key: principalKey(hash), change: Change{KeyHash: hash}}
		if p == nil || p.KeyStatus == alfred.KeyRevoked {
			pub.ttl = store.RevokedFor.Milliseconds()
		}
		if p != nil {
			b, err := json.Marshal(p)
			if err != nil {
				return fmt.Errorf("publish a principal: %w", err)
			}
			pub.version, pub.body, pub.change.Org = p.Version, string(b), p.Org
		}
		err := s.publish(ctx, pub)
		if alfred.ErrorCode(err) == alfred.CodeStaleVersion {
			stale = err
			continue
		}
		if err != nil {
			return fmt.Errorf("publish a principal: %w", err)
		}
	}
	return wrap(stale, "publish principals")
}

// publication is one record on its way.
type publication struct {
	key     string
	version int64
	body    string // "" withdraws
	ttl     int64  // ms, 0 for ever
	change  Change
}

func (s *Store) publish(ctx context.Context, p publication) error {
	ctx, cancel := s.slow(ctx, 0)
	defer cancel()
	reply, err := s.scripts.publish.Run(ctx, s.client, []string{p.key}, p.version, p.body, p.ttl).Slice()
	if err != nil {
		return unavailable(err)
	}
	if len(reply) != 2 {
		return malformed("a reply of %d values", len(reply))
	}
	version, err := number(reply[1])
	if err != nil {
		return err
	}
	if reply[0] != int64(1) {
		return alfred.Errorf(alfred.CodeStaleVersion, "version %d stands, %d is older", version, p.version)
	}
	p.change.Version = version
	b, err := json.Marshal(p.change)
	if err != nil {
		return malformed("%v", err)
	}
	// Should this get lost, the next publication or reconnection tells: who
	// watches bounds the age of what it has cached.
	if err := s.client.Publish(ctx, changedChannel, b).Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// Watch calls fn for every change that is published, and with the zero Change
// after each connection, when changes may have been missed. It reconnects by
// itself and returns when ctx ends.
func (s *Store) Watch(ctx context.Context, fn func(Change)) error {
	sub := s.client.Subscribe(ctx, changedChannel)
	defer func() { _ = sub.Close() }()
	messages := sub.ChannelWithSubscriptions()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m, open := <-messages:
			if !open {
				return ctx.Err()
			}
			switch m := m.(type) {
			case *redis.Subscription:
				fn(Change{})
			case *redis.Message:
				// What cannot be read is taken as a change that was missed.
				var c Change
				if json.Unmarshal([]byte(m.Payload), &c) != nil {
					c = Change{}
				}
				fn(c)
			}
		}
	}
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
