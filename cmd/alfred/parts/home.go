package parts

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Home is the state folder: $ALFRED_HOME, else `.alfred` beside the go.mod found upward from the working directory, else
// `.alfred` in the working directory.
func Home() (string, error) {
	if dir := os.Getenv("ALFRED_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the state folder: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".alfred"), nil
		}
		if dir == filepath.Dir(dir) {
			return filepath.Join(start, ".alfred"), nil
		}
	}
}

// cache is where fetched parts are kept.
func cache() (string, error) {
	home, err := Home()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(home, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for downloads: %w", err)
	}
	return dir, nil
}

// lock holds dir's lock file until the returned function is called, waiting for another process that holds it.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the download lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("take the download lock: %w", err)
	}
	return func() { _ = f.Close() }, nil
}
