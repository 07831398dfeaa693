package parts

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
	"github.com/xi2/xz"
)

// fetchPostgres returns the bin folder of the embedded Postgres, downloading it first when it is not there. As root the
// distribution is kept where the account that runs it can read it.
func fetchPostgres(ctx context.Context, progress io.Writer) (binDir string, err error) {
	dir, err := cache()
	if err != nil {
		return "", err
	}
	owner, err := postgresUser()
	if err != nil {
		return "", err
	}
	if dir, err = standIn(dir, owner); err != nil {
		return "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	home := filepath.Join(dir, "postgres-"+PostgresVersion)
	binDir = filepath.Join(home, "bin")
	if _, err := os.Stat(filepath.Join(binDir, "postgres")); err == nil {
		return binDir, nil
	}
	want, ok := postgresArchives()[platform()]
	if !ok {
		return "", fmt.Errorf("no build of Postgres %s for %s can be fetched: install Postgres 15 or newer, or set DATABASE_URL", PostgresVersion, platform())
	}
	tmp, err := os.MkdirTemp(dir, ".fetch-")
	if err != nil {
		return "", fmt.Errorf("fetch Postgres: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	done := announce(progress, "Postgres "+PostgresVersion, "15 MB")
	archive, err := downloadPostgres(tmp)
	if err != nil {
		return "", fmt.Errorf("fetch Postgres: %w; or install Postgres 15 or newer, or set DATABASE_URL", err)
	}
	if err := verify(archive, want); err != nil {
		return "", fmt.Errorf("fetch Postgres: %w", err)
	}
	unpacked := filepath.Join(tmp, "unpacked")
	if err := untar(archive, unpacked); err != nil {
		return "", fmt.Errorf("unpack Postgres: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := os.Rename(unpacked, home); err != nil {
		return "", fmt.Errorf("keep Postgres: %w", err)
	}
	done()
	return binDir, nil
}

// downloadPostgres leaves the archive in tmp and returns its path. The library fetches, unpacks and starts in one call, and
// starting comes before anyone could have checked the archive; so it is told to unpack below a link that leads nowhere, where
// it stops.
func downloadPostgres(tmp string) (archive string, err error) {
	nowhere := filepath.Join(tmp, "nowhere")
	if err := os.Symlink(filepath.Join(tmp, "absent"), nowhere); err != nil {
		return "", err
	}
	port, err := FreePort()
	if err != nil {
		return "", err
	}
	cfg := embeddedpostgres.DefaultConfig().
		Version(PostgresVersion).
		Port(uint32(port)).
		CachePath(filepath.Join(tmp, "archive")).
		RuntimePath(filepath.Join(tmp, "runtime")).
		BinariesPath(filepath.Join(nowhere, "postgres")).
		Logger(io.Discard)
	stopped := embeddedpostgres.NewDatabase(cfg).Start()
	found, _ := filepath.Glob(filepath.Join(tmp, "archive", "*.txz"))
	if len(found) != 1 {
		return "", fmt.Errorf("no archive arrived: %w", stopped)
	}
	return found[0], nil
}

// untar unpacks a tar.xz below dir, readable for everyone.
func untar(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	x, err := xz.NewReader(f, 0)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for t := tar.NewReader(x); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return os.Chmod(dir, 0o755)
		}
		if err != nil {
			return err
		}
		if err := untarOne(t, h, dir); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func untarOne(t *tar.Reader, h *tar.Header, dir string) error {
	if !filepath.IsLocal(h.Name) {
		return errors.New("path leads outside")
	}
	target := filepath.Join(dir, h.Name) //nolint:gosec // G305: checked above
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(target, 0o755)
	case tar.TypeSymlink:
		if filepath.IsAbs(h.Linkname) || strings.Contains(h.Linkname, "..") {
			return errors.New("link leads outside")
		}
		return os.Symlink(h.Linkname, target)
	case tar.TypeReg:
		mode := h.FileInfo().Mode().Perm() | 0o444
		out, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, t); err != nil {
			_ = out.Close()
			return err
		}
		if err := out.Chmod(mode); err != nil {
			_ = out.Close()
			return err
		}
		return out.Close()
	}
	return nil
}
