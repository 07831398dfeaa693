//go:build !ui

package web

import "io/fs"

// embedded is nothing: this program was built without the tag ui.
func embedded() fs.FS { return nil }
