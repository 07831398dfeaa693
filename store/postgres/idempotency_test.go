package postgres_test

import (
	"sync"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestAnIdempotencyKeyIsClaimedOnce(t *testing.T) {
	w := newWorld(t)
	begin := func(actor, body string, now time.Time) *alfred.IdempotentReply {
		t.Helper()
		r, err := w.BeginIdempotent(w.ctx, w.org, actor, "k", body, now)
		w.must(err)
		return r
	}
	w.same(begin("usr_ana", "h1", noon), (*alfred.IdempotentReply)(nil))
	w.same(begin("usr_ana", "h2", noon.Add(2*time.Minute-time.Second)), &alfred.IdempotentReply{BodyHash: "h1"})
	w.same(begin("usr_bo", "h2", noon), (*alfred.IdempotentReply)(nil)) // another's key is another key

	reply := alfred.IdempotentReply{BodyHash: "h1", Status: 201, Header: map[string]string{"ETag": "1"}, Body: []byte(`{"a": "\u0000"}`)}
	w.must(w.FinishIdempotent(w.ctx, w.org, "usr_ana", "k", reply, noon))
	w.refused(w.FinishIdempotent(w.ctx, w.org, "usr_ana", "k", reply, noon), alfred.CodeNotFound)
	w.refused(w.FinishIdempotent(w.ctx, w.org, "usr_ana", "other", reply, noon), alfred.CodeNotFound)
	w.same(begin("usr_ana", "h1", noon.Add(24*time.Hour-time.Second)), &reply)
	w.must(w.AbandonIdempotent(w.ctx, w.org, "usr_ana", "k", false)) // finished: stays
	w.same(begin("usr_ana", "h1", noon), &reply)

	w.must(w.AbandonIdempotent(w.ctx, w.org, "usr_bo", "k", false))
	w.same(begin("usr_bo", "h3", noon), (*alfred.IdempotentReply)(nil))
	w.must(w.FinishIdempotent(w.ctx, w.org, "usr_bo", "k", alfred.IdempotentReply{Status: 204}, noon))
	w.same(begin("usr_bo", "h3", noon), &alfred.IdempotentReply{BodyHash: "h3", Status: 204})

	w.same(begin("usr_ana", "h9", noon.Add(24*time.Hour)), (*alfred.IdempotentReply)(nil)) // forgotten
	w.same(begin("usr_ana", "h9", noon.Add(24*time.Hour)), &alfred.IdempotentReply{BodyHash: "h9"})
}

func TestOfManyWithOneIdempotencyKeyOneRuns(t *testing.T) {
	w := newWorld(t)
	for _, now := range []time.Time{noon, noon.Add(25 * time.Hour)} { // a new key, and one that is forgotten
		var wg sync.WaitGroup
		var mu sync.Mutex
		claims := 0
		for range 8 {
			wg.Go(func() {
				r, err := w.BeginIdempotent(w.ctx, w.org, "usr_ana", "k", "h", now)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if r == nil {
					claims++
				}
			})
		}
		wg.Wait()
		w.same(claims, 1)
	}
}

func TestOldIdempotencyKeysAreForgotten(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"a", "b", "c"} {
		_, err := w.BeginIdempotent(w.ctx, w.org, "usr_ana", key, "h", noon)
		w.must(err)
	}
	_, err := w.BeginIdempotent(w.ctx, w.org, "usr_ana", "d", "h", noon.Add(24*time.Hour))
	w.must(err)
	w.same(w.count("SELECT count(*) FROM idempotency_keys"), int64(1))
}

func TestAClaimLapsesUnlessSomethingWasWritten(t *testing.T) {
	w := newWorld(t)
	later := noon.Add(2 * time.Minute)
	begin := func(key string, now time.Time) *alfred.IdempotentReply {
		t.Helper()
		r, err := w.BeginIdempotent(w.ctx, w.org, "usr_ana", key, "h", now)
		w.must(err)
		return r
	}
	commit := func(key string, now time.Time) error { return w.CommitIdempotent(w.ctx, w.org, "usr_ana", key, now) }

	// The process died before it wrote: the next one may.
	w.same(begin("idle", noon), (*alfred.IdempotentReply)(nil))
	w.same(begin("idle", later), (*alfred.IdempotentReply)(nil))
	w.must(commit("idle", later))
	w.refused(commit("idle", later), alfred.CodeNotFound) // the first one wakes up, and may not write

	// It died after it wrote: nobody may write again.
	w.same(begin("wrote", noon), (*alfred.IdempotentReply)(nil))
	w.must(commit("wrote", noon))
	w.same(begin("wrote", later), &alfred.IdempotentReply{BodyHash: "h", Status: 1})
	w.must(w.AbandonIdempotent(w.ctx, w.org, "usr_ana", "wrote", false))
	w.same(begin("wrote", noon.Add(23*time.Hour)), &alfred.IdempotentReply{BodyHash: "h", Status: 1})
	w.must(w.AbandonIdempotent(w.ctx, w.org, "usr_ana", "wrote", true))
	w.same(begin("wrote", later), (*alfred.IdempotentReply)(nil))

	// It lived, and answers.
	w.must(commit("wrote", later))
	reply := alfred.IdempotentReply{BodyHash: "h", Status: 201, Body: []byte("{}")}
	w.must(w.FinishIdempotent(w.ctx, w.org, "usr_ana", "wrote", reply, later))
	w.same(begin("wrote", noon.Add(24*time.Hour)), &reply)

	w.same(begin("gone", noon), (*alfred.IdempotentReply)(nil))
	w.same(begin("other", later), (*alfred.IdempotentReply)(nil)) // forgets what has lapsed
	w.refused(commit("gone", later), alfred.CodeNotFound)
}
