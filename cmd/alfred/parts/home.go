package parts

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Home is the state folder: $ALFRED_HOME, else `.alfred` in the checkout, else `.alfred` in the working directory.
func Home() (string, error) {
	if dir := os.Getenv("ALFRED_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the state folder: %w", err)
	}
	if dir := above(start); dir != "" {
		return filepath.Join(dir, ".alfred"), nil
	}
	return filepath.Join(start, ".alfred"), nil
}

// Checkout is the folder of Alfred's sources: the one with a go.mod found upward from the working directory, else from this program; "" where
// there is none. It does not move with $ALFRED_HOME.
func Checkout() string {
	if start, err := os.Getwd(); err == nil {
		if dir := above(start); dir != "" {
			return dir
		}
	}
	if program, err := os.Executable(); err == nil {
		return above(filepath.Dir(program))
	}
	return ""
}

// above is the nearest folder with a go.mod from dir upward, "" where there is none.
func above(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
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
