package alfred

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
)

// Identifiers are prefixed ULIDs: sortable by time of birth, unguessable
// enough to be shown, and recognisable in a log.
type (
	OrgID        string // org_…
	DepartmentID string // dep_…
	TeamID       string // team_…
	UserID       string // usr_…
	KeyID        string // key_…
	ProjectID    string // prj_…
	HoldID       string // hold_…, the reservation of one request
	DecisionID   string // dec_…
	RequestID    string // req_…
	AdjustmentID string // adj_…
	MoveID       string // mov_…, a group of adjustments that sum to zero
	TransferID   string // trf_…
)

// crockford is the alphabet of ULIDs (github.com/ulid/spec).
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ULID returns a 26 character ULID: 48 bits of now in milliseconds, then 80
// bits from entropy, which is crypto/rand.Reader outside tests.
func ULID(now time.Time, entropy io.Reader) (string, error) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	if _, err := io.ReadFull(entropy, b[6:]); err != nil {
		return "", fmt.Errorf("read entropy for an id: %w", err)
	}
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var out [26]byte
	for i := 25; i >= 0; i-- {
		out[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:]), nil
}

// NewID returns prefix_ULID, as in NewID("usr", now, rand.Reader).
func NewID(prefix string, now time.Time, entropy io.Reader) (string, error) {
	u, err := ULID(now, entropy)
	if err != nil {
		return "", err
	}
	return prefix + "_" + u, nil
}

// BornAt is the time that an identifier carries, to the millisecond.
func BornAt(id string) (time.Time, bool) {
	_, u, ok := strings.Cut(id, "_")
	if !ok || len(u) != 26 {
		return time.Time{}, false
	}
	var ms int64
	for i := range 10 {
		at := strings.IndexByte(crockford, u[i])
		if at < 0 {
			return time.Time{}, false
		}
		ms = ms<<5 | int64(at)
	}
	return time.UnixMilli(ms).UTC(), true
}

// ValidID says whether s is prefix_ULID.
func ValidID(prefix, s string) bool {
	u, ok := strings.CutPrefix(s, prefix+"_")
	if !ok || len(u) != 26 || u[0] > '7' {
		return false
	}
	for i := range len(u) {
		if strings.IndexByte(crockford, u[i]) < 0 {
			return false
		}
	}
	return true
}
