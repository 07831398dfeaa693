package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// published is the record of a credential; lapses is zero for ever.
type published struct {
	body    []byte
	version int64
	lapses  time.Time
}

// Catalog is the published catalog of an organisation, nil when there is none.
func (s *Store) Catalog(_ context.Context, org alfred.OrgID) (*alfred.Catalog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.catalogs[org]
	if !ok {
		return nil, nil
	}
	var c alfred.Catalog
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("read the catalog of %s: %w", org, err)
	}
	return &c, nil
}

// Principal is the published record of a credential, nil when there is none.
func (s *Store) Principal(_ context.Context, keyHash string) (*alfred.Principal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, ok := s.principal(keyHash)
	if !ok {
		return nil, nil
	}
	var p alfred.Principal
	if err := json.Unmarshal(have.body, &p); err != nil {
		return nil, fmt.Errorf("read a principal: %w", err)
	}
	return &p, nil
}

func (s *Store) principal(keyHash string) (published, bool) {
	have, ok := s.principals[keyHash]
	return have, ok && (have.lapses.IsZero() || s.clock().Before(have.lapses))
}

// Orgs lists the organisations that have ever published a catalog, sorted.
func (s *Store) Orgs(context.Context) ([]alfred.OrgID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []alfred.OrgID
	for id := range s.catalogs {
		out = append(out, id)
	}
	slices.Sort(out)
	return out, nil
}

// PublishCatalog replaces an organisation's catalog and tells those who watch.
// When a newer version stands already it changes nothing and returns an error
// of alfred.CodeStaleVersion.
func (s *Store) PublishCatalog(_ context.Context, c *alfred.Catalog) error {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("publish the catalog of %s: %w", c.Org, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.catalogs[c.Org]; ok {
		var have alfred.Catalog
		if err := json.Unmarshal(old, &have); err != nil {
			return fmt.Errorf("publish the catalog of %s: %w", c.Org, err)
		}
		if c.Version < have.Version {
			return fmt.Errorf("publish the catalog of %s: %w", c.Org, stale(have.Version, c.Version))
		}
	}
	s.catalogs[c.Org] = b
	s.tell(Change{Org: c.Org, Version: c.Version})
	return nil
}

// PublishPrincipals replaces the records of credentials, by the hash of the
// key. A nil record or one that is revoked stands for store.RevokedFor.
// Records of which a newer version stands are left as they are, the others are
// published, and the error is one of alfred.CodeStaleVersion.
func (s *Store) PublishPrincipals(_ context.Context, byKeyHash map[string]*alfred.Principal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	for hash, p := range byKeyHash {
		old, stands := s.principal(hash)
		var next published
		change := Change{KeyHash: hash}
		if p == nil {
			if stands {
				next.version = old.version
			}
			next.version++
			p = &alfred.Principal{Version: next.version, KeyStatus: alfred.KeyRevoked}
		} else {
			next.version, change.Org = p.Version, p.Org
			if stands && p.Version < old.version {
				failed = fmt.Errorf("publish principals: %w", stale(old.version, p.Version))
				continue
			}
		}
		b, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("publish a principal: %w", err)
		}
		next.body, change.Version = b, next.version
		if p.KeyStatus == alfred.KeyRevoked {
			next.lapses = s.clock().Add(store.RevokedFor)
		}
		s.principals[hash] = next
		s.tell(change)
	}
	return failed
}

func stale(stands, version int64) error {
	return alfred.Errorf(alfred.CodeStaleVersion, "version %d stands, %d is older", stands, version)
}

// tell passes a change to those who watch. One that does not keep up has its
// backlog replaced by the zero Change.
func (s *Store) tell(c Change) {
	for w := range s.watchers {
		select {
		case w <- c:
			continue
		default:
		}
		for range cap(w) {
			select {
			case <-w:
			default:
			}
		}
		w <- Change{} // has room: only this writes, under the lock
	}
}

// Watch calls fn with the zero Change at first, then for every change that is
// published, until ctx ends.
func (s *Store) Watch(ctx context.Context, fn func(Change)) error {
	w := make(chan Change, 64)
	s.mu.Lock()
	s.watchers[w] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.watchers, w)
		s.mu.Unlock()
	}()
	fn(Change{})
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-w:
			fn(c)
		}
	}
}
