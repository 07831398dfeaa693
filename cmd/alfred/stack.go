package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// stack is the running children, in the order they were started.
type stack struct {
	out  io.Writer
	runs []child
}

type child struct {
	name string
	*parts.Process
	stop func()
}

// push takes charge of a child that is healthy, and says so.
func (s *stack) push(name string, p *parts.Process, stop func()) {
	s.runs = append(s.runs, child{name, p, stop})
}

func (s *stack) say(name, where string, since time.Time) {
	_, _ = fmt.Fprintf(s.out, "  %-15s ready  %-30s %5.1f s\n", name, where, time.Since(since).Seconds())
}

// wait returns nil when ctx ends, and an error that names the part when one ends by itself.
func (s *stack) wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	died := make(chan error, len(s.runs))
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer cancel()
	for _, c := range s.runs {
		watchers.Go(func() {
			select {
			case <-c.Done():
				died <- fmt.Errorf("%w\neverything else is stopped", c.Failure())
			case <-ctx.Done():
			}
		})
	}
	select {
	case err := <-died:
		return err
	case <-ctx.Done():
		return nil
	}
}

// stop ends the children, the last one first.
func (s *stack) stop() {
	if len(s.runs) > 0 {
		_, _ = fmt.Fprintln(s.out, "\nstopping …")
	}
	for i := len(s.runs) - 1; i >= 0; i-- {
		s.runs[i].stop()
		_, _ = fmt.Fprintf(s.out, "  %-15s stopped\n", s.runs[i].name)
	}
	s.runs = nil
}

// answers200 asks url and wants status 200.
func answers200(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			return err
		}
		text, _ := io.ReadAll(io.LimitReader(r.Body, 300))
		_ = r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s: %s", url, r.Status, text)
		}
		return nil
	}
}
