package spool

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Config says where a spool lies and how large it may get.
type Config struct {
	Dir          string
	MaxBytes     int64 // above it new work is to be refused; what is owed is still taken
	SegmentBytes int64 // 0: a sixteenth of MaxBytes, at most 4 MiB
	Log          *slog.Logger
	Create       func(path string) (File, error) // makes a segment; nil: on the disk
}

// File is what a segment needs of a file.
type File interface {
	Write(b []byte) (int, error)
	Sync() error
	Truncate(size int64) error
	Close() error
}

const (
	slots = 64 // processes that may share one folder
	// gap is left in the sequence at every start: numbers that were given to
	// entries that could not be written are never given again.
	gap = 1 << 20
)

// Spool is one process's part of the folder. It is safe for concurrent use.
type Spool struct {
	config   Config
	dir      string // the slot
	lock     *os.File
	instance string
	damages  []error

	confirming sync.Mutex // held over the disk of a confirmation; taken before mu

	mu       sync.Mutex
	next     Seq
	queue    []*addition
	wake     chan struct{}
	closed   bool
	failure  error
	segments map[Seq]*segment // by the sequence in their names
	newest   Seq
	of       map[Seq]*segment // of every entry that is not confirmed
	bytes    int64

	file File // of the newest segment; nil after a failure. It belongs to the writer
	done chan struct{}
}

// segment is one file. It is deleted when nothing in it is pending.
type segment struct {
	first   Seq
	size    int64
	pending int
}

// addition is a record that waits to be written.
type addition struct {
	seq     Seq
	payload []byte
	done    chan error
}

// Open takes a part of the folder that no living process has, reads what was
// left in it and starts to write. Damage is logged and kept in Damage; only a
// folder that cannot be used at all is an error.
func Open(c Config) (*Spool, error) {
	s := prepare(c)
	if err := s.take(); err != nil {
		return nil, fmt.Errorf("open the spool %s: %w", c.Dir, err)
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, nil
}

func prepare(c Config) *Spool {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.SegmentBytes <= 0 {
		c.SegmentBytes = max(1, min(4<<20, c.MaxBytes/16))
	}
	if c.Create == nil {
		c.Create = create
	}
	return &Spool{config: c, wake: make(chan struct{}, 1), segments: make(map[Seq]*segment), of: make(map[Seq]*segment), done: make(chan struct{})}
}

// start reads the slot that was taken and begins to write.
func (s *Spool) start() error {
	if err := s.load(); err != nil {
		return errors.Join(fmt.Errorf("open the spool %s: %w", s.dir, err), s.lock.Close())
	}
	go s.write()
	return nil
}

func create(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return f, syncDir(filepath.Dir(path))
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// take locks the first slot that is free. Locks end with their process.
func (s *Spool) take() error {
	for i := range slots {
		s.dir = filepath.Join(s.config.Dir, strconv.Itoa(i))
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return err
		}
		if free, err := s.tryTake(); free || err != nil {
			return err
		}
	}
	return fmt.Errorf("%d processes use it: give this one a folder of its own", slots)
}

// tryTake locks the slot, unless a living process has it.
func (s *Spool) tryTake() (bool, error) {
	lock, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, err
	}
	free, err := tryLock(lock)
	if free {
		s.lock = lock
		return true, nil
	}
	return false, errors.Join(err, lock.Close())
}

// Instance names this part of the folder, for as long as it exists.
func (s *Spool) Instance() string { return s.instance }

// Dir is this process's part of the folder.
func (s *Spool) Dir() string { return s.dir }

// Damage is what could not be read at the start, by file and offset.
func (s *Spool) Damage() []error { return s.damages }

// Bytes is what lies on the disk.
func (s *Spool) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// Pending counts the entries that are not confirmed.
func (s *Spool) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.of)
}

// Errors of Refusal.
var (
	ErrFull   = errors.New("the spool is full: the record confirms too little")
	ErrClosed = errors.New("the spool is closed")
)

// Refusal says why no new work should be taken on: the spool is full, or it
// cannot be written. It is nil when all is well.
func (s *Spool) Refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failure != nil:
		return s.failure
	case s.bytes >= s.config.MaxBytes:
		return ErrFull
	}
	return nil
}

// Append returns when the entry is durable. An entry is taken however full the
// spool is: what is owed is never refused. Its number is valid even with an
// error, which says that the entry may not survive this process.
func (s *Spool) Append(ctx context.Context, e Entry) (Seq, error) {
	payload, err := json.Marshal(e)
	if err == nil && len(payload) > maxRecord {
		err = fmt.Errorf("an entry of %d bytes", len(payload))
	}
	if err != nil {
		return 0, fmt.Errorf("spool %s: %w", e.Settlement.Record.Hold, err)
	}
	seq, err := s.enqueue(ctx, payload)
	if err != nil {
		return seq, fmt.Errorf("spool %s: %w", e.Settlement.Record.Hold, err)
	}
	return seq, nil
}

