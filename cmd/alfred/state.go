package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// state is the folder that `alfred up` keeps everything in: bin (downloads), data, run, logs and secret.key.
type state struct{ home string }

func openState() (state, error) {
	home, err := parts.Home()
	if err != nil {
		return state{}, err
	}
	s := state{home}
	for _, dir := range []string{"data", "run", "logs"} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			return state{}, fmt.Errorf("make the state folder: %w", err)
		}
	}
	return s, nil
}

func (s state) path(elements ...string) string {
	return filepath.Join(append([]string{s.home}, elements...)...)
}

func (s state) log(name string) string { return s.path("logs", name+".log") }

// secretKey is the file with the key that API keys are hashed with, made once.
func (s state) secretKey() (path string, err error) {
	path = s.path("secret.key")
	return path, s.once(path, 32)
}

// once writes n random bytes in hex to path, readable by this user alone, unless the file is there already.
func (s state) once(path string, n int) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	secret := make([]byte, n)
	_, _ = rand.Read(secret) // never fails
	if _, err := fmt.Fprintln(f, hex.EncodeToString(secret)); err != nil {
		_ = f.Close()
		return fmt.Errorf("make %s: %w", path, err)
	}
	return f.Close()
}

// socket is a path for a unix socket: in the run folder, or, where that is longer than the kernel allows, in a short folder of
// this user's under the system's temporary one.
func (s state) socket(name string) (string, error) {
	path := s.path("run", name)
	if len(path) <= 107 {
		return path, nil
	}
	sum := sha256.Sum256([]byte(s.home))
	dir := filepath.Join("/tmp", fmt.Sprintf("alfred-%d-%s", os.Geteuid(), hex.EncodeToString(sum[:4]))) // removed when the run ends
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a folder for %s: %w", name, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("make a folder for %s: %w", name, err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(stat.Uid) != os.Geteuid() || info.Mode().Perm() != 0o700 {
		return "", fmt.Errorf("%s exists and is not ours alone: remove it", dir)
	}
	return filepath.Join(dir, name), nil
}

// leave removes the short folder of the sockets, when there is one.
func (s state) leave() {
	if path, err := s.socket("any"); err == nil && filepath.Dir(path) != s.path("run") {
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

// errRunning says that another `alfred up` has this state folder.
var errRunning = errors.New("alfred is running on this state folder already: `alfred down` (make down) stops it")

// claim takes the state folder for this process until the returned function is called. The kernel holds the claim, so a crash
// gives it up.
func (s state) claim() (release func(), err error) {
	f, err := os.OpenFile(s.path("run", "alfred.pid"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("claim the state folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, errRunning
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("claim the state folder: %w", err)
	}
	return func() { _ = f.Close() }, nil
}

// stop asks the process that has the state folder to end, and waits for it. It reports whether there was one.
func (s state) stop(limit time.Duration) (was bool, err error) {
	release, err := s.claim()
	if err == nil {
		release()
		return false, nil
	}
	if !errors.Is(err, errRunning) {
		return false, err
	}
	text, err := os.ReadFile(s.path("run", "alfred.pid"))
	if err != nil {
		return true, fmt.Errorf("find the running alfred: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return true, fmt.Errorf("find the running alfred: %s holds %q", s.path("run", "alfred.pid"), text)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return true, fmt.Errorf("stop process %d: %w", pid, err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); <-tick.C {
		if release, err := s.claim(); err == nil {
			release()
			return true, nil
		}
	}
	return true, fmt.Errorf("process %d has not ended after %s", pid, limit)
}

// forget deletes the data, the logs and what a run left. Downloads and the secret key stay.
func (s state) forget() error {
	// Postgres may have had to live elsewhere; its folder says where.
	if text, err := os.ReadFile(s.path("data", "postgres", "location")); err == nil {
		at := strings.TrimSpace(string(text))
		if !strings.HasPrefix(filepath.Base(at), "alfred-") {
			return fmt.Errorf("delete the data: %s is not a folder of Alfred's", at)
		}
		if err := os.RemoveAll(at); err != nil {
			return fmt.Errorf("delete the data: %w", err)
		}
	}
	for _, dir := range []string{"data", "logs", "run"} {
		if err := os.RemoveAll(s.path(dir)); err != nil {
			return fmt.Errorf("delete the data: %w", err)
		}
	}
	return nil
}
