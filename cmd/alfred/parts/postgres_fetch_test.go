package parts

import (
	"context"
	"os"
	"testing"
	"time"
)

func TestTheEmbeddedPostgresIsFetchedOnceAndRuns(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir, err := fetchPostgres(ctx, os.Stderr)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if again, err := fetchPostgres(ctx, nil); err != nil || again != dir {
		t.Errorf("second time: %s, %v; want %s from the cache", again, err, dir)
	}
	p, err := StartPostgres(ctx, PostgresConfig{BinDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop()
}
