package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alfred-envoy/alfred"
)

func TestATransactionIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	stop := errors.New("stop")
	for name, end := range map[string]func() error{
		"an error": func() error { return stop },
		"a panic":  func() error { panic(stop) },
	} {
		t.Run(name, func(t *testing.T) {
			func() {
				defer func() { _ = recover() }()
				err := w.InTx(w.ctx, func(ctx context.Context) error {
					w.must(w.PutModel(ctx, w.org, alfred.Model{Name: "a"}))
					w.must(w.InTx(ctx, func(ctx context.Context) error { // joins
						return w.PutModel(ctx, w.org, alfred.Model{Name: "b"})
					}))
					models, err := w.Models(ctx, w.org)
					w.must(err)
					w.same(len(models), 2)
					return end()
				})
				if !errors.Is(err, stop) {
					t.Errorf("got %v", err)
				}
			}()
			models, err := w.Models(w.ctx, w.org)
			w.must(err)
			w.same(len(models), 0)
		})
	}
}

func TestADeadlockIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	var attempts atomic.Int32
	var met sync.WaitGroup
	met.Add(2)
	cross := func(name, first, second string) error {
		var once sync.Once
		return w.InTx(w.ctx, func(ctx context.Context) error {
			attempts.Add(1)
			if err := w.Lock(ctx, first); err != nil {
				return err
			}
			once.Do(func() { met.Done(); met.Wait() }) // both hold one
			if err := w.Lock(ctx, second); err != nil {
				return err
			}
			return w.PutModel(ctx, w.org, alfred.Model{Name: name})
		})
	}
	var wg sync.WaitGroup
	for _, c := range [][3]string{{"a", "x", "y"}, {"b", "y", "x"}} {
		wg.Go(func() {
			if err := cross(c[0], c[1], c[2]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	models, err := w.Models(w.ctx, w.org)
	w.must(err)
	w.same(len(models), 2)
	if n := attempts.Load(); n < 3 {
		t.Errorf("%d attempts: nobody met", n)
	}
}

func TestAHopelessTransactionIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.must(w.sql(`CREATE FUNCTION unlucky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$`))
	w.must(w.sql(`CREATE TRIGGER unlucky BEFORE INSERT ON models FOR EACH ROW EXECUTE FUNCTION unlucky()`))
	tries := 0
	err := w.InTx(w.ctx, func(ctx context.Context) error {
		tries++
		return w.PutModel(ctx, w.org, alfred.Model{Name: "a"})
	})
	if err == nil || tries != 6 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestALockNeedsATransaction(t *testing.T) {
	w := newWorld(t)
	w.refused(w.Lock(w.ctx, "x"), alfred.CodeInternal)
}
