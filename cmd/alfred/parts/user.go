package parts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// postgresUser is the uid that Postgres runs under: none (this process's own) for a plain user; as root, whom Postgres refuses,
// the account `postgres`, else `nobody`.
func postgresUser() (*User, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &User{Name: name, UID: uint32(uid), GID: uint32(gid)}, nil
	}
	return nil, errors.New("postgres does not run as root, and there is no account postgres or nobody to run it under")
}

// reachable reports whether u can walk to path: every folder above it that exists must let u through.
func reachable(path string, u *User) bool {
	if u == nil {
		return true
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil {
			stat, ok := info.Sys().(*syscall.Stat_t)
			through := info.Mode()&0o001 != 0 ||
				ok && stat.Uid == u.UID && info.Mode()&0o100 != 0 ||
				ok && stat.Gid == u.GID && info.Mode()&0o010 != 0
			if !through {
				return false
			}
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// standIn returns path when u can walk to it, and otherwise a folder that stands in for it under /var/tmp (which outlives a
// reboot), named after path, so that the same path always gets the same one. A checkout in /root is the usual reason.
func standIn(path string, u *User) (string, error) {
	if reachable(path, u) {
		return path, nil
	}
	base := "/var/tmp"
	if _, err := os.Stat(base); err != nil {
		base = os.TempDir()
	}
	sum := sha256.Sum256([]byte(path))
	dir := filepath.Join(base, "alfred-"+hex.EncodeToString(sum[:6]))
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("make a folder that %s can reach: %w", u.Name, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("make a folder that %s can reach: %w", u.Name, err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(stat.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s exists and is not ours: remove it", dir)
	}
	return dir, os.Chmod(dir, 0o755)
}
