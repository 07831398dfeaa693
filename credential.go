package alfred

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// A secret is what a person sends as an API key: tp-, then random characters
// of base62, then a checksum that is keyed with the installation's pepper.
// Because of the checksum a random string is refused without asking a store.
const (
	secretMark     = "tp-"
	secretRandom   = 36 // characters of base62: 214 bits
	secretChecksum = 6  // characters of base62: one random string in 57 billion passes
	secretLength   = len(secretMark) + secretRandom + secretChecksum
)

// hashVersion stands before a hash, so that the way of hashing can change
// while old keys still work.
const hashVersion = "1:"

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewSecret makes an API key out of entropy, which is crypto/rand.Reader
// outside tests. It is shown once and never stored: stores keep HashSecret
// and SecretPrefix.
func NewSecret(entropy io.Reader, pepper []byte) (string, error) {
	var b strings.Builder
	b.WriteString(secretMark)
	var buf [1]byte
	for b.Len() < len(secretMark)+secretRandom {
		if _, err := io.ReadFull(entropy, buf[:]); err != nil {
			return "", fmt.Errorf("read entropy for a key: %w", err)
		}
		// Above the last multiple of 62 some characters would come up more often.
		if buf[0] < 248 {
			b.WriteByte(base62[buf[0]%62])
		}
	}
	return b.String() + checksum(b.String(), pepper), nil
}

// CheckSecret says whether s was made by NewSecret with this pepper. It says
// nothing of whether the key was ever issued or still works.
func CheckSecret(s string, pepper []byte) bool {
	if len(s) != secretLength || !strings.HasPrefix(s, secretMark) {
		return false
	}
	body := s[:secretLength-secretChecksum]
	return hmac.Equal([]byte(s[len(body):]), []byte(checksum(body, pepper)))
}

// HashSecret is what stores know of a key: a version, a colon and a keyed
// hash in hexadecimal.
func HashSecret(s string, pepper []byte) string {
	sum := keyed("alfred api key", s, pepper)
	return hashVersion + hex.EncodeToString(sum[:])
}

// SecretPrefix returns what a person needs to recognise a key: its first
// characters, mark included, and its last four. Both are empty for a string
// that is too short to be a key.
func SecretPrefix(s string) (prefix, last4 string) {
	if len(s) < secretLength {
		return "", ""
	}
	return s[:len(secretMark)+4], s[len(s)-4:]
}

func checksum(body string, pepper []byte) string {
	sum := keyed("alfred key checksum", body, pepper)
	n := binary.BigEndian.Uint64(sum[:8])
	var out [secretChecksum]byte
	for i := range out {
		out[i] = base62[n%62]
		n /= 62
	}
	return string(out[:])
}

// keyed is HMAC-SHA-256 over a purpose and a string, so that a checksum never
// says anything about a hash.
func keyed(purpose, s string, pepper []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, pepper)
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	h.Write([]byte(s))
	return [sha256.Size]byte(h.Sum(nil))
}
