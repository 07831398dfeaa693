package alfred

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// Session is a browser that somebody signed in with a key. It stands for that
// key and works no longer than the key does.
type Session struct {
	Hash      string // HashSession of what the browser keeps
	Org       OrgID
	User      UserID
	Key       KeyID
	IP        string // that it was made from
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time // whatever happens
}

// Ends is when the session ends if nothing is asked with it any more.
func (s Session) Ends(idle time.Duration) time.Time {
	if end := s.SeenAt.Add(idle); end.Before(s.ExpiresAt) {
		return end
	}
	return s.ExpiresAt
}

// sessionBytes is the length of a session's token: 256 bits, which nobody
// guesses and which need no checksum.
const sessionBytes = 32

// NewSessionToken makes what a browser keeps, out of entropy, which is
// crypto/rand.Reader outside tests.
func NewSessionToken(entropy io.Reader) (string, error) {
	var b [sessionBytes]byte
	if _, err := io.ReadFull(entropy, b[:]); err != nil {
		return "", fmt.Errorf("read entropy for a session: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// HashSession is what stores know of a session's token.
func HashSession(token string, pepper []byte) string {
	sum := keyed("alfred session", token, pepper)
	return hashVersion + hex.EncodeToString(sum[:])
}
