package parts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// EmbeddedDSN is the address of the database that StartPostgres has made in
// dir, as it is while it runs on port. It fails when there is none.
func EmbeddedDSN(dir string, port int) (string, error) {
	root := dir
	elsewhere, err := os.ReadFile(filepath.Join(dir, "location"))
	switch {
	case err == nil:
		root = strings.TrimSpace(string(elsewhere))
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("find the database: %w", err)
	}
	password, err := os.ReadFile(filepath.Join(root, "password"))
	if err != nil {
		return "", fmt.Errorf("no database was ever made here: %w", err)
	}
	p := PostgresServer{config: PostgresConfig{Port: port}, password: strings.TrimSpace(string(password))}
	return p.DSN(), nil
}
