package parts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// version is a server's major and minor number.
type version struct{ major, minor int }

func (v version) atLeast(w version) bool {
	return v.major > w.major || v.major == w.major && v.minor >= w.minor
}

func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

// versionOf runs `path --version` and reads the first submatch pair of pattern.
func versionOf(ctx context.Context, path string, pattern *regexp.Regexp) (version, error) {
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	if err != nil {
		return version{}, fmt.Errorf("ask %s for its version: %w: %s", path, err, lastLines(string(out), 2))
	}
	m := pattern.FindStringSubmatch(string(out))
	if m == nil {
		return version{}, fmt.Errorf("%s does not tell its version: %s", path, lastLines(string(out), 2))
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return version{major, minor}, nil
}

// Envoy returns the path of an Envoy 1.37 or newer: $ENVOY_PATH, PATH, an earlier fetch, or a fetch of EnvoyVersion now.
// An ENVOY_PATH that is too old is an error; an old Envoy on PATH is passed over, with a line that says so.
func Envoy(ctx context.Context, progress io.Writer) (string, error) {
	if path := os.Getenv("ENVOY_PATH"); path != "" {
		return EnvoyAt(ctx, path)
	}
	if path, err := exec.LookPath("envoy"); err == nil {
		found, err := EnvoyAt(ctx, path)
		if err == nil {
			return found, nil
		}
		say(progress, "not using %s: %v", path, err)
	}
	return envoyRelease().fetch(ctx, progress)
}

// EnvoyAt checks that path is an Envoy that is new enough, and returns it.
func EnvoyAt(ctx context.Context, path string) (string, error) {
	floor := version{1, 37}
	v, err := versionOf(ctx, path, regexp.MustCompile(`/(\d+)\.(\d+)\.\d+/`))
	if err != nil {
		return "", err
	}
	if !v.atLeast(floor) {
		return "", fmt.Errorf("envoy %s is older than %s", v, floor)
	}
	return path, nil
}

// Valkey returns the path of a Valkey 8 or newer: $VALKEY_PATH, PATH, an earlier fetch, or a fetch of ValkeyVersion now. It never
// returns a Redis.
func Valkey(ctx context.Context, progress io.Writer) (string, error) {
	floor, pattern := version{8, 0}, regexp.MustCompile(`(?i)valkey.* v=(\d+)\.(\d+)`)
	if path := os.Getenv("VALKEY_PATH"); path != "" {
		v, err := versionOf(ctx, path, pattern)
		if err != nil {
			return "", err
		}
		if !v.atLeast(floor) {
			return "", fmt.Errorf("VALKEY_PATH: valkey %s is older than %s", v, floor)
		}
		return path, nil
	}
	if path, err := exec.LookPath("valkey-server"); err == nil {
		v, err := versionOf(ctx, path, pattern)
		if err == nil && v.atLeast(floor) {
			return path, nil
		}
		say(progress, "not using %s: version %s, error %v", path, v, err)
	}
	return valkeyRelease().fetch(ctx, progress)
}

// Redis7 returns the path of a redis-server 7 or newer on PATH. As root on Debian it installs the package when it is missing,
// without starting the distribution's own service.
func Redis7(ctx context.Context, progress io.Writer) (string, error) {
	return distribution(ctx, progress, "redis-server", "about 2 MB", redisOnPath)
}

// Chromium is a browser for the web app's tests, installed like Redis7's server. ALFRED_CHROMIUM names another one.
func Chromium(ctx context.Context, progress io.Writer) (string, error) {
	return distribution(ctx, progress, "chromium", "about 300 MB on disk", chromiumOnPath)
}

func chromiumOnPath(context.Context) (string, error) {
	for _, name := range []string{os.Getenv("ALFRED_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && name != "" {
			return path, nil
		}
	}
	return "", errors.New("no Chromium on PATH: install it (Debian: apt-get install chromium), or name one in ALFRED_CHROMIUM")
}

// distribution returns what find finds. Root on a Debian machine has the package installed first when that is nothing.
func distribution(ctx context.Context, progress io.Writer, name, size string, find func(context.Context) (string, error)) (string, error) {
	path, err := find(ctx)
	if err == nil || os.Geteuid() != 0 {
		return path, err
	}
	if _, aptErr := exec.LookPath("apt-get"); aptErr != nil {
		return "", err
	}
	dir, err := cache()
	if err != nil {
		return "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	if path, err := find(ctx); err == nil {
		return path, nil
	}
	done := announce(progress, name+" from the distribution", size)
	for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", name}} {
		c := exec.CommandContext(ctx, "apt-get", args...)
		c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
		if out, err := c.CombinedOutput(); err != nil {
			return "", fmt.Errorf("apt-get %s: %w: %s", args[0], err, lastLines(string(out), 5))
		}
	}
	done()
	return find(ctx)
}

