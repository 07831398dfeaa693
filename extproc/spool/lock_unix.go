//go:build unix

package spool

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock of a slot, or says that a living process has it.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
