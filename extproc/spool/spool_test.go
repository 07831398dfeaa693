package spool

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/alfred-envoy/alfred"
)

const childDir = "ALFRED_TEST_SPOOL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		appendForEver(dir)
	}
	os.Exit(m.Run())
}

func open(t testing.TB, dir string, change ...func(*Config)) *Spool {
	t.Helper()
	c := Config{Dir: dir, MaxBytes: 64 << 20}
	for _, f := range change {
		f(&c)
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func entry(n int) Entry {
	hold := alfred.HoldID(fmt.Sprintf("hold_%d", n))
	return Entry{Void: n%3 == 0, Settlement: alfred.Settlement{
		Record: alfred.HoldRecord{Org: "org_1", Hold: hold, Granted: 5, Due: time.Unix(1_790_000_000, 0).UTC()},
		Cost:   alfred.Credits(n), Tokens: int64(n), Event: alfred.UsageEvent{Kind: alfred.EventSettle, Reservation: hold, Model: "a \u0001 model"},
	}}
}

func add(t testing.TB, s *Spool, n int) Entry {
	t.Helper()
	e := entry(n)
	var err error
	if e.Seq, err = s.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e
}

func left(t testing.TB, s *Spool) []Entry {
	t.Helper()
	var all []Entry
	if err := s.Each(func(e Entry) bool { all = append(all, e); return true }); err != nil {
		t.Fatal(err)
	}
	if len(all) != s.Pending() {
		t.Fatalf("%d entries are read and %d are owed", len(all), s.Pending())
	}
	return all
}

func TestEntriesStayUntilTheyAreConfirmed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, func(c *Config) { c.SegmentBytes = 2000 })
	instance := s.Instance()
	var all []Entry
	for n := range 40 {
		all = append(all, add(t, s, n))
	}
	if d := cmp.Diff(all, left(t, s)); d != "" {
		t.Fatal(d)
	}
	var odd []Entry
	var even []Seq
	for i, e := range all {
		if i%2 == 0 {
			even = append(even, e.Seq, e.Seq, e.Seq+1<<40)
		} else {
			odd = append(odd, e)
		}
	}
	if err := s.Confirm(even); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if d := cmp.Diff(odd, left(t, s)); d != "" || s.Instance() != instance {
		t.Fatalf("instance %s, was %s: %s", s.Instance(), instance, d)
	}
	if e := add(t, s, 99); e.Seq <= all[39].Seq {
		t.Errorf("sequence %d was given before", e.Seq)
	}
	for _, e := range left(t, s) {
		if err := s.Confirm([]Seq{e.Seq}); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(s.Dir(), "*.seg"))
	if err != nil || len(names) != 1 {
		t.Errorf("segments that are owed nothing stay: %v %v", names, err)
	}
	// The sequence goes on although nothing is left.
	last := add(t, s, 100)
	if err := errors.Join(s.Confirm([]Seq{last.Seq}), s.Close()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s = open(t, dir)
		if len(left(t, s)) != 0 {
			t.Error("confirmed entries came back")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir)
	if e := add(t, s, 101); e.Seq <= last.Seq {
		t.Errorf("sequence %d after %d", e.Seq, last.Seq)
	}
}

func TestTwoProcessesOnOneFolder(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	if a.Dir() == b.Dir() || a.Instance() == b.Instance() {
		t.Fatalf("both write to %s as %s", a.Dir(), a.Instance())
	}
	add(t, a, 1)
	add(t, b, 2)
	first := a.Dir()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	if c.Dir() != first || len(left(t, c)) != 1 || left(t, c)[0].Settlement.Cost != 1 {
		t.Errorf("the next process found %v in %s", left(t, c), c.Dir())
	}
}

func TestATornRecordIsCutOff(t *testing.T) {
	for _, tail := range []string{"A", magic, magic + "\x10\x00\x00\x00", strings.Repeat("\x00", 300), "torn"} {
		dir := t.TempDir()
		s := open(t, dir)
		want := []Entry{add(t, s, 1), add(t, s, 2)}
		name := segmentWith(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(tail); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		s = open(t, dir)
		if d := cmp.Diff(want, left(t, s)); d != "" || len(s.Damage()) != 0 {
			t.Errorf("after %q: %v %s", tail, s.Damage(), d)
		}
	}
}

func segmentWith(t *testing.T, s *Spool) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.Dir(), "*.seg"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	return names[0]
}

func TestDamageInTheMiddleIsToldAndTheRestKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	want := []Entry{add(t, s, 1), add(t, s, 2), add(t, s, 3)}
	name := segmentWith(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	second := 1 + bytes.Index(b[1:], []byte(magic))
	b[second+header+5] ^= 4
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if d := cmp.Diff([]Entry{want[0], want[2]}, left(t, s)); d != "" {
		t.Error(d)
	}
	if len(s.Damage()) != 1 || !strings.Contains(s.Damage()[0].Error(), fmt.Sprintf("%s at offset %d", name, second)) {
		t.Errorf("damage is told as %v", s.Damage())
	}
	if aside, err := os.ReadFile(name + ".damaged"); err != nil || !bytes.Equal(aside, b) {
		t.Errorf("the file is not kept aside: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = open(t, dir); len(s.Damage()) != 0 || len(left(t, s)) != 2 {
		t.Errorf("a second start finds %v and %d entries", s.Damage(), len(left(t, s)))
	}
}

// disk fails when it is told to: nothing, half of a write, or the sync.
type disk struct {
	File
	mode *mode
}

type mode struct {
	mu   sync.Mutex
	fail string
}

func (m *mode) set(s string) { m.mu.Lock(); m.fail = s; m.mu.Unlock() }
func (m *mode) get() string  { m.mu.Lock(); defer m.mu.Unlock(); return m.fail }

func (d disk) Write(b []byte) (int, error) {
	if d.mode.get() == "write" {
		n, _ := d.File.Write(b[:len(b)/2])
		return n, syscall.ENOSPC
	}
	return d.File.Write(b)
}

func (d disk) Sync() error {
	if d.mode.get() == "sync" {
		return syscall.EIO
	}
	return d.File.Sync()
}

func TestADiskThatFails(t *testing.T) {
	for _, how := range []string{"write", "sync", "create"} {
		t.Run(how, func(t *testing.T) {
			dir, m := t.TempDir(), &mode{}
			s := open(t, dir, func(c *Config) {
				c.SegmentBytes = 1
				c.Create = func(path string) (File, error) {
					if m.get() == "create" {
						return nil, syscall.EROFS
					}
					f, err := create(path)
					return disk{f, m}, err
				}
			})
			want := []Entry{add(t, s, 1), add(t, s, 2)}
			m.set(how)
			seq, err := s.Append(t.Context(), entry(3))
			if err == nil || seq <= want[1].Seq || s.Refusal() == nil {
				t.Fatalf("sequence %d, error %v, refusal %v", seq, err, s.Refusal())
			}
			if s.Probe(t.Context()) == nil {
				t.Error("the probe found nothing wrong")
			}
			m.set("")
			if err := s.Probe(t.Context()); err != nil || s.Refusal() != nil {
				t.Fatalf("the spool stays refused: %v, %v", err, s.Refusal())
			}
			want = append(want, add(t, s, 4))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
			if d := cmp.Diff(want, left(t, s)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAFullSpoolRefusesNewWorkAndTakesWhatIsOwed(t *testing.T) {
	s := open(t, t.TempDir(), func(c *Config) { c.MaxBytes, c.SegmentBytes = 3000, 1000 })
	var all []Seq
	for n := range 20 {
		all = append(all, add(t, s, n).Seq)
	}
	if !errors.Is(s.Refusal(), ErrFull) || s.Bytes() < 3000 {
		t.Fatalf("%d bytes, refusal %v", s.Bytes(), s.Refusal())
	}
	if err := s.Confirm(all); err != nil {
		t.Fatal(err)
	}
	if s.Refusal() != nil || s.Pending() != 0 {
		t.Errorf("refusal %v with %d entries owed", s.Refusal(), s.Pending())
	}
}

// appendForEver prints the number of every entry that was acknowledged.
func appendForEver(dir string) {
	s, err := Open(Config{Dir: dir, MaxBytes: 1 << 30, SegmentBytes: 10_000})
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	for i := range 8 {
		go func() {
			for n := i; ; n += 8 {
				seq, err := s.Append(context.Background(), entry(n))
				mu.Lock()
				if err == nil {
					_, _ = fmt.Fprintf(os.Stdout, "%d %d\n", seq, n)
				}
				mu.Unlock()
			}
		}()
	}
	select {}
}

func TestWhatWasAcknowledgedSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := make(map[Seq]int)
	for round := range 4 {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), childDir+"="+dir)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			var seq Seq
			var cost int
			if _, err := fmt.Sscan(lines.Text(), &seq, &cost); err != nil {
				continue // the last line may be cut
			}
			if _, twice := acknowledged[seq]; twice {
				t.Fatalf("sequence %d was given twice", seq)
			}
			acknowledged[seq] = cost
			if n == 100+37*round {
				if err := c.Process.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = c.Wait()
	}
	s := open(t, dir)
	if len(s.Damage()) > 0 {
		t.Error(s.Damage())
	}
	found := make(map[Seq]alfred.Credits)
	for _, e := range left(t, s) {
		found[e.Seq] = e.Settlement.Cost
	}
	for seq, cost := range acknowledged {
		if found[seq] != alfred.Credits(cost) {
			t.Errorf("entry %d was acknowledged with %d, found is %d", seq, cost, found[seq])
		}
	}
	t.Logf("%d entries acknowledged over 4 kills, %d found", len(acknowledged), len(found))
}

// FuzzScan reads a segment that was cut and changed: it must not panic, and
// must yield only entries that were written, in their order.
func FuzzScan(f *testing.F) {
	var whole []byte
	var wrote []string
	for n := range 4 {
		e := entry(n)
		e.Seq = Seq(n + 1)
		whole = encodeEntry(whole, e)
		wrote = append(wrote, fmt.Sprint(e))
	}
	f.Add(len(whole), 0, byte(0), 3, byte(0))
	f.Add(len(whole)-1, 30, byte(1), 400, byte(128))
	f.Add(100, 4, byte(255), 5, byte(3))
	f.Fuzz(func(t *testing.T, size, at int, flip byte, at2 int, flip2 byte) {
		if size < 0 || size > len(whole) {
			return
		}
		b := bytes.Clone(whole[:size])
		for i, p := range []int{at, at2} {
			if p >= 0 && p < len(b) {
				b[p] ^= []byte{flip, flip2}[i]
			}
		}
		from := 0
		scan(b, func(e Entry) bool {
			i := slices.Index(wrote[from:], fmt.Sprint(e))
			if i < 0 {
				t.Fatalf("an entry that was never written: %+v", e)
			}
			from += i + 1
			return true
		})
	})
}

func FuzzScanAnything(f *testing.F) {
	f.Add([]byte(magic + "\x02\x00\x00\x00aaaabbbbbbbb{}"))
	f.Fuzz(func(_ *testing.T, b []byte) { scan(b, func(Entry) bool { return true }) })
}

func BenchmarkSpoolAppend(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := open(b, b.TempDir(), func(c *Config) { c.MaxBytes = 1 << 40 })
			var wg sync.WaitGroup
			work := make(chan struct{})
			for range callers {
				wg.Go(func() {
					for range work {
						if _, err := s.Append(context.Background(), entry(1)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			wg.Wait()
		})
	}
}
