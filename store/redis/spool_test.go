package redis_test

import (
	"context"
	"slices"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

func TestConfirmationsStayUntilTheyAreForgotten(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		c, ctx := connect(t, s.url(t)), t.Context()
		for range 2 { // a recorder may repeat itself
			if err := c.ConfirmSpool(ctx, "one", []int64{3, 1 << 60, 2}); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if got, err := c.Confirmed(ctx, "one", 10); err != nil || !sameNumbers(got, 2, 3, 1<<60) {
				t.Fatalf("confirmed %v: %v", got, err)
			}
		}
		if got, err := c.Confirmed(ctx, "one", 2); err != nil || len(got) != 2 {
			t.Errorf("two of three are %v: %v", got, err)
		}
		if got, err := c.Confirmed(ctx, "two", 10); err != nil || len(got) != 0 {
			t.Errorf("another spool has %v: %v", got, err)
		}
		if err := c.ForgetConfirmed(ctx, "one", []int64{2, 1 << 60, 9}); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Confirmed(ctx, "one", 10); err != nil || !sameNumbers(got, 3) {
			t.Errorf("what is left is %v: %v", got, err)
		}
	})
}

func sameNumbers(got []int64, want ...int64) bool {
	return slices.Equal(slices.Sorted(slices.Values(got)), want)
}

func TestLineageChangesWithTheData(t *testing.T) {
	onServers(t, func(t *testing.T, s *server) {
		port, err := parts.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		config := parts.RedisConfig{Dir: t.TempDir(), Port: port, AppendOnly: true}
		run := s.own(t, config)
		c, ctx := connect(t, run.URL()), t.Context()
		seen := []string{}
		look := func(what string, changed bool) {
			t.Helper()
			now, err := c.Lineage(ctx, "one")
			if err != nil || slices.Contains(seen, now) == changed {
				t.Errorf("%s: %q, seen are %q: %v", what, now, seen, err)
			}
			seen = append(seen, now)
		}
		look("at first", true)
		look("a second time", false)
		flush(ctx, t, run.URL())
		look("emptied", true)
		run.Stop()
		s.own(t, config)
		look("restarted", true)
		look("afterwards", false)
	})
}

func flush(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	o, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	defer func() { _ = c.Close() }()
	if err := c.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
}
