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
	data := t.TempDir()
	p, err := StartPostgres(ctx, PostgresConfig{BinDir: dir, Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop()
	t.Cleanup(func() {
		if p.root != data {
			_ = os.RemoveAll(p.root)
		}
	})
	if again, err := PostgresFor(ctx, data, nil); err != nil || again != dir {
		t.Errorf("for data of Postgres 17: %s, %v; want %s, whatever the machine has installed", again, err, dir)
	}
}
