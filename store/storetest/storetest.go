package storetest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Ledger is the part of a store that counts. One that also has Advance can
// have its clock moved, and is put through the tests that need hours to pass.
type Ledger interface {
	Reserve(context.Context, alfred.ReserveRequest) (alfred.ReserveReply, error)
	Extend(context.Context, alfred.HoldRecord, time.Duration) (bool, error)
	Settle(context.Context, alfred.Settlement) (alfred.EndState, error)
	Void(context.Context, alfred.HoldRecord, alfred.UsageEvent) (alfred.EndState, error)
	Reap(context.Context, alfred.OrgID, int) (int, error)
	OpenHolds(context.Context, alfred.OrgID) (int64, error)
	Balances(context.Context, alfred.OrgID, []alfred.Counter) ([]alfred.Balance, error)
	TakeOutflow(context.Context, alfred.Outflow) (alfred.OutflowReply, error)
	UndoOutflow(context.Context, alfred.Outflow) error
	Epochs
	Stream
}

// Epochs is the part of a store by which an empty or older ledger is built
// anew. Nothing is granted before it was built.
type Epochs interface {
	Epoch(context.Context, alfred.OrgID) (alfred.Epoch, error)
	BeginEpoch(context.Context, alfred.OrgID) (alfred.Epoch, error)
	FinishEpoch(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, number int64, at time.Time) (bool, error)
	Survey(ctx context.Context, org alfred.OrgID, counters []alfred.Counter, moves []alfred.MoveID, holds int) (alfred.Survey, error)
	Correct(context.Context, alfred.OrgID, alfred.Epoch, []alfred.CounterChange) (bool, error)
	Forget(context.Context, alfred.HoldRecord, alfred.HoldEnd) (bool, error)
	PeekEvents(ctx context.Context, org alfred.OrgID, after, last string, max int) (events []alfred.UsageEvent, next string, err error)
	EachOpen(ctx context.Context, org alfred.OrgID, each func([]alfred.HoldRecord) error) error
	EachCounter(ctx context.Context, org alfred.OrgID, each func([]alfred.Counter) error) error
}

// Opening is the part of a store that [Open] needs.
type Opening interface {
	BeginEpoch(context.Context, alfred.OrgID) (alfred.Epoch, error)
	FinishEpoch(ctx context.Context, org alfred.OrgID, seen alfred.Epoch, number int64, at time.Time) (bool, error)
}

// Open makes the ledger of a new organisation one that grants, as the control
// plane does for one that has no past.
func Open(t testing.TB, l Opening, org alfred.OrgID) {
	t.Helper()
	e, err := l.BeginEpoch(t.Context(), org)
	if err != nil {
		t.Fatal(err)
	}
	if e.Built {
		return
	}
	if done, err := l.FinishEpoch(t.Context(), org, e, 1, time.Time{}); err != nil || !done {
		t.Fatalf("open the ledger of %s: %t, %v", org, done, err)
	}
}

// Stream is the part of a store that hands usage events on.
type Stream interface {
	AppendEvents(context.Context, alfred.OrgID, []alfred.UsageEvent) error
	ReadEvents(ctx context.Context, org alfred.OrgID, consumer string, max int, block time.Duration) ([]store.Entry, error)
	AckEvents(ctx context.Context, org alfred.OrgID, ids []string) error
}

// Directory is the part of a store that the control plane publishes into.
type Directory interface {
	Catalog(context.Context, alfred.OrgID) (*alfred.Catalog, error)
	Principal(context.Context, string) (*alfred.Principal, error)
	Orgs(context.Context) ([]alfred.OrgID, error)
	PublishCatalog(context.Context, *alfred.Catalog) error
	PublishPrincipals(context.Context, map[string]*alfred.Principal) error
	Watch(context.Context, func(store.Change)) error
}

// Clock is a store whose time can be moved.
type Clock interface{ Advance(time.Duration) }

// clockOf returns the clock of a store that has one.
func clockOf(s any) (Clock, bool) {
	c, ok := s.(Clock)
	return c, ok
}

// unique returns an identifier that no other test has.
func unique(t testing.TB, prefix string) string {
	t.Helper()
	id, err := alfred.NewID(prefix, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// till fails the test when a condition does not come true: what other
// processes and clocks do is waited for, not slept for.
func till(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-tick.C
	}
}