func redisOnPath(ctx context.Context) (string, error) {
	floor := version{7, 0}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return "", errors.New("no redis-server on PATH: install Redis 7 (Debian: apt-get install redis-server)")
	}
	v, err := versionOf(ctx, path, regexp.MustCompile(`v=(\d+)\.(\d+)`))
	if err != nil {
		return "", err
	}
	if !v.atLeast(floor) {
		return "", fmt.Errorf("%s is Redis %s, older than %s", path, v, floor)
	}
	return path, nil
}

// RedisServer returns a server that speaks Redis for `alfred up`: Valkey, else a Redis of the machine.
func RedisServer(ctx context.Context, progress io.Writer) (string, error) {
	path, err := Valkey(ctx, progress)
	if err == nil {
		return path, nil
	}
	path, redisErr := redisOnPath(ctx)
	if redisErr == nil {
		say(progress, "no Valkey (%v): using %s", err, path)
		return path, nil
	}
	return "", errors.Join(err, redisErr)
}

// Postgres returns the folder that holds initdb and postgres, version 15 or newer: $POSTGRES_BIN, the distribution's newest, PATH,
// an earlier fetch, or a fetch of PostgresVersion now.
func Postgres(ctx context.Context, progress io.Writer) (binDir string, err error) {
	return PostgresFor(ctx, "", progress)
}

// PostgresFor is Postgres, but when dir (a PostgresConfig.Dir) holds data already, a server of the same major version is preferred:
// a Postgres that was installed or upgraded since cannot read it.
func PostgresFor(ctx context.Context, dir string, progress io.Writer) (binDir string, err error) {
	if dir := os.Getenv("POSTGRES_BIN"); dir != "" {
		_, err := postgresIn(ctx, dir)
		return dir, err
	}
	made := madeBy(dir)
	for _, dir := range installedPostgres() {
		if v, err := postgresIn(ctx, dir); err == nil && (made == 0 || made == v.major) {
			return dir, nil
		}
	}
	return fetchPostgres(ctx, progress)
}

// madeBy is the major version of the data that a PostgresConfig.Dir holds, or 0.
func madeBy(dir string) int {
	if at, err := os.ReadFile(filepath.Join(dir, "location")); err == nil {
		dir = strings.TrimSpace(string(at))
	}
	text, err := os.ReadFile(filepath.Join(dir, "pgdata", "PG_VERSION"))
	if err != nil {
		return 0
	}
	made, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return made
}

// installedPostgres lists folders that may hold a Postgres of the machine, newest first.
func installedPostgres() []string {
	var dirs []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		found, _ := filepath.Glob(pattern)
		for i := len(found) - 1; i >= 0; i-- {
			dirs = append(dirs, found[i])
		}
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		dirs = append(dirs, filepath.Dir(path))
	}
	return dirs
}

func postgresIn(ctx context.Context, dir string) (version, error) {
	floor := version{15, 0}
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return version{}, fmt.Errorf("no initdb in %s: %w", dir, err)
	}
	v, err := versionOf(ctx, filepath.Join(dir, "postgres"), regexp.MustCompile(`PostgreSQL\) (\d+)\.?(\d*)`))
	if err != nil {
		return version{}, err
	}
	if !v.atLeast(floor) {
		return version{}, fmt.Errorf("%s is Postgres %s, older than %s", dir, v, floor)
	}
	return v, nil
}

func say(progress io.Writer, format string, args ...any) {
	if progress != nil {
		_, _ = fmt.Fprintln(progress, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}
