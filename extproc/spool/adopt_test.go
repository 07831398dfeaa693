package spool

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestOnlyWhatADeadProcessOwesIsAdopted(t *testing.T) {
	dir := t.TempDir()
	a, b, c := open(t, dir), open(t, dir), open(t, dir)
	add(t, a, 1)
	add(t, b, 2)
	if s, err := Adopt(a.config); err != nil || s != nil {
		t.Fatalf("adopted %v (%v) from the living", s, err)
	}
	paid := add(t, c, 3)
	if err := c.Confirm([]Seq{paid.Seq}); err != nil {
		t.Fatal(err)
	}
	for _, dying := range []*Spool{b, c} {
		if err := dying.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Adopt(a.config)
	if err != nil || s == nil || s.Instance() != b.Instance() || len(left(t, s)) != 1 {
		t.Fatalf("adopted %+v (%v), want what %s owes", s, err, b.Instance())
	}
	if again, err := Adopt(a.config); err != nil || again != nil {
		t.Fatalf("adopted %v twice (%v)", again, err)
	}
	if err := s.Confirm([]Seq{left(t, s)[0].Seq}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if again, err := Adopt(a.config); err != nil || again != nil {
		t.Fatalf("adopted %v, of which nothing is owed (%v)", again, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.seg"))
	if err != nil || len(files) != 3 { // looking must not leave more and more
		t.Errorf("%d segments of three slots: %v", len(files), files)
	}
}

// Appends do not wait for the disk of a confirmation.
func TestAppendsGoOnWhileAConfirmationWaitsForItsDisk(t *testing.T) {
	s := open(t, t.TempDir())
	first := add(t, s, 1)
	// A pipe that nobody reads stands where the list would be: opening it to write waits.
	list := s.path(s.newest, ".done")
	if err := syscall.Mkfifo(list, 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Confirm([]Seq{first.Seq}) })
	deadline := time.After(10 * time.Second)
	for s.confirming.TryLock() { // until the confirmation has begun
		s.confirming.Unlock()
		select {
		case <-deadline:
			t.Fatal("no confirmation began")
		default:
		}
	}
	add(t, s, 2) // hangs for ever if it waits
	reader, err := os.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	wg.Wait()
}