// Probe writes a record that says nothing, so that a spool that could not be
// written finds out that it can be again.
func (s *Spool) Probe(ctx context.Context) error {
	_, err := s.enqueue(ctx, nil)
	return err
}

func (s *Spool) enqueue(ctx context.Context, payload []byte) (Seq, error) {
	a := &addition{payload: payload, done: make(chan error, 1)}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return 0, ErrClosed
	}
	a.seq = s.next
	s.next++
	s.queue = append(s.queue, a)
	s.mu.Unlock()
	s.poke()
	select {
	case err := <-a.done:
		return a.seq, err
	case <-ctx.Done():
		return a.seq, ctx.Err()
	}
}

func (s *Spool) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close writes what was appended and gives the folder free.
func (s *Spool) Close() error {
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		return nil
	}
	s.poke()
	<-s.done
	var err error
	if s.file != nil {
		err = s.file.Close()
	}
	return errors.Join(err, s.lock.Close())
}

// write is the only writer: it takes everything that waits, writes it in one
// piece, syncs once and answers all. What arrives meanwhile is the next piece.
func (s *Spool) write() {
	defer close(s.done)
	var buffer []byte
	for range s.wake {
		s.mu.Lock()
		batch, closed := s.queue, s.closed
		s.queue = nil
		s.mu.Unlock()
		if len(batch) > 0 {
			buffer = buffer[:0]
			for _, a := range batch {
				buffer = encode(buffer, a.seq, a.payload)
			}
			err := s.commit(buffer, batch)
			for _, a := range batch {
				a.done <- err
			}
			if cap(buffer) > 1<<20 {
				buffer = nil
			}
		}
		if closed {
			return
		}
	}
}

// commit makes a batch durable. After a failure the segment is cut back to
// what it was and never written again: what a failed sync left is unknown.
func (s *Spool) commit(b []byte, batch []*addition) error {
	s.mu.Lock()
	seg := s.segments[s.newest]
	rotate := s.file == nil || seg.size >= s.config.SegmentBytes
	s.mu.Unlock()
	var err error
	if rotate {
		if seg, err = s.rotate(batch[0].seq); err != nil {
			return s.fail(err)
		}
	}
	size := seg.size
	if _, err = s.file.Write(b); err == nil && mutant != "no_sync" {
		err = s.file.Sync()
	}
	if err != nil {
		err = errors.Join(err, s.file.Truncate(size), s.file.Close())
		s.file = nil
		return s.fail(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = nil
	seg.size += int64(len(b))
	s.bytes += int64(len(b))
	for _, a := range batch {
		if len(a.payload) > 0 {
			s.of[a.seq] = seg
			seg.pending++
		}
	}
	return nil
}

func (s *Spool) fail(err error) error {
	err = fmt.Errorf("write the spool: %w", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
	return err
}

// rotate begins a segment and drops the one before if nothing in it is owed.
func (s *Spool) rotate(first Seq) (*segment, error) {
	if s.file != nil {
		err := s.file.Close()
		s.file = nil
		if err != nil {
			return nil, err
		}
	}
	path := s.path(first, ".seg")
	f, err := s.config.Create(path)
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		_ = os.Remove(path) // the name may be there although its making failed
		return nil, err
	}
	s.file = f
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.segments[s.newest]
	seg := &segment{first: first}
	s.segments[first], s.newest = seg, first
	if old != nil && old.pending == 0 {
		s.drop(old)
	}
	return seg, nil
}

func (s *Spool) path(first Seq, suffix string) string {
	return filepath.Join(s.dir, fmt.Sprintf("%020d%s", first, suffix))
}

// drop deletes a segment. The caller holds the lock.
func (s *Spool) drop(g *segment) {
	if err := os.Remove(s.path(g.first, ".seg")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.config.Log.Warn("a segment of the spool cannot be deleted", "error", err)
		return // tried again at the next start
	}
	_ = os.Remove(s.path(g.first, ".done")) // removed at the next start otherwise
	delete(s.segments, g.first)
	s.bytes -= g.size
}

func (s *Spool) identify() error {
	path := filepath.Join(s.dir, "instance")
	b, err := os.ReadFile(path)
	if name := strings.TrimSpace(string(b)); err == nil && name != "" {
		s.instance = name
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.instance = rand.Text()
	return replace(path, []byte(s.instance+"\n"))
}

// replace writes a file whole or not at all.
func replace(path string, b []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
