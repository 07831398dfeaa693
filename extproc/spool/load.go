package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// load reads what an earlier process left.
func (s *Spool) load() error {
	if err := s.identify(); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(s.dir, "*.seg"))
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		first, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(name), ".seg"), 10, 64)
		if err != nil {
			continue // not ours
		}
		if err := s.loadSegment(Seq(first)); err != nil {
			return err
		}
	}
	s.removeOrphans()
	s.next += gap
	if _, err := s.rotate(s.next); err != nil {
		// The process starts all the same, says so and takes nothing on.
		_ = s.fail(err)
		s.segments[s.next], s.newest = &segment{first: s.next}, s.next
	}
	s.next++
	for _, g := range s.segments {
		if g.pending == 0 && g.first != s.newest {
			s.drop(g)
		}
	}
	return nil
}

func (s *Spool) loadSegment(first Seq) error {
	path := s.path(first, ".seg")
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	confirmed, err := readDone(s.path(first, ".done"))
	if err != nil {
		return err
	}
	g := &segment{first: first, size: int64(len(b))}
	s.segments[first], s.newest, s.next = g, first, max(s.next, first)
	var kept []byte
	bad := scan(b, func(e Entry) bool {
		s.next = max(s.next, e.Seq)
		if s.of[e.Seq] == nil && !confirmed[e.Seq] {
			s.of[e.Seq] = g
			g.pending++
		}
		return true
	})
	switch {
	case len(bad) == 1 && bad[0].torn:
		s.config.Log.Warn("a record that was never acknowledged is cut off the spool", "file", path, "offset", bad[0].offset, "reason", bad[0].why)
		if err := os.Truncate(path, int64(bad[0].offset)); err != nil {
			return err
		}
		g.size = int64(bad[0].offset)
	case len(bad) > 0:
		for _, d := range bad {
			err := fmt.Errorf("the spool is damaged: %s at offset %d: %s", path, d.offset, d.why)
			s.damages = append(s.damages, err)
			s.config.Log.Error("the spool is damaged; what can be read is kept", "file", path, "offset", d.offset, "reason", d.why, "kept_aside", path+".damaged")
		}
		scan(b, func(e Entry) bool {
			kept = encodeEntry(kept, e)
			return true
		})
		if err := os.Link(path, path+".damaged"); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := replace(path, kept); err != nil {
			return err
		}
		g.size = int64(len(kept))
	}
	s.bytes += g.size
	return nil
}

// removeOrphans removes lists of segments that are gone.
func (s *Spool) removeOrphans() {
	names, _ := filepath.Glob(filepath.Join(s.dir, "*.done")) // the pattern is well-formed
	for _, name := range names {
		if _, err := os.Stat(strings.TrimSuffix(name, ".done") + ".seg"); errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(name)
		}
	}
}

// doneSize is a sequence and its checksum.
const doneSize = 8 + 4

// readDone reads a list of confirmed entries. What cannot be read is taken as
// not confirmed: to send an entry again does no harm.
func readDone(path string) (map[Seq]bool, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	confirmed := make(map[Seq]bool, len(b)/doneSize)
	for ; len(b) >= doneSize; b = b[doneSize:] {
		if crc32.Checksum(b[:8], castagnoli) == binary.LittleEndian.Uint32(b[8:]) {
			confirmed[Seq(binary.LittleEndian.Uint64(b))] = true
		}
	}
	return confirmed, nil
}
