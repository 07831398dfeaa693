package faults_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

// Both stores are lost, and come back from their backups: Postgres from a pg_dump, Redis from a copy of its files that is older
// than that. Nothing that was acknowledged before the dump is lost or charged twice, and every counter is what the record says.
func TestBothStoresComeBackFromTheirBackups(t *testing.T) {
	t.Parallel()
	bin, err := parts.Postgres(t.Context(), os.Stderr)
	if err == nil {
		_, err = os.Stat(filepath.Join(bin, "pg_dump"))
	}
	if err != nil {
		envoytest.Missing(t, "pg_dump", err)
	}
	r := newRig(t, plan{})
	l := r.spend(t, 4)
	l.progress(t, 20)
	l.stop()
	r.settle(t)
	older := r.dir + "/older"
	if err := os.CopyFS(older, os.DirFS(r.config.Dir)); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		a := l.call(r.keys[0], plain)
		l.mu.Lock()
		l.answers = append(l.answers, a)
		l.mu.Unlock()
	}
	r.settle(t)

	dump := filepath.Join(r.dir, "dump.sql")
	command(t, filepath.Join(bin, "pg_dump"), "--no-owner", "--file", dump, r.dsn)
	admin := r.admins[0]
	admin.Stop(10 * time.Second)
	r.redis.Kill()
	if err := errors.Join(os.RemoveAll(r.config.Dir), os.Rename(older, r.config.Dir)); err != nil {
		t.Fatal(err)
	}
	lost, err := url.Parse(r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	restored := lost.JoinPath()
	restored.Path += "_restored"
	command(t, filepath.Join(bin, "psql"), "--quiet", "--dbname", r.dsn, "--command", "CREATE DATABASE "+strings.TrimPrefix(restored.Path, "/"))
	command(t, filepath.Join(bin, "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", restored.String(), "--file", dump)
	r.dsn = restored.String()
	at := slices.IndexFunc(admin.command.Env, func(e string) bool { return strings.HasPrefix(e, "DATABASE_URL=") })
	admin.command.Env[at] = "DATABASE_URL=" + r.dsn

	r.startRedis(t)
	admin.start(t)
	await(t, "calls are served", func() error {
		if a := l.call(r.keys[0], plain); !a.acknowledged {
			return errors.New(a.body)
		}
		return nil
	})
	await(t, "the ledger is built", func() error {
		text, err := get(t.Context(), strings.TrimSuffix(admin.ready, "/readyz")+"/metrics")
		if err == nil && !strings.Contains(string(text), "\nalfred_ledger_rebuilds_total 1\n") {
			err = errors.New("not yet")
		}
		return err
	})
	live := r.settle(t)
	live.whole(t)
	n := compare(t, l.seen(), r.record(t))
	if drift := r.drift(t, live); n.lost > 0 || n.double > 0 || drift != 0 || n.acknowledged < 40 {
		t.Errorf("%+v, drift %d", n, drift)
	}
}

func command(t *testing.T, program string, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, program, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
	}
}
