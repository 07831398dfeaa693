package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// topics are the kinds and ids of what is to be published, with its numbers.
func (w *world) topics() (names []string, seqs []int64) {
	w.Helper()
	topics, err := w.Touched(w.ctx, 0)
	w.must(err)
	for _, t := range topics {
		names, seqs = append(names, t.Kind+":"+t.ID), append(seqs, t.Seq)
	}
	return names, seqs
}

func TestWhatWasTouchedStaysUntilPublished(t *testing.T) {
	w := newWorld(t)
	before, err := w.LastTopic(w.ctx)
	w.must(err)
	w.must(w.Touch(w.ctx, w.org, "catalog"))
	if after, err := w.LastTopic(w.ctx); err != nil || after <= before {
		t.Errorf("the last topic is %d after %d: %v", after, before, err)
	}
	w.must(w.Touch(w.ctx, w.org, "user", "usr_b", "usr_a", "usr_b"))
	w.must(w.Touch(w.ctx, w.org, "user"))
	w.must(w.Touch(w.ctx, w.org, "user", "usr_b"))
	names, seqs := w.topics()
	w.same(names, []string{"catalog:", "user:usr_a", "user:usr_b", "user:usr_b"})
	first, err := w.Touched(w.ctx, 1)
	w.must(err)
	w.same(first, []alfred.Topic{{Seq: seqs[0], Org: w.org, Kind: "catalog"}})
	// What was touched again after it was read has a number of its own.
	w.must(w.Published(w.ctx, seqs[:3]))
	w.must(w.Published(w.ctx, nil))
	names, _ = w.topics()
	w.same(names, []string{"user:usr_b"})
	w.refused(w.Touch(w.ctx, w.org, "moon", "x"), alfred.CodeValidation)
	w.refused(w.Touch(w.ctx, "org_none", "catalog"), alfred.CodeNotFound)
}

func TestATransactionThatIsUndoneTouchesNothing(t *testing.T) {
	w := newWorld(t)
	stop := errors.New("stop")
	err := w.InTx(w.ctx, func(ctx context.Context) error {
		if err := w.Touch(ctx, w.org, "catalog"); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	names, _ := w.topics()
	w.same(len(names), 0)
}

// eventually waits until a query answers true.
func (w *world) eventually(query string) {
	w.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for w.count("SELECT ("+query+")::int::bigint") != 1 {
		if time.Now().After(deadline) {
			w.Fatalf("never true: %s", query)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestTopicsBecomeVisibleInTheOrderOfTheirNumbers(t *testing.T) {
	w := newWorld(t)
	second := make(chan error, 1)
	w.must(w.InTx(w.ctx, func(ctx context.Context) error {
		if err := w.Touch(ctx, w.org, "user", "usr_first"); err != nil {
			return err
		}
		go func() { second <- w.Touch(w.ctx, w.org, "user", "usr_second") }()
		w.eventually("SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
		names, _ := w.topics()
		w.same(len(names), 0) // the second waits, and does not overtake
		return nil
	}))
	w.must(<-second)
	names, _ := w.topics()
	w.same(names, []string{"user:usr_first", "user:usr_second"})
}

func TestACommitWakesThePublisher(t *testing.T) {
	w := newWorld(t)
	woken := make(chan error, 1)
	go func() { woken <- w.WaitTouched(w.ctx) }()
	w.eventually("SELECT count(*) > 0 FROM pg_stat_activity WHERE query = 'LISTEN alfred_outbox' AND datname = current_database()")
	w.must(w.Touch(w.ctx, w.org, "catalog"))
	w.must(<-woken)
	w.must(w.WaitTouched(w.ctx)) // it is still to be published
	_, seqs := w.topics()
	w.must(w.Published(w.ctx, seqs))

	// Without a notification it finds what there is by itself.
	w.must(w.sql("ALTER TABLE outbox DISABLE TRIGGER outbox_tell"))
	go func() { woken <- w.WaitTouched(w.ctx) }()
	w.must(w.Touch(w.ctx, w.org, "catalog"))
	w.must(<-woken)
	_, seqs = w.topics()
	w.must(w.Published(w.ctx, seqs))

	ctx, cancel := context.WithCancel(w.ctx)
	go func() { woken <- w.WaitTouched(ctx) }()
	cancel()
	if err := <-woken; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWaitingOutlivesALostConnection(t *testing.T) {
	w := newWorld(t)
	woken := make(chan error, 1)
	go func() { woken <- w.WaitTouched(w.ctx) }()
	w.eventually("SELECT count(*) > 0 FROM pg_stat_activity WHERE query = 'LISTEN alfred_outbox' AND datname = current_database()")
	w.must(w.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN alfred_outbox' AND datname = current_database()"))
	w.refused(<-woken, alfred.CodeUnavailable)
	w.must(w.Touch(w.ctx, w.org, "catalog"))
	w.must(w.WaitTouched(w.ctx))
}

func TestClosingSendsHomeWhoWaits(t *testing.T) {
	w := newWorld(t)
	s, err := postgres.Open(w.ctx, w.address)
	w.must(err)
	woken := make(chan error, 1)
	go func() { woken <- s.WaitTouched(w.ctx) }()
	w.eventually("SELECT count(*) > 0 FROM pg_stat_activity WHERE query = 'LISTEN alfred_outbox' AND datname = current_database()")
	s.Close()
	if err := <-woken; err == nil {
		t.Error("woken by nothing")
	}
	w.eventually("SELECT count(*) = 0 FROM pg_stat_activity WHERE query = 'LISTEN alfred_outbox' AND datname = current_database()")
}
