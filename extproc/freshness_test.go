package extproc

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
)

// readyz is what /readyz says of the directory.
func (w *world) readyz(t testing.TB) (status int, state, why string) {
	t.Helper()
	r := httptest.NewRecorder()
	w.Handler(prometheus.NewRegistry()).ServeHTTP(r, httptest.NewRequest("GET", "/readyz", nil))
	var body struct {
		Reason    string `json:"reason"`
		Directory string `json:"directory"`
		Why       string `json:"directory_reason"`
	}
	if err := json.Unmarshal(r.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	return r.Code, body.Directory, body.Why + body.Reason
}

// change changes what is published, without an announcement.
func (w *world) change(f func(*fakeDirectory)) {
	w.source.mu.Lock()
	defer w.source.mu.Unlock()
	f(w.source)
}

// known is a world whose key was used, so that everything of it was read.
func known(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.awaitWatch()
	if got := w.ask(t, w.key); got != "" {
		t.Fatal(got)
	}
	eventually(t, func() error {
		if status, state, why := w.readyz(t); status != 200 || state != directoryCurrent || why != "" {
			return fmt.Errorf("%d %s %s", status, state, why)
		}
		return nil
	})
	return w
}

// says expects readyz to say it while the last good directory goes on serving.
func (w *world) says(t testing.TB, want string, words ...string) {
	t.Helper()
	if got := w.ask(t, w.key); got != "" {
		t.Errorf("what was read before is not kept: %s", got)
	}
	status, state, why := w.readyz(t)
	if status != 200 || state != want {
		t.Errorf("%d %q %q, want %q", status, state, why, want)
	}
	for _, word := range words {
		if !strings.Contains(why, word) {
			t.Errorf("%q does not say %q", why, word)
		}
	}
}

func TestReadyzTellsOfADirectoryThatIsMissing(t *testing.T) {
	w := known(t)
	w.change(func(d *fakeDirectory) { clear(d.catalogs); clear(d.principals) })
	w.clock.advance(freshFor)
	w.checkOnce(t)
	w.says(t, directoryMissing, "is not published", "alfred-admin republish")
	// A key that nobody knew is unknown all the same.
	if got := w.ask(t, newKey(t)); got != "401 invalid_api_key" {
		t.Error(got)
	}
	w.change(func(d *fakeDirectory) {
		d.catalogs[testOrg], d.principals[alfred.HashSecret(w.key, testPepper)] = w.catalog, w.principal
	})
	w.clock.advance(freshFor)
	w.checkOnce(t)
	w.says(t, directoryCurrent)
}

// What is gone is believed for a while only.
func TestARecordThatStaysGoneIsForgotten(t *testing.T) {
	w := known(t)
	w.change(func(d *fakeDirectory) { clear(d.principals) })
	w.clock.advance(lostFor)
	if got := w.ask(t, w.key); got != "401 invalid_api_key" {
		t.Errorf("%q", got)
	}
}

// A key whose withdrawal was announced is not believed, whatever is gone.
func TestAnAnnouncedKeyThatIsGoneIsUnknown(t *testing.T) {
	w := known(t)
	w.change(func(d *fakeDirectory) { clear(d.principals) })
	w.source.changed(Change{Org: testOrg, KeyHash: alfred.HashSecret(w.key, testPepper)})
	if got := w.ask(t, w.key); got != "401 invalid_api_key" {
		t.Errorf("%q", got)
	}
}

func TestReadyzTellsOfADirectoryThatIsOld(t *testing.T) {
	t.Run("nobody answers", func(t *testing.T) {
		w := known(t)
		w.change(func(d *fakeDirectory) { d.err = errDown })
		w.clock.advance(oldAfter + time.Second)
		w.says(t, directoryOld, "was last read 16s ago", "is Redis reachable?")
		w.change(func(d *fakeDirectory) { d.err = nil })
		w.checkOnce(t)
		w.says(t, directoryCurrent)
	})
	t.Run("a newer version was announced", func(t *testing.T) {
		w := known(t)
		w.source.changed(Change{Org: testOrg, Version: 7})
		w.says(t, directoryOld, "version 1", "version 7")
		newer := *w.catalog
		newer.Version = 7
		w.change(func(d *fakeDirectory) { d.catalogs[testOrg] = &newer })
		w.clock.advance(freshFor)
		w.says(t, directoryCurrent)
		// After a failover to a replica that was behind, the one before is back.
		w.change(func(d *fakeDirectory) { d.catalogs[testOrg] = w.catalog })
		w.clock.advance(freshFor)
		w.says(t, directoryOld, "version 1", "version 7")
	})
}

func TestReadyzTellsOfADirectoryThatIsHalfWritten(t *testing.T) {
	t.Run("a record cannot be decoded", func(t *testing.T) {
		w := known(t)
		w.change(func(d *fakeDirectory) { d.err = alfred.Errorf(alfred.CodeInternal, "unexpected end of JSON input") })
		w.clock.advance(freshFor)
		w.says(t, directoryHalfWritten, "cannot be decoded")
		w.change(func(d *fakeDirectory) { d.err = nil })
		w.clock.advance(freshFor)
		w.checkOnce(t)
		w.says(t, directoryCurrent)
	})
	t.Run("a record names what its catalog lacks", func(t *testing.T) {
		w := known(t)
		ahead := *w.principal
		ahead.Version, ahead.Teams = 2, []alfred.TeamID{"team_new"}
		w.change(func(d *fakeDirectory) { d.principals[alfred.HashSecret(w.key, testPepper)] = &ahead })
		w.clock.advance(freshFor)
		w.says(t, directoryHalfWritten, "version 2", "team_new", "version 1")
		whole := *w.catalog
		whole.Version, whole.Teams = 2, map[alfred.TeamID]alfred.TeamShare{"team_new": {}}
		w.change(func(d *fakeDirectory) { d.catalogs[testOrg] = &whole })
		w.clock.advance(freshFor)
		w.says(t, directoryCurrent)
	})
}

// The state is told also while nobody asks, and faults do not pile up.
func TestFaultsOfTheDirectoryAreBounded(t *testing.T) {
	f := newFreshness()
	now := time.Unix(1, 0)
	f.listed(now, 1)
	for i := range 2 * maxFaults {
		f.answered(now, fmt.Sprint(i), "a record", alfred.Errorf(alfred.CodeInternal, "broken"))
	}
	if len(f.faults) != maxFaults {
		t.Errorf("%d faults are kept", len(f.faults))
	}
	f.listed(now.Add(2*faultFor), 1)
	if state, why := f.state(now.Add(2 * faultFor)); state != directoryCurrent || len(f.faults) != 0 {
		t.Errorf("%s %s, %d faults", state, why, len(f.faults))
	}
}

func (w *world) checkOnce(t testing.TB) { w.directory.checkOnce(t.Context()) }
