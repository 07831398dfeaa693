package web

import (
	"fmt"
	"io/fs"
	"os"
)

// checkout is where a build lies when a program is run in the repository.
const checkout = "admin/web/dist"

// Open finds the build: in dir when one is named, else in this program, else in the checkout around the working directory. Nil means
// that there is none, which is no error unless dir was named.
func Open(dir string) (fs.FS, error) {
	if dir != "" {
		files := os.DirFS(dir)
		if !complete(files) {
			return nil, fmt.Errorf("open the web app: %s has no index.html: run `make ui`, or leave ALFRED_UI_DIR unset", dir)
		}
		return files, nil
	}
	if files := embedded(); files != nil && complete(files) {
		return files, nil
	}
	if files := os.DirFS(checkout); complete(files) {
		return files, nil
	}
	return nil, nil
}

func complete(files fs.FS) bool {
	info, err := fs.Stat(files, "index.html")
	return err == nil && !info.IsDir()
}
