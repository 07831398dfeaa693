//go:build ui

package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var built embed.FS

// embedded is the build that is in this program.
func embedded() fs.FS {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		return nil // only a malformed path does that
	}
	return files
}
