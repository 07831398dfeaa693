package spool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"slices"
)

// Confirm forgets entries that the record has. It returns when that is
// durable; entries of an error are still owed. Numbers that are not owed are
// passed over. Appends do not wait for its disk.
func (s *Spool) Confirm(seqs []Seq) error {
	s.confirming.Lock()
	defer s.confirming.Unlock()
	groups := make(map[*segment][]Seq)
	lists := make(map[*segment]bool)
	s.mu.Lock()
	for _, seq := range slices.Compact(slices.Sorted(slices.Values(seqs))) {
		if g := s.of[seq]; g != nil {
			groups[g] = append(groups[g], seq)
		}
	}
	for g, of := range groups {
		// A segment that is owed nothing more needs no list, only to go.
		lists[g] = len(of) < g.pending || g.first == s.newest
	}
	s.mu.Unlock()
	var failed error
	for g, of := range groups {
		if lists[g] {
			if err := s.note(g, of); err != nil {
				failed = errors.Join(failed, fmt.Errorf("confirm %d entries of the spool: %w", len(of), err))
				continue
			}
		}
		s.forget(g, of)
	}
	return failed
}

func (s *Spool) forget(g *segment, seqs []Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seq := range seqs {
		delete(s.of, seq)
	}
	if g.pending -= len(seqs); g.pending == 0 && g.first != s.newest {
		s.drop(g)
	}
}

// note adds entries to the list of a segment.
func (s *Spool) note(g *segment, seqs []Seq) error {
	var b []byte
	for _, seq := range seqs {
		at := len(b)
		b = binary.LittleEndian.AppendUint64(b, uint64(seq))
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
	}
	f, err := os.OpenFile(s.path(g.first, ".done"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// A write that broke off must not shift what follows it.
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(b, info.Size()/doneSize*doneSize)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// Each calls send for every entry that was durable before and is not
// confirmed, in the order of the segments, until send returns false.
func (s *Spool) Each(send func(Entry) bool) error {
	s.mu.Lock()
	firsts := make([]Seq, 0, len(s.segments))
	for first, g := range s.segments {
		if g.pending > 0 {
			firsts = append(firsts, first)
		}
	}
	s.mu.Unlock()
	slices.Sort(firsts)
	more := true
	for _, first := range firsts {
		b, err := os.ReadFile(s.path(first, ".seg"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // confirmed meanwhile
		}
		if err != nil {
			return fmt.Errorf("read the spool: %w", err)
		}
		scan(b, func(e Entry) bool {
			s.mu.Lock()
			owed := s.of[e.Seq] != nil
			s.mu.Unlock()
			if owed {
				more = send(e)
			}
			return more
		})
		if !more {
			break
		}
	}
	return nil
}

func encodeEntry(to []byte, e Entry) []byte {
	payload, err := json.Marshal(e)
	if err != nil { // it was read from JSON
		return to
	}
	return encode(to, e.Seq, payload)
}
