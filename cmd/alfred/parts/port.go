package parts

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on, and that no other call of this user's returns as long as this
// process lives. It is below the range that the kernel takes outgoing connections from, so that none of them is in its way later.
func FreePort() (int, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("alfred-ports-%d", os.Geteuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	const low, high = 20_000, 32_000
	start := rand.IntN(high - low) //nolint:gosec // G404: spread, not secrecy
	for i := range high - low {
		port := low + (start+i)%(high-low)
		if claimPort(filepath.Join(dir, strconv.Itoa(port))) && canListen(port) {
			return port, nil
		}
	}
	return 0, errors.New("find a free port: none is left")
}

// claimPort locks the port's file. The descriptor stays open on purpose: the kernel lets go of it when this process ends.
func claimPort(file string) bool {
	fd, err := syscall.Open(file, syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return false
	}
	if err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = syscall.Close(fd)
		return false
	}
	return true
}

func canListen(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}
