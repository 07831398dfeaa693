package postgres

import (
	"context"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Schema says which migration the database has had last, and which is the last
// that this program knows. It changes nothing, and fails where nothing was
// ever migrated.
func (s *Store) Schema(ctx context.Context) (have, want int64, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			want = max(want, n)
		}
	}
	err = s.conn(ctx).QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&have)
	return have, want, failed(err, "read the version of the schema")
}
