package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Adopt opens a slot of the folder in which a process that has died left
// something that is owed, or returns nil when there is none. Whoever adopts it
// sends its entries, under the slot's own name, until all are confirmed, and
// closes it. A process that starts meanwhile takes another slot.
func Adopt(c Config) (*Spool, error) {
	for i := range slots {
		dir := filepath.Join(c.Dir, strconv.Itoa(i))
		left, err := somethingLeft(dir)
		if err != nil {
			return nil, fmt.Errorf("look for orphans in %s: %w", dir, err)
		}
		if !left {
			continue
		}
		s := prepare(c)
		s.dir = dir
		free, err := s.tryTake()
		if err != nil {
			return nil, fmt.Errorf("adopt the spool %s: %w", dir, err)
		}
		if !free {
			continue
		}
		if err := s.start(); err != nil {
			return nil, err
		}
		if s.Pending() > 0 {
			return s, nil
		}
		if err := s.Close(); err != nil {
			return nil, fmt.Errorf("leave the spool %s: %w", dir, err)
		}
	}
	return nil, nil
}

// Orphan adopts a slot of the same folder.
func (s *Spool) Orphan() (*Spool, error) { return Adopt(s.config) }

// somethingLeft says whether a slot has a segment that is not empty. Loading
// it takes away those in which nothing is owed.
func somethingLeft(dir string) (bool, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		if err == nil && info.Size() > 0 {
			return true, nil
		}
	}
	return false, nil
}
