package extproc

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// ask sends the headers of a request and returns how they were refused, or "".
func (w *world) ask(t testing.TB, key string) string {
	t.Helper()
	x := w.begin(t)
	defer x.cancel()
	return refusedWith(x.send(requestHeaders(false, ":method", "POST", ":path", "/v1/chat/completions", "x-api-key", key)))
}

func TestARandomKeyReachesNoStore(t *testing.T) {
	w := newWorld(t)
	for i := range 100 {
		if got := w.ask(t, fmt.Sprintf("tp-%042d", i)); got != "401 invalid_api_key" {
			t.Fatal(got)
		}
	}
	if n := w.source.count("principal"); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
}

func TestAnUnknownKeyReachesTheStoreOnce(t *testing.T) {
	w := newWorld(t)
	w.awaitWatch()
	unknown := newKey(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got := w.ask(t, unknown); got != "401 invalid_api_key" {
				t.Error(got)
			}
		})
	}
	wg.Wait()
	if n := w.source.count("principal"); n != 1 {
		t.Errorf("the store was asked %d times", n)
	}
	if n := w.source.count("catalog"); n > 1 {
		t.Errorf("the catalog was read %d times", n)
	}
	// It is issued: the announcement makes it known at once.
	hash := alfred.HashSecret(unknown, testPepper)
	w.source.mu.Lock()
	w.source.principals[hash] = w.principal
	changed := w.source.changed
	w.source.mu.Unlock()
	changed(Change{Org: testOrg, KeyHash: hash})
	if got := w.ask(t, unknown); got != "" {
		t.Errorf("after it was issued: %s", got)
	}
}

func TestTheNegativeCacheIsBounded(t *testing.T) {
	l := newLRU[int, int](3)
	for i := range 10 {
		l.put(i, i)
		l.get(0)
	}
	if _, kept := l.get(0); !kept || l.len() != 3 {
		t.Errorf("%d entries, the one that is used is kept: %v", l.len(), kept)
	}
	if _, kept := l.get(7); kept {
		t.Error("the one that was not used is kept")
	}
	l.remove(0)
	l.remove(0)
	if l.len() != 2 {
		t.Errorf("%d entries", l.len())
	}
}

func TestAChangeIsSeenByTheNextRequest(t *testing.T) {
	w := newWorld(t)
	w.awaitWatch()
	if got := w.ask(t, w.key); got != "" {
		t.Fatal(got)
	}
	hash := alfred.HashSecret(w.key, testPepper)
	revoked := *w.principal
	revoked.KeyStatus = alfred.KeyRevoked
	w.source.mu.Lock()
	w.source.principals[hash] = &revoked
	changed := w.source.changed
	w.source.mu.Unlock()
	if got := w.ask(t, w.key); got != "" {
		t.Errorf("unannounced, at once: %s", got)
	}
	changed(Change{Org: testOrg, KeyHash: hash})
	if got := w.ask(t, w.key); got != "401 invalid_api_key" {
		t.Errorf("announced: %q", got)
	}
}

func TestALostAnnouncementIsMadeUpFor(t *testing.T) {
	for _, c := range []struct {
		name string
		what func(*world)
	}{
		{"by time", func(w *world) { w.clock.advance(freshFor) }},
		{"by the notice that some were lost", func(w *world) { w.source.changed(Change{}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.awaitWatch()
			if got := w.ask(t, w.key); got != "" {
				t.Fatal(got)
			}
			suspended := *w.principal
			suspended.UserStatus = alfred.Suspended
			w.source.mu.Lock()
			w.source.principals[alfred.HashSecret(w.key, testPepper)] = &suspended
			w.source.mu.Unlock()
			c.what(w)
			if got := w.ask(t, w.key); got != "403 user_suspended" {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestWhatWasReadOutlivesAnOutage(t *testing.T) {
	w := newWorld(t)
	w.awaitWatch()
	if got := w.ask(t, w.key); got != "" {
		t.Fatal(got)
	}
	w.source.mu.Lock()
	w.source.err = errDown
	w.source.mu.Unlock()
	w.clock.advance(time.Minute)
	if got := w.ask(t, w.key); got != "" {
		t.Errorf("a key that was known: %s", got)
	}
	if got := w.ask(t, newKey(t)); got != "503 unavailable" {
		t.Errorf("a key that was not: %s", got)
	}
	// What was announced as changed may be revoked, so it is not believed.
	w.directory.forget(Change{Org: testOrg, KeyHash: alfred.HashSecret(w.key, testPepper)})
	if got := w.ask(t, w.key); got != "503 unavailable" {
		t.Errorf("a key that has changed: %s", got)
	}
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	eventually(t, func() error {
		if why := w.unready(); why != "" {
			return fmt.Errorf("not ready: %s", why)
		}
		return nil
	})
	w.directory.read.Store(false)
	if w.unready() == "" {
		t.Error("ready without a directory")
	}
}
