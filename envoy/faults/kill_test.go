package faults_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// Ledger test 8, peers test 2. The process that decides is killed while answers stream. Who had the whole answer is charged for it,
// once; what the others held runs out and is charged by policy, once.
func TestLedger08Peers02_KilledExtprocChargesOnce(t *testing.T) {
	t.Parallel()
	r, dice := newRig(t, plan{}), chance(t)
	l := r.spend(t, 8)
	kills := times(5, 200)
	for range kills {
		l.progress(t, 5+dice.n(20))
		await(t, "something is under way", func() error {
			if l.under.Load() == 0 {
				return errors.New("nothing is")
			}
			return nil
		})
		r.extproc.Kill()
		r.extproc.start(t)
	}
	l.progress(t, 20)
	l.stop()
	refusedOnly(t, l.seen(), true)
	r.audit(t, result{fault: "1 kill -9 alfred-extproc in mid-stream", times: kills}, l)
}

// Ledger test 9, peers test 7. The live ledger is killed and comes back with its append-only file, synced every second: what was
// answered is there, and what the data plane could not book it books then.
func TestLedger09_KilledLiveLedgerLosesNothing(t *testing.T) {
	for name, redis7 := range map[string]bool{"Valkey": false, "Redis": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, dice := newRig(t, plan{redis7: redis7}), chance(t)
			l := r.spend(t, 8)
			kills := times(2, 20)
			for range kills {
				l.progress(t, 20+dice.n(100))
				r.redis.Kill()
				r.startRedis(t)
			}
			l.progress(t, 20)
			l.stop()
			refusedOnly(t, l.seen(), false)
			r.audit(t, result{fault: "2 kill -9 " + name + ", AOF everysec", times: kills}, l)
		})
	}
}

// Ledger test 14, peers test 7. Postgres is killed, every other time while the recorder's COMMIT is being made durable: it may or
// may not have happened, and either way nothing is lost or counted twice. Completions do not notice.
func TestLedger14_KilledPostgresLosesNothing(t *testing.T) {
	t.Parallel()
	postgres, err := parts.StartPostgres(t.Context(), parts.PostgresConfig{Dir: t.TempDir()}) // a throwaway would not sync its commits
	if err != nil {
		envoytest.Missing(t, "Postgres", err)
	}
	t.Cleanup(postgres.Stop)
	r, dice := newRig(t, plan{postgres: postgres}), chance(t)
	// From the record of a commit to its being on disk a tenth of a second passes, so that a kill meets it.
	conn := r.connect(t)
	for _, setting := range []string{"commit_siblings = 0", "commit_delay = 100000"} {
		if _, err := conn.Exec(t.Context(), "ALTER SYSTEM SET "+setting); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Exec(t.Context(), "SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	l := r.spend(t, 4)
	kills, during := times(2, 20), 0
	for i := range kills {
		l.progress(t, 10+dice.n(50))
		if i%2 == 0 {
			r.awaitCommit(t)
			during++
		}
		postgres.Kill()
		l.progress(t, 20) // without a database
		if err := postgres.Resume(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		r.awaitRecorder(t)
	}
	l.progress(t, 20)
	l.stop()
	for _, a := range l.seen() {
		if !a.acknowledged {
			t.Errorf("a completion noticed: %+v", a)
		}
	}
	r.audit(t, result{fault: "3 kill -9 Postgres", times: kills, note: fmt.Sprintf("%d during COMMIT", during)}, l)
}

// awaitCommit returns when somebody who has written something, which is nearly always the recorder, is in the middle of a COMMIT.
func (r *rig) awaitCommit(t *testing.T) {
	t.Helper()
	conn := r.connect(t)
	await(t, "a commit is under way", func() error {
		var one int
		return conn.QueryRow(t.Context(), `
			SELECT 1 FROM pg_stat_activity
			WHERE datname = current_database() AND state = 'active' AND query ILIKE 'commit%' AND backend_xid IS NOT NULL LIMIT 1`).Scan(&one)
	})
}

// awaitRecorder returns when usage is recorded again.
func (r *rig) awaitRecorder(t *testing.T) {
	t.Helper()
	count := func() (n int, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, r.dsn)
		if err != nil {
			return 0, err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		return n, conn.QueryRow(ctx, `SELECT count(*) FROM usage_events`).Scan(&n)
	}
	before := -1
	await(t, "usage is recorded", func() error {
		n, err := count()
		if err != nil {
			return err
		}
		if before < 0 {
			before = n
		}
		if n <= before {
			return errors.New("nothing new")
		}
		return nil
	})
}
